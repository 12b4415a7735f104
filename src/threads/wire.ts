/**
 * The protocol between a host and its thread: messages over one MessagePort, and a few words of shared memory.
 *
 * ```text
 *   host                                     thread
 *   [JOB, key, task?, args] ───────────────►  runs the function
 *                           ◄───────────────  [CALL, name, args]      blocks, in Atomics.wait
 *   [REPLY, ok, outcome] ──────────────────►  goes on
 *                           ◄───────────────  [DONE, value] or [FAILED, error]
 *   [EXIT] ────────────────────────────────►  ends
 * ```
 *
 * Invariants
 * 1. A thread has one job at a time and waits for one reply at a time: messages need no numbers.
 * 2. The host posts a message first, and then adds to `WAKE` and notifies. So a thread that reads `WAKE`, finds its
 *    port empty, and waits for `WAKE` to change misses no message.
 * 3. Only the host writes `CANCELLED`, and clears it before it posts a job. A computing thread reads it without its
 *    event loop.
 */
import type { MessagePort, Worker } from 'node:worker_threads'
import type { PackedError } from './crossing.ts'

/**
 * A value that can be moved to a thread. Derived, because its name differs between versions of @types/node:
 * `TransferListItem` is gone in 26, `Transferable` is new in 20.19.
 */
export type Transferable = NonNullable<Parameters<Worker['postMessage']>[1]>[number]

/** How a thread gets a function. */
export type TaskSource =
  | { readonly kind: 'module'; readonly url: string; readonly name: string }
  | { readonly kind: 'function'; readonly source: string; readonly name: string }

export const JOB = 0
export const REPLY = 1
export const EXIT = 2

/** A known task is named by its key alone. `forget`: the thread drops all tasks that it knows. */
export type ToThread =
  | readonly [typeof JOB, key: number, task: TaskSource | undefined, args: unknown[], forget: boolean]
  | readonly [typeof REPLY, ok: true, value: unknown]
  | readonly [typeof REPLY, ok: false, error: PackedError]
  | readonly [typeof EXIT]

export const DONE = 0
export const FAILED = 1
export const CALL = 2

export type FromThread =
  | readonly [typeof DONE, value: unknown]
  | readonly [typeof FAILED, error: PackedError]
  | readonly [typeof CALL, name: string, args: unknown[]]

/** Words of the shared memory. */
export const WAKE = 0
export const CANCELLED = 1
export const WORDS = 2

/** The `workerData` of a thread of the library. */
export interface ThreadSetup {
  readonly port: MessagePort
  readonly words: Int32Array
  /** The module that registers TypeScript in the thread (typescript.ts). */
  readonly tsx: string | undefined
  /** The program of the thread, for `BOOT` of thread.ts. */
  readonly program: string
}
