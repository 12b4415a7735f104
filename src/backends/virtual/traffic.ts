/** The record of what was sent. */

/**
 * What a packet is: of TCP `syn`, `syn-ack`, `data`, `fin`, `rst`; a UDP `datagram`. Acknowledgements are not recorded.
 */
export type TrafficKind = 'syn' | 'syn-ack' | 'data' | 'fin' | 'rst' | 'datagram'

/**
 * What became of it. `'held'`: TCP data that a partition, or a host that is down, keeps from arriving; it is sent again
 * when that is over.
 */
export type TrafficOutcome = 'under way' | 'delivered' | 'lost' | 'held'

/** One packet. Its outcome is filled in when it is known. */
export interface TrafficRecord {
  /** When it was sent, in milliseconds of the clock. */
  readonly time: number
  /** The sending host's name. */
  readonly from: string
  /** The sender's port. */
  readonly fromPort: number
  /** The receiving host's name, or the address if no host has it. */
  readonly to: string
  /** The receiver's port. */
  readonly toPort: number
  /** What was sent. */
  readonly kind: TrafficKind
  /** Payload. */
  readonly bytes: number
  /** What became of it. */
  readonly outcome: TrafficOutcome
  /** When it was delivered. */
  readonly arrived: number | undefined
  /** How often TCP had to send it again, for it was lost. */
  readonly retransmissions: number
  /** Whether a datagram was delivered twice. */
  readonly duplicated: boolean
}

/** The same, while it can change. */
export type Traffic = { -readonly [Member in keyof TrafficRecord]: TrafficRecord[Member] }

/** A packet's two ends. */
export interface Ports {
  readonly fromPort: number
  readonly toPort: number
}
