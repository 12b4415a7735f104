/** The record of the traffic. */

/**
 * The kind of a packet: `syn`, `syn-ack`, `data`, `fin` and `rst` of TCP, or a UDP `datagram`. Acknowledgements are not
 * recorded.
 */
export type TrafficKind = 'syn' | 'syn-ack' | 'data' | 'fin' | 'rst' | 'datagram'

/**
 * The outcome of a packet. `'held'`: TCP data that a partition or a crashed host stops. It is sent again afterwards.
 */
export type TrafficOutcome = 'under way' | 'delivered' | 'lost' | 'held'

/** A recorded packet. Its outcome is filled in when it is known. */
export interface TrafficRecord {
  /** The time of sending, in milliseconds of the clock. */
  readonly time: number
  /** The sending host's name. */
  readonly from: string
  /** The sender's port. */
  readonly fromPort: number
  /** The receiving host's name, or the address if no host has it. */
  readonly to: string
  /** The receiver's port. */
  readonly toPort: number
  /** The kind of the packet. */
  readonly kind: TrafficKind
  /** Bytes of payload. */
  readonly bytes: number
  /** The outcome. */
  readonly outcome: TrafficOutcome
  /** The time of delivery. */
  readonly arrived: number | undefined
  /** How many times TCP sent it again because it was lost. */
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
