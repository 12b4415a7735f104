// A thread that the library did not start. It loads the built library, and does what it is told with the portal it was given.
import { parentPort, workerData } from 'node:worker_threads'
import { BlockingPortal } from 'structio'

const portal = BlockingPortal.attach(workerData.handle)
const words = workerData.words

const acts = {
  call: (...args) => portal.call(...args),
  soon(name, ...args) {
    const tasks = [1, 2, 3].map((n) => portal.startTaskSoon(name, n, ...args))
    return tasks.map((task) => task.result()).reverse()
  },
  cancel(name) {
    const task = portal.startTaskSoon(name)
    task.cancel()
    return task.result()
  },
  // Calls again and again, until it fails.
  forever(name) {
    for (;;) portal.call(name)
  },
  late(name) {
    Atomics.wait(words, 0, 0)
    return portal.call(name)
  },
}

parentPort.on('message', ([act, ...args]) => {
  let outcome
  try {
    outcome = { value: acts[act](...args) }
  } catch (error) {
    outcome = { error: { name: error.name, code: error.code, message: error.message } }
  }
  parentPort.postMessage(outcome)
})
