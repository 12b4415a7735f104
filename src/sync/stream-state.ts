/** What the ends of one memory object stream share: its items, how many ends are open, and how it ends. */
import { BrokenResourceError, EndOfStream } from '../errors.ts'
import type { Channel } from './channel.ts'

/** A frozen record. */
export interface MemoryObjectStreamStatistics {
  /** Items in the buffer. */
  readonly currentBufferUsed: number
  /** Items that the buffer takes before a sender waits, or items are dropped. */
  readonly maxBufferSize: number
  /** Ends to send on that are not closed, clones among them. 1 for a broadcast or an emitter, 0 once it has ended. */
  readonly openSendStreams: number
  /** Ends to receive on that are not closed, clones among them. */
  readonly openReceiveStreams: number
  /** Tasks that wait until their item is taken. */
  readonly tasksWaitingSend: number
  /** Tasks that wait for an item. */
  readonly tasksWaitingReceive: number
  /** Items that were dropped because the buffer was full; absent where a sender waits instead. */
  readonly dropped?: number
}

export class StreamState<T> {
  readonly channel: Channel<T>
  senders = 0
  receivers = 0
  /** `undefined` where no item is ever dropped. */
  dropped: number | undefined = undefined
  /** Called when the last receiver has been closed, while the items are still there. */
  abandoned: (() => void) | undefined = undefined
  #ending: (() => Error) | undefined

  constructor(channel: Channel<T>) {
    this.channel = channel
  }

  /** Nothing comes any more: after the items that are there, every receive fails with what `ending` makes. */
  finish(ending: () => Error = endOfStream): void {
    this.senders = 0
    this.#ending ??= ending
    this.channel.end(() => this.ending())
  }

  /** What a receive fails with when there is neither an item nor a sender. */
  ending(): Error {
    return (this.#ending ?? endOfStream)()
  }

  /** No receiver is left. Nothing will ever be taken, and a sender that is kept open would keep the items alive. */
  abandon(): void {
    this.abandoned?.()
    const { items, putters } = this.channel
    items.clear()
    for (let putter = putters.shift(); putter !== undefined; putter = putters.shift()) {
      putter.reject(new BrokenResourceError('send: there is no receiver any more'))
    }
  }

  statistics(): MemoryObjectStreamStatistics {
    const { items, capacity, putters, getters } = this.channel
    return Object.freeze({
      currentBufferUsed: items.length,
      maxBufferSize: capacity,
      openSendStreams: this.senders,
      openReceiveStreams: this.receivers,
      tasksWaitingSend: putters.length,
      tasksWaitingReceive: getters.length,
      ...(this.dropped === undefined ? {} : { dropped: this.dropped }),
    })
  }
}

function endOfStream(): EndOfStream {
  return new EndOfStream('the stream has ended: there is no sender any more')
}
