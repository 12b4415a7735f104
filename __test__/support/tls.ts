/**
 * What tests of TLS share: pairs of streams of the library's, peers by node:tls, a proxy that meddles with what passes
 * through it, and what a handshake that fails must leave undisturbed.
 */
import { once } from 'node:events'
import * as net from 'node:net'
import * as tls from 'node:tls'
import type { ExecutionContext } from 'ava'
import {
  type ConnectTCPOptions,
  connectTcp,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  type SocketAddress,
  sleep,
  type SocketStream,
  type SocketStreamServer,
  type TCPServerOptions,
  TLSError,
  type TLSErrorReason,
  type TLSContextOptions,
} from '../../index.ts'
import type { TestBackend } from './backends.ts'
import { certificates } from './certificates.ts'
import { Peer } from './net.ts'
import { rejection } from './rejection.ts'

export const LOCAL = { interface: '127.0.0.1' } as const

/** Both sides by the library. Without more, the client trusts the server's authority and connects to 127.0.0.1. */
export interface PairOptions {
  readonly server?: TLSContextOptions
  readonly client?: TLSContextOptions
  readonly listen?: TCPServerOptions
  readonly connect?: ConnectTCPOptions
}

/** A server that shows the usual certificate. */
export async function tlsServer(
  { server, listen }: PairOptions = {},
  standard?: TLSContextOptions,
): Promise<SocketStreamServer> {
  const { server: own } = await certificates()
  const context = createTlsContext({ ...(standard ?? { cert: own.cert, key: own.key }), ...server })
  return createTcpServer(0, { ...LOCAL, tls: context, ...listen })
}

/** A client that trusts the usual authority. */
export async function tlsConnect(port: number, { client, connect }: PairOptions = {}): Promise<SocketStream> {
  const { ca } = await certificates()
  const context = createTlsContext({ ca, ...client })
  return connectTcp('127.0.0.1', port, { tls: context, autostartTls: true, ...connect })
}

export async function withTlsPair(
  backend: TestBackend,
  body: (client: SocketStream, server: SocketStream) => unknown,
  options: PairOptions = {},
): Promise<void> {
  await backend.run(async () => {
    await using listener = await tlsServer(options)
    const [server, client] = await Promise.all([listener.accept(), tlsConnect(listener.port, options)])
    try {
      await body(client, server)
    } finally {
      await closeBoth(client, server)
    }
  })
}

/** At the same time: each waits for the other's `close_notify`. */
export async function closeBoth(a: SocketStream, b: SocketStream): Promise<void> {
  await Promise.all([a, b].map((stream) => stream[Symbol.asyncDispose]().catch(() => {})))
}

/** A client by node:tls, connected to a server of the library's. */
export async function tlsPeerTo(port: number, options: tls.ConnectionOptions = {}): Promise<Peer> {
  const { ca } = await certificates()
  const socket = tls.connect({ port, host: '127.0.0.1', ca, allowHalfOpen: true, ...options } as tls.ConnectionOptions)
  await once(socket, 'secureConnect')
  return new Peer(socket)
}

/** The same where the handshake fails: why, in node:tls's words. */
export async function tlsPeerFailure(port: number, options: tls.ConnectionOptions = {}): Promise<Error> {
  const { ca } = await certificates()
  const socket = tls.connect({ port, host: '127.0.0.1', ca, ...options })
  // In TLS 1.3 the client is done before the server has seen its certificate: what fails it comes afterwards.
  socket.resume()
  try {
    const [error] = (await once(socket, 'error')) as [Error]
    return error
  } finally {
    socket.destroy()
  }
}

/** A server by node:tls and, for each handshake that succeeds, a `Peer`. */
export class TlsPeerServer {
  readonly #server: tls.Server
  readonly #waiting: Peer[] = []
  #arrived = (): void => {}
  /** Half-open as they are, some would outlive a handshake that failed. */
  readonly #sockets = new Set<net.Socket>()
  /** Why handshakes have failed, in node:tls's words. */
  readonly failures: Error[] = []

  private constructor(server: tls.Server) {
    this.#server = server
    server.on('secureConnection', (socket) => {
      this.#waiting.push(new Peer(socket))
      this.#arrived()
    })
    server.on('tlsClientError', (error) => this.failures.push(error))
    server.on('connection', (socket) => this.#sockets.add(socket))
  }

  /** With the usual certificate, if nothing else is said. */
  static async listen(t: ExecutionContext, options: tls.TlsOptions = {}): Promise<TlsPeerServer> {
    const { cert, key } = (await certificates()).server
    const server = tls.createServer({ cert, key, allowHalfOpen: true, ...options } as tls.TlsOptions)
    const peers = new TlsPeerServer(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => peers.close())
    return peers
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port
  }

  async peer(): Promise<Peer> {
    while (this.#waiting.length === 0) await new Promise<void>((resolve) => (this.#arrived = resolve))
    return this.#waiting.shift()!
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** A client of the library's, connected to a server of node:tls's. */
export async function withTlsPeer(
  t: ExecutionContext,
  backend: TestBackend,
  body: (stream: SocketStream, peer: Peer) => unknown,
  { server, client, connect }: { server?: tls.TlsOptions } & Pick<PairOptions, 'client' | 'connect'> = {},
): Promise<void> {
  const peers = await TlsPeerServer.listen(t, server)
  await backend.run(async () => {
    const stream = await tlsConnect(peers.port, { ...(client && { client }), ...(connect && { connect }) })
    const peer = await peers.peer()
    try {
      await body(stream, peer)
    } finally {
      peer.socket.destroy()
      await stream[Symbol.asyncDispose]().catch(() => {})
    }
  })
  peers.close()
}

/** One connection through a `Proxy`. */
export interface Line {
  readonly client: net.Socket
  readonly server: net.Socket
}

/** What becomes of bytes on their way; nothing is passed on where it returns `undefined`. */
type Meddle = (bytes: Buffer, line: Line) => Buffer | undefined

/** Stands between a client and a server, and meddles. */
export class Proxy {
  readonly #server: net.Server
  readonly lines: Line[] = []

  private constructor(server: net.Server) {
    this.#server = server
  }

  static async listen(
    t: ExecutionContext,
    port: number,
    { toServer = same, toClient = same }: { toServer?: Meddle; toClient?: Meddle } = {},
  ): Promise<Proxy> {
    const listening = net.createServer({ allowHalfOpen: true })
    const proxy = new Proxy(listening)
    listening.on('connection', (client) => {
      const server = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      const line = { client, server }
      proxy.lines.push(line)
      pass(client, server, toServer, line)
      pass(server, client, toClient, line)
    })
    listening.listen(0, '127.0.0.1')
    await once(listening, 'listening')
    t.teardown(() => proxy.close())
    return proxy
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port
  }

  /** Ends all connections. */
  hangUp(): void {
    for (const { client, server } of this.lines.splice(0)) {
      client.destroy()
      server.destroy()
    }
  }

  close(): void {
    this.#server.close()
    this.hangUp()
  }
}

const same: Meddle = (bytes) => bytes

function pass(from: net.Socket, to: net.Socket, meddle: Meddle, line: Line): void {
  from.on('data', (bytes) => {
    const passed = meddle(bytes, line)
    if (passed !== undefined && passed.length > 0 && to.writable) to.write(passed)
  })
  from.on('end', () => to.end())
  from.on('error', () => to.destroy())
  // A reset on one side is one on the other; an orderly end has been passed on already.
  from.on('close', (failed) => failed && to.destroy())
}

/** How a handshake failed on each side. Where a side is not the library's, or has not failed, it has no error. */
export interface Failed {
  readonly client: unknown
  readonly server: unknown
  readonly address: SocketAddress | undefined
}

/**
 * A handshake that fails, between two sides of the library's; `act` is what the client does instead of connecting, where
 * it is another one. Beside it another client is served, before and after.
 */
export async function failedHandshake(
  t: ExecutionContext,
  backend: TestBackend,
  options: PairOptions & { readonly bystander?: TLSContextOptions; readonly beside?: ConnectTCPOptions },
  act: (port: number) => Promise<unknown> = (port) => connectAndListen(port, options),
): Promise<Failed> {
  const failures: { error: unknown; address: SocketAddress }[] = []
  let client: unknown
  await backend.run(async () => {
    const onTlsError = (error: unknown, address: SocketAddress): void => void failures.push({ error, address })
    await using listener = await tlsServer({ ...options, listen: { onTlsError, ...options.listen } })
    await createTaskGroup(async (group) => {
      group.spawn(() => listener.serve(echo))
      const other = await tlsConnect(listener.port, {
        client: { verify: false, ...options.bystander },
        ...(options.beside && { connect: options.beside }),
      })
      await say(t, other, 'before')
      client = await act(listener.port)
      while (failures.length === 0) await sleep(0)
      await say(t, other, 'after')
      await other.close()
      t.like(listener.statistics(), { handshaking: 0, tlsErrors: 1 })
      await listener.close()
    })
  })
  t.is(failures.length, 1)
  return { client, server: failures[0]?.error, address: failures[0]?.address }
}

/** In TLS 1.3 a client hears only after its handshake that the server did not like its certificate. */
async function connectAndListen(port: number, options: PairOptions): Promise<unknown> {
  return rejection(
    (async () => {
      const stream = await tlsConnect(port, options)
      try {
        await stream.receiveSome()
      } finally {
        await stream[Symbol.asyncDispose]().catch(() => {})
      }
    })(),
  )
}

export async function echo(stream: SocketStream): Promise<void> {
  for await (const chunk of stream) await stream.sendAll(chunk)
}

/** Somebody who echoes says the same. */
export async function say(t: ExecutionContext, stream: SocketStream, text: string): Promise<void> {
  await stream.sendAll(text)
  t.is((await stream.receiveExactly(text.length)).toString(), text)
}

/** A `TLSError` for the reason given, whose text matches. */
export function isTlsError(t: ExecutionContext, error: unknown, reason: TLSErrorReason, text: RegExp = /./): TLSError {
  t.true(error instanceof TLSError, `not a TLSError: ${String(error)}`)
  const failure = error as TLSError
  t.is(failure.reason, reason, failure.message)
  t.is(failure.code, 'ERR_TLS')
  t.regex(failure.message, text)
  return failure
}
