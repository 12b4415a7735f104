/**
 * `npm run bench`: every benchmark, in alternating rounds (method.md).
 *
 * ```text
 *  run.ts ─► scenarios/tcp    what is measured, against whom, with which target
 *         ─► scenarios/tls
 *         ─► scenarios/udp
 *         ─► scenarios/relay
 *         ─► scenarios/http
 *         ─► scenarios/micro
 *         ─► harness/conduct  one scenario: rounds, fresh processes, comparisons
 *         ─► harness/report   JSON, Markdown, SVG
 * ```
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

import { conduct, type ScenarioResult } from './harness/conduct.ts'
import { inBench, loadGenerator } from './harness/paths.ts'
import { killAll, killAllOnSignals } from './harness/process.ts'
import { columnsFor, lineColumns, linesOf, machine, microColumns, writeReport } from './harness/report.ts'
import { microseconds, perSecond, textTable } from './harness/table.ts'
import { measureMicro, MICRO_CASES, type MicroResult } from './scenarios/micro.ts'
import type { Scenario } from './scenarios/scenario.ts'
import { httpScenarios } from './scenarios/http.ts'
import { relayScenarios } from './scenarios/relay.ts'
import { tcpScenarios } from './scenarios/tcp.ts'
import { tlsScenarios } from './scenarios/tls.ts'
import { udpScenarios } from './scenarios/udp.ts'
import { VARIANTS, type Variant } from './scenarios/variants.ts'

const USAGE = `npm run bench -- [options]

  --only NAME,…      groups (tcp, tls, udp, relay, http, micro, files, threads, processes, clients) or scenarios by their beginning (echo, lines, tls-handshake, lock, queue…)
  --rounds N         alternating rounds (default 5)
  --duration-ms N    measured time of one round of one server (default 2000); --warmup-ms N (default 1000)
  --variants A,…     native, thread, node: backends and drivers; targets are for the first (default native)
  --peers no         leave out the peers in other languages
  --quick            2 short rounds, no optional peers: does everything still run? Results go to quick-*
  --profile          servers on Node write a CPU profile to bench/results/profiles
  --against FILE     the entry (dist/index.js) of another build of the library: measure this one against it
  --name NAME        name of the files in bench/results (default: the groups)`

const GROUPS = ['tcp', 'tls', 'udp', 'relay', 'http', 'micro', 'files', 'threads', 'processes', 'clients']

const options = readOptions()
killAllOnSignals()
try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  await killAll()
}

async function main(): Promise<boolean> {
  if (!existsSync(loadGenerator)) throw new Error('The load generator is not built: npm run build -- load')
  const wanted = (name: string, group: string) =>
    options.only.length === 0 || options.only.some((only) => only === group || name.startsWith(only))
  const scenarios = [
    ...tcpScenarios(options).filter(({ id }) => wanted(id, 'tcp')),
    ...tlsScenarios(options).filter(({ id }) => wanted(id, 'tls')),
    ...udpScenarios(options).filter(({ id }) => wanted(id, 'udp')),
    ...relayScenarios(options).filter(({ id }) => wanted(id, 'relay')),
    ...httpScenarios(options).filter(({ id }) => wanted(id, 'http')),
  ]
  const results: ScenarioResult[] = []
  let complete = true
  for (const scenario of scenarios) {
    try {
      results.push(await conductAloud(scenario))
    } catch (error) {
      // The others are still worth measuring; the exit code tells that one is missing.
      complete = false
      console.error(`\n${scenario.title}: FAILED\n${error instanceof Error ? error.message : String(error)}`)
    }
  }
  const micro: MicroResult[] = []
  for (const one of MICRO_CASES.filter(({ id, group = 'micro' }) => wanted(id, group))) {
    try {
      micro.push(...(await measureMicroAloud(one)))
    } catch (error) {
      complete = false
      console.error(`\n${one.title}: FAILED\n${error instanceof Error ? error.message : String(error)}`)
    }
  }
  if (results.length + micro.length === 0) throw new Error(`Nothing to report.\n\n${USAGE}`)

  const report = {
    machine: machine(),
    rounds: options.rounds,
    durationMs: options.durationMs,
    scenarios: results,
    micro,
  }
  console.log(`\n${textTable(lineColumns, linesOf(report))}\n`)
  for (const file of await writeReport(options.name, report)) console.log(`wrote ${file}`)
  return complete
}

async function conductAloud(scenario: Scenario): Promise<ScenarioResult> {
  console.log(`\n${scenario.title}`)
  const entrants = options.peers ? scenario.entrants : scenario.entrants.filter(({ optional }) => optional !== true)
  const result = await conduct(
    { ...scenario, entrants },
    {
      rounds: options.rounds,
      duration: { warmupMs: options.warmupMs, durationMs: options.durationMs },
      profileTo: options.profile ? inBench('results', 'profiles') : undefined,
      onSkip: ({ label }, reason) => console.log(`  skipped ${label}: ${reason}`),
      onSample: ({ label }, round, { throughput, serverCpuUs }) => {
        const figures = `${perSecond(throughput).padStart(12)}  ${microseconds(serverCpuUs).padStart(9)}`
        console.log(`  ${round + 1}/${options.rounds}  ${label.padEnd(36)} ${figures} per ${scenario.unit}`)
      },
    },
  )
  console.log(`\n${textTable(columnsFor(result.entrants), result.entrants)}`)
  return result
}

async function measureMicroAloud(one: (typeof MICRO_CASES)[number]): Promise<MicroResult[]> {
  const profileTo = options.profile ? inBench('results', 'profiles') : undefined
  const results = await measureMicro(one, { rounds: options.rounds, profileTo })
  console.log(`\n${textTable(microColumns, results)}`)
  return results
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        rounds: { type: 'string' },
        'duration-ms': { type: 'string' },
        'warmup-ms': { type: 'string' },
        variants: { type: 'string', default: 'native' },
        peers: { type: 'string', default: 'yes' },
        quick: { type: 'boolean', default: false },
        profile: { type: 'boolean', default: false },
        against: { type: 'string' },
        name: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) throw new Error('')
    const only = list(values.only)
    const { quick } = values
    return {
      only,
      quick,
      rounds: count('--rounds', values.rounds, quick ? 2 : 5),
      durationMs: count('--duration-ms', values['duration-ms'], quick ? 500 : 2000),
      warmupMs: count('--warmup-ms', values['warmup-ms'], quick ? 300 : 1000),
      variants: list(values.variants).map(variant),
      peers: values.peers !== 'no' && !quick,
      profile: values.profile,
      otherBuild: values.against === undefined ? undefined : resolve(values.against),
      name: values.name ?? `${quick ? 'quick-' : ''}${only.length === 0 ? GROUPS.join('-') : only.join('-')}`,
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    console.error(`${message}\n\n${USAGE}`.trim())
    process.exit(2)
  }
}

function list(text: string | undefined): string[] {
  return (text ?? '').split(',').filter((item) => item !== '')
}

function count(flag: string, text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`${flag} takes a whole number above 0, not ${text}`)
  return value
}

function variant(name: string): Variant {
  if (!Object.hasOwn(VARIANTS, name))
    throw new Error(`--variants takes ${Object.keys(VARIANTS).join(', ')}; not ${name}`)
  return name as Variant
}
