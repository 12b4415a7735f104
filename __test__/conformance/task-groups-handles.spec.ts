/** Task handles and `start` (TASK-4, TASK-6). On every backend. */
import test from 'ava'
import { Cancelled, ExceptionGroup, TaskFailed } from '../../src/errors.ts'
import { getRunningTasks } from '../../src/introspection.ts'
import { CancelScope, checkpoint, moveOnAfter, openCancelScope, sleep, sleepForever } from '../../src/scopes.ts'
import { type TaskStatus, createTaskGroup } from '../../src/task-groups.ts'
import { eachBackend, eachBackendWithClock } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

async function groupErrors(promise: Promise<unknown>): Promise<unknown[]> {
  const error = await rejection(promise)
  if (!(error instanceof ExceptionGroup)) throw error
  return error.errors as unknown[]
}

// Handles

eachBackend(test, 'a handle tells the state of its task from pending to finished', async (t, backend) => {
  await backend.run(async () => {
    const group = createTaskGroup(async (tg) => {
      const child = tg.spawn({ name: 'child' }, async () => {
        await checkpoint()
        return 5
      })
      t.is(child.status, 'pending')
      t.is(child.info.name, 'child')
      await null
      await null
      t.is(child.status, 'running')
      t.is(await child.value(), 5)
      t.is(child.status, 'finished')
      t.is(await child.value(), 5)
      t.is(await child.wait(), undefined)
      child.cancel()
      t.is(child.status, 'finished')
    })
    await group
  })
})

eachBackend(test, 'a task that swallowed its cancellation and returned is finished', async (t, backend) => {
  await backend.run(async () => {
    await createTaskGroup(async (tg) => {
      const child = tg.spawn(async () => {
        await rejection(sleepForever())
        return 'swallowed'
      })
      await checkpoint()
      child.cancel()
      t.is(await child.value(), 'swallowed')
      t.is(child.status, 'finished')
    })
  })
})

eachBackend(test, 'wait() and value() are operations under the caller’s scope', async (t, backend) => {
  await backend.run(async () => {
    await createTaskGroup(async (tg) => {
      const child = tg.spawn(() => sleepForever())
      for (const call of [() => child.wait(), () => child.value()]) {
        const scope = new CancelScope()
        setImmediate(() => scope.cancel())
        t.is(await scope.run(call), undefined)
        t.true(scope.cancelledCaught)
      }
      t.is(child.status, 'running', 'it was the waiting that was cancelled')
      child.cancel()
    })
  })
})

eachBackend(test, 'wait() for a failed task returns, value() names the task and has the cause', async (t, backend) => {
  await backend.run(async () => {
    await groupErrors(
      createTaskGroup({ shield: true }, async (tg) => {
        const child = tg.spawn({ name: 'unlucky' }, () => Promise.reject(0))
        await openCancelScope({ shield: true }, async () => {
          t.is(await child.wait(), undefined)
          const error = (await rejection(child.value())) as TaskFailed
          t.true(error instanceof TaskFailed)
          t.is(error.code, 'ERR_TASK_FAILED')
          t.is(error.cause, 0)
          t.regex(error.message, /unlucky/)
        })
      }),
    )
  })
})

eachBackend(
  test,
  'the cancellation of a task’s own handle may be answered by a failure, which fails the group',
  async (t, backend) => {
    await backend.run(async () => {
      const boom = new Error('from cleanup')
      const errors = await groupErrors(
        createTaskGroup(async (tg) => {
          const child = tg.spawn(async () => {
            await rejection(sleepForever())
            throw boom
          })
          await checkpoint()
          child.cancel()
        }),
      )
      t.deepEqual(errors, [boom])
    })
  },
)

// start

eachBackend(test, 'start gives the value, and the task goes on in the group', async (t, backend) => {
  await backend.run(async () => {
    const steps: string[] = []
    await createTaskGroup(async (tg) => {
      const port = await tg.start(
        { name: 'server' },
        async (status: TaskStatus<number>, add: number) => {
          await checkpoint()
          status.started(1 + add)
          await checkpoint()
          steps.push('went on')
        },
        2,
      )
      t.is(port, 3)
      steps.push('started')
    })
    t.deepEqual(steps, ['started', 'went on'])
  })
})

eachBackend(
  test,
  'start is no cancel point: in a cancelled scope the child runs to its first checkpoint',
  async (t, backend) => {
    await backend.run(async () => {
      await createTaskGroup(async (tg) => {
        let ran = false
        await openCancelScope(async (scope) => {
          scope.cancel()
          await tg.start(async (status) => {
            ran = true
            await checkpoint()
            status.started()
          })
          t.fail('start returned')
        })
        t.true(ran)
      })
    })
  },
)

eachBackendWithClock(
  test,
  'a caller cancelled while it waits for start has its child cancelled, and waits for it',
  async (t, backend, clock) => {
    const steps: string[] = []
    const main = () =>
      createTaskGroup(async (tg) => {
        await moveOnAfter(10, () =>
          tg.start(async () => {
            try {
              await sleepForever()
            } finally {
              await openCancelScope({ shield: true }, () => sleep(100))
              steps.push('child cleaned up')
            }
          }),
        )
        steps.push('caller went on')
        t.false(tg.cancelScope.cancelCalled)
      })
    await Promise.all([backend.run(main), clock.advance(200)])
    t.deepEqual(steps, ['child cleaned up', 'caller went on'])
  },
)

eachBackend(test, 'a child that is ready after its caller was cancelled stays with the caller', async (t, backend) => {
  await backend.run(async () => {
    await createTaskGroup(async (tg) => {
      let sawCancellation = false
      const scope = new CancelScope()
      await scope.run(() =>
        tg.start(async (status) => {
          scope.cancel()
          status.started()
          sawCancellation = (await rejection(checkpoint())) instanceof Cancelled
          throw await rejection(checkpoint())
        }),
      )
      t.true(sawCancellation)
      t.true(scope.cancelledCaught)
      t.false(tg.cancelScope.cancelCalled)
    })
  })
})

eachBackend(test, 'a pending start keeps its group open', async (t, backend) => {
  await backend.run(async () => {
    await createTaskGroup(async (outer) => {
      const steps: string[] = []
      let ready = (): void => undefined
      const inner = createTaskGroup((tg) => {
        outer.spawn(async () => {
          await tg.start((status) => new Promise<void>((resolve) => (ready = () => (status.started(), resolve()))))
          steps.push('started')
        })
        return checkpoint()
      }).then(() => steps.push('group ended'))
      await checkpoint()
      await checkpoint()
      await checkpoint()
      t.deepEqual(steps, [])
      ready()
      await inner
      await checkpoint()
      t.deepEqual(steps.sort(), ['group ended', 'started'])
    })
  })
})

eachBackend(test, 'a started child that fails later fails the group, not the caller of start', async (t, backend) => {
  await backend.run(async () => {
    const boom = new Error('later')
    let returned = false
    const errors = await groupErrors(
      createTaskGroup(async (tg) => {
        await tg.start(async (status) => {
          status.started()
          await checkpoint()
          throw boom
        })
        returned = true
      }),
    )
    t.true(returned)
    t.deepEqual(errors, [boom])
  })
})

eachBackend(test, 'a start that is not awaited is cancelled when the body around it settles', async (t, backend) => {
  await backend.run(async () => {
    await createTaskGroup(async (tg) => {
      let cancelled = false
      await openCancelScope(async () => {
        void tg.start(async () => {
          cancelled = (await rejection(sleepForever())) instanceof Cancelled
        })
        await checkpoint()
      })
      t.true(cancelled)
      t.is(getRunningTasks().length, 1)
    })
  })
})

eachBackend(test, 'a start by code that outlived its body is cancelled, and its child with it', async (t, backend) => {
  await backend.run(async () => {
    await createTaskGroup(async (tg) => {
      const steps: string[] = []
      await openCancelScope(() => {
        void (async () => {
          await rejection(sleepForever())
          const child = async (): Promise<void> => {
            const error = await rejection(sleepForever())
            steps.push(error instanceof Cancelled ? 'child cancelled' : 'child failed')
            throw error
          }
          steps.push((await rejection(tg.start(child))) instanceof Cancelled ? 'start cancelled' : 'start failed')
        })()
      })
      t.deepEqual(steps, ['child cancelled', 'start cancelled'])
      t.is(getRunningTasks().length, 1)
    })
  })
})
