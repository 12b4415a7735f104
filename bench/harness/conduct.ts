/** Conducts one scenario: every entrant in every round, each in a fresh process, and the comparisons that follow. */
import { alternate } from './alternate.ts'
import { measure, type Duration, type Sample } from './generator.ts'
import { loadGenerator } from './paths.ts'
import { Server } from './server.ts'
import { median, pairedRatio, standing, type Ratio, type Standing } from './statistics.ts'
import type { Entrant, Metric, Scenario, Target } from '../scenarios/scenario.ts'

export interface ConductOptions {
  readonly rounds: number
  readonly duration: Duration
  readonly profileTo?: string | undefined
  readonly onSample: (entrant: Entrant, round: number, sample: Sample) => void
  readonly onSkip: (entrant: Entrant, reason: string) => void
}

export interface ScenarioResult {
  readonly id: string
  readonly title: string
  readonly unit: string
  readonly load: Scenario['load']
  readonly entrants: readonly EntrantResult[]
  readonly comparisons: readonly Comparison[]
}

export interface EntrantResult {
  readonly id: string
  readonly label: string
  readonly samples: readonly Sample[]
  /** Of each figure by itself. */
  readonly medians: Medians
}

export interface Medians {
  readonly throughput: number
  readonly p50Us: number
  readonly p99Us: number
  readonly serverCpuUs: number
  readonly generatorCpuUs: number
  readonly serverResident: number
  readonly bytesPerIdleConnection: number
  readonly handshakeP50Us: number
  readonly handshakeP99Us: number
  readonly ticketsPerConnection: number
}

export interface Comparison {
  readonly entrant: string
  readonly peer: string
  readonly metric: Metric
  readonly ratio: Ratio
  readonly standing: Standing
  readonly target?: number
  readonly met?: boolean
}

export async function conduct(scenario: Scenario, options: ConductOptions): Promise<ScenarioResult> {
  const entrants = await installed(scenario.entrants, options)
  const results = await alternate(entrants, options.rounds, async (entrant, round) => {
    const sample = await measureFresh(scenario, entrant, options)
    options.onSample(entrant, round, sample)
    return sample
  })
  const entrantResults = [...results].map(([{ id, label }, samples]) => ({
    id,
    label,
    samples,
    medians: medians(samples),
  }))
  return {
    id: scenario.id,
    title: scenario.title,
    unit: scenario.unit,
    load: scenario.load,
    entrants: entrantResults,
    comparisons: scenario.targets.flatMap((target) => compare(target, entrantResults)),
  }
}

/** A fresh process each time: what a JIT happened to decide once is not carried through all rounds. */
async function measureFresh(scenario: Scenario, entrant: Entrant, options: ConductOptions): Promise<Sample> {
  const { descriptors, load } = scenario
  const server = await Server.start(entrant.program, [entrant.work], { descriptors, profileTo: options.profileTo })
  try {
    const sample = await measure({
      binary: loadGenerator,
      address: server.address(entrant.work),
      pid: server.pid,
      load,
      duration: options.duration,
      descriptors,
    })
    await server.stop()
    return sample
  } finally {
    server.kill()
  }
}

async function installed(entrants: readonly Entrant[], options: ConductOptions): Promise<Entrant[]> {
  const found: Entrant[] = []
  for (const entrant of entrants) {
    const command = entrant.optional === true ? await entrant.program.command([entrant.work]) : undefined
    if (command !== undefined && 'missing' in command) options.onSkip(entrant, command.missing)
    else found.push(entrant)
  }
  return found
}

function medians(samples: readonly Sample[]): Medians {
  const of = (figure: (sample: Sample) => number | null | undefined) =>
    median(samples.map((sample) => figure(sample) ?? Number.NaN))
  return {
    throughput: of((sample) => sample.throughput),
    p50Us: of((sample) => sample.p50Us),
    p99Us: of((sample) => sample.p99Us),
    serverCpuUs: of((sample) => sample.serverCpuUs),
    generatorCpuUs: of((sample) => sample.generatorCpuUs),
    serverResident: of((sample) => sample.serverResident),
    bytesPerIdleConnection: of((sample) => sample.bytesPerIdleConnection),
    handshakeP50Us: of((sample) => sample.handshakeP50Us),
    handshakeP99Us: of((sample) => sample.handshakeP99Us),
    ticketsPerConnection: of((sample) => sample.ticketsPerConnection),
  }
}

const FIGURES: Readonly<Record<Metric, (sample: Sample) => number | null | undefined>> = {
  cpu: (sample) => sample.serverCpuUs,
  memory: (sample) => sample.bytesPerIdleConnection,
  latency: (sample) => sample.p99Us,
  'handshake-latency': (sample) => sample.handshakeP99Us,
}

function compare(target: Target, results: readonly EntrantResult[]): Comparison[] {
  const ours = results.find(({ id }) => id === target.entrant)
  const peer = results.find(({ id }) => id === target.peer)
  if (ours === undefined || peer === undefined) return []
  const figure = (sample: Sample) => FIGURES[target.metric](sample) ?? Number.NaN
  const ratio = pairedRatio(ours.samples.map(figure), peer.samples.map(figure))
  return [
    {
      entrant: ours.label,
      peer: peer.label,
      metric: target.metric,
      ratio,
      standing: standing(ratio.median),
      ...(target.atMost === undefined ? {} : { target: target.atMost, met: ratio.median <= target.atMost }),
    },
  ]
}
