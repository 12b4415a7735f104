/** UNIX sockets: `connectUnix`, `createUnixServer` and `createUnixDatagramSocket`. */

import type {
  Backend,
  DatagramTransport,
  ListenerTransport,
  StreamTransport,
  SystemError,
} from './backends/contract/backend.ts'
import { DatagramEndpoint, UNIX_DATAGRAM_SOCKET } from './datagrams/endpoint.ts'
import { UNIXDatagramSocket } from './datagrams/unix-datagram-socket.ts'
import { rejected } from './kernel/index.ts'
import { sleep } from './scopes.ts'
import { ask } from './common/ask.ts'
import { formatAddress } from './common/addresses.ts'
import { Connection } from './streams/connection.ts'
import { Listener, UNIX_SERVER } from './streams/listener.ts'
import { asOneOperation } from './common/opening.ts'
import { CLOSE_TIMEOUT, type Origin, UNIX_STREAM } from './common/origin.ts'
import { checkPath } from './common/paths.ts'
import { SocketStreamServer } from './streams/socket-stream-server.ts'
import { SocketStream } from './streams/socket-stream.ts'
import { checkInteger, checkOptions, checkTime, optionNames } from './common/validate.ts'

/** Options of `createUnixServer`. */
export interface UNIXServerOptions {
  /**
   * Permissions of the socket file, such as `0o600`, set before a client can connect. Default: those that the umask
   * leaves.
   */
  mode?: number | undefined
  /** Number of connections that may wait in the kernel to be accepted. Default 511. */
  backlog?: number | undefined
  /**
   * Milliseconds to send pending bytes when `serve`, or the end of the run, closes a connection. Default 5,000. A
   * connection of `serve` lingers within this time; with 0 none lingers.
   */
  closeTimeout?: number | undefined
}

/** Options of `createUnixDatagramSocket`. */
export interface UNIXDatagramSocketOptions {
  /** Local path. Without one, peers cannot answer. The file is created, replaced and removed like a server's. */
  path?: string | Buffer | undefined
  /** Connects the socket to this path: it sends to this peer only, and receives from it only. */
  remotePath?: string | Buffer | undefined
}

/**
 * Connects to a UNIX server. Waits while the server's backlog is full.
 *
 * @param path - at most 107 bytes. A `Buffer` is a path that need not be UTF-8; a leading NUL makes an abstract name.
 * Both work on the `native` backend only, an abstract name on Linux only.
 * @throws the bare system error (`ENOENT`, `ECONNREFUSED`, `EACCES`…)
 *
 * @example
 * ```ts
 * await using stream = await connectUnix('/run/app.sock')
 * await stream.sendAll('status\n')
 * const answer = await stream.receiveUntil('\n', 1_000)
 * ```
 */
export function connectUnix(path: string | Buffer): Promise<SocketStream<string>> {
  try {
    checkPath('path', path)
  } catch (error) {
    return rejected(error)
  }
  return asOneOperation('connectUnix', UNIX_STREAM, async ({ backend, frame, made }) => {
    const transport = await connect(backend, path)
    const connection = new Connection(transport, frame.task.run, originOf('client', CLOSE_TIMEOUT))
    return new SocketStream<string>(connection.registerWith(frame, made))
  })
}

/**
 * Listens for UNIX connections at a path. A stale socket file, which no process listens at, is replaced. The server
 * removes its file when it is closed.
 *
 * @param path - as for `connectUnix`
 * @throws the bare system error: `EADDRINUSE` when a process listens at the path, or the file is no socket; `ENOENT`,
 * `EACCES`…
 *
 * @example
 * ```ts
 * await using server = await createUnixServer('/run/app.sock', { mode: 0o600 })
 * await server.serve(async (stream) => {
 *   for await (const line of stream.receiveDelimitedChunks('\n', 1_000)) await stream.sendMany([line, '\n'])
 * })
 * ```
 */
export function createUnixServer(
  path: string | Buffer,
  options: UNIXServerOptions = {},
): Promise<SocketStreamServer<string>> {
  try {
    checkPath('path', path)
    checkServerOptions(options)
  } catch (error) {
    return rejected(error)
  }
  const { mode, backlog = 511, closeTimeout = CLOSE_TIMEOUT } = options
  return asOneOperation('createUnixServer', UNIX_SERVER, async ({ backend, frame, made }) => {
    const transport = await ask<ListenerTransport>(`listen at ${formatAddress(path)}`, (answer) =>
      backend.listenUnix({ path, mode, backlog }, answer),
    )
    const origin = originOf('server', closeTimeout)
    const listener = new Listener(transport, { origin, backend, frame, made, handshakes: undefined })
    return new SocketStreamServer<string>(listener)
  })
}

/**
 * Opens a UNIX datagram socket.
 *
 * @throws UnsupportedError on the `node` backend; the bare system error, as for `createUnixServer` and `connectUnix`
 */
export function createUnixDatagramSocket(options: UNIXDatagramSocketOptions = {}): Promise<UNIXDatagramSocket> {
  try {
    checkOptions('options', options, DATAGRAM_OPTIONS)
    if (options.path !== undefined) checkPath('options.path', options.path)
    if (options.remotePath !== undefined) checkPath('options.remotePath', options.remotePath)
  } catch (error) {
    return rejected(error)
  }
  const { path, remotePath } = options
  return asOneOperation('createUnixDatagramSocket', UNIX_DATAGRAM_SOCKET, async (opening) => {
    const transport = await ask<DatagramTransport>(`bind to ${formatAddress(path ?? '')}`, (answer) =>
      opening.backend.openUnixDatagram({ path, remotePath }, answer),
    )
    return new UNIXDatagramSocket(new DatagramEndpoint(transport, UNIX_DATAGRAM_SOCKET, opening))
  })
}

/**
 * Waits where the server's queue is full. A blocking `connect` would, but one that does not block is only told
 * `EAGAIN`, and the system does not report room: so it tries again, at growing intervals.
 */
async function connect(backend: Backend, path: string | Buffer): Promise<StreamTransport> {
  for (let pause = 1; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      return await ask<StreamTransport>(`connect to ${formatAddress(path)}`, (answer) =>
        backend.connectUnix(path, answer),
      )
    } catch (error) {
      if ((error as Partial<SystemError>).code !== 'EAGAIN') throw error
    }
    await sleep(pause)
  }
}

/** Milliseconds. */
const LONGEST_PAUSE = 64

function originOf(side: 'client' | 'server', closeTimeout: number): Origin {
  return { kind: UNIX_STREAM, side, closeTimeout, settings: undefined, hostname: undefined, standardCompatible: true }
}

function checkServerOptions(options: UNIXServerOptions): void {
  checkOptions('options', options, SERVER_OPTIONS)
  const { mode, backlog, closeTimeout } = options
  if (mode !== undefined) checkInteger('options.mode', mode, 0, 0o777)
  if (backlog !== undefined) checkInteger('options.backlog', backlog, 1, 2 ** 31 - 1)
  if (closeTimeout !== undefined) checkTime('options.closeTimeout', closeTimeout)
}

const SERVER_OPTIONS = optionNames<UNIXServerOptions>({ mode: true, backlog: true, closeTimeout: true })
const DATAGRAM_OPTIONS = optionNames<UNIXDatagramSocketOptions>({ path: true, remotePath: true })
