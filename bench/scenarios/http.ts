/** HTTP through `serveHttp`, beside Node's own server on its own sockets. */
import { nodeHttp } from '../servers/catalogue.ts'
import type { Entrant, Scenario } from './scenario.ts'
import { besideOtherBuild, entrantsOf, targetsOf, type VariantOptions } from './variants.ts'

export function httpScenarios(options: VariantOptions): Scenario[] {
  return besideOtherBuild((entry) => httpRows(options, entry), options)
}

function httpRows({ variants }: VariantOptions, entry: string | undefined): Scenario[] {
  const peer: Entrant = { id: 'node-http', label: 'node:http', program: nodeHttp, work: 'http' }
  const entrants = [...entrantsOf(variants, 'http', { server: { entry } }), peer]
  return [1, 64].map((connections) => ({
    id: `http-get-${connections}`,
    title: `HTTP GET, keep-alive, ${connections === 1 ? '1 connection' : `${connections} connections`}`,
    unit: 'request',
    load: { mode: 'http', connections },
    entrants,
    targets: targetsOf(variants, peer),
  }))
}
