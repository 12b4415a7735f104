/**
 * The body of `gather` and `mapConcurrent`: takes items from an iterator and starts a task for each, within a limit.
 *
 * The body of the group takes the items: so it takes one at a time and only when there is room, and the code that
 * opened the iterator also closes it.
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

/** The function that is called for an item, with its arguments. */
export type CallOf<I> = (item: I, index: number) => { fn: TaskFunction; args: unknown[] }

/**
 * Resolves with the values in order. Rejects with the first failure itself, once everything else has been cancelled and
 * has ended; later failures go to the channel `structio:suppressed-error`.
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
  /** The outcome of the whole call. */
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

  /** Resolves after a task has ended. Another one may have started: check again. */
  room(): Promise<void> {
    return this.#wakeup.wait()
  }

  itemEnded(): void {
    this.running--
    this.#wakeup.wake()
  }
}

/** One task: its value goes to its place in the list, its failure to the group. */
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

/** Reports an error that no caller gets. */
type Suppress = (error: unknown) => void

interface Source<I> {
  next(): IteratorResult<I> | Promise<IteratorResult<I>>
  /** Closes the iterator after a failure that was not its own. An error of closing is suppressed. */
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
 * An async iterator may wait for work that no scope can cancel, so its `next()` is left behind on cancellation. One
 * that waits for an operation in this frame is cancelled with it, and has ended before the group does.
 */
class AsyncSource<I> implements Source<I> {
  readonly #iterator: AsyncIterator<I>
  readonly #suppress: Suppress
  /** The iterator ended or failed by itself: there is nothing to close. */
  #over = false
  #asked = false
  /** The error of a `next()`, which may have been left behind before. */
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
