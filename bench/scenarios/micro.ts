/** The row "spawn + join a task; open + leave a scope with a deadline": both sides in one process (`bench/micro`). */
import { describeExit, JsonProcess } from '../harness/process.ts'
import { inBench } from '../harness/paths.ts'
import { median, pairedRatio, standing, type Ratio, type Standing } from '../harness/statistics.ts'

export interface MicroResult {
  readonly id: string
  readonly title: string
  readonly peer: string
  readonly oursUs: number
  readonly peerUs: number
  /** The peer in a process that never loaded the library (`AsyncLocalStorage` slows all promises before Node 24). */
  readonly peerAloneUs: number
  readonly ratio: Ratio
  readonly standing: Standing
  readonly target?: number
  readonly met?: boolean
}

interface MicroCase {
  readonly title: string
  readonly peer: string
  readonly atMost?: number
}

type Rounds = Record<string, { ours?: number[]; peer: number[] }>

const CASES: Readonly<Record<string, MicroCase>> = {
  'spawn-join': {
    title: 'Spawn and join a task that returns at once (groups of 100)',
    peer: 'Promise.all',
    atMost: 3,
  },
  'spawn-join-awaiting': {
    title: 'Spawn and join a task that awaits once (groups of 100)',
    peer: 'Promise.all',
    atMost: 3,
  },
  'deadline-scope': {
    title: 'Open and leave a scope with a deadline',
    peer: 'AbortSignal.timeout + Promise.race',
    atMost: 0.5,
  },
  'deadline-scope-by-hand': {
    title: 'Open and leave a scope with a deadline',
    peer: 'setTimeout + Promise.race + clearTimeout',
  },
}

export async function measureMicro(rounds: number): Promise<MicroResult[]> {
  const shared = await runMicro(['--rounds', String(rounds)])
  const alone = await runMicro(['--rounds', String(rounds), '--only-peer', 'true'])
  return Object.entries(CASES).map(([id, { title, peer, atMost }]) => {
    const ours = shared[id]?.ours ?? []
    const peers = shared[id]?.peer ?? []
    const ratio = pairedRatio(ours, peers)
    return {
      id,
      title,
      peer,
      oursUs: median(ours),
      peerUs: median(peers),
      peerAloneUs: median(alone[id]?.peer ?? []),
      ratio,
      standing: standing(ratio.median),
      ...(atMost === undefined ? {} : { target: atMost, met: ratio.median <= atMost }),
    }
  })
}

async function runMicro(args: readonly string[]): Promise<Rounds> {
  const script = inBench('micro', 'structured.mjs')
  const child = new JsonProcess('micro benchmarks', {
    file: process.execPath,
    args: ['--expose-gc', script, ...args],
  })
  const exit = await child.exited
  const result = await child.next()
  if (exit.code !== 0 || result === undefined) throw child.failure(describeExit(exit))
  return result as Rounds
}
