/** One direction of the link between two hosts: its delays, and its losses. */
import { checkOptions, invalidArgType, outOfRange } from '../../common/validate.ts'
import type { Random } from './random.ts'

/**
 * The quality of the link between two hosts. Without options it is perfect: everything arrives at the time of sending.
 */
export interface LinkOptions {
  /** Latency of one direction, in milliseconds. Default 0. */
  latency?: number | undefined
  /**
   * Additional latency of each packet, at random from 0 to this many milliseconds. TCP keeps its order, datagrams may
   * overtake. Default 0.
   */
  jitter?: number | undefined
  /** Bandwidth of each direction, in bytes of payload per second. Default `Infinity`. */
  bandwidth?: number | undefined
  /** The probability, from 0 to 1, that a packet is lost. TCP sends it again, which takes time. Default 0. */
  loss?: number | undefined
  /** The probability that a datagram arrives twice. Default 0. */
  duplicate?: number | undefined
  /** The probability that a datagram takes up to twice as long, so that later ones overtake it. Default 0. */
  reorder?: number | undefined
}

export type LinkState = { [Member in keyof LinkOptions]-?: number }

const PERFECT: LinkState = { latency: 0, jitter: 0, bandwidth: Infinity, loss: 0, duplicate: 0, reorder: 0 }

const MEMBERS = Object.keys(PERFECT) as (keyof LinkState)[]

/** Combines the given options with `before` for the rest. */
export function linkState(name: string, options: LinkOptions, before: LinkState = PERFECT): LinkState {
  checkOptions(name, options)
  const state = { ...before }
  for (const member of MEMBERS) {
    const value = options[member]
    if (value !== undefined) {
      checkMember(`${name}.${member}`, member, value)
      state[member] = value
    }
  }
  return state
}

export class Link {
  state: LinkState
  /** The time until which earlier packets occupy the link. */
  #taken = -Infinity

  constructor(state: LinkState) {
    this.state = state
  }

  /** The arrival time of a packet that is sent now, if it arrives. */
  arrival(now: number, bytes: number, random: Random): number {
    const { latency, jitter, bandwidth } = this.state
    const departure = Math.max(now, this.#taken) + (bytes / bandwidth) * 1000
    this.#taken = departure
    return departure + latency + (jitter > 0 ? random.next() * jitter : 0)
  }

  /** The additional latency of a datagram that others overtake. */
  detour(random: Random): number {
    const { latency, jitter, reorder } = this.state
    return random.chance(reorder) ? random.next() * (latency + jitter || 1) : 0
  }
}

function checkMember(name: string, member: keyof LinkState, value: unknown): asserts value is number {
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value)
  if (member === 'latency' || member === 'jitter') {
    if (!(value >= 0 && value < Infinity)) throw outOfRange(name, 'a finite number of milliseconds >= 0', value)
  } else if (member === 'bandwidth') {
    if (!(value > 0)) throw outOfRange(name, 'a number of bytes per second > 0', value)
  } else if (!(value >= 0 && value <= 1)) throw outOfRange(name, 'a probability from 0 to 1', value)
}
