/** Frameworks behind `serveHttp`, unchanged: Express, Fastify, ws; the clients are Node's own. */
import { once } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import express from 'express'
import fastify from 'fastify'
import { WebSocket, WebSocketServer } from 'ws'
import {
  connectTcp,
  createTaskGroup,
  createTcpServer,
  getCurrentTask,
  openCancelScope,
  sleep,
  sleepForever,
} from '../../index.ts'
import { serveHttp, toDuplex } from '../../src/node/index.ts'
import { eachBackendWithRealSockets } from '../support/net.ts'
import { LOCAL } from '../support/tls.ts'

eachBackendWithRealSockets(test, 'Express: routes, bodies, and errors in asynchronous handlers', async (t, backend) => {
  await backend.run(async () => {
    const app = express()
    // Node's own test environment is none of Express's business: it would print the errors below.
    app.set('env', 'test')
    app.use(express.json({ limit: '10mb' }))
    app.post('/sum', async (request, response) => {
      await sleep(1)
      const numbers = (request.body as { numbers: number[] }).numbers
      response.json({ sum: numbers.reduce((a, b) => a + b), task: getCurrentTask().name, ip: request.ip })
    })
    app.get('/fails', async () => {
      await sleep(1)
      throw new Error('my own')
    })
    await createTaskGroup(async (group) => {
      const server = await createTcpServer(0, LOCAL)
      group.spawn(() => serveHttp(server, http.createServer(app)))
      const url = `http://127.0.0.1:${server.port}`
      const numbers = Array.from({ length: 100_000 }, (_, i) => i)
      const answer = await fetch(`${url}/sum`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', connection: 'close' },
        body: JSON.stringify({ numbers }),
      })
      t.deepEqual(await answer.json(), { sum: 4_999_950_000, task: 'connection', ip: '127.0.0.1' })
      const failed = await fetch(`${url}/fails`, { headers: { connection: 'close' } })
      t.is(failed.status, 500)
      await failed.text()
      await server.close()
    })
  })
})

eachBackendWithRealSockets(test, 'Fastify: routes and its own close', async (t, backend) => {
  await backend.run(async () => {
    const app = fastify()
    app.get('/:name', async (request) => {
      await sleep(1)
      return { hello: (request.params as { name: string }).name, task: getCurrentTask().name }
    })
    await app.ready()
    await createTaskGroup(async (group) => {
      const server = await createTcpServer(0, LOCAL)
      const served = group.spawn(() => serveHttp(server, app.server))
      const agent = new http.Agent({ keepAlive: true })
      const request = http.get({ host: '127.0.0.1', port: server.port, path: '/world', agent })
      const [response] = (await once(request, 'response')) as [http.IncomingMessage]
      let text = ''
      for await (const bytes of response) text += String(bytes)
      t.deepEqual(JSON.parse(text), { hello: 'world', task: 'connection' })
      await app.close()
      await served.wait()
      agent.destroy()
    })
  })
})

eachBackendWithRealSockets(test, 'ws: a server, with compression, behind serveHttp', async (t, backend) => {
  await backend.run(async () => {
    const httpServer = http.createServer()
    const sockets = new WebSocketServer({ server: httpServer, perMessageDeflate: { threshold: 0 } })
    sockets.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })))
    await createTaskGroup(async (group) => {
      const server = await createTcpServer(0, LOCAL)
      group.spawn(() => serveHttp(server, httpServer))
      const client = new WebSocket(`ws://127.0.0.1:${server.port}`)
      await once(client, 'open')
      for (const size of [5, 70_000, 3_000_000]) {
        const data = Buffer.alloc(size, 'compresses well ')
        client.send(data)
        const [echo] = (await once(client, 'message')) as [Buffer]
        t.true(echo.equals(data))
      }
      const closed = once(client, 'close')
      sockets.clients.forEach((socket) => socket.close(1001, 'going away'))
      t.is(((await closed) as [number])[0], 1001)
      await server.close()
    })
    sockets.close()
  })
})

for (const where of ['a shield of a listener', 'the clean-up of main'] as const) {
  eachBackendWithRealSockets(
    test,
    `R93: ws: close(1001) in ${where} reaches the clients of serveHttp at shutdown`,
    async (t, backend) => {
      const controller = new AbortController()
      const httpServer = http.createServer()
      const sockets = new WebSocketServer({ server: httpServer })
      const goAway = (socket: WebSocket): Promise<unknown> =>
        openCancelScope({ shield: true }, async () => {
          const closed = once(socket, 'close')
          socket.close(1001, 'going away')
          t.is(((await closed) as [number])[0], 1001)
        })
      sockets.on('connection', (socket) => {
        if (where === 'the clean-up of main') return
        void (async () => {
          try {
            await sleepForever()
          } finally {
            await goAway(socket)
          }
        })().catch(() => {})
      })
      const codes: Promise<[number, Buffer]>[] = []
      const running = backend.run(
        async () => {
          const server = await createTcpServer(0, LOCAL)
          try {
            await createTaskGroup(async (group) => {
              group.spawn(() => serveHttp(server, httpServer))
              for (let i = 0; i < 3; i++) {
                const client = new WebSocket(`ws://127.0.0.1:${server.port}`)
                codes.push(once(client, 'close') as Promise<[number, Buffer]>)
                await once(client, 'open')
              }
              try {
                controller.abort(new Error('shut down'))
                await sleepForever()
              } finally {
                // Those who wait for the other side in the connection's scope keep it; here it is the frame that has to leave.
                if (where === 'the clean-up of main')
                  for (const socket of sockets.clients) socket.close(1001, 'going away')
              }
            })
          } finally {
            await server.close()
            sockets.close()
          }
        },
        { signal: controller.signal },
      )
      await t.throwsAsync(running, { message: 'shut down' })
      const closed = await Promise.all(codes)
      t.deepEqual(
        closed.map(([code, reason]) => `${code} ${String(reason)}`),
        Array.from({ length: 3 }, () => '1001 going away'),
      )
    },
  )
}

eachBackendWithRealSockets(
  test,
  'R93: ws: close(1001) of a client over toDuplex, in a shield at shutdown, is a whole goodbye',
  async (t, backend) => {
    const controller = new AbortController()
    const httpServer = http.createServer()
    const sockets = new WebSocketServer({ server: httpServer })
    const seen = once(sockets, 'connection').then(([socket]) => once(socket as WebSocket, 'close')) as Promise<[number]>
    httpServer.listen(0, '127.0.0.1')
    await once(httpServer, 'listening')
    const { port } = httpServer.address() as AddressInfo
    const running = backend.run(
      async () => {
        const socket = toDuplex(await connectTcp('127.0.0.1', port))
        const client = new WebSocket(`ws://127.0.0.1:${port}`, { createConnection: () => socket })
        await once(client, 'open')
        try {
          controller.abort(new Error('shut down'))
          await sleepForever()
        } finally {
          await openCancelScope({ shield: true }, async () => {
            const closed = once(client, 'close')
            client.close(1001, 'going away')
            t.is(((await closed) as [number])[0], 1001)
          })
        }
      },
      { signal: controller.signal },
    )
    await t.throwsAsync(running, { message: 'shut down' })
    t.is((await seen)[0], 1001)
    sockets.close()
    httpServer.close()
    await once(httpServer, 'close')
  },
)
