/**
 * What net.Socket is to a real backend: the other side of a connection of the virtual one, over its transports, with nothing of
 * the library's streams in between. As much of net.Socket as `Peer` uses.
 */
import type * as net from 'node:net'
import { Duplex } from 'node:stream'
import type { Backend, ListenerTransport, SocketAddress, StreamTransport } from '../../src/backends/contract/backend.ts'
import { currentFrame } from '../../src/kernel/context.ts'

/** The virtual backend of the running task; `undefined` on another one, and outside of every task. */
export function virtualBackendHere(): Backend | undefined {
  const host = currentFrame()?.task.run.host
  return host?.name === 'virtual' ? (host as Backend) : undefined
}

export function connectVirtual(backend: Backend, port: number, address = '127.0.0.1'): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const family = address.includes(':') ? 6 : 4
    backend.connectTcp({ address, port, family, noDelay: true, keepAlive: false }, (error, transport) => {
      if (error !== undefined) reject(error)
      else resolve(asSocket(transport as StreamTransport))
    })
  })
}

export function listenVirtual(
  backend: Backend,
  address: string,
  accepted: (socket: net.Socket) => void,
): Promise<ListenerTransport> {
  const options = { address, port: 0, backlog: 511, reusePort: false, noDelay: true, keepAlive: false }
  return new Promise((resolve, reject) => {
    backend.listenTcp(options, (error, listener) => {
      if (listener === undefined) return reject(error ?? new Error('no listener'))
      listener.sink = {
        accepted: (transport) => accepted(asSocket(transport)),
        acceptFailed: reject,
      }
      listener.accept(1000)
      resolve(listener)
    })
  })
}

function asSocket(transport: StreamTransport): net.Socket {
  return new VirtualSocket(transport) as unknown as net.Socket
}

class VirtualSocket extends Duplex {
  readonly localPort: number
  readonly remotePort: number
  readonly #transport: StreamTransport
  #sent: (() => void) | undefined

  constructor(transport: StreamTransport) {
    super({ allowHalfOpen: true, autoDestroy: true })
    this.#transport = transport
    this.localPort = (transport.localAddress as SocketAddress).port
    this.remotePort = (transport.remoteAddress as SocketAddress).port
    transport.sink = {
      received: (memory, start, end) => void this.push(Buffer.from(memory.subarray(start, end))),
      receivedEnd: () => void this.push(null),
      receiveFailed: (error) => void this.destroy(error),
      readable: () => {},
      sendSettled: (error) => (error === undefined ? this.#sent?.() : void this.destroy(error)),
    }
    // As Node's sockets do, whoever reads them or not: a reset is heard of.
    this.read(0)
  }

  resetAndDestroy(): this {
    this.#transport.reset()
    return this.destroy()
  }

  override _read(): void {
    this.#transport.receive(65_536)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#push(chunk, done)
  }

  override _final(done: () => void): void {
    this.#wait('shutdown', done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#transport.destroy()
    done(error)
  }

  #push(chunk: Buffer, done: () => void): void {
    const count = this.#transport.send(chunk)
    if (count < chunk.length) this.#wait('writable', () => this.#push(chunk.subarray(count), done))
    else this.#wait('flushed', done)
  }

  #wait(what: 'writable' | 'flushed' | 'shutdown', then: () => void): void {
    this.#sent = () => {
      this.#sent = undefined
      then()
    }
    this.#transport.waitSend(what)
  }
}
