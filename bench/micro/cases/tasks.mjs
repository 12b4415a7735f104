// What structure costs when nothing waits: a task against a bare promise and against the tasks of others, a deadline against
// `AbortSignal.timeout`.

import { effect, effection, promises, repeat, structio } from '../subjects.mjs'

/** Tasks that are joined together. */
const GROUP = 100
const TIMEOUT = 1000

const returnsAtOnce = async () => {}
const awaitsOnce = async () => {
  await undefined
}

const spawning =
  (task) =>
  ({ createTaskGroup }) =>
  async (operations) => {
    for (let done = 0; done < operations; done += GROUP) {
      await createTaskGroup((group) => {
        for (let index = 0; index < GROUP; index += 1) group.spawn(task)
      })
    }
  }

const promiseAll = (task) => () => async (operations) => {
  for (let done = 0; done < operations; done += GROUP) {
    const promises = []
    for (let index = 0; index < GROUP; index += 1) promises.push(task())
    await Promise.all(promises)
  }
}

/** Half of what `Effect.all` with unbounded concurrency costs. A fiber's children end with it. */
const forking = (task) => (modules) => {
  const { Effect, Fiber } = modules
  const body = task(modules)
  const once = Effect.gen(function* () {
    const fibers = []
    for (let index = 0; index < GROUP; index += 1) fibers.push(yield* Effect.fork(body))
    for (const fiber of fibers) yield* Fiber.join(fiber)
  })
  return (operations) => repeat(modules, operations / GROUP, once)
}

/** In a scope, as a task group is one: what is left of the tasks is halted with it. */
const effectionTasks =
  (task) =>
  ({ scoped, spawn, ...library }) => {
    const body = task(library)
    return function* (operations) {
      for (let done = 0; done < operations; done += GROUP) {
        yield* scoped(function* () {
          const tasks = []
          for (let index = 0; index < GROUP; index += 1) tasks.push(yield* spawn(body))
          for (const one of tasks) yield* one
        })
      }
    }
  }

const effectionReturns = () => function* () {}
// Its shortest way round: an operation that resolves at once.
const effectionAwaits = ({ action }) =>
  function* () {
    yield* action((resolve) => {
      resolve()
      return () => {}
    })
  }

const failAfterEach =
  ({ failAfter }) =>
  async (operations) => {
    for (let done = 0; done < operations; done += 1) await failAfter(TIMEOUT, awaitsOnce)
  }

const racingEach = (race) => () => async (operations) => {
  for (let done = 0; done < operations; done += 1) await race(TIMEOUT, awaitsOnce)
}

function raceAbortSignal(ms, body) {
  const signal = AbortSignal.timeout(ms)
  const aborted = new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  return Promise.race([body(signal), aborted])
}

/** The cheaper habit: a timer that is cleared. It cancels nothing that runs in the body. */
async function raceClearedTimer(ms, body) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('timeout')), ms)
  })
  try {
    return await Promise.race([body(), late])
  } finally {
    clearTimeout(timer)
  }
}

const effectTimeouts = (modules) => {
  const once = modules.Effect.timeout(modules.Effect.yieldNow(), TIMEOUT)
  return (operations) => repeat(modules, operations, once)
}

export const tasks = {
  'spawn-join': {
    operations: 100_000,
    operationsOf: { effection: 5_000, effect: 20_000 },
    subjects: {
      structio: structio(spawning(returnsAtOnce)),
      'promise-all': promises(undefined, promiseAll(returnsAtOnce)),
      effection: effection(effectionTasks(effectionReturns)),
      effect: effect(forking(({ Effect }) => Effect.void)),
    },
  },
  'spawn-join-awaiting': {
    operations: 100_000,
    operationsOf: { effection: 5_000, effect: 20_000 },
    subjects: {
      structio: structio(spawning(awaitsOnce)),
      'promise-all': promises(undefined, promiseAll(awaitsOnce)),
      effection: effection(effectionTasks(effectionAwaits)),
      effect: effect(forking(({ Effect }) => Effect.yieldNow())),
    },
  },
  'deadline-scope': {
    operations: 20_000,
    subjects: {
      structio: structio(failAfterEach),
      'abort-signal': promises(undefined, racingEach(raceAbortSignal)),
      'cleared-timer': promises(undefined, racingEach(raceClearedTimer)),
      effect: effect(effectTimeouts),
    },
  },
}
