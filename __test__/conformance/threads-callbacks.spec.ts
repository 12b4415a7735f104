/** Threads that call their host: `expose`, `runAsyncFromThread`, `checkCancelled` (cases T4, T5). */
import { MessageChannel, Worker } from 'node:worker_threads'
import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import test from 'ava'
import {
  abandonOnCancel,
  Cancelled,
  createCapacityLimiter,
  createEvent,
  createTaskGroup,
  currentDefaultThreadLimiter,
  fromThread,
  getCurrentTask,
  NotRunningError,
  openCancelScope,
  run,
  runAsyncFromThread,
  runInThread,
  sleep,
  sleepForever,
  threadTask,
  UsageError,
} from '../../index.ts'
import { eachBackend } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'
import { Signals, task } from '../support/threads.ts'

eachBackend(test, 'a thread calls a function of its host, which waits while the thread blocks', async (t, backend) => {
  await backend.run(async () => {
    const expose = {
      double: async (x: number) => {
        await sleep(1)
        return 2 * x
      },
      task: () => getCurrentTask().name,
    }
    t.is(await runInThread({ expose }, task('ask'), 'double', 21), 42)
    t.is(await runInThread({ expose }, () => runAsyncFromThread<number>('double', 4)), 8)
    await createTaskGroup((tg) =>
      tg.spawn({ name: 'caller' }, async () => {
        t.is(await runInThread({ expose }, task('ask'), 'task'), 'caller')
      }),
    )
  })
})

eachBackend(test, 'another copy of the library in the thread finds its way to the host, too', async (t, backend) => {
  await backend.run(async () => {
    const ask = threadTask<(name: string, x: number) => number>(
      new URL('../support/thread-work-built.ts', import.meta.url),
      'ask',
    )
    t.is(await runInThread({ expose: { half: (x: number) => x / 2 } }, ask, 'half', 8), 4)
    const value = await runInThread({ expose: { half: (x: number) => x / 2 } }, async () => {
      const library = await import('structio')
      return library.runAsyncFromThread('half', 8)
    })
    t.is(value, 4)
  })
})

eachBackend(test, 'the event loop goes on while a thread waits for its host', async (t, backend) => {
  await backend.run(async () => {
    const begun = createEvent()
    const goOn = createEvent()
    const expose = {
      wait: async () => {
        begun.set()
        await goOn.wait()
        return 'went on'
      },
    }
    await createTaskGroup(async (tg) => {
      const call = tg.spawn(() => runInThread({ expose }, task('ask'), 'wait'))
      await begun.wait()
      await sleep(0)
      goOn.set()
      t.is(await call.value(), 'went on')
    })
  })
})

eachBackend(
  test,
  'what an exposed function throws is thrown in the thread, and through it at the caller',
  async (t, backend) => {
    await backend.run(async () => {
      const expose = {
        fail: () => Promise.reject(Object.assign(new RangeError('too far'), { limit: 3 })),
        function: () => () => 1,
      }
      const error = (await rejection(runInThread({ expose }, task('ask'), 'fail'))) as RangeError & { limit: number }
      t.true(error instanceof RangeError)
      t.is(error.limit, 3)
      t.is(((await rejection(runInThread({ expose }, task('ask'), 'function'))) as Error).name, 'DataCloneError')
      t.like(await runInThread({ expose }, task('askAndDescribe'), 'missing'), { type: 'UsageError' })
      t.like(await runInThread(task('askAndDescribe'), 'missing'), { type: 'UsageError' })
      const unsendable = (await rejection(runInThread({ expose }, () => runAsyncFromThread('fail', () => 1)))) as Error
      t.is(unsendable.name, 'DataCloneError')
    })
  },
)

eachBackend(
  test,
  'T4: the waits of a callback are cancelled with the host scope; the error comes out in the thread, and the scope absorbs it',
  async (t, backend) => {
    await backend.run(async () => {
      let inCallback: unknown
      let atCaller: unknown
      const waiting = createEvent()
      const expose = {
        wait: async () => {
          waiting.set()
          inCallback = await rejection(sleepForever())
          throw inCallback
        },
      }
      const scope = await openCancelScope(async (scope) => {
        await createTaskGroup(async (tg) => {
          tg.spawn(async () => {
            const call = runInThread({ expose }, task('ask'), 'wait')
            atCaller = await rejection(call)
            throw atCaller
          })
          await waiting.wait()
          scope.cancel()
        })
        return scope
      })
      t.is(scope, undefined)
      t.true(inCallback instanceof Cancelled)
      t.true(atCaller instanceof Cancelled)
    })
  },
)

eachBackend(
  test,
  'T4: the thread sees the cancellation of a callback as Cancelled, and may go on',
  async (t, backend) => {
    await backend.run(async () => {
      let value: unknown
      await openCancelScope(async (scope) => {
        const expose = {
          wait: () => {
            scope.cancel()
            return sleepForever()
          },
        }
        value = await runInThread({ expose }, task('askAndDescribe'), 'wait')
      })
      t.like(value, { type: 'Cancelled', code: 'ERR_CANCELLED' })
    })
  },
)

eachBackend(
  test,
  'T4: checkCancelled raises in the middle of a computation, and the host scope absorbs it',
  async (t, backend) => {
    const signals = new Signals()
    await backend.run(async () => {
      let scopeOf: { cancelledCaught: boolean } | undefined
      await openCancelScope(async (scope) => {
        scopeOf = scope
        const call = runInThread(task('spinUntilCancelled'), signals.words)
        await Promise.race([call, signals.running()])
        scope.cancel()
        await call
      })
      t.true(signals.cancelled)
      t.true(scopeOf!.cancelledCaught)
    })
  },
)

eachBackend(test, 'T4: checkCancelled respects shields, also those that come and go', async (t, backend) => {
  const signals = new Signals()
  await backend.run(async () => {
    await openCancelScope(async (outer) => {
      await openCancelScope({ shield: true }, async () => {
        const call = runInThread(task('spinUntilCancelled'), signals.words)
        await Promise.race([call, signals.running()])
        outer.cancel()
        // It has a while to look, and sees nothing.
        await runInThread(() => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20))
        signals.release()
        await call
      })
    })
    t.false(signals.cancelled)

    const expose = { cancel: () => outer.cancel(), shield: (on: boolean) => void (inner.shield = on) }
    const outer = { cancel: (): void => {} }
    const inner = { shield: false }
    const seen = await openCancelScope({ shield: true }, async () => {
      const result = await openCancelScope(async (outerScope) => {
        outer.cancel = () => outerScope.cancel()
        return openCancelScope((innerScope) => {
          Object.defineProperty(inner, 'shield', { set: (on: boolean) => (innerScope.shield = on) })
          return runInThread({ expose }, () => {
            const looks: boolean[] = []
            const look = (): void => {
              try {
                fromThread.checkCancelled()
                looks.push(false)
              } catch {
                looks.push(true)
              }
            }
            look()
            runAsyncFromThread('cancel')
            look()
            runAsyncFromThread('shield', true)
            look()
            runAsyncFromThread('shield', false)
            look()
            return looks
          })
        })
      })
      return result
    })
    t.deepEqual(seen, [false, true, false, true])
  })
})

eachBackend(test, 'T5: on the event-loop thread both worker calls are a UsageError', async (t, backend) => {
  await backend.run(async () => {
    for (const call of [() => runAsyncFromThread('x'), () => fromThread.checkCancelled()]) {
      t.throws(call, { instanceOf: UsageError, name: 'UsageError', message: /event-loop thread/ })
    }
  })
})

test.serial('T5: a thread that the library did not start is told so', async (t) => {
  t.throws(() => runAsyncFromThread('x'), { instanceOf: NotRunningError })
  t.throws(() => fromThread.checkCancelled(), { instanceOf: NotRunningError })
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads')
     import('structio').then(({ runAsyncFromThread, fromThread }) => {
       const names = [() => runAsyncFromThread('x'), () => fromThread.checkCancelled()].map((call) => {
         try { return call() } catch (error) { return error.name }
       })
       parentPort.postMessage(names)
     })`,
    { eval: true, execArgv: [] },
  )
  t.deepEqual((await once(worker, 'message'))[0], ['NotRunningError', 'NotRunningError'])
  await worker.terminate()
})

test.serial('T5: a callback of an abandoned thread after its run has settled is a RunFinishedError', async (t) => {
  const signals = new Signals()
  const { port1, port2 } = new MessageChannel()
  await run(() =>
    openCancelScope(async (scope) => {
      const options = { abandonOnCancel: true, expose: { f: () => 1 }, transfer: [port2] }
      const call = runInThread(options, task('holdAndAsk'), signals.words, port2, 'f')
      await Promise.race([call, signals.running()])
      scope.cancel()
      await call
    }),
  )
  signals.release()
  t.like((await once(port1, 'message'))[0], { code: 'ERR_RUN_FINISHED' })
  port1.close()
})

eachBackend(test, 'a callback of an abandoned thread whose run goes on is Cancelled', async (t, backend) => {
  const signals = new Signals()
  const { port1, port2 } = new MessageChannel()
  await backend.run(async () => {
    await openCancelScope(async (scope) => {
      const options = { abandonOnCancel: true, expose: { f: () => 1 }, transfer: [port2] }
      const call = runInThread(options, task('holdAndAsk'), signals.words, port2, 'f')
      await Promise.race([call, signals.running()])
      scope.cancel()
      await call
    })
    signals.release()
    t.like((await abandonOnCancel(once(port1, 'message')))[0], { code: 'ERR_CANCELLED' })
  })
  port1.close()
})

eachBackend(test, 'calls nest as deep as the limiter has tokens; one deeper is a UsageError', async (t, backend) => {
  for (const tokens of [1, 2, 4]) {
    const limiter = createCapacityLimiter(tokens)
    const bottom = (depth: number): Promise<unknown> =>
      runInThread(
        { limiter, expose: { nest: bottom, bottom: () => depth } },
        task('ask'),
        depth === 1 ? 'bottom' : 'nest',
        depth - 1,
      )
    await backend.run(async () => {
      t.is(await bottom(tokens), 1)
      const error = await rejection(bottom(tokens + 1))
      t.true(error instanceof UsageError)
      t.regex((error as Error).message, /every token/)
    })
    t.is(limiter.borrowedTokens, 0)
  }
})

eachBackend(test, 'the same for every way to wait for a token, and across two limiters', async (t, backend) => {
  const a = createCapacityLimiter(1)
  const b = createCapacityLimiter(1)
  const inThread = (limiter: typeof a, f: () => unknown): Promise<unknown> =>
    runInThread({ limiter, expose: { f } }, task('ask'), 'f')
  await backend.run(async () => {
    for (const wait of [
      () => a.acquire(),
      () => a.use(() => 1),
      () => a.acquireOnBehalfOf('x'),
      () => inThread(a, () => 1),
    ]) {
      t.true((await rejection(inThread(a, wait))) instanceof UsageError)
      t.true((await rejection(inThread(a, () => inThread(b, wait)))) instanceof UsageError)
    }
    // Other tokens, or one of somebody who works, will come back.
    t.is(await inThread(a, () => b.use(() => 'fine')), 'fine')
    const signals = new Signals()
    const two = createCapacityLimiter(2)
    const working = runInThread({ limiter: two }, task('holdUntil'), signals.words)
    await Promise.race([working, signals.running()])
    const nested = inThread(two, () => {
      const waits = inThread(two, () => 'got one')
      signals.release()
      return waits
    })
    t.is(await nested, 'got one')
    await working
  })
  t.is(a.borrowedTokens + b.borrowedTokens + currentDefaultThreadLimiter().borrowedTokens, 0)
})

eachBackend(
  test,
  'two threads whose callbacks want a token: one of them gets the error, and the other a token',
  async (t, backend) => {
    const limiter = createCapacityLimiter(2)
    await backend.run(async () => {
      const both = createEvent()
      let inside = 0
      const wait = async (): Promise<unknown> => {
        if (++inside === 2) both.set()
        await both.wait()
        return limiter.use(() => 'had a token')
      }
      const calls = [0, 1].map(() =>
        runInThread({ limiter, expose: { wait } }, task('ask'), 'wait').catch((e: unknown) => e),
      )
      const outcomes = await Promise.all(calls)
      t.is(outcomes.filter((outcome) => outcome === 'had a token').length, 1)
      t.is(outcomes.filter((outcome) => outcome instanceof UsageError).length, 1)
    })
  },
)

eachBackend(test, 'an exposed function sees the stores of whoever exposed it', async (t, backend) => {
  const store = new AsyncLocalStorage<string>()
  await backend.run(() =>
    store.run('mine', async () => {
      t.is(await runInThread({ expose: { read: () => store.getStore() } }, task('ask'), 'read'), 'mine')
    }),
  )
})

test.serial('virtual time passes while a thread waits for a function that sleeps', async (t) => {
  await run(
    async () => {
      const expose = { nap: () => sleep(3_600_000) }
      await runInThread({ expose }, task('ask'), 'nap')
    },
    { backend: 'virtual' },
  )
  t.pass()
})

test.serial('a thread that waits for a function that waits for nobody is a deadlock that is found', async (t) => {
  const main = (): Promise<unknown> =>
    runInThread({ expose: { wait: () => createEvent().wait() } }, task('ask'), 'wait')
  const error = (await rejection(run(main, { detectDeadlocks: true }))) as Error
  t.true(error instanceof UsageError)
  t.regex(error.message, /deadlock/)
})
