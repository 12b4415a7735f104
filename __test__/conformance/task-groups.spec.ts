/** The cases G1 to G15, on every backend. */
import test from 'ava'
import { Cancelled, ExceptionGroup, TaskCancelled, TaskFailed, UsageError } from '../../src/errors.ts'
import { getCurrentTask, getRunningTasks } from '../../src/introspection.ts'
import { CancelScope, checkpoint, moveOnAfter, openCancelScope, sleep, sleepForever } from '../../src/scopes.ts'
import { createTaskGroup, type TaskStatus } from '../../src/task-groups.ts'
import { eachBackend, eachBackendWithClock } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

eachBackend(
  test,
  'G1: a failing child interrupts the host, cancels its siblings and is the one error of the group',
  async (t, backend) => {
    await backend.run(async () => {
      const boom = new Error('boom')
      const steps: string[] = []
      const group = await rejection(
        createTaskGroup(async (tg) => {
          tg.spawn(async () => {
            try {
              await sleepForever()
            } catch (error) {
              steps.push(error instanceof Cancelled ? 'sibling cancelled' : 'sibling failed')
              throw error
            }
          })
          tg.spawn(async () => {
            await checkpoint()
            throw boom
          })
          try {
            await sleepForever()
          } finally {
            steps.push('host interrupted')
            t.is(tg.cancelScope.cancelReason?.kind, 'task-failed')
            t.is(tg.cancelScope.cancelReason?.detail, boom)
          }
        }),
      )
      t.true(group instanceof ExceptionGroup)
      t.deepEqual((group as ExceptionGroup).errors, [boom])
      t.deepEqual(steps.sort(), ['host interrupted', 'sibling cancelled'])
    })
  },
)

eachBackend(
  test,
  'G2: an error from cleaning up during the cancellation is in the group, cancellations are not',
  async (t, backend) => {
    await backend.run(async () => {
      const group = await rejection(
        createTaskGroup((tg) => {
          tg.spawn(async () => {
            try {
              await sleepForever()
            } finally {
              // eslint-disable-next-line no-unsafe-finally -- an error replaces the cancellation
              throw new Error('second, from cleanup')
            }
          })
          tg.spawn(async () => {
            await checkpoint()
            throw new Error('first')
          })
          tg.spawn(() => sleepForever())
        }),
      )
      t.deepEqual(
        (group as ExceptionGroup).errors.map((error: Error) => error.message),
        ['first', 'second, from cleanup'],
      )
    })
  },
)

eachBackend(
  test,
  'G3: a task spawned into a cancelled group runs to its first checkpoint, cleans up, and is cancelled',
  async (t, backend) => {
    await backend.run(async () => {
      const steps: string[] = []
      const child = await createTaskGroup((tg) => {
        tg.cancelScope.cancel()
        const handle = tg.spawn(async () => {
          steps.push('started')
          try {
            await checkpoint()
            steps.push('passed a checkpoint')
          } finally {
            steps.push('cleaned up')
          }
        })
        t.deepEqual(steps, [], 'nothing runs inside spawn')
        return handle
      })
      t.deepEqual(steps, ['started', 'cleaned up'])
      t.is(child?.status, 'cancelled')
    })
  },
)

eachBackend(
  test,
  'G4: a child may spawn while the host waits at the end; after the end it is a usage error',
  async (t, backend) => {
    await backend.run(async () => {
      const steps: string[] = []
      const group = await createTaskGroup((tg) => {
        tg.spawn(async () => {
          await checkpoint()
          tg.spawn(async () => {
            await checkpoint()
            steps.push('grandchild')
          })
          steps.push('child')
        })
        return tg
      })
      t.deepEqual(steps, ['child', 'grandchild'])
      const spawnLate = () => group!.spawn(() => t.fail('it was called'))
      t.throws(spawnLate, { instanceOf: UsageError, code: 'ERR_USAGE' })
      await t.throwsAsync(
        group!.start(() => t.fail('it was called')),
        { instanceOf: UsageError },
      )
    })
  },
)

eachBackend(test, 'G5: a timeout around the spawn call alone does not touch the child', async (t, backend) => {
  await backend.run(async () => {
    await createTaskGroup(async (tg) => {
      const handle = await openCancelScope(async (scope) => {
        const child = tg.spawn(async () => {
          await checkpoint()
          await checkpoint()
          return 'undisturbed'
        })
        scope.cancel()
        return child
      })
      t.is(await handle!.value(), 'undisturbed')
    })
  })
})

eachBackendWithClock(
  test,
  'G7: a host cancelled at the end of its group waits for a shielded cleanup, and one Cancelled leaves',
  async (t, backend, clock) => {
    const main = async (): Promise<void> => {
      const steps: string[] = []
      const outer = new CancelScope({ deadline: clock.now() + 10 })
      await outer.run(async () => {
        const begun = clock.now()
        const error = await rejection(
          createTaskGroup((tg) => {
            tg.spawn(async () => {
              try {
                await sleepForever()
              } finally {
                await openCancelScope({ shield: true }, () => sleep(1000))
                steps.push('cleaned up')
              }
            })
            tg.spawn(() => sleepForever())
          }),
        )
        steps.push('left the group')
        t.true(error instanceof Cancelled)
        t.is(clock.now() - begun, 1010)
        throw error
      })
      t.deepEqual(steps, ['cleaned up', 'left the group'])
      t.true(outer.cancelledCaught)
    }
    await Promise.all([backend.run(main), clock.advance(2000)])
  },
)

eachBackend(
  test,
  'G9: a child that fails before it is ready gives its bare error to start, and the group stays usable',
  async (t, backend) => {
    await backend.run(async () => {
      const value = await createTaskGroup(async (tg) => {
        const boom = new Error('not ready')
        const error = await rejection(
          tg.start(async () => {
            await checkpoint()
            throw boom
          }),
        )
        t.is(error, boom)
        t.false(tg.cancelScope.cancelCalled)
        return tg.spawn(() => 'healthy').value()
      })
      t.is(value, 'healthy')
    })
  },
)

eachBackend(test, 'G10: a child that returns without signalling is a usage error of start', async (t, backend) => {
  await backend.run(async () => {
    await createTaskGroup(async (tg) => {
      await t.throwsAsync(
        tg.start(() => checkpoint()),
        { instanceOf: UsageError, message: /started/ },
      )
    })
  })
})

eachBackend(test, 'G10: signalling twice is a usage error in the child', async (t, backend) => {
  await backend.run(async () => {
    await createTaskGroup(async (tg) => {
      const value = await tg.start((status: TaskStatus<number>) => {
        status.started(1)
        t.throws(() => status.started(2), { instanceOf: UsageError })
      })
      t.is(value, 1)
    })
  })
})

eachBackend(test, 'G14: a cancelled handle ends that task alone', async (t, backend) => {
  await backend.run(async () => {
    const value = await createTaskGroup(async (tg) => {
      const one = tg.spawn(() => sleepForever())
      const other = tg.spawn(async () => {
        await one.wait()
        return 'the other'
      })
      await checkpoint()
      one.cancel('why')
      t.is(one.status, 'cancelling')
      t.is(await other.value(), 'the other')
      t.is(one.status, 'cancelled')
      await t.throwsAsync(one.value(), { instanceOf: TaskCancelled, code: 'ERR_TASK_CANCELLED' })
      t.false(tg.cancelScope.cancelCalled)
      return 'the group'
    })
    t.is(value, 'the group')
  })
})

eachBackend(
  test,
  'G14: awaiting a failed handle reports the failure, and the group fails as well',
  async (t, backend) => {
    await backend.run(async () => {
      const boom = new Error('boom')
      const group = await rejection(
        createTaskGroup(async (tg) => {
          const failing = tg.spawn(async () => {
            await checkpoint()
            throw boom
          })
          await openCancelScope({ shield: true }, async () => {
            const error = await rejection(failing.value())
            t.true(error instanceof TaskFailed)
            t.is((error as Error).cause, boom)
          })
          t.is(failing.status, 'failed')
        }),
      )
      t.deepEqual((group as ExceptionGroup).errors, [boom])
    })
  },
)

eachBackend(
  test,
  'G15: no task is left and nothing went unhandled, whatever the outcome of a group',
  async (t, backend) => {
    await backend.run(async () => {
      const before = getRunningTasks().length
      const outcomes: Record<string, () => Promise<unknown>> = {
        finished: () => createTaskGroup((tg) => void tg.spawn(() => checkpoint())),
        'failed body': () =>
          createTaskGroup((tg) => {
            tg.spawn(() => sleepForever())
            throw new Error('body')
          }),
        'failed child': () =>
          createTaskGroup(async (tg) => {
            tg.spawn(() => Promise.reject(new Error('child')))
            tg.spawn(() => sleepForever())
            await sleepForever()
          }),
        cancelled: () =>
          createTaskGroup(async (tg) => {
            tg.spawn(() => sleepForever())
            tg.cancelScope.cancel()
            await sleepForever()
          }),
        'cancelled from outside': () =>
          moveOnAfter(0, () => createTaskGroup((tg) => void tg.spawn(() => sleepForever()))),
        'the handles are not awaited': () =>
          createTaskGroup((tg) => void tg.spawn(() => Promise.reject(new Error('alone')))),
        'failed start': () => createTaskGroup((tg) => tg.start(() => Promise.reject(new Error('start')))),
      }
      for (const [outcome, group] of Object.entries(outcomes)) {
        await group().catch(() => undefined)
        t.is(getRunningTasks().length, before, outcome)
      }
    })
  },
)

eachBackend(
  test,
  'D1: children are listed by name with the host as their parent, finished ones are not; one being started has its caller',
  async (t, backend) => {
    await backend.run(async () => {
      const host = getCurrentTask()
      await createTaskGroup(async (tg) => {
        const handles = ['a', 'b', 'c'].map((name) => tg.spawn({ name }, () => sleepForever()))
        const finished = tg.spawn({ name: 'finished' }, () => undefined)
        await finished.wait()
        const listed = getRunningTasks().filter(({ id }) => id !== host.id)
        t.deepEqual(
          listed.map(({ name, parentId }) => [name, parentId]),
          ['a', 'b', 'c'].map((name) => [name, host.id]),
        )

        const caller = tg.spawn({ name: 'caller' }, async () => {
          let parentBefore: unknown
          const started = async (status: TaskStatus): Promise<void> => {
            parentBefore = getCurrentTask().parentId
            await checkpoint()
            status.started()
            t.is(getCurrentTask().parentId, host.id)
          }
          await tg.start({ name: 'started' }, started)
          t.is(parentBefore, getCurrentTask().id)
        })
        await caller.value()
        for (const handle of handles) handle.cancel()
      })
    })
  },
)
