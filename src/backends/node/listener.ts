/**
 * A listener on node:net, which accepts every connection at once. A connection without demand waits here, paused. On
 * `EMFILE` libuv closes the connection that it could not accept, and Node emits 'error'.
 */
import * as net from 'node:net'
import { UnsupportedError } from '../../errors.ts'
import type {
  Abandon,
  Address,
  Answer,
  ListenerSink,
  ListenerTransport,
  StreamTransport,
  TcpListenOptions,
} from '../contract/backend.ts'
import { NodeStream } from './stream.ts'
import { soon } from '../shared/later.ts'

export function listen(options: TcpListenOptions, answer: Answer<ListenerTransport>): Abandon {
  const { address, port, backlog, reusePort, noDelay, keepAlive } = options
  let wanted = true
  const give: Answer<ListenerTransport> = (error, listener) => {
    if (wanted) answer(error, listener)
    else listener?.destroy()
  }
  const abandon = (): void => {
    wanted = false
  }
  if (reusePort === true && !hasReusePort()) {
    soon(() => give(noReusePort()))
    return abandon
  }
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay, keepAlive })
  server.once('error', give)
  const place = address === undefined ? {} : { host: address, ipv6Only: address === '::' }
  const sharing = reusePort === true ? { reusePort } : {}
  // Not exclusive, so that a cluster worker uses the primary's handle.
  server.listen({ port, backlog, ...place, ...sharing }, () => {
    server.off('error', give)
    const made = (socket: net.Socket): NodeStream => new NodeStream(socket, { noDelay, keepAlive })
    const { address: bound, port: chosen, family } = server.address() as net.AddressInfo
    const own: Address = { address: bound, port: chosen, family: family === 'IPv6' ? 'IPv6' : 'IPv4' }
    give(undefined, new NodeListener({ server, address: own, made, close: () => server.close() }))
  })
  return abandon
}

/** The parts of a listener. */
export interface Listening {
  readonly server: net.Server
  readonly address: Address
  /** Creates the transport of an accepted connection. */
  readonly made: (socket: net.Socket) => StreamTransport
  /** Closes the server, and removes its socket file. */
  readonly close: () => void
}

export class NodeListener implements ListenerTransport {
  declare sink: ListenerSink
  readonly address: Address
  readonly #listening: Listening
  #demand = 0
  readonly #waiting: net.Socket[] = []
  #closed = false

  constructor(listening: Listening) {
    this.#listening = listening
    this.address = listening.address
    listening.server.on('connection', this.#onConnection).on('error', this.#onError)
  }

  accept(count: number): void {
    this.#demand = count
    if (count > 0 && this.#waiting.length > 0) soon(() => this.#deliver())
  }

  destroy(): void {
    if (this.#closed) return
    this.#closed = true
    this.#demand = 0
    this.#listening.close()
    for (const socket of this.#waiting.splice(0)) socket.destroy()
  }

  getsockopt(): never {
    throw unsupported()
  }

  setsockopt(): never {
    throw unsupported()
  }

  readonly #onConnection = (socket: net.Socket): void => {
    socket.on('error', ignore)
    this.#waiting.push(socket)
    this.#deliver()
  }

  /** After a successful bind every error is a failed accept, and passes. */
  readonly #onError = (error: Error): void => {
    if (!this.#closed) this.sink.acceptFailed(error, true)
  }

  #deliver(): void {
    while (this.#demand > 0 && this.#waiting.length > 0) {
      const socket = this.#waiting.shift() as net.Socket
      // A connection may be gone already; accepting continues (SERVE-4).
      if (socket.destroyed) continue
      this.#demand--
      this.sink.accepted(this.#listening.made(socket))
    }
  }
}

/** Node 22.12 and 23.1 have the option, also in node:dgram. An older Node would ignore it without an error. */
export function hasReusePort(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12)
}

export function noReusePort(): UnsupportedError {
  const text = `reusePort needs Node 22.12 on the node backend (this is ${process.versions.node}); the native backend has it everywhere`
  return new UnsupportedError(text)
}

function unsupported(): UnsupportedError {
  return new UnsupportedError('node:net offers no options of a listening socket; the native backend does')
}

function ignore(): void {}
