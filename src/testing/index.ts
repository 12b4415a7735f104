/**
 * `structio/testing`: tools for tests of concurrent code. A list and nothing else, as
 * index.ts is; `__test__/architecture.spec.ts` compares it with `testing.d.ts`.
 */

// The simulated world: its clock, its network, its hosts, and the traffic between them.
export { VirtualClock } from '../backends/virtual/clock.ts'
export { VirtualNetwork } from '../backends/virtual/network.ts'
export { VirtualHost } from '../backends/virtual/host.ts'
export type { VirtualOptions } from '../backends/virtual/options.ts'
export type { VirtualClockOptions } from '../backends/virtual/clock.ts'
export type { VirtualNetworkOptions } from '../backends/virtual/network.ts'
export type { LinkOptions } from '../backends/virtual/link.ts'
export type { TrafficRecord, TrafficKind, TrafficOutcome } from '../backends/virtual/traffic.ts'

// The order of tasks.
export { Sequencer } from './sequencer.ts'
export { forEachSeed } from './seeds.ts'

// Checks that an operation can be cancelled and lets others run.
export { assertCheckpoints, assertNoCheckpoints } from './checkpoints.ts'

// Streams in memory, and a check of the rules of streams.
export { memoryStreamPair, lockstepStreamPair } from './memory-streams.ts'
export { checkStream } from './check-stream.ts'
export type { CheckStreamOptions } from './check-stream.ts'
