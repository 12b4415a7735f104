/**
 * What happens to tasks and scopes, told on `diagnostics_channel` to whoever subscribes. Without a subscriber each event
 * costs one look at the channel, and nothing is made.
 */
import { type Channel, channel } from 'node:diagnostics_channel'
import type { CancelReason } from './cancel-reason.ts'
import type { CancelScope } from './cancel-scope.ts'
import type { TaskInfo } from './task-info.ts'
import type { Task } from './task.ts'

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

export const taskChannel: Channel = channel('structio:task')
export const scopeChannel: Channel = channel('structio:scope')

const suppressedChannel: Channel = channel('structio:suppressed-error')

/** `task` has failed and its error goes to no caller. `error`: what a function of a task that goes on has thrown. */
export function tellSuppressed(task: Task, error: unknown = task._outcome): void {
  if (!suppressedChannel.hasSubscribers) return
  const message: SuppressedErrorEvent = { error, task: task.info, time: task.run.deadlines.now() }
  suppressedChannel.publish(message)
}

export function tellTask(event: TaskEvent['event'], task: Task): void {
  const message: TaskEvent = { event, task: task.info, time: task.run.deadlines.now() }
  if (event !== 'ended') taskChannel.publish(message)
  else {
    const status = task._endState as 'finished' | 'failed' | 'cancelled'
    const error = status === 'failed' ? { error: task._outcome } : {}
    taskChannel.publish({ ...message, status, ...error } satisfies TaskEvent)
  }
}

export function tellScope(event: ScopeEvent['event'], scope: CancelScope): void {
  const task = scope._task
  // Cancelled before it was entered: it is told of when it is.
  if (task === null) return
  const message: ScopeEvent = { event, scope, task: task.info, time: task.run.deadlines.now() }
  const reason = event === 'cancelled' ? scope.cancelReason : undefined
  scopeChannel.publish(reason === undefined ? message : { ...message, reason })
}
