/** Uses of the reference: running, waiting, scopes, task groups, threads, signals, tasks. */
import {
  BackendNotFoundError,
  CancelScope,
  Cancelled,
  cancelShieldedCheckpoint,
  checkpoint,
  createTaskGroup,
  currentEffectiveDeadline,
  currentTime,
  failAfter,
  finalize,
  getAllBackends,
  getCancelledExcClass,
  getCurrentTask,
  getRunningTasks,
  moveOnAfter,
  openCancelScope,
  receiveSignals,
  run,
  runInThread,
  sleep,
  sleepForever,
  TaskGroup,
  TaskInfo,
  TimeoutError,
  UsageError,
  waitAllTasksBlocked,
} from '../../../index.ts'
import { rejection } from '../rejection.ts'
import { task } from '../threads.ts'
import { type Entry, functions, members } from './use.ts'

const running = functions({
  run: {
    outside: true,
    async use(t, backend) {
      const { backend: name, backendOptions } = backend.options
      t.is(await run(async () => (await checkpoint(), 'value'), { backend: name, backendOptions }), 'value')
    },
  },
  'backends asyncio, curio, trio': {
    calls: 'getAllBackends',
    use(t, backend) {
      t.true(getAllBackends().includes(backend.options.backend!))
    },
  },
  async finalize(t) {
    const closed: string[] = []
    const resource = { close: () => void closed.push('closed') }
    t.is(await finalize(resource, () => closed.length), 0)
    t.deepEqual(closed, ['closed'])
  },
  async sleep(t) {
    const before = currentTime()
    await sleep(2)
    t.true(currentTime() - before >= 1.9)
  },
  async get_cancelled_exc_class(t) {
    await moveOnAfter(-1, async () => {
      t.true((await rejection(checkpoint())) instanceof getCancelledExcClass())
    })
  },
})

const scopes = functions({
  async open_cancel_scope(t) {
    const value = await openCancelScope(async (scope) => {
      scope.cancel()
      await checkpoint()
      return 'not reached'
    })
    t.is(value, undefined)
    // shield
    await openCancelScope(async (outer) => {
      outer.cancel()
      t.is(await openCancelScope({ shield: true }, async () => (await checkpoint(), 'shielded')), 'shielded')
    })
  },
  async move_on_after(t) {
    t.is(await moveOnAfter(1, () => sleepForever()), undefined)
    t.is(await moveOnAfter(null, () => 'in time'), 'in time')
  },
  async fail_after(t) {
    t.true((await rejection(failAfter(1, () => sleepForever()))) instanceof TimeoutError)
    t.is(await failAfter(60_000, () => 'in time'), 'in time')
  },
  async current_effective_deadline(t) {
    t.is(currentEffectiveDeadline(), Infinity)
    await moveOnAfter(60_000, () => {
      const left = currentEffectiveDeadline() - currentTime()
      t.true(left > 50_000 && left <= 60_000)
    })
  },
  async current_time(t) {
    const before = currentTime()
    await sleep(1)
    t.true(currentTime() > before)
  },
})

const scope = members('CancelScope', [CancelScope], {
  async cancel(t) {
    await openCancelScope(async (own) => {
      own.cancel()
      t.true((await rejection(checkpoint())) instanceof Cancelled)
    })
  },
  async cancel_called(t) {
    await openCancelScope((own) => {
      t.false(own.cancelCalled)
      own.cancel()
      t.true(own.cancelCalled)
    })
  },
  async deadline(t) {
    await openCancelScope(async (own) => {
      t.is(own.deadline, Infinity)
      own.deadline = currentTime() + 1
      t.true((await rejection(sleepForever())) instanceof Cancelled)
    })
  },
  async shield(t) {
    await openCancelScope(async (outer) => {
      await openCancelScope(async (inner) => {
        t.false(inner.shield)
        inner.shield = true
        outer.cancel()
        await checkpoint()
        inner.shield = false
        t.true((await rejection(checkpoint())) instanceof Cancelled)
      })
    })
  },
})

const groups: Record<string, Entry> = {
  ...functions({
    async create_task_group(t) {
      const ended: number[] = []
      await createTaskGroup((tg) => {
        for (const child of [1, 2]) tg.spawn(async () => (await checkpoint(), ended.push(child)))
      })
      t.deepEqual(ended, [1, 2])
    },
  }),
  ...members('TaskGroup', [TaskGroup], {
    async cancel_scope(t) {
      await createTaskGroup(async (tg) => {
        const child = tg.spawn(() => sleepForever())
        tg.cancelScope.cancel()
        await cancelShieldedCheckpoint()
        t.true(['cancelling', 'cancelled'].includes(child.status))
      })
    },
    async spawn(t) {
      await createTaskGroup(async (tg) => {
        const child = tg.spawn({ name: 'adder' }, (a: number, b: number) => a + b, 2, 3)
        t.is(child.info.name, 'adder')
        t.is(await child.value(), 5)
      })
    },
  }),
}

const threads = functions({
  async run_in_thread(t) {
    t.is(await runInThread(task('add'), 2, 3), 5)
  },
  run_async_from_thread: {
    // In the thread: `ask` of thread-work.ts is a function that does nothing else.
    calls: 'runInThread',
    async use(t) {
      const expose = { double: async (value: number) => (await checkpoint(), 2 * value) }
      t.is(await runInThread({ expose }, task('ask'), 'double', 21), 42)
    },
  },
})

const signals = functions({
  async receive_signals(t) {
    await receiveSignals('SIGUSR2', async (receiver) => {
      process.kill(process.pid, 'SIGUSR2')
      for await (const signal of receiver) {
        t.is(signal, 'SIGUSR2')
        break
      }
    })
  },
})

const tasks: Record<string, Entry> = {
  ...members('TaskInfo', [TaskInfo], {
    id(t) {
      const { id } = getCurrentTask()
      t.true(getRunningTasks().some((other) => other.id === id))
    },
    async parent_id(t) {
      const host = getCurrentTask()
      await createTaskGroup(async (tg) => {
        t.is(tg.spawn(() => checkpoint()).info.parentId, host.id)
        await checkpoint()
      })
    },
    async name(t) {
      await createTaskGroup((tg) => {
        t.is(tg.spawn({ name: 'worker' }, () => checkpoint()).info.name, 'worker')
      })
    },
    coro: {
      reaches: [{ of: TaskInfo, member: 'fn' }],
      async use(t) {
        const work = (): Promise<void> => checkpoint()
        await createTaskGroup((tg) => {
          t.is(tg.spawn(work).info.fn, work)
        })
      },
    },
  }),
  ...functions({
    async get_current_task(t) {
      await createTaskGroup(async (tg) => {
        const child = tg.spawn(() => getCurrentTask())
        t.is((await child.value()).id, child.info.id)
        t.not(getCurrentTask().id, child.info.id)
      })
    },
    async get_running_tasks(t) {
      const before = getRunningTasks().length
      await createTaskGroup((tg) => {
        tg.spawn(() => checkpoint())
        t.is(getRunningTasks().length, before + 1)
      })
      t.is(getRunningTasks().length, before)
    },
    async wait_all_tasks_blocked(t) {
      await createTaskGroup(async (tg) => {
        let steps = 0
        tg.spawn(async () => {
          while (++steps < 10) await checkpoint()
          await sleepForever()
        })
        await waitAllTasksBlocked()
        t.is(steps, 10)
        tg.cancelScope.cancel()
      })
    },
  }),
}

const raised: Record<string, Entry> = {
  TimeoutError: {
    calls: 'failAfter',
    async use(t) {
      t.true((await rejection(failAfter(1, () => sleepForever()))) instanceof TimeoutError)
    },
  },
  RuntimeError: {
    calls: 'run',
    async use(t) {
      // "if an asynchronous event loop is already running"
      t.true((await rejection(run(() => {}))) instanceof UsageError)
    },
  },
  LookupError: {
    calls: 'run',
    outside: true,
    async use(t) {
      t.true((await rejection(run(() => {}, { backend: 'asyncio' as never }))) instanceof BackendNotFoundError)
    },
  },
}

export const runningUses: Record<string, Entry> = {
  ...running,
  ...scopes,
  ...scope,
  ...groups,
  ...threads,
  ...signals,
  ...tasks,
  ...raised,
}
