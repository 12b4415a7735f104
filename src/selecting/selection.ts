/**
 * One call of `select`: chooses among the sources that are ready, or waits at all of them until the first one is.
 *
 * ```text
 *  choose: which are ready? ─► one, drawn at random ─► take ─► answer
 *     │ none               │ the draw fell on a socket that is not ready yet, beside others that are
 *     ▼                    ▼
 *  watch all           watch the sockets ─► the event loop turns once ─► choose again, among what is ready then
 *     │ the first one that says "changed"
 *     ▼
 *  take, inside that call ─► leave all others ─► answer
 * ```
 *
 * The order of the phases is that of Go's `selectgo` (look, enqueue, dequeue from the losers). Go has to lock all channels for it;
 * here all of it is synchronous JavaScript, so nothing comes between.
 *
 * What must stay true:
 * 1. At most one source is taken from: `take` is called in two places, and what it gives is this call's answer at once. From then
 *    on the answer is certain, whatever is cancelled before it is told (completion beats cancellation).
 * 2. Nothing is watched any more when the call has its answer, its error, or its cancellation.
 * 3. A select waits in the same line as the receives of a source. Nothing is reserved, and no call is overtaken: the source calls
 *    `changed` when it is this call's turn, and `take` inside of it gives what came.
 * 4. Fair: each of n sources that are ready is drawn with the same probability. A source that only the event loop knows of takes part
 *    in the draw, so that sources which are always ready cannot starve it.
 */
import { type Cancelled, EndOfStream, TaskCancelled, TaskFailed, WouldBlock } from '../errors.ts'
import {
  BACKEND,
  type CancelScope,
  drawBelow,
  NEUTRAL,
  nextTurn,
  Operation,
  type Resumable,
  RUNNABLE,
  type RunState,
  type SelectSource,
  spendBudget,
} from '../kernel/index.ts'

/** What one call waits for: a source under the key that the answer names it by. */
export interface Entry<K> {
  readonly key: K
  readonly source: SelectSource<unknown>
}

/** How a `selectAll` differs: what has ended is dropped. */
export interface Drops<K> {
  dropped(key: K): void
}

/** The answer of a `selectAll` whose sources have all ended. */
export const ALL_ENDED = Symbol('all have ended')

export class Selection<K> extends Operation<[K, unknown] | typeof ALL_ENDED> implements Resumable {
  #entries: readonly Entry<K>[]
  readonly #drops: Drops<K> | undefined
  #state: typeof CHOOSING | typeof ASKING | typeof WAITING | typeof DECIDED = CHOOSING
  /** Leaves each source that is watched; by its entry. */
  readonly #undo = new Map<Entry<K>, () => void>()
  #outcome: Outcome<K> | undefined

  constructor(entries: readonly Entry<K>[], drops?: Drops<K>) {
    super()
    this.#entries = entries
    this.#drops = drops
  }

  override describe(): string {
    return `${this.#drops === undefined ? 'select' : 'selectAll'} of ${this.#entries.length} sources`
  }

  override get waitsFor(): number {
    if (this.#state !== WAITING) return RUNNABLE
    let waits = NEUTRAL
    for (const { source } of this.#entries) waits |= source.waitsFor ?? BACKEND
    return waits
  }

  start(scope: CancelScope): Promise<[K, unknown] | typeof ALL_ENDED> {
    const promise = this.begin(scope)
    this.#choose(scope._task!.run, true)
    return promise
  }

  /** For `nextTurn`: the event loop has turned, or the answer may be told. */
  resume(): void {
    if (this.#state === DECIDED) this.#tell()
    else if (this.#state === ASKING) this.#choose(this._scope!._task!.run, false)
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    if (this.#state === DECIDED) {
      this.#tell()
      return
    }
    this.#state = DECIDED
    const failed = this.#leaveAll()
    this.reject(failed === undefined ? cancelled() : failed.error)
  }

  /** @param mayAsk - whether the event loop may be asked what it knows; it has been asked otherwise */
  #choose(run: RunState, mayAsk: boolean): void {
    this.#state = CHOOSING
    const empty = new Set<Entry<K>>()
    try {
      for (;;) {
        if (this.#entries.length === 0) return this.#decide({ value: ALL_ENDED })
        const entry = this.#draw(run, empty, mayAsk)
        if (entry === undefined) return this.#wait()
        if (!entry.source.ready()) return this.#ask(run)
        const outcome = this.#take(entry)
        // There was nothing after all.
        if (outcome === NOTHING) empty.add(entry)
        else if (outcome !== DROPPED) return this.#decide(outcome)
      }
    } catch (error) {
      // A source that must not be waited for, or one of the user's own that throws where it must not.
      this.#decide({ error })
    }
  }

  /** One among those that are ready, and those that may be (4). Undefined where none is ready. */
  #draw(run: RunState, empty: ReadonlySet<Entry<K>>, mayAsk: boolean): Entry<K> | undefined {
    let drawn: Entry<K> | undefined
    let candidates = 0
    let someReady = false
    for (const entry of this.#entries) {
      if (empty.has(entry)) continue
      const ready = entry.source.ready()
      if (!ready && !(mayAsk && entry.source.outside === true)) continue
      someReady ||= ready
      // Each of the candidates so far has been drawn with the same probability.
      if (drawBelow(run, ++candidates) === 0) drawn = entry
    }
    return someReady ? drawn : undefined
  }

  #ask(run: RunState): void {
    this.#state = ASKING
    for (const entry of this.#entries) if (entry.source.outside === true && !entry.source.ready()) this.#watch(entry)
    // What is readable is delivered now where the backend can do that, and in the next pass of the event loop where it cannot.
    run.host.settleIo(() => nextTurn(this))
  }

  #wait(): void {
    this.#state = WAITING
    for (const entry of this.#entries) {
      if (!this.#undo.has(entry)) this.#watch(entry)
      if (this.#state !== WAITING) return
    }
  }

  #watch(entry: Entry<K>): void {
    this.#undo.set(
      entry,
      entry.source.watch(() => this.#changed(entry)),
    )
  }

  #changed(entry: Entry<K>): void {
    if (!this.#undo.delete(entry) || this.#state !== WAITING) return
    // What a source does while it is taken from may make another one ready. That is not taken, too (1); where the first one gives
    // nothing after all, it is seen by choosing again.
    this.#state = CHOOSING
    try {
      const outcome = entry.source.ready() ? this.#take(entry) : NOTHING
      if (outcome === NOTHING || outcome === DROPPED) this.#choose(this._scope!._task!.run, false)
      else this.#decide(outcome)
    } catch (error) {
      this.#decide({ error })
    }
  }

  /** (1) */
  #take(entry: Entry<K>): Outcome<K> | typeof NOTHING | typeof DROPPED {
    const { key, source } = entry
    let value: unknown
    try {
      value = source.take()
    } catch (error) {
      if (error instanceof WouldBlock) return NOTHING
      if (this.#drops !== undefined) {
        this.#drop(entry)
        if (source.isEnd?.(undefined, error) ?? error instanceof EndOfStream) return DROPPED
      }
      return { error }
    }
    if (this.#drops !== undefined) {
      const ended = source.isEnd?.(value, undefined) ?? false
      if (ended || source.once === true) this.#drop(entry)
      if (ended) return DROPPED
    }
    return { value: [key, value] }
  }

  #drop(entry: Entry<K>): void {
    this.#entries = this.#entries.filter((other) => other !== entry)
    this.#drops?.dropped(entry.key)
  }

  #decide(outcome: Outcome<K>): void {
    this.#state = DECIDED
    this.#outcome = this.#leaveAll() ?? outcome
    if (spendBudget()) this.#tell()
    else nextTurn(this)
  }

  #tell(): void {
    const outcome = this.#outcome
    if (outcome === undefined) return
    this.#outcome = undefined
    if ('value' in outcome) this.resolve(outcome.value)
    // The group of a task reports its failure: a select that is not awaited is no second one.
    else if (outcome.error instanceof TaskFailed || outcome.error instanceof TaskCancelled) {
      this.rejectHandled(outcome.error)
    } else this.reject(outcome.error)
  }

  /** (2) Each one, also where one of the user's own throws, which it must not: that is returned, and not thrown into a `put`. */
  #leaveAll(): Thrown | undefined {
    if (this.#undo.size === 0) return undefined
    const undo = [...this.#undo.values()]
    this.#undo.clear()
    let thrown: Thrown | undefined
    for (const leave of undo) {
      try {
        leave()
      } catch (error) {
        thrown ??= { error }
      }
    }
    return thrown
  }
}

type Outcome<K> = { readonly value: [K, unknown] | typeof ALL_ENDED } | Thrown
interface Thrown {
  readonly error: unknown
}

const CHOOSING = 0
const ASKING = 1
const WAITING = 2
const DECIDED = 3

const NOTHING = Symbol('nothing to take')
const DROPPED = Symbol('the source has ended')
