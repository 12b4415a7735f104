/** A run of the virtual backend for a test: a clock, a network, and the way into both. */
import { VirtualClock } from '../../src/backends/virtual/clock.ts'
import { VirtualNetwork, type VirtualNetworkOptions } from '../../src/backends/virtual/network.ts'
import type { VirtualOptions } from '../../src/backends/virtual/options.ts'
import { run } from '../../src/run.ts'

export interface VirtualWorld {
  readonly clock: VirtualClock
  readonly network: VirtualNetwork
  run<T>(main: () => T | PromiseLike<T>, options?: VirtualOptions): Promise<T>
}

export function virtualWorld(options: VirtualNetworkOptions = {}, clock = new VirtualClock()): VirtualWorld {
  const network = new VirtualNetwork(options)
  return {
    clock,
    network,
    run: (main, more) => run(main, { backend: 'virtual', backendOptions: { clock, network, ...more } }),
  }
}
