/** The rows "TCP" of the performance targets. */
import { anyio, bun, deno, go, nodeNet, tokio } from '../servers/catalogue.ts'
import type { Entrant, Scenario } from './scenario.ts'
import { besideOtherBuild, entrantsOf, targetsOf, type VariantOptions } from './variants.ts'

const IDLE = 10_000

export function tcpScenarios(options: VariantOptions): Scenario[] {
  return besideOtherBuild((entry) => tcpRows(options, entry), options)
}

function tcpRows({ variants }: VariantOptions, entry: string | undefined): Scenario[] {
  const ours = (work: string, suffix = '') => entrantsOf(variants, work, { suffix, server: { entry } })
  const against = (peer: Entrant, atMost?: number, suffix = '') =>
    targetsOf(variants, peer, { suffix, ...(atMost === undefined ? {} : { atMost }) })

  const callbacks = net('echo', 'callbacks')
  const forAwait = net('echo-for-await', 'for await')
  const rawTokio: Entrant = { id: 'tokio', label: 'raw tokio', program: tokio, work: 'echo' }
  const perLine = net('lines', 'a write per line')
  const corked = net('lines-corked', 'corked')
  const joined = net('lines-joined', 'joined by hand')
  const acceptNet = net('accept', 'destroy')

  return [
    {
      id: 'echo-64',
      title: 'Echo 64 B, 64 connections',
      unit: 'echo',
      load: { mode: 'echo', connections: 64, size: 64 },
      entrants: [...ours('echo'), callbacks, forAwait, rawTokio, ...otherRuntimes('echo')],
      targets: [...against(callbacks, 0.75), ...against(rawTokio, 1.06), ...against(forAwait, 0.6)],
    },
    {
      id: 'echo-64-many',
      title: 'Echo 64 B, 512 connections',
      unit: 'echo',
      load: { mode: 'echo', connections: 512, size: 64 },
      entrants: [...ours('echo'), callbacks],
      targets: against(callbacks, 0.65),
    },
    {
      id: 'echo-64-one',
      title: 'Echo 64 B, 1 connection',
      unit: 'echo',
      load: { mode: 'echo', connections: 1, size: 64 },
      entrants: [...ours('echo'), callbacks],
      targets: against(callbacks, 1),
    },
    {
      id: 'echo-16k',
      title: 'Echo 16 KiB, 64 connections',
      unit: 'echo',
      load: { mode: 'echo', connections: 64, size: 16_384 },
      entrants: [...ours('echo'), ...ours('echo-into', 'receiveInto'), callbacks, rawTokio],
      targets: [...against(callbacks, 0.6), ...against(callbacks, undefined, 'receiveInto')],
    },
    {
      id: 'lines',
      title: 'Lines, 16 pipelined, one send per line',
      unit: 'line',
      load: { mode: 'lines', connections: 64, size: 64, pipeline: 16 },
      entrants: [...ours('lines'), perLine],
      targets: against(perLine, 0.17),
    },
    {
      id: 'line-batches',
      title: 'Lines, 16 pipelined, in batches',
      unit: 'line',
      load: { mode: 'lines', connections: 64, size: 64, pipeline: 16 },
      entrants: [...ours('line-batches', 'batches'), corked, joined, { ...rawTokio, work: 'lines' }],
      targets: [...against(corked, 0.75, 'batches'), ...against(joined, undefined, 'batches')],
    },
    {
      id: 'accept',
      title: 'Accept and close, 64 at a time',
      unit: 'connection',
      load: { mode: 'accept', connections: 64 },
      entrants: [...ours('accept'), ...ours('accept-serve', 'a task each'), acceptNet, { ...rawTokio, work: 'accept' }],
      targets: [...against(acceptNet, 0.65), ...against(acceptNet, undefined, 'a task each')],
    },
    {
      id: 'idle',
      title: `Echo 64 B, 16 connections + ${IDLE.toLocaleString('en')} idle`,
      unit: 'echo',
      load: { mode: 'idle', connections: 16, size: 64, idle: IDLE },
      entrants: [...ours('echo'), callbacks],
      targets: [...against(callbacks, 0.75), ...targetsOf(variants, callbacks, { metric: 'memory', atMost: 0.55 })],
      descriptors: IDLE + 1000,
    },
  ]
}

function net(work: string, style: string): Entrant {
  return { id: `node-net-${work}`, label: `node:net, ${style}`, program: nodeNet, work }
}

function otherRuntimes(work: string): Entrant[] {
  return [bun, deno, go, anyio].map((program) => ({
    id: program.name.toLowerCase().replaceAll(/[^a-z]+/g, '-'),
    label: program.name,
    program,
    work,
    optional: true,
  }))
}
