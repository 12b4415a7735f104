/**
 * The synchronisation primitives in hundreds of seeded worlds: tasks that take, hold, hand over and are cancelled at any
 * moment, in an order that the scheduler chooses. What must hold in each of them: never too many at once, nothing lost, and
 * everything given back at the end.
 */
import test, { type ExecutionContext } from 'ava'
import {
  checkpoint,
  createCapacityLimiter,
  createCondition,
  createLock,
  createMemoryObjectStream,
  createQueue,
  createSemaphore,
  createTaskGroup,
  moveOnAfter,
  run,
  sleep,
  type TaskHandle,
} from '../../index.ts'
import { forEachSeed } from '../../src/testing/seeds.ts'
import { RandomBytes } from '../../src/testing/random.ts'

const SEEDS = 200

type World = (random: RandomBytes) => Promise<void>

function inEachWorld(t: ExecutionContext, world: World): Promise<void> {
  return forEachSeed(SEEDS, (seed) =>
    run(() => world(new RandomBytes(seed)), { backend: 'virtual', backendOptions: { seed }, detectDeadlocks: true }),
  ).then(() => void t.pass())
}

/** Eight tasks that call `step` a few times each. Some are cancelled by a deadline; `cancelOne` cancels any of them, or none. */
async function crowd(random: RandomBytes, step: (cancelOne: () => void) => Promise<unknown>): Promise<void> {
  const handles: TaskHandle<unknown>[] = []
  const cancelOne = (): void => handles[random.below(40)]?.cancel()
  await createTaskGroup((tg) => {
    for (let task = 0; task < 8; task++) {
      const limit = random.below(3) === 0 ? random.below(30) : Infinity
      const handle = tg.spawn(() =>
        moveOnAfter(limit, async () => {
          for (let n = 0; n < 5; n++) await step(cancelOne)
        }),
      )
      handles.push(handle)
    }
  })
}

/** A way to hold something for a while. */
const hold = (random: RandomBytes): Promise<void> => (random.below(2) === 0 ? checkpoint() : sleep(random.below(10)))

const places = {
  lock: () => {
    const lock = createLock()
    return { primitive: lock, limit: 1, taken: () => Number(lock.locked()) }
  },
  semaphore: () => {
    const semaphore = createSemaphore(3)
    return { primitive: semaphore, limit: 3, taken: () => 3 - semaphore.value }
  },
  limiter: () => {
    const limiter = createCapacityLimiter(2)
    return { primitive: limiter, limit: 2, taken: () => limiter.borrowedTokens }
  },
}

for (const [name, make] of Object.entries(places)) {
  test(`never more than may have the ${name}, and nobody has it in the end`, (t) =>
    inEachWorld(t, async (random) => {
      const { primitive, limit, taken } = make()
      let inside = 0
      const held = async (): Promise<void> => {
        if (++inside > limit) throw new Error(`${inside} have the ${name}`)
        try {
          await hold(random)
        } finally {
          inside--
        }
      }
      await crowd(random, async (cancelOne) => {
        if (random.below(2) === 0) await primitive.use(held)
        else {
          const grant = await primitive.acquire()
          try {
            await held()
          } finally {
            grant.release()
            // In the very turn in which it was handed on, perhaps to that one.
            cancelOne()
          }
        }
      })
      if (taken() !== 0) throw new Error(`${taken()} are taken still`)
      const { tasksWaiting } = primitive.statistics()
      if (tasksWaiting !== 0) throw new Error(`${tasksWaiting} wait still`)
    }))
}

test('a condition hands over what was produced, once', (t) =>
  inEachWorld(t, async (random) => {
    const condition = createCondition()
    let made = 0
    let taken = 0
    await createTaskGroup((tg) => {
      tg.spawn(async () => {
        for (let n = 0; n < 20; n++) {
          await hold(random)
          await condition.use(() => {
            made++
            condition.notify()
          })
        }
      })
      tg.spawn(async () => {
        while (taken < 20) {
          const patience = random.below(2) === 0 ? random.below(15) : Infinity
          await moveOnAfter(patience, () =>
            condition.use(async () => {
              await condition.waitFor(() => made > taken)
              taken++
            }),
          )
        }
      })
    })
    if (made !== 20 || taken !== 20) throw new Error(`made ${made}, taken ${taken}`)
  }))

for (const [name, make] of [
  ['queue', () => createQueue<number>(2)],
  ['stream without a buffer', () => createMemoryObjectStream<number>(0)],
] as const) {
  test(`no item of a ${name} is lost or seen twice`, (t) =>
    inEachWorld(t, async (random) => {
      const items = make()
      const put = (item: number): Promise<void> => (Array.isArray(items) ? items[0].send(item) : items.put(item))
      const get = (): Promise<number> => (Array.isArray(items) ? items[1].receive() : items.get())
      const sent: number[] = []
      const seen: number[] = []
      await createTaskGroup((tg) => {
        tg.spawn(async () => {
          for (let item = 0; item < 30; item++) {
            // A cancelled `put` has not put: it is tried again.
            let done = false
            while (!done) {
              await moveOnAfter(random.below(2) === 0 ? random.below(6) : Infinity, async () => {
                await put(item)
                done = true
              })
            }
            sent.push(item)
          }
        })
        for (let receiver = 0; receiver < 3; receiver++) {
          tg.spawn(async () => {
            while (seen.length < 30) {
              await moveOnAfter(random.below(8), async () => void seen.push(await get()))
              if (random.below(3) === 0) await hold(random)
            }
          })
        }
      })
      const inOrder = [...seen].sort((a, b) => a - b)
      if (inOrder.length !== 30 || inOrder.some((item, index) => item !== index))
        throw new Error(`seen: ${seen.join()}`)
    }))
}
