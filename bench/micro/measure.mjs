// One subject of one case, in a process of its own: what one library made the engine decide is not carried over to another.
//
//   node --expose-gc measure.mjs --case lock --subject structio [--beside structio] [--blocks 3]
//
// Prints one JSON line, the median over the blocks of what one operation costs: µs of CPU time of the whole process (user and
// system, all threads), or bytes of the heap. The blocks follow one another in one run, the first two to warm up.
//
// `--beside structio`: the peer in a process in which a `run` has been. Before Node 24, AsyncLocalStorage makes each promise of
// such a process dearer, whoever makes it.

import { parseArgs } from 'node:util'

import { clients } from './cases/clients.mjs'
import { files } from './cases/files.mjs'
import { items } from './cases/items.mjs'
import { memory } from './cases/memory.mjs'
import { places } from './cases/places.mjs'
import { processes } from './cases/processes.mjs'
import { tasks } from './cases/tasks.mjs'
import { threads } from './cases/threads.mjs'

const WARM_UP = 2

const { values: flags } = parseArgs({
  options: {
    case: { type: 'string' },
    subject: { type: 'string' },
    beside: { type: 'string' },
    blocks: { type: 'string', default: '3' },
  },
})

const wanted = { ...places, ...items, ...tasks, ...threads, ...memory, ...processes, ...clients, ...files }[flags.case]
const { subjects, weighs = false, operationsOf } = wanted
// Fewer of the dear ones: a block need not take half a minute.
const operations = operationsOf?.[flags.subject] ?? wanted.operations
if (flags.beside !== undefined) await (await import(flags.beside)).run(async () => {}, { backend: 'node' })
const subject = await subjects[flags.subject]()
const watch = weighs ? scales() : stopwatch()
await subject(operations, watch)
const costs = watch.measured.slice(WARM_UP).sort((a, b) => a - b)
process.stdout.write(`${JSON.stringify({ cost: costs[costs.length >> 1] / operations })}\n`)
// AbortSignal.timeout leaves its timers behind.
process.exit(0)

function stopwatch() {
  return makeWatch(() => {
    const { user, system } = process.cpuUsage()
    return user + system
  })
}

function scales() {
  return makeWatch(() => {
    globalThis.gc()
    return process.memoryUsage().heapUsed
  })
}

function makeWatch(read) {
  let left = WARM_UP + Number(flags.blocks)
  let begun
  return {
    measured: [],
    wantsMore: () => left-- > 0,
    start() {
      begun = read()
    },
    /** A block may stop it before its end. */
    stop() {
      if (begun !== undefined) this.measured.push(read() - begun)
      begun = undefined
    },
  }
}
