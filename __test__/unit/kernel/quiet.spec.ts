/** Watchers for quiet: which are called, in which order, and that nothing polls. */
import test from 'ava'
import { startRun } from '../../../src/kernel/root.ts'
import { activeRuns } from '../../../src/kernel/run-state.ts'
import { BACKEND, FOREIGN, REAL, stir, survey, TASKS, TIME, watched, watchQuiet } from '../../../src/kernel/quiet.ts'
import { abandonOnCancel, moveOnAfter, openCancelScope, sleep, sleepForever } from '../../../src/scopes.ts'
import { createEvent } from '../../../src/sync/event.ts'
import { createTaskGroup } from '../../../src/task-groups.ts'
import { bareHost, runBare } from '../../support/kernel-run.ts'

const passes = async (count: number): Promise<void> => {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve))
}

test.serial('what the tasks of a run wait for, as bits', async (t) => {
  let settleForeign = (): void => {}
  const foreign = (): Promise<void> => new Promise((resolve) => (settleForeign = resolve))
  const cases: [body: () => unknown, waits: number][] = [
    [() => sleep(100_000), TIME],
    [sleepForever, BACKEND],
    [() => createEvent().wait(), TASKS],
    [() => abandonOnCancel(new Promise(() => {})), REAL],
    [() => moveOnAfter(100_000, () => createEvent().wait()), TASKS | TIME],
    [() => openCancelScope({ signal: new AbortController().signal }, () => createEvent().wait()), TASKS | BACKEND],
    [() => createTaskGroup((tg) => void tg.spawn(() => sleep(100_000))), TASKS | TIME],
    [() => foreign(), FOREIGN],
    [() => createTaskGroup((tg) => void tg.spawn(foreign)), TASKS | FOREIGN],
  ]
  for (const [body, expected] of cases) {
    const options = { keepAlive: true, traceResources: false, traceTasks: false }
    const { run, scope, promise } = startRun(bareHost, body, options)
    await passes(2)
    t.is(survey(run), expected, String(body))
    scope.cancel()
    settleForeign()
    await promise
  }
})

test.serial(
  'watchers are called by rank; one that sets something going is the last, and all are called again after it',
  async (t) => {
    const asked: string[] = []
    const event = createEvent()
    const watch = (rank: number, act: () => boolean): (() => void) =>
      watchQuiet({
        rank,
        runs: () => activeRuns,
        quiet: () => {
          asked.push(`rank ${rank}`)
          return act()
        },
      })
    const unwatch = [
      watch(2, () => true),
      watch(0, () => false),
      watch(1, () => {
        if (event.isSet()) return false
        event.set()
        return true
      }),
    ]
    t.true(watched)
    await runBare(async () => {
      await event.wait()
      asked.push('went on')
      await moveOnAfter(20, () => createEvent().wait())
    })
    for (const undo of unwatch) undo()
    t.false(watched)
    t.deepEqual(asked.slice(0, 6), ['rank 0', 'rank 1', 'went on', 'rank 0', 'rank 1', 'rank 2'])
  },
)

test.serial('nothing polls: without anything begun or ended there is no further look', async (t) => {
  let looks = 0
  const controller = new AbortController()
  const running = runBare(sleepForever, { signal: controller.signal })
  const unwatch = watchQuiet({
    rank: 0,
    runs: () => {
      looks++
      return activeRuns
    },
    quiet: () => false,
  })
  await passes(10)
  t.is(looks, 2)
  await passes(10)
  t.is(looks, 2)
  stir()
  await passes(10)
  t.is(looks, 4)
  unwatch()
  controller.abort('over')
  await t.throwsAsync(running, { any: true })
})
