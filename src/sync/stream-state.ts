/** The state that all ends of one memory object stream share: the items, the numbers of open ends, and how it ends. */
import { BrokenResourceError, EndOfStream } from '../errors.ts'
import type { Channel } from './channel.ts'

/** A snapshot of a memory object stream, frozen. */
export interface MemoryObjectStreamStatistics {
  /** Items in the buffer. */
  readonly currentBufferUsed: number
  /** Items that the buffer holds before a sender waits, or items are dropped. */
  readonly maxBufferSize: number
  /** Open send ends, with clones. For a broadcast or an emitter: 1, and 0 once it has ended. */
  readonly openSendStreams: number
  /** Open receive ends, with clones. */
  readonly openReceiveStreams: number
  /** Tasks that wait until their item is taken. */
  readonly tasksWaitingSend: number
  /** Tasks that wait for an item. */
  readonly tasksWaitingReceive: number
  /** Items that were dropped because the buffer was full; absent if senders wait instead. */
  readonly dropped?: number
}

export class StreamState<T> {
  readonly channel: Channel<T>
  senders = 0
  receivers = 0
  /** `undefined` if items are never dropped. */
  dropped: number | undefined = undefined
  /** Called when the last receiver has been closed, before the items are cleared. */
  abandoned: (() => void) | undefined = undefined
  #ending: (() => Error) | undefined

  constructor(channel: Channel<T>) {
    this.channel = channel
  }

  /** Ends the stream: behind the buffered items, every receive fails with the error that `ending` makes. */
  finish(ending: () => Error = endOfStream): void {
    this.senders = 0
    this.#ending ??= ending
    this.channel.end(() => this.ending())
  }

  /** The error of a receive when there is neither an item nor a sender. */
  ending(): Error {
    return (this.#ending ?? endOfStream)()
  }

  /** The last receiver is closed: clears the items, which an open sender would keep alive, and refuses the senders. */
  abandon(): void {
    this.abandoned?.()
    const { items, putters } = this.channel
    items.clear()
    putters.drain((putter) => putter.reject(new BrokenResourceError('send: there is no receiver any more')))
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
