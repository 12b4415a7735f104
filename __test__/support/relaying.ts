/** Two connections of the library's and a relay between them: `left ⇄ a ⟷ relay ⟷ b ⇄ right`. */
import type { ExecutionContext, TestFn } from 'ava'
import {
  connectTcp,
  connectUnix,
  createTcpServer,
  createTlsContext,
  createUnixServer,
  type SocketAddress,
  type SocketStream,
  type Stream,
  type TLSContextOptions,
} from '../../index.ts'
import type { TestBackend } from './backends.ts'
import { certificates } from './certificates.ts'
import { eachBackendWith, socketFolder } from './datagrams.ts'
import { eachBackendWithSockets } from './net.ts'
import { ownStreamPair } from './own-stream.ts'
import { LOCAL } from './tls.ts'

export interface Relayed {
  readonly left: Stream
  readonly a: Stream
  readonly b: Stream
  readonly right: Stream
}

/** How two ends of one connection are made, in a task. The first is the outer one. */
export type Link = (t: ExecutionContext) => Promise<[Stream, Stream]>

export const tcp: Link = async () => {
  await using server = await createTcpServer(0, LOCAL)
  return await Promise.all([connectTcp('127.0.0.1', server.port), server.accept()])
}

export const unix: Link = async (t) => {
  await using server = await createUnixServer(socketFolder(t)('relayed'))
  return await Promise.all([connectUnix(server.address), server.accept()])
}

/** The relay is the server of the TLS session. */
export const tlsServer: Link = () => tlsLink({}, false)

/** The relay is its client. */
export const tlsClient: Link = () => tlsLink({}, true)

export const tls12: Link = () => tlsLink({ maxVersion: 'TLSv1.2' }, false)

export const own: Link = async () => ownStreamPair()

async function tlsLink(options: TLSContextOptions, swapped: boolean): Promise<[SocketStream, SocketStream]> {
  const { server: identity, ca } = await certificates()
  const theirs = createTlsContext({ cert: identity.cert, key: identity.key, ...options })
  await using server = await createTcpServer(0, { ...LOCAL, tls: theirs })
  const [client, accepted] = await Promise.all([
    connectTcp('127.0.0.1', server.port, { tls: createTlsContext({ ca, ...options }), autostartTls: true }),
    server.accept(),
  ])
  return swapped ? [accepted, client] : [client, accepted]
}

/** What a relay is tested between. Those of the first kind are sockets below JavaScript on the native backend. */
export const LINKS: readonly (readonly [string, Link, Link])[] = [
  ['TCP and TCP', tcp, tcp],
  ['UNIX and TCP', unix, tcp],
  ['TLS and TCP', tlsServer, tcp],
  ['TCP and TLS', tcp, tlsClient],
  ['an own stream and TCP', own, tcp],
  ['TLS and an own stream', tlsServer, own],
]

export async function withLinks(
  t: ExecutionContext,
  backend: TestBackend,
  [one, other]: readonly [Link, Link],
  body: (relayed: Relayed) => unknown,
): Promise<void> {
  await backend.run(async () => {
    const [left, a] = await one(t)
    const [right, b] = await other(t)
    try {
      await body({ left, a, b, right })
    } finally {
      // Together: with TLS each waits for the other's goodbye.
      await Promise.all([left, a, b, right].map((stream) => stream[Symbol.asyncDispose]().catch(() => {})))
    }
  })
}

/** One test for each pair of links and each backend. */
export function eachLink(
  test: TestFn,
  title: string,
  body: (t: ExecutionContext, relayed: Relayed, backend: TestBackend) => unknown,
  links: typeof LINKS = LINKS,
): void {
  for (const [name, one, other] of links) {
    const each = one === unix || other === unix ? eachBackendWith.bind(undefined, 'unix') : eachBackendWithSockets
    each(test, `${title}: ${name}`, (t, backend) =>
      withLinks(t, backend, [one, other], (relayed) => body(t, relayed, backend)),
    )
  }
}

/** Bytes that tell their place. */
export function counted(length: number, seed = 0): Buffer {
  const bytes = Buffer.from(Uint32Array.from({ length: (length + 3) >> 2 }, (_, i) => i * 2_654_435_761 + seed).buffer)
  return bytes.subarray(0, length)
}

/** Everything up to the end of the data. */
export async function all(stream: Stream): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export function portOf(address: SocketAddress | string): number {
  return (address as SocketAddress).port
}
