/** What a TLS stream tells of its session: the name that the client asked for, and what can be read after close(). */
import test from 'ava'
import { abandonOnCancel, ClosedResourceError, type SocketStream } from '../../index.ts'
import { toDuplex } from '../../src/node/index.ts'
import { eachBackendWithSockets } from '../support/net.ts'
import { withTlsPair } from '../support/tls.ts'

eachBackendWithSockets(
  test,
  'L6: TLS facts can be read after close(); what needs the keys of the session is ClosedResourceError',
  async (t, backend) => {
    for (const asked of [true, false]) {
      await withTlsPair(
        backend,
        async (client, server) => {
          const facts = (stream: SocketStream) => [
            stream.tlsVersion,
            stream.alpnProtocol,
            stream.cipher,
            stream.serverHostname,
            stream.serverSide,
            stream.getpeercert(true),
          ]
          const before = asked ? [client, server].map(facts) : undefined
          const endPoint = asked ? client.getChannelBinding('tls-server-end-point') : undefined
          await Promise.all([client.close(), server.close()])
          const after = [client, server].map(facts)
          if (before !== undefined) t.deepEqual(after, before)
          t.like(after[0], ['TLSv1.3', 'b', client.cipher, 'server.test', false])
          t.like(after[1], ['TLSv1.3', 'b', client.cipher, 'server.test', true, null])
          t.true(Buffer.isBuffer(after[0]![5]))
          for (const stream of [client, server]) {
            t.throws(() => stream.getChannelBinding(), { instanceOf: ClosedResourceError })
            const found = stream.getChannelBinding('tls-server-end-point')
            if (endPoint !== undefined) t.deepEqual(found, endPoint)
          }
        },
        {
          client: { alpnProtocols: ['b'] },
          server: { alpnProtocols: ['b'] },
          connect: { tlsHostname: 'server.test' },
        },
      )
    }
  },
)

eachBackendWithSockets(
  test,
  'L60: serverHostname of an accepted stream is the name that the client sent, and null where it sent none',
  async (t, backend) => {
    for (const [connect, expected] of [
      [{ tlsHostname: 'server.test' }, 'server.test'],
      [{}, null],
    ] as const) {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        await withTlsPair(backend, (_, server) => t.is(server.serverHostname, expected), {
          client: { maxVersion },
          connect,
        })
      }
    }
  },
)

eachBackendWithSockets(
  test,
  'L62: servername of the Node socket of an accepted stream is the name that the client sent, and false where it sent none',
  async (t, backend) => {
    for (const [connect, expected] of [
      [{ tlsHostname: 'server.test' }, 'server.test'],
      [{}, false],
    ] as const) {
      await withTlsPair(
        backend,
        async (client, server) => {
          const socket = toDuplex(server)
          t.is(socket.servername, expected)
          const closed = new Promise((resolve) => socket.on('close', resolve))
          socket.resume().end()
          await client.close()
          await abandonOnCancel(closed)
          t.is(socket.servername, expected)
        },
        { connect },
      )
    }
  },
)
