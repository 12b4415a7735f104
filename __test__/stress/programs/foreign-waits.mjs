/**
 * Memory that settled waits leave behind: a million waits on one foreign promise, and a million scopes on one foreign signal.
 * Prints a JSON line with the bytes that one of each keeps (FORGET-8).
 *
 *     node --expose-gc __test__/stress/programs/foreign-waits.mjs node 1000000
 */
import { abandonOnCancel, openCancelScope, run } from 'structio'

const [backend = 'native', count = '1000000'] = process.argv.slice(2)
const WAITS = Number(count)
const never = new Promise(() => {})
const { signal } = new AbortController()

const rounds = {
  promise: () =>
    openCancelScope(async (scope) => {
      const waiting = abandonOnCancel(never)
      scope.cancel()
      await waiting
    }),
  signal: () => openCancelScope({ signal }, () => {}),
}

async function heap() {
  for (let round = 0; round < 3; round++) {
    globalThis.gc()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return process.memoryUsage().heapUsed
}

await run(
  async () => {
    const kept = {}
    for (const [name, round] of Object.entries(rounds)) {
      // What the compilers and the pools keep belongs to no wait.
      for (let i = 0; i < 2000; i++) await round()
      const before = await heap()
      for (let i = 0; i < WAITS; i++) await round()
      kept[name] = Math.round(((await heap()) - before) / WAITS)
    }
    console.log(JSON.stringify(kept))
  },
  { backend },
)
