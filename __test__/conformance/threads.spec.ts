/** `runInThread`: tokens, cancellation, and what comes back (cases T1, T2). */
import test from 'ava'
import {
  abandonOnCancel,
  Cancelled,
  type CancelScope,
  CapacityLimiter,
  createCapacityLimiter,
  createTaskGroup,
  currentDefaultThreadLimiter,
  currentTime,
  dumpTasks,
  moveOnAfter,
  openCancelScope,
  runInThread,
  sleep,
  threadTask,
  waitAllTasksBlocked,
} from '../../index.ts'
import { eachBackend, eachBackendWithClock } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'
import { Signals, task } from '../support/threads.ts'

const atRest = (limiter: CapacityLimiter) => ({
  borrowed: limiter.borrowedTokens,
  waiting: limiter.statistics().tasksWaiting,
})
const REST = { borrowed: 0, waiting: 0 }

eachBackend(
  test,
  'an export of a module and a function that closes over nothing run in a thread',
  async (t, backend) => {
    await backend.run(async () => {
      t.is(await runInThread(task('add'), 1, 2), 3)
      t.is(await runInThread(threadTask(new URL('../support/thread-work.ts', import.meta.url)), 'you'), 'hello you')
      t.is(await runInThread((a: number, b: number) => a * b, 6, 7), 42)
      const { isMainThread } = await runInThread(async () => {
        const threads = await import('node:worker_threads')
        return { isMainThread: threads.isMainThread }
      })
      t.false(isMainThread)
    })
  },
)

eachBackend(test, 'T1: cancelled before the call, the function never runs', async (t, backend) => {
  const signals = new Signals()
  const limiter = createCapacityLimiter(1)
  await backend.run(() =>
    openCancelScope(async (scope) => {
      scope.cancel()
      await t.throwsAsync(runInThread({ limiter }, task('holdUntil'), signals.words), { instanceOf: Cancelled })
      await t.throwsAsync(runInThread({ limiter, abandonOnCancel: true }, task('holdUntil'), signals.words), {
        instanceOf: Cancelled,
      })
    }),
  )
  t.is(signals.words[0], 0)
  t.deepEqual(atRest(limiter), REST)
})

eachBackend(
  test,
  'T1: cancelled while waiting for a token, the function never runs and no token is lost',
  async (t, backend) => {
    const first = new Signals()
    const second = new Signals()
    const limiter = createCapacityLimiter(1)
    await backend.run(() =>
      createTaskGroup(async (tg) => {
        const holder = tg.spawn(() => runInThread({ limiter }, task('holdUntil'), first.words))
        await abandonOnCancel(first.running())
        const waiter = tg.spawn(() => runInThread({ limiter }, task('holdUntil'), second.words))
        while (limiter.statistics().tasksWaiting === 0) await sleep(0)
        waiter.cancel()
        await waiter.wait()
        t.is(waiter.status, 'cancelled')
        t.is(limiter.borrowedTokens, 1)
        first.release()
        t.is(await holder.value(), 'held')
        t.deepEqual(atRest(limiter), REST)
        t.is(await runInThread({ limiter }, task('add'), 1, 1), 2)
      }),
    )
    t.is(second.words[0], 0)
  },
)

eachBackend(
  test,
  'T1: cancelled in the turn in which it is granted a token, it gives the token back',
  async (t, backend) => {
    const signals = new Signals()
    const limiter = createCapacityLimiter(1)
    await backend.run(() =>
      createTaskGroup(async (tg) => {
        const grant = await limiter.acquire()
        const waiter = tg.spawn(() => runInThread({ limiter }, task('holdUntil'), signals.words))
        while (limiter.statistics().tasksWaiting === 0) await sleep(0)
        grant.release()
        waiter.cancel()
        await waiter.wait()
        t.deepEqual(atRest(limiter), REST)
      }),
    )
    t.is(signals.words[0], 0)
  },
)

eachBackend(
  test,
  'T2: a caller that is cancelled while the function runs goes on when that has ended, with its value',
  async (t, backend) => {
    const signals = new Signals()
    await backend.run(async () => {
      let value: unknown
      let cancelledAfter: unknown
      await createTaskGroup(async (tg) => {
        const caller = tg.spawn(async () => {
          value = await runInThread(task('holdUntil'), signals.words)
          cancelledAfter = await rejection(sleep(0))
        })
        await abandonOnCancel(signals.running())
        caller.cancel()
        await sleep(0)
        t.is(caller.status, 'cancelling')
        t.is(value, undefined)
        signals.release()
      })
      t.is(value, 'held')
      t.true(cancelledAfter instanceof Cancelled)
    })
  },
)

eachBackendWithClock(
  test,
  'T2: the deadline passes while the function runs, and the caller goes on afterwards',
  async (t, backend, clock) => {
    const signals = new Signals()
    const limits: CancelScope[] = []
    let value: unknown
    const main = backend.run(async () => {
      value = await moveOnAfter(10, (limit) => {
        limits.push(limit)
        return runInThread(task('holdUntil'), signals.words)
      })
    })
    await signals.running()
    await clock.advance(10)
    t.true(limits[0]!.cancelCalled)
    t.is(value, undefined)
    signals.release()
    await main
    t.is(value, 'held')
  },
)

eachBackend(test, 'the error of a function whose caller was cancelled comes out all the same', async (t, backend) => {
  const signals = new Signals()
  await backend.run(async () => {
    const caught = await rejection(
      openCancelScope(async (scope) => {
        const call = runInThread(task('holdUntil'), signals.words, new RangeError('after all'))
        await Promise.race([call, signals.running()])
        scope.cancel()
        signals.release()
        await call
      }),
    )
    t.true(caught instanceof RangeError)
  })
})

eachBackend(
  test,
  'abandonOnCancel: the caller leaves at once, and the token is held until the thread is done',
  async (t, backend) => {
    const signals = new Signals()
    const limiter = createCapacityLimiter(1)
    await backend.run(async () => {
      await openCancelScope(async (scope) => {
        const call = runInThread(
          { limiter, abandonOnCancel: true },
          task('holdUntil'),
          signals.words,
          new Error('dropped'),
        )
        await Promise.race([call, signals.running()])
        scope.cancel()
        await t.throwsAsync(call, { instanceOf: Cancelled })
      })
      t.is(limiter.borrowedTokens, 1)
      await createTaskGroup(async (tg) => {
        const next = tg.spawn(() => runInThread({ limiter }, task('add'), 1, 1))
        while (limiter.statistics().tasksWaiting === 0) await sleep(0)
        signals.release()
        t.is(await next.value(), 2)
      })
      t.deepEqual(atRest(limiter), REST)
    })
  },
)

eachBackend(
  test,
  'two calls of one task run beside each other; a limiter of one makes them take turns',
  async (t, backend) => {
    await backend.run(async () => {
      const first = new Signals()
      const second = new Signals()
      const both = [first, second].map(({ words }) =>
        runInThread({ limiter: createCapacityLimiter(2) }, task('holdUntil'), words),
      )
      await Promise.race([...both, Promise.all([first.running(), second.running()])])
      first.release()
      second.release()
      t.deepEqual(await Promise.all(both), ['held', 'held'])

      const limiter = createCapacityLimiter(1)
      const values = await Promise.all([1, 2, 3].map((x) => runInThread({ limiter }, task('add'), x, x)))
      t.deepEqual(values, [2, 4, 6])
      t.deepEqual(atRest(limiter), REST)
    })
  },
)

eachBackend(
  test,
  'the default limiter bounds threads, has a token for each processor, and says who has one',
  async (t, backend) => {
    const signals = new Signals()
    await backend.run(async () => {
      const limiter = currentDefaultThreadLimiter()
      const { availableParallelism } = await import('node:os')
      t.is(limiter.totalTokens, availableParallelism())
      t.is(currentDefaultThreadLimiter(), limiter)
      await createTaskGroup(async (tg) => {
        const caller = tg.spawn({ name: 'caller' }, () =>
          runInThread({ name: 'hash' }, task('holdUntil'), signals.words),
        )
        await abandonOnCancel(signals.running())
        t.is(limiter.borrowedTokens, 1)
        t.true(caller.info === limiter.statistics().borrowers[0])
        t.regex(dumpTasks(), /"caller" waits for runInThread of "hash"/)
        signals.release()
      })
      t.is(limiter.borrowedTokens, 0)
    })
  },
)

eachBackend(
  test,
  'what is moved with transfer is gone here, and an argument that cannot be sent fails with nothing left',
  async (t, backend) => {
    const limiter = createCapacityLimiter(1)
    await backend.run(async () => {
      const bytes = new Uint8Array([1, 2, 3])
      t.is(await runInThread({ limiter, transfer: [bytes.buffer] }, (view: Uint8Array) => view.length, bytes), 3)
      t.is(bytes.length, 0)
      for (const bad of [() => 1, Symbol('x'), { deep: [() => 1] }, new WeakMap()]) {
        const error = (await rejection(runInThread({ limiter }, (x: unknown) => x, bad))) as DOMException
        t.is(error.name, 'DataCloneError')
        t.regex(error.message, /^argument 1 of a function cannot be sent to another thread: /)
        t.deepEqual(atRest(limiter), REST)
      }
      t.is(await runInThread({ limiter }, task('add'), 1, 1), 2)
    })
  },
)

eachBackend(test, 'bad input is refused before anything is started', async (t, backend) => {
  const fn = (): number => 1
  const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
  const limiter = createCapacityLimiter(1)
  await backend.run(async () => {
    const bound = fn.bind(null)
    class Made {}
    const bad = [undefined, null, 'work.js', Math.max, bound, Made, Promise.resolve(fn), new URL('file:///work.js')]
    for (const value of [...bad, function* () {}, async function* () {}]) {
      await t.throwsAsync(runInThread({ limiter }, value as never), type)
      if (value !== undefined) await t.throwsAsync(runInThread(value as never), type)
    }
    const options = [
      { limiter: 3 },
      { abandonOnCancel: 1 },
      { expose: [] },
      { expose: { f: 1 } },
      { transfer: 'x' },
      { name: 1 },
    ]
    for (const wrong of options) await t.throwsAsync(runInThread(wrong as never, fn), type)
    const none = {
      limiter: undefined,
      abandonOnCancel: undefined,
      expose: undefined,
      transfer: undefined,
      name: undefined,
    }
    t.is(await runInThread(none, fn), 1)
    t.deepEqual(atRest(limiter), REST)
  })
  t.throws(() => threadTask(1 as never, 'x'), type)
  t.throws(() => threadTask(new URL('file:///x.js'), 1 as never), type)
  t.throws(() => threadTask('./work.js', 'x'), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
})

eachBackend(test, 'a call that nobody awaited is waited for by its scope', async (t, backend) => {
  const signals = new Signals()
  await backend.run(async () => {
    let ended = false
    const scope = openCancelScope(async () => {
      void runInThread(task('holdUntil'), signals.words)
      await signals.running()
    }).then(() => (ended = true))
    await signals.running()
    await sleep(0)
    t.false(ended)
    signals.release()
    await scope
  })
})

test.serial('the clock of a virtual run does not jump while a thread works', async (t) => {
  const { run } = await import('../../index.ts')
  await run(
    () =>
      createTaskGroup(async (tg) => {
        tg.spawn(() => sleep(60_000))
        const before = currentTime()
        const signals = new Signals()
        // In turns that no task waits for: the clock would jump in one of them.
        const turns = signals.running().then(async () => {
          for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
        })
        void turns.then(() => signals.release())
        await runInThread(task('holdUntil'), signals.words)
        t.is(currentTime(), before)
        await waitAllTasksBlocked()
        tg.cancelScope.cancel()
      }),
    { backend: 'virtual' },
  )
})
