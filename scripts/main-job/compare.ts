/**
 * `npm start`: the same work, over real sockets, on the native backend and on node:net, then under TLS on the native backend
 * and on node:tls. Both servers of a section live in processes of their own and take turns under the load generator, which
 * is a third. At the end of it the structio server is told to cancel its scope while connections are open, and has to end by
 * itself.
 */
import { existsSync } from 'node:fs'
import { cpus } from 'node:os'

import { alternate } from '../../bench/harness/alternate.ts'
import { Held, measure, type Duration, type Sample, type Tls } from '../../bench/harness/generator.ts'
import { loadGenerator } from '../../bench/harness/paths.ts'
import { killAll, killAllOnSignals } from '../../bench/harness/process.ts'
import { Server } from '../../bench/harness/server.ts'
import { median, pairedRatio } from '../../bench/harness/statistics.ts'
import { microseconds, perSecond, ratio, textTable, type Column } from '../../bench/harness/table.ts'
import { sections, type Case, type Section } from './cases.ts'

const ROUNDS = 3
const DURATION: Duration = { warmupMs: 200, durationMs: 900 }
/** Before the first case: what the compilers of both sides do in their first second belongs to no case. */
const FIRST_WARM_UP: Duration = { warmupMs: 100, durationMs: 700 }
const HELD_CONNECTIONS = 64
const PATIENCE = 110_000

interface Side {
  readonly name: string
  readonly server: Server
  work(of: Case): string
}

/** The last line of `bench/servers/structio.mjs`. */
interface HowItEnded {
  readonly cancelled: boolean
  readonly reason: string
  readonly connections: number
  readonly closed: number
  readonly tasksLeft: number
}

interface Row {
  readonly title: string
  readonly side: string
  readonly samples: readonly Sample[]
  /** Only in the rows of ours. */
  readonly against?: readonly Sample[]
}

export async function compare(): Promise<void> {
  if (!existsSync(loadGenerator)) throw new Error('the load generator is not built: npm run build -- load')
  killAllOnSignals()
  const patience = setTimeout(() => {
    console.error(`npm start failed: not done after ${PATIENCE / 1000} s`)
    void killAll().then(() => process.exit(1))
  }, PATIENCE)
  try {
    const began = performance.now()
    console.log('\n── Servers under load ' + '─'.repeat(71))
    console.log(
      `\nNode ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}\n`,
    )
    for (const [index, section] of sections.entries()) {
      if (index > 0) console.log()
      await compareSection(section)
    }
    console.log(`\nDone in ${seconds(began)} s.`)
  } finally {
    clearTimeout(patience)
    await killAll()
  }
}

async function compareSection(section: Section): Promise<void> {
  const ours = await start(section, 'ours')
  const peer = await start(section, 'peer')
  const [first] = section.cases
  if (first !== undefined) for (const side of [ours, peer]) await measureSide(side, first, FIRST_WARM_UP)

  const rows: Row[] = []
  for (const [index, one] of section.cases.entries()) {
    rows.push(...(await compareCase(one, [ours, peer], `[${index + 1}/${section.cases.length}]`)))
  }
  console.log(`\n${section.title}, medians of ${ROUNDS} alternating rounds; every reply was compared byte by byte\n`)
  console.log(textTable(columns, rows))
  console.log(`\nratio: CPU time of the server for one operation, structio to ${peer.name}, lower is better.`)

  await peer.server.stop()
  await shutDown(ours, section.tls)
}

async function start(section: Section, which: 'ours' | 'peer'): Promise<Side> {
  const program = section[which]
  const works = [...new Set(section.cases.map((one) => one[which]))]
  const server = await Server.start(program, works)
  const ports = works.map((work) => `${work} on ${server.address(work)}`).join(', ')
  console.log(`${program.name}, process ${server.pid}: ${ports}`)
  return { name: program.name, server, work: (of) => of[which] }
}

async function compareCase(one: Case, sides: readonly [Side, Side], progress: string): Promise<Row[]> {
  const results = await alternate(sides, ROUNDS, async (side, round) => {
    const sample = await measureSide(side, one, DURATION)
    const figures = `${perSecond(sample.throughput).padStart(11)}  ${microseconds(sample.serverCpuUs).padStart(9)} CPU each`
    const head = side === sides[0] && round === 0 ? progress : ''
    console.log(`${head.padEnd(6)} ${one.title.padEnd(42)} ${side.name.padEnd(16)} ${figures}`)
    return sample
  })
  const [ours, peer] = sides
  const against = results.get(peer) ?? []
  return [
    { title: one.title, side: ours.name, samples: results.get(ours) ?? [], against },
    { title: '', side: peer.name, samples: against },
  ]
}

async function measureSide(side: Side, one: Case, duration: Duration): Promise<Sample> {
  const { server } = side
  const address = server.address(side.work(one))
  return await measure({ binary: loadGenerator, address, pid: server.pid, load: one.load, duration })
}

/** Cancelling the scope must end everything that was begun inside it, however many connections are open. */
async function shutDown({ name, server }: Side, tls: Tls | undefined): Promise<void> {
  const address = server.address('echo')
  const held = await Held.open(loadGenerator, address, HELD_CONNECTIONS, tls)
  console.log(`\nShutting ${name} down by cancelling its scope, with ${HELD_CONNECTIONS} connections open`)
  const began = performance.now()
  const { last } = await server.stop()
  const clients = await held.ends()
  const took = (performance.now() - began).toFixed(0)
  if (last?.['event'] !== 'ended') throw new Error(`${name} did not say how it ended`)
  const { cancelled, reason, connections, closed, tasksLeft } = last as unknown as HowItEnded
  console.log(`  the scope ended: cancelled ${cancelled}, reason ${reason}, ${tasksLeft} tasks left`)
  console.log(`  ${closed} of ${connections} connections were closed by the server`)
  console.log(`  ${clients.ended + clients.reset} of ${HELD_CONNECTIONS} clients saw their connection end`)
  console.log(`  nothing was left to keep the process alive: it ended by itself, ${took} ms after it was told`)
  const clean = cancelled === true && closed === connections && tasksLeft === 0 && clients.ended === HELD_CONNECTIONS
  if (!clean) throw new Error(`${name} did not end cleanly: ${JSON.stringify({ ...last, clients })}`)
}

const columns: readonly Column<Row>[] = [
  { title: 'work', cell: ({ title }) => title },
  { title: 'server', cell: ({ side }) => side },
  { title: 'throughput', align: 'right', cell: ({ samples }) => perSecond(middle(samples, 'throughput')) },
  { title: 'p50', align: 'right', cell: ({ samples }) => microseconds(middle(samples, 'p50Us')) },
  { title: 'p99', align: 'right', cell: ({ samples }) => microseconds(middle(samples, 'p99Us')) },
  { title: 'server CPU', align: 'right', cell: ({ samples }) => microseconds(middle(samples, 'serverCpuUs')) },
  {
    title: 'ratio',
    align: 'right',
    cell: ({ samples, against }) => (against === undefined ? '' : ratioOf(samples, against)),
  },
]

type Figure = 'throughput' | 'p50Us' | 'p99Us' | 'serverCpuUs'

function middle(samples: readonly Sample[], figure: Figure): number {
  return median(samples.map((sample) => sample[figure] ?? Number.NaN))
}

function ratioOf(samples: readonly Sample[], against: readonly Sample[]): string {
  const cpu = (of: readonly Sample[]) => of.map(({ serverCpuUs }) => serverCpuUs ?? Number.NaN)
  return ratio(pairedRatio(cpu(samples), cpu(against)).median)
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(0)
}
