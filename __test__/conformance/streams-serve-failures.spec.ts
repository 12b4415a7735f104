/** Handlers of `serve` that fail: the server goes on, and the process is warned of what is no peer's doing. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import test from 'ava'
import {
  aopen,
  BrokenResourceError,
  connectTcp,
  createTaskGroup,
  createTcpServer,
  DelimiterNotFound,
  ExceptionGroup,
  IncompleteRead,
  type SocketStream,
  type SocketStreamServer,
  TLSError,
} from '../../index.ts'
import { warnings } from '../support/datagrams.ts'
import { eachBackendWithSockets, peerTo } from '../support/net.ts'

/** Handlers that fail, and whose doing that is. */
const failures: Record<string, { fail(): unknown; peers: boolean }> = {
  'a bug': { fail: () => Promise.reject(new TypeError('a bug')), peers: false },
  'something that is no error': { fail: () => Promise.reject('a text'), peers: false },
  'a file that is not there': { fail: () => aopen('/nothing/here'), peers: false },
  'an upstream that refuses': { fail: () => connectTcp('127.0.0.1', 1), peers: true },
  'a line that is too long': { fail: () => Promise.reject(new DelimiterNotFound('too long')), peers: true },
  'a stream that is broken': { fail: () => Promise.reject(new BrokenResourceError('broken')), peers: true },
  'a group of such errors': {
    fail: () => Promise.reject(new ExceptionGroup([new IncompleteRead('x'), new ExceptionGroup([new TLSError('y')])])),
    peers: true,
  },
  'a group with a bug in it': {
    fail: () => Promise.reject(new ExceptionGroup([new IncompleteRead('x'), new RangeError('y')])),
    peers: false,
  },
}

for (const [what, { fail, peers: peersDoing }] of Object.entries(failures)) {
  for (const reporter of ['none', 'one that fails itself'] as const) {
    eachBackendWithSockets(
      test,
      `N40: a handler fails with ${what}, and onError is ${reporter}: it is told of, and the server goes on`,
      async (t, backend) => {
        const shown: unknown[] = []
        const listener = (message: unknown): void => void shown.push((message as { error: unknown }).error)
        subscribe('structio:connection-error', listener)
        t.teardown(() => unsubscribe('structio:connection-error', listener))
        const warned = warnings(t)
        let first = true
        const handler = async (stream: SocketStream): Promise<void> => {
          await stream.receiveSome()
          if (first) {
            first = false
            if (reporter === 'none') await fail()
            throw new Error('for onError')
          }
          await stream.sendAll('served')
        }
        // One name for each test: warnings appear once for each place.
        Object.defineProperty(handler, 'name', { value: t.title })
        await backend.run(() =>
          serving(handler, reporter === 'none' ? {} : { onError: () => fail() }, async (server) => {
            const bad = await peerTo(server)
            await bad.write('x')
            await bad.gone()
            const good = await peerTo(server)
            await good.write('x')
            t.is(await good.text(6), 'served')
            bad.socket.destroy()
            good.socket.destroy()
          }),
        )
        t.is(shown.length, 1)
        const about = (await warned()).filter(({ message }) => message.includes(t.title))
        t.is(about.length, peersDoing ? 0 : 1)
        if (!peersDoing) t.like(about[0], { code: 'STRUCTIO_HANDLER_FAILED' } as never)
      },
    )
  }
}

eachBackendWithSockets(
  test,
  'N41: a handler that fails a hundred times, in two places, is two warnings',
  async (t, backend) => {
    const warned = warnings(t)
    const handler = async (stream: SocketStream): Promise<void> => {
      const text = (await stream.receiveSome()).toString()
      if (text.startsWith('one')) throw new TypeError(`what the peer sent: ${text}`)
      throw new TypeError(`what the peer sent: ${text}`)
    }
    Object.defineProperty(handler, 'name', { value: t.title })
    await backend.run(() =>
      serving(handler, {}, async (server) => {
        for (let i = 0; i < 100; i++) {
          const peer = await peerTo(server)
          await peer.write(`${i % 2 === 0 ? 'one' : 'two'} ${i}`)
          await peer.gone()
          peer.socket.destroy()
        }
      }),
    )
    t.is((await warned()).filter(({ message }) => message.includes(t.title)).length, 2)
  },
)

/** A server, and a task for its `serve`; both are over after `body`. */
async function serving(
  handler: (stream: SocketStream) => unknown,
  options: Parameters<SocketStreamServer['serve']>[1],
  body: (server: SocketStreamServer) => unknown,
): Promise<void> {
  await using server = await createTcpServer(0, { interface: '127.0.0.1' })
  await createTaskGroup(async (group) => {
    group.spawn(() => server.serve(handler, options))
    await body(server)
    await server.close()
  })
}
