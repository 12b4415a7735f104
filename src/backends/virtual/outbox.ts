/**
 * The sending half of a simulated connection: the taken bytes, the bytes under way, and the other end's window.
 *
 * ```text
 *   push ─► taken ─(by the end of the turn, as far as the window is open)─► StreamDirection ─► the other end's inbox
 *             │                                                              │
 *             └ `unsent`                          acknowledged, window ◄─────┘
 * ```
 */
import type { ScheduledEvent } from './event-queue.ts'
import type { Timeline } from './timeline.ts'
import type { StreamDirection } from './stream-direction.ts'

/** Milliseconds of retransmissions without an acknowledgement before Linux gives up: about fifteen minutes. */
const GIVES_UP_AFTER = 924_600

/** Payload of one packet: Ethernet's, and the loopback interface's. */
const SEGMENT = 1460
const LOOPBACK_SEGMENT = 65_536

/** The state of the other end at the time of sending. */
export interface Acknowledgement {
  /** Number of bytes that have arrived; the end counts as one. */
  received: number
  /** The number of bytes up to which this end may send. */
  edge: number
}

export interface OutboxOwner {
  /** Bytes have arrived at the other end. */
  deliver(bytes: Buffer): void
  deliverEnd(): void
  /** More can be taken, or less is unsent than before. */
  drained(): void
  /** Nothing was acknowledged for too long. */
  gaveUp(): void
  /** `TCP_USER_TIMEOUT` in milliseconds; 0 means the system's default. */
  readonly patience: number
}

export class Outbox {
  readonly #direction: StreamDirection
  readonly #timeline: Timeline
  readonly #owner: OutboxOwner
  #taken: Buffer[] = []
  #takenBytes = 0
  #flushing = false
  #sent = 0
  #acknowledged = 0
  #edge: number
  #ended = false
  #closed = false
  #orphaned = false
  #timer: ScheduledEvent | undefined

  /** @param window - the initial window of the other end, in bytes */
  constructor(direction: StreamDirection, window: number, owner: OutboxOwner) {
    this.#direction = direction
    this.#timeline = direction.from.fabric.timeline
    this.#edge = window
    this.#owner = owner
  }

  /** Number of bytes that were taken and have not left. */
  get unsent(): number {
    return this.#takenBytes
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Copies the bytes, and sends them at the end of the turn. */
  push(data: Uint8Array): void {
    this.#taken.push(Buffer.from(data))
    this.#takenBytes += data.length
    if (this.#flushing) return
    this.#flushing = true
    this.#timeline.soon(() => {
      this.#flushing = false
      this.flush()
      this.#owner.drained()
    })
  }

  /** Sends as many bytes as the window allows. */
  flush(): void {
    const largest = this.#direction.from === this.#direction.to ? LOOPBACK_SEGMENT : SEGMENT
    while (this.#takenBytes > 0 && this.#edge > this.#sent && !this.#closed) {
      const bytes = this.#take(Math.min(largest, this.#edge - this.#sent))
      this.#sent += bytes.length
      this.#direction.send('data', bytes.length, () => this.#owner.deliver(bytes))
    }
    this.#watch()
  }

  /** Sends the end, behind all taken bytes. */
  end(): void {
    if (this.#ended || this.#closed) return
    this.#ended = true
    this.#sent++
    this.#direction.send('fin', 0, () => this.#owner.deliverEnd())
    this.#watch()
  }

  acknowledge({ received, edge }: Acknowledgement): void {
    const progress = received > this.#acknowledged
    this.#acknowledged = Math.max(this.#acknowledged, received)
    this.#edge = Math.max(this.#edge, edge)
    if (progress) this.#unwatch()
    const { unsent } = this
    this.flush()
    if (this.unsent < unsent) this.#owner.drained()
  }

  /** The owner is closed. Bytes that have left still arrive, the others are dropped. */
  orphan(): void {
    this.#orphaned = true
    this.#drop()
    this.#unwatch()
  }

  /** Sends nothing from now on. */
  close(): void {
    this.#closed = true
    this.#drop()
    this.#unwatch()
    this.#direction.close()
  }

  #drop(): void {
    this.#taken = []
    this.#takenBytes = 0
  }

  /** Takes up to `most` bytes. Small sends leave together. */
  #take(most: number): Buffer {
    const parts: Buffer[] = []
    let room = most
    for (let first = this.#taken[0]; first !== undefined && room > 0; first = this.#taken[0]) {
      const part = first.subarray(0, room)
      if (part.length === first.length) this.#taken.shift()
      else this.#taken[0] = first.subarray(room)
      parts.push(part)
      room -= part.length
    }
    this.#takenBytes -= most - room
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
  }

  #watch(): void {
    if (this.#sent === this.#acknowledged || this.#timer !== undefined) return
    if (this.#closed || this.#orphaned) return
    const patience = this.#owner.patience || GIVES_UP_AFTER
    this.#timer = this.#timeline.at(this.#timeline.now() + patience, () => this.#owner.gaveUp())
  }

  #unwatch(): void {
    this.#timeline.callOff(this.#timer)
    this.#timer = undefined
  }
}
