/**
 * `structio/testing`, whole: what tests of concurrent code need beyond the library itself. A list and nothing else, as
 * index.ts is; `__test__/architecture.spec.ts` compares it with `testing.d.ts`.
 */

// The virtual world: its time, its network, its hosts, and what passes between them.
export { VirtualClock } from '../backends/virtual/clock.ts'
export { VirtualNetwork } from '../backends/virtual/network.ts'
export { VirtualHost } from '../backends/virtual/host.ts'
export type { VirtualOptions } from '../backends/virtual/options.ts'
export type { VirtualClockOptions } from '../backends/virtual/clock.ts'
export type { VirtualNetworkOptions } from '../backends/virtual/network.ts'
export type { LinkOptions } from '../backends/virtual/link.ts'
export type { TrafficRecord, TrafficKind, TrafficOutcome } from '../backends/virtual/traffic.ts'

// Who goes when.
export { Sequencer } from './sequencer.ts'
export { forEachSeed } from './seeds.ts'

// Whether an operation is one that can be cancelled, and gives others a turn.
export { assertCheckpoints, assertNoCheckpoints } from './checkpoints.ts'

// Streams in memory, and whether a stream keeps the rules.
export { memoryStreamPair, lockstepStreamPair } from './memory-streams.ts'
export { checkStream } from './check-stream.ts'
export type { CheckStreamOptions } from './check-stream.ts'
