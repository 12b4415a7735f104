/** The messages on the diagnostics channels of the library. */
import type { CancelReason, CancelScope } from './cancel-scope.ts'
import type { TaskInfo } from './task-info.ts'

/** A message of the channel `structio:task`. */
export interface TaskEvent {
  /** `spawned`: it exists. `started`: its function is called. `ended`: it and everything begun in it are over. */
  readonly event: 'spawned' | 'started' | 'ended'
  /** The task. */
  readonly task: TaskInfo
  /** Of the task's run, in milliseconds of its clock (`currentTime()`). */
  readonly time: number
  /** With `ended`. */
  readonly status?: 'finished' | 'failed' | 'cancelled'
  /** With `ended` and the status `failed`: what it threw. */
  readonly error?: unknown
}

/** A message of the channel `structio:scope`. A task's own scope is told of only where it is cancelled. */
export interface ScopeEvent {
  /** What has happened to the scope. */
  readonly event: 'entered' | 'cancelled' | 'ended'
  /** The scope, which a listener may look at and must not change. */
  readonly scope: CancelScope
  /** The task that entered the scope. */
  readonly task: TaskInfo
  /** Milliseconds of the run's clock (`currentTime()`). */
  readonly time: number
  /** With `cancelled`. */
  readonly reason?: CancelReason
}

/**
 * A message of the channel `structio:suppressed-error`: a task failed, and no caller gets its error, because an earlier one
 * came out of the same `gather`, `mapConcurrent` or `raceTasks`. An iterator that failed so is told of with the task that asked it,
 * and what fails while a run ends, after another error of that run, with the task of `main`.
 */
export interface SuppressedErrorEvent {
  /** What the task threw. */
  readonly error: unknown
  /** The task that failed. */
  readonly task: TaskInfo
  /** Milliseconds of the run's clock (`currentTime()`). */
  readonly time: number
}
