/** Runs until a shutdown signal, with a body that no signal ends: it waits for a promise that never settles. */
import { run } from '../../../src/run.ts'
import { createTaskGroup } from '../../../src/task-groups.ts'

process.on('warning', ({ message }) => console.log(`warned: ${message}`))

await run(
  () =>
    createTaskGroup((tg) => {
      tg.spawn({ name: 'stuck' }, async function neverAnswers() {
        console.log('ready')
        await new Promise(() => undefined)
      })
    }),
  { shutdownSignals: ['SIGINT', 'SIGTERM'] },
)
