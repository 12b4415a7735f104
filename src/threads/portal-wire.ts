/**
 * The protocol between a portal and the threads that use it. The library did not start these threads, and any message
 * must be able to carry a handle. So a handle has the name of a BroadcastChannel, and no MessagePort.
 *
 * ```text
 *   handle: id, state                        host
 *   attach ── "id" ─────────────────────────► opens "id/client", and says so in the client's memory (ATTACHED)
 *   call, cancel ── "id/client" ────────────► runs the function
 *                 ◄─────────── "id/client" ── outcome, and adds to WAKE
 * ```
 */
import type { PackedError } from './crossing.ts'

/** Words of the handle. */
export const STATE = 0
export const OPEN = 0
export const CLOSED = 1
/** Closed by the end of its run. */
export const FINISHED = 2

/** Words of a client. */
export const ATTACHED = 0
export const WAKE = 1

/** Gives a thread access to a portal. Pass it as `workerData` or in a message; it is plain data. */
export interface PortalHandle {
  /** @internal */
  readonly structioPortal: string
  /** @internal */
  readonly state: Int32Array
  /** @internal The thread that answers, which must not wait for itself. */
  readonly host: number
}

export interface Attach {
  readonly client: string
  readonly words: Int32Array
}

export const CALL = 0
export const CANCEL = 1

export type ToPortal =
  readonly [typeof CALL, call: number, name: string, args: unknown[]] | readonly [typeof CANCEL, call: number]

export type FromPortal =
  readonly [call: number, ok: true, value: unknown] | readonly [call: number, ok: false, error: PackedError]
