/**
 * A relay between any two streams: two loops of receive and send, in one scope.
 *
 * What must stay true:
 * 1. The loops end together: the first failure, or the idle timeout, cancels the other one, and both have put back what
 *    they hold before the relay settles.
 * 2. Each loop holds one chunk at most, and sends it before it receives the next one: the slower side sets the pace.
 * 3. The streams are leased from before the first byte until both loops have ended.
 */

import { Cancelled, ClosedResourceError, TimeoutError } from '../errors.ts'
import { CancelScope, type RunState } from '../kernel/index.ts'
import type { RelayResult } from '../relay.ts'
import type { Occupant } from '../streams/reader.ts'
import type { Rest } from '../streams/sender.ts'
import type { End } from './ends.ts'
import { idleText, type IdleWatch, watchIdle } from './idle-watch.ts'

export class CopyRelay implements Occupant {
  readonly what = 'relay'
  readonly #a: End
  readonly #b: End
  readonly #run: RunState
  readonly #idleTimeout: number
  readonly #scope = new CancelScope({ name: 'relay' })
  readonly #result: RelayResult = { aToB: 0, bToA: 0 }
  #idle: IdleWatch | undefined
  #failure: { error: unknown } | undefined

  constructor(a: End, b: End, run: RunState, idleTimeout: number) {
    this.#a = a
    this.#b = b
    this.#run = run
    this.#idleTimeout = idleTimeout
  }

  async start(): Promise<RelayResult> {
    this.#occupy()
    this.#idle = watchIdle(this.#run, this.#idleTimeout, () =>
      this.#fail(new TimeoutError(idleText(this.#idleTimeout))),
    )
    try {
      const result = await this.#scope._run(() => this.#carryBoth(), 'operation', 'relay')
      if (result !== undefined) return result
    } finally {
      this.#idle?.stop()
      this.#a.vacate()
      this.#b.vacate()
    }
    // Only `#fail` cancels the scope.
    throw this.#failure?.error
  }

  /** The reader's: its stream is closed. A loop that waits for the other stream does not notice. */
  closed(error: ClosedResourceError): void {
    this.#fail(error)
  }

  #occupy(): void {
    this.#a.occupy(this)
    try {
      this.#b.occupy(this)
    } catch (error) {
      this.#a.vacate()
      throw error
    }
  }

  async #carryBoth(): Promise<RelayResult> {
    const ways = [
      this.#carry(this.#a, this.#b, (count) => (this.#result.aToB += count)),
      this.#carry(this.#b, this.#a, (count) => (this.#result.bToA += count)),
    ]
    // All of them: the scope would wait for their operations, but not for what they put back.
    await Promise.allSettled(ways)
    await Promise.all(ways)
    return this.#result
  }

  async #carry(from: End, to: End, count: (bytes: number) => void): Promise<void> {
    let receiving = true
    try {
      for (let bytes = await from.receive(); bytes.length > 0; bytes = await from.receive()) {
        receiving = false
        this.#idle?.moved()
        await this.#pass(bytes, from, to, count)
        receiving = true
      }
      receiving = false
      await to.finish()
    } catch (error) {
      // A cancellation is the scope's, or that of a scope around it, and is found there.
      if (!(error instanceof Cancelled)) {
        if (!(error instanceof ClosedResourceError)) (receiving ? to : from).cutShort()
        this.#fail(error)
      }
      throw error
    }
  }

  async #pass(bytes: Buffer, from: End, to: End, count: (bytes: number) => void): Promise<void> {
    const moved = this.#idle?.moved
    const rest: Rest = { parts: [bytes], part: 0, offset: 0, ...(moved === undefined ? {} : { moved }) }
    try {
      await to.send(rest)
    } finally {
      const taken = rest.part > 0 ? bytes.length : rest.offset
      count(taken)
      if (taken < bytes.length) from.putBack(bytes.subarray(taken))
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#scope.cancel()
  }
}
