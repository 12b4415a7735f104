// Locks, semaphores, limiters: one place or a few, taken and given back.
//
// Free: one task, which never waits. Contended: eight tasks, and whoever has a place keeps it over one `await` (Effect: one
// `yieldNow`), which is what makes the others wait; a lock that is not held over an await is not needed.

import { asFibers, asTasks, effect, promises, repeat, structio, together } from '../subjects.mjs'

const OPERATIONS = 100_000
/** Of semaphores and limiters, where eight want one. */
const PLACES = 2

const returnsAtOnce = async () => {}
const awaitsOnce = async () => {
  await undefined
}

// ── structio

const acquiring = (make) => (library) => {
  const primitive = make(library)
  return async (operations) => {
    for (let done = 0; done < operations; done += 1) {
      const grant = await primitive.acquire()
      grant.release()
    }
  }
}

const acquiringTogether = (make) => (library) => {
  const primitive = make(library)
  return (operations) =>
    asTasks(library, operations, async (share) => {
      for (let done = 0; done < share; done += 1) {
        const grant = await primitive.acquire()
        await undefined
        grant.release()
      }
    })
}

const using = (make) => (library) => {
  const primitive = make(library)
  return async (operations) => {
    for (let done = 0; done < operations; done += 1) await primitive.use(returnsAtOnce)
  }
}

const usingTogether = (make) => (library) => {
  const primitive = make(library)
  return (operations) =>
    asTasks(library, operations, async (share) => {
      for (let done = 0; done < share; done += 1) await primitive.use(awaitsOnce)
    })
}

const lock = ({ createLock }) => createLock()
const semaphore = ({ createSemaphore }) => createSemaphore(PLACES)
const limiter = ({ createCapacityLimiter }) => createCapacityLimiter(PLACES)

// ── async-mutex: `acquire` of a mutex gives its release, that of a semaphore [value, release].

const mutex = ({ Mutex }) => new Mutex()
const mutexSemaphore = ({ Semaphore }) => new Semaphore(PLACES)

const acquiringMutex = (library) => {
  const primitive = mutex(library)
  return async (operations) => {
    for (let done = 0; done < operations; done += 1) {
      const release = await primitive.acquire()
      release()
    }
  }
}

const acquiringMutexTogether = (library) => {
  const primitive = mutex(library)
  return (operations) =>
    together(operations, async (share) => {
      for (let done = 0; done < share; done += 1) {
        const release = await primitive.acquire()
        await undefined
        release()
      }
    })
}

const acquiringMutexSemaphore = (library) => {
  const primitive = mutexSemaphore(library)
  return async (operations) => {
    for (let done = 0; done < operations; done += 1) {
      const [, release] = await primitive.acquire()
      release()
    }
  }
}

const acquiringMutexSemaphoreTogether = (library) => {
  const primitive = mutexSemaphore(library)
  return (operations) =>
    together(operations, async (share) => {
      for (let done = 0; done < share; done += 1) {
        const [, release] = await primitive.acquire()
        await undefined
        release()
      }
    })
}

const exclusive = (make) => (library) => {
  const primitive = make(library)
  return async (operations) => {
    for (let done = 0; done < operations; done += 1) await primitive.runExclusive(returnsAtOnce)
  }
}

const exclusiveTogether = (make) => (library) => {
  const primitive = make(library)
  return (operations) =>
    together(operations, async (share) => {
      for (let done = 0; done < share; done += 1) await primitive.runExclusive(awaitsOnce)
    })
}

// ── async-sema: it has no `use`; this is the one that its users write.

const sema = ({ Sema }) => new Sema(PLACES, { capacity: 8 })

async function withSema(places, body) {
  await places.acquire()
  try {
    return await body()
  } finally {
    places.release()
  }
}

const acquiringSema = (library) => {
  const primitive = sema(library)
  return async (operations) => {
    for (let done = 0; done < operations; done += 1) {
      await primitive.acquire()
      primitive.release()
    }
  }
}

const acquiringSemaTogether = (library) => {
  const primitive = sema(library)
  return (operations) =>
    together(operations, async (share) => {
      for (let done = 0; done < share; done += 1) {
        await primitive.acquire()
        await undefined
        primitive.release()
      }
    })
}

const usingSema = (library) => {
  const primitive = sema(library)
  return async (operations) => {
    for (let done = 0; done < operations; done += 1) await withSema(primitive, returnsAtOnce)
  }
}

const usingSemaTogether = (library) => {
  const primitive = sema(library)
  return (operations) =>
    together(operations, async (share) => {
      for (let done = 0; done < share; done += 1) await withSema(primitive, awaitsOnce)
    })
}

// ── p-queue: a queue of functions with a concurrency is its limiter.

const addingToPQueue = ({ default: PQueue }) => {
  const queue = new PQueue({ concurrency: PLACES })
  return async (operations) => {
    for (let done = 0; done < operations; done += 1) await queue.add(returnsAtOnce)
  }
}

const addingToPQueueTogether = ({ default: PQueue }) => {
  const queue = new PQueue({ concurrency: PLACES })
  return (operations) =>
    together(operations, async (share) => {
      for (let done = 0; done < share; done += 1) await queue.add(awaitsOnce)
    })
}

// ── Effect: a mutex is a semaphore of one. Its `take` and `release` have no owner and undo nothing when interrupted.

const permits = (count, each) => (modules) => {
  const primitive = modules.Effect.unsafeMakeSemaphore(count)
  const once = each(modules, primitive)
  return (operations) => repeat(modules, operations, once)
}

const permitsTogether = (count, each) => (modules) => {
  const primitive = modules.Effect.unsafeMakeSemaphore(count)
  const once = each(modules, primitive)
  return (operations) => asFibers(modules, operations, (share) => repeat(modules, share, once))
}

// Effects are values: made once, run often.
const taking = ({ Effect }, places) => Effect.zipRight(places.take(1), places.release(1))
const takingAndYielding = ({ Effect }, places) =>
  Effect.zipRight(Effect.zipRight(places.take(1), Effect.yieldNow()), places.release(1))
const withPermit = ({ Effect }, places) => places.withPermits(1)(Effect.void)
const withPermitYielding = ({ Effect }, places) => places.withPermits(1)(Effect.yieldNow())

const of = (subjects) => ({ operations: OPERATIONS, subjects })

export const places = {
  lock: of({
    structio: structio(acquiring(lock)),
    'async-mutex': promises('async-mutex', acquiringMutex),
    effect: effect(permits(1, taking)),
  }),
  'lock-contended': of({
    structio: structio(acquiringTogether(lock)),
    'async-mutex': promises('async-mutex', acquiringMutexTogether),
    effect: effect(permitsTogether(1, takingAndYielding)),
  }),
  'lock-use': of({
    structio: structio(using(lock)),
    'async-mutex': promises('async-mutex', exclusive(mutex)),
    effect: effect(permits(1, withPermit)),
  }),
  'lock-use-contended': of({
    structio: structio(usingTogether(lock)),
    'async-mutex': promises('async-mutex', exclusiveTogether(mutex)),
    effect: effect(permitsTogether(1, withPermitYielding)),
  }),
  semaphore: of({
    structio: structio(acquiring(semaphore)),
    'async-sema': promises('async-sema', acquiringSema),
    'async-mutex': promises('async-mutex', acquiringMutexSemaphore),
    effect: effect(permits(PLACES, taking)),
  }),
  'semaphore-contended': of({
    structio: structio(acquiringTogether(semaphore)),
    'async-sema': promises('async-sema', acquiringSemaTogether),
    'async-mutex': promises('async-mutex', acquiringMutexSemaphoreTogether),
    effect: effect(permitsTogether(PLACES, takingAndYielding)),
  }),
  'semaphore-use': of({
    structio: structio(using(semaphore)),
    'async-sema': promises('async-sema', usingSema),
    'async-mutex': promises('async-mutex', exclusive(mutexSemaphore)),
    effect: effect(permits(PLACES, withPermit)),
  }),
  'semaphore-use-contended': of({
    structio: structio(usingTogether(semaphore)),
    'async-sema': promises('async-sema', usingSemaTogether),
    'async-mutex': promises('async-mutex', exclusiveTogether(mutexSemaphore)),
    effect: effect(permitsTogether(PLACES, withPermitYielding)),
  }),
  'limiter-use': of({
    structio: structio(using(limiter)),
    'p-queue': promises('p-queue', addingToPQueue),
  }),
  'limiter-use-contended': of({
    structio: structio(usingTogether(limiter)),
    'p-queue': promises('p-queue', addingToPQueueTogether),
  }),
}
