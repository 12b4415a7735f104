/**
 * The sending half of a transport: bytes that it has taken and not passed on, and the error of a failed write.
 *
 * Invariants
 * 1. `take` copies the bytes. They leave through `drain` in the order of the calls.
 * 2. After a failed write the buffer is empty, and bytes that are sent later are swallowed.
 * 3. The first error counts. `takeError` returns it once.
 */
import type { SendWait } from '../backends/contract/backend.ts'

export class SendBuffer {
  #parts: Buffer[] = []
  #length = 0
  #failed = false
  #error: Error | undefined

  get length(): number {
    return this.#length
  }

  /** Whether a write has failed. */
  get failed(): boolean {
    return this.#failed
  }

  /** Whether `takeError` would return an error. */
  get hasError(): boolean {
    return this.#error !== undefined
  }

  /** Takes up to `room` bytes of `data`, and returns how many the caller may count as sent (2). */
  take(data: Uint8Array, room: number): number {
    if (this.#failed) return data.length
    const count = Math.min(data.length, room)
    if (count <= 0) return 0
    this.#parts.push(Buffer.from(data.subarray(0, count)))
    this.#length += count
    return count
  }

  /** Removes all bytes, and returns them in one piece. */
  drain(): Buffer {
    const bytes = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts)
    this.#parts = []
    this.#length = 0
    return bytes
  }

  /** Puts back bytes that were drained last and not passed on. */
  putBack(rest: Buffer): void {
    if (rest.length === 0) return
    this.#parts.unshift(rest)
    this.#length += rest.length
  }

  clear(): void {
    this.#parts = []
    this.#length = 0
  }

  fail(error: Error): void {
    if (this.#failed) return
    this.#failed = true
    this.#error = error
    this.clear()
  }

  takeError(): Error | undefined {
    const error = this.#error
    this.#error = undefined
    return error
  }
}

/** Whether the wait discards what the peer sends. */
export function discards(wait: SendWait | undefined): boolean {
  return wait === 'goodbye' || wait === 'linger'
}

/** Whether the wait closes the sending half. */
export function shutsDown(wait: SendWait | undefined): boolean {
  return wait === 'shutdown' || discards(wait)
}
