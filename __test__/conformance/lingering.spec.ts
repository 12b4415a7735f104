/**
 * The end of a connection that `serve` closes while its client still has something to say: the answer is not lost to a reset.
 */
import test from 'ava'
import {
  BrokenResourceError,
  connectTcp,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  createUnixServer,
  connectUnix,
  type SocketAddress,
  type SocketStream,
  type SocketStreamServer,
  type TaskGroup,
  type TCPServerOptions,
} from '../../index.ts'
import { LINGER_BYTES } from '../../src/backends/backend.ts'
import { certificates } from '../support/certificates.ts'
import { eachBackendWith, socketFolder } from '../support/datagrams.ts'
import { eachBackendWithClock } from '../support/backends.ts'
import { eachBackendWithSockets, nextTurn } from '../support/net.ts'
import { rejection } from '../support/rejection.ts'
import { LOCAL, tlsConnect } from '../support/tls.ts'

const ANSWER = Buffer.alloc(60_000, 'answer ')

type Serve = Parameters<SocketStreamServer['serve']>[1]

/** Answers without having read all that there is. */
async function answer(stream: SocketStream): Promise<void> {
  await stream.receiveExactly(1)
  await stream.sendAll(ANSWER)
}

async function serving(
  listen: TCPServerOptions,
  body: (server: SocketStreamServer, group: TaskGroup) => unknown,
  serve: Serve = {},
): Promise<void> {
  await using server = await createTcpServer(0, { ...LOCAL, ...listen })
  await createTaskGroup(async (group) => {
    group.spawn(() => server.serve(answer, serve))
    await body(server, group)
    await server.close()
  })
}

/** Until so many handlers have begun, and all of them have ended. */
async function handled(server: SocketStreamServer<SocketAddress | string>, count = 1): Promise<void> {
  for (;;) {
    const { accepted, handling } = server.statistics()
    if (accepted >= count && handling === 0) return
    await nextTurn()
  }
}

/** What a client gets that has sent more than the server has read, and goes on sending when the handler has ended. */
async function received(
  client: SocketStream<SocketAddress | string>,
  server: SocketStreamServer<SocketAddress | string>,
) {
  await client.sendAll(Buffer.alloc(200_000))
  await handled(server)
  await client.sendAll('more')
  for (let turn = 0; turn < 20; turn++) await nextTurn()
  await client.sendAll('and more')
  let length = 0
  for await (const chunk of client) length += chunk.length
  return length
}

eachBackendWithSockets(
  test,
  'N60: a handler that answers and returns before it has read everything loses no answer to a reset',
  async (t, backend) => {
    await backend.run(() =>
      serving({}, async (server) => {
        await using client = await connectTcp('127.0.0.1', server.port)
        t.is(await received(client, server), ANSWER.length)
      }),
    )
  },
)

eachBackendWith('unix', test, 'N61: neither does one of a UNIX server', async (t, backend) => {
  await backend.run(async () => {
    await using server = await createUnixServer(socketFolder(t)('lingers'))
    await createTaskGroup(async (group) => {
      group.spawn(() => server.serve((stream) => answer(stream as never)))
      {
        await using client = await connectUnix(server.address)
        t.is(await received(client as never, server as never), ANSWER.length)
      }
      await server.close()
    })
  })
})

for (const tlsStandardCompatible of [true, false]) {
  eachBackendWithSockets(
    test,
    `L40: neither does one over TLS (tlsStandardCompatible: ${tlsStandardCompatible})`,
    async (t, backend) => {
      await backend.run(async () => {
        const { server: identity } = await certificates()
        const tls = createTlsContext({ cert: identity.cert, key: identity.key })
        await serving({ tls, tlsStandardCompatible }, async (server) => {
          await using client = await tlsConnect(server.port, { connect: { tlsStandardCompatible } })
          t.is(await received(client, server), ANSWER.length)
        })
      })
    },
  )
}

eachBackendWithSockets(
  test,
  'N62: what a client sends beyond the bound meets a closed connection',
  async (t, backend) => {
    await backend.run(() =>
      serving({ closeTimeout: 600_000 }, async (server) => {
        await using client = await connectTcp('127.0.0.1', server.port)
        const chunk = Buffer.alloc(2 ** 16)
        const sending = async (): Promise<void> => {
          for (let sent = 0; sent < 4 * LINGER_BYTES; sent += chunk.length) await client.sendAll(chunk)
        }
        const error = await rejection(sending())
        t.true(error instanceof BrokenResourceError, String(error))
      }),
    )
  },
)

eachBackendWithClock(
  test,
  'N63: a client that never ends holds up neither the next one nor, beyond closeTimeout, the server that is closed',
  async (t, backend, clock) => {
    let ended = false
    let waiting = false
    const running = backend.run(async () => {
      const server = await createTcpServer(0, { ...LOCAL, closeTimeout: 1234 })
      await createTaskGroup(async (group) => {
        group.spawn(async () => {
          await server.serve(answer, { maxConnections: 1 })
          ended = true
        })
        await using first = await connectTcp('127.0.0.1', server.port)
        await first.sendAll('ab')
        await handled(server)
        await using second = await connectTcp('127.0.0.1', server.port)
        await second.sendAll('ab')
        t.is((await second.receiveExactly(ANSWER.length)).length, ANSWER.length)
        await handled(server, 2)
        await server.close()
        waiting = true
        while (!ended) await nextTurn()
      })
    })
    while (!waiting) await nextTurn()
    await clock.advance(1000)
    t.false(ended)
    await clock.advance(1234)
    t.true(ended)
    await running
  },
)

eachBackendWithClock(
  test,
  'N64: a connection that lingers is cut off when its server is cancelled',
  async (t, backend, clock) => {
    await backend.run(async () => {
      await using server = await createTcpServer(0, { ...LOCAL, closeTimeout: 600_000 })
      const client = await connectTcp('127.0.0.1', server.port)
      await createTaskGroup(async (group) => {
        group.spawn(() => server.serve(answer))
        await client.sendAll('ab')
        await handled(server)
        for (let turn = 0; turn < 20; turn++) await nextTurn()
        group.cancelScope.cancel()
      })
      // No time has passed.
      t.is(clock.fires, 0)
      await client.close()
    })
  },
)
