// What structure costs when nothing waits: a task against a bare promise, a deadline against AbortSignal.timeout.
// Both sides run in this one process, in blocks that take turns; the order turns with every round.
//
//   --rounds N   --only-peer true (the library is never loaded: what the peers cost in a process without it)
//
// Prints one JSON line: CPU time in µs for one operation, per case, side and round. Node's garbage collector runs between
// the blocks (--expose-gc), so that neither side pays for what the other has left.

import { parseArgs } from 'node:util'

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    'only-peer': { type: 'string', default: 'false' },
  },
})
const onlyPeer = flags['only-peer'] === 'true'
const library = onlyPeer ? undefined : await import('structio')

const GROUP = 100
const WARM_UP_ROUNDS = 2

const returnsAtOnce = async () => {}
const awaitsOnce = async () => {
  await undefined
}

const cases = {
  'spawn-join': { operations: 100_000, ...joining(returnsAtOnce) },
  'spawn-join-awaiting': { operations: 100_000, ...joining(awaitsOnce) },
  'deadline-scope': { operations: 20_000, ours: failAfterEach, peer: abortSignalEach },
  'deadline-scope-by-hand': { operations: 20_000, ours: failAfterEach, peer: clearedTimerEach },
}

function joining(task) {
  return {
    async ours(operations) {
      for (let done = 0; done < operations; done += GROUP) {
        await library.createTaskGroup((group) => {
          for (let index = 0; index < GROUP; index += 1) group.spawn(task)
        })
      }
    },
    async peer(operations) {
      for (let done = 0; done < operations; done += GROUP) {
        const promises = []
        for (let index = 0; index < GROUP; index += 1) promises.push(task())
        await Promise.all(promises)
      }
    },
  }
}

async function failAfterEach(operations) {
  for (let done = 0; done < operations; done += 1) await library.failAfter(1000, awaitsOnce)
}

async function abortSignalEach(operations) {
  for (let done = 0; done < operations; done += 1) await raceAbortSignal(1000, awaitsOnce)
}

async function clearedTimerEach(operations) {
  for (let done = 0; done < operations; done += 1) await raceClearedTimer(1000, awaitsOnce)
}

function raceAbortSignal(ms, body) {
  const signal = AbortSignal.timeout(ms)
  const aborted = new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  return Promise.race([body(signal), aborted])
}

/** The cheaper habit: a timer that is cleared. It cancels nothing that runs in the body. */
async function raceClearedTimer(ms, body) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('timeout')), ms)
  })
  try {
    return await Promise.race([body(), late])
  } finally {
    clearTimeout(timer)
  }
}

/** CPU time of one operation, in µs. The library's side runs in a `run` of its own, opened before the clock starts. */
async function measure(side, { operations, [side]: block }) {
  globalThis.gc?.()
  const timed = async () => {
    const before = process.cpuUsage()
    await block(operations)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / operations
  }
  return side === 'ours' ? await library.run(timed, { backend: 'node' }) : await timed()
}

const sides = onlyPeer ? ['peer'] : ['ours', 'peer']
const results = {}
for (const [name, entry] of Object.entries(cases)) {
  const rounds = Object.fromEntries(sides.map((side) => [side, []]))
  for (let round = -WARM_UP_ROUNDS; round < Number(flags.rounds); round += 1) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      const cost = await measure(side, entry)
      if (round >= 0) rounds[side].push(cost)
    }
  }
  results[name] = rounds
}
process.stdout.write(`${JSON.stringify(results)}\n`)
// AbortSignal.timeout leaves its timers behind.
process.exit(0)
