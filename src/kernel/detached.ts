import { AsyncResource } from 'node:async_hooks'

const nowhere = new AsyncResource('structio')

/**
 * Calls `fn` outside every async context. For handles that the tasks of a thread share: a timer made inside a task
 * would keep that task's frame, and the stores of other libraries, alive and visible in its callback.
 */
export function detached<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
  return nowhere.runInAsyncScope(fn, undefined, ...args)
}
