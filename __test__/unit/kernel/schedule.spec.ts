/** The order of first steps: a hook for backends that want one of their own. */
import test from 'ava'
import { installSchedule } from '../../../src/kernel/schedule.ts'
import { getCurrentTask } from '../../../src/introspection.ts'
import { createTaskGroup } from '../../../src/task-groups.ts'
import { runBare } from '../../support/kernel-run.ts'

test.serial('another schedule takes the first steps in its own order, each in its own task', async (t) => {
  const waiting: (() => void)[] = []
  const uninstall = installSchedule((firstStep) => {
    if (waiting.push(firstStep) === 1) {
      setImmediate(() => {
        for (const step of waiting.splice(0).reverse()) step()
      })
    }
  })
  const names: string[] = []
  await runBare(() =>
    createTaskGroup((tg) => {
      for (const name of ['a', 'b', 'c']) tg.spawn({ name }, () => void names.push(getCurrentTask().name))
    }),
  )
  uninstall()
  t.deepEqual(names, ['c', 'b', 'a'])
})
