/**
 * Drops calls, and prints how far it came: `left-behind.ts [ordinary | wrapping]`. With an argument it also drops
 * a promise that fails with an error of its own, or with one that wraps a cancellation.
 */
import { createTaskGroup, run, sleep } from '../../index.ts'

const [extra] = process.argv.slice(2)
process.on('rejectionHandled', () => console.log('rejectionHandled'))

await run(async () => {
  await createTaskGroup((tg) => {
    tg.spawn(async () => {
      void audit()
      void sleep(1000)
      if (extra === 'ordinary') void Promise.reject(new Error('of its own'))
      if (extra === 'wrapping') void audit().catch((cause: unknown) => Promise.reject(new Error('wraps', { cause })))
      await null
    })
  })
  await sleep(5)
})
console.log('alive', process.listenerCount('unhandledRejection'))

async function audit(): Promise<void> {
  await sleep(1000)
}
