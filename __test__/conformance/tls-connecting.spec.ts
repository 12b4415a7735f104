/** When `connectTcp` starts the handshake, and when it leaves that to `startTls`. */
import test from 'ava'
import { connectTcp, createTaskGroup, createTcpServer, createTlsContext, TLSError } from '../../index.ts'
import { certificates } from '../support/certificates.ts'
import { eachBackendWithSockets } from '../support/net.ts'
import { rejection } from '../support/rejection.ts'
import { LOCAL } from '../support/tls.ts'

eachBackendWithSockets(
  test,
  'L20: tls, or tlsHostname alone, starts the handshake: what is asked for is never silently left out',
  async (t, backend) => {
    const { ca, server: identity } = await certificates()
    await backend.run(async () => {
      await using listener = await createTcpServer(0, { ...LOCAL, tls: createTlsContext(identity) })
      const [client, server] = await Promise.all([
        connectTcp('127.0.0.1', listener.port, { tls: createTlsContext({ ca }), tlsHostname: 'server.test' }),
        listener.accept(),
      ])
      t.is(client.tlsVersion, 'TLSv1.3')
      await Promise.all([client.close(), server.close()])
      await createTaskGroup(async (tg) => {
        tg.spawn(() => listener.serve(() => undefined))
        // The platform does not trust the test's authority: a failed handshake is one that was made.
        const error = await rejection(connectTcp('127.0.0.1', listener.port, { tlsHostname: 'server.test' }))
        t.true(error instanceof TLSError)
        const plain = await connectTcp('127.0.0.1', listener.port, { tlsHostname: 'server.test', autostartTls: false })
        t.is(plain.tlsVersion, null)
        await plain.close()
        tg.cancelScope.cancel()
      })
    })
  },
)

eachBackendWithSockets(
  test,
  'with autostartTls: false a client’s stream is plain until startTls, which then needs no context',
  async (t, backend) => {
    const { ca, server: identity } = await certificates()
    await backend.run(async () => {
      await using listener = await createTcpServer(0, {
        ...LOCAL,
        tls: createTlsContext(identity),
        autostartTls: false,
      })
      const client = await connectTcp('127.0.0.1', listener.port, {
        tls: createTlsContext({ ca }),
        autostartTls: false,
      })
      const server = await listener.accept()
      t.is(client.tlsVersion, null)
      t.is(server.tlsVersion, null)
      await client.sendAll('plain')
      t.is((await server.receiveExactly(5)).toString(), 'plain')
      await Promise.all([client.startTls(), server.startTls()])
      t.is(client.tlsVersion, 'TLSv1.3')
      t.is(server.tlsVersion, 'TLSv1.3')
      await Promise.all([client.sendAll('secret'), server.receiveExactly(6)])
      await Promise.all([client.close(), server.close()])
    })
  },
)
