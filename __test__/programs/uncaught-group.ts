/** Ends with an uncaught `ExceptionGroup` of a refused connection and of a task that fails while it is cancelled. */
import { connectTcp, createTaskGroup, run, sleepForever } from '../../index.ts'

async function connect(): Promise<void> {
  await connectTcp('127.0.0.1', 1)
}

async function lookUp(): Promise<void> {
  try {
    await sleepForever()
  } catch (error) {
    throw new RangeError('the look-up was cut off', { cause: error })
  }
}

await run(() =>
  createTaskGroup((tg) => {
    tg.spawn(connect)
    tg.spawn(() => createTaskGroup((inner) => void inner.spawn(lookUp)))
  }),
)
