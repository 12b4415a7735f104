/** The sending side of a stream whose source never waits: a full buffer drops an item or ends the stream. */
import { BrokenResourceError } from '../errors.ts'
import { checkInteger } from '../common/validate.ts'
import { Channel } from './channel.ts'
import { StreamState } from './stream-state.ts'

/** What a push to a full buffer does. */
export type Overflow = 'drop-oldest' | 'drop-newest' | 'error'

export class Inlet<T> {
  readonly state: StreamState<T>
  readonly #overflow: Overflow
  readonly #what: string

  /** @param what - in error messages: 'a broadcast'. @param source - a bit of waits.ts: where the items come from */
  constructor(capacity: number, overflow: Overflow, what: string, source?: number) {
    this.state = new StreamState(new Channel<T>(capacity, what, source))
    this.state.senders = 1
    if (overflow !== 'error') this.state.dropped = 0
    this.#overflow = overflow
    this.#what = what
  }

  /** `dropped`: an item was lost. `ended`: the buffer was full, and the stream ends behind the items in it. */
  push(item: T): 'taken' | 'dropped' | 'ended' {
    const { state } = this
    const { channel } = state
    if (channel.tryPut(item)) return 'taken'
    if (this.#overflow === 'error') {
      const text = `the receiver of ${this.#what} fell behind: ${channel.capacity} items were waiting when another one came`
      state.finish(() => new BrokenResourceError(text))
      return 'ended'
    }
    if (this.#overflow === 'drop-oldest') {
      channel.items.shift()
      channel.items.push(item)
    }
    state.dropped!++
    return 'dropped'
  }
}

/** A buffer that may drop items has a capacity of at least 1. */
export function checkCapacity(name: string, value: unknown): asserts value is number {
  if (value !== Infinity) checkInteger(name, value, 1)
}
