/** The rows "TLS" of the performance targets, and what an option of the handshake is worth. */
import type { Load } from '../harness/generator.ts'
import { nodeTls, tokioTls } from '../servers/catalogue.ts'
import type { Entrant, Scenario } from './scenario.ts'
import { besideOtherBuild, entrantsOf, targetsOf, type Expectation, type VariantOptions } from './variants.ts'

const IDLE = 5000

/**
 * 64 connections that say something every 5 ms, and 64 new ones every 100 ms. That leaves the processors time to rest, so
 * that latency is not only a measure of the load.
 */
const STORM: Load = { mode: 'storm', connections: 64, size: 64, pauseMs: 5, burst: 64, everyMs: 100, tls: {} }

export function tlsScenarios(options: VariantOptions): Scenario[] {
  return besideOtherBuild((entry) => tlsRows(options, entry), options)
}

function tlsRows({ variants }: VariantOptions, entry: string | undefined): Scenario[] {
  const server = { tls: true, entry }
  const ours = (work: string, suffix = '') => entrantsOf(variants, work, { suffix, server })
  /** The backend of node:tls has no such choice. */
  const native = variants.filter((variant) => variant !== 'node')
  const pooled = (work: string) =>
    entrantsOf(native, work, { suffix: 'pool', server: { ...server, handshakes: 'pool' } })
  const against = (peer: Entrant, expected: Expectation = {}) => targetsOf(variants, peer, expected)
  const pooledAgainst = (peer: Entrant | undefined, expected: Expectation = {}) =>
    peer === undefined ? [] : targetsOf(native, peer, { ...expected, suffix: 'pool' })

  const callbacks = tls('echo', 'callbacks')
  const forAwait = tls('echo-for-await', 'for await')
  const handshake = tls('handshake', 'callbacks')
  const rustls = (work: string): Entrant => ({
    id: 'tokio-rustls',
    label: 'raw tokio, rustls',
    program: tokioTls,
    work,
  })
  const [onReactor] = entrantsOf(native, 'echo', { server })

  return [
    {
      id: 'tls-handshake',
      title: 'Full TLS handshake, P-256, 64 at a time',
      unit: 'handshake',
      load: { mode: 'handshakes', connections: 64, tls: {} },
      entrants: [...ours('handshake'), ...pooled('handshake'), handshake, rustls('handshake')],
      targets: [...against(handshake, { atMost: 0.3 }), ...pooledAgainst(handshake), ...against(rustls('handshake'))],
    },
    {
      id: 'tls-handshake-aes128',
      title: 'Full TLS handshake with TLS_AES_128_GCM_SHA256',
      unit: 'handshake',
      load: { mode: 'handshakes', connections: 64, tls: { suite: 'TLS_AES_128_GCM_SHA256' } },
      entrants: [...ours('handshake'), handshake, rustls('handshake')],
      targets: [...against(handshake), ...against(rustls('handshake'))],
    },
    {
      id: 'tls-echo-64',
      title: 'TLS echo 64 B, 64 connections',
      unit: 'echo',
      load: { mode: 'echo', connections: 64, size: 64, tls: {} },
      entrants: [...ours('echo'), callbacks, forAwait, rustls('echo')],
      targets: [...against(callbacks, { atMost: 0.65 }), ...against(forAwait), ...against(rustls('echo'))],
    },
    {
      id: 'tls-echo-16k',
      title: 'TLS echo 16 KiB, 64 connections',
      unit: 'echo',
      load: { mode: 'echo', connections: 64, size: 16_384, tls: {} },
      entrants: [...ours('echo'), ...ours('echo-into', 'receiveInto'), callbacks, rustls('echo')],
      targets: [
        ...against(callbacks, { atMost: 0.6 }),
        ...against(callbacks, { suffix: 'receiveInto' }),
        ...against(rustls('echo')),
      ],
    },
    {
      id: 'tls-idle',
      title: `TLS echo 64 B, 16 connections + ${IDLE.toLocaleString('en')} idle`,
      unit: 'echo',
      load: { mode: 'idle', connections: 16, size: 64, idle: IDLE, tls: {} },
      entrants: [...ours('echo'), callbacks, rustls('echo')],
      targets: [...against(callbacks), ...against(callbacks, { metric: 'memory', atMost: 0.5 })],
      descriptors: IDLE + 1000,
    },
    {
      id: 'tls-storm',
      title: 'TLS echo 64 B beside storms of handshakes',
      unit: 'echo',
      load: STORM,
      entrants: [...ours('echo'), ...pooled('echo'), callbacks, rustls('echo')],
      targets: [
        ...pooledAgainst(onReactor),
        ...pooledAgainst(onReactor, { metric: 'latency' }),
        ...pooledAgainst(onReactor, { metric: 'handshake-latency' }),
        ...against(callbacks, { metric: 'latency' }),
        ...pooledAgainst(callbacks, { metric: 'latency' }),
        ...against(callbacks, { metric: 'handshake-latency' }),
        ...pooledAgainst(callbacks, { metric: 'handshake-latency' }),
      ],
    },
  ]
}

function tls(work: string, style: string): Entrant {
  return { id: `node-tls-${work}`, label: `node:tls, ${style}`, program: nodeTls, work }
}
