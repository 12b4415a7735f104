/** `retry`: which attempts are repeated and when, and where the errors go. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import test from 'ava'
import {
  CancelScope,
  Cancelled,
  checkpoint,
  createTaskGroup,
  currentTime,
  dumpTasks,
  ExceptionGroup,
  failAfter,
  moveOnAfter,
  openCancelScope,
  retry,
  type RetryOptions,
  retryErrors,
  run,
  sleep,
  sleepForever,
  TimeoutError,
  UsageError,
  waitAllTasksBlocked,
} from '../../index.ts'
import { eachBackend, eachBackendWithClock } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

/** Fails `times` times, each time with an error of its own. */
function failing(times: number): { errors: Error[]; calls: number[]; fn: (attempt: number) => string } {
  const errors: Error[] = []
  const calls: number[] = []
  return {
    errors,
    calls,
    fn(attempt) {
      calls.push(attempt)
      if (calls.length > times) return 'value'
      errors.push(new Error(`failure ${attempt}`))
      throw errors.at(-1)!
    },
  }
}

eachBackend(test, 'R100: retry calls until it succeeds, and gives the value', async (t, backend) => {
  await backend.run(async () => {
    for (const times of [0, 1, 3]) {
      const { fn, calls } = failing(times)
      t.is(await retry({ backoff: 0 }, fn), 'value')
      t.deepEqual(
        calls,
        Array.from({ length: times + 1 }, (_, n) => n + 1),
      )
    }
    t.is(await retry(() => Promise.resolve(7)), 7)
  })
})

eachBackend(
  test,
  'R101: when all attempts have failed the last error itself comes out, and retryErrors gives the earlier ones',
  async (t, backend) => {
    await backend.run(async () => {
      const { fn, errors, calls } = failing(Infinity)
      const error = await rejection(retry({ attempts: 4, backoff: 0 }, fn))
      t.is(calls.length, 4)
      t.is(error, errors[3])
      t.deepEqual(retryErrors(error), errors.slice(0, 3))
      t.true(Object.isFrozen(retryErrors(error)))

      const byDefault = failing(Infinity)
      await rejection(retry({ backoff: 0 }, byDefault.fn))
      t.is(byDefault.calls.length, 5)

      const only = await rejection(retry({ attempts: 1 }, failing(1).fn))
      t.deepEqual(retryErrors(only), [])
      const same = Object.freeze(new Error('the same each time'))
      t.is(await rejection(retry({ backoff: 0 }, () => Promise.reject(same))), same)
      t.deepEqual(retryErrors(same), [])
      t.is(await rejection(retry({ backoff: 0 }, () => Promise.reject('text'))), 'text')
      for (const other of ['text', undefined, null, new Error('other')]) t.deepEqual(retryErrors(other), [])
    })
  },
)

eachBackend(test, 'R101: of a retry that goes on for ever, the latest 100 errors are kept', async (t, backend) => {
  await backend.run(async () => {
    const { fn, errors } = failing(Infinity)
    const error = await rejection(retry({ attempts: Infinity, backoff: 0, retryIf: (_, attempt) => attempt < 150 }, fn))
    t.is(error, errors[149])
    t.deepEqual(retryErrors(error), errors.slice(49, 149))
  })
})

eachBackendWithClock(
  test,
  'R102: without jitter the waits double, up to 30 seconds or the first wait',
  async (t, backend, clock) => {
    for (const [backoff, expected] of [
      [undefined, [100, 200, 400, 800]],
      [10_000, [10_000, 20_000, 30_000, 30_000]],
      [50_000, [50_000, 50_000, 50_000, 50_000]],
      [0, [0, 0, 0, 0]],
      [(attempt: number) => 10 * attempt, [10, 20, 30, 40]],
    ] as const) {
      const delays: number[] = []
      const at: number[] = []
      const jitter = typeof backoff === 'function' ? undefined : false
      const options: RetryOptions = { backoff, jitter, onRetry: (_, __, delay) => delays.push(delay) }
      const running = backend.run(async () => {
        const start = currentTime()
        await rejection(
          retry(options, () => {
            at.push(currentTime() - start)
            throw new Error('failed')
          }),
        )
      })
      await clock.advance(200_000)
      await running
      t.deepEqual(delays, [...expected])
      let sum = 0
      t.deepEqual(at, [0, ...expected.map((ms) => (sum += ms))])
    }
  },
)

eachBackend(
  test,
  'R103: decorrelated jitter keeps each wait between the first and three times the one before; a function is spread from 0',
  async (t, backend) => {
    const spread = new Set<number>()
    await backend.run(async () => {
      const delays: number[] = []
      const onRetry = (_: unknown, __: number, delay: number): void => void delays.push(delay)
      for (let n = 0; n < 20; n++) {
        await rejection(retry({ backoff: 0.01, attempts: 6, onRetry }, () => Promise.reject(new Error('failed'))))
        t.is(delays.length, 5)
        let last = 0.01
        for (const delay of delays) {
          t.true(delay >= 0.01 && delay <= 3 * last, `${delay} after ${last}`)
          last = delay
        }
        spread.add(delays.splice(0)[0]!)
        await rejection(
          retry({ backoff: () => 0.02, jitter: true, attempts: 2, onRetry }, () => Promise.reject(new Error('failed'))),
        )
        const [delay] = delays.splice(0)
        t.true(delay! >= 0 && delay! < 0.02)
      }
    })
    t.true(spread.size > 10)
  },
)

test.serial('R103: on virtual the jitter comes from the seed', async (t) => {
  const waits = async (seed: number): Promise<number[]> => {
    const delays: number[] = []
    await run(() => rejection(retry({ onRetry: (_, __, delay) => delays.push(delay) }, failing(9).fn)), {
      backend: 'virtual',
      backendOptions: { seed },
    })
    return delays
  }
  t.deepEqual(await waits(7), await waits(7))
  t.notDeepEqual(await waits(7), await waits(8))
})

eachBackend(test, 'R104: a cancelled call is never repeated', async (t, backend) => {
  await backend.run(async () => {
    let calls = 0
    const outcome = await openCancelScope(async (scope) =>
      retry({ backoff: 0 }, async () => {
        calls++
        scope.cancel()
        await sleepForever()
      }),
    )
    t.deepEqual([outcome, calls], [undefined, 1])

    // Behind what JavaScript makes of it.
    for (const wrap of [
      (cause: unknown) => new AggregateError([cause]),
      (cause: unknown) => Object.assign(new Error('aborted', { cause }), { name: 'AbortError' }),
    ]) {
      calls = 0
      await openCancelScope(async (scope) =>
        retry({ backoff: 0 }, async () => {
          calls++
          scope.cancel()
          try {
            await checkpoint()
          } catch (error) {
            throw wrap(error)
          }
        }),
      )
      t.is(calls, 1)
    }
  })
})

eachBackend(
  test,
  'R104: nor is one that failed with the cancellation of an unrelated scope, or while its own scope was cancelled',
  async (t, backend) => {
    await backend.run(async () => {
      let foreign!: Promise<unknown>
      let calls = 0
      await openCancelScope((scope) => {
        foreign = sleepForever()
        foreign.catch(() => {})
        scope.cancel()
      })
      const error = await rejection(
        retry({ backoff: 0 }, () => {
          calls++
          return foreign
        }),
      )
      t.true(error instanceof UsageError && error.cause instanceof Cancelled, String(error))
      t.is(calls, 1)

      calls = 0
      const failure = new Error('clean-up failed')
      const scope = new CancelScope()
      const thrown = await rejection(
        scope.run(() =>
          retry({ backoff: 0 }, () => {
            calls++
            scope.cancel()
            throw failure
          }),
        ),
      )
      t.is(thrown, failure)
      t.is(calls, 1)
    })
  },
)

eachBackend(test, 'R104: in a cancelled scope nothing is called', async (t, backend) => {
  await backend.run(() =>
    openCancelScope(async (scope) => {
      scope.cancel()
      await retry(() => t.fail('was called'))
    }),
  )
  t.pass()
})

eachBackendWithClock(
  test,
  'R105: cancelled while it waits for the next attempt, it ends at once, and the last error goes to the channel',
  async (t, backend, clock) => {
    const suppressed: unknown[] = []
    const listener = (message: unknown): void => void suppressed.push((message as { error: unknown }).error)
    subscribe('structio:suppressed-error', listener)
    const failure = new Error('failed')
    let calls = 0
    try {
      const running = backend.run(async () => {
        const start = currentTime()
        const outcome = await moveOnAfter(50, () =>
          retry({ backoff: 100, jitter: false }, () => {
            calls++
            throw failure
          }),
        )
        return [outcome, currentTime() - start]
      })
      await clock.advance(1000)
      t.deepEqual(await running, [undefined, 50])
    } finally {
      unsubscribe('structio:suppressed-error', listener)
    }
    t.is(calls, 1)
    t.deepEqual(suppressed, [failure])
  },
)

eachBackendWithClock(
  test,
  'R106: a limit inside is an attempt that failed, one outside ends all of them, also an attempt that never settles',
  async (t, backend, clock) => {
    let calls = 0
    const running = backend.run(async () => {
      const inside = await rejection(
        retry({ attempts: 3, backoff: 10, jitter: false }, () => {
          calls++
          return failAfter(100, () => sleepForever())
        }),
      )
      t.true(inside instanceof TimeoutError)
      t.is(retryErrors(inside).length, 2)
      t.is(calls, 3)
      const outside = await rejection(failAfter(50, () => retry(() => sleepForever())))
      t.true(outside instanceof TimeoutError)
    })
    await clock.advance(1000)
    await running
  },
)

eachBackend(
  test,
  'R107: everything that an attempt left running has ended before the next attempt begins',
  async (t, backend) => {
    await backend.run(async () => {
      const log: string[] = []
      await retry({ backoff: 0 }, async (attempt) => {
        log.push(`attempt ${attempt}`)
        const left = (async () => {
          try {
            await sleepForever()
          } finally {
            log.push(`left behind by ${attempt} has ended`)
          }
        })()
        await Promise.race([left, checkpoint()])
        if (attempt < 3) throw new Error('failed')
      })
      t.deepEqual(log, [
        'attempt 1',
        'left behind by 1 has ended',
        'attempt 2',
        'left behind by 2 has ended',
        'attempt 3',
        'left behind by 3 has ended',
      ])
    })
  },
)

eachBackend(
  test,
  'R108: retryIf decides, also with a promise; an error that it refuses is the last',
  async (t, backend) => {
    await backend.run(async () => {
      for (const decide of [
        (error: unknown) => error instanceof RangeError,
        async (error: unknown) => error instanceof RangeError,
      ]) {
        const errors = [new RangeError('1'), new RangeError('2'), new TypeError('3')]
        const seen: unknown[] = []
        const error = await rejection(
          retry(
            {
              backoff: 0,
              retryIf: (error, attempt) => {
                seen.push([error, attempt])
                return decide(error)
              },
            },
            (attempt) => Promise.reject(errors[attempt - 1]!),
          ),
        )
        t.is(error, errors[2])
        t.deepEqual(
          seen,
          errors.map((error, n) => [error, n + 1]),
        )
        t.deepEqual(retryErrors(error), errors.slice(0, 2))
      }
    })
  },
)

eachBackend(
  test,
  'R109: an error of backoff, retryIf or onRetry comes out, and retryErrors gives those of the attempts',
  async (t, backend) => {
    await backend.run(async () => {
      const own = new Error('of an option')
      const throws = (): never => {
        throw own
      }
      for (const options of [
        { backoff: throws },
        { retryIf: throws },
        { onRetry: throws, backoff: 0 },
        { retryIf: () => Promise.reject(own) },
        { onRetry: () => Promise.reject(own), backoff: 0 },
      ] as RetryOptions[]) {
        const { fn, errors, calls } = failing(Infinity)
        const error = await rejection(retry(options, fn))
        t.is(error, own)
        t.is(calls.length, 1)
        t.deepEqual(retryErrors(error), errors)
      }
      for (const [wait, kind] of [
        [NaN, RangeError],
        [-1, RangeError],
        [Infinity, RangeError],
        ['10', TypeError],
        [undefined, TypeError],
      ] as const) {
        const { fn, errors } = failing(Infinity)
        const error = await rejection(retry({ backoff: () => wait as number }, fn))
        t.true(error instanceof kind, `${wait}: ${String(error)}`)
        t.regex(String(error), /options\.backoff\(1\)/)
        t.deepEqual(retryErrors(error), errors)
      }
    })
  },
)

eachBackend(test, 'R110: bad options are refused before anything is called', async (t, backend) => {
  await backend.run(async () => {
    const never = (): never => t.fail('was called')
    for (const [options, kind] of [
      [{ attempts: 0 }, RangeError],
      [{ attempts: -1 }, RangeError],
      [{ attempts: NaN }, RangeError],
      [{ attempts: 1.5 }, RangeError],
      [{ attempts: '3' }, TypeError],
      [{ backoff: -1 }, RangeError],
      [{ backoff: NaN }, RangeError],
      [{ backoff: Infinity }, RangeError],
      [{ backoff: '10' }, TypeError],
      [{ jitter: 'full' }, TypeError],
      [{ retryIf: true }, TypeError],
      [{ onRetry: 1 }, TypeError],
      [null, TypeError],
      [{ retries: 3 }, TypeError],
    ] as const) {
      const error = await rejection(retry(options as never, never))
      t.true(error instanceof kind, `${JSON.stringify(options)}: ${String(error)}`)
    }
    t.true((await rejection(retry(undefined as never))) instanceof TypeError)
    t.regex(String(await rejection(retry({ retries: 3 } as never, never))), /Did you mean "attempts"/)
  })
  t.is(((await rejection(retry(() => 1))) as { code?: string }).code, 'ERR_NOT_RUNNING')
})

eachBackend(test, 'R111: dumpTasks says which attempt a task waits for', async (t, backend) => {
  await backend.run(() =>
    createTaskGroup(async (tg) => {
      tg.spawn({ name: 'caller' }, () => retry({ backoff: 1e6, jitter: false }, failing(1).fn))
      await waitAllTasksBlocked()
      t.regex(dumpTasks(), /"caller" waits for retry: attempt 2 of 5 until \d+/)
      tg.cancelScope.cancel()
    }),
  )
})

eachBackend(
  test,
  'R112: a retry that is not awaited ends with its scope, and rejects with Cancelled',
  async (t, backend) => {
    await backend.run(async () => {
      const left: Promise<unknown>[] = []
      await openCancelScope(async () => {
        left.push(retry(() => sleepForever()))
        left.push(retry({ backoff: 1e6 }, failing(1).fn))
        await sleep(0)
      })
      for (const promise of left) t.true((await rejection(promise)) instanceof Cancelled)
    })
  },
)

eachBackend(test, 'R112: a task whose retry fails for good reports the last error to its group', async (t, backend) => {
  await backend.run(async () => {
    const { fn, errors } = failing(Infinity)
    const group = await rejection(createTaskGroup((tg) => void tg.spawn(() => retry({ backoff: 0 }, fn))))
    t.true(group instanceof ExceptionGroup)
    t.is((group as ExceptionGroup).errors[0], errors.at(-1))
  })
})
