/** The row "UDP" of the performance targets. */
import { nodeDgram } from '../servers/catalogue.ts'
import type { Entrant, Scenario } from './scenario.ts'
import { besideOtherBuild, entrantsOf, targetsOf, type VariantOptions } from './variants.ts'

export function udpScenarios(options: VariantOptions): Scenario[] {
  return besideOtherBuild((entry) => udpRows(options, entry), options)
}

function udpRows({ variants }: VariantOptions, entry: string | undefined): Scenario[] {
  const ours = (work: string, suffix = '') => entrantsOf(variants, work, { suffix, server: { entry } })
  const peer: Entrant = { id: 'node-dgram', label: 'node:dgram', program: nodeDgram, work: 'udp-echo' }
  const entrants = [...ours('udp-echo'), ...ours('udp-echo-batches', 'batches'), peer]
  const targets = [...targetsOf(variants, peer, { atMost: 0.65 }), ...targetsOf(variants, peer, { suffix: 'batches' })]
  return [
    {
      id: 'udp-echo-64',
      title: 'UDP echo 64 B, 32 sockets',
      unit: 'echo',
      load: { mode: 'datagrams', connections: 32, size: 64 },
      entrants,
      targets,
    },
    {
      id: 'udp-echo-one',
      title: 'UDP echo 64 B, 1 socket',
      unit: 'echo',
      load: { mode: 'datagrams', connections: 1, size: 64 },
      entrants,
      targets: targets.map(({ atMost: _, ...shown }) => shown),
    },
  ]
}
