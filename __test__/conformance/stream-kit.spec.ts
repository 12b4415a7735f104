/** Every kind of stream that there is keeps the rules that `checkStream` knows, on every backend. */
import test from 'ava'
import {
  connectTcp,
  connectUnix,
  createTcpServer,
  createTlsContext,
  createUnixServer,
  run,
  type Stream,
  type TLSContextOptions,
  wrapTls,
} from '../../index.ts'
import { checkStream, forEachSeed, lockstepStreamPair, memoryStreamPair } from '../../src/testing/index.ts'
import { certificates } from '../support/certificates.ts'
import { eachBackend } from '../support/backends.ts'
import { eachBackendWith, socketFolder } from '../support/datagrams.ts'
import { eachBackendWithSockets } from '../support/net.ts'
import { OWN_CAPACITY, ownStreamPair } from '../support/own-stream.ts'
import { LOCAL, tlsConnect, tlsServer } from '../support/tls.ts'

eachBackend(test, 'memory streams keep the rules of streams', async (t, backend) => {
  await t.notThrowsAsync(backend.run(() => checkStream(memoryStreamPair, { name: 'memory', capacity: Infinity })))
})

eachBackend(test, 'L7: lockstep streams keep the rules of streams', async (t, backend) => {
  await t.notThrowsAsync(backend.run(() => checkStream(lockstepStreamPair, { name: 'lockstep', capacity: 0 })))
})

eachBackend(test, 'a stream of a user’s own, of four methods, keeps the rules of streams', async (t, backend) => {
  await t.notThrowsAsync(
    backend.run(() => checkStream(() => ownStreamPair(), { name: 'of four methods', capacity: OWN_CAPACITY })),
  )
})

eachBackendWithSockets(test, 'TCP keeps the rules of streams', async (t, backend) => {
  await t.notThrowsAsync(
    backend.run(async () => {
      await using listener = await createTcpServer(0, LOCAL)
      await checkStream(() => pairOf(listener, connectTcp('127.0.0.1', listener.port)), { name: 'TCP' })
    }),
  )
})

eachBackendWith('unix', test, 'UNIX streams keep the rules of streams', async (t, backend) => {
  const path = socketFolder(t)('kit')
  await t.notThrowsAsync(
    backend.run(async () => {
      await using listener = await createUnixServer(path)
      await checkStream(() => pairOf(listener, connectUnix(path)), { name: 'UNIX' })
    }),
  )
})

for (const [version, halfClose] of [
  ['TLSv1.3', true],
  ['TLSv1.2', false],
] as const) {
  const client: TLSContextOptions = { maxVersion: version }

  eachBackendWithSockets(test, `${version} over TCP keeps the rules of streams`, async (t, backend) => {
    await t.notThrowsAsync(
      backend.run(async () => {
        await using listener = await tlsServer()
        const pair = () => pairOf(listener, tlsConnect(listener.port, { client }))
        await checkStream(pair, { name: version, halfClose })
      }),
    )
  })

  eachBackend(test, `L7: ${version} over lockstep streams keeps the rules of streams`, async (t, backend) => {
    await t.notThrowsAsync(
      backend.run(() =>
        checkStream(() => wrappedPair(client), { name: `${version} over lockstep`, halfClose, capacity: 200_000 }),
      ),
    )
  })
}

test('whatever the order of tasks, all kinds of streams keep the rules', async (t) => {
  const kinds: Record<string, () => Promise<void>> = {
    memory: () => checkStream(memoryStreamPair, { name: 'memory', capacity: Infinity }),
    lockstep: () => checkStream(lockstepStreamPair, { name: 'lockstep', capacity: 0 }),
    own: () => checkStream(() => ownStreamPair(), { name: 'of four methods', capacity: OWN_CAPACITY }),
    TCP: async () => {
      await using listener = await createTcpServer(0)
      await checkStream(() => pairOf(listener, connectTcp('localhost', listener.port)), { name: 'TCP', capacity: 1e6 })
    },
    TLS: () => checkStream(() => wrappedPair({}), { name: 'TLS over lockstep', capacity: 200_000 }),
  }
  for (const [kind, check] of Object.entries(kinds)) {
    const seeds = kind === 'TLS' ? 2 : 5
    await t.notThrowsAsync(
      forEachSeed(seeds, (seed) => run(check, { backend: 'virtual', backendOptions: { seed } })),
      kind,
    )
  }
})

async function pairOf(listener: { accept(): Promise<Stream> }, connecting: Promise<Stream>): Promise<[Stream, Stream]> {
  const [client, server] = await Promise.all([connecting, listener.accept()])
  return [client, server]
}

async function wrappedPair(options: TLSContextOptions): Promise<[Stream, Stream]> {
  const { ca, server } = await certificates()
  const [here, there] = lockstepStreamPair()
  return Promise.all([
    wrapTls(here, createTlsContext({ ca, ...options }), { hostname: 'server.test' }),
    wrapTls(there, createTlsContext({ cert: server.cert, key: server.key }), { serverSide: true }),
  ])
}
