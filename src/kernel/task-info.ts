/** What can be known of a task. Re-creates the reference's `TaskInfo`; its `coro` is `fn`. */
export class TaskInfo {
  /** Unique in this thread. */
  readonly id: number
  /** The task whose group this one belongs to; `null` for the task of `run`'s `main`. */
  readonly parentId: number | null
  /** The name it was started with, or that of its function. */
  readonly name: string
  /** The function that the task runs. */
  readonly fn: (...args: never[]) => unknown

  private constructor(id: number, parentId: number | null, name: string, fn: (...args: never[]) => unknown) {
    this.id = id
    this.parentId = parentId
    this.name = name
    this.fn = fn
  }

  /** @internal */
  static _of(id: number, parentId: number | null, name: string, fn: (...args: never[]) => unknown): TaskInfo {
    return new TaskInfo(id, parentId, name, fn)
  }

  /** Two of them are equal when they mean the same task. */
  equals(other: unknown): boolean {
    return other instanceof TaskInfo && other.id === this.id
  }
}
