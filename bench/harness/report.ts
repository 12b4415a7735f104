/** What is written of a run: JSON with every sample, a Markdown table, a chart. */
import { mkdir, writeFile } from 'node:fs/promises'
import { arch, cpus, platform, release } from 'node:os'

import type { MicroFigure, MicroResult } from '../scenarios/micro.ts'
import type { Metric } from '../scenarios/scenario.ts'
import { chart, type Bar } from './chart.ts'
import type { Comparison, EntrantResult, Medians, ScenarioResult } from './conduct.ts'
import { inBench } from './paths.ts'
import { bytes, markdownTable, microseconds, NONE, perSecond, ratio, type Column } from './table.ts'

export interface Report {
  readonly machine: Machine
  readonly rounds: number
  readonly durationMs: number
  readonly scenarios: readonly ScenarioResult[]
  readonly micro: readonly MicroResult[]
}

export interface Machine {
  readonly node: string
  readonly system: string
  readonly processor: string
  readonly cores: number
  readonly date: string
}

/** A comparison with the scenario it belongs to: a line of the table of targets. */
export interface Line {
  readonly work: string
  readonly entrant: string
  readonly peer: string
  readonly comparison: Pick<Comparison, 'ratio' | 'standing' | 'target' | 'met'>
}

const entrantColumns: readonly Column<EntrantResult>[] = [
  { title: 'server', cell: ({ label }) => label },
  { title: 'throughput', align: 'right', cell: ({ medians }) => perSecond(medians.throughput) },
  { title: 'p50', align: 'right', cell: ({ medians }) => microseconds(medians.p50Us) },
  { title: 'p99', align: 'right', cell: ({ medians }) => microseconds(medians.p99Us) },
  { title: 'server CPU', align: 'right', cell: ({ medians }) => microseconds(medians.serverCpuUs) },
  { title: 'generator CPU', align: 'right', cell: ({ medians }) => microseconds(medians.generatorCpuUs) },
  { title: 'resident', align: 'right', cell: ({ medians }) => bytes(medians.serverResident) },
]

/** Columns of figures that only some scenarios have. */
const RARE: readonly { title: string; figure: keyof Medians; write: (value: number) => string }[] = [
  { title: 'per idle conn.', figure: 'bytesPerIdleConnection', write: bytes },
  { title: 'handshake p50', figure: 'handshakeP50Us', write: microseconds },
  { title: 'handshake p99', figure: 'handshakeP99Us', write: microseconds },
  { title: 'tickets', figure: 'ticketsPerConnection', write: (value) => value.toFixed(1) },
]

export function columnsFor(entrants: readonly EntrantResult[]): Column<EntrantResult>[] {
  const present = RARE.filter(({ figure }) => entrants.some(({ medians }) => !Number.isNaN(medians[figure])))
  const rare = present.map(({ title, figure, write }): Column<EntrantResult> => ({
    title,
    align: 'right',
    cell: ({ medians }) => (Number.isNaN(medians[figure]) ? NONE : write(medians[figure])),
  }))
  return [...entrantColumns, ...rare]
}

/** What the figure of a comparison is, where it is not CPU time. */
const SUFFIXES: Readonly<Record<Metric, string>> = {
  cpu: '',
  memory: ': memory of an idle one',
  latency: ': p99 of an echo',
  'handshake-latency': ': p99 of a handshake',
}

export const lineColumns: readonly Column<Line>[] = [
  { title: 'work', cell: ({ work }) => work },
  { title: 'server', cell: ({ entrant }) => entrant },
  { title: 'against', cell: ({ peer }) => peer },
  { title: 'ratio', align: 'right', cell: ({ comparison }) => ratio(comparison.ratio.median) },
  {
    title: 'rounds',
    align: 'right',
    cell: ({ comparison }) => `${ratio(comparison.ratio.lowest)}–${ratio(comparison.ratio.highest)}`,
  },
  {
    title: 'target',
    align: 'right',
    cell: ({ comparison: { target } }) => (target === undefined ? NONE : `≤ ${target}`),
  },
  { title: 'outcome', cell: ({ comparison }) => outcome(comparison) },
]

const FIGURE: Readonly<Record<MicroFigure, (value: number) => string>> = { cpu: microseconds, memory: bytes }

export const microColumns: readonly Column<MicroResult>[] = [
  { title: 'work', cell: ({ title }) => title },
  { title: 'against', cell: ({ peer }) => peer },
  { title: 'structio', align: 'right', cell: ({ figure, ours }) => FIGURE[figure](ours) },
  { title: 'peer', align: 'right', cell: ({ figure, peers }) => FIGURE[figure](peers) },
  { title: 'ratio', align: 'right', cell: (result) => ratio(result.ratio.median) },
  { title: 'peer, library not loaded', align: 'right', cell: ({ figure, peersAlone }) => FIGURE[figure](peersAlone) },
  { title: 'ratio to that', align: 'right', cell: ({ ratioAlone }) => ratio(ratioAlone.median) },
]

export function linesOf({ scenarios, micro }: Pick<Report, 'scenarios' | 'micro'>): Line[] {
  return [
    ...scenarios.flatMap(({ title, comparisons }) =>
      comparisons.map((comparison) => ({
        work: `${title}${SUFFIXES[comparison.metric]}`,
        entrant: comparison.entrant,
        peer: comparison.peer,
        comparison,
      })),
    ),
    ...micro.map((result) => ({ work: result.title, entrant: 'structio', peer: result.peer, comparison: result })),
  ]
}

export function machine(): Machine {
  return {
    node: process.version,
    system: `${platform()} ${release().replace(/-.*/, '')} ${arch()}`,
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    date: new Date().toISOString().slice(0, 10),
  }
}

/** Writes `bench/results/<name>.{json,md,svg}` and returns their names. */
export async function writeReport(name: string, report: Report): Promise<string[]> {
  await mkdir(inBench('results'), { recursive: true })
  const files: [string, string][] = [
    [`${name}.json`, `${JSON.stringify(report, undefined, 1)}\n`],
    [`${name}.md`, markdown(name, report)],
    [
      `${name}.svg`,
      chart(
        `${titleOf(name)}: cost against the peer`,
        `Lower is better; the mark is the target. ${subtitle(report)}`,
        bars(report),
      ),
    ],
  ]
  for (const [file, text] of files) await writeFile(inBench('results', file), text)
  return files.map(([file]) => `bench/results/${file}`)
}

function markdown(name: string, report: Report): string {
  const sections = report.scenarios.map(
    ({ title, unit, entrants }) =>
      `### ${title}\n\nMedians; CPU time is for one ${unit}.${negotiated(entrants)}\n\n` +
      `${markdownTable(columnsFor(entrants), entrants)}\n`,
  )
  const micro =
    report.micro.length === 0
      ? []
      : [
          `### Without I/O\n\nCPU time of one operation, or memory of one task; medians. *Library not loaded*: the peer in a process without structio.\n\n${markdownTable(microColumns, report.micro)}\n`,
        ]
  return [
    `<!-- Written by \`npm run bench\`. -->\n`,
    `# ${titleOf(name)}, measured\n\n${subtitle(report)}. How: [method.md](../method.md).\n`,
    `![${titleOf(name)}: ratio of each row to its peer](${name}.svg)\n`,
    `## Against the targets\n\n${legend}\n\n${markdownTable(lineColumns, linesOf(report))}\n`,
    `## Every server\n`,
    ...sections,
    ...micro,
  ].join('\n')
}

const TITLES: Readonly<Record<string, string>> = {
  tcp: 'TCP',
  tls: 'TLS',
  udp: 'UDP',
  relay: 'Relaying',
  files: 'Files',
  threads: 'Threads',
  processes: 'Processes',
  micro: 'Tasks and synchronisation',
  clients: 'Clients of Node over our sockets',
  http: 'HTTP',
  drivers: 'Drivers and backends',
}

/** What a file of results is about. A run of single scenarios has no title of its own. */
function titleOf(name: string): string {
  return TITLES[name] ?? name
}

/** Under TLS: what the clients asked for, the same of every server. */
function negotiated(entrants: readonly EntrantResult[]): string {
  const sample = entrants[0]?.samples[0]
  return sample?.suite === undefined ? '' : ` TLS 1.3, ${sample.suite}, ${sample.group ?? 'unknown'}.`
}

const legend =
  'Ratio of CPU time per operation (or what else it says), taken within each round; the median of the rounds, and ' +
  'the lowest and highest of them. Less than 10 % from 1 is a tie.'

function subtitle({ machine, rounds, durationMs, scenarios }: Report): string {
  const { date, node, system, processor, cores } = machine
  const length = scenarios.length === 0 ? '' : ` of ${durationMs / 1000} s`
  return `${date}, Node ${node.slice(1)}, ${system}, ${processor} × ${cores}, ${rounds} alternating rounds${length}`
}

function bars(report: Report): Bar[] {
  return linesOf(report).map(({ work, entrant, peer, comparison }) => ({
    label: work,
    versus: `${entrant} against ${peer}`,
    ratio: comparison.ratio,
    target: comparison.target,
    met: comparison.met,
  }))
}

export function outcome({ standing, met, ratio: { median } }: Line['comparison']): string {
  if (Number.isNaN(median)) return 'not measured'
  const verdict = met === undefined ? '' : met ? 'met, ' : 'missed, '
  return `${verdict}${standing}`
}
