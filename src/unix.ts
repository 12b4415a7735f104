/** UNIX sockets: `connectUnix`, `createUnixServer` and `createUnixDatagramSocket`. */

import type { Backend, DatagramTransport, ListenerTransport, StreamTransport, SystemError } from './backends/backend.ts'
import { DatagramEndpoint, UNIX_DATAGRAM_SOCKET } from './datagrams/endpoint.ts'
import { UNIXDatagramSocket } from './datagrams/unix-datagram-socket.ts'
import { rejected } from './kernel/operation.ts'
import { sleep } from './scopes.ts'
import { ask } from './streams/ask.ts'
import { formatAddress } from './streams/addresses.ts'
import { Connection } from './streams/connection.ts'
import { Listener, UNIX_SERVER } from './streams/listener.ts'
import { asOneOperation } from './streams/opening.ts'
import { CLOSE_TIMEOUT, type Origin, UNIX_STREAM } from './streams/origin.ts'
import { checkPath } from './streams/paths.ts'
import { SocketStreamServer } from './streams/socket-stream-server.ts'
import { SocketStream } from './streams/socket-stream.ts'
import { checkInteger, checkOptions, checkTime, optionNames } from './validate.ts'

/** Options of `createUnixServer`. */
export interface UNIXServerOptions {
  /** The permissions of the socket file, in force before anybody can connect: `0o600`. Default: what the umask leaves. */
  mode?: number | undefined
  /** How many connections may wait in the kernel to be accepted. Default 511. */
  backlog?: number | undefined
  /**
   * Milliseconds that bytes get to leave when `serve`, or the end of the run, closes a connection. Default 5,000. Within them a
   * connection of `serve` lingers; with 0 none does.
   */
  closeTimeout?: number | undefined
}

/** Options of `createUnixDatagramSocket`. */
export interface UNIXDatagramSocketOptions {
  /** The own end; without one nobody can answer. The file is made, replaced and removed as a server's is. */
  path?: string | Buffer | undefined
  /** Connects the socket to this path: it sends to and hears of nobody else. */
  remotePath?: string | Buffer | undefined
}

/**
 * Connects to a UNIX server; waits where as many clients as it lets are waiting to be accepted. Re-creates
 * `anyio.connect_unix`.
 *
 * @param path - at most 107 bytes; a `Buffer` is a path that need not be UTF-8, and a leading NUL makes an abstract name (both
 * on the `native` backend only, an abstract name on Linux only)
 * @throws the bare system error (`ENOENT`, `ECONNREFUSED`, `EACCES`…)
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
 * Listens at a path. Re-creates `anyio.create_unix_server`.
 *
 * A socket file that nobody listens at any more is replaced; the own one is removed when the server is closed.
 *
 * @param path - as for `connectUnix`
 * @throws the bare system error: `EADDRINUSE` where somebody listens at the path, or it is no socket; `ENOENT`, `EACCES`…
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
 * Opens a UNIX datagram socket. The counterpart of AnyIO 4's `create_unix_datagram_socket`.
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
 * Waits where the server's queue is full. A blocking `connect` would, but one that does not block is only told `EAGAIN`, and
 * nobody says when there is room: so it asks again and again, at growing intervals.
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
