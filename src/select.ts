/** `select` and `selectAll`: from whichever of several sources has something first. */

import { ResourceBusyError } from './errors.ts'
import { enterOperation, rejected, selectable, type Selectable } from './kernel/index.ts'
import { ALL_ENDED, type Drops, type Entry, Selection } from './selecting/selection.ts'
import { thenOwned } from './common/owned.ts'
import { invalidArgType, outOfRange } from './common/validate.ts'

export { selectable, type Selectable, type SelectSource } from './kernel/index.ts'

/** What a source gives. */
export type Selected<S> = S extends Selectable<infer T> ? T : never

/** The sources of one call, as a list. */
type List = readonly Selectable<unknown>[]
/** The sources of one call, by name. */
type Named = Readonly<Record<string, Selectable<unknown>>>

/** A place in a tuple as a number; any number for a place in an array. */
type Place<I> = I extends `${infer N extends number}` ? N : number

/**
 * Waits until one of the sources has something, and takes from that one alone; the others are left as they are. Resolves with
 * `[index, value]` for a list, and with `[key, value]` for a record, which is the form to `switch` on:
 *
 * ```ts
 * const [which, value] = await select({ job: jobs, message: stream, stop: stopping })
 * ```
 *
 * It takes as the source's own receive would: `receiveSome()` of a stream (an empty Buffer is its end), `accept()` of a server, `get()`
 * of a queue, `receive()` of a memory stream, a signal receiver or a datagram socket, `wait()` of an event or a process, `value()`
 * of a task. A source that has ended or was closed is ready, and gives its end or its error. Objects of your own take part as
 * `Selectable`.
 *
 * - Fair: of several that are ready each is as likely as the others; where one waits, it is served in the order of arrival, among
 *   those that call `get` or `receive`.
 * - Cancelled, it has taken nothing. What it has taken reaches the caller, also when its scope is cancelled in the same turn.
 * - While it waits it counts as a receive of its streams, datagram sockets and signal receivers, and as an `accept` of its servers:
 *   another one beside it is a `ResourceBusyError`, and so is a `select` of what another task receives from.
 * - It costs one step for each source, at each call.
 *
 * @throws RangeError without any source, and for the same source twice; TaskFailed or TaskCancelled for a task that has ended so;
 * what the receive of the source throws that was taken from
 */
export function select<const S extends List>(
  sources: S,
): Promise<{ [I in keyof S]: [index: Place<I>, value: Selected<S[I]>] }[number]>
export function select<const R extends Named>(
  sources: R,
): Promise<{ [K in keyof R]: [key: K, value: Selected<R[K]>] }[keyof R]>
export function select(sources: List | Named): Promise<unknown> {
  try {
    const named = checkSources(sources)
    if (named.length === 0) throw outOfRange('sources', 'at least one source', sources)
    const scope = enterOperation('select')
    return new Selection(named.map(toEntry)).start(scope)
  } catch (error) {
    return rejected(error)
  }
}

/**
 * Iterates over what the sources give, as it comes: `[source, value]` for a list, `[key, value]` for a record. Each step is a `select`
 * among those that have not ended; between two steps nothing is held.
 *
 * ```ts
 * for await (const [peer, bytes] of selectAll([a, b])) await (peer === a ? b : a).sendAll(bytes)
 * ```
 *
 * A source that has ended drops out: a stream at the end of its data, a closed queue and a memory stream without senders once they
 * are empty, a server or datagram socket that this process has closed. So does one that has a single value, once it has given it (an
 * event, a task, a process). The iteration ends when all have. What a source throws comes out of the step, and that source drops out,
 * too: a `next()` called after that goes on with the others. `break` leaves all sources as they are. A `next()` that was cancelled can
 * be called again and has lost nothing; a second one beside it is a `ResourceBusyError`.
 */
export function selectAll<const S extends List>(
  sources: S,
): AsyncIterableIterator<{ [I in keyof S]: [source: S[I], value: Selected<S[I]>] }[number]>
export function selectAll<const R extends Named>(
  sources: R,
): AsyncIterableIterator<{ [K in keyof R]: [key: K, value: Selected<R[K]>] }[keyof R]>
export function selectAll(sources: List | Named): AsyncIterableIterator<never> {
  return new SelectIterator(checkSources(sources), Array.isArray(sources)) as unknown as AsyncIterableIterator<never>
}

/** A source, and what the answer names it by. */
interface NamedSource {
  readonly key: string | number
  readonly object: Selectable<unknown>
}

class SelectIterator implements AsyncIterableIterator<[unknown, unknown]>, Drops<NamedSource> {
  #live: NamedSource[]
  readonly #byObject: boolean
  #busy = false
  #returned = false

  constructor(sources: NamedSource[], byObject: boolean) {
    this.#live = sources
    this.#byObject = byObject
  }

  next(): Promise<IteratorResult<[unknown, unknown]>> {
    if (this.#returned || this.#live.length === 0) return Promise.resolve(DONE)
    try {
      if (this.#busy) throw new ResourceBusyError('next: another next() of this iterator is waiting')
      const scope = enterOperation('selectAll')
      const entries = this.#live.map((source) => ({ key: source, source: source.object[selectable]() }))
      this.#busy = true
      return thenOwned(new Selection(entries, this).start(scope), this.#step, this.#failure)
    } catch (error) {
      return rejected(error)
    }
  }

  /** What `break` calls. It ends the iterator and leaves the sources alone. */
  return(): Promise<IteratorResult<[unknown, unknown]>> {
    this.#returned = true
    return Promise.resolve(DONE)
  }

  /** A new loop over the same iterator goes on where the last one stopped. */
  [Symbol.asyncIterator](): this {
    this.#returned = false
    return this
  }

  dropped(source: NamedSource): void {
    this.#live = this.#live.filter((other) => other !== source)
  }

  readonly #step = (outcome: [NamedSource, unknown] | typeof ALL_ENDED): IteratorResult<[unknown, unknown]> => {
    this.#busy = false
    if (outcome === ALL_ENDED) return DONE
    const [{ key, object }, value] = outcome
    return { done: false, value: [this.#byObject ? object : key, value] }
  }

  readonly #failure = (error: unknown): never => {
    this.#busy = false
    throw error
  }
}

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined })

function toEntry({ key, object }: NamedSource): Entry<string | number> {
  return { key, source: object[selectable]() }
}

function checkSources(sources: unknown): NamedSource[] {
  if (typeof sources !== 'object' || sources === null || selectable in sources || isIterable(sources)) {
    throw invalidArgType('sources', 'an array of sources, or an object whose values are', sources)
  }
  const named = Array.isArray(sources)
    ? sources.map((object: unknown, key) => ({ key, object }))
    : Object.entries(sources).map(([key, object]: [string, unknown]) => ({ key, object }))
  const seen = new Map<object, string>()
  for (const { key, object } of named) {
    const name = typeof key === 'number' ? `sources[${key}]` : `sources.${key}`
    if (!isSelectable(object)) throw invalidArgType(name, EXPECTED, object)
    const other = seen.get(object)
    if (other !== undefined) throw outOfRange(name, `another source than ${other}`, object)
    seen.set(object, name)
  }
  return named as NamedSource[]
}

/** An array is one, and is meant. */
function isIterable(value: object): boolean {
  return !Array.isArray(value) && Symbol.iterator in value
}

function isSelectable(value: unknown): value is Selectable<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<Selectable<unknown>>)[selectable] === 'function'
  )
}

const EXPECTED =
  'something to receive from: a stream, server, queue, memory receive stream, event, task handle, or another Selectable'
