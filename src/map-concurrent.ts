/**
 * The body of `gather` and `mapConcurrent`: pull items, one task for each, no more than a limit at a time.
 *
 * The body of the group is the one that pulls, so that items are asked for only when there is room, one at a time, and the
 * iterator is closed by the same code that opened it.
 */
import { Cancelled } from './errors.ts'
import {
  abandonable,
  CancelScope,
  judge,
  NEUTRAL,
  runTaskGroup,
  type Task,
  type TaskFunction,
  type TaskGroup,
  type TaskOwner,
  tellSuppressed,
  Wakeup,
  yieldShielded,
} from './kernel/index.ts'

/** What is called for an item. */
export type CallOf<I> = (item: I, index: number) => { fn: TaskFunction; args: unknown[] }

/**
 * Resolves with the values in order. Rejects with the first failure itself, once everything else has been cancelled and has
 * ended; later failures go to the channel `structio:suppressed-error`.
 */
export function mapAll<I>(
  what: string,
  items: Iterable<I> | AsyncIterable<I>,
  limit: number,
  callOf: CallOf<I>,
): Promise<unknown[] | undefined> {
  const mapping = new Mapping()
  return runTaskGroup(new CancelScope(), (group) => mapEach(mapping, group, items, limit, callOf), {
    what,
    conclude: () => mapping.first,
  })
}

async function mapEach<I>(
  mapping: Mapping,
  group: TaskGroup,
  items: Iterable<I> | AsyncIterable<I>,
  limit: number,
  callOf: CallOf<I>,
): Promise<unknown[]> {
  const suppress = (error: unknown): void => {
    if (!(error instanceof Cancelled)) tellSuppressed(group._host, error)
  }
  let source: Source<I> | undefined
  try {
    source = Symbol.asyncIterator in items ? new AsyncSource(items, suppress) : new SyncSource(items, suppress)
    for (let index = 0; ; index++) {
      while (mapping.running >= limit) await mapping.room()
      const asked = source.next()
      const step: IteratorResult<I, unknown> = asked instanceof Promise ? await asked : asked
      if (step.done === true) return mapping.values
      const { fn, args } = callOf(step.value, index)
      group._spawn(new Item(mapping, group, index), fn, undefined, args)
      mapping.running++
    }
  } catch (error) {
    const verdict = judge(group.cancelScope, error)
    if (verdict.kind === 'failed' && !mapping.failed(verdict.error)) suppress(verdict.error)
    await source?.close(error)
    throw error
  }
}

class Mapping {
  /** What the whole fails with. */
  first: { readonly failed: true; readonly outcome: unknown } | undefined
  readonly values: unknown[] = []
  running = 0
  readonly #wakeup = new Wakeup('room for another task')

  /** Whether this is the first failure. */
  failed(outcome: unknown): boolean {
    if (this.first !== undefined) return false
    this.first = { failed: true, outcome }
    return true
  }

  /** Resolves when a task has ended, or somewhat later: look again. */
  room(): Promise<void> {
    return this.#wakeup.wait()
  }

  itemEnded(): void {
    this.running--
    this.#wakeup.wake()
  }
}

/** One task: its value has a place, its failure is the group's. */
class Item implements TaskOwner {
  readonly #mapping: Mapping
  readonly #group: TaskGroup
  readonly #index: number

  constructor(mapping: Mapping, group: TaskGroup, index: number) {
    this.#mapping = mapping
    this.#group = group
    this.#index = index
  }

  taskFailed(task: Task): void {
    if (!this.#mapping.failed(task._outcome)) tellSuppressed(task)
    this.#group.taskFailed(task)
  }

  taskEnded(task: Task): void {
    if (task._endState === 'finished') this.#mapping.values[this.#index] = task._outcome
    this.#group.taskEnded(task)
    this.#mapping.itemEnded()
  }
}

/** Takes an error that no caller gets. */
type Suppress = (error: unknown) => void

interface Source<I> {
  next(): IteratorResult<I> | Promise<IteratorResult<I>>
  /** After a failure that was not the iterator's own. What closing throws gives way to that failure. */
  close(failure: unknown): Promise<void> | void
}

class SyncSource<I> implements Source<I> {
  readonly #iterator: Iterator<I>
  readonly #suppress: Suppress
  #over = false

  constructor(items: Iterable<I>, suppress: Suppress) {
    this.#suppress = suppress
    this.#iterator = items[Symbol.iterator]()
  }

  next(): IteratorResult<I> {
    this.#over = true
    const step = this.#iterator.next()
    this.#over = step.done === true
    return step
  }

  close(): void {
    if (this.#over) return
    try {
      this.#iterator.return?.()
    } catch (error) {
      // The failure that led here is the one to report.
      this.#suppress(error)
    }
  }
}

/**
 * An async iterator may wait for something that no scope can cancel, so a `next()` is left behind on cancellation. One that
 * waits in this frame is cancelled with it, and has ended before the group does.
 */
class AsyncSource<I> implements Source<I> {
  readonly #iterator: AsyncIterator<I>
  readonly #suppress: Suppress
  /** It ended or failed by itself: there is nothing to close. */
  #over = false
  #asked = false
  /** What a `next()` failed with, which may have been left behind before. */
  #failed: { readonly error: unknown } | undefined
  #left = false

  constructor(items: AsyncIterable<I>, suppress: Suppress) {
    this.#suppress = suppress
    this.#iterator = items[Symbol.asyncIterator]()
  }

  next(): Promise<IteratorResult<I>> {
    this.#asked = true
    return abandonable(this.#ask(), undefined, NEUTRAL)
  }

  async close(failure: unknown): Promise<void> {
    this.#left = true
    if (this.#failed !== undefined && this.#failed.error !== failure) this.#suppress(this.#failed.error)
    if (this.#over) return
    const closed = this.#close()
    // A generator queues `return` behind a `next` that still waits, perhaps for ever: it gets one turn to leave.
    await (this.#asked ? Promise.race([closed, yieldShielded('closing an iterator')]) : closed)
  }

  async #ask(): Promise<IteratorResult<I>> {
    try {
      const step = await this.#iterator.next()
      this.#over = step.done === true
      return step
    } catch (error) {
      this.#over = true
      if (this.#left) this.#suppress(error)
      else this.#failed = { error }
      throw error
    } finally {
      this.#asked = false
    }
  }

  async #close(): Promise<void> {
    try {
      await this.#iterator.return?.()
    } catch (error) {
      // The failure that led here is the one to report.
      this.#suppress(error)
    }
  }
}
