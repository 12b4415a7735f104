/**
 * The sending half of a connection: what was taken, what is under way, and how much the other end has room for.
 *
 * ```text
 *   push ─► taken ─(by the end of the turn, as far as the window is open)─► Way ─► the other end's inbox
 *             │                                                              │
 *             └ `unsent`                          acknowledged, window ◄─────┘
 * ```
 */
import type { ScheduledEvent } from './event-queue.ts'
import type { Timeline } from './timeline.ts'
import type { Way } from './way.ts'

/** How long Linux sends data again that nobody acknowledges, before it gives up: some fifteen minutes. */
const GIVES_UP_AFTER = 924_600

/** Payload of one packet: Ethernet's, and the loopback interface's. */
const SEGMENT = 1460
const LOOPBACK_SEGMENT = 65_536

/** What the other end tells, at the time when it was told. */
export interface Acknowledgement {
  /** Bytes that have arrived; the end counts as one. */
  received: number
  /** How far may be sent. */
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
  /** Milliseconds; 0 is the system's own patience (`TCP_USER_TIMEOUT`). */
  readonly patience: number
}

export class Outbox {
  readonly #way: Way
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

  /** @param window - how much the other end has room for, to begin with */
  constructor(way: Way, window: number, owner: OutboxOwner) {
    this.#way = way
    this.#timeline = way.from.fabric.timeline
    this.#edge = window
    this.#owner = owner
  }

  /** Bytes that were taken and have not left. */
  get unsent(): number {
    return this.#takenBytes
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Takes a copy, and sends it when the turn is over. */
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

  /** Sends as much as the other end has room for. */
  flush(): void {
    const largest = this.#way.from === this.#way.to ? LOOPBACK_SEGMENT : SEGMENT
    while (this.#takenBytes > 0 && this.#edge > this.#sent && !this.#closed) {
      const bytes = this.#take(Math.min(largest, this.#edge - this.#sent))
      this.#sent += bytes.length
      this.#way.send('data', bytes.length, () => this.#owner.deliver(bytes))
    }
    this.#watch()
  }

  /** After everything that has been taken. */
  end(): void {
    if (this.#ended || this.#closed) return
    this.#ended = true
    this.#sent++
    this.#way.send('fin', 0, () => this.#owner.deliverEnd())
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

  /** Nobody waits for an answer any more; what was sent still arrives. What was not is dropped. */
  orphan(): void {
    this.#orphaned = true
    this.#drop()
    this.#unwatch()
  }

  /** Nothing more leaves. */
  close(): void {
    this.#closed = true
    this.#drop()
    this.#unwatch()
    this.#way.close()
  }

  #drop(): void {
    this.#taken = []
    this.#takenBytes = 0
  }

  /** Up to `most` bytes: what was sent in pieces leaves together. */
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
