/** How a run of the `virtual` backend is set up. */
import { checkInteger, checkOptions, invalidArgType, optionNames } from '../../common/validate.ts'
import { VirtualClock } from './clock.ts'
import { VirtualNetwork } from './network.ts'

/** How the virtual backend is set up (`backendOptions`). */
export interface VirtualOptions {
  /**
   * Makes the order in which ready tasks go on, and what happens by chance in the network, random and repeatable: the
   * same seed, program and start give the same interleaving. Any safe integer. Without one, tasks go on in the order in
   * which they became ready, as on the other backends, and the network's chances are those of seed 0.
   */
  seed?: number | undefined
  /** Its time. Default: that of `network`, if it was used before, or a new one that starts at 0 and jumps. */
  clock?: VirtualClock | undefined
  /** Its network. Default: a new one with one host, `localhost`. */
  network?: VirtualNetwork | undefined
}

export function checkVirtualOptions(options: VirtualOptions): void {
  checkOptions('options.backendOptions', options, OPTIONS)
  const { seed, clock, network } = options
  if (seed !== undefined) checkInteger('options.backendOptions.seed', seed, Number.MIN_SAFE_INTEGER)
  if (clock !== undefined && !(clock instanceof VirtualClock))
    throw invalidArgType('options.backendOptions.clock', 'a VirtualClock', clock)
  if (network !== undefined && !(network instanceof VirtualNetwork))
    throw invalidArgType('options.backendOptions.network', 'a VirtualNetwork', network)
}

const OPTIONS = optionNames<VirtualOptions>({ seed: true, clock: true, network: true })
