/** Everything for which the addon hands out bytes of its own: a certificate, what TLS makes of a stream in memory, a path. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectTcp, createTcpServer } from '../../src/sockets.ts'
import { getAvailableBackends, run } from '../../src/run.ts'
import { gather } from '../../src/task-groups.ts'
import { memoryStreamPair } from '../../src/testing/index.ts'
import { createTlsContext, wrapTls } from '../../src/tls.ts'
import { connectUnix, createUnixServer } from '../../src/unix.ts'

const { cert, key, ca } = JSON.parse(process.env['IDENTITY']!) as { cert: string; key: string; ca: string }

const report = await run(
  async () => {
    const forServers = createTlsContext({ cert, key })
    const forClients = createTlsContext({ ca })

    const server = await createTcpServer(0, { interface: '127.0.0.1', tls: forServers })
    const [client, accepted] = await gather([
      () => connectTcp('localhost', server.port, { tls: forClients, autostartTls: true }),
      () => server.accept(),
    ])
    const subject = client.getpeercert()?.subject.CN
    // Each waits for the other to say goodbye.
    await gather([() => client.close(), () => accepted.close()])
    await server.close()

    const [left, right] = memoryStreamPair()
    const [asking, answering] = await gather([
      () => wrapTls(left, forClients, { hostname: 'localhost' }),
      () => wrapTls(right, forServers, { serverSide: true }),
    ])
    await asking.sendAll('hello')
    const wrapped = (await answering.receiveExactly(5)).toString()
    await gather([() => asking.close(), () => answering.close()])

    const path = join(tmpdir(), `structio-external-${process.pid}.sock`)
    const listener = await createUnixServer(path)
    const stream = await connectUnix(path)
    const samePath = stream.remoteAddress === path
    for (const each of [stream, listener]) await each.close()
    return { subject, wrapped, path: samePath, backend: getAvailableBackends()[0] }
  },
  { backend: 'native' },
)
console.log(JSON.stringify(report))
