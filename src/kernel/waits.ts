/** What an operation waits for, as bits: whether it can go on by itself, and who could make it go on. */

/** It goes on by itself: it has yielded, or settled and not been told. */
export const RUNNABLE = 1
/** Work in the world outside that takes real time: a file, a thread, a promise that knows nothing of scopes. */
export const REAL = 2
/** The backend's network, which may be a simulated one, and whatever else may come from outside. */
export const BACKEND = 4
/** A point in time. */
export const TIME = 8
/** What another task has to do: release a lock, put an item, end. */
export const TASKS = 16
/** Nothing that is known of: a promise that is not of this library, which may be settled by anybody at any time. */
export const FOREIGN = 64
/**
 * Perhaps work that knows nothing of this library: a body (of a scope, of a `use`) in which nothing was begun, beside
 * others that wait. It may as well wait for a promise that was begun outside of it.
 */
export const UNKNOWN = 32
/** Nothing of its own: its body waits, and has operations for that. */
export const NEUTRAL = 0
