/** Queues, memory object streams and events against small models: the order of items, who waits, and how each call ends. */
import test from 'ava'
import fc from 'fast-check'
import { createEvent } from '../../../src/sync/event.ts'
import { createMemoryObjectStream } from '../../../src/sync/memory-object-stream.ts'
import { createQueue } from '../../../src/sync/queue.ts'
import { type Actor, drain, same, withActors, word } from '../../support/actors.ts'
import { microtasks, runBare } from '../../support/kernel-run.ts'

const ACTORS = 6
/** Of a stream, on either side: the original and its clones. */
const ENDS = 2

interface Step {
  do: string
  who: number
}

const step = (withClose: boolean): fc.Arbitrary<Step> =>
  fc.record({
    do: fc.constantFrom(
      ...['put', 'put', 'put', 'put now', 'get', 'get', 'get', 'get now', 'cancel', 'cancel', 'flush'],
      ...(withClose ? ['close sender', 'close receiver'] : []),
    ),
    who: fc.nat({ max: ACTORS - 1 }),
  })
const script = (withClose: boolean): fc.Arbitrary<Step[]> =>
  fc.array(step(withClose), { minLength: 6, maxLength: 40, size: 'max' })

/** What a queue and a stream have in common, by the number of the end. */
interface Pipe {
  put(end: number, item: number): Promise<void>
  putNow(end: number, item: number): void
  get(end: number): Promise<number>
  getNow(end: number): number
  closeSender?(end: number): void
  closeReceiver?(end: number): void
  /** Items in the buffer, who waits to put, who waits to get. */
  counts(): number[]
}

function queuePipe(capacity: number): Pipe {
  const queue = createQueue<number>(capacity)
  return {
    put: (_, item) => queue.put(item),
    putNow: (_, item) => queue.putNowait(item),
    get: () => queue.get(),
    getNow: () => queue.getNowait(),
    counts: () => [queue.qsize(), queue.statistics().tasksWaitingPut, queue.statistics().tasksWaitingGet],
  }
}

function streamPipe(capacity: number): Pipe {
  const [send, receive] = createMemoryObjectStream<number>(capacity)
  const senders = [send, ...Array.from({ length: ENDS - 1 }, () => send.clone())]
  const receivers = [receive, ...Array.from({ length: ENDS - 1 }, () => receive.clone())]
  return {
    put: (end, item) => senders[end]!.send(item),
    putNow: (end, item) => senders[end]!.sendNowait(item),
    get: (end) => receivers[end]!.receive(),
    getNow: (end) => receivers[end]!.receiveNowait(),
    closeSender: (end) => senders[end]!.close(),
    closeReceiver: (end) => receivers[end]!.close(),
    counts: () => {
      const { currentBufferUsed, tasksWaitingSend, tasksWaitingReceive } = send.statistics()
      return [currentBufferUsed, tasksWaitingSend, tasksWaitingReceive]
    },
  }
}

interface Getting {
  who: number
  end: number
}

interface Putting extends Getting {
  item: number
}

/** The rules of a channel with ends. A call comes to a word: at once where one is returned, later in `events`. */
class Model {
  readonly capacity: number
  buffer: number[] = []
  putters: Putting[] = []
  getters: Getting[] = []
  readonly senders = new Set(Array.from({ length: ENDS }, (_, end) => end))
  readonly receivers = new Set(Array.from({ length: ENDS }, (_, end) => end))
  readonly events: string[] = []

  constructor(capacity: number) {
    this.capacity = capacity
  }

  waits(who: number): boolean {
    return [...this.putters, ...this.getters].some((call) => call.who === who)
  }

  put(putting: Putting, mayWait: boolean): string | undefined {
    if (!this.senders.has(putting.end)) return 'ClosedResourceError'
    if (this.receivers.size === 0) return 'BrokenResourceError'
    const getter = this.getters.shift()
    if (getter !== undefined) this.events.push(`${getter.who} got ${putting.item}`)
    else if (this.buffer.length < this.capacity) this.buffer.push(putting.item)
    else if (!mayWait) return 'WouldBlock'
    else {
      this.putters.push(putting)
      return undefined
    }
    return 'put'
  }

  get(who: number, end: number, mayWait: boolean): string | undefined {
    if (!this.receivers.has(end)) return 'ClosedResourceError'
    const putter = this.putters.shift()
    if (putter !== undefined) {
      this.buffer.push(putter.item)
      this.events.push(`${putter.who} put`)
    }
    const item = this.buffer.shift()
    if (item !== undefined) return `got ${item}`
    if (this.senders.size === 0) return 'EndOfStream'
    if (!mayWait) return 'WouldBlock'
    this.getters.push({ who, end })
    return undefined
  }

  cancel(who: number): void {
    if (!this.waits(who)) return
    this.putters = this.putters.filter((call) => call.who !== who)
    this.getters = this.getters.filter((call) => call.who !== who)
    this.events.push(`${who} cancelled`)
  }

  closeSender(end: number): void {
    if (!this.senders.delete(end)) return
    this.putters = this.#end(this.putters, (call) => call.end === end, 'ClosedResourceError')
    if (this.senders.size === 0) this.getters = this.#end(this.getters, () => true, 'EndOfStream')
  }

  closeReceiver(end: number): void {
    if (!this.receivers.delete(end)) return
    this.getters = this.#end(this.getters, (call) => call.end === end, 'ClosedResourceError')
    if (this.receivers.size > 0) return
    this.buffer = []
    this.putters = this.#end(this.putters, () => true, 'BrokenResourceError')
  }

  #end<C extends Getting>(calls: C[], ends: (call: C) => boolean, word: string): C[] {
    for (const call of calls.filter(ends)) this.events.push(`${call.who} ${word}`)
    return calls.filter((call) => !ends(call))
  }
}

async function play(
  pipe: Pipe,
  capacity: number,
  steps: readonly Step[],
  actors: readonly Actor[],
  log: string[],
): Promise<void> {
  const model = new Model(capacity)
  let items = 0
  const flush = async (): Promise<void> => {
    await microtasks()
    same(drain(log).sort(), model.events.splice(0).sort())
  }
  for (const { do: what, who } of steps) {
    const end = who % ENDS
    if (what === 'flush') await flush()
    else if (what === 'cancel') {
      actors[who]!.cancel()
      model.cancel(who)
    } else if (what === 'close sender') {
      pipe.closeSender!(end)
      model.closeSender(end)
    } else if (what === 'close receiver') {
      pipe.closeReceiver!(end)
      model.closeReceiver(end)
    } else if (what === 'put now') {
      const item = ++items
      const found = word(() => (pipe.putNow(end, item), 'put'))
      same(found, model.put({ who, end, item }, false))
    } else if (what === 'get now') {
      same(
        word(() => `got ${pipe.getNow(end)}`),
        model.get(who, end, false),
      )
    } else if (!model.waits(who)) {
      if (what === 'put') {
        const item = ++items
        actors[who]!.begin(
          () => pipe.put(end, item),
          () => 'put',
        )
        told(model, who, model.put({ who, end, item }, true))
      } else {
        actors[who]!.begin(
          () => pipe.get(end),
          (item) => `got ${item}`,
        )
        told(model, who, model.get(who, end, true))
      }
    }
    same(pipe.counts(), [model.buffer.length, model.putters.length, model.getters.length])
  }
  for (let who = 0; who < ACTORS; who++) {
    actors[who]!.cancel()
    model.cancel(who)
  }
  await flush()
  same(pipe.counts(), [model.buffer.length, 0, 0])
}

/** What a call that did not wait came to is in the log at the next flush. */
function told(model: Model, who: number, end: string | undefined): void {
  if (end !== undefined) model.events.push(`${who} ${end}`)
}

const options = { numRuns: 1500, includeErrorInReport: true }

test.serial('property: a queue behaves as the model says', async (t) => {
  const property = fc.asyncProperty(fc.nat({ max: 3 }), script(false), (capacity, steps) =>
    withActors(ACTORS, (actors, log) =>
      play(queuePipe(capacity), capacity === 0 ? Infinity : capacity, steps, actors, log),
    ),
  )
  await t.notThrowsAsync(runBare(() => fc.assert(property, options)))
})

test.serial('property: a memory object stream behaves as the model says', async (t) => {
  const property = fc.asyncProperty(fc.constantFrom(0, 1, 2, Infinity), script(true), (capacity, steps) =>
    withActors(ACTORS, (actors, log) => play(streamPipe(capacity), capacity, steps, actors, log)),
  )
  await t.notThrowsAsync(runBare(() => fc.assert(property, options)))
})

test.serial('property: an event behaves as the model says', async (t) => {
  const moves = fc.array(
    fc.record({
      do: fc.constantFrom('wait', 'wait', 'wait', 'cancel', 'cancel', 'set', 'clear', 'flush'),
      who: fc.nat({ max: ACTORS - 1 }),
    }),
    { minLength: 4, maxLength: 30, size: 'max' },
  )
  const property = fc.asyncProperty(moves, (script) =>
    withActors(ACTORS, async (actors, log) => {
      const event = createEvent()
      const waiting = new Set<number>()
      let set = false
      let events: string[] = []
      for (const { do: what, who } of [...script, { do: 'set', who: 0 }, { do: 'flush', who: 0 }]) {
        if (what === 'set') {
          event.set()
          set = true
          events.push(...[...waiting].map((index) => `${index} true`))
          waiting.clear()
        } else if (what === 'clear') {
          event.clear()
          set = false
        } else if (what === 'cancel') {
          actors[who]!.cancel()
          if (waiting.delete(who)) events.push(`${who} cancelled`)
        } else if (what === 'wait' && !waiting.has(who)) {
          actors[who]!.begin(() => event.wait(), String)
          if (set) events.push(`${who} true`)
          else waiting.add(who)
        } else if (what === 'flush') {
          await microtasks()
          same(drain(log).sort(), events.sort())
          events = []
        }
        same([event.isSet(), event.statistics().tasksWaiting], [set, waiting.size])
      }
    }),
  )
  await t.notThrowsAsync(runBare(() => fc.assert(property, options)))
})
