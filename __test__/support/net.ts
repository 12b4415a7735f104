/**
 * The other side of a connection, independent of what is tested: plain node:net, or for the virtual backend its transports
 * under the same face. And what a test of sockets must leave behind: no descriptor.
 */
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import * as net from 'node:net'
import type { ExecutionContext, TestFn } from 'ava'
import type { SocketAddress } from '../../src/backends/backend.ts'
import { connectTcp, createTcpServer } from '../../src/sockets.ts'
import type { SocketStream } from '../../src/streams/socket-stream.ts'
import { type BackendTest, eachBackend, realBackends, type TestBackend, testBackends } from './backends.ts'
import { connectVirtual, listenVirtual, virtualBackendHere } from './virtual-socket.ts'

/** One end of a connection, by node:net. */
export class Peer {
  readonly socket: net.Socket
  /** Received and not taken by `bytes` yet. */
  #received = Buffer.alloc(0)
  #changed = (): void => {}
  ended = false
  error: NodeJS.ErrnoException | undefined
  closed = false

  constructor(socket: net.Socket, reading = true) {
    this.socket = socket
    this.port = socket.localPort ?? 0
    socket.on('error', (error) => this.#note(() => (this.error = error)))
    socket.on('end', () => this.#note(() => (this.ended = true)))
    socket.on('close', () => this.#note(() => (this.closed = true)))
    if (reading) this.read()
  }

  /** Begins to read. A peer that was made not to is one that never reads. */
  read(): void {
    this.socket.on('data', (data) => this.#note(() => (this.#received = Buffer.concat([this.#received, data]))))
  }

  /** Resolves when the kernel has the bytes. */
  async write(data: string | Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) =>
      this.socket.write(data, (error) => (error ? reject(error) : resolve())),
    )
  }

  /** Its own port. Stays known when the socket is gone. */
  readonly port: number

  /** Half-closes. */
  async end(): Promise<void> {
    await new Promise<void>((resolve) => this.socket.end(() => resolve()))
  }

  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** The next `count` bytes. */
  async bytes(count: number): Promise<Buffer> {
    await this.until(() => this.#received.length >= count)
    const bytes = this.#received.subarray(0, count)
    this.#received = this.#received.subarray(count)
    return bytes
  }

  async text(count: number): Promise<string> {
    return (await this.bytes(count)).toString()
  }

  /** Everything up to the end of the data. */
  async rest(): Promise<Buffer> {
    await this.until(() => this.ended)
    return this.#received
  }

  /** Resolves when the peer has heard of the end, in whatever form. */
  async gone(): Promise<void> {
    await this.until(() => this.ended || this.closed || this.error !== undefined)
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.closed && !condition()) throw new Error(`the peer's socket is closed: ${String(this.error)}`)
      await new Promise<void>((resolve) => (this.#changed = resolve))
    }
  }

  #note(change: () => void): void {
    change()
    this.#changed()
  }
}

/** A server and, for each connection it gets, a `Peer`. */
export class PeerServer {
  readonly #waiting: Peer[] = []
  #arrived = (): void => {}
  #close = (): void => {}
  port = 0

  private constructor() {}

  /** Of node:net; in a task of the virtual backend, a virtual one. */
  static async listen(t: ExecutionContext, { host = '127.0.0.1', reading = true } = {}): Promise<PeerServer> {
    const peers = new PeerServer()
    const connected = (socket: net.Socket): void => {
      peers.#waiting.push(new Peer(socket, reading))
      peers.#arrived()
    }
    const backend = virtualBackendHere()
    if (backend === undefined) {
      const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: !reading }, connected)
      server.listen(0, host)
      await once(server, 'listening')
      peers.port = (server.address() as net.AddressInfo).port
      peers.#close = () => server.close()
      t.teardown(peers.#close)
    } else {
      const listener = await listenVirtual(backend, host, connected)
      peers.port = (listener.address as SocketAddress).port
      peers.#close = () => listener.destroy()
    }
    return peers
  }

  async peer(): Promise<Peer> {
    while (this.#waiting.length === 0) await new Promise<void>((resolve) => (this.#arrived = resolve))
    return this.#waiting.shift()!
  }

  close(): void {
    this.#close()
  }
}

/** Connects a `Peer` to a server of the library's. */
export async function peerTo(server: { readonly port: number }, host = '127.0.0.1'): Promise<Peer> {
  const backend = virtualBackendHere()
  if (backend !== undefined) return new Peer(await connectVirtual(backend, server.port, host))
  const socket = net.connect({ port: server.port, host, allowHalfOpen: true, autoSelectFamily: false })
  await once(socket, 'connect')
  return new Peer(socket)
}

/** A stream of the library's, connected to a `Peer`; both are gone after `body`. */
export async function withPeer(
  t: ExecutionContext,
  backend: TestBackend,
  body: (stream: SocketStream, peer: Peer) => unknown,
  { reading = true } = {},
): Promise<void> {
  await backend.run(async () => {
    const peers = await PeerServer.listen(t, { reading })
    const stream = await connectTcp('127.0.0.1', peers.port)
    const peer = await peers.peer()
    try {
      await body(stream, peer)
    } finally {
      peer.socket.destroy()
      await stream[Symbol.asyncDispose]().catch(() => {})
      peers.close()
    }
  })
}

/** Two streams of the library's, connected to each other. */
export async function withPair(
  backend: TestBackend,
  body: (client: SocketStream, server: SocketStream) => unknown,
): Promise<void> {
  await backend.run(async () => {
    await using listener = await createTcpServer(0, { interface: '127.0.0.1' })
    const client = await connectTcp('127.0.0.1', listener.port)
    const server = await listener.accept()
    try {
      await body(client, server)
    } finally {
      // Together: once they speak TLS, each waits for the other's goodbye.
      await Promise.all([client, server].map((stream) => stream[Symbol.asyncDispose]().catch(() => {})))
    }
  })
}

/**
 * Waits until `count` stands still above zero: what moves it waits for its peer. In between, bytes go to and fro on a connection of
 * their own, so that the driver has had its turns however busy the machine is.
 */
export async function untilStill(count: () => number): Promise<void> {
  await using listener = await createTcpServer(0, { interface: '127.0.0.1' })
  await using client = await connectTcp('127.0.0.1', listener.port)
  await using server = await listener.accept()
  for (let before = -1; count() === 0 || count() !== before;) {
    before = count()
    for (let trip = 0; trip < 20; trip++) {
      await client.sendAll('x')
      await server.receiveExactly(1)
    }
  }
}

/** `eachBackend`, and no socket is left open. */
export function eachBackendWithSockets(test: TestFn, title: string, body: BackendTest): void {
  withSockets(test, title, body, testBackends)
}

/** The same for those with real sockets alone: something else than the library, or than a `Peer`, has the other one. */
export function eachBackendWithRealSockets(test: TestFn, title: string, body: BackendTest): void {
  withSockets(test, title, body, realBackends)
}

function withSockets(test: TestFn, title: string, body: BackendTest, backends: readonly TestBackend[]): void {
  const checked: BackendTest = async (t, backend) => {
    // The backend's own descriptors come with its first run.
    await backend.run(() => {})
    const before = openSockets()
    await body(t, backend)
    for (let turn = 0; turn < 200 && openSockets() !== before; turn++) await nextTurn()
    t.is(openSockets(), before, 'a socket is left open')
  }
  eachBackend(test, title, checked, backends)
}

export function openSockets(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
    } catch {
      return false
    }
  }).length
}

/** One pass of the event loop, for what only the operating system can bring about. */
export async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}
