/** How a relay ends otherwise than well: cancelled, idle, broken, closed; and that both streams go on from there. */
import test from 'ava'
import {
  BrokenResourceError,
  Cancelled,
  checkpoint,
  ClosedResourceError,
  createTaskGroup,
  moveOnAfter,
  openCancelScope,
  relay,
  type RelayResult,
  sleep,
  type SocketStream,
  type TaskHandle,
  TimeoutError,
  TLSEOFError,
} from '../../index.ts'
import type { SystemError } from '../../src/backends/contract/backend.ts'
import { deadlines } from '../../src/kernel/deadlines.ts'
import { eachBackendWithClock } from '../support/backends.ts'
import { settle } from '../support/manual-clock.ts'
import { eachBackendWithRealSockets, eachBackendWithSockets, nextTurn } from '../support/net.ts'
import { rejection } from '../support/rejection.ts'
import { all, counted, eachLink, LINKS, own, tcp, tlsClient, tlsServer, withLinks } from '../support/relaying.ts'

const MEGABYTE = 2 ** 20

/** Where all ends are sockets: how much of a chunk an own stream had passed on when it was cancelled, nobody knows. */
const SOCKETS = LINKS.filter(([, one, other]) => one !== own && other !== own)

eachLink(
  test,
  'cancelled at any moment it has lost nothing, and another one goes on',
  async (t, { left, a, b, right }, backend) => {
    const size = backend.simulated ? MEGABYTE / 2 : MEGABYTE
    const [there, back] = [counted(size, 3), counted(size, 4)]
    await createTaskGroup(async (tg) => {
      for (const [end, data] of [
        [left, there],
        [right, back],
      ] as const) {
        tg.spawn(async () => {
          for (let at = 0; at < size; at += 7000) {
            await end.sendAll(data.subarray(at, at + 7000))
            if (at % 3 === 0) await nextTurn()
          }
          await end.sendEof()
        })
      }
      const arriving = [tg.spawn(all, right), tg.spawn(all, left)]
      let result: RelayResult | undefined
      let rounds = 0
      for (; result === undefined; rounds++) {
        await openCancelScope(async (scope) => {
          void (async () => {
            for (let turn = 0; turn < (rounds * 7) % 5; turn++) await nextTurn()
            // Later and later, so that it comes to an end.
            if (rounds < 30) scope.cancel()
          })()
          result = await relay(a, b)
        })
      }
      t.true((await arriving[0]!.value()).equals(there))
      t.true((await arriving[1]!.value()).equals(back))
      t.true(rounds > 5, `${rounds} rounds`)
    })
  },
  SOCKETS,
)

eachLink(
  test,
  'what was read and not sent when it was cancelled is received next',
  async (t, { left, a, b, right }, backend) => {
    const data = counted(backend.simulated ? MEGABYTE : 24 * MEGABYTE, 5)
    await createTaskGroup(async (tg) => {
      tg.spawn(async () => {
        await left.sendAll(data)
        await left.sendEof()
      })
      const scope = tg.spawn(() => relay(a, b))
      // Nobody reads at the right: it fills up.
      await stalled(() => a.bufferedData.length, 60)
      scope.cancel()
      await scope.wait()
      t.is(scope.status, 'cancelled')
      t.true(a.bufferedData.length <= 2 ** 19, 'no more than a block waits')
      // Both are usable: what is left is received from `a`, what was passed on from `b`, and together they are all there was.
      const rest = tg.spawn(all, a)
      const passedOn = tg.spawn(all, right)
      const kept = await rest.value()
      await b.sendEof()
      const passed = await passedOn.value()
      t.is(passed.length + kept.length, data.length)
      t.true(Buffer.concat([passed, kept]).equals(data))
      t.true(passed.length > 0 && kept.length > 0)
    })
  },
  SOCKETS,
)

/** Lets the loop turn until nothing can have moved for a while. */
async function stalled(look: () => unknown, turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    look()
    await sleep(0)
    await nextTurn()
  }
}

eachLink(test, 'called in a cancelled scope it does nothing', async (t, { left, a, b, right }) => {
  await left.sendAll('kept')
  t.is((await a.receiveExactly(1)).toString(), 'k')
  await openCancelScope(async (scope) => {
    scope.cancel()
    t.true((await rejection(relay(a, b))) instanceof Cancelled)
  })
  t.is((await a.receiveExactly(3)).toString(), 'ept')
  await b.sendAll('free')
  t.is((await right.receiveExactly(4)).toString(), 'free')
})

for (const [name, one, other] of [LINKS[0]!, LINKS[2]!, LINKS[4]!]) {
  eachBackendWithClock(
    test,
    `without a byte for idleTimeout it is a TimeoutError: ${name}`,
    async (t, backend, clock) => {
      await withLinks(t, backend, [one, other], async ({ left, a, b, right }) => {
        await createTaskGroup(async (tg) => {
          const relaying = tg.spawn(() => rejection(relay(a, b, { idleTimeout: 1000 })))
          await settle()
          await clock.advance(900)
          await left.sendAll('x')
          t.is((await right.receiveExactly(1)).toString(), 'x')
          await clock.advance(900)
          await right.sendAll('y')
          t.is((await left.receiveExactly(1)).toString(), 'y')
          await clock.advance(999)
          t.is(relaying.status, 'running')
          await clock.advance(1)
          const error = await relaying.value()
          t.true(error instanceof TimeoutError, String(error))
          t.regex((error as Error).message, /no byte in either direction for 1000 ms/)
          // Both streams are as they were.
          await left.sendAll('more')
          t.is((await a.receiveExactly(4)).toString(), 'more')
          await b.sendAll('more')
          t.is((await right.receiveExactly(4)).toString(), 'more')
          t.deepEqual(
            await moveOnAfter(Infinity, async () => {
              const again = relay(a, b, { idleTimeout: Infinity })
              await clock.advance(1_000_000)
              await Promise.all([left.sendEof(), right.sendEof()])
              return again
            }),
            { aToB: 0, bToA: 0 },
          )
        })
      })
    },
  )
}

eachBackendWithClock(test, 'a relay that ends in time leaves no deadline', async (t, backend) => {
  await withLinks(t, backend, [tcp, tcp], async ({ left, a, b, right }) => {
    await Promise.all([left.sendEof(), right.sendEof()])
    await relay(a, b, { idleTimeout: 1000 })
    t.is(deadlines.size, 0)
  })
})

eachBackendWithSockets(
  test,
  'a reset is a BrokenResourceError with the system error, and the other stream goes on',
  async (t, backend) => {
    for (const swapped of [false, true]) {
      await withLinks(t, backend, [tcp, tcp], async ({ left, a, b, right }) => {
        await createTaskGroup(async (tg) => {
          const relaying = tg.spawn(() => rejection(swapped ? relay(b, a) : relay(a, b)))
          await left.sendAll('x')
          await right.receiveExactly(1)
          reset(left as SocketStream)
          const error = (await relaying.value()) as BrokenResourceError
          t.true(error instanceof BrokenResourceError, String(error))
          t.is((error.cause as SystemError).code, 'ECONNRESET')
          // Still there, and still the caller's: broken for good, and no orderly end.
          t.true((await rejection(a.receiveSome())) instanceof BrokenResourceError)
          await b.sendAll('b lives')
          t.is((await right.receiveExactly(7)).toString(), 'b lives')
          await right.sendAll('both ways')
          t.is((await b.receiveExactly(9)).toString(), 'both ways')
          // Of a connection that is known to be broken it does not wait for anything.
          t.true((await rejection(relay(a, b))) instanceof BrokenResourceError)
        })
      })
    }
  },
)

/** Ends a connection with `RST`. */
function reset(stream: SocketStream): void {
  stream._connection.transport.reset()
}

eachBackendWithSockets(test, 'a peer that reads no more fails it as a send would', async (t, backend) => {
  await withLinks(t, backend, [tcp, tcp], async ({ left, a, b, right }) => {
    await createTaskGroup(async (tg) => {
      const relaying = tg.spawn(() => rejection(relay(a, b)))
      await left.sendAll('x')
      await right.receiveExactly(1)
      reset(right as SocketStream)
      const sending = tg.spawn(async () => {
        for (;;) {
          await left.sendAll(Buffer.alloc(1000))
          await sleep(0)
        }
      })
      const error = (await relaying.value()) as BrokenResourceError
      sending.cancel()
      t.true(error instanceof BrokenResourceError, String(error))
      t.regex((error.cause as SystemError).code, /ECONNRESET|EPIPE/)
      await a.sendAll('a lives')
      t.is((await left.receiveExactly(7)).toString(), 'a lives')
    })
  })
})

eachLink(
  test,
  'closed by another task it is a ClosedResourceError, and the other stream goes on',
  async (t, { left, a, b, right }) => {
    await createTaskGroup(async (tg) => {
      const relaying = tg.spawn(() => rejection(relay(a, b)))
      await left.sendAll('x')
      await right.receiveExactly(1)
      await moveOnAfter(0, () => a.close())
      t.true((await relaying.value()) instanceof ClosedResourceError)
      t.true((await rejection(a.receiveSome())) instanceof ClosedResourceError)
      await right.sendAll('both')
      t.is((await b.receiveExactly(4)).toString(), 'both')
      await b.sendAll('ways')
      t.is((await right.receiveExactly(4)).toString(), 'ways')
    })
  },
)

eachBackendWithSockets(test, 'closed while the other side holds it up it ends at once', async (t, backend) => {
  await withLinks(t, backend, [tcp, tcp], async ({ left, a, b }) => {
    await createTaskGroup(async (tg) => {
      const relaying = tg.spawn(() => rejection(relay(a, b)))
      // The close resets the connection, which may end the sending before the test does.
      const filling = tg.spawn(() =>
        rejection(left.sendAll(Buffer.alloc(backend.simulated ? MEGABYTE : 64 * MEGABYTE))),
      )
      await stalled(() => 0, 50)
      await a.close()
      t.true((await relaying.value()) instanceof ClosedResourceError)
      filling.cancel()
    })
  })
})

eachBackendWithRealSockets(test, 'TLS that ends without its close_notify is a TLSEOFError', async (t, backend) => {
  await withLinks(t, backend, [tlsServer, tcp], async ({ left, a, b, right }) => {
    await createTaskGroup(async (tg) => {
      const relaying = tg.spawn(() => rejection(relay(a, b)))
      await left.sendAll('x')
      await right.receiveExactly(1)
      ;(left as SocketStream)._connection.destroy()
      t.true((await relaying.value()) instanceof TLSEOFError)
      await b.sendAll('b lives')
      t.is((await right.receiveExactly(7)).toString(), 'b lives')
    })
  })
})

for (const [name, other] of [
  ['TCP', tcp],
  ['TLS', tlsClient],
] as const) {
  eachBackendWithRealSockets(
    test,
    `L41: a TLS client whose other side broke, ${name}, is told of no end of the data`,
    async (t, backend) => {
      await withLinks(t, backend, [tlsServer, other], async ({ left, a, b, right }) => {
        await createTaskGroup(async (tg) => {
          const relaying = tg.spawn(() => rejection(relay(a, b)))
          await left.sendAll('ask')
          await right.receiveExactly(3)
          await right.sendAll('the first half')
          t.is((await left.receiveExactly(14)).toString(), 'the first half')
          ;(right as SocketStream)._connection.reset()
          t.true((await relaying.value()) instanceof Error)
          await a.close()
          t.true((await rejection(left.receiveSome())) instanceof TLSEOFError)
        })
      })
    },
  )
}

for (const [name, one, other] of [
  ['TCP and TCP', tcp, tcp],
  ['TLS and TLS', tlsServer, tlsClient],
  ['TCP and an own stream', tcp, own],
] as const) {
  eachBackendWithSockets(
    test,
    `a side that does not read holds up the other one, and memory stays flat: ${name}`,
    async (t, backend) => {
      const offered = backend.simulated ? 64 : 256
      await withLinks(t, backend, [one, other], async ({ left, a, b, right }) => {
        const before = process.memoryUsage.rss()
        await createTaskGroup(async (tg) => {
          const relaying: TaskHandle<RelayResult> = tg.spawn(() => relay(a, b))
          let taken = 0
          const sending = tg.spawn(async () => {
            const piece = Buffer.alloc(MEGABYTE)
            for (; taken < offered; taken++) await left.sendAll(piece)
          })
          for (let still = 0, last = -1; still < 60; still++) {
            await sleep(0)
            await nextTurn()
            if (taken !== last) still = 0
            last = taken
          }
          t.true(taken < offered / 4, `${taken} MiB were taken`)
          t.true(process.memoryUsage.rss() - before < 64 * MEGABYTE)
          // The other direction is none the slower.
          await right.sendAll('meanwhile')
          t.is((await left.receiveExactly(9)).toString(), 'meanwhile')
          relaying.cancel()
          sending.cancel()
        })
        await checkpoint()
      })
    },
  )
}
