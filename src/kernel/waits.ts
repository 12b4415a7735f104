/** What an operation waits for, as bits: whether it goes on by itself, and what can make it go on. */

/** It goes on by itself: it has yielded, or its outcome is on the way. */
export const RUNNABLE = 1
/** Outside work that takes real time: a file, a thread, a promise of other code. */
export const REAL = 2
/** The backend's network, which may be simulated, and other events from outside. */
export const BACKEND = 4
/** A point in time. */
export const TIME = 8
/** An action of another task: it releases a lock, puts an item, or ends. */
export const TASKS = 16
/** No operation: it awaits a promise of other code, which may settle at any time. */
export const FOREIGN = 64
/**
 * Perhaps foreign work: a body (of a scope, of a `use`) in which nothing was begun, beside others that wait. It may
 * also await a promise that was begun outside of it.
 */
export const UNKNOWN = 32
/** Nothing of its own: it runs a body, which has operations of its own. */
export const NEUTRAL = 0
