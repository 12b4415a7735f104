/** `terminateOnCancel`: a cancelled caller ends the thread that computes for it. */
import test from 'ava'
import {
  abandonOnCancel,
  Cancelled,
  CancelScope,
  createCapacityLimiter,
  createEvent,
  createTaskGroup,
  failAfter,
  moveOnAfter,
  openCancelScope,
  runInThread,
  sleep,
  sleepForever,
  TimeoutError,
} from '../../index.ts'
import { eachBackend } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'
import { Signals, task } from '../support/threads.ts'

/** Tells that it runs, and never ends. */
const compute = (words: Int32Array): never => {
  Atomics.store(words, 0, 1)
  Atomics.notify(words, 0)
  for (;;) Math.sqrt(2)
}

eachBackend(
  test,
  'T10: the thread of a cancelled caller is terminated, the token is back, and another thread takes its place',
  async (t, backend) => {
    const signals = new Signals()
    const limiter = createCapacityLimiter(1)
    await backend.run(async () => {
      let outcome: unknown
      const scope = new CancelScope()
      await scope.run(async () => {
        const call = runInThread({ limiter, terminateOnCancel: true }, compute, signals.words)
        await Promise.race([call, signals.running()])
        scope.cancel()
        outcome = await rejection(call)
        t.is(limiter.borrowedTokens, 0)
        throw outcome
      })
      t.true(outcome instanceof Cancelled)
      t.true(scope.cancelledCaught)
      t.is(await runInThread({ limiter }, task('add'), 1, 1), 2)
    })
  },
)

eachBackend(test, 'T11: a deadline ends a computation that never asks', async (t, backend) => {
  await backend.run(async () => {
    const words = new Int32Array(new SharedArrayBuffer(12))
    const endless = (): Promise<never> => runInThread({ terminateOnCancel: true }, compute, words)
    t.is(await moveOnAfter(50, endless), undefined)
    t.true((await rejection(failAfter(50, endless))) instanceof TimeoutError)
  })
})

eachBackend(
  test,
  'T12: a caller that waits for a token behind a terminated thread gets it when that has ended',
  async (t, backend) => {
    const signals = new Signals()
    const limiter = createCapacityLimiter(1)
    await backend.run(() =>
      createTaskGroup(async (tg) => {
        const first = tg.spawn(() => runInThread({ limiter, terminateOnCancel: true }, compute, signals.words))
        await abandonOnCancel(signals.running())
        const second = tg.spawn(() => runInThread({ limiter }, task('add'), 2, 2))
        while (limiter.statistics().tasksWaiting === 0) await sleep(0)
        first.cancel()
        t.is(await second.value(), 4)
        t.is(first.status, 'cancelled')
        t.is(limiter.borrowedTokens, 0)
      }),
    )
  },
)

eachBackend(
  test,
  'T13: a function that has returned before it could be terminated gives its value',
  async (t, backend) => {
    const signals = new Signals()
    await backend.run(async () => {
      let value: unknown
      await openCancelScope(async (scope) => {
        const call = runInThread({ terminateOnCancel: true }, task('holdUntil'), signals.words)
        await Promise.race([call, signals.running()])
        signals.release()
        // The thread has time to answer, and the event loop none to receive the answer.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
        scope.cancel()
        value = await call
      })
      t.is(value, 'held')
      // That thread takes no other job.
      t.is(await runInThread(task('add'), 1, 1), 2)
    })
  },
)

eachBackend(
  test,
  'T14: terminated while it calls back: the function of the host is cancelled, and its clean-up is waited for',
  async (t, backend) => {
    const limiter = createCapacityLimiter(1)
    await backend.run(async () => {
      const events: string[] = []
      await openCancelScope(async (scope) => {
        const called = createEvent()
        const expose = {
          wait: async () => {
            called.set()
            try {
              await sleepForever()
            } finally {
              await openCancelScope({ shield: true }, async () => {
                for (let turn = 0; turn < 10; turn++) await sleep(0)
              })
              events.push('cleaned up')
            }
          },
        }
        const call = runInThread({ limiter, terminateOnCancel: true, expose }, task('ask'), 'wait')
        await Promise.race([call, called.wait()])
        scope.cancel()
        await call
      })
      t.deepEqual(events, ['cleaned up'])
      t.is(limiter.borrowedTokens, 0)
      t.is(await runInThread({ limiter }, task('add'), 1, 1), 2)
    })
  },
)

eachBackend(
  test,
  'T15: cancelled before the call, or while it waits for a token, nothing is terminated',
  async (t, backend) => {
    const signals = new Signals()
    const limiter = createCapacityLimiter(1)
    const options = { limiter, terminateOnCancel: true }
    await backend.run(() =>
      createTaskGroup(async (tg) => {
        const first = tg.spawn(() => runInThread(options, task('holdUntil'), signals.words))
        await abandonOnCancel(signals.running())
        t.is(await moveOnAfter(0, () => runInThread(options, task('add'), 1, 1)), undefined)
        await openCancelScope(async (scope) => {
          scope.cancel()
          await runInThread(options, task('add'), 1, 1)
        })
        signals.release()
        t.is(await first.value(), 'held')
      }),
    )
  },
)

eachBackend(test, 'T16: a shield keeps the thread alive', async (t, backend) => {
  const signals = new Signals()
  await backend.run(async () => {
    let value: unknown
    await openCancelScope(async (scope) => {
      value = await openCancelScope({ shield: true }, async () => {
        const call = runInThread({ terminateOnCancel: true }, task('holdUntil'), signals.words)
        await Promise.race([call, signals.running()])
        scope.cancel()
        signals.release()
        return call
      })
    })
    t.is(value, 'held')
  })
})

eachBackend(
  test,
  'T17: together with abandonOnCancel it is a RangeError, before anything is started',
  async (t, backend) => {
    const limiter = createCapacityLimiter(1)
    await backend.run(async () => {
      const both = { limiter, abandonOnCancel: true, terminateOnCancel: true }
      await t.throwsAsync(runInThread(both, task('add'), 1, 1), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
      await t.throwsAsync(runInThread({ terminateOnCancel: 1 as never }, task('add'), 1, 1), { instanceOf: TypeError })
      t.is(limiter.borrowedTokens, 0)
      t.is(await runInThread({ ...both, abandonOnCancel: false }, task('add'), 1, 1), 2)
    })
  },
)
