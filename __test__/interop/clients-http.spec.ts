/**
 * Clients of HTTP on our sockets, unchanged: undici and its fetch through an Agent, node:http and node:http2 by
 * `createConnection`, ws. Their servers are Node's own, on node:net.
 */
import { AsyncResource } from 'node:async_hooks'
import { once } from 'node:events'
import * as http from 'node:http'
import * as http2 from 'node:http2'
import * as https from 'node:https'
import type * as net from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { Agent, type buildConnector, fetch, request } from 'undici'
import { WebSocket, WebSocketServer } from 'ws'
import { connectTcp, createTlsContext, failAfter, moveOnAfter, sleep, TimeoutError } from '../../index.ts'
import { NodeSocket, toDuplex } from '../../src/node/index.ts'
import { certificates } from '../support/certificates.ts'
import { eachBackendWithRealSockets } from '../support/net.ts'

const answer: http.RequestListener = (request, response) => {
  if (request.url === '/never') return
  let size = 0
  request.on('data', (bytes: Buffer) => (size += bytes.length))
  request.on('end', () => response.end(`HTTP/${request.httpVersion} ${request.method} ${size}`))
}

/** What an Agent connects by: our streams, and our TLS. */
async function connector(): Promise<buildConnector.connector> {
  const { ca } = await certificates()
  const tls = createTlsContext({ ca, alpnProtocols: ['h2', 'http/1.1'] })
  // Bound: the connections belong to the scope in which the Agent was made, not to the request that needed one.
  return AsyncResource.bind((options: buildConnector.Options, callback: buildConnector.Callback) => {
    const secure = options.protocol === 'https:' ? { tls, autostartTls: true } : {}
    connectTcp(options.hostname, Number(options.port), secure).then(
      (stream) => callback(null, toDuplex(stream)),
      (error: unknown) => callback(error as Error, null),
    )
  })
}

eachBackendWithRealSockets(
  test,
  'undici: requests and fetch through an Agent, over keep-alive connections',
  async (t, backend) => {
    const server = await listen(t, http.createServer(answer))
    await backend.run(async () => {
      const dispatcher = new Agent({ connect: await connector(), connections: 2, pipelining: 1 })
      const body = Buffer.alloc(300_000, 'x')
      const answers = await Promise.all(
        [1, 2, 3, 4, 5].map(async () => {
          const { body: text } = await request(server.url, { method: 'POST', body, dispatcher })
          return text.text()
        }),
      )
      t.deepEqual(new Set(answers), new Set(['HTTP/1.1 POST 300000']))
      t.true(server.connections <= 2)
      const response = await fetch(server.url, { dispatcher })
      t.is(await response.text(), 'HTTP/1.1 GET 0')
      await dispatcher.close()
    })
    await server.close()
  },
)

eachBackendWithRealSockets(test, 'undici: https, and HTTP/2 as ALPN has chosen', async (t, backend) => {
  const { server: identity } = await certificates()
  const options = { cert: identity.cert, key: identity.key }
  const one = await listen(t, https.createServer(options, answer), 'https')
  const two = await listen(t, http2.createSecureServer(options, answer as never), 'https')
  await backend.run(async () => {
    const dispatcher = new Agent({ connect: await connector(), allowH2: true })
    t.is(await (await fetch(one.url, { dispatcher })).text(), 'HTTP/1.1 GET 0')
    t.is(await (await fetch(two.url, { dispatcher, method: 'POST', body: 'abc' })).text(), 'HTTP/2.0 POST 3')
    await dispatcher.destroy()
  })
  await one.close()
  await two.close()
})

eachBackendWithRealSockets(test, 'undici: a scope ends a request, and the pool goes on', async (t, backend) => {
  const server = await listen(t, http.createServer(answer))
  await backend.run(async () => {
    const dispatcher = new Agent({ connect: await connector(), connections: 1 })
    t.is(await moveOnAfter(50, ({ signal }) => fetch(`${server.url}/never`, { dispatcher, signal })), undefined)
    const waiting = failAfter(50, (scope) => fetch(`${server.url}/never`, { dispatcher, signal: scope.signal }))
    await t.throwsAsync(waiting, { instanceOf: TimeoutError })
    t.is(await (await fetch(server.url, { dispatcher })).text(), 'HTTP/1.1 GET 0')
    await dispatcher.close()
  })
  await server.close()
})

eachBackendWithRealSockets(test, 'node:http: an Agent whose connections are ours', async (t, backend) => {
  const server = await listen(t, http.createServer(answer))
  await backend.run(async () => {
    class OurAgent extends http.Agent {
      override createConnection(options: net.TcpNetConnectOpts): NodeSocket {
        return new NodeSocket().connect({ port: options.port, host: options.host ?? 'localhost' })
      }
    }
    const agent = new OurAgent({ keepAlive: true, maxSockets: 1 })
    for (let i = 0; i < 3; i++) t.is(await get(server.port, { agent }), 'HTTP/1.1 GET 0')
    t.is(server.connections, 1)
    const [idle] = Object.values(agent.freeSockets)[0]!
    const closed = once(idle!, 'close')
    agent.destroy()
    await closed
  })
  await server.close()
})

eachBackendWithRealSockets(test, 'node:http2: a session over a TLS stream of ours', async (t, backend) => {
  const { ca, server: identity } = await certificates()
  const options = { cert: identity.cert, key: identity.key }
  const server = await listen(t, http2.createSecureServer(options, answer as never), 'https')
  await backend.run(async () => {
    const tls = createTlsContext({ ca, alpnProtocols: ['h2'] })
    const socket = toDuplex(await connectTcp('127.0.0.1', server.port, { tls, autostartTls: true }), {
      allowHalfOpen: true,
    })
    t.is(socket.alpnProtocol, 'h2')
    t.true(socket.encrypted)
    t.true(socket.authorized)
    t.is(socket.getProtocol(), 'TLSv1.3')
    t.regex(socket.getPeerCertificate().subjectaltname ?? '', /localhost/)
    const session = http2.connect(server.url, { createConnection: () => socket })
    const texts = await Promise.all(
      [1, 2, 3].map(async (n) => {
        const stream = session.request({ ':path': '/', ':method': 'POST' })
        stream.end('x'.repeat(n * 100_000))
        let text = ''
        for await (const bytes of stream) text += String(bytes)
        return text
      }),
    )
    t.deepEqual(texts, ['HTTP/2.0 POST 100000', 'HTTP/2.0 POST 200000', 'HTTP/2.0 POST 300000'])
    const closed = once(session, 'close')
    session.close()
    await closed
    while (!socket.closed) await sleep(1)
  })
  await server.close()
})

eachBackendWithRealSockets(test, 'ws: a client on our socket', async (t, backend) => {
  const server = await listen(t, http.createServer(answer))
  const sockets = new WebSocketServer({ server: server.server as http.Server })
  sockets.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })))
  await backend.run(async () => {
    const stream = await connectTcp('127.0.0.1', server.port)
    const socket = toDuplex(stream)
    const client = new WebSocket(`ws://127.0.0.1:${server.port}`, {
      createConnection: () => socket,
      perMessageDeflate: false,
    })
    await once(client, 'open')
    for (const size of [5, 70_000, 3_000_000]) {
      const data = Buffer.alloc(size, 'x')
      client.send(data)
      const [echo] = (await once(client, 'message')) as [Buffer]
      t.true(echo.equals(data))
    }
    const closed = once(client, 'close')
    client.close(1000, 'done')
    t.is(((await closed) as [number])[0], 1000)
    while (!socket.closed) await sleep(1)
  })
  await server.close()
})

interface Listening {
  readonly server: net.Server
  readonly port: number
  readonly url: string
  readonly connections: number
  close(): Promise<void>
}

async function listen(t: ExecutionContext, server: net.Server, scheme = 'http'): Promise<Listening> {
  const sockets = new Set<net.Socket>()
  let connections = 0
  server.on('connection', (socket: net.Socket) => {
    connections++
    sockets.add(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  t.teardown(() => server.close())
  return {
    server,
    port,
    url: `${scheme}://127.0.0.1:${port}`,
    get connections() {
      return connections
    },
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      if (server.listening) await once(server, 'close')
    },
  }
}

async function get(port: number, options: http.RequestOptions): Promise<string> {
  const asked = http.get({ host: '127.0.0.1', port, ...options })
  const [response] = (await once(asked, 'response')) as [http.IncomingMessage]
  let text = ''
  for await (const bytes of response) text += String(bytes)
  return text
}
