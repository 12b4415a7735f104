// Who is measured, and how each comes into the place where its operations run: structio in a `run`, Effect in a fiber,
// Effection in a task, the others as they are. What it costs to get there is not measured: a block starts and stops the watch itself.
//
// A subject is `async () => async (operations, watch) => {…}`: its library is loaded when it is asked for, so that a process
// holds the one that it measures. All blocks run in one `run`, fiber or task: what the engine has optimised for it is
// lost when it ends.

/** So many tasks want the same thing where a case is contended. */
export const WORKERS = 8

export const structio = (make) => async () => {
  const library = await import('structio')
  const block = make(library)
  return (operations, watch) => library.run(() => blocks(block, operations, watch), { backend: 'node' })
}

/** @param specifier - undefined for what needs no library */
export const promises = (specifier, make) => async () => {
  const block = make(specifier === undefined ? undefined : await import(specifier))
  return (operations, watch) => blocks(block, operations, watch)
}

/** All blocks of a subject, one after another. */
export function allBlocks(block, operations, watch) {
  return blocks(block, operations, watch)
}

async function blocks(block, operations, watch) {
  while (watch.wantsMore()) {
    watch.start()
    await block(operations, watch)
    watch.stop()
  }
}

/** Blocks give an Effect. */
export const effect = (make) => async () => {
  const [Effect, Queue, Deferred, Fiber] = await Promise.all(
    ['effect/Effect', 'effect/Queue', 'effect/Deferred', 'effect/Fiber'].map((name) => import(name)),
  )
  const block = make({ Effect, Queue, Deferred, Fiber })
  return (operations, watch) =>
    Effect.runPromise(
      Effect.gen(function* () {
        while (watch.wantsMore()) {
          watch.start()
          yield* block(operations, watch)
          watch.stop()
        }
      }),
    )
}

/** Blocks are generator functions. */
export const effection = (make) => async () => {
  const library = await import('effection')
  const block = make(library)
  return (operations, watch) =>
    library.run(function* () {
      while (watch.wantsMore()) {
        watch.start()
        yield* block(operations, watch)
        watch.stop()
      }
    })
}

/** Eight loops at once, each doing its share. */
export const together = (operations, worker) =>
  Promise.all(Array.from({ length: WORKERS }, () => worker(operations / WORKERS)))

/** The same as tasks of a group. */
export const asTasks = ({ createTaskGroup }, operations, worker) =>
  createTaskGroup((group) => {
    for (let index = 0; index < WORKERS; index += 1) group.spawn(() => worker(operations / WORKERS))
  })

/** The same as fibers. */
export const asFibers = ({ Effect }, operations, worker) =>
  Effect.all(
    Array.from({ length: WORKERS }, () => worker(operations / WORKERS)),
    { concurrency: 'unbounded', discard: true },
  )

/** Effect's leanest loop; `Effect.gen` with a `for` costs more. */
export const repeat = ({ Effect }, times, once) =>
  Effect.suspend(() => {
    let left = times
    return Effect.whileLoop({ while: () => left-- > 0, body: () => once, step: () => {} })
  })
