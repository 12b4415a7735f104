/** A wait queue that knows which tasks stand in it, so that a task which would queue behind itself can be told. */

import { UsageError } from '../errors.ts'
import { type Queued, Task, WaitQueue } from '../kernel/index.ts'

/** What waits for something that it will own. */
export interface OwningEntry extends Queued {
  readonly owner: unknown
}

export class OwnerQueue<E extends OwningEntry> extends WaitQueue<E> {
  /** Made for the first task that waits. A `use` owns by the call, and cannot meet itself. */
  #tasks: Set<Task> | undefined

  override push(entry: E): void {
    if (entry.owner instanceof Task) (this.#tasks ??= new Set()).add(entry.owner)
    super.push(entry)
  }

  override delete(entry: Queued): void {
    if (entry._queue !== this) return
    const { owner } = entry as OwningEntry
    if (owner instanceof Task) this.#tasks!.delete(owner)
    super.delete(entry)
  }

  /** @throws UsageError where `task` waits already: it would own what it waits for, and block itself */
  refuseSecond(task: Task, what: string): void {
    if (this.#tasks === undefined || !this.#tasks.has(task)) return
    throw new UsageError(
      `${what}: another call of task "${task.name}" waits for it already; use() owns by the call, and tg.spawn starts a task of its own`,
    )
  }
}
