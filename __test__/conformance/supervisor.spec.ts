/** `createSupervisor`: children that fail independently and are restarted after a delay. */
import test from 'ava'
import {
  type ChildFailure,
  createEvent,
  createSupervisor,
  currentTime,
  dumpTasks,
  ExceptionGroup,
  getCurrentTask,
  moveOnAfter,
  openCancelScope,
  sleep,
  sleepForever,
  TaskCancelled,
  TaskFailed,
  type TaskHandle,
  UsageError,
  waitAllTasksBlocked,
} from '../../index.ts'
import { eachBackend, eachBackendWithClock } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

/** A supervisor's `onError` that keeps what it gets. */
function recorder(): { onError(error: unknown, failure: ChildFailure): void; failures: [string, ChildFailure][] } {
  const failures: [string, ChildFailure][] = []
  return { failures, onError: (error, failure) => void failures.push([String((error as Error).message), failure]) }
}

function fail(text: string): never {
  throw new Error(text)
}

eachBackend(test, 'G30: a failing child is reported, and its siblings go on', async (t, backend) => {
  const { onError, failures } = recorder()
  await backend.run(async () => {
    const log: string[] = []
    const value = await createSupervisor({ onError }, async (sv) => {
      const broken = sv.spawn({ name: 'broken' }, (text: string) => fail(text), 'one')
      sv.spawn(async () => {
        await broken.wait()
        log.push('sibling')
      })
      t.true((await rejection(broken.value())) instanceof TaskFailed)
      t.is(broken.status, 'failed')
      t.false(sv.cancelScope.cancelCalled)
      return 'body'
    })
    t.is(value, 'body')
    t.deepEqual(log, ['sibling'])
  })
  t.is(failures.length, 1)
  const [text, failure] = failures[0]!
  t.is(text, 'one')
  t.true(Object.isFrozen(failure))
  t.like(failure, { failures: 1, restartIn: undefined })
  t.is(failure.task.name, 'broken')
})

eachBackendWithClock(
  test,
  'G31: a child is restarted after waits that double, up to the limit of attempts',
  async (t, backend, clock) => {
    const { onError, failures } = recorder()
    const times: number[] = []
    const main = backend.run(() =>
      createSupervisor({ onError, restart: { attempts: 3, backoff: 100 } }, async (sv) => {
        const begun = currentTime()
        const handle = sv.spawn({ name: 'flaky' }, () => {
          times.push(currentTime() - begun)
          fail('again')
        })
        await waitAllTasksBlocked()
        t.regex(dumpTasks(), /task \d+ "flaky" waits for the restart of "flaky" until \d+/)
        t.true((await rejection(handle.value())) instanceof TaskFailed)
      }),
    )
    for (let step = 0; step < 8; step++) await clock.advance(100)
    await main
    t.deepEqual(times, [0, 100, 300, 700])
    t.deepEqual(
      failures.map(([, failure]) => [failure.failures, failure.restartIn]),
      [
        [1, 100],
        [2, 200],
        [3, 400],
        [4, undefined],
      ],
    )
    t.is(new Set(failures.map(([, { task }]) => task.id)).size, 1, 'one task')
  },
)

eachBackendWithClock(
  test,
  'G32: a run that lasts resets the count of failures; a child that returns is not restarted',
  async (t, backend, clock) => {
    const { onError, failures } = recorder()
    const backoffs: number[] = []
    const main = backend.run(() =>
      createSupervisor(
        {
          onError,
          restart: {
            attempts: 2,
            resetAfter: 1000,
            backoff: (row) => {
              backoffs.push(row)
              return 10
            },
          },
        },
        async (sv) => {
          let runs = 0
          const handle = sv.spawn(async () => {
            runs++
            if (runs === 3) await sleep(1000)
            if (runs === 5) return 'done'
            return fail(`run ${runs}`)
          })
          t.is(await handle.value(), 'done')
        },
      ),
    )
    for (let step = 0; step < 12; step++) await clock.advance(100)
    await main
    t.deepEqual(backoffs, [1, 2, 1, 2])
    t.is(failures.length, 4)
  },
)

eachBackendWithClock(
  test,
  'G33: a child that fails at once for ever does not spin, whatever its backoff',
  async (t, backend, clock) => {
    for (const backoff of [0, () => 0]) {
      let runs = 0
      const main = backend.run(() =>
        moveOnAfter(50, () =>
          createSupervisor({ onError: () => {}, restart: { attempts: Infinity, backoff } }, (sv) => {
            sv.spawn(() => {
              runs++
              fail('at once')
            })
          }),
        ),
      )
      await clock.advance(50)
      await main
      t.true(runs >= 2 && runs <= 51, String(runs))
    }
  },
)

eachBackend(
  test,
  'G34: an error of onError fails the supervisor: siblings are cancelled, and it comes out in a group',
  async (t, backend) => {
    await backend.run(async () => {
      const log: string[] = []
      const caught = await rejection(
        createSupervisor(
          {
            restart: {},
            onError: async (error) => {
              await sleep(0)
              throw error
            },
          },
          (sv) => {
            sv.spawn(async () => {
              try {
                await sleepForever()
              } finally {
                log.push('sibling cancelled')
              }
            })
            sv.spawn(() => fail('fatal'))
          },
        ),
      )
      t.true(caught instanceof ExceptionGroup)
      t.deepEqual(
        [...(caught as ExceptionGroup).leaves()].map((leaf) => (leaf as Error).message),
        ['fatal'],
      )
      t.deepEqual(log, ['sibling cancelled'])
    })
  },
)

eachBackend(
  test,
  'G35: a failing body cancels the children, also one that waits for its restart, and no cancellation is reported',
  async (t, backend) => {
    const { onError, failures } = recorder()
    await backend.run(async () => {
      let waiting: TaskHandle<unknown> | undefined
      const caught = await rejection(
        createSupervisor({ onError, restart: { backoff: 1_000_000 } }, async (sv) => {
          waiting = sv.spawn(() => fail('once'))
          sv.spawn(() => sleepForever())
          await waitAllTasksBlocked()
          fail('body')
        }),
      )
      t.is((caught as ExceptionGroup).errors.length, 1)
      t.is(waiting!.status, 'cancelled')
    })
    t.deepEqual(
      failures.map(([text]) => text),
      ['once'],
    )
  },
)

eachBackend(test, 'G36: the handle cancels a child for good, and the scope all of them', async (t, backend) => {
  const { onError, failures } = recorder()
  await backend.run(async () => {
    let runs = 0
    const value = await createSupervisor({ onError, restart: { backoff: 1 } }, async (sv) => {
      const handle = sv.spawn(async () => {
        runs++
        await sleepForever()
      })
      await waitAllTasksBlocked()
      handle.cancel()
      t.true((await rejection(handle.value())) instanceof TaskCancelled)
      sv.spawn(() => sleepForever())
      await waitAllTasksBlocked()
      sv.cancelScope.cancel()
      await sleep(0)
      return 'never'
    })
    t.is(value, undefined)
    t.is(runs, 1)
  })
  t.deepEqual(failures, [])
})

eachBackend(
  test,
  'G37: a run has ended with all that it began before the next one begins, and locals stay apart',
  async (t, backend) => {
    const log: string[] = []
    await backend.run(() =>
      createSupervisor({ onError: () => void log.push('reported'), restart: { attempts: 1, backoff: 1 } }, (sv) => {
        let runs = 0
        sv.spawn({ name: 'child' }, async () => {
          const run = ++runs
          t.is(getCurrentTask().name, 'child')
          void (async () => {
            try {
              await sleepForever()
            } finally {
              log.push(`left over of ${run}`)
            }
          })().catch(() => {})
          await sleep(0)
          if (run === 1) fail('first')
        })
      }),
    )
    t.deepEqual(log, ['left over of 1', 'reported', 'left over of 2'])
  },
)

eachBackend(
  test,
  'G38: an error of a child that is being cancelled is reported, and the child is not restarted',
  async (t, backend) => {
    const { onError, failures } = recorder()
    await backend.run(() =>
      openCancelScope(async (scope) => {
        await createSupervisor({ onError, restart: { attempts: Infinity } }, async (sv) => {
          sv.spawn(async () => {
            try {
              await sleepForever()
            } catch {
              fail('in clean-up')
            }
          })
          await waitAllTasksBlocked()
          scope.cancel()
        })
      }),
    )
    t.deepEqual(
      failures.map(([text, { restartIn }]) => [text, restartIn]),
      [['in clean-up', undefined]],
    )
  },
)

eachBackend(test, 'G39: bad input is refused before anything is started', async (t, backend) => {
  const never = (): never => fail('was called')
  const range = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }
  const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
  const onError = (): void => {}
  await backend.run(async () => {
    for (const wrong of [undefined, {}, { onError: 1 }, { onError, restart: 3 }, { onError, restart: { backof: 1 } }])
      await t.throwsAsync(createSupervisor(wrong as never, never), type)
    await t.throwsAsync(createSupervisor({ onError }, 1 as never), type)
    for (const restart of [
      { attempts: -1 },
      { attempts: NaN },
      { backoff: -1 },
      { backoff: NaN },
      { backoff: Infinity },
    ])
      await t.throwsAsync(createSupervisor({ onError, restart }, never), range)
    for (const resetAfter of [-1, NaN])
      await t.throwsAsync(createSupervisor({ onError, restart: { resetAfter } }, never), range)

    // What a backoff computes is looked at as well; the child's own error is not lost behind that.
    const { onError: keep, failures } = recorder()
    const caught = await rejection(
      createSupervisor({ onError: keep, restart: { backoff: () => NaN } }, (sv) => void sv.spawn(() => fail('own'))),
    )
    t.true((caught as ExceptionGroup).errors[0] instanceof RangeError)
    t.deepEqual(
      failures.map(([text]) => text),
      ['own'],
    )

    const ended = createEvent()
    let late: unknown
    await createSupervisor({ onError }, (sv) => {
      late = () => sv.spawn(never)
      ended.set()
    })
    t.throws(late as () => void, { instanceOf: UsageError })
  })
})
