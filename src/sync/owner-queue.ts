/** A wait queue that knows the tasks in it. A task that would queue behind itself gets an error instead. */

import { UsageError } from '../errors.ts'
import { type Queued, Task, WaitQueue } from '../kernel/index.ts'

/** A waiter that will own what it waits for. */
export interface OwningEntry extends Queued {
  readonly owner: unknown
}

export class OwnerQueue<E extends OwningEntry> extends WaitQueue<E> {
  /** Made for the first task that waits. A `use` owns by the call, and is not in it. */
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

  /** @throws UsageError if `task` waits already: it would wait for itself */
  refuseSecond(task: Task, what: string): void {
    if (this.#tasks === undefined || !this.#tasks.has(task)) return
    throw new UsageError(
      `${what}: another call of task "${task.name}" waits for it already; use() owns by the call, and tg.spawn starts a task of its own`,
    )
  }
}
