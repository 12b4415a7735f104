/** gather, mapConcurrent and raceTasks (TASK-7, TASK-8). On every backend. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import test from 'ava'
import { Cancelled, ExceptionGroup, UsageError } from '../../src/errors.ts'
import { getRunningTasks } from '../../src/introspection.ts'
import {
  CancelScope,
  cancelShieldedCheckpoint,
  checkpoint,
  moveOnAfter,
  openCancelScope,
  sleep,
  sleepForever,
} from '../../src/scopes.ts'
import { createTaskGroup, gather, mapConcurrent, raceTasks } from '../../src/task-groups.ts'
import { eachBackend, eachBackendWithClock } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
const range = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }

/** The messages on `structio:suppressed-error` while `body` runs. */
async function suppressedDuring(body: () => Promise<unknown>): Promise<[error: unknown, task: string][]> {
  const told: [unknown, string][] = []
  const listener = (message: unknown): void => {
    const { error, task } = message as { error: unknown; task: { name: string } }
    told.push([error, task.name])
  }
  subscribe('structio:suppressed-error', listener)
  try {
    await body()
  } finally {
    unsubscribe('structio:suppressed-error', listener)
  }
  return told
}

/** Counts how many run at once. */
class Gauge {
  now = 0
  most = 0

  async hold<T>(body: () => Promise<T>): Promise<T> {
    this.most = Math.max(this.most, ++this.now)
    try {
      return await body()
    } finally {
      this.now--
    }
  }
}

eachBackendWithClock(
  test,
  'gather gives the values in order, in whatever order the tasks finish',
  async (t, backend, clock) => {
    const main = () =>
      gather([() => sleep(30).then(() => 'slow'), () => 'at once', async () => (await sleep(10), 'soon')])
    const [values] = await Promise.all([backend.run(main), clock.advance(30)])
    t.deepEqual(values, ['slow', 'at once', 'soon'])
    t.deepEqual(await backend.run(() => gather([])), [])
  },
)

eachBackendWithClock(test, 'gather and mapConcurrent keep to their limit', async (t, backend, clock) => {
  const work = async (): Promise<void> => {
    const gathering = new Gauge()
    await gather(
      Array.from({ length: 10 }, () => () => gathering.hold(() => sleep(10))),
      { limit: 3 },
    )
    t.is(gathering.most, 3)
    const mapping = new Gauge()
    const squares = await mapConcurrent(
      Array.from({ length: 10 }, (_, n) => n),
      (n) => mapping.hold(() => sleep(10 - n).then(() => n * n)),
      { limit: 4 },
    )
    t.is(mapping.most, 4)
    t.deepEqual(squares, [0, 1, 4, 9, 16, 25, 36, 49, 64, 81])
  }
  await Promise.all([backend.run(work), clock.advance(1000)])
})

eachBackend(
  test,
  'R46: a failure cancels the others and comes out itself, after these have ended',
  async (t, backend) => {
    await backend.run(async () => {
      const boom = new Error('boom')
      const calls: Record<string, () => Promise<unknown>> = {
        gather: () => gather([() => sleepForever(), () => Promise.reject(boom)]),
        mapConcurrent: () =>
          mapConcurrent([1, 2], (n) => (n === 1 ? sleepForever() : Promise.reject(boom)), { limit: 2 }),
      }
      for (const [name, call] of Object.entries(calls)) {
        const error = await rejection(call())
        t.is(error, boom, name)
        t.is(getRunningTasks().length, 1, name)
      }
    })
  },
)

eachBackend(test, 'nothing new is begun after a failure', async (t, backend) => {
  await backend.run(async () => {
    const begun: number[] = []
    await rejection(
      mapConcurrent(
        [0, 1, 2, 3, 4],
        (n) => (begun.push(n), n === 1 ? Promise.reject(new Error('boom')) : checkpoint()),
        { limit: 2 },
      ),
    )
    t.deepEqual(begun, [0, 1])
  })
})

eachBackend(test, 'a cancellation from outside leaves as one Cancelled', async (t, backend) => {
  await backend.run(async () => {
    const calls: (() => Promise<unknown>)[] = [
      () => gather([() => sleepForever()]),
      () => mapConcurrent([1], () => sleepForever(), { limit: 1 }),
      () => raceTasks([() => sleepForever(), () => sleepForever()]),
    ]
    for (const call of calls) {
      const scope = new CancelScope()
      setImmediate(() => scope.cancel())
      await scope.run(async () => {
        const error = await rejection(call())
        t.true(error instanceof Cancelled)
        throw error
      })
      t.true(scope.cancelledCaught)
    }
  })
})

eachBackend(
  test,
  'mapConcurrent takes sync and async iterables, and asks for an item when there is room',
  async (t, backend) => {
    await backend.run(async () => {
      let asked = 0
      function* numbers(): Generator<number> {
        for (; asked < 6;) yield asked++
      }
      async function* asyncNumbers(): AsyncGenerator<number> {
        for (const n of numbers()) {
          await checkpoint()
          yield n
        }
      }
      let ahead = 0
      const fn = async (n: number, index: number): Promise<number> => {
        await checkpoint()
        ahead = Math.max(ahead, asked - n)
        return n + index
      }
      t.deepEqual(await mapConcurrent(numbers(), fn, { limit: 2 }), [0, 2, 4, 6, 8, 10])
      t.true(ahead <= 3)
      asked = 0
      t.deepEqual(await mapConcurrent(asyncNumbers(), fn, { limit: 2 }), [0, 2, 4, 6, 8, 10])
      t.deepEqual(await mapConcurrent(new Set([1]), fn, { limit: Infinity }), [1])
      t.deepEqual(await mapConcurrent([], fn, { limit: 1 }), [])
    })
  },
)

eachBackend(
  test,
  'on failure the iterator is closed: sync, async, and one whose next is still waiting',
  async (t, backend) => {
    await backend.run(async () => {
      const closed: string[] = []
      function* sync(): Generator<number> {
        try {
          for (let n = 0; ; n++) yield n
        } finally {
          closed.push('sync')
        }
      }
      async function* waiting(): AsyncGenerator<number> {
        try {
          yield 0
          await sleepForever()
        } finally {
          closed.push('async, waiting for an operation')
        }
      }
      const foreign: AsyncIterable<number> = {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise(() => undefined),
          return: () => (closed.push('async, waiting for ever'), Promise.resolve({ done: true, value: undefined })),
        }),
      }
      const boom = new Error('boom')
      const fail = async (): Promise<never> => {
        await checkpoint()
        throw boom
      }
      for (const items of [sync(), waiting()]) {
        t.is(await rejection(mapConcurrent(items, fail, { limit: 2 })), boom)
      }
      t.is(
        await openCancelScope(
          (scope) => (setImmediate(() => scope.cancel()), mapConcurrent(foreign, fail, { limit: 1 })),
        ),
        undefined,
      )
      t.deepEqual(closed, ['sync', 'async, waiting for an operation', 'async, waiting for ever'])
    })
  },
)

eachBackend(test, 'an iterator that fails is the failure, and is not closed once more', async (t, backend) => {
  await backend.run(async () => {
    const boom = new Error('from the iterator')
    const iterator = (next: () => unknown) => ({ next, return: () => t.fail('it was closed') })
    const fails = () => {
      throw boom
    }
    for (const items of [
      { [Symbol.iterator]: () => iterator(fails) },
      { [Symbol.asyncIterator]: () => iterator(async () => fails()) },
    ]) {
      const mapped = mapConcurrent(items as unknown as Iterable<number>, () => undefined, { limit: 1 })
      t.is(await rejection(mapped), boom)
    }
  })
})

eachBackendWithClock(
  test,
  'raceTasks gives the value of the first to finish, after the others were cancelled and awaited',
  async (t, backend, clock) => {
    const steps: string[] = []
    const main = () =>
      raceTasks([
        async () => {
          try {
            await sleepForever()
          } finally {
            await openCancelScope({ shield: true }, () => sleep(100))
            steps.push('loser cleaned up')
          }
        },
        () => sleep(10).then(() => 'winner'),
      ])
    const [value] = await Promise.all([backend.run(main), clock.advance(1000)])
    steps.push('left')
    t.is(value, 'winner')
    t.deepEqual(steps, ['loser cleaned up', 'left'])
  },
)

eachBackend(test, 'raceTasks rejects with the bare error of the first, and with what that is', async (t, backend) => {
  await backend.run(async () => {
    for (const thrown of [new Error('boom'), undefined]) {
      t.is(await rejection(raceTasks([() => sleepForever(), () => Promise.reject(thrown as Error)])), thrown)
    }
    t.is(await raceTasks([() => undefined, () => sleepForever()]), undefined)
    const first = await rejection(
      raceTasks([
        async () => {
          await rejection(sleepForever())
          throw new Error('a loser that fails')
        },
        () => Promise.reject(new Error('the first')),
      ]),
    )
    t.is((first as Error).message, 'the first')
  })
})

eachBackend(
  test,
  'a winner stays the winner though the race is cancelled while the losers clean up',
  async (t, backend) => {
    await backend.run(async () => {
      let value: string | undefined
      await openCancelScope(async (scope) => {
        value = await raceTasks([
          () => 'winner',
          async () => {
            await rejection(sleepForever())
            scope.cancel()
            return 'loser'
          },
        ])
        await checkpoint()
        t.fail('the next checkpoint raises')
      })
      t.is(value, 'winner')
    })
  },
)

eachBackend(test, 'a foreign cancellation is the error of the race', async (t, backend) => {
  await backend.run(async () => {
    await openCancelScope(async (outer) => {
      outer.cancel()
      const foreign = (await rejection(checkpoint())) as Error
      await openCancelScope({ shield: true }, async () => {
        t.true((await rejection(raceTasks([() => Promise.reject(foreign)]))) instanceof UsageError)
      })
    })
  })
})

eachBackend(test, 'bad arguments are rejections before anything is started', async (t, backend) => {
  await backend.run(async () => {
    const never = (): void => t.fail('it was called')
    const call = (fn: (...args: any[]) => Promise<unknown>, ...args: unknown[]) => fn(...args)
    await t.throwsAsync(call(gather, 5), type)
    await t.throwsAsync(call(gather, [never, 5]), type)
    await t.throwsAsync(call(gather, [never, Promise.resolve()]), { ...type, message: /pass a function/ })
    await t.throwsAsync(call(gather, [never], { limit: 0 }), range)
    await t.throwsAsync(call(gather, [never], { limit: 1.5 }), range)
    await t.throwsAsync(call(gather, [never], { limit: '1' }), type)
    await t.throwsAsync(call(gather, [never], 1), type)
    await t.throwsAsync(call(mapConcurrent, 5, never, { limit: 1 }), type)
    await t.throwsAsync(call(mapConcurrent, [1], 5, { limit: 1 }), type)
    await t.throwsAsync(call(mapConcurrent, [1], never), type)
    await t.throwsAsync(call(mapConcurrent, [1], never, {}), type)
    await t.throwsAsync(call(mapConcurrent, [1], never, { limit: NaN }), range)
    await t.throwsAsync(call(raceTasks, []), range)
    await t.throwsAsync(call(raceTasks, 5), type)
    await t.throwsAsync(call(raceTasks, [5]), type)
  })
})

eachBackendWithClock(test, 'a timeout around gather is the timeout of everything in it', async (t, backend, clock) => {
  const ended: string[] = []
  const main = () =>
    moveOnAfter(10, () =>
      gather(
        ['a', 'b'].map((name) => async () => {
          try {
            await sleepForever()
          } finally {
            ended.push(name)
          }
        }),
      ),
    )
  await Promise.all([backend.run(main), clock.advance(10)])
  t.deepEqual(ended, ['a', 'b'])
})

eachBackend(
  test,
  'R47: of several failures the first comes out, and the channel gets the others',
  async (t, backend) => {
    const [first, second, third] = ['first', 'second', 'third'].map((text) => new Error(text))
    const failing = async function failing(): Promise<never> {
      await checkpoint()
      throw first
    }
    const slow = async function slow(): Promise<never> {
      try {
        return await sleepForever()
      } finally {
        // eslint-disable-next-line no-unsafe-finally -- the failure of clean-up is what is tested
        throw second
      }
    }
    const atOnce = () => Promise.reject(third)
    await backend.run(async () => {
      const gathered = await suppressedDuring(async () => {
        t.is(await rejection(gather([slow, failing])), first)
      })
      t.deepEqual(gathered, [[second, 'slow']])
      const mapped = await suppressedDuring(async () => {
        const map = (n: number) => (n === 0 ? slow() : failing())
        t.is(await rejection(mapConcurrent([0, 1], map, { limit: 2 })), first)
      })
      t.deepEqual(
        mapped.map(([error]) => error),
        [second],
      )
      const raced = await suppressedDuring(async () => {
        t.is(await rejection(raceTasks([slow, failing])), first)
        t.is(await raceTasks([slow, () => 'value']), 'value')
      })
      t.deepEqual(raced, [
        [second, 'slow'],
        [second, 'slow'],
      ])
      t.deepEqual(await suppressedDuring(() => rejection(gather([atOnce]))), [])
    })
  },
)

eachBackend(test, 'R47: the first to fail is the first, also when its own leftovers end last', async (t, backend) => {
  const [first, second] = [new Error('first'), new Error('second')]
  await backend.run(async () => {
    const leaving = async (): Promise<never> => {
      // Left behind: the task has failed, and ends when this has.
      void openCancelScope({ shield: true }, async () => {
        try {
          await sleepForever()
        } finally {
          for (let n = 0; n < 5; n++) await cancelShieldedCheckpoint()
        }
      })
      await checkpoint()
      throw first
    }
    const cleaning = (): Promise<never> =>
      sleepForever().catch(() => {
        throw second
      })
    t.is(await rejection(gather([leaving, cleaning])), first)
  })
})

eachBackend(test, 'R48: the failure of an iterator counts as that of a task', async (t, backend) => {
  const [fromTask, fromIterator] = [new Error('task'), new Error('iterator')]
  async function* items(fails: boolean): AsyncGenerator<number> {
    try {
      yield 0
      if (fails) throw fromIterator
      await sleepForever()
    } finally {
      // eslint-disable-next-line no-unsafe-finally -- the failure of closing is what is tested
      if (!fails) throw fromIterator
    }
  }
  const stopped = () =>
    sleepForever().catch(() => {
      throw fromTask
    })
  const fails = () => checkpoint().then(() => Promise.reject(fromTask))
  await backend.run(async () => {
    const first = await suppressedDuring(async () => {
      t.is(await rejection(mapConcurrent(items(true), stopped, { limit: 2 })), fromIterator)
    })
    t.deepEqual(
      first.map(([error]) => error),
      [fromTask],
    )
    const second = await suppressedDuring(async () => {
      t.is(await rejection(mapConcurrent(items(false), fails, { limit: 2 })), fromTask)
    })
    t.deepEqual(
      second.map(([error]) => error),
      [fromIterator],
    )
    const made = {
      [Symbol.iterator]: () => {
        throw fromIterator
      },
    }
    t.is(await rejection(mapConcurrent(made as never, () => 1, { limit: 1 })), fromIterator)
  })
})

eachBackend(
  test,
  'R48: cancelled from outside, they are cancelled; a failure on the way out is the failure',
  async (t, backend) => {
    await backend.run(async () => {
      const boom = new Error('boom')
      const cancelled = await openCancelScope((scope) => {
        setImmediate(() => scope.cancel())
        return gather([() => sleepForever(), () => sleepForever()])
      })
      t.is(cancelled, undefined)
      const failing = () =>
        sleepForever().catch(() => {
          throw boom
        })
      const failed = openCancelScope((scope) => {
        setImmediate(() => scope.cancel())
        return gather([() => sleepForever(), failing])
      })
      t.is(await rejection(failed), boom)
    })
  },
)

eachBackend(test, 'R48: a group in a gather stays a group', async (t, backend) => {
  await backend.run(async () => {
    const nested = gather([() => createTaskGroup(() => Promise.reject(new Error('inner')))])
    t.true((await rejection(nested)) instanceof ExceptionGroup)
  })
})
