/**
 * What needs no I/O: synchronisation, tasks, scopes with a deadline, and what a waiting task holds of the heap. The cases
 * themselves are in `bench/micro`, each subject of each in a process of its own in every round.
 */
import { alternate } from '../harness/alternate.ts'
import { describeExit, JsonProcess } from '../harness/process.ts'
import { inBench } from '../harness/paths.ts'
import { median, pairedRatio, standing, type Ratio, type Standing } from '../harness/statistics.ts'

/** One peer in one case. */
export interface MicroResult {
  readonly id: string
  readonly title: string
  readonly peer: string
  readonly figure: MicroFigure
  readonly ours: number
  readonly peers: number
  /** The peer in a process that never loaded the library (`AsyncLocalStorage` slows all promises before Node 24). */
  readonly peersAlone: number
  readonly ratio: Ratio
  readonly ratioAlone: Ratio
  readonly standing: Standing
  readonly target?: number
  readonly met?: boolean
  readonly samples: { readonly ours: number[]; readonly peers: number[]; readonly peersAlone: number[] }
}

/** CPU time of one operation in µs, or bytes of the heap for each task. */
export type MicroFigure = 'cpu' | 'memory'

interface MicroCase {
  readonly id: string
  readonly title: string
  readonly figure?: MicroFigure
  /** Default: `micro`. */
  readonly group?: 'clients' | 'files' | 'processes' | 'threads'
  readonly peers: readonly MicroPeer[]
}

interface MicroPeer {
  readonly subject: string
  readonly label: string
  readonly atMost?: number
}

interface Measured {
  readonly case: string
  readonly subject: string
  readonly beside: boolean
}

const OURS = 'structio'
const HALF = 0.5

const asyncMutex: MicroPeer = { subject: 'async-mutex', label: 'async-mutex', atMost: HALF }
const asyncSema: MicroPeer = { subject: 'async-sema', label: 'async-sema', atMost: HALF }
const pQueue: MicroPeer = { subject: 'p-queue', label: 'p-queue', atMost: HALF }
const effect: MicroPeer = { subject: 'effect', label: 'Effect' }
const effection: MicroPeer = { subject: 'effection', label: 'Effection' }
const fileHandle: MicroPeer = { subject: 'file-handle', label: 'FileHandle.read, at a position', atMost: 0.06 }
const readFile: MicroPeer = { subject: 'read-file', label: 'fs.promises.readFile', atMost: 0.35 }
const linePeers = (atMost: number): MicroPeer[] => [
  { subject: 'readline', label: 'node:readline, for await', atMost },
  { subject: 'read-lines', label: 'fileHandle.readLines()', atMost },
  { subject: 'readline-events', label: 'node:readline, events' },
]
const piscina: MicroPeer = { subject: 'piscina', label: 'piscina', atMost: 1 }
const childProcess: MicroPeer = { subject: 'child-process', label: 'node:child_process' }
const nodeNet: MicroPeer = { subject: 'node-net', label: 'node:net' }
const promiseAll: MicroPeer = { subject: 'promise-all', label: 'Promise.all', atMost: 3 }

const LOCK = [asyncMutex, effect]
const SEMAPHORE = [asyncSema, asyncMutex, effect]
const QUEUE: MicroPeer[] = [{ ...asyncSema, label: 'two async-sema around an array' }, effect]

export const MICRO_CASES: readonly MicroCase[] = [
  { id: 'lock', title: 'Lock: acquire and release, free', peers: LOCK },
  { id: 'lock-contended', title: 'Lock: acquire and release, 8 tasks', peers: LOCK },
  { id: 'lock-use', title: 'Lock: use, free', peers: LOCK },
  { id: 'lock-use-contended', title: 'Lock: use, 8 tasks', peers: LOCK },
  { id: 'semaphore', title: 'Semaphore of 2: acquire and release, free', peers: SEMAPHORE },
  { id: 'semaphore-contended', title: 'Semaphore of 2: acquire and release, 8 tasks', peers: SEMAPHORE },
  { id: 'semaphore-use', title: 'Semaphore of 2: use, free', peers: SEMAPHORE },
  { id: 'semaphore-use-contended', title: 'Semaphore of 2: use, 8 tasks', peers: SEMAPHORE },
  { id: 'limiter-use', title: 'Capacity limiter of 2: use, free', peers: [pQueue] },
  { id: 'limiter-use-contended', title: 'Capacity limiter of 2: use, 8 tasks', peers: [pQueue] },
  { id: 'queue', title: 'Queue: put and get by one task', peers: QUEUE },
  { id: 'queue-contended', title: 'Queue of 4: put by 4 tasks, get by 4', peers: QUEUE },
  {
    id: 'memory-stream',
    title: 'Memory object stream of 4: from one task to another',
    peers: [
      { subject: 'pass-through', label: 'PassThrough of objects' },
      { subject: 'transform-stream', label: 'TransformStream' },
      { ...effect, label: 'Effect (Queue)' },
    ],
  },
  {
    id: 'spawn-join',
    title: 'Spawn and join a task that returns at once (groups of 100)',
    peers: [promiseAll, effection, effect],
  },
  {
    id: 'spawn-join-awaiting',
    title: 'Spawn and join a task that awaits once (groups of 100)',
    peers: [promiseAll, effection, effect],
  },
  {
    id: 'deadline-scope',
    title: 'Open and leave a scope with a deadline',
    peers: [
      { subject: 'abort-signal', label: 'AbortSignal.timeout + Promise.race', atMost: HALF },
      { subject: 'cleared-timer', label: 'setTimeout + Promise.race + clearTimeout' },
      { ...effect, label: 'Effect.timeout' },
    ],
  },
  {
    id: 'waiting-for-ever',
    title: 'Memory of a task that waits for ever',
    figure: 'memory',
    peers: [{ subject: 'own-promise', label: 'async function, a promise of its own' }, effection, effect],
  },
  {
    id: 'waiting-for-event',
    title: 'Memory of a task that waits for an event',
    figure: 'memory',
    peers: [
      { subject: 'shared-promise', label: 'async function, one promise for all' },
      { ...effection, label: 'Effection (withResolvers)' },
      { ...effect, label: 'Effect (Deferred)' },
    ],
  },
  {
    id: 'waiting-for-lock',
    title: 'Memory of a task that waits for a lock',
    figure: 'memory',
    peers: [{ subject: 'async-mutex', label: 'async-mutex' }, effect],
  },
  { id: 'thread-round-trip', title: 'Thread: a round trip, threadTask', group: 'threads', peers: [piscina] },
  {
    id: 'thread-round-trip-function',
    title: 'Thread: a round trip, a function sent by its source',
    group: 'threads',
    peers: [piscina],
  },
  { id: 'thread-round-trip-8', title: 'Thread: 8 callers, 2 threads', group: 'threads', peers: [piscina] },
  { id: 'client-redis', title: 'ioredis: a GET', group: 'clients', peers: [nodeNet] },
  { id: 'client-redis-pipeline', title: 'ioredis: a SET of a pipeline of 100', group: 'clients', peers: [nodeNet] },
  { id: 'client-pg', title: 'pg: a query of one row', group: 'clients', peers: [nodeNet] },
  { id: 'client-pg-queued', title: 'pg: a query of one row, 100 queued', group: 'clients', peers: [nodeNet] },
  { id: 'file-lines', title: 'File: lines, one by one', group: 'files', peers: linePeers(0.75) },
  { id: 'file-line-batches', title: 'File: lines, 64 KiB of them at a time', group: 'files', peers: linePeers(0.3) },
  { id: 'file-pages', title: 'File: seek, and read 4 KiB', group: 'files', peers: [fileHandle] },
  { id: 'file-pages-into', title: 'File: seek, and read 4 KiB into a view', group: 'files', peers: [fileHandle] },
  { id: 'file-whole', title: 'File: Path.readBytes of 64 KiB', group: 'files', peers: [readFile] },
  { id: 'file-open-read', title: 'File: open, read 64 KiB, close', group: 'files', peers: [readFile] },
  { id: 'process-spawn', title: 'Process: run /bin/true', group: 'processes', peers: [childProcess] },
  {
    id: 'process-spawn-large',
    title: 'Process: run /bin/true, from one that holds 512 MiB',
    group: 'processes',
    peers: [childProcess],
  },
  { id: 'process-cat', title: 'Process: a MiB through cat', group: 'processes', peers: [childProcess] },
]

export interface MicroOptions {
  readonly rounds: number
  readonly profileTo?: string | undefined
}

export async function measureMicro({ id, title, figure = 'cpu', peers }: MicroCase, options: MicroOptions) {
  const subjects: Measured[] = [
    { case: id, subject: OURS, beside: false },
    ...peers.flatMap(({ subject }) => [false, true].map((beside) => ({ case: id, subject, beside }))),
  ]
  const measured = await alternate(subjects, options.rounds, (subject) => runMicro(subject, options.profileTo))
  const samplesOf = (subject: string, beside: boolean) =>
    [...measured].find(([key]) => key.subject === subject && key.beside === beside)?.[1] ?? []
  const ours = samplesOf(OURS, false)
  return peers.map(({ subject, label, atMost }): MicroResult => {
    const beside = samplesOf(subject, true)
    const alone = samplesOf(subject, false)
    const ratio = pairedRatio(ours, beside)
    return {
      id,
      title,
      peer: label,
      figure,
      ours: median(ours),
      peers: median(beside),
      peersAlone: median(alone),
      ratio,
      ratioAlone: pairedRatio(ours, alone),
      standing: standing(ratio.median),
      ...(atMost === undefined ? {} : { target: atMost, met: ratio.median <= atMost }),
      samples: { ours, peers: beside, peersAlone: alone },
    }
  })
}

/** What one operation of one subject costs, measured in a fresh process. */
async function runMicro({ case: name, subject, beside }: Measured, profileTo: string | undefined): Promise<number> {
  const child = new JsonProcess(`${name} of ${subject}`, {
    file: process.execPath,
    args: [
      '--expose-gc',
      ...(profileTo === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileTo}`]),
      inBench('micro', 'measure.mjs'),
      ...['--case', name, '--subject', subject],
      ...(beside ? ['--beside', OURS] : []),
    ],
  })
  const exit = await child.exited
  const result = await child.next()
  if (exit.code !== 0 || typeof result?.['cost'] !== 'number') throw child.failure(describeExit(exit))
  return result['cost']
}
