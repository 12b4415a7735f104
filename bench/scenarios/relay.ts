/** The row "Relay" of the performance targets. */
import { nodeNet } from '../servers/catalogue.ts'
import type { Entrant, Scenario } from './scenario.ts'
import { besideOtherBuild, entrantsOf, targetsOf, type VariantOptions } from './variants.ts'

export function relayScenarios(options: VariantOptions): Scenario[] {
  return besideOtherBuild((entry) => [relayRow(options, entry, 1), relayRow(options, entry, 16)], options)
}

function relayRow({ variants }: VariantOptions, entry: string | undefined, connections: number): Scenario {
  const ours = (work: string, suffix = '') => entrantsOf(variants, work, { suffix, server: { entry } })
  const peer: Entrant = { id: 'node-net-pipe', label: 'node:net, a.pipe(b).pipe(a)', program: nodeNet, work: 'pipe' }
  const suffix = 'idleTimeout'
  return {
    id: `relay-${connections}`,
    title: `Relay, ${connections} connection${connections === 1 ? '' : 's'}`,
    unit: 'MiB',
    load: { mode: 'relay', connections },
    entrants: [...ours('relay'), ...ours('relay-timed', suffix), peer],
    targets: [...targetsOf(variants, peer, { atMost: 0.4 }), ...targetsOf(variants, peer, { suffix })],
  }
}
