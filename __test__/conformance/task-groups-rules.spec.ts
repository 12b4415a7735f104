/** Groups and `spawn` (TASK-1 to TASK-5), beyond the cases of task-groups.spec.ts. On every backend. */
import { AsyncLocalStorage } from 'node:async_hooks'
import test from 'ava'
import { ExceptionGroup, NotRunningError } from '../../src/errors.ts'
import { TaskInfo, getCurrentTask, getRunningTasks } from '../../src/introspection.ts'
import { checkpoint, moveOnAfter, openCancelScope, sleep, sleepForever } from '../../src/scopes.ts'
import { type TaskGroup, type TaskHandle, createTaskGroup } from '../../src/task-groups.ts'
import { eachBackend, eachBackendWithClock } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

async function groupErrors(promise: Promise<unknown>): Promise<unknown[]> {
  const error = await rejection(promise)
  if (!(error instanceof ExceptionGroup)) throw error
  return error.errors as unknown[]
}

// The group

eachBackend(test, 'a group gives the value of its body, after every child has ended', async (t, backend) => {
  await backend.run(async () => {
    const steps: string[] = []
    const value = await createTaskGroup({ name: 'named' }, async (tg) => {
      tg.spawn(async () => {
        await checkpoint()
        steps.push('child')
      })
      return 'value'
    })
    steps.push('left')
    t.is(value, 'value')
    t.deepEqual(steps, ['child', 'left'])
  })
})

eachBackend(
  test,
  'a cancelled group gives undefined where its body was cancelled, and the value where it had one',
  async (t, backend) => {
    await backend.run(async () => {
      const cancelled = await createTaskGroup(async (tg) => {
        tg.cancelScope.cancel()
        await checkpoint()
        return 'value'
      })
      t.is(cancelled, undefined)
      let caught: boolean | undefined
      const finished = await createTaskGroup((tg) => {
        tg.spawn(() => sleepForever())
        tg.cancelScope.cancel()
        setImmediate(() => (caught = tg.cancelScope.cancelledCaught))
        return 'value'
      })
      t.is(finished, 'value')
      await checkpoint()
      t.true(caught)
    })
  },
)

eachBackend(test, 'a failing body cancels the children, and its error is in the group', async (t, backend) => {
  await backend.run(async () => {
    const boom = new Error('boom')
    let child: TaskHandle<unknown> | undefined
    const errors = await groupErrors(
      createTaskGroup((tg) => {
        child = tg.spawn(() => sleepForever())
        throw boom
      }),
    )
    t.deepEqual(errors, [boom])
    t.is(child?.status, 'cancelled')
  })
})

eachBackend(test, 'anything thrown is a failure, undefined and 0 too', async (t, backend) => {
  await backend.run(async () => {
    for (const thrown of [undefined, 0, null, '']) {
      t.deepEqual(await groupErrors(createTaskGroup((tg) => void tg.spawn(() => Promise.reject(thrown as never)))), [
        thrown,
      ])
    }
  })
})

eachBackend(test, 'nested groups are kept, and the message shows the first leaf', async (t, backend) => {
  await backend.run(async () => {
    const boom = new TypeError('deep down')
    const error = (await rejection(
      createTaskGroup((tg) => void tg.spawn(() => createTaskGroup(() => Promise.reject(boom)))),
    )) as ExceptionGroup
    const inner = error.errors[0] as ExceptionGroup
    t.true(inner instanceof ExceptionGroup)
    t.deepEqual(inner.errors, [boom])
    t.regex(error.message, /TypeError: deep down/)
    t.is(error.name, 'ExceptionGroup')
    t.is(error.code, 'ERR_EXCEPTION_GROUP')
    t.deepEqual([...error.leaves()], [boom])
  })
})

eachBackend(test, 'cancellations inside a nested group that leaves by an error are not in it', async (t, backend) => {
  await backend.run(async () => {
    const boom = new Error('boom')
    const errors = await groupErrors(
      createTaskGroup(async (tg) => {
        tg.spawn(async () => {
          await rejection(sleepForever())
          throw new AggregateError([await rejection(checkpoint()), boom])
        })
        await checkpoint()
        tg.cancelScope.cancel()
        await checkpoint()
      }),
    )
    t.deepEqual((errors[0] as AggregateError).errors, [boom])
  })
})

eachBackendWithClock(
  test,
  'a shielded group is not reached by a cancellation from outside',
  async (t, backend, clock) => {
    const steps: unknown[] = []
    const main = () =>
      moveOnAfter(10, async () => {
        const group = createTaskGroup({ shield: true }, (tg) => tg.spawn(() => sleep(100).then(() => 'slept')).value())
        steps.push(await group)
        await checkpoint()
        steps.push('passed a checkpoint')
      })
    await Promise.all([backend.run(main), clock.advance(100)])
    t.deepEqual(steps, ['slept'])
  },
)

eachBackendWithClock(
  test,
  'the deadline of a group’s scope bounds its children while the host waits for them',
  async (t, backend, clock) => {
    const begun = clock.now()
    const ended: [string, number][] = []
    const child = async (name: string): Promise<void> => {
      await rejection(sleepForever())
      ended.push([name, clock.now() - begun])
    }
    const main = async (): Promise<void> => {
      await createTaskGroup((tg) => {
        tg.cancelScope.deadline = begun + 10
        tg.spawn(child, 'set in the body')
      })
      await createTaskGroup((tg) => {
        tg.spawn(child, 'set while the host waits')
        setImmediate(() => (tg.cancelScope.deadline = begun + 30))
      })
    }
    await Promise.all([backend.run(main), clock.advance(100)])
    t.deepEqual(ended, [
      ['set in the body', 10],
      ['set while the host waits', 30],
    ])
  },
)

eachBackend(test, 'the deadline of a group’s scope ends body and children', async (t, backend) => {
  await backend.run(async () => {
    let child: TaskHandle<unknown> | undefined
    await createTaskGroup(async (tg) => {
      child = tg.spawn(() => sleepForever())
      tg.cancelScope.deadline = -Infinity
      await checkpoint()
    })
    t.is(child?.status, 'cancelled')
  })
})

eachBackend(
  test,
  'leaving an empty or finished group in a cancelled scope does not throw; the next checkpoint does',
  async (t, backend) => {
    await backend.run(async () => {
      const left: unknown[] = []
      await openCancelScope(async (scope) => {
        scope.cancel()
        left.push(await createTaskGroup(() => 'empty'))
        const finished = createTaskGroup((tg) => {
          const child = tg.spawn(() => undefined)
          return new Promise<string>((resolve) => setImmediate(() => resolve(child.status)))
        })
        left.push(await finished)
        await checkpoint()
        left.push('passed a checkpoint')
      })
      t.deepEqual(left, ['empty', 'finished'])
    })
  },
)

eachBackend(
  test,
  'bad arguments throw from spawn and reject from start, before anything is started',
  async (t, backend) => {
    await backend.run(async () => {
      const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
      await createTaskGroup(async (tg) => {
        const spawn = tg.spawn.bind(tg) as (...args: unknown[]) => unknown
        const start = tg.start.bind(tg) as (...args: unknown[]) => Promise<unknown>
        t.throws(() => spawn(), type)
        t.throws(() => spawn(5), type)
        t.throws(() => spawn({ name: 5 }, () => undefined), type)
        t.throws(() => spawn({ name: 'x' }), type)
        t.throws(() => spawn(Promise.resolve()), { ...type, message: /pass a function/ })
        t.throws(() => spawn({}, Promise.resolve()), { ...type, message: /pass a function/ })
        await t.throwsAsync(start(), type)
        await t.throwsAsync(
          start({ name: 5 }, () => undefined),
          type,
        )
      })
      const open = (...args: unknown[]) => Reflect.apply(createTaskGroup, undefined, args) as Promise<unknown>
      await t.throwsAsync(open(), type)
      await t.throwsAsync(
        open({ shield: 1 }, () => undefined),
        type,
      )
      await t.throwsAsync(
        open({ name: 1 }, () => undefined),
        type,
      )
      await t.throwsAsync(open(Promise.resolve()), { ...type, message: /pass a function/ })
    })
    await t.throwsAsync(
      createTaskGroup(() => undefined),
      { instanceOf: NotRunningError, code: 'ERR_NOT_RUNNING', message: /run/ },
    )
  },
)

// spawn

eachBackend(
  test,
  'a child starts after spawn has returned, with its arguments, in the order of spawning',
  async (t, backend) => {
    await backend.run(async () => {
      const steps: string[] = []
      await createTaskGroup((tg) => {
        for (const name of ['a', 'b'])
          tg.spawn((first: string, second: number) => void steps.push(first + second), name, 1)
        tg.spawn({ name: 'c' }, (first: string) => void steps.push(first), 'c')
        steps.push('spawned')
      })
      t.deepEqual(steps, ['spawned', 'a1', 'b1', 'c'])
    })
  },
)

eachBackend(
  test,
  'spawn works from any callback, and the child belongs to the host of the group',
  async (t, backend) => {
    let group: TaskGroup | undefined
    const spawned = new Promise<TaskInfo>((resolve) => {
      const timer = setInterval(() => {
        if (group === undefined) return
        clearInterval(timer)
        const tg = group
        resolve(tg.spawn({ name: 'from outside' }, () => (tg.cancelScope.cancel(), checkpoint())).info)
      }, 1)
    })
    await backend.run(async () => {
      const host = getCurrentTask()
      await createTaskGroup(async (tg) => {
        group = tg
        await sleepForever()
      })
      t.is((await spawned).parentId, host.id)
    })
  },
)

eachBackend(test, 'a child keeps the async context of its spawner', async (t, backend) => {
  const request = new AsyncLocalStorage<string>()
  const seen: (string | undefined)[] = []
  await backend.run(() =>
    createTaskGroup((tg) => {
      for (const id of ['one', 'two']) request.run(id, () => tg.spawn(() => void seen.push(request.getStore())))
      tg.spawn(() => void seen.push(request.getStore()))
    }),
  )
  t.deepEqual(seen, ['one', 'two', undefined])
})

eachBackend(test, 'a child of a group runs under the group’s scope, whatever scope spawned it', async (t, backend) => {
  await backend.run(async () => {
    await createTaskGroup(async (tg) => {
      const child = await openCancelScope({ shield: true }, () => tg.spawn(() => sleepForever()))
      await checkpoint()
      tg.cancelScope.cancel()
      t.is(child?.status, 'cancelling')
    })
  })
})

// What the host begins in the group

eachBackend(test, 'operations that the body left are cancelled at its end, children are not', async (t, backend) => {
  await backend.run(async () => {
    const steps: string[] = []
    await createTaskGroup((tg) => {
      tg.spawn(async () => {
        await checkpoint()
        await checkpoint()
        steps.push('child finished')
      })
      void sleepForever().catch(() => steps.push('operation cancelled'))
    })
    t.deepEqual(steps, ['operation cancelled', 'child finished'])
  })
})

// Introspection

eachBackend(test, 'TaskInfo has id, parent, name and function, and is equal by id', async (t, backend) => {
  const main = async (): Promise<void> => {
    const host = getCurrentTask()
    t.true(host instanceof TaskInfo)
    t.is(host.parentId, null)
    t.is(host.name, 'the run')
    t.is(host.fn, main)
    await createTaskGroup(async (tg) => {
      const fn = async (): Promise<TaskInfo> => getCurrentTask()
      const child = tg.spawn(fn)
      const info = await child.value()
      t.true(info.equals(child.info))
      t.deepEqual(info, child.info)
      t.false(info.equals(host))
      t.is(info.name, 'fn')
      t.is(info.fn, fn)
      t.is(info.parentId, host.id)
    })
    t.deepEqual(getRunningTasks(), [host])
  }
  await backend.run(main, { name: 'the run' })
  t.throws(getCurrentTask, { instanceOf: NotRunningError })
})
