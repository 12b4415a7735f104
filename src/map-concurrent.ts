/**
 * The body of `gather` and `mapConcurrent`: pull items, one task for each, no more than a limit at a time.
 *
 * The body of the group is the one that pulls, so that items are asked for only when there is room, one at a time, and the
 * iterator is closed by the same code that opened it.
 */
import { abandonable } from './kernel/abandon.ts'
import { yieldShielded } from './kernel/checkpoint.ts'
import type { TaskGroup } from './kernel/task-group.ts'
import type { Task, TaskFunction, TaskOwner } from './kernel/task.ts'
import { NEUTRAL } from './kernel/waits.ts'
import { Wakeup } from './kernel/wakeup.ts'

/** What is called for an item. */
export type CallOf<I> = (item: I, index: number) => { fn: TaskFunction; args: unknown[] }

export async function mapEach<I>(
  group: TaskGroup,
  items: Iterable<I> | AsyncIterable<I>,
  limit: number,
  callOf: CallOf<I>,
): Promise<unknown[]> {
  const mapping = new Mapping(group)
  const source = Symbol.asyncIterator in items ? new AsyncSource(items) : new SyncSource(items)
  for (let index = 0; ; index++) {
    try {
      while (mapping.running >= limit) await mapping.room()
      const asked = source.next()
      const step: IteratorResult<I, unknown> = asked instanceof Promise ? await asked : asked
      if (step.done === true) return mapping.values
      const { fn, args } = callOf(step.value, index)
      group._spawn(new Item(mapping, index), fn, undefined, args)
      mapping.running++
    } catch (error) {
      await source.close()
      throw error
    }
  }
}

class Mapping {
  readonly group: TaskGroup
  readonly values: unknown[] = []
  running = 0
  readonly #wakeup = new Wakeup('room for another task')

  constructor(group: TaskGroup) {
    this.group = group
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
  readonly #index: number

  constructor(mapping: Mapping, index: number) {
    this.#mapping = mapping
    this.#index = index
  }

  taskFailed(task: Task): void {
    this.#mapping.group.taskFailed(task)
  }

  taskEnded(task: Task): void {
    if (task._endState === 'finished') this.#mapping.values[this.#index] = task._outcome
    this.#mapping.group.taskEnded(task)
    this.#mapping.itemEnded()
  }
}

interface Source<I> {
  next(): IteratorResult<I> | Promise<IteratorResult<I>>
  /** After a failure that was not the iterator's own. What closing throws gives way to that failure. */
  close(): Promise<void> | void
}

class SyncSource<I> implements Source<I> {
  readonly #iterator: Iterator<I>
  #over = false

  constructor(items: Iterable<I>) {
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
    } catch {
      // The failure that led here is the one to report.
    }
  }
}

/**
 * An async iterator may wait for something that no scope can cancel, so a `next()` is left behind on cancellation. One that
 * waits in this frame is cancelled with it, and has ended before the group does.
 */
class AsyncSource<I> implements Source<I> {
  readonly #iterator: AsyncIterator<I>
  /** It ended or failed by itself: there is nothing to close. */
  #over = false
  #asked = false

  constructor(items: AsyncIterable<I>) {
    this.#iterator = items[Symbol.asyncIterator]()
  }

  next(): Promise<IteratorResult<I>> {
    this.#asked = true
    return abandonable(this.#ask(), undefined, NEUTRAL)
  }

  async close(): Promise<void> {
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
      throw error
    } finally {
      this.#asked = false
    }
  }

  async #close(): Promise<void> {
    try {
      await this.#iterator.return?.()
    } catch {
      // The failure that led here is the one to report.
    }
  }
}
