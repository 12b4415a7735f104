/**
 * The state of a scope, as bits of one small integer, so that the entry of an operation is one test.
 */

/** Not entered yet. */
export const NEW = 1
/** Effectively cancelled: by itself, or by an ancestor with no shield in between. Cached; see cancel-scope.ts. */
export const EFFECTIVE = 2
/** The body has settled; what was begun in its frame is being waited for. */
export const CLOSING = 4
/** Over: everything begun in its frame has ended. */
export const ENDED = 8
/** `cancel()` was called, or the deadline or the foreign signal did. Never taken back. */
export const CANCEL_CALLED = 16
/** This scope is where its cancellation stopped. */
export const CAUGHT = 32
/** Cancellation from outside does not get in. */
export const SHIELD = 64
/** The scope of a task: it counts in its group, and is not cancelled because a body ended. */
export const TASK = 128
/**
 * Something outlived the body, or may have: the handlers of what was cancelled get their turn before the scope ends.
 */
export const LEFTOVERS = 256
/** Those handlers are having their turn. */
export const LINGERING = 512
/** Has an end of its own: it is waited for, as everything is, but not cancelled because a body ended. */
export const SERVICE = 1024
/** `signal` was read, on it or on a scope inside it: foreign work may answer with an abort error of its own. */
export const HANDED_OUT = 2048
/** `abandon: true`: its body may be left behind. */
export const ABANDON = 4096
/** Its body has been left behind: what is still linked here is not waited for. */
export const LEFT = 8192

/** A cancellation has reached one thing in its frame: an operation, or a scope. */
export const DELIVERED = 16384

/** Checkpoints throw `Cancelled`. */
export const INTERRUPTED: number = EFFECTIVE | CLOSING
/** An operation may not simply begin. */
export const SHUT: number = EFFECTIVE | CLOSING | ENDED
