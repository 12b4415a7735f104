/** TLS with node:tls in both roles, as its users write it: whole conversations, sessions, bindings, HTTPS. */
import { once } from 'node:events'
import * as https from 'node:https'
import type * as net from 'node:net'
import * as tls from 'node:tls'
import test from 'ava'
import {
  connectTcp,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  type SocketStream,
  type TLSContext,
} from '../../index.ts'
import { eachRealBackend } from '../support/backends.ts'
import { certificates } from '../support/certificates.ts'

const LOCAL = { interface: '127.0.0.1' }
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const
const LABEL = 'EXPORTER-Channel-Binding'

for (const version of VERSIONS) {
  eachRealBackend(test, `${version}: both sides tell the same, whichever of them is node:tls`, async (t, backend) => {
    const { ca, server: identity } = await certificates()
    const told = (socket: tls.TLSSocket): unknown => ({
      version: socket.getProtocol(),
      cipher: socket.getCipher().name,
      alpn: socket.alpnProtocol,
      // RFC 9266: with a context, which is empty. TLS 1.2 tells this from none.
      exporter: socket.exportKeyingMaterial(32, LABEL, Buffer.alloc(0)).toString('hex'),
    })
    const ours = (stream: SocketStream): unknown => ({
      version: stream.tlsVersion,
      cipher: stream.cipher[0],
      alpn: stream.alpnProtocol,
      exporter: stream.getChannelBinding('tls-exporter').toString('hex'),
    })
    await backend.run(async () => {
      const context = createTlsContext({ ...identity, ca, alpnProtocols: ['h2', 'http/1.1'], maxVersion: version })
      await using listener = await createTcpServer(0, { ...LOCAL, tls: context })
      const socket = tls.connect({ port: listener.port, host: '127.0.0.1', ca, ALPNProtocols: ['http/1.1', 'h2'] })
      const [accepted] = await Promise.all([listener.accept(), once(socket, 'secureConnect')])
      t.deepEqual(ours(accepted), told(socket))
      socket.end()
      await accepted.close()
      socket.destroy()

      const server = tls.createServer({ ...identity, ALPNProtocols: ['h2', 'http/1.1'] }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as net.AddressInfo
      const [stream, [other]] = await Promise.all([
        connectTcp('127.0.0.1', port, { tls: context, autostartTls: true }),
        once(server, 'secureConnection') as Promise<[tls.TLSSocket]>,
      ])
      t.deepEqual(ours(stream), told(other))
      other.end()
      await stream.close()
      other.destroy()
      server.close()
    })
  })

  eachRealBackend(test, `${version}: a session of node:tls’s is resumed by our server`, async (t, backend) => {
    const { ca, server: identity } = await certificates()
    await backend.run(async () => {
      for (const sessionTickets of [true, false]) {
        await echoing(createTlsContext({ ...identity, sessionTickets }), async (port) => {
          let session: Buffer | undefined
          const reused: boolean[] = []
          for (let n = 0; n < 2; n++) {
            const socket = tls.connect({ port, host: '127.0.0.1', ca, maxVersion: version, session: session! })
            socket.on('session', (ticket: Buffer) => (session = ticket))
            await once(socket, 'secureConnect')
            socket.write('hello')
            // Tickets of TLS 1.3 come before the answer does.
            await once(socket, 'data')
            reused.push(socket.isSessionReused())
            socket.destroy()
          }
          t.deepEqual(reused, [false, sessionTickets])
        })
      }
    })
  })

  eachRealBackend(test, `${version}: our client resumes its session with node:tls`, async (t, backend) => {
    const { ca, server: identity } = await certificates()
    const reused: boolean[] = []
    const server = tls.createServer({ ...identity, maxVersion: version }, (socket) => {
      reused.push(socket.isSessionReused())
      socket.on('error', () => {})
      socket.pipe(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as net.AddressInfo
    await backend.run(async () => {
      const talk = async (context: TLSContext): Promise<void> => {
        const stream = await connectTcp('127.0.0.1', port, { tls: context, autostartTls: true })
        await stream.sendAll('hello')
        t.is((await stream.receiveExactly(5)).toString(), 'hello')
        t.is(stream.getpeercert()?.subject.CN, 'localhost')
        await stream[Symbol.asyncDispose]()
      }
      const context = createTlsContext({ ca })
      await talk(context)
      await talk(context)
      await talk(context)
      const none = createTlsContext({ ca, sessionTickets: false })
      await talk(none)
      await talk(none)
      // Sessions belong to a context: another one knows none.
      await talk(createTlsContext({ ca }))
    })
    server.close()
    t.deepEqual(reused, [false, true, true, false, false, false])
  })
}

eachRealBackend(test, 'a megabyte each way at once, with node:tls in both roles', async (t, backend) => {
  const { ca, server: identity } = await certificates()
  const data = Buffer.from(Uint32Array.from({ length: 2 ** 18 }, (_, i) => i * 2654435761).buffer)
  const exchange = async (stream: SocketStream, socket: tls.TLSSocket): Promise<void> => {
    const received: Buffer[] = []
    socket.on('data', (chunk: Buffer) => received.push(chunk))
    const whole = once(socket, 'end')
    socket.write(data)
    await createTaskGroup(async (group) => {
      group.spawn(async () => {
        await stream.sendAll(data)
        await stream.sendEof()
      })
      t.true((await stream.receiveExactly(data.length)).equals(data))
    })
    await whole
    t.true(Buffer.concat(received).equals(data))
    socket.end()
    await stream.close()
    socket.destroy()
  }
  await backend.run(async () => {
    await using listener = await createTcpServer(0, { ...LOCAL, tls: createTlsContext(identity) })
    const options = { port: listener.port, host: '127.0.0.1', ca, allowHalfOpen: true }
    const socket = tls.connect(options as tls.ConnectionOptions)
    const [accepted] = await Promise.all([listener.accept(), once(socket, 'secureConnect')])
    await exchange(accepted, socket)

    const server = tls.createServer({ ...identity, allowHalfOpen: true } as tls.TlsOptions).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const [stream, [other]] = await Promise.all([
      connectTcp('127.0.0.1', (server.address() as net.AddressInfo).port, {
        tls: createTlsContext({ ca }),
        autostartTls: true,
      }),
      once(server, 'secureConnection') as Promise<[tls.TLSSocket]>,
    ])
    await exchange(stream, other)
    server.close()
  })
})

eachRealBackend(test, 'node:https gets a page from a server of twenty lines', async (t, backend) => {
  const { ca, server: identity } = await certificates()
  await backend.run(async () => {
    const context = createTlsContext({ ...identity, alpnProtocols: ['http/1.1'] })
    await createTaskGroup(async (group) => {
      // HTTP ends its messages itself, and its clients hang up without further ado.
      const server = await createTcpServer(0, { ...LOCAL, tls: context, tlsStandardCompatible: false })
      group.spawn(() =>
        server.serve(async (stream) => {
          for (;;) {
            await stream.receiveUntil('\r\n\r\n', 8192)
            const text = `hello over ${stream.tlsVersion}`
            await stream.sendMany([`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n`, text])
          }
        }),
      )
      const agent = new https.Agent({ keepAlive: true, ca })
      for (let n = 0; n < 3; n++) {
        const request = https.get({ port: server.port, host: '127.0.0.1', agent })
        const [response] = (await once(request, 'response')) as [AsyncIterable<Buffer>]
        let body = ''
        for await (const chunk of response) body += chunk.toString()
        t.is(body, 'hello over TLSv1.3')
      }
      agent.destroy()
      t.is(server.statistics().accepted, 1)
      await server.close()
    })
  })
})

/** Runs `body` beside a server that echoes. */
async function echoing(context: TLSContext, body: (port: number) => Promise<void>): Promise<void> {
  await createTaskGroup(async (group) => {
    const server = await createTcpServer(0, { ...LOCAL, tls: context })
    group.spawn(() =>
      server.serve(async (stream) => {
        for await (const chunk of stream) await stream.sendAll(chunk)
      }),
    )
    await body(server.port)
    await server.close()
  })
}
