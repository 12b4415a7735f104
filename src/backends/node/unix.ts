/**
 * UNIX streams and servers on node:net.
 *
 * This file adds to libuv: a stale socket file is replaced, the permissions are right before the first client can
 * connect, and only the server's own file is removed in the end.
 */
import * as fs from 'node:fs'
import * as net from 'node:net'
import { dirname, resolve } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import { UnsupportedError } from '../../errors.ts'
import type {
  Abandon,
  Answer,
  ListenerTransport,
  StreamTransport,
  SystemError,
  UnixListenOptions,
  UnixPath,
} from '../contract/backend.ts'
import { attempt } from './connect.ts'
import { systemError } from './errors.ts'
import { NodeListener } from './listener.ts'
import { NodeStream } from './stream.ts'
import { soon, soonUnlessAbandoned } from '../shared/later.ts'

export function connectUnix(path: UnixPath, answer: Answer<StreamTransport>): Abandon {
  let name: string
  try {
    name = pathText(path)
  } catch (error) {
    return refuse(error as Error, answer)
  }
  const ends = { local: '', remote: name }
  return attempt({ path: name }, (socket) => new NodeStream(socket, undefined, ends), answer)
}

export function listenUnix({ path, mode, backlog }: UnixListenOptions, answer: Answer<ListenerTransport>): Abandon {
  let name: string
  try {
    name = pathText(path)
    if (mode !== undefined && !isMainThread) throw noMode()
  } catch (error) {
    return refuse(error as Error, answer)
  }
  let wanted = true
  const give: Answer<ListenerTransport> = (error, listener) => {
    if (wanted) answer(error, listener)
    else listener?.destroy()
  }
  const bind = (failed: (error: SystemError) => void): void => {
    bindOnce(name, mode, backlog, failed, (server) => give(undefined, toListener(server, name)))
  }
  bind((error) => {
    if (error.code !== 'EADDRINUSE') return give(error)
    removeStale(name, (removed) => {
      if (!wanted) return
      if (removed) bind(give)
      else give(error)
    })
  })
  return () => {
    wanted = false
  }
}

/** A server's socket file. */
interface OwnFile {
  readonly path: string
  /** The absolute path, in case the process changes its folder. */
  readonly absolute: string
  readonly id: FileId | undefined
}

/** The identity of the file at a path. */
interface FileId {
  readonly dev: bigint
  readonly ino: bigint
}

function bindOnce(
  path: string,
  mode: number | undefined,
  backlog: number,
  failed: (error: SystemError) => void,
  bound: (server: net.Server) => void,
): void {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true })
  const onError = (error: Error): void => failed(plain(error as SystemError, path))
  server.once('error', onError)
  // Exclusive, so that a path belongs to one server in a cluster worker too.
  const listen = (): net.Server => server.listen({ path, backlog, exclusive: true })
  try {
    if (mode === undefined) listen()
    else withMode(path, mode, listen)
  } catch (error) {
    // The file was removed before it got its permissions.
    server.close()
    soon(() => failed(error as SystemError))
    return
  }
  server.once('listening', () => {
    server.off('error', onError)
    bound(server)
  })
}

/**
 * Gives the error the form of other sockets: no port, and `ENOENT` for a missing folder, which libuv calls `EACCES`.
 */
function plain(error: SystemError, path: string): SystemError {
  if (error.code === 'EACCES' && !fs.existsSync(dirname(path)))
    return systemError('ENOENT', 'listen', { address: path })
  delete error.port
  return error
}

/**
 * Listens with the permissions `mode`. node:net binds and listens in one call, so no client may be able to connect
 * before it returns. The umask removes the permissions that `mode` lacks. It belongs to the whole process, and other
 * threads may create files at the same time, so it is only ever made stricter.
 */
function withMode(path: string, mode: number, listen: () => net.Server): void {
  const umask = process.umask(0o777)
  let server: net.Server
  try {
    process.umask(umask | (0o777 & ~mode))
    server = listen()
  } finally {
    process.umask(umask)
  }
  // Otherwise it has failed, and the file belongs to another socket.
  if (server.listening) fs.chmodSync(path, mode)
}

function toListener(server: net.Server, path: string): NodeListener {
  const own: OwnFile = { path, absolute: resolve(path), id: fileAt(path) }
  const ends = { local: path, remote: '' }
  return new NodeListener({
    server,
    address: path,
    made: (socket) => new NodeStream(socket, undefined, ends),
    close: () => closeBeside(server, own),
  })
}

/** libuv removes the path with the server, whatever file is there. A successor's socket is moved out of its way. */
function closeBeside(server: net.Server, { path, absolute, id }: OwnFile): void {
  const there = fileAt(path)
  const aside = `${path}.${process.pid}`
  const moved = there !== undefined && !isSame(there, id) && succeeds(() => fs.renameSync(path, aside))
  server.close()
  if (moved) succeeds(() => fs.renameSync(aside, path))
  if (isSame(fileAt(absolute), id)) succeeds(() => fs.rmSync(absolute))
}

/** Removes a stale socket file. Other files stay, and so do sockets that answer in any way. */
function removeStale(path: string, done: (removed: boolean) => void): void {
  const found = fileAt(path)
  if (found === undefined) {
    // It is gone already.
    soon(() => done(true))
    return
  }
  if (!found.isSocket) {
    soon(() => done(false))
    return
  }
  const probe = net.connect({ path })
  probe.once('connect', () => {
    probe.destroy()
    done(false)
  })
  probe.once('error', (error: SystemError) => {
    const stale = error.code === 'ECONNREFUSED' && isSame(fileAt(path), found)
    done((stale && succeeds(() => fs.rmSync(path))) || error.code === 'ENOENT')
  })
}

function fileAt(path: string): (FileId & { readonly isSocket: boolean }) | undefined {
  try {
    const stats = fs.lstatSync(path, { bigint: true })
    return { dev: stats.dev, ino: stats.ino, isSocket: stats.isSocket() }
  } catch {
    return undefined
  }
}

/** A failure here (in a read-only folder) changes nothing, and the next step shows it. */
function succeeds(change: () => void): boolean {
  try {
    change()
    return true
  } catch {
    return false
  }
}

function isSame(a: FileId | undefined, b: FileId | undefined): boolean {
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino
}

function pathText(path: UnixPath): string {
  const text = path.toString()
  if (text.startsWith('\0')) {
    // Node pads them to the full length, so they differ from the names of other programs.
    throw new UnsupportedError('node:net has no abstract names of UNIX sockets; the native backend does')
  }
  if (typeof path !== 'string' && !Buffer.from(text).equals(path)) {
    throw new UnsupportedError('node:net takes only paths that are UTF-8; the native backend takes all')
  }
  return text
}

function noMode(): UnsupportedError {
  const text =
    'mode needs the umask, which a worker thread cannot set, on the node backend; the native backend has it everywhere'
  return new UnsupportedError(text)
}

/** Answers with an error, later. */
export function refuse(error: Error, answer: Answer<never>): Abandon {
  return soonUnlessAbandoned(() => answer(error))
}
