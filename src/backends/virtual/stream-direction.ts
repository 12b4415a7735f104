/**
 * One direction of a simulated connection.
 *
 * Invariants
 * 1. Each segment arrives once and in order, however bad the link is. A segment that overtook others waits for them.
 * 2. A lost segment is sent again after a pause that doubles. A segment that cannot pass is held until the partition
 *    ends.
 * 3. After `close` nothing is sent. Segments under way arrive, held ones are lost.
 * 4. A reset is sent once, behind the segments under way, and may be lost.
 */
import type { Fabric, Holder } from './fabric.ts'
import type { Machine } from './machine.ts'
import type { Ports, Traffic, TrafficKind } from './traffic.ts'

/**
 * Milliseconds, besides a round trip, before TCP sends an unacknowledged segment again. Each further pause is twice as
 * long.
 */
const RETRANSMISSION = 200
const LONGEST_RETRANSMISSION = 120_000

interface Segment {
  readonly order: number
  readonly bytes: number
  readonly traffic: Traffic | undefined
  readonly arrive: () => void
  /** Milliseconds before it is sent again. */
  pause: number
}

export class StreamDirection implements Holder {
  readonly #fabric: Fabric
  readonly from: Machine
  readonly to: Machine
  readonly #ports: Ports | undefined
  #sent = 0
  #delivered = 0
  /** Segments that overtook an earlier one. */
  readonly #early = new Map<number, Segment>()
  /** The arrival time of the last segment under way. */
  #latest = -Infinity
  #held: Segment[] = []
  #closed = false
  /** Whether a reset is under way. */
  #resetting = false

  /** @param ports - `undefined`: the traffic is not recorded */
  constructor(from: Machine, to: Machine, ports: Ports | undefined) {
    this.#fabric = from.fabric
    this.from = from
    this.to = to
    this.#ports = ports
  }

  /** @param kind - `undefined`: too small to be recorded */
  send(kind: TrafficKind | undefined, bytes: number, arrive: () => void): void {
    if (this.#closed) return
    const traffic = kind && this.#note(kind, bytes)
    this.#carry({ order: this.#sent++, bytes, traffic, arrive, pause: 0 })
  }

  /** Sends a reset as the last segment (4). The peer gets another one if it sends again. */
  sendReset(arrive: () => void): void {
    if (this.#resetting) return
    const { from, to } = this
    const { timeline, random } = this.#fabric
    const traffic = this.#note('rst', 0)
    const at = Math.max(this.#latest, this.#fabric.link(from, to).arrival(timeline.now(), 0, random))
    this.close()
    if (!this.#passes(traffic)) return
    this.#resetting = true
    timeline.at(at, () => {
      this.#resetting = false
      if (!this.#passes(traffic)) return
      this.#early.clear()
      this.#arrived(traffic)
      arrive()
    })
  }

  /** Sends an acknowledgement: not recorded, not lost at random, of no size. False if it cannot pass. */
  sendBack(arrive: () => void): boolean {
    const { from, to } = this
    const { timeline } = this.#fabric
    if (!this.#fabric.passes(to, from)) return false
    timeline.at(timeline.now() + this.#fabric.link(to, from).state.latency, () => {
      if (this.#fabric.passes(to, from)) arrive()
    })
    return true
  }

  /** Records a reset that a middlebox sent to both ends. */
  noteReset(): void {
    const traffic = this.#note('rst', 0)
    this.close()
    this.#arrived(traffic)
  }

  /** Stops sending (3). */
  close(): void {
    this.#closed = true
    for (const { traffic } of this.#held) lose(traffic)
    this.#held = []
    this.#fabric.holdsNothing(this)
  }

  release(): void {
    if (!this.#fabric.passes(this.from, this.to)) return
    this.#fabric.holdsNothing(this)
    const held = this.#held.sort((a, b) => a.order - b.order)
    this.#held = []
    for (const segment of held) this.#carry(segment)
  }

  readonly #carry = (segment: Segment): void => {
    const { traffic } = segment
    if (this.#closed) {
      lose(traffic)
      return
    }
    if (!this.#fabric.passes(this.from, this.to)) {
      this.#hold(segment)
      return
    }
    const { timeline, random } = this.#fabric
    const link = this.#fabric.link(this.from, this.to)
    const { latency, loss } = link.state
    if (traffic !== undefined) traffic.outcome = 'under way'
    const at = link.arrival(timeline.now(), segment.bytes, random)
    if (random.chance(loss)) {
      segment.pause = Math.min(2 * segment.pause || RETRANSMISSION + 2 * latency, LONGEST_RETRANSMISSION)
      if (traffic !== undefined) traffic.retransmissions++
      timeline.at(timeline.now() + segment.pause, () => this.#carry(segment))
    } else {
      this.#latest = Math.max(this.#latest, at)
      timeline.at(at, () => this.#take(segment))
    }
  }

  /** A segment reaches the other end. */
  #take(segment: Segment): void {
    if (!this.#fabric.passes(this.from, this.to)) {
      if (this.#closed) lose(segment.traffic)
      else this.#hold(segment)
      return
    }
    this.#early.set(segment.order, segment)
    for (let next = this.#early.get(this.#delivered); next !== undefined; next = this.#early.get(this.#delivered)) {
      this.#early.delete(this.#delivered++)
      this.#arrived(next.traffic)
      next.arrive()
    }
  }

  #arrived(traffic: Traffic | undefined): void {
    if (traffic === undefined) return
    traffic.outcome = 'delivered'
    traffic.arrived = this.#fabric.timeline.now()
  }

  #hold(segment: Segment): void {
    if (segment.traffic !== undefined) segment.traffic.outcome = 'held'
    this.#held.push(segment)
    this.#fabric.holds(this)
  }

  #passes(traffic: Traffic | undefined): boolean {
    const passes = this.#fabric.passes(this.from, this.to)
    if (!passes) lose(traffic)
    return passes
  }

  #note(kind: TrafficKind, bytes: number): Traffic | undefined {
    return this.#ports && this.#fabric.note(this.from, this.to, { ...this.#ports, kind, bytes })
  }
}

function lose(traffic: Traffic | undefined): void {
  if (traffic !== undefined) traffic.outcome = 'lost'
}
