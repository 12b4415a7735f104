/**
 * `close()` as `finally` blocks call it: in a cancelled scope, in a call that was left behind, and outside every run.
 * It closes and resolves each time.
 */
import { AsyncResource } from 'node:async_hooks'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import test from 'ava'
import {
  aopen,
  BrokenResourceError,
  CancelScope,
  checkpoint,
  ClosedResourceError,
  connectTcp,
  createBlockingPortal,
  createTaskGroup,
  createTcpServer,
  createUdpSocket,
  openCancelScope,
  openProcess,
  receiveSignals,
  relay,
  sleepForever,
  type SocketStream,
  TemporaryDirectory,
} from '../../index.ts'
import { fromDuplex } from '../../src/node/index.ts'
import { memoryStreamPair } from '../../src/testing/index.ts'
import { eachBackend } from '../support/backends.ts'
import { eachBackendWithSockets, nextTurn, withPair, withPeer } from '../support/net.ts'
import { rejection } from '../support/rejection.ts'

const LOCAL = { interface: '127.0.0.1' }

eachBackendWithSockets(
  test,
  'N20: 600 relays that are cancelled, each with a finally that closes one stream and then the other, leave no descriptor',
  async (t, backend) => {
    await backend.run(async () => {
      await using front = await createTcpServer(0, { ...LOCAL, backlog: 600 })
      await using back = await createTcpServer(0, { ...LOCAL, backlog: 600 })
      const streams: SocketStream[] = []
      await openCancelScope(async (scope) => {
        await createTaskGroup(async (tg) => {
          for (let relays = 0; relays < 600; relays++) {
            const client = await connectTcp('127.0.0.1', front.port)
            const [a, b] = [await front.accept(), await connectTcp('127.0.0.1', back.port)]
            const server = await back.accept()
            streams.push(a, b)
            tg.spawn(async () => {
              try {
                await relay(a, b)
              } finally {
                await a.close()
                await b.close()
              }
            })
            tg.spawn(async () => {
              try {
                await sleepForever()
              } finally {
                await client.close()
                await server.close()
              }
            })
          }
          await checkpoint()
          scope.cancel()
        })
      })
      for (const stream of streams) {
        if (!((await rejection(stream.receiveSome())) instanceof ClosedResourceError)) return t.fail('a stream is open')
      }
    })
  },
)

eachBackend(
  test,
  'R9: in a cancelled scope, a finally with two closes closes both, and the error of the body comes out',
  async (t, backend) => {
    await withPair(backend, async (first, second) => {
      const thrown = new Error('thrown')
      const error = await rejection(
        openCancelScope(async (scope) => {
          try {
            scope.cancel()
            throw thrown
          } finally {
            await first.close()
            await second.close()
          }
        }),
      )
      t.is(error, thrown)
      for (const stream of [first, second])
        t.true((await rejection(stream.receiveSome())) instanceof ClosedResourceError)
    })
  },
)

interface Closable {
  close(): Promise<void>
}

/** One of each kind of resource, and what fails when it is closed. */
async function resources(folder: string): Promise<[what: string, resource: Closable, use: () => unknown][]> {
  const server = await createTcpServer(0, LOCAL)
  const [client, accepted] = await Promise.all([connectTcp('127.0.0.1', server.port), server.accept()])
  const udp = await createUdpSocket(LOCAL)
  const file = await aopen(join(folder, 'file'), 'w')
  await file.write('flushed')
  const directory = await TemporaryDirectory({ dir: folder })
  const process = await openProcess(['sleep', '600'])
  const signals = receiveSignals('SIGUSR2')
  const portal = await createBlockingPortal({ expose: {} })
  const [memory, other] = memoryStreamPair()
  const duplex = fromDuplex(new PassThrough())
  return [
    ['stream', client, () => client.receiveSome()],
    ['accepted stream', accepted, () => accepted.receiveSome()],
    ['server', server, () => server.accept()],
    ['UDP socket', udp, () => udp.receive(1)],
    ['file', file, () => file.write('x')],
    [
      'directory',
      directory,
      () => {
        if (!existsSync(directory.name)) throw new ClosedResourceError('gone')
      },
    ],
    ['process', process, () => process.wait()],
    ['signal receiver', signals, () => signals[Symbol.asyncIterator]().next()],
    [
      'portal',
      portal,
      () => {
        throw new ClosedResourceError('a portal has no call that its host could make')
      },
    ],
    ['memory stream', memory, () => memory.receiveSome()],
    ['memory stream', other, () => other.receiveSome()],
    ['stream of a Duplex', duplex, () => duplex.receiveSome()],
  ]
}

for (const [where, inPlace] of [
  [
    'in a cancelled scope',
    async (close: () => Promise<void>) => {
      const scope = await openCancelScope(async (scope) => {
        scope.cancel()
        await close()
        return scope
      })
      if (scope === undefined) throw new Error('the close raised the cancellation')
    },
  ],
  [
    'in a scope that has ended',
    async (close: () => Promise<void>) => {
      const gate = createGate()
      let late: Promise<void> | undefined
      await openCancelScope(() => {
        late = gate.opened.then(close)
      })
      gate.open()
      await late
    },
  ],
  [
    'in a task that has ended',
    async (close: () => Promise<void>) => {
      const gate = createGate()
      let late: Promise<void> | undefined
      await createTaskGroup(async (tg) => {
        await tg
          .spawn(() => {
            late = gate.opened.then(close)
          })
          .wait()
        gate.open()
        await late
      })
    },
  ],
] as const) {
  eachBackend(test, `N21: close() of each kind of resource closes and resolves ${where}`, async (t, backend) => {
    const folder = mkdtempSync(join(tmpdir(), 'structio-closing-'))
    try {
      await backend.run(async () => {
        for (const [what, resource, use] of await resources(folder)) {
          await t.notThrowsAsync(
            inPlace(() => resource.close()),
            what,
          )
          t.true((await rejection((async () => use())())) instanceof ClosedResourceError, what)
          await t.notThrowsAsync(resource.close(), `${what}, again`)
        }
        t.is(readFileSync(join(folder, 'file'), 'utf8'), 'flushed')
      })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

eachBackendWithSockets(
  test,
  'N22: close() outside every run closes and resolves, and what was taken leaves',
  async (t, backend) => {
    await withPeer(t, backend, async (stream, peer) => {
      const data = Buffer.alloc(50_000, 'x')
      await stream.sendAll(data)
      await outside.runInAsyncScope(() => stream.close())
      t.deepEqual(await peer.rest(), data)
      t.true((await rejection(stream.sendAll('x'))) instanceof ClosedResourceError)
    })
  },
)

eachBackendWithSockets(
  test,
  'N23: a failed write is reported by close() in a cancelled scope, and not by one that was left behind',
  async (t, backend) => {
    for (const leftBehind of [false, true]) {
      await withPeer(t, backend, async (stream, peer) => {
        peer.reset()
        await rejection(stream.receiveSome())
        await stream.sendAll('the write of this fails')
        for (let turn = 0; turn < 5; turn++) await nextTurn()
        if (leftBehind) {
          const gate = createGate()
          let late: Promise<void> | undefined
          await openCancelScope(() => {
            late = gate.opened.then(() => stream.close())
          })
          gate.open()
          await t.notThrowsAsync(late as Promise<void>)
        } else {
          const scope = new CancelScope()
          await scope.run(async () => {
            scope.cancel()
            await t.throwsAsync(stream.close(), { instanceOf: BrokenResourceError })
          })
        }
        t.true((await rejection(stream.sendAll('x'))) instanceof ClosedResourceError)
      })
    }
  },
)

/** No run has begun where this was made. */
const outside = new AsyncResource('outside every run')

function createGate(): { readonly opened: Promise<void>; open(): void } {
  let open!: () => void
  return { opened: new Promise((resolve) => (open = resolve)), open: () => open() }
}
