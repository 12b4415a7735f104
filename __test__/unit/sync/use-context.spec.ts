/** The body of a `use` is its caller's: in the caller's async context, and with nothing left of calls that are over. */
import { AsyncLocalStorage } from 'node:async_hooks'
import test from 'ava'
import {
  createCapacityLimiter,
  createEvent,
  createLock,
  createSemaphore,
  createTaskGroup,
  run,
} from '../../../index.ts'
import { currentFrame } from '../../../src/kernel/context.ts'

const primitives = {
  lock: () => createLock(),
  semaphore: () => createSemaphore(1),
  limiter: () => createCapacityLimiter(1),
}

for (const [name, make] of Object.entries(primitives)) {
  for (const seed of [undefined, 1, 2]) {
    test.serial(`each body has the stores of its own caller: ${name}, seed ${seed ?? 'none'}`, async (t) => {
      const storage = new AsyncLocalStorage<string>()
      const primitive = make()
      const users = ['alice', 'bob', 'carol']
      const heard = await run(
        () => Promise.all(users.map((user) => storage.run(user, () => primitive.use(() => storage.getStore())))),
        { backend: 'virtual', backendOptions: seed === undefined ? {} : { seed } },
      )
      t.deepEqual(heard, users)
    })
  }

  test.serial(
    `a body that returns what cannot be looked at fails its own call, and gives the ${name} back`,
    async (t) => {
      const trap = {
        get then(): never {
          throw new Error('no then')
        },
      }
      await run(async () => {
        const primitive = make()
        const outcomes = await Promise.allSettled([primitive.use(() => trap as never), primitive.use(() => 'next')])
        t.like(outcomes[0], { status: 'rejected', reason: { message: 'no then' } })
        t.deepEqual(outcomes[1], { status: 'fulfilled', value: 'next' })
      })
    },
  )
}

test.serial('what re-arms itself from inside a body does not drag along the calls that are over', async (t) => {
  const links = await run(() =>
    createTaskGroup(async (tg) => {
      const lock = createLock()
      const over = createEvent()
      let times = 0
      let length = 0
      const tick = (): Promise<void> =>
        lock.use(() => {
          length = 0
          for (let holding = currentFrame()?.held; holding !== undefined; holding = holding.outer) length++
          if (++times === 100) over.set()
          else setImmediate(() => void tick())
        })
      await tg
        .spawn(async () => {
          void tick()
          await over.wait()
        })
        .wait()
      return length
    }),
  )
  t.is(links, 1)
})
