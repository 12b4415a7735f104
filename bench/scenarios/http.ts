/** HTTP through `serveHttp`, beside Node's own server on its own sockets. */
import { nodeHttp, structioCluster } from '../servers/catalogue.ts'
import type { Entrant, Scenario } from './scenario.ts'
import { besideOtherBuild, entrantsOf, targetsOf, type VariantOptions } from './variants.ts'

export function httpScenarios(options: VariantOptions): Scenario[] {
  return besideOtherBuild((entry) => httpRows(options, entry), options)
}

function httpRows({ variants }: VariantOptions, entry: string | undefined): Scenario[] {
  const peer: Entrant = { id: 'node-http', label: 'node:http', program: nodeHttp, work: 'http' }
  const entrants = [...entrantsOf(variants, 'http', { server: { entry } }), peer]
  const one = [1, 64].map((connections): Scenario => ({
    id: `http-get-${connections}`,
    title: `HTTP GET, keep-alive, ${connections === 1 ? '1 connection' : `${connections} connections`}`,
    unit: 'request',
    load: { mode: 'http', connections },
    entrants,
    targets: targetsOf(variants, peer),
  }))
  // The throughput is what is shown: the CPU time is that of the primary, which serves nothing.
  const several: Scenario = {
    id: 'http-cluster',
    title: 'HTTP GET, keep-alive, 64 connections, by workers of a cluster: throughput',
    unit: 'request',
    load: { mode: 'http', connections: 64 },
    entrants: [1, 2].map((workers) => ({
      id: `structio-cluster-${workers}`,
      label: `structio, ${workers === 1 ? '1 worker' : `${workers} workers`}`,
      program: structioCluster(workers),
      work: 'http',
    })),
    targets: [],
  }
  return [...one, several]
}
