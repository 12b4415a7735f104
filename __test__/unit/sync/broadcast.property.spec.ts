/**
 * Broadcasts against a small model: what each subscriber gets, who waits, and how each call ends, with cancellations and
 * subscribers that come and go at any moment.
 */
import test from 'ava'
import fc from 'fast-check'
import { type Broadcast, type BroadcastOptions, createBroadcast } from '../../../src/sync/broadcast.ts'
import type { MemoryReceiveStream } from '../../../src/sync/memory-object-stream.ts'
import { type Actor, drain, same, withActors, word } from '../../support/actors.ts'
import { microtasks, runBare } from '../../support/kernel-run.ts'

const ACTORS = 6
/** The first actors send; each of the others has a subscription that it reads from. */
const SENDERS = 3

type Mode = NonNullable<BroadcastOptions['onFull']>

interface Step {
  do: string
  who: number
}

const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom(
    ...['send', 'send', 'send', 'send now', 'receive', 'receive', 'receive', 'batch', 'receive now'],
    ...['cancel', 'cancel', 'flush', 'subscribe', 'unsubscribe', 'close'],
  ),
  who: fc.nat({ max: ACTORS - 1 }),
})
const script = fc.array(step, { minLength: 6, maxLength: 50, size: 'max' })

interface Reader {
  buffer: number[]
  /** It waits. */
  waits: boolean
  /** For so many items at most. */
  max: number
  /** The item that a batch was handed: it looks for more at the end of the turn, unless it is cancelled before. */
  handed: { item: number; cancelled: boolean } | undefined
  /** The items are over: what comes then. */
  end: string | undefined
}

class Model {
  readonly capacity: number
  readonly mode: Mode
  readonly readers = new Map<number, Reader>()
  senders: { who: number; item: number }[] = []
  readonly events: string[] = []
  /** In order. */
  handed: [who: number, reader: Reader][] = []
  closed = false

  constructor(capacity: number, mode: Mode) {
    this.capacity = capacity
    this.mode = mode
  }

  get full(): boolean {
    return this.mode === 'wait' && [...this.readers.values()].some(({ buffer }) => buffer.length >= this.capacity)
  }

  /** Those that items still go to. */
  get subscribers(): Reader[] {
    return [...this.readers.values()].filter(({ end }) => end === undefined)
  }

  send(who: number, item: number, mayWait: boolean): string | undefined {
    if (this.closed) return 'ClosedResourceError'
    if (this.full) {
      if (!mayWait) return 'WouldBlock'
      this.senders.push({ who, item })
      return undefined
    }
    this.#deliver(item)
    return 'sent'
  }

  /** What a `receive` comes to, unless it waits. */
  receive(reader: Reader, max: number): number[] | string | undefined {
    if (reader.buffer.length === 0) return reader.end
    const items: number[] = []
    while (items.length < max && reader.buffer.length > 0) {
      items.push(reader.buffer.shift()!)
      this.pump()
    }
    return items
  }

  turnOver(): void {
    // A batch that takes more makes room for a sender, whose item may go to another batch that waits.
    for (let next = this.handed.shift(); next !== undefined; next = this.handed.shift()) {
      const [who, reader] = next
      const { item, cancelled } = reader.handed!
      reader.handed = undefined
      const more = cancelled ? undefined : this.receive(reader, reader.max - 1)
      this.events.push(`${who} got ${[item, ...(typeof more === 'object' ? more : [])].join()}`)
    }
  }

  pump(): void {
    while (this.senders.length > 0 && !this.full) {
      const { who, item } = this.senders.shift()!
      this.#deliver(item)
      this.events.push(`${who} sent`)
    }
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    for (const { who } of this.senders.splice(0)) this.events.push(`${who} ClosedResourceError`)
    for (const [who, reader] of this.readers) {
      reader.end ??= 'EndOfStream'
      if (reader.waits) this.events.push(`${who} ${reader.end}`)
      reader.waits = false
    }
  }

  #deliver(item: number): void {
    for (const [who, reader] of this.readers) {
      if (reader.end !== undefined) continue
      if (reader.waits) {
        reader.waits = false
        if (reader.max === 1) this.events.push(`${who} got ${item}`)
        else {
          reader.handed = { item, cancelled: false }
          this.handed.push([who, reader])
        }
      } else if (reader.buffer.length < this.capacity) reader.buffer.push(item)
      else if (this.mode === 'drop-oldest') reader.buffer = [...reader.buffer.slice(1), item]
      else if (this.mode === 'error') reader.end = 'BrokenResourceError'
    }
  }
}

async function play(
  broadcast: Broadcast<number>,
  model: Model,
  steps: readonly Step[],
  actors: readonly Actor[],
  log: string[],
): Promise<void> {
  const streams = new Map<number, MemoryReceiveStream<number>>()
  let items = 0
  const flush = async (): Promise<void> => {
    await microtasks()
    model.turnOver()
    same(drain(log).sort(), model.events.splice(0).sort())
  }
  const told = (who: number, end: string | undefined): void => {
    if (end !== undefined) model.events.push(`${who} ${end}`)
  }
  const sending = (who: number): boolean => model.senders.some((call) => call.who === who)
  const stepSender = (what: string, who: number): void => {
    if (what === 'send now') {
      const item = ++items
      same(
        word(() => (broadcast.sendNowait(item), 'sent')),
        model.send(who, item, false),
      )
    } else if (what === 'cancel') {
      actors[who]!.cancel()
      if (sending(who)) {
        model.senders = model.senders.filter((call) => call.who !== who)
        told(who, 'cancelled')
      }
    } else if (!sending(who)) {
      const item = ++items
      actors[who]!.begin(
        () => broadcast.send(item),
        () => 'sent',
      )
      told(who, model.send(who, item, true))
    }
  }
  const stepReader = (what: string, who: number): void => {
    const reader = model.readers.get(who)
    const stream = streams.get(who)
    if (reader === undefined || stream === undefined) {
      if (what !== 'subscribe' || model.closed) return
      streams.set(who, broadcast.subscribe())
      model.readers.set(who, { buffer: [], waits: false, max: 1, handed: undefined, end: undefined })
    } else if (what === 'unsubscribe') {
      stream.close()
      streams.delete(who)
      model.readers.delete(who)
      if (reader.waits) told(who, 'ClosedResourceError')
      reader.buffer = []
      model.pump()
    } else if (what === 'cancel') {
      actors[who]!.cancel()
      if (reader.waits) told(who, 'cancelled')
      reader.waits = false
      if (reader.handed !== undefined) reader.handed.cancelled = true
    } else if (reader.waits) return
    else if (what === 'receive now') {
      const found = word(() => `got ${stream.receiveNowait()}`)
      const wanted = model.receive(reader, 1) ?? 'WouldBlock'
      same(found, typeof wanted === 'string' ? wanted : `got ${wanted.join()}`)
    } else if (reader.handed === undefined) {
      const max = what === 'batch' ? 3 : 1
      reader.max = max
      actors[who]!.begin<number | number[]>(
        () => (max === 1 ? stream.receive() : stream.receiveBatch(max)),
        (got) => `got ${String(got)}`,
      )
      const outcome = model.receive(reader, max)
      if (outcome === undefined) reader.waits = true
      else told(who, typeof outcome === 'string' ? outcome : `got ${outcome.join()}`)
    }
  }
  for (const { do: what, who } of steps) {
    if (what === 'flush') await flush()
    else if (what === 'close') {
      // Not in every script, and not early: most of what there is to see comes before.
      if (who === 0) {
        broadcast.close()
        model.close()
      }
    } else if (who < SENDERS) stepSender(what, who)
    else stepReader(what, who)
    const { subscribers, tasksWaitingSend } = broadcast.statistics()
    same([subscribers, tasksWaitingSend], [model.closed ? 0 : model.subscribers.length, model.senders.length])
  }
  await flush()
  broadcast.close()
  model.close()
  await flush()
  for (const [who, stream] of streams) {
    const reader = model.readers.get(who)!
    for (const item of reader.buffer)
      same(
        word(() => String(stream.receiveNowait())),
        String(item),
      )
    same(
      word(() => String(stream.receiveNowait())),
      reader.end,
    )
    same(stream.statistics().tasksWaitingReceive, 0)
  }
}

for (const mode of ['wait', 'drop-oldest', 'drop-newest', 'error'] as const) {
  test.serial(`property: a broadcast behaves as the model says: ${mode}`, async (t) => {
    const property = fc.asyncProperty(fc.integer({ min: 1, max: 3 }), script, (capacity, steps) => {
      // Each reader is there from the beginning, most of the time.
      const begin = [3, 4, 5].map((who) => ({ do: 'subscribe', who }))
      return withActors(ACTORS, (actors, log) => {
        const broadcast = createBroadcast<number>(capacity, { onFull: mode })
        return play(broadcast, new Model(capacity, mode), [...begin, ...steps], actors, log)
      })
    })
    await t.notThrowsAsync(runBare(() => fc.assert(property, { numRuns: 800, includeErrorInReport: true })))
  })
}
