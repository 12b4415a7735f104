// What a task that waits holds of the heap. The watch weighs here, and is stopped when all of
// them wait.

import { effect, effection, promises, structio } from '../subjects.mjs'

const TASKS = 10_000

/** All who were started have got to where they wait, and what brought them there is over. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 20))

const waitingTasks = (make) => (library) => async (operations, watch) => {
  const wait = await make(library)
  await library.createTaskGroup(async (group) => {
    for (let index = 0; index < operations; index += 1) group.spawn(wait)
    await settled()
    watch.stop()
    group.cancelScope.cancel()
  })
}

/** An `async` function that waits for a promise is what others call a task. Somebody can settle each: or it would be garbage. */
const waitingPromises = (make) => (library) => async (operations, watch) => {
  const { wait, release } = await make(library)
  const all = []
  for (let index = 0; index < operations; index += 1) all.push(wait())
  await settled()
  watch.stop()
  release()
  await Promise.all(all)
}

const ownPromises = () => {
  const wakers = []
  return {
    wait: async () => {
      await new Promise((resolve) => wakers.push(resolve))
    },
    release: () => {
      for (const wake of wakers) wake()
    },
  }
}

const sharedPromise = () => {
  let release
  const gate = new Promise((resolve) => (release = resolve))
  return {
    wait: async () => {
      await gate
    },
    release,
  }
}

const waitingForMutex = async ({ Mutex }) => {
  const mutex = new Mutex()
  const release = await mutex.acquire()
  return {
    wait: async () => {
      const releaseMine = await mutex.acquire()
      releaseMine()
    },
    release,
  }
}

const waitingFibers = (make) => (modules) => {
  const { Effect, Fiber } = modules
  return (operations, watch) =>
    Effect.gen(function* () {
      const wait = yield* make(modules)
      const fibers = []
      for (let index = 0; index < operations; index += 1) fibers.push(yield* Effect.fork(wait))
      yield* Effect.promise(settled)
      watch.stop()
      yield* Fiber.interruptAll(fibers)
    })
}

const waitingOperations = (make) => (library) =>
  function* (operations, watch) {
    const wait = make(library)
    const tasks = []
    for (let index = 0; index < operations; index += 1) tasks.push(yield* library.spawn(wait))
    yield* library.call(settled)
    watch.stop()
    for (const task of tasks) yield* task.halt()
  }

export const memory = {
  'waiting-for-ever': {
    operations: TASKS,
    weighs: true,
    subjects: {
      structio: structio(waitingTasks(({ sleepForever }) => sleepForever)),
      'own-promise': promises(undefined, waitingPromises(ownPromises)),
      effection: effection(waitingOperations(({ suspend }) => suspend)),
      effect: effect(waitingFibers(({ Effect }) => Effect.succeed(Effect.never))),
    },
  },
  'waiting-for-event': {
    operations: TASKS,
    weighs: true,
    subjects: {
      structio: structio(
        waitingTasks(({ createEvent }) => {
          const event = createEvent()
          return () => event.wait()
        }),
      ),
      'shared-promise': promises(undefined, waitingPromises(sharedPromise)),
      effection: effection(
        waitingOperations(({ withResolvers }) => {
          const { operation } = withResolvers()
          return function* () {
            yield* operation
          }
        }),
      ),
      effect: effect(
        waitingFibers(({ Effect, Deferred }) => Effect.map(Deferred.make(), (deferred) => Deferred.await(deferred))),
      ),
    },
  },
  'waiting-for-lock': {
    operations: TASKS,
    weighs: true,
    subjects: {
      structio: structio(
        waitingTasks(async ({ createLock }) => {
          const lock = createLock()
          await lock.acquire()
          return async () => {
            const grant = await lock.acquire()
            grant.release()
          }
        }),
      ),
      'async-mutex': promises('async-mutex', waitingPromises(waitingForMutex)),
      effect: effect(
        waitingFibers(({ Effect }) =>
          Effect.gen(function* () {
            const mutex = yield* Effect.makeSemaphore(1)
            yield* mutex.take(1)
            return mutex.withPermits(1)(Effect.void)
          }),
        ),
      ),
    },
  },
}
