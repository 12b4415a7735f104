import { AsyncResource } from 'node:async_hooks'

const nowhere = new AsyncResource('structio')

/**
 * Calls `fn` outside every async context, for the handles that a thread shares between its tasks: a timer made inside
 * a task would keep that task's frame, and other libraries' stores, alive and visible to strangers.
 */
export function detached<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
  return nowhere.runInAsyncScope(fn, undefined, ...args)
}
