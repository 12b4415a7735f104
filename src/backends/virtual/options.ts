/** The options of the `virtual` backend. */
import { checkInteger, checkOptions, invalidArgType, optionNames } from '../../common/validate.ts'
import { VirtualClock } from './clock.ts'
import { VirtualNetwork } from './network.ts'

/** Options of the virtual backend (`backendOptions`). */
export interface VirtualOptions {
  /**
   * Makes the order of ready tasks, and chance in the network, random and repeatable. The same seed, program and start
   * give the same interleaving. Any safe integer. Without a seed, tasks continue in the order in which they became
   * ready, as on the other backends, and the network uses seed 0.
   */
  seed?: number | undefined
  /** The clock. Default: the clock of `network` if that was used before, else a new one that starts at 0 and jumps. */
  clock?: VirtualClock | undefined
  /** The network. Default: a new one with one host, `localhost`. */
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
