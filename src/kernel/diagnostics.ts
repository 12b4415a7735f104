/**
 * What happens to tasks and scopes, told on `diagnostics_channel` to whoever subscribes. Without a subscriber each
 * event costs one look at the channel, and nothing is made.
 */
import { type Channel, channel } from 'node:diagnostics_channel'
import type { ScopeNode, TaskNode } from './tree.ts'

export const taskChannel: Channel = channel('structio:task')
export const scopeChannel: Channel = channel('structio:scope')

const suppressedChannel: Channel = channel('structio:suppressed-error')

/** `task` has failed and its error goes to no caller. `error`: what a function of a task that goes on has thrown. */
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
  // Cancelled before it was entered: it is told of when it is.
  if (task === null) return
  const message = { event, scope, task: task.info, time: task.run.deadlines.now() }
  const reason = event === 'cancelled' ? scope.cancelReason : undefined
  scopeChannel.publish(reason === undefined ? message : { ...message, reason })
}
