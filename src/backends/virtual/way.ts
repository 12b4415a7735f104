/**
 * One direction of a connection: everything arrives, once and in order, however bad the link is. What the link loses is sent
 * again after a while, what cannot pass when it may; what comes later waits behind it.
 */
import type { Fabric, Holder } from './fabric.ts'
import type { Machine } from './machine.ts'
import type { Ports, Traffic, TrafficKind } from './traffic.ts'

/** What TCP sends again when nothing is heard of it: after this long and a round trip, then twice as long, and so on. */
const RETRANSMISSION = 200
const LONGEST_RETRANSMISSION = 120_000

interface Parcel {
  readonly order: number
  readonly bytes: number
  readonly traffic: Traffic | undefined
  readonly arrive: () => void
  /** Before it is sent again. */
  pause: number
}

export class Way implements Holder {
  readonly #fabric: Fabric
  readonly from: Machine
  readonly to: Machine
  readonly #ports: Ports | undefined
  #sent = 0
  #delivered = 0
  /** Arrived before one that was sent before them. */
  readonly #early = new Map<number, Parcel>()
  /** When the last of those under way arrives. */
  #latest = -Infinity
  #held: Parcel[] = []
  #closed = false
  /** A reset is under way. */
  #resetting = false

  /** @param ports - `undefined`: what passes is not noted */
  constructor(from: Machine, to: Machine, ports: Ports | undefined) {
    this.#fabric = from.fabric
    this.from = from
    this.to = to
    this.#ports = ports
  }

  /** @param kind - `undefined`: too small to be noted */
  send(kind: TrafficKind | undefined, bytes: number, arrive: () => void): void {
    if (this.#closed) return
    const traffic = kind && this.#note(kind, bytes)
    this.#carry({ order: this.#sent++, bytes, traffic, arrive, pause: 0 })
  }

  /** The last thing that is sent: once, behind what is under way. It may be lost; whoever asks again gets another one. */
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

  /** An acknowledgement: not noted, not lost at random, of no size. False where nothing passes. */
  sendBack(arrive: () => void): boolean {
    const { from, to } = this
    const { timeline } = this.#fabric
    if (!this.#fabric.passes(to, from)) return false
    timeline.at(timeline.now() + this.#fabric.link(to, from).state.latency, () => {
      if (this.#fabric.passes(to, from)) arrive()
    })
    return true
  }

  /** Somebody on the way ends the connection, for both. */
  noteReset(): void {
    const traffic = this.#note('rst', 0)
    this.close()
    this.#arrived(traffic)
  }

  /** Nothing is sent from now on; what is under way arrives, what is held does not. */
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
    for (const parcel of held) this.#carry(parcel)
  }

  readonly #carry = (parcel: Parcel): void => {
    const { traffic } = parcel
    if (this.#closed) {
      lose(traffic)
      return
    }
    if (!this.#fabric.passes(this.from, this.to)) {
      this.#hold(parcel)
      return
    }
    const { timeline, random } = this.#fabric
    const link = this.#fabric.link(this.from, this.to)
    const { latency, loss } = link.state
    if (traffic !== undefined) traffic.outcome = 'under way'
    const at = link.arrival(timeline.now(), parcel.bytes, random)
    if (random.chance(loss)) {
      parcel.pause = Math.min(2 * parcel.pause || RETRANSMISSION + 2 * latency, LONGEST_RETRANSMISSION)
      if (traffic !== undefined) traffic.retransmissions++
      timeline.at(timeline.now() + parcel.pause, () => this.#carry(parcel))
    } else {
      this.#latest = Math.max(this.#latest, at)
      timeline.at(at, () => this.#take(parcel))
    }
  }

  /** At the other end. */
  #take(parcel: Parcel): void {
    if (!this.#fabric.passes(this.from, this.to)) {
      if (this.#closed) lose(parcel.traffic)
      else this.#hold(parcel)
      return
    }
    this.#early.set(parcel.order, parcel)
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

  #hold(parcel: Parcel): void {
    if (parcel.traffic !== undefined) parcel.traffic.outcome = 'held'
    this.#held.push(parcel)
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
