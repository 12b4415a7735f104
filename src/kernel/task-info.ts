/** Identity of a task: its number, its name, its function. */
export class TaskInfo {
  /** Unique in this thread. */
  readonly id: number
  /** The number of the task whose group this one belongs to; `null` for the task that runs `main`. */
  readonly parentId: number | null
  /** The name given at its start, or the name of its function. */
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

  /** Whether both describe the same task. */
  equals(other: unknown): boolean {
    return other instanceof TaskInfo && other.id === this.id
  }
}
