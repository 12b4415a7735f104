/** A host with a scheduler decides when first steps and settled operations go on, and in which order. */
import test from 'ava'
import { getCurrentTask } from '../../../src/introspection.ts'
import type { Host } from '../../../src/kernel/deadlines.ts'
import { startRun } from '../../../src/kernel/root.ts'
import { schedulers } from '../../../src/kernel/schedule.ts'
import { openCancelScope } from '../../../src/scopes.ts'
import { createEvent } from '../../../src/sync/event.ts'
import { createTaskGroup } from '../../../src/task-groups.ts'
import { bareHost, runBare } from '../../support/kernel-run.ts'

/** Last come, first served, one for each pass of the loop. */
function backwards(): Host {
  const ready: (() => void)[] = []
  let due = false
  const next = (): void => {
    due = false
    ready.pop()!()
    if (ready.length > 0) soon()
  }
  const soon = (): void => {
    if (!due) setImmediate(next)
    due = true
  }
  const scheduler = {
    add(resume: () => void): void {
      ready.push(resume)
      soon()
    },
  }
  return { ...bareHost, scheduler }
}

function runBackwards<T>(main: () => Promise<T>): Promise<T> {
  const options = { keepAlive: true, traceResources: false, traceTasks: false }
  return startRun(backwards(), main, options).promise as Promise<T>
}

test.serial('first steps are taken in the order of the scheduler, each in its own task', async (t) => {
  const names: string[] = []
  await runBackwards(() =>
    createTaskGroup((tg) => {
      for (const name of ['a', 'b', 'c']) tg.spawn({ name }, () => void names.push(getCurrentTask().name))
    }),
  )
  t.deepEqual(names, ['c', 'b', 'a'])
})

test.serial('what one event wakes goes on in the order of the scheduler', async (t) => {
  const names: string[] = []
  await runBackwards(() =>
    createTaskGroup(async (tg) => {
      const event = createEvent()
      const allThere = createEvent()
      for (const name of ['a', 'b', 'c']) {
        tg.spawn({ name }, async () => {
          if (event.statistics().tasksWaiting === 2) allThere.set()
          await event.wait()
          names.push(name)
        })
      }
      await allThere.wait()
      t.deepEqual(names, [])
      event.set()
    }),
  )
  // They wait in the order c, b, a; the last one that was woken goes on first.
  t.deepEqual(names, ['a', 'b', 'c'])
})

test.serial(
  'an operation that has settled and waits for its turn is beyond cancellation, and its scope waits',
  async (t) => {
    await runBackwards(async () => {
      const event = createEvent()
      let heard = false
      const outcome = await openCancelScope(async (scope) => {
        setImmediate(() => {
          event.set()
          scope.cancel()
        })
        await event.wait()
        heard = true
        return 'completed'
      })
      t.is(outcome, 'completed')
      t.true(heard)
    })
  },
)

test.serial('the scheduler of one run is none of another, and gone when its run has settled', async (t) => {
  const names: string[] = []
  const spawnAll = (): Promise<unknown> =>
    createTaskGroup((tg) => {
      for (const name of ['a', 'b']) tg.spawn({ name }, () => void names.push(name))
    })
  const over = createEvent()
  const other = runBackwards(() => over.wait())
  t.is(schedulers, 1)
  await runBare(spawnAll)
  t.deepEqual(names, ['a', 'b'])
  over.set()
  await other
  t.is(schedulers, 0)
})
