/** `serveHttp`: requests in the scope of their connection, draining, cancelling, and what goes wrong. On real sockets. */
import { once } from 'node:events'
import * as http from 'node:http'
import * as http2 from 'node:http2'
import * as https from 'node:https'
import * as net from 'node:net'
import test from 'ava'
import {
  Cancelled,
  createEvent,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  ExceptionGroup,
  getCurrentTask,
  moveOnAfter,
  openCancelScope,
  type SocketStreamServer,
  sleep,
  sleepForever,
  type TaskGroup,
  type TCPServerOptions,
} from '../../index.ts'
import { serveHttp, type ServeHTTPOptions } from '../../src/node/index.ts'
import type { TestBackend } from '../support/backends.ts'
import { certificates } from '../support/certificates.ts'
import { eachBackendWithRealSockets } from '../support/net.ts'
import { LOCAL } from '../support/tls.ts'

interface Serving {
  readonly server: SocketStreamServer
  readonly group: TaskGroup
  readonly handle: ReturnType<TaskGroup['spawn']>
  readonly agent: http.Agent
}

interface Setup {
  readonly listen?: TCPServerOptions
  readonly serve?: ServeHTTPOptions
}

/** Serves while `body` runs, and drains. */
async function serving(
  backend: TestBackend,
  httpServer: net.Server,
  body: (serving: Serving) => unknown,
  { listen, serve }: Setup = {},
): Promise<void> {
  const agent = new http.Agent({ keepAlive: true })
  await backend.run(async () => {
    await createTaskGroup(async (group) => {
      const server = await createTcpServer(0, { ...LOCAL, ...listen })
      const handle = group.spawn(() => serveHttp(server, httpServer, serve))
      try {
        await body({ server, group, handle, agent })
      } finally {
        agent.destroy()
        await server[Symbol.asyncDispose]()
      }
    })
  })
}

/** Its listener may be asynchronous, which Node's types do not expect. */
function serverOf(listener: (request: http.IncomingMessage, response: http.ServerResponse) => unknown): http.Server {
  return http.createServer(listener as http.RequestListener)
}

interface Answer {
  readonly status: number
  readonly text: string
  readonly connection: string | undefined
}

async function get(port: number, path = '/', options: https.RequestOptions = {}): Promise<Answer> {
  const request = (options.ca === undefined ? http : https).request({ host: '127.0.0.1', port, path, ...options })
  request.end()
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  let text = ''
  for await (const bytes of response) text += String(bytes)
  return { status: response.statusCode ?? 0, text, connection: response.headers.connection }
}

eachBackendWithRealSockets(
  test,
  'serveHttp: listeners run in a task, over keep-alive connections',
  async (t, backend) => {
    const sockets = new Set<unknown>()
    const httpServer = serverOf(async (request, response) => {
      sockets.add(request.socket)
      let body = ''
      for await (const bytes of request) body += String(bytes)
      await sleep(0)
      response.end(`${request.method} ${request.url} ${body} in ${getCurrentTask().name}`)
    })
    await serving(backend, httpServer, async ({ server: { port }, agent }) => {
      for (let i = 0; i < 3; i++) t.is((await get(port, `/${i}`, { agent })).text, `GET /${i}  in connection`)
      t.is(sockets.size, 1)
      t.deepEqual(httpServer.address(), { address: '127.0.0.1', port, family: 'IPv4' })
    })
    t.is(httpServer.address(), null)
    t.false(Object.hasOwn(httpServer, 'emit'))
  },
)

eachBackendWithRealSockets(
  test,
  'serveHttp: a client that goes away cancels what its request was doing',
  async (t, backend) => {
    const started = createEvent()
    const ended = createEvent()
    let failure: unknown
    const httpServer = serverOf(async () => {
      started.set()
      try {
        await sleepForever()
      } catch (error) {
        failure = error
        throw error
      } finally {
        ended.set()
      }
    })
    await serving(backend, httpServer, async ({ server: { port } }) => {
      const request = http.get({ host: '127.0.0.1', port }).on('error', () => {})
      await started.wait()
      request.destroy()
      await ended.wait()
      t.true(failure instanceof Cancelled)
    })
  },
)

eachBackendWithRealSockets(
  test,
  'serveHttp: what a listener does after its answer is not cut off by the client',
  async (t, backend) => {
    const closed = createEvent()
    let done = false
    const httpServer = serverOf(async (request, response) => {
      request.socket.on('close', () => closed.set())
      response.setHeader('connection', 'close')
      response.end('answered')
      await closed.wait()
      await sleep(1)
      done = true
    })
    await serving(backend, httpServer, async ({ server: { port } }) => {
      t.is((await get(port)).text, 'answered')
      await closed.wait()
    })
    t.true(done)
  },
)

eachBackendWithRealSockets(
  test,
  'serveHttp: a listener that fails is answered with 500, and its error reported',
  async (t, backend) => {
    const own = new Error('my own')
    const httpServer = serverOf((request) => {
      if (request.url === '/throws') throw own
      return Promise.reject(own)
    })
    const seen: unknown[] = []
    const onError = (error: unknown, request: unknown): void => {
      seen.push(error, (request as http.IncomingMessage).url)
    }
    await serving(
      backend,
      httpServer,
      async ({ server: { port }, agent }) => {
        t.is((await get(port, '/throws', { agent })).status, 500)
        t.is((await get(port, '/rejects', { agent })).status, 500)
        t.deepEqual(seen, [own, '/throws', own, '/rejects'])
      },
      { serve: { onError } },
    )
    // Without onError the server goes on.
    await serving(backend, httpServer, async ({ server: { port }, agent }) => {
      t.is((await get(port, '/throws', { agent })).status, 500)
      t.is((await get(port, '/rejects', { agent })).status, 500)
    })
    // With 'throw' it ends the server.
    const group = await t.throwsAsync(
      serving(
        backend,
        httpServer,
        async ({ server: { port }, handle }) => {
          t.is((await get(port, '/')).status, 500)
          await handle.wait()
        },
        { serve: { onError: 'throw' } },
      ),
      { instanceOf: ExceptionGroup },
    )
    t.deepEqual([...group.leaves()], [own])
  },
)

eachBackendWithRealSockets(
  test,
  'serveHttp: draining answers what was asked, and ends what is idle',
  async (t, backend) => {
    const go = createEvent()
    const asked = createEvent()
    const httpServer = serverOf(async (request, response) => {
      if (request.url === '/slow') {
        asked.set()
        await go.wait()
      }
      response.end('answered')
    })
    await serving(backend, httpServer, async ({ server, agent, handle }) => {
      t.is((await get(server.port, '/', { agent })).connection, 'keep-alive')
      const idle = Object.values(agent.freeSockets)[0]![0]!
      const idleEnds = once(idle, 'close')
      const slow = get(server.port, '/slow', { agent: new http.Agent({ keepAlive: true }) })
      await asked.wait()
      await server.close()
      await idleEnds
      t.is(handle.status, 'running')
      go.set()
      const { text, connection } = await slow
      t.is(text, 'answered')
      t.is(connection, 'close')
      await handle.wait()
      t.is(handle.status, 'finished')
    })
  },
)

eachBackendWithRealSockets(
  test,
  'serveHttp: half a request is not idle; closing the HTTP server drains, too',
  async (t, backend) => {
    const httpServer = http.createServer((_, response) => response.end('answered'))
    await serving(backend, httpServer, async ({ server, handle }) => {
      const socket = net.connect(server.port, '127.0.0.1')
      const [accepted] = (await once(httpServer, 'connection')) as [net.Socket]
      socket.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n')
      await once(socket, 'data')
      socket.write('GET / HTTP/1.1\r\nHo')
      while (accepted.bytesRead < socket.bytesWritten) await sleep(1)
      httpServer.close()
      await once(httpServer, 'close')
      socket.write('st: here\r\n\r\n')
      t.regex(String((await once(socket, 'data'))[0]), /answered/)
      await once(socket, 'close')
      await handle.wait()
    })
  },
)

eachBackendWithRealSockets(
  test,
  'serveHttp: cancelled, it ends all connections at once, and the server lives on',
  async (t, backend) => {
    const asked = createEvent()
    const httpServer = serverOf(async (request, response) => {
      if (request.url === '/quick') {
        response.end('answered')
        return
      }
      asked.set()
      await sleepForever()
    })
    await serving(backend, httpServer, async ({ server, agent, handle, group }) => {
      await get(server.port, '/quick', { agent })
      const failing = t.throwsAsync(get(server.port, '/slow'), { code: 'ECONNRESET' })
      await asked.wait()
      handle.cancel()
      await handle.wait()
      await failing
      t.is(handle.status, 'cancelled')
      group.spawn(() => serveHttp(server, httpServer))
      t.is((await get(server.port, '/quick')).text, 'answered')
    })
  },
)

eachBackendWithRealSockets(
  test,
  'R94: serveHttp: cancelled, it lets handlers say goodbye in a shield, and then ends what waits for its client alone',
  async (t, backend) => {
    const asked = createEvent()
    const stalled = createEvent()
    let failure: unknown
    const httpServer = serverOf(async (request, response) => {
      if (request.url === '/stalled') {
        stalled.set()
        try {
          // A scope of its own, with foreign work alone.
          await moveOnAfter(60_000, async () => {
            for await (const _ of request);
          })
        } catch (error) {
          failure = error
        }
        return
      }
      asked.set()
      try {
        await sleepForever()
      } finally {
        await openCancelScope({ shield: true }, async () => {
          await sleep(1)
          await new Promise<void>((resolve) => response.end('goodbye', resolve))
        })
      }
    })
    await serving(backend, httpServer, async ({ server, handle }) => {
      const upload = http.request({ host: '127.0.0.1', port: server.port, path: '/stalled', method: 'POST' })
      const uploading = t.throwsAsync(once(upload, 'response'), { code: 'ECONNRESET' })
      upload.write('a part of it')
      const answer = get(server.port, '/slow')
      await asked.wait()
      await stalled.wait()
      handle.cancel()
      t.is((await answer).text, 'goodbye')
      await handle.wait()
      await uploading
      t.is((failure as NodeJS.ErrnoException).code, 'ECONNRESET')
    })
  },
)

eachBackendWithRealSockets(test, 'serveHttp: an AbortSignal cancels it', async (t, backend) => {
  const controller = new AbortController()
  const reason = new Error('enough')
  await backend.run(async () => {
    await using server = await createTcpServer(0, LOCAL)
    const serving = serveHttp(server, http.createServer(), { signal: controller.signal })
    setImmediate(() => controller.abort(reason))
    t.is(await t.throwsAsync(serving), reason)
  })
})

eachBackendWithRealSockets(
  test,
  'serveHttp: garbage, resets and slow clients end their own connections alone',
  async (t, backend) => {
    const httpServer = http.createServer((_, response) => response.end('answered'))
    await serving(backend, httpServer, async ({ server: { port } }) => {
      const garbage = net.connect(port, '127.0.0.1').on('error', () => {})
      garbage.write('this is no HTTP\r\n\r\n')
      t.regex(String((await once(garbage, 'data'))[0]), /^HTTP\/1\.1 400 /)
      const reset = net.connect(port, '127.0.0.1')
      await once(reset, 'connect')
      reset.write('GET / HTTP/1.1\r\n')
      reset.resetAndDestroy()
      t.is((await get(port)).text, 'answered')
    })
  },
)

eachBackendWithRealSockets(
  test,
  'serveHttp: over TLS of ours, HTTP/1 and HTTP/2 as ALPN has chosen',
  async (t, backend) => {
    const { ca, server: identity } = await certificates()
    const tls = createTlsContext({ cert: identity.cert, key: identity.key, alpnProtocols: ['h2', 'http/1.1'] })
    const answer = async (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse): Promise<void> => {
      await sleep(0)
      response.end(`HTTP/${request.httpVersion} in ${getCurrentTask().name}`)
    }
    const httpServer = http2.createSecureServer({ allowHTTP1: true }, answer as (...args: unknown[]) => void)
    await serving(
      backend,
      httpServer,
      async ({ server }) => {
        const ask1 = { ca, agent: false, ALPNProtocols: ['http/1.1'] } as https.RequestOptions
        t.is((await get(server.port, '/', ask1)).text, 'HTTP/1.1 in connection')
        const session = http2.connect(`https://127.0.0.1:${server.port}`, { ca })
        const texts = await Promise.all([1, 2, 3].map(() => requestText(session)))
        t.deepEqual(new Set(texts), new Set(['HTTP/2.0 in connection']))
        const ended = once(session, 'close')
        await server.close()
        await ended
      },
      { listen: { tls } },
    )
  },
)

eachBackendWithRealSockets(
  test,
  'N70: serveHttp: a plaintext server of node:http2 serves clients that speak HTTP/2 from the beginning (h2c), and drains',
  async (t, backend) => {
    const answer = async (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse): Promise<void> => {
      await sleep(0)
      response.end(`HTTP/${request.httpVersion} in ${getCurrentTask().name}`)
    }
    await serving(backend, http2.createServer(answer as (...args: unknown[]) => void), async ({ server }) => {
      const session = http2.connect(`http://127.0.0.1:${server.port}`)
      const texts = await Promise.all([1, 2, 3].map(() => requestText(session)))
      t.deepEqual(new Set(texts), new Set(['HTTP/2.0 in connection']))
      const ended = once(session, 'close')
      await server.close()
      await ended
    })
  },
)

eachBackendWithRealSockets(
  test,
  'serveHttp: a server of node:https decrypts plaintext, and takes what is decrypted',
  async (t, backend) => {
    const { ca, server: identity } = await certificates()
    for (const listen of [{}, { tls: createTlsContext({ cert: identity.cert, key: identity.key }) }]) {
      const httpServer = https.createServer({ cert: identity.cert, key: identity.key }, (request, response) => {
        response.end(`encrypted: ${String('encrypted' in request.socket && request.socket.encrypted)}`)
      })
      await serving(
        backend,
        httpServer,
        async ({ server: { port } }) => {
          t.is((await get(port, '/', { ca, agent: false })).text, 'encrypted: true')
        },
        { listen },
      )
    }
  },
)

eachBackendWithRealSockets(test, 'serveHttp: what cannot be served is refused', async (t, backend) => {
  await backend.run(async () => {
    await using server = await createTcpServer(0, LOCAL)
    const httpServer = http.createServer()
    await t.throwsAsync(serveHttp({} as SocketStreamServer, httpServer), { code: 'ERR_INVALID_ARG_TYPE' })
    await t.throwsAsync(serveHttp(server, {} as http.Server), { code: 'ERR_INVALID_ARG_TYPE' })
    await t.throwsAsync(serveHttp(server, httpServer, { maxConnections: 0 }), { code: 'ERR_OUT_OF_RANGE' })
    await t.throwsAsync(serveHttp(server, httpServer, { onError: 1 as never }), { code: 'ERR_INVALID_ARG_TYPE' })
    await server.close()
    await t.throwsAsync(serveHttp(server, httpServer), { code: 'ERR_CLOSED_RESOURCE' })
  })
  await t.throwsAsync(serveHttp({} as SocketStreamServer, http.createServer()), { code: 'ERR_INVALID_ARG_TYPE' })
})

async function requestText(session: http2.ClientHttp2Session): Promise<string> {
  const stream = session.request({ ':path': '/' })
  let text = ''
  for await (const bytes of stream) text += String(bytes)
  return text
}
