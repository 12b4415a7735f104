// Tries to receive signals in a worker thread. It is JavaScript because a worker loads its entry before a TypeScript
// loader can be registered.
import { parentPort } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { receiveSignals, run } = await import('../../../index.ts')

const refused = await run(async () => {
  const codes = []
  try {
    receiveSignals('SIGTERM')
  } catch (error) {
    codes.push(error.code)
  }
  await receiveSignals('SIGTERM', () => codes.push('received')).catch((error) => codes.push(error.code))
  return codes
})
parentPort.postMessage(refused)
