/** Ended tasks and scopes are collected: no list, heap, timer or async context keeps them alive. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { requireFrame } from '../../../src/kernel/context.ts'
import {
  abandonOnCancel,
  checkpoint,
  failAfter,
  moveOnAfter,
  openCancelScope,
  sleep,
  sleepForever,
} from '../../../src/scopes.ts'
import { createTaskGroup } from '../../../src/task-groups.ts'
import { run } from '../../../src/run.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Whether what `make` left behind is collected within some turns of the event loop. */
async function isCollected(make: () => Promise<WeakRef<object>>): Promise<boolean> {
  const ref = await make()
  for (let turn = 0; turn < 20; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
    if (ref.deref() === undefined) return true
  }
  return false
}

/** A task that does `work` and tells of itself. */
function telling(work: () => unknown): () => Promise<WeakRef<object>> {
  return async () => {
    await work()
    return new WeakRef(requireFrame('test').task)
  }
}

const works: Record<string, () => unknown> = {
  'a deadline an hour away, armed by this task': () => failAfter(3_600_000, () => checkpoint()),
  'a sleep that was cancelled': () => moveOnAfter(1, () => sleep(3_600_000)),
  'an operation that was not awaited': () =>
    openCancelScope(() => {
      void sleepForever()
    }),
  'a race that was lost': () => openCancelScope(() => Promise.race([sleepForever(), checkpoint()])),
  'foreign work that was abandoned': () => moveOnAfter(1, () => abandonOnCancel(new Promise(() => undefined))),
}

test.serial('a task is let go while its run goes on', async (t) => {
  await run(
    () =>
      createTaskGroup(async (tg) => {
        for (const [name, work] of Object.entries(works)) {
          const collected = await isCollected(() => tg.spawn(telling(work)).value())
          t.true(collected, name)
        }
      }),
    { backend: 'node' },
  )
})

test.serial('a run is let go when it has settled', async (t) => {
  for (const [name, work] of Object.entries(works)) {
    t.true(await isCollected(() => run(telling(work), { backend: 'node' })), name)
  }
})
