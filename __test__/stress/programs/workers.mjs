/**
 * Ends workers with pending operations, many times: by `terminate` from outside, by `process.exit` from inside.
 * Arguments: driver, rounds. Prints `{ ended, descriptors: [before, after] }`.
 */
import { readdirSync } from 'node:fs'
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { leavePending } from './pending.mjs'

const TOGETHER = 4

if (isMainThread) {
  const [driver, rounds] = process.argv.slice(2)
  // The first worker opens what belongs to the process and stays open.
  await endWorker(driver, 0)
  const before = descriptors()
  let ended = 0
  await Promise.all(
    Array.from({ length: TOGETHER }, async (_, lane) => {
      for (let round = lane; round < Number(rounds); round += TOGETHER) {
        await endWorker(driver, round)
        ended++
      }
    }),
  )
  // The pool closes what the last worker had under way.
  for (let look = 0; look < 500 && descriptors() !== before; look++)
    await new Promise((resolve) => setTimeout(resolve, 10))
  console.log(JSON.stringify({ ended, descriptors: [before, descriptors()] }))
} else {
  const { driver, round } = workerData
  // Two rounds for each way to end, in alternation.
  const tlsHandshakes = (round >> 1) % 2 === 1 ? 'pool' : 'reactor'
  leavePending({ driver, tlsHandshakes }, () => {
    parentPort.postMessage('ready')
    if (round % 2 === 1) after((round >> 1) % 8, () => process.exit(0))
  }).catch((error) => {
    console.error(error)
    process.exit(1)
  })
}

async function endWorker(driver, round) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { driver, round } })
  const exit = once(worker, 'exit')
  await once(worker, 'message')
  if (round % 2 === 0) after((round >> 1) % 8, () => void worker.terminate())
  await exit
}

function after(count, action) {
  if (count === 0) action()
  else setImmediate(after, count - 1, action)
}

function descriptors() {
  return readdirSync('/proc/self/fd').length
}
