/** The load generator (`bench/load`): its flags, and what it reports. */
import { certificates } from './certificates.ts'
import { describeExit, JsonProcess } from './process.ts'

/** One measurement, as the generator prints it. Times are microseconds; CPU times are for one operation. */
export interface Sample {
  readonly operations: number
  readonly seconds: number
  readonly throughput: number
  readonly p50Us: number
  readonly p99Us: number
  readonly generatorCpuUs: number
  /** `null` where the system has no `/proc`. */
  readonly serverCpuUs: number | null
  readonly serverResident: number | null
  readonly bytesPerIdleConnection?: number
  /** Of the handshakes beside the echoes, in a storm. */
  readonly handshakeP50Us?: number | null
  readonly handshakeP99Us?: number | null
  /** Under TLS: what was negotiated, and the session tickets that the server sent. */
  readonly suite?: string
  readonly group?: string
  readonly ticketsPerConnection?: number | null
}

export type Load = (Echo | Http | Datagrams | Relay | Lines | Accept | Idle | Handshakes | Storm) & {
  readonly tls?: Tls
}

interface Echo {
  readonly mode: 'echo'
  readonly connections: number
  readonly size: number
}

/** Over connections that stay open. */
interface Http {
  readonly mode: 'http'
  readonly connections: number
}

/** Over UDP, from so many sockets. */
interface Datagrams {
  readonly mode: 'datagrams'
  readonly connections: number
  readonly size: number
}

/** Mebibytes through a proxy, one way. */
interface Relay {
  readonly mode: 'relay'
  readonly connections: number
}

interface Lines {
  readonly mode: 'lines'
  readonly connections: number
  readonly size: number
  readonly pipeline: number
}

interface Accept {
  readonly mode: 'accept'
  readonly connections: number
}

interface Idle {
  readonly mode: 'idle'
  readonly connections: number
  readonly size: number
  readonly idle: number
}

/** Needs `tls`. */
interface Handshakes {
  readonly mode: 'handshakes'
  readonly connections: number
}

/** Echo by connections that pause, beside bursts of handshakes. Needs `tls`. */
interface Storm {
  readonly mode: 'storm'
  readonly connections: number
  readonly size: number
  readonly pauseMs: number
  readonly burst: number
  readonly everyMs: number
}

/** What the generator offers, where it is not its default. */
export interface Tls {
  readonly suite?: string
  readonly group?: string
}

export interface Duration {
  readonly warmupMs: number
  readonly durationMs: number
}

export interface Run {
  readonly binary: string
  readonly address: string
  readonly pid: number
  readonly load: Load
  readonly duration: Duration
  readonly descriptors?: number | undefined
}

/** Loads a server once. Rejects when one reply was wrong, missing or late. */
export async function measure(run: Run): Promise<Sample> {
  const { tls, ...load } = run.load
  const args = flags({ ...load, ...(await tlsFlags(tls)), address: run.address, pid: run.pid, ...run.duration })
  const child = new JsonProcess('load generator', { file: run.binary, args }, run.descriptors)
  const exit = await child.exited
  const sample = await child.next()
  if (exit.code !== 0 || sample === undefined) throw child.failure(describeExit(exit))
  return sample as unknown as Sample
}

/** Connections that have spoken once and now wait for the server to end them. */
export class Held {
  readonly #child: JsonProcess

  private constructor(child: JsonProcess) {
    this.#child = child
  }

  static async open(binary: string, address: string, connections: number, tls?: Tls): Promise<Held> {
    const args = flags({ mode: 'hold', ...(await tlsFlags(tls)), address, connections })
    const child = new JsonProcess('load generator', { file: binary, args })
    const line = await child.next()
    if (line?.['event'] !== 'holding') throw child.failure(describeExit(await child.exited))
    return new Held(child)
  }

  /** How many the server ended, by closing and by reset (under TLS also: without `close_notify`). Rejects when one stayed open. */
  async ends(): Promise<{ ended: number; reset: number }> {
    const exit = await this.#child.exited
    const line = await this.#child.next()
    if (exit.code !== 0 || line === undefined) throw this.#child.failure(describeExit(exit))
    return { ended: Number(line['ended']), reset: Number(line['reset']) }
  }
}

async function tlsFlags(tls: Tls | undefined): Promise<Record<string, string>> {
  return tls === undefined ? {} : { tls: await certificates(), ...tls }
}

/** `{ durationMs: 5 }` → `--duration-ms 5` */
function flags(values: Record<string, string | number>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [
    `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    String(value),
  ])
}
