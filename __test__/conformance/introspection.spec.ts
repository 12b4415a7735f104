/** Running tasks, dumps, `waitAllTasksBlocked` and deadlocks (OBSERVE-1, OBSERVE-2). */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import test from 'ava'
import type { CancelScope } from '../../src/kernel/cancel-scope.ts'
import { NotRunningError, UsageError } from '../../src/errors.ts'
import {
  dumpTasks,
  getCurrentTask,
  getRunningTasks,
  type ScopeEvent,
  type TaskEvent,
  type TaskInfo,
  waitAllTasksBlocked,
} from '../../src/introspection.ts'
import { run } from '../../src/run.ts'
import {
  abandonOnCancel,
  checkpoint,
  currentTime,
  moveOnAfter,
  moveOnAt,
  openCancelScope,
  sleep,
  sleepForever,
} from '../../src/scopes.ts'
import { createEvent } from '../../src/sync/event.ts'
import { createLock } from '../../src/sync/lock.ts'
import { createQueue } from '../../src/sync/queue.ts'
import { createTaskGroup } from '../../src/task-groups.ts'
import { eachBackend, eachBackendWithClock } from '../support/backends.ts'

eachBackend(
  test,
  'D1: named children are listed with the host as parent, a started one with its caller until it is ready',
  async (t, backend) => {
    await backend.run(async () => {
      const host = getCurrentTask()
      await createTaskGroup(async (tg) => {
        for (const name of ['a', 'b', 'c']) tg.spawn({ name }, sleepForever)
        const short = tg.spawn({ name: 'short' }, () => {})
        await short.wait()
        const others = getRunningTasks().filter((info) => !info.equals(host))
        t.deepEqual(
          others.map(({ name, parentId }) => [name, parentId]),
          [
            ['a', host.id],
            ['b', host.id],
            ['c', host.id],
          ],
        )
        let before: TaskInfo | undefined
        const caller = tg.spawn({ name: 'caller' }, async () => {
          await tg.start({ name: 'started' }, async (status) => {
            before = getCurrentTask()
            status.started()
            await sleepForever()
          })
        })
        await caller.wait()
        t.is(before?.parentId, caller.info.id)
        const started = getRunningTasks().find(({ name }) => name === 'started')
        t.is(started?.parentId, host.id)
        t.true(started?.equals(before))
        tg.cancelScope.cancel()
      })
    })
  },
)

eachBackend(test, 'waitAllTasksBlocked returns when every other task waits, and not before', async (t, backend) => {
  await backend.run(() =>
    createTaskGroup(async (tg) => {
      const event = createEvent()
      let yields = 0
      let waits = false
      tg.spawn(async () => {
        for (; yields < 20; yields++) await sleep(0)
        await new Promise((resolve) => setTimeout(resolve, 1))
        for (; yields < 40; yields++) await checkpoint()
        waits = true
        await event.wait()
      })
      tg.spawn(sleepForever)
      await waitAllTasksBlocked()
      t.is(yields, 40)
      t.true(waits)
      t.is(event.statistics().tasksWaiting, 1)
      // Nothing has changed: it is so again.
      await waitAllTasksBlocked()
      tg.cancelScope.cancel()
    }),
  )
})

eachBackend(
  test,
  'waitAllTasksBlocked: a task whose promise is foreign does not count as waiting',
  async (t, backend) => {
    await backend.run(() =>
      createTaskGroup(async (tg) => {
        let settle = (): void => {}
        let settled = false
        tg.spawn(async () => {
          await new Promise<void>((resolve) => (settle = resolve))
          settled = true
          await sleepForever()
        })
        const order: string[] = []
        tg.spawn(async () => {
          await waitAllTasksBlocked()
          order.push(`blocked, settled: ${String(settled)}`)
        })
        await checkpoint()
        await checkpoint()
        await checkpoint()
        order.push('settles')
        settle()
        await waitAllTasksBlocked()
        t.deepEqual(order, ['settles', 'blocked, settled: true'])
        tg.cancelScope.cancel()
      }),
    )
  },
)

eachBackend(test, 'waitAllTasksBlocked: several tasks that call it go on together', async (t, backend) => {
  await backend.run(async () => {
    const order: string[] = []
    await createTaskGroup((tg) => {
      for (const name of ['a', 'b']) {
        tg.spawn(async () => {
          await waitAllTasksBlocked()
          order.push(name)
        })
      }
      tg.spawn(async () => {
        await checkpoint()
        order.push('worked')
      })
    })
    t.deepEqual(order, ['worked', 'a', 'b'])
  })
})

eachBackend(test, 'waitAllTasksBlocked is a checkpoint, can be cancelled, and needs a task', async (t, backend) => {
  await t.throwsAsync(waitAllTasksBlocked(), { instanceOf: NotRunningError })
  await backend.run(async () => {
    await openCancelScope(async (scope) => {
      scope.cancel()
      await waitAllTasksBlocked()
      t.fail('not a checkpoint')
    })
    await createTaskGroup(async (tg) => {
      let settle = (): void => {}
      const foreign = tg.spawn(() => new Promise<void>((resolve) => (settle = resolve)))
      const waiting = tg.spawn(waitAllTasksBlocked)
      await checkpoint()
      waiting.cancel()
      await waiting.wait()
      t.is(waiting.status, 'cancelled')
      t.is(foreign.status, 'running')
      settle()
    })
  })
})

eachBackendWithClock(
  test,
  'waitAllTasksBlocked: a task whose deadline has passed is not blocked, one whose time has not come is',
  async (t, backend, clock) => {
    await backend.run(() =>
      createTaskGroup(async (tg) => {
        const order: string[] = []
        tg.spawn(async () => {
          await moveOnAfter(10, sleepForever)
          order.push('moved on')
          await sleepForever()
        })
        await waitAllTasksBlocked()
        order.push('blocked')
        clock.hold(10)
        tg.spawn(async () => {
          await waitAllTasksBlocked()
          order.push('blocked again')
        })
        await checkpoint()
        await clock.advance(0)
        await waitAllTasksBlocked()
        t.deepEqual(order, ['blocked', 'moved on', 'blocked again'])
        tg.cancelScope.cancel()
      }),
    )
  },
)

eachBackend(test, 'waitAllTasksBlocked: work in a thread of the system counts as waiting', async (t, backend) => {
  await backend.run(() =>
    createTaskGroup(async (tg) => {
      const never = new Promise<void>(() => {})
      const abandoned = tg.spawn(() => abandonOnCancel(never))
      await waitAllTasksBlocked()
      t.is(abandoned.status, 'running')
      tg.cancelScope.cancel()
    }),
  )
})

eachBackendWithClock(
  test,
  'dumpTasks shows the tree: names, what each task waits for and since when, scopes with deadlines and reasons',
  async (t, backend, clock) => {
    const lock = createLock()
    await backend.run(
      () =>
        createTaskGroup(async (tg) => {
          const start = Math.trunc(currentTime())
          let cleaning: CancelScope | undefined
          await using _ = await lock.acquire()
          tg.spawn({ name: 'worker' }, () => moveOnAt(start + 5000, { name: 'request' }, () => lock.use(() => {})))
          const cancelled = tg.spawn({ name: 'cleaner' }, async () => {
            await openCancelScope({ shield: true, name: 'cleaning' }, (scope) => {
              cleaning = scope
              return sleepForever()
            })
          })
          await waitAllTasksBlocked()
          await clock.advance(300)
          cancelled.cancel('no longer wanted')
          const dump = dumpTasks()
          cleaning!.cancel()
          const lines = dump.split('\n')
          t.regex(lines[0]!, new RegExp(`^run "dumped" on ${backend.options.backend!} at ${start + 300}: 3 tasks$`))
          t.regex(lines[1]!, /^ {2}task \d+ "dumped" is running$/)
          t.regex(lines[2]!, /^ {4}task group$/)
          t.regex(
            lines[3]!,
            new RegExp(
              `^ {6}task \\d+ "worker" waits for .*a lock, since ${start} \\(300 ms\\), spawned at .*introspection`,
            ),
          )
          t.is(lines[4], `        scope "request", deadline ${start + 5000} (in 4700 ms)`)
          t.regex(
            lines[5]!,
            /^ {6}task \d+ "cleaner" \(cancelling\) waits for sleepForever, since \d+ \(300 ms\), cancelled \(explicit: 'no longer wanted'\), spawned at /,
          )
          t.is(lines[6], '        scope "cleaning", shielded')
          t.is(lines.length, 7)
          tg.cancelScope.cancel()
          cleaning!.cancel()
        }),
      { name: 'dumped', traceResources: true },
    )
  },
)

eachBackend(test, 'dumpTasks shows a group that waits for its children, and needs no task', async (t, backend) => {
  t.is(dumpTasks(), 'nothing is running')
  let release = (): void => {}
  const running = backend.run(
    async () => {
      const event = createEvent()
      release = () => event.set()
      await createTaskGroup((tg) => {
        for (const name of ['a', 'b']) tg.spawn({ name }, () => event.wait())
      })
    },
    // The event is set from outside of every task.
    { name: 'grouped', detectDeadlocks: false },
  )
  await new Promise((resolve) => setImmediate(resolve))
  const dump = dumpTasks()
  t.regex(dump, /task \d+ "grouped" waits for the end of 2 tasks of its group, since \d+ \(\d+ ms\)/)
  t.regex(dump, /task \d+ "b" waits for an event, since/)
  release()
  await running
})

eachBackend(test, 'a deadlock fails the run with a UsageError that shows the tasks', async (t, backend) => {
  const error = await t.throwsAsync(
    backend.run(
      async () => {
        const [first, second] = [createLock(), createLock()]
        await createTaskGroup((tg) => {
          tg.spawn({ name: 'one' }, () => first.use(() => yieldAndUse(second)))
          tg.spawn({ name: 'other' }, () => second.use(() => yieldAndUse(first)))
        })
        async function yieldAndUse(lock: typeof first): Promise<void> {
          await checkpoint()
          await lock.use(() => {})
        }
      },
      { name: 'philosophers', detectDeadlocks: true },
    ),
    { instanceOf: UsageError },
  )
  t.regex(error.message, /every task of run "philosophers" waits for another one/)
  t.regex(error.message, /task \d+ "one" waits for .*a lock, since .*spawned at/)
  t.regex(error.message, /task \d+ "other" waits for .*a lock/)
})

eachBackend(test, 'a deadlock behind shields, and one in cleanup, still end the run', async (t, backend) => {
  await t.throwsAsync(
    backend.run(
      () =>
        openCancelScope({ shield: true }, async () => {
          try {
            await createEvent().wait()
          } finally {
            await openCancelScope({ shield: true }, () => createEvent().wait())
          }
        }),
      { detectDeadlocks: true },
    ),
    { instanceOf: UsageError, message: /deadlock/ },
  )
})

eachBackend(
  test,
  'a task that waits for itself, or for an item that no task puts, is a deadlock',
  async (t, backend) => {
    const forItself = (): Promise<unknown> =>
      createTaskGroup((tg) => {
        const handle = tg.spawn(async () => {
          await checkpoint()
          await handle.wait()
        })
      })
    const forAnItem = (): Promise<unknown> => createQueue(1).get()
    for (const main of [forItself, forAnItem]) {
      await t.throwsAsync(backend.run<unknown>(main, { detectDeadlocks: true }), { message: /deadlock/ })
    }
  },
)

eachBackend(test, 'what a deadline, a promise from outside or a signal can end is no deadlock', async (t, backend) => {
  const event = createEvent()
  await backend.run(
    async () => {
      await moveOnAfter(5, () => createEvent().wait())
      await abandonOnCancel(new Promise((resolve) => setTimeout(resolve, 5)))
      const controller = new AbortController()
      setTimeout(() => controller.abort(new Error('aborted')), 5)
      await t.throwsAsync(
        openCancelScope({ signal: controller.signal }, () => createEvent().wait()),
        { message: 'aborted' },
      )
      await createTaskGroup((tg) => {
        tg.spawn(() => event.wait())
        tg.spawn(async () => {
          await sleep(5)
          event.set()
        })
      })
    },
    { detectDeadlocks: true },
  )
  t.true(event.isSet())
})

eachBackend(test, 'a task of another run that may release it: no deadlock', async (t, backend) => {
  const lock = createLock()
  const held = createEvent()
  const other = backend.run(() =>
    lock.use(async () => {
      held.set()
      await sleep(5)
    }),
  )
  await backend.run(
    async () => {
      await held.wait()
      await lock.use(() => {})
    },
    { detectDeadlocks: true },
  )
  await other
  t.false(lock.locked())
})

test('detectDeadlocks has to be a boolean', async (t) => {
  await t.throwsAsync(
    run(() => {}, { detectDeadlocks: 1 as never }),
    { code: 'ERR_INVALID_ARG_TYPE' },
  )
})

eachBackend(test, 'the channels get the events of tasks and scopes', async (t, backend) => {
  const told: string[] = []
  const onTask = (message: unknown): void => {
    const { event, task, status, error } = message as TaskEvent
    told.push([event, task.name, status, error as string | undefined].filter((part) => part !== undefined).join(' '))
  }
  const onScope = (message: unknown): void => {
    const { event, scope, task, reason } = message as ScopeEvent
    t.is(scope.cancelCalled, reason !== undefined || (event === 'ended' && scope.cancelCalled))
    told.push(`${event} scope of ${task.name}${reason === undefined ? '' : ` ${reason.kind}`}`)
  }
  subscribe('structio:task', onTask)
  subscribe('structio:scope', onScope)
  try {
    await backend.run(
      async () => {
        await openCancelScope(async (scope) => {
          scope.cancel()
          await checkpoint()
        })
        await createTaskGroup((tg) => {
          tg.spawn({ name: 'child' }, () => {
            throw 'it failed'
          })
        }).catch(() => {})
      },
      { name: 'main' },
    )
  } finally {
    unsubscribe('structio:task', onTask)
    unsubscribe('structio:scope', onScope)
  }
  t.deepEqual(told, [
    'spawned main',
    'started main',
    'entered scope of main',
    'cancelled scope of main explicit',
    'ended scope of main',
    'entered scope of main',
    'spawned child',
    'started child',
    'cancelled scope of main task-failed',
    'ended child failed it failed',
    'ended scope of main',
    'ended main finished',
  ])
  await backend.run(() => {})
  t.is(told.length, 12)
})
