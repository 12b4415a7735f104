/** What a scenario is: one load, the servers that bear it in turns, and what is expected of the comparison. */
import type { Load } from '../harness/generator.ts'
import type { Program } from '../harness/server.ts'

export interface Scenario {
  readonly id: string
  readonly title: string
  /** What one operation is. */
  readonly unit: string
  readonly load: Load
  readonly entrants: readonly Entrant[]
  readonly targets: readonly Target[]
  /** Open files that server and generator need; left alone where the usual limit will do. */
  readonly descriptors?: number
}

export interface Entrant {
  readonly id: string
  readonly label: string
  readonly program: Program
  /** Which of the program's works bears this load. */
  readonly work: string
  /** Measured where it is installed, skipped with a message where it is not. */
  readonly optional?: boolean
}

/**
 * `cpu`: CPU time per operation. `memory`: resident bytes for each idle connection. `latency` and `handshake-latency`: the
 * 99th percentile of an echo, and of a handshake beside it.
 */
export type Metric = 'cpu' | 'memory' | 'latency' | 'handshake-latency'

export interface Target {
  readonly entrant: string
  readonly peer: string
  readonly metric: Metric
  /** The ratio to reach (lower is better); absent where a peer is only shown beside. */
  readonly atMost?: number
}
