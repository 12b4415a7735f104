/**
 * Publishes events of tasks and scopes on `diagnostics_channel` (events.ts). Without a subscriber, an event costs one
 * test of the channel and allocates nothing.
 */
import { type Channel, channel } from 'node:diagnostics_channel'
import type { ScopeNode, TaskNode } from './tree.ts'

export const taskChannel: Channel = channel('structio:task')
export const scopeChannel: Channel = channel('structio:scope')

const suppressedChannel: Channel = channel('structio:suppressed-error')

/** Publishes an error that goes to no caller. @param error - default: the error of `task`, which has failed */
export function tellSuppressed(task: TaskNode, error: unknown = task._outcome): void {
  if (!suppressedChannel.hasSubscribers) return
  const message = { error, task: task.info, time: task.run.deadlines.now() }
  suppressedChannel.publish(message)
}

export function tellTask(event: 'spawned' | 'started' | 'ended', task: TaskNode): void {
  const message = { event, task: task.info, time: task.run.deadlines.now() }
  if (event !== 'ended') taskChannel.publish(message)
  else {
    const status = task._endState
    const error = status === 'failed' ? { error: task._outcome } : {}
    taskChannel.publish({ ...message, status, ...error })
  }
}

export function tellScope(event: 'entered' | 'cancelled' | 'ended', scope: ScopeNode): void {
  const task = scope._task
  // Cancelled before its entry: the event follows at the entry.
  if (task === null) return
  const message = { event, scope, task: task.info, time: task.run.deadlines.now() }
  const reason = event === 'cancelled' ? scope.cancelReason : undefined
  scopeChannel.publish(reason === undefined ? message : { ...message, reason })
}
