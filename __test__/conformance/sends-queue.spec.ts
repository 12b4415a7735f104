/**
 * Sends that overlap on one stream: each leaves whole, in call order (N30 … N39). The property test plays random sends,
 * cancellations and ends over every kind of stream that the library makes, and compares what arrives with a model.
 */
import { PassThrough } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import {
  BrokenResourceError,
  Cancelled,
  CancelScope,
  checkpoint,
  ClosedResourceError,
  connectTcp,
  createTaskGroup,
  createTcpServer,
  openProcess,
  relay,
  ResourceBusyError,
  type Stream,
  type TaskHandle,
  waitAllTasksBlocked,
} from '../../index.ts'
import { fromDuplex } from '../../src/node/index.ts'
import { lockstepStreamPair, memoryStreamPair } from '../../src/testing/index.ts'
import { eachBackend, eachRealBackend } from '../support/backends.ts'
import { eachBackendWithSockets, withPair } from '../support/net.ts'
import { rejection } from '../support/rejection.ts'
import { withTlsPair } from '../support/tls.ts'

eachBackendWithSockets(
  test,
  'N31: a send that is cancelled after a part of it has left fails the calls behind it; a later call goes on behind the prefix',
  async (t, backend) => {
    await withPair(backend, async (a, b) => {
      const scope = new CancelScope()
      const big = Buffer.alloc(backend.simulated ? 2 ** 21 : 2 ** 24, 'b')
      const sending = scope.run(() => rejection(a.sendAll(big)))
      await waitAllTasksBlocked()
      const behind = [a.sendAll('behind'), a.sendMany(['be', 'hind']), a.sendEof()].map((call) => rejection(call))
      scope.cancel()
      t.true((await sending) instanceof Cancelled)
      for (const failure of behind) {
        const error = await failure
        t.true(error instanceof BrokenResourceError)
        t.regex((error as Error).message, /the sendAll in front of it stopped after a part of its data had left/)
      }
      await createTaskGroup(async (tg) => {
        tg.spawn(async () => {
          await a.sendAll('later')
          await a.sendEof()
        })
        let received = 0
        let last = Buffer.alloc(0)
        for await (const chunk of b) {
          received += chunk.length
          last = Buffer.concat([last, chunk]).subarray(-6)
        }
        t.is(last.toString(), 'blater')
        t.true(received < big.length + 5)
      })
    })
  },
)

eachBackendWithSockets(
  test,
  'N32: a queued send that is cancelled drops out of the queue, and the others leave',
  async (t, backend) => {
    await withPair(backend, async (a, b) => {
      const big = Buffer.alloc(backend.simulated ? 2 ** 21 : 2 ** 24, 'b')
      await createTaskGroup(async (tg) => {
        tg.spawn(() => a.sendAll(big))
        await waitAllTasksBlocked()
        tg.spawn(() => a.sendAll('one'))
        const dropped = tg.spawn(() => a.sendAll('dropped'))
        tg.spawn(() => a.sendAll('two'))
        await waitAllTasksBlocked()
        dropped.cancel()
        await dropped.wait()
        t.is(dropped.status, 'cancelled')
        t.is((await b.receiveExactly(big.length + 6)).subarray(-6).toString(), 'onetwo')
      })
    })
  },
)

eachBackendWithSockets(
  test,
  'N33: own close wakes every send of the queue with ClosedResourceError',
  async (t, backend) => {
    await withPair(backend, async (a, b) => {
      const calls = [a.sendAll(Buffer.alloc(2 ** 24)), a.sendAll('x'), a.sendMany(['y']), a.sendEof()]
      const failures = calls.map((call) => rejection(call))
      await waitAllTasksBlocked()
      const scope = new CancelScope()
      await scope.run(async () => {
        scope.cancel()
        await a.close()
      })
      for (const failure of failures) t.true((await failure) instanceof ClosedResourceError)
      await b.close()
    })
  },
)

eachBackendWithSockets(
  test,
  'N34: when the connection breaks, the send that waits and every one behind it is a BrokenResourceError',
  async (t, backend) => {
    await withPair(backend, async (a, b) => {
      const calls = [a.sendAll(Buffer.alloc(2 ** 24)), a.sendAll('x'), a.sendMany(['y']), a.sendEof()]
      const failures = calls.map((call) => rejection(call))
      await waitAllTasksBlocked()
      b._reset()
      for (const failure of failures) t.true((await failure) instanceof BrokenResourceError)
    })
  },
)

eachBackendWithSockets(
  test,
  'N35: a relay has the direction for itself: a send is refused, and a relay is refused while sends are under way',
  async (t, backend) => {
    await withPair(backend, async (a, b) => {
      const [one] = memoryStreamPair()
      const sending = rejection(a.sendAll(Buffer.alloc(2 ** 24)))
      await waitAllTasksBlocked()
      t.true((await rejection(relay(a, one))) instanceof ResourceBusyError)
      t.true((await rejection(relay(one, a))) instanceof ResourceBusyError)
      await Promise.all([a, b].map((stream) => stream.close().catch(() => {})))
      t.true((await sending) instanceof ClosedResourceError)
    })
  },
)

eachRealBackend(test, 'N36: sends to a process queue', async (t, backend) => {
  await backend.run(async () => {
    await using cat = await openProcess(['cat'])
    await createTaskGroup(async (tg) => {
      for (let i = 0; i < 20; i++) tg.spawn(() => cat.stdin.sendAll(Buffer.alloc(100_000, i)))
      for (let i = 0; i < 20; i++) {
        const received = await cat.stdout.receiveExactly(100_000)
        if (!received.equals(Buffer.alloc(100_000, i))) t.fail(`send ${i} is not whole`)
      }
      await cat.stdin.sendEof()
    })
    t.pass()
  })
})

eachBackendWithSockets(test, 'N37: a thousand sends at once, as Promise.all begins them', async (t, backend) => {
  await withPair(backend, async (a, b) => {
    const lines = Array.from({ length: 1000 }, (_, i) => `${i} ${'x'.repeat(i)}\n`)
    await createTaskGroup(async (tg) => {
      tg.spawn(async () => {
        await Promise.all(
          lines.map((line, i) => (i % 2 === 0 ? a.sendAll(line) : a.sendMany([line.slice(0, 3), line.slice(3)]))),
        )
        await a.sendEof()
      })
      const received: Buffer[] = []
      for await (const chunk of b) received.push(chunk)
      t.is(Buffer.concat(received).toString(), lines.join(''))
    })
  })
})

eachBackend(test, 'N39: sends to a Duplex queue; one that is cancelled drops out', async (t, backend) => {
  await backend.run(async () => {
    await using stream = fromDuplex(new PassThrough({ highWaterMark: 1000 }))
    await createTaskGroup(async (tg) => {
      tg.spawn(() => stream.sendAll('a'.repeat(500_000)))
      const dropped = tg.spawn(() => stream.sendAll('dropped'))
      tg.spawn(() => stream.sendMany(['b', 'c']))
      tg.spawn(() => stream.sendEof())
      const late = tg.spawn(() => rejection(stream.sendAll('after the end')))
      await checkpoint()
      dropped.cancel()
      await dropped.wait()
      const received: Buffer[] = []
      for await (const chunk of stream) received.push(chunk)
      t.is(Buffer.concat(received).toString(), `${'a'.repeat(500_000)}bc`)
      t.true((await late.value()) instanceof ClosedResourceError)
    })
  })
})

/** Two streams connected to each other, of each kind. */
const kinds: Record<string, (body: (a: Stream, b: Stream) => Promise<void>) => Promise<void>> = {
  TCP: async (body) => {
    await using listener = await createTcpServer(0, { interface: '127.0.0.1' })
    const [a, b] = await Promise.all([connectTcp('127.0.0.1', listener.port), listener.accept()])
    await body(a, b)
  },
  memory: async (body) => body(...memoryStreamPair()),
  lockstep: async (body) => body(...lockstepStreamPair()),
}

type Step =
  | { do: 'send'; sizes: number[] }
  | { do: 'cancel'; which: number }
  | { do: 'read'; count: number }
  | { do: 'turns'; count: number }
  | { do: 'eof' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      sizes: fc.array(fc.oneof(fc.nat(30), fc.constantFrom(0, 3000, 40_000, 120_000)), { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat(20) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('read' as const), count: fc.integer({ min: 1, max: 100_000 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('turns' as const), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('eof' as const) }) },
)

for (const [kind, withStreams] of Object.entries(kinds)) {
  eachBackend(
    test,
    `N38: random sends that overlap, are cancelled, and end arrive as the model says: ${kind}`,
    async (t, backend) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), fc.boolean(), async (steps, closes) => {
          await backend.run(() => withStreams((a, b) => play(t, steps, closes, a, b)))
        }),
        { numRuns: 30 },
      )
    },
  )
}

eachBackendWithSockets(
  test,
  'N38: random sends that overlap, are cancelled, and end arrive as the model says: TLS',
  async (t, backend) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        await withTlsPair(backend, (a, b) => play(t, steps, false, a, b))
      }),
      { numRuns: 8 },
    )
  },
)

interface Made {
  readonly data: Buffer
  readonly scope: CancelScope
  outcome: 'pending' | 'sent' | 'cancelled' | 'broken' | 'closed'
}

/**
 * What is sent is numbered by its call, so that what arrives can be taken apart again. The model: each call that succeeded is
 * there whole, one that was cancelled is there as a prefix, the others not at all, and all of it in call order.
 */
async function play(t: ExecutionContext, steps: readonly Step[], closes: boolean, a: Stream, b: Stream): Promise<void> {
  const calls: Made[] = []
  const received: Buffer[] = []
  const tasks: TaskHandle<unknown>[] = []
  await createTaskGroup(async (tg) => {
    const send = (data: Buffer, call: () => Promise<void>): void => {
      const made: Made = { data, scope: new CancelScope(), outcome: 'pending' }
      calls.push(made)
      tasks.push(
        tg.spawn(() =>
          made.scope.run(async () => {
            try {
              await call()
              made.outcome = 'sent'
            } catch (error) {
              if (error instanceof Cancelled) made.outcome = 'cancelled'
              else if (error instanceof BrokenResourceError) made.outcome = 'broken'
              else if (error instanceof ClosedResourceError) made.outcome = 'closed'
              else throw error
            }
          }),
        ),
      )
    }
    for (const current of steps) {
      switch (current.do) {
        case 'send': {
          const parts = current.sizes.map((size) => Buffer.alloc(size, calls.length % 251))
          send(Buffer.concat(parts), () => (parts.length === 1 ? a.sendAll(parts[0]!) : a.sendMany(parts)))
          break
        }
        case 'cancel':
          calls[current.which % Math.max(calls.length, 1)]?.scope.cancel()
          break
        case 'read': {
          const scope = new CancelScope()
          const reading = scope.run(async () => void received.push(await b.receiveSome(current.count)))
          for (let turn = 0; turn < 3; turn++) await checkpoint()
          scope.cancel()
          await reading
          break
        }
        case 'turns':
          for (let turn = 0; turn < current.count; turn++) await checkpoint()
          break
        case 'eof':
          send(Buffer.alloc(0), () => a.sendEof())
          break
      }
    }
    await checkpoint()
    if (closes) {
      const scope = new CancelScope()
      await scope.run(async () => {
        scope.cancel()
        await a.close()
      })
    }
    tg.spawn(async () => {
      try {
        for await (const chunk of b) received.push(chunk)
      } catch (error) {
        if (!closes || !(error instanceof BrokenResourceError)) throw error
      }
    })
    for (const task of tasks) await task.wait()
    // Harmless where one has got through: others were cancelled, or failed behind a cancelled send.
    if (!closes) await a.sendEof()
  })
  t.true(
    calls.every(({ outcome }) => outcome !== 'pending'),
    'a call is left waiting',
  )
  compare(t, calls, Buffer.concat(received), closes)
  await Promise.all([a, b].map((stream) => stream.close().catch(() => {})))
}

function compare(t: ExecutionContext, calls: readonly Made[], received: Buffer, closes: boolean): void {
  let at = 0
  for (const [index, { data, outcome }] of calls.entries()) {
    if (outcome === 'broken') continue
    const rest = received.subarray(at, at + data.length)
    if (outcome === 'sent' && !closes) {
      if (!rest.equals(data)) return t.fail(`call ${index} was sent, and is not there as a whole`)
      at += data.length
    } else {
      // A prefix, perhaps none; two neighbours never have the same byte.
      let length = 0
      while (length < rest.length && rest[length] === data[0]) length++
      at += length
    }
  }
  t.is(at, received.length, 'bytes that were not sent, or not in this order')
}
