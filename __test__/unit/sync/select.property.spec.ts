/**
 * `select` against a small model, with competitors, cancellations and closes: each item is taken exactly once, never by a call that
 * has lost or was cancelled, first in first out in each source, and in the order of arrival in each line.
 *
 * `SELECT_RUNS=100000` makes it as many interleavings; the tests do 10,000.
 */
import test from 'ava'
import fc from 'fast-check'
import { select, selectAll } from '../../../src/select.ts'
import type { Selectable } from '../../../src/select.ts'
import { createMemoryObjectStream } from '../../../src/sync/memory-object-stream.ts'
import { createQueue } from '../../../src/sync/queue.ts'
import { type Actor, drain, same, withActors } from '../../support/actors.ts'
import { microtasks, runBare } from '../../support/kernel-run.ts'

const ACTORS = 6
const SOURCES = 4
/** Those of the sources that may be closed; the first half of all are queues. */
const CLOSABLE = [1, 2, 3]
/** Items of a batch. */
const MAX = 3

const step = fc.record({
  do: fc.constantFrom(
    ...['put', 'put', 'put', 'put', 'get', 'get', 'get batch', 'watch', 'select', 'select', 'select'],
    ...['select all', 'get now', 'cancel', 'cancel', 'flush', 'flush', 'close'],
  ),
  who: fc.nat({ max: ACTORS - 1 }),
  source: fc.nat({ max: SOURCES - 1 }),
  /** Of a select: which sources, as bits, never none. */
  among: fc.integer({ min: 1, max: 2 ** SOURCES - 1 }),
})
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

interface Source {
  readonly object: Selectable<number>
  put(item: number): void
  get(): Promise<number>
  getBatch(): Promise<number[]>
  getNow(): number
  watch(): Promise<void>
  close(): void
  size(): number
  waiting(): number
}

/** One call that waits: the sources whose lines it stands in. A watch stands in none. */
interface Call {
  readonly who: number
  readonly sources: readonly number[]
  readonly kind: 'get' | 'get batch' | 'watch' | 'select' | 'select all'
}

/** A batch that has its first item, and looks for more once the running JavaScript is done. */
interface Batch {
  readonly call: Call
  readonly source: number
  readonly item: number
  cancelled: boolean
}

function makeSources(): Source[] {
  return Array.from({ length: SOURCES }, (_, index) => {
    if (index < SOURCES / 2) {
      const queue = createQueue<number>(0)
      return {
        object: queue,
        put: (item) => queue.putNowait(item),
        get: () => queue.get(),
        getBatch: () => queue.getBatch(MAX),
        getNow: () => queue.getNowait(),
        watch: () => queue.waitReadable(),
        close: () => queue.close(),
        size: () => queue.qsize(),
        waiting: () => queue.statistics().tasksWaitingGet,
      }
    }
    const [send, receive] = createMemoryObjectStream<number>(Infinity)
    return {
      object: receive,
      put: (item) => send.sendNowait(item),
      get: () => receive.receive(),
      getBatch: () => receive.receiveBatch(MAX),
      getNow: () => receive.receiveNowait(),
      watch: () => receive.waitReadable(),
      close: () => send.close(),
      size: () => receive.statistics().currentBufferUsed,
      waiting: () => receive.statistics().tasksWaitingReceive,
    }
  })
}

async function play(steps: readonly Step[], actors: Actor[], log: string[]): Promise<void> {
  const sources = makeSources()
  const items: number[][] = sources.map(() => [])
  const lines: Call[][] = sources.map(() => [])
  const watchers: Call[][] = sources.map(() => [])
  let batches: Batch[] = []
  const ended = sources.map(() => false)
  const busy = new Map<number, Call>()
  let events: string[] = []
  let next = 0

  const leave = (call: Call): void => {
    busy.delete(call.who)
    for (const source of call.sources) {
      lines[source] = lines[source]!.filter((other) => other !== call)
      watchers[source] = watchers[source]!.filter((other) => other !== call)
    }
  }
  const told = (call: Call, source: number, item: number): void =>
    void events.push(`${call.who} ${call.kind === 'get' ? '' : `${source}: `}${item}`)
  const hand = (call: Call, source: number, item: number): void => {
    leave(call)
    if (call.kind !== 'get batch') return told(call, source, item)
    busy.set(call.who, call)
    batches.push({ call, source, item, cancelled: false })
  }
  const wakeWatchers = (source: number): void => {
    for (const call of watchers[source]!) {
      leave(call)
      events.push(`${call.who} readable`)
    }
  }
  const wait = (call: Call): void => {
    busy.set(call.who, call)
    for (const source of call.sources) (call.kind === 'watch' ? watchers : lines)[source]!.push(call)
  }
  /** What has ended of the sources of a `selectAll` drops out of that call; when all have, it is done. */
  const end = (source: number): void => {
    for (const call of [...lines[source]!]) {
      if (call.kind === 'select all') {
        const left = call.sources.filter((other) => !ended[other])
        lines[source] = lines[source]!.filter((other) => other !== call)
        if (left.length > 0) continue
        busy.delete(call.who)
        events.push(`${call.who} done`)
      } else {
        leave(call)
        events.push(`${call.who} EndOfStream`)
      }
    }
    wakeWatchers(source)
  }

  const start = (call: Call): void => {
    const { who, kind } = call
    const actor = actors[who]!
    if (kind === 'get') {
      const [source] = call.sources as [number]
      actor.begin(() => sources[source]!.get(), String)
      if (items[source]!.length > 0) told(call, source, items[source]!.shift()!)
      else if (ended[source]) events.push(`${who} EndOfStream`)
      else wait(call)
      return
    }
    if (kind === 'get batch') {
      const [source] = call.sources as [number]
      actor.begin(() => sources[source]!.getBatch(), String)
      if (items[source]!.length > 0) events.push(`${who} ${items[source]!.splice(0, MAX).join(',')}`)
      else if (ended[source]) events.push(`${who} EndOfStream`)
      else wait(call)
      return
    }
    if (kind === 'watch') {
      const [source] = call.sources as [number]
      actor.begin(
        () => sources[source]!.watch(),
        () => 'readable',
      )
      if (items[source]!.length > 0 || ended[source]) events.push(`${who} readable`)
      else wait(call)
      return
    }
    const sizes = sources.map((source) => source.size())
    if (kind === 'select') {
      const named = Object.fromEntries(call.sources.map((source) => [String(source), sources[source]!.object]))
      actor.begin(
        () => select(named),
        ([key, item]) => `${key}: ${item}`,
      )
    } else {
      const among = call.sources.map((source) => sources[source]!.object)
      actor.begin(
        () => selectAll(among).next(),
        ({ done, value }) =>
          done === true ? 'done' : `${sources.findIndex(({ object }) => object === value[0])}: ${value[1]}`,
      )
    }
    // The draw is the implementation's; everything that follows from it is not.
    const drawn = sources.findIndex((source, index) => source.size() < sizes[index]!)
    if (drawn >= 0) {
      if (!call.sources.includes(drawn)) throw new Error(`it took from ${drawn}, which it was not given`)
      told(call, drawn, items[drawn]!.shift()!)
      return
    }
    const someEnded = call.sources.some((source) => ended[source] && items[source]!.length === 0)
    const someReady = call.sources.some((source) => items[source]!.length > 0)
    if (kind === 'select all') {
      if (someReady) throw new Error('it took nothing, though there is something')
      const left = call.sources.filter((source) => !ended[source])
      if (left.length === 0) events.push(`${who} done`)
      else wait({ ...call, sources: left })
    } else if (someEnded) events.push(`${who} EndOfStream`)
    else if (someReady) throw new Error('it took nothing, though there is something')
    else wait(call)
  }

  const flush = async (): Promise<void> => {
    for (const { call, source, item, cancelled } of batches) {
      busy.delete(call.who)
      const more = cancelled ? [] : items[source]!.splice(0, MAX - 1)
      events.push(`${call.who} ${[item, ...more].join(',')}`)
    }
    batches = []
    await microtasks()
    same(drain(log).sort(), events.sort())
    events = []
  }

  for (const { do: what, who, source, among } of [...steps, { do: 'flush', who: 0, source: 0, among: 1 }]) {
    if (what === 'flush') await flush()
    else if (what === 'put' && !ended[source]) {
      const item = ++next
      sources[source]!.put(item)
      const first = lines[source]!.shift()
      if (first === undefined) {
        items[source]!.push(item)
        wakeWatchers(source)
      } else hand(first, source, item)
    } else if (what === 'get now' && items[source]!.length > 0) {
      same(sources[source]!.getNow(), items[source]!.shift())
    } else if (what === 'cancel') {
      actors[who]!.cancel()
      const call = busy.get(who)
      const handed = batches.find((batch) => batch.call === call)
      if (handed !== undefined) handed.cancelled = true
      else if (call !== undefined) {
        leave(call)
        events.push(`${who} cancelled`)
      }
    } else if (what === 'close' && CLOSABLE.includes(source) && !ended[source]) {
      ended[source] = true
      sources[source]!.close()
      end(source)
    } else if (!busy.has(who)) {
      if (what === 'get' || what === 'get batch' || what === 'watch') start({ who, sources: [source], kind: what })
      else if (what === 'select' || what === 'select all') {
        start({ who, sources: sources.map((_, index) => index).filter((index) => (among >> index) & 1), kind: what })
      }
    }
    same(
      sources.map((each) => [each.size(), each.waiting()]),
      sources.map((_, index) => [items[index]!.length, lines[index]!.length]),
    )
  }
  for (const [who, call] of [...busy]) {
    actors[who]!.cancel()
    leave(call)
    events.push(`${who} cancelled`)
  }
  await flush()
  same(
    sources.map((each) => each.waiting()),
    sources.map(() => 0),
  )
}

test.serial('property: select takes each item once, in order, and never as a loser', async (t) => {
  const numRuns = Number(process.env.SELECT_RUNS ?? 10_000)
  const script = fc.array(step, { minLength: 6, maxLength: 40, size: 'max' })
  const property = fc.asyncProperty(script, (steps) => withActors(ACTORS, (actors, log) => play(steps, actors, log)))
  await t.notThrowsAsync(runBare(() => fc.assert(property, { numRuns, includeErrorInReport: true })))
})
