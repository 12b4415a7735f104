// A round trip to a thread and back, beside piscina: one caller, and eight of them on two threads. Both have as many threads, and both
// are warm. The CPU time is that of all threads.

import { allBlocks, together } from '../subjects.mjs'

const THREADS = 2
const WORK = new URL('./thread-work.mjs', import.meta.url)
const ARGUMENT = { a: 1, b: 2 }

const one = (call) => async (operations) => {
  for (let done = 0; done < operations; done += 1) await call()
}

const eight = (call) => (operations) => together(operations, one(call))

const structio = (shape, pick) => async () => {
  const library = await import('structio')
  const limiter = library.createCapacityLimiter(THREADS)
  const { runInThread } = library
  const task = pick(library)
  const block = shape(() => runInThread({ limiter }, task, ARGUMENT))
  return (operations, watch) => library.run(() => allBlocks(block, operations, watch), { backend: 'node' })
}

const piscina = (shape) => async () => {
  const { Piscina } = await import('piscina')
  const pool = new Piscina({ filename: WORK.href, minThreads: THREADS, maxThreads: THREADS })
  const block = shape(() => pool.run(ARGUMENT))
  return (operations, watch) => allBlocks(block, operations, watch)
}

const exported = ({ threadTask }) => threadTask(WORK, 'add')
const sent =
  () =>
  ({ a, b }) =>
    a + b

export const threads = {
  'thread-round-trip': {
    operations: 10_000,
    subjects: { structio: structio(one, exported), piscina: piscina(one) },
  },
  'thread-round-trip-function': {
    operations: 10_000,
    subjects: { structio: structio(one, sent), piscina: piscina(one) },
  },
  'thread-round-trip-8': {
    operations: 20_000,
    subjects: { structio: structio(eight, exported), piscina: piscina(eight) },
  },
}
