/** What has waited in a primitive is let go, though the primitive lives on: no queue, frame or grant holds on to a task. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { requireFrame } from '../../../src/kernel/context.ts'
import { moveOnAfter } from '../../../src/scopes.ts'
import { createCapacityLimiter } from '../../../src/sync/capacity-limiter.ts'
import { createCondition } from '../../../src/sync/condition.ts'
import { createEvent } from '../../../src/sync/event.ts'
import { createLock } from '../../../src/sync/lock.ts'
import { createMemoryObjectStream } from '../../../src/sync/memory-object-stream.ts'
import { createQueue } from '../../../src/sync/queue.ts'
import { createSemaphore } from '../../../src/sync/semaphore.ts'
import { createTaskGroup } from '../../../src/task-groups.ts'
import { runBare } from '../../support/kernel-run.ts'

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

// They outlive every task of the test.
const lock = createLock()
const semaphore = createSemaphore(0)
const limiter = createCapacityLimiter(0)
const event = createEvent()
const condition = createCondition()
const queue = createQueue<object>(1)
const [send, receive] = createMemoryObjectStream<object>()
const set = createEvent()

const works: Record<string, () => unknown> = {
  'a lock that was acquired and released': async () => (await lock.acquire()).release(),
  'a lock that was used': () => lock.use(() => null),
  'a semaphore': () => moveOnAfter(1, () => semaphore.acquire()),
  'a limiter': () => moveOnAfter(1, () => limiter.use(() => null)),
  'an event that never comes': () => moveOnAfter(1, () => event.wait()),
  'an event that was set': async () => {
    setImmediate(() => set.set())
    await set.wait()
  },
  'a condition': () => moveOnAfter(1, () => condition.use(() => condition.wait())),
  'a queue': () => moveOnAfter(1, () => queue.get()),
  'a stream that nobody sends to': () => moveOnAfter(1, () => receive.receive()),
  'a stream that nobody receives from': () => moveOnAfter(1, () => send.send({})),
}

test.serial('a task that has waited is let go', async (t) => {
  await runBare(() =>
    createTaskGroup(async (group) => {
      for (const [name, work] of Object.entries(works)) {
        const telling = async (): Promise<WeakRef<object>> => {
          await work()
          return new WeakRef(requireFrame('test').task)
        }
        t.true(await isCollected(() => group.spawn(telling).value()), name)
      }
    }),
  )
})

test.serial('an item that was taken is let go', async (t) => {
  await runBare(async () => {
    t.true(
      await isCollected(async () => {
        const ref = new WeakRef<object>({ item: true })
        await queue.put(ref.deref()!)
        await queue.get()
        return ref
      }),
    )
  })
})
