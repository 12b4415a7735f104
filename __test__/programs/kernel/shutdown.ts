/** Runs until a shutdown signal; with `stubborn` it goes on afterwards, so that a second signal finds it. */
import { run } from '../../../src/run.ts'
import { openCancelScope, sleepForever } from '../../../src/scopes.ts'
import { createTaskGroup } from '../../../src/task-groups.ts'

const stubborn = process.argv.includes('stubborn')

const result = await run(
  () =>
    createTaskGroup(async (tg) => {
      tg.spawn(async () => {
        try {
          await sleepForever()
        } finally {
          console.log('child unwound')
          if (stubborn) await openCancelScope({ shield: true }, () => sleepForever())
        }
      })
      console.log('ready')
      await sleepForever()
    }),
  { shutdownSignals: ['SIGINT', 'SIGTERM'] },
)
console.log(`result ${String(result)}`)
console.log(`listeners ${process.listenerCount('SIGINT') + process.listenerCount('SIGTERM')}`)
