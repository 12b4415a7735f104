/** Servers: serving a task per connection, and what ends it. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import * as net from 'node:net'
import test from 'ava'
import {
  BrokenResourceError,
  Cancelled,
  ClosedResourceError,
  ExceptionGroup,
  IncompleteRead,
} from '../../src/errors.ts'
import { getCurrentTask } from '../../src/introspection.ts'
import { checkpoint, moveOnAfter, openCancelScope, sleep } from '../../src/scopes.ts'
import { connectTcp, createTcpServer } from '../../src/sockets.ts'
import type { SocketStream } from '../../src/streams/socket-stream.ts'
import type { SocketStreamServer } from '../../src/streams/socket-stream-server.ts'
import { createTaskGroup, type TaskGroup } from '../../src/task-groups.ts'
import { eachBackendWithClock, eachRealBackendWithClock, realBackends } from '../support/backends.ts'
import { eachBackendWithSockets, type Peer, PeerServer, peerTo, untilStill } from '../support/net.ts'

const LOCAL = { interface: '127.0.0.1' }

/** A server, and a group for its `serve`; both are over after `body`. */
async function serving(
  handler: (stream: SocketStream) => unknown,
  options: Parameters<SocketStreamServer['serve']>[1],
  body: (server: SocketStreamServer, group: TaskGroup) => unknown,
): Promise<void> {
  await using server = await createTcpServer(0, LOCAL)
  await createTaskGroup(async (group) => {
    group.spawn(() => server.serve(handler, options))
    await body(server, group)
    await server.close()
  })
}

const names = new Set<string>()

async function echo(stream: SocketStream): Promise<void> {
  names.add(getCurrentTask().name)
  for await (const chunk of stream) await stream.sendAll(chunk)
}

eachBackendWithSockets(
  test,
  'serve handles connections side by side, each in a task with the handler’s name, and closes each',
  async (t, backend) => {
    await backend.run(() =>
      serving(echo, undefined, async (server) => {
        const peers = await Promise.all([peerTo(server), peerTo(server), peerTo(server)])
        for (const [i, peer] of peers.entries()) await peer.write(`hello ${i}`)
        for (const [i, peer] of peers.entries()) t.is(await peer.text(7), `hello ${i}`)
        const others = { dropped: 0, retries: 0, handshaking: 0, tlsErrors: 0 }
        t.deepEqual(server.statistics(), { accepted: 3, handling: 3, ...others })
        t.true(Object.isFrozen(server.statistics()))
        t.deepEqual([...names], ['echo'])
        for (const peer of peers) {
          await peer.end()
          await peer.rest()
          peer.socket.destroy()
        }
        while (server.statistics().handling > 0) await sleep(0)
      }),
    )
  },
)

eachBackendWithSockets(
  test,
  'serve returns once the server is closed and its handlers have ended',
  async (t, backend) => {
    const order: string[] = []
    await backend.run(async () => {
      let peer: Peer | undefined
      await serving(
        async (stream) => {
          await stream.receiveSome()
          order.push('handler')
        },
        undefined,
        async (server, group) => {
          const serve = group.spawn(async () => {})
          await serve.wait()
          peer = await peerTo(server)
          while (server.statistics().handling === 0) await sleep(0)
          await server.close()
          order.push('closed')
          await peer.write('go on')
        },
      )
      order.push('served')
      peer!.socket.destroy()
    })
    t.deepEqual(order, ['closed', 'handler', 'served'])
  },
)

eachBackendWithSockets(
  test,
  'a cancelled serve cancels its handlers, closes their connections and leaves the server open',
  async (t, backend) => {
    await backend.run(async () => {
      await using server = await createTcpServer(0, LOCAL)
      let cancelled = 0
      let peer: Peer | undefined
      await openCancelScope(async (scope) => {
        await createTaskGroup(async (group) => {
          group.spawn(() =>
            server.serve(async (stream) => {
              try {
                await stream.receiveSome()
              } catch (error) {
                if (error instanceof Cancelled) cancelled++
                throw error
              }
            }),
          )
          peer = await peerTo(server)
          while (server.statistics().handling === 0) await sleep(0)
          scope.cancel()
        })
      })
      t.is(cancelled, 1)
      await peer!.gone()
      peer!.socket.destroy()
      // Still listening.
      const another = await peerTo(server)
      const stream = await server.accept()
      await stream.close()
      another.socket.destroy()
    })
  },
)

eachBackendWithSockets(
  test,
  'what breaks or ends a handler’s own connection is dropped, and the channel shows it',
  async (t, backend) => {
    const shown: { error: unknown; stream: SocketStream }[] = []
    const listener = (message: unknown): void => void shown.push(message as (typeof shown)[0])
    subscribe('structio:connection-error', listener)
    t.teardown(() => unsubscribe('structio:connection-error', listener))
    await backend.run(() =>
      serving(
        (stream) => stream.receiveExactly(10),
        { onError: () => t.fail('not an error of the server’s') },
        async (server) => {
          const half = await peerTo(server)
          await half.write('half')
          await half.end()
          await half.gone()
          const reset = await peerTo(server)
          while (server.statistics().accepted < 2) await sleep(0)
          reset.reset()
          while (server.statistics().dropped < 2) await sleep(0)
          half.socket.destroy()
        },
      ),
    )
    t.deepEqual(
      shown.map(({ error }) => (error as Error).constructor),
      [IncompleteRead, BrokenResourceError],
    )
    t.true(shown.every(({ stream }) => stream.remoteAddress.address === '127.0.0.1'))
  },
)

eachBackendWithSockets(
  test,
  'closing its own stream is no failure of a handler, nor are both at once in a group',
  async (t, backend) => {
    await backend.run(() =>
      serving(
        async (stream) => {
          await createTaskGroup(async (group) => {
            group.spawn(() => stream.receiveExactly(1))
            await checkpoint()
            await stream.close()
            await stream.sendAll('x')
          })
        },
        undefined,
        async (server) => {
          const peer = await peerTo(server)
          await peer.gone()
          peer.socket.destroy()
          while (server.statistics().handling > 0 || server.statistics().accepted === 0) await sleep(0)
          t.is(server.statistics().dropped, 1)
        },
      ),
    )
  },
)

eachBackendWithSockets(
  test,
  'the same error of another stream goes to onError, with the connection’s stream',
  async (t, backend) => {
    const errors: unknown[] = []
    await backend.run(async () => {
      await using upstream = await createTcpServer(0, LOCAL)
      await serving(
        async () => {
          await using other = await connectTcp('127.0.0.1', upstream.port)
          await other.close()
          await other.receiveSome()
        },
        { onError: (error, stream) => void errors.push(error, stream.remoteAddress.port) },
        async (server) => {
          const peer = await peerTo(server)
          const { port } = peer
          await peer.gone()
          t.true(errors[0] instanceof ClosedResourceError)
          t.is(errors[1], port)
          peer.socket.destroy()
        },
      )
    })
  },
)

eachBackendWithSockets(test, 'a handler that throws, with onError: the server goes on', async (t, backend) => {
  const errors: unknown[] = []
  await backend.run(() =>
    serving(
      async (stream) => {
        const line = await stream.receiveUntil('\n', 100)
        if (line.toString() === 'bad\n') throw new RangeError('bad line')
        await stream.sendAll(line)
      },
      { onError: (error) => void errors.push(error) },
      async (server) => {
        const bad = await peerTo(server)
        await bad.write('bad\n')
        await bad.gone()
        const good = await peerTo(server)
        await good.write('good\n')
        t.is(await good.text(5), 'good\n')
        bad.socket.destroy()
        good.socket.destroy()
      },
    ),
  )
  t.deepEqual(errors.map(String), ['RangeError: bad line'])
})

eachBackendWithSockets(
  test,
  "a handler that throws, with onError 'throw': the server ends, the others are cancelled, serve throws the group",
  async (t, backend) => {
    await backend.run(async () => {
      await using server = await createTcpServer(0, LOCAL)
      const peers: Peer[] = []
      const error = await t.throwsAsync(
        createTaskGroup(async (group) => {
          group.spawn(async () => {
            peers.push(await peerTo(server), await peerTo(server))
            await peers[0]!.write('x')
          })
          await server.serve(
            async (stream) => {
              await stream.receiveSome()
              while (server.statistics().handling < 2) await sleep(0)
              throw new TypeError('a bug')
            },
            { onError: 'throw' },
          )
        }),
        { instanceOf: ExceptionGroup },
      )
      t.deepEqual([...error.leaves()].map(String), ['TypeError: a bug'])
      await t.throwsAsync(server.accept(), { instanceOf: ClosedResourceError })
      for (const peer of peers) {
        await peer.gone()
        peer.socket.destroy()
      }
    })
  },
)

eachBackendWithSockets(
  test,
  'maxConnections bounds the handlers; the others are served when one ends',
  async (t, backend) => {
    let most = 0
    await backend.run(() =>
      serving(
        async (stream) => {
          await stream.sendAll('ready')
          await stream.receiveSome()
        },
        { maxConnections: 2 },
        async (server) => {
          const peers = await Promise.all(Array.from({ length: 7 }, () => peerTo(server)))
          let served = 0
          for (const peer of peers) {
            void peer.bytes(5).then(async () => {
              served++
              most = Math.max(most, server.statistics().handling)
              await peer.end()
            })
          }
          while (served < peers.length) await sleep(0)
          for (const peer of peers) peer.socket.destroy()
        },
      ),
    )
    t.is(most, 2)
  },
)

eachBackendWithSockets(test, 'a handler runs in the async context of the caller of serve', async (t, backend) => {
  const storage = new AsyncLocalStorage<string>()
  const seen: (string | undefined)[] = []
  await backend.run(async () => {
    await using server = await createTcpServer(0, LOCAL)
    await createTaskGroup(async (group) => {
      group.spawn(() =>
        storage.run('of serve', () =>
          server.serve(async (stream) => {
            seen.push(storage.getStore())
            await stream.receiveSome()
            seen.push(storage.getStore())
          }),
        ),
      )
      const peer = await peerTo(server)
      await peer.write('x')
      await peer.gone()
      peer.socket.destroy()
      await server.close()
    })
  })
  t.deepEqual(seen, ['of serve', 'of serve'])
})

eachBackendWithSockets(test, 'what a handler has sent arrives, although it returned at once', async (t, backend) => {
  await backend.run(() =>
    serving(
      async (stream) => {
        await stream.sendAll(Buffer.alloc(60_000, 'x'))
      },
      undefined,
      async (server) => {
        const peer = await peerTo(server)
        t.is((await peer.rest()).length, 60_000)
        peer.socket.destroy()
      },
    ),
  )
})

eachBackendWithClock(
  test,
  'closeTimeout bounds how long serve waits for bytes that do not leave',
  async (t, backend, clock) => {
    let ended = false
    let sent = 0
    let limit = (): void => {}
    const full = new Promise<void>((resolve) => (limit = resolve))
    let peer: Peer | undefined
    const running = backend.run(async () => {
      await using server = await createTcpServer(0, { ...LOCAL, closeTimeout: 1234 })
      await createTaskGroup(async (group) => {
        group.spawn(async () => {
          await server.serve(async (stream) => {
            await moveOnAfter(50, async () => {
              for (; ; sent++) await stream.sendAll(Buffer.alloc(4096))
            })
          })
          ended = true
        })
        peer = await peerTo(server)
        peer.socket.removeAllListeners('data')
        peer.socket.pause()
        await untilStill(() => sent)
        limit()
        await server.close()
      })
    })
    await full
    await clock.advance(50)
    await clock.advance(1233)
    t.false(ended)
    await clock.advance(1)
    t.true(ended)
    await running
    peer!.socket.destroy()
  },
)

eachRealBackendWithClock(
  test,
  'the end of the run gives the bytes of a stream left open five seconds to leave',
  async (t, backend, clock) => {
    const warned = new Promise((resolve) => process.once('warning', resolve))
    const peers = await PeerServer.listen(t, { reading: false })
    let ended = false
    let sent = 0
    let limit = (): void => {}
    const full = new Promise<void>((resolve) => (limit = resolve))
    const running = backend.run(async () => {
      const stream = await connectTcp('127.0.0.1', peers.port)
      await createTaskGroup((group) => {
        group.spawn(() =>
          moveOnAfter(50, async () => {
            for (; ; sent++) await stream.sendAll(Buffer.alloc(4096))
          }),
        )
        group.spawn(async () => {
          await untilStill(() => sent)
          limit()
        })
      })
    })
    void running.then(() => (ended = true))
    const peer = await peers.peer()
    await full
    await clock.advance(50)
    await warned
    await clock.advance(4999)
    t.false(ended)
    await clock.advance(1)
    await running
    peer.socket.destroy()
    peers.close()
  },
)

for (const backend of realBackends) {
  test.serial(
    `closing serves what the kernel has queued, where the backend can look at once [${backend.label}]`,
    async (t) => {
      const served: string[] = []
      const outcomes: Promise<string>[] = []
      await backend.run(async () => {
        await using server = await createTcpServer(0, { interface: '127.0.0.1' })
        await createTaskGroup(async (group) => {
          group.spawn(() =>
            server.serve(async (stream) => {
              served.push('served')
              await stream.sendAll('served')
            }),
          )
          await sleep(0)
          for (let i = 0; i < 20; i++) {
            // Connected by the kernel before this turn is over, and accepted by nobody yet.
            const socket = net.connect({ port: server.port, host: '127.0.0.1', autoSelectFamily: false })
            outcomes.push(
              new Promise((resolve) =>
                socket.on('data', (data) => resolve(String(data))).on('error', ({ message }) => resolve(message)),
              ),
            )
          }
          // Where net connects by itself.
          await new Promise<void>((resolve) => process.nextTick(resolve))
          await server.close()
        })
      })
      const heard = await Promise.all(outcomes)
      t.is(heard.filter((text) => text === 'served').length, served.length)
      if (backend.label === 'native, nested') t.is(served.length, 20)
    },
  )
}
