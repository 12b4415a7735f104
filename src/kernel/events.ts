/** The messages on the diagnostics channels of the library. */
import type { CancelReason, CancelScope } from './cancel-scope.ts'
import type { TaskInfo } from './task-info.ts'

/** A message of the channel `structio:task`. */
export interface TaskEvent {
  /** `spawned`: the task exists. `started`: its function is called. `ended`: it and everything begun in it are over. */
  readonly event: 'spawned' | 'started' | 'ended'
  /** The task. */
  readonly task: TaskInfo
  /** Milliseconds on the clock of the run (`currentTime()`). */
  readonly time: number
  /** Present with `ended`. */
  readonly status?: 'finished' | 'failed' | 'cancelled'
  /** Present with the status `failed`: the error that the task threw. */
  readonly error?: unknown
}

/** A message of the channel `structio:scope`. The scope of a task has only the event `cancelled`. */
export interface ScopeEvent {
  /** The change in the life of the scope. */
  readonly event: 'entered' | 'cancelled' | 'ended'
  /** The scope. A listener must not change it. */
  readonly scope: CancelScope
  /** The task that entered the scope. */
  readonly task: TaskInfo
  /** Milliseconds on the clock of the run (`currentTime()`). */
  readonly time: number
  /** Present with `cancelled`. */
  readonly reason?: CancelReason
}

/**
 * A message of the channel `structio:suppressed-error`: an error that no caller gets, because an earlier error came out
 * of the same `gather`, `mapConcurrent` or `raceTasks`. The error of an iterator has the task that asked the iterator.
 * An error at the end of a run, after another error of that run, has the task of `main`.
 */
export interface SuppressedErrorEvent {
  /** The error. */
  readonly error: unknown
  /** The task that failed. */
  readonly task: TaskInfo
  /** Milliseconds on the clock of the run (`currentTime()`). */
  readonly time: number
}
