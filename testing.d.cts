// Made of testing.d.ts by `npm run build -- types`, for `require('structio/testing')`. Generated: do not edit.
import type * as esm from './testing.js' with { 'resolution-mode': 'import' }

export declare const Sequencer: typeof esm.Sequencer
export type Sequencer = esm.Sequencer
export declare const VirtualClock: typeof esm.VirtualClock
export type VirtualClock = esm.VirtualClock
export declare const VirtualHost: typeof esm.VirtualHost
export type VirtualHost = esm.VirtualHost
export declare const VirtualNetwork: typeof esm.VirtualNetwork
export type VirtualNetwork = esm.VirtualNetwork
export declare const assertCheckpoints: typeof esm.assertCheckpoints
export declare const assertNoCheckpoints: typeof esm.assertNoCheckpoints
export declare const checkStream: typeof esm.checkStream
export declare const forEachSeed: typeof esm.forEachSeed
export declare const lockstepStreamPair: typeof esm.lockstepStreamPair
export declare const memoryStreamPair: typeof esm.memoryStreamPair
export type CheckStreamOptions = esm.CheckStreamOptions
export type LinkOptions = esm.LinkOptions
export type TrafficKind = esm.TrafficKind
export type TrafficOutcome = esm.TrafficOutcome
export type TrafficRecord = esm.TrafficRecord
export type VirtualClockOptions = esm.VirtualClockOptions
export type VirtualNetworkOptions = esm.VirtualNetworkOptions
export type VirtualOptions = esm.VirtualOptions
