/** A relay between two connections of one event loop. The addon moves the bytes. */

import type { RelayReport, RelayStart, RelayedWay, TransportRelay } from '../contract/backend.ts'
import type { NativeStream } from './stream.ts'

export class NativeRelay implements TransportRelay {
  readonly #a: NativeStream
  readonly #b: NativeStream
  readonly #start: RelayStart

  constructor(a: NativeStream, b: NativeStream, start: RelayStart) {
    this.#a = a
    this.#b = b
    this.#start = start
    const { ahead, moved } = start
    a.loop.binding.startRelay(a.handle, b.handle, ahead[0], ahead[1], moved !== undefined)
    a.lendTo(this)
    b.lendTo(this)
  }

  /** Called by the first connection with a completion of the relay. */
  told(ended: boolean): void {
    if (ended) this.#start.ended()
    else this.#start.moved?.()
  }

  stop(): RelayReport {
    const [a, b] = [this.#a, this.#b]
    const report = a.loop.binding.endRelay(a.handle)
    if (report === null) throw new Error('internal: a relay that does not exist')
    a.takeBack(report.back.unsent)
    b.takeBack(report.there.unsent)
    const { failed, errno } = report
    return {
      there: toWay(report.there, failed === 0 ? a.receiveError(errno) : undefined),
      back: toWay(report.back, failed === 1 ? b.receiveError(errno) : undefined),
    }
  }
}

function toWay(
  { moved, rest, sourceEnded, ended }: Omit<RelayedWay, 'failure'>,
  failure: Error | undefined,
): RelayedWay {
  return { moved, rest, sourceEnded, ended, failure }
}
