/**
 * The state of a scope as bits of one small integer, so that the entry of an operation is one test.
 */

/** Not entered yet. */
export const NEW = 1
/** Effectively cancelled: by itself, or by an ancestor with no shield in between. Cached; see cancel-scope.ts. */
export const EFFECTIVE = 2
/** The body has settled. The scope waits for everything begun in its frame. */
export const CLOSING = 4
/** Over: everything begun in its frame has ended. */
export const ENDED = 8
/** Cancelled by `cancel()`, the deadline or the foreign signal. Never cleared. */
export const CANCEL_CALLED = 16
/** This scope is where its cancellation stopped. */
export const CAUGHT = 32
/** Blocks cancellation from enclosing scopes. */
export const SHIELD = 64
/** The scope of a task: its group waits for it. The end of a body does not cancel it. */
export const TASK = 128
/**
 * Something outlived the body, or may have: clean-up code gets a full iteration before the scope ends (linger.ts).
 */
export const LEFTOVERS = 256
/** That iteration is going on. */
export const LINGERING = 512
/** The scope of a service (service.ts): the scope around waits for it. The end of a body does not cancel it. */
export const SERVICE = 1024
/**
 * `signal` was read, on this scope or one inside it: foreign work may reject with an abort error of its own (SCOPE-10).
 */
export const HANDED_OUT = 2048
/** `abandon: true`: its body may be left behind. */
export const ABANDON = 4096
/** The body has been left behind: the scope does not wait for the operations in its list. */
export const LEFT = 8192

/** A cancellation has reached one operation or scope in its frame. */
export const DELIVERED = 16384

/** Checkpoints throw `Cancelled`. */
export const INTERRUPTED: number = EFFECTIVE | CLOSING
/** An operation may not simply begin. */
export const SHUT: number = EFFECTIVE | CLOSING | ENDED
