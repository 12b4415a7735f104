// A run in a worker thread, and the option that only the main thread has. JavaScript, because a worker's entry is loaded
// before any loader for TypeScript can be registered in it.
import { parentPort } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { run } = await import('../../../src/run.ts')
const { checkpoint } = await import('../../../src/scopes.ts')

const value = await run(async () => {
  await checkpoint()
  return 'ran'
})
const refused = await run(() => undefined, { shutdownSignals: ['SIGTERM'] }).catch((error) => error.code)
parentPort.postMessage({ value, refused })
