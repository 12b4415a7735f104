/**
 * A listening socket. node:net accepts whatever comes, so a connection that was not asked for waits here, paused; on
 * `EMFILE` libuv closes the connection it could not take, and Node says so with an 'error' event.
 */
import * as net from 'node:net'
import { UnsupportedError } from '../../errors.ts'
import type { Abandon, Answer, ListenerSink, ListenerTransport, SocketAddress, TcpListenOptions } from '../backend.ts'
import { NodeStream, type SocketSetup } from './stream.ts'
import { soon } from './turn.ts'

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
    const text = `reusePort needs Node 22.12 on the node backend (this is ${process.versions.node}); the native backend has it everywhere`
    soon(() => give(new UnsupportedError(text)))
    return abandon
  }
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay, keepAlive })
  server.once('error', give)
  const place = address === undefined ? {} : { host: address, ipv6Only: address === '::' }
  const sharing = reusePort === true ? { reusePort } : {}
  // Not exclusive: in a cluster worker the primary's handle is shared.
  server.listen({ port, backlog, ...place, ...sharing }, () => {
    server.off('error', give)
    give(undefined, new NodeListener(server, { noDelay, keepAlive }))
  })
  return abandon
}

class NodeListener implements ListenerTransport {
  declare sink: ListenerSink
  readonly address: SocketAddress
  readonly #server: net.Server
  readonly #setup: SocketSetup
  #demand = 0
  readonly #waiting: net.Socket[] = []
  #closed = false

  constructor(server: net.Server, setup: SocketSetup) {
    this.#server = server
    this.#setup = setup
    const { address, port, family } = server.address() as net.AddressInfo
    this.address = { address, port, family: family === 'IPv6' ? 'IPv6' : 'IPv4' }
    server.on('connection', this.#onConnection).on('error', this.#onError)
  }

  accept(count: number): void {
    this.#demand = count
    if (count > 0 && this.#waiting.length > 0) soon(() => this.#deliver())
  }

  destroy(): void {
    if (this.#closed) return
    this.#closed = true
    this.#demand = 0
    this.#server.close()
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

  /** After a successful bind there are only failures to accept, and they pass. */
  readonly #onError = (error: Error): void => {
    if (!this.#closed) this.sink.acceptFailed(error, true)
  }

  #deliver(): void {
    while (this.#demand > 0 && this.#waiting.length > 0) {
      const socket = this.#waiting.shift() as net.Socket
      // It may be gone already: accepting survives that (`ECONNABORTED`).
      if (socket.destroyed) continue
      this.#demand--
      this.sink.accepted(new NodeStream(socket, this.#setup))
    }
  }
}

/** Node 22.12 and 23.1 brought the option; an older one would ignore it in silence. */
function hasReusePort(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12)
}

function unsupported(): UnsupportedError {
  return new UnsupportedError('node:net offers no options of a listening socket; the native backend does')
}

function ignore(): void {}
