/**
 * The `virtual` backend: simulated time and a simulated network behind the contract of `backend.ts`, for tests.
 *
 * - `clock.ts`, `network.ts`, `host.ts`, `options.ts`: the part that tests see.
 * - `timeline.ts`, `event-queue.ts`: the time of events. `scheduler.ts`, `random.ts`: their order, and chance.
 * - `fabric.ts`, `machine.ts`, `ports.ts`, `link.ts`, `traffic.ts`: hosts, and the transport of packets.
 * - `stream-direction.ts`, `outbox.ts`, `stream.ts`, `listener.ts`, `connect.ts`, `lookup.ts`: TCP. `tls.ts`: TLS over
 *   it.
 * - `datagram.ts`, `udp.ts`, `unix.ts`, `errors.ts`, `addresses.ts`, `socket-options.ts`: the other sockets.
 * - `process.ts`: child processes, which are real.
 */
import fs from 'node:fs'
import { countOnly, type DeadlineQueue, type RunState } from '../../kernel/index.ts'
import type {
  Abandon,
  AddressQuery,
  AddressRecord,
  Answer,
  Backend,
  DatagramTransport,
  FileSource,
  FileOpenOptions,
  FileTransport,
  ListenerTransport,
  ProcessTransport,
  NameQuery,
  NameRecord,
  SocketAddress,
  SpawnOptions,
  StreamTransport,
  TcpConnectOptions,
  TcpListenOptions,
  TlsStart,
  UdpOptions,
  UnixDatagramOptions,
  UnixListenOptions,
  UnixPath,
} from '../contract/backend.ts'
import { startEngine } from '../shared/engine-transport.ts'
import { openSource } from '../shared/file-source.ts'
import { resetLater } from '../shared/later.ts'
import type { MakeEngine } from '../contract/tls-engine.ts'
import { timelineOf, VirtualClock } from './clock.ts'
import { connect } from './connect.ts'
import type { Fabric } from './fabric.ts'
import { listen } from './listener.ts'
import { getAddrInfo, getNameInfo, lookup } from './lookup.ts'
import { fabricOf, VirtualNetwork } from './network.ts'
import { checkVirtualOptions, type VirtualOptions } from './options.ts'
import { JITTER, Random } from './random.ts'
import { SeededScheduler } from './scheduler.ts'
import { forkProgram } from '../shared/fork.ts'
import { spawnProcess } from './process.ts'
import type { Timeline } from './timeline.ts'
import { watchedEngine } from './tls.ts'
import { openUdp } from './udp.ts'
import { connectUnix, listenUnix, openUnixDatagram } from './unix.ts'

export type { VirtualOptions } from './options.ts'

/**
 * Creates a backend for one run.
 *
 * @param makeEngine - the TLS library of a real backend
 * @param real - that backend, for real work (files, processes)
 */
export function makeVirtualBackend(
  options: VirtualOptions,
  makeEngine: () => MakeEngine,
  real: () => Backend,
): Backend {
  checkVirtualOptions(options)
  const { seed, clock, network = new VirtualNetwork() } = options
  const fabric = fabricOf(network)
  const timeline = clock === undefined ? (fabric.clocked ?? timelineOf(new VirtualClock())) : timelineOf(clock)
  fabric.useTimeline(timeline)
  return new VirtualBackend(timeline, fabric, seed, makeEngine, real)
}

class VirtualBackend implements Backend {
  readonly name = 'virtual'
  readonly fileSystem = fs
  readonly deadlines: DeadlineQueue
  readonly scheduler: SeededScheduler | undefined
  readonly #timeline: Timeline
  readonly #fabric: Fabric
  readonly #seed: number | undefined
  readonly #random: Random
  readonly #makeEngine: () => MakeEngine
  readonly #real: () => Backend
  #engine: MakeEngine | undefined
  /** Set while the run is active. */
  #uncount: (() => void) | undefined

  constructor(
    timeline: Timeline,
    fabric: Fabric,
    seed: number | undefined,
    makeEngine: () => MakeEngine,
    real: () => Backend,
  ) {
    this.#timeline = timeline
    this.#fabric = fabric
    this.#seed = seed
    this.#random = new Random(seed ?? 0, JITTER)
    this.#makeEngine = makeEngine
    this.#real = real
    this.deadlines = timeline.deadlines
    this.scheduler = seed === undefined ? undefined : new SeededScheduler(seed)
  }

  settleIo(deliver: () => void): void {
    this.#timeline.settle()
    deliver()
  }

  random(): number {
    return this.#random.next()
  }

  busy(): boolean {
    return this.#timeline.busy || this.scheduler?.busy === true
  }

  runStarted(run: RunState): void {
    this.#uncount = countOnly()
    resetLater()
    this.#fabric.join(this.#seed)
    this.#timeline.join(run)
  }

  runEnded(run: RunState): void {
    this.#timeline.leave(run)
    this.#fabric.leave()
    this.#uncount?.()
  }

  lookup(host: string, family: 0 | 4 | 6, answer: Answer<SocketAddress[]>): Abandon {
    return lookup(this.#fabric, host, family, answer)
  }

  getAddrInfo(query: AddressQuery, answer: Answer<AddressRecord[]>): Abandon {
    return getAddrInfo(this.#fabric, query, answer)
  }

  getNameInfo(query: NameQuery, answer: Answer<NameRecord>): Abandon {
    return getNameInfo(this.#fabric, query, answer)
  }

  connectTcp(options: TcpConnectOptions, answer: Answer<StreamTransport>): Abandon {
    return connect(this.#fabric, options, answer)
  }

  listenTcp(options: TcpListenOptions, answer: Answer<ListenerTransport>): Abandon {
    return listen(this.#fabric, options, answer)
  }

  connectUnix(path: UnixPath, answer: Answer<StreamTransport>): Abandon {
    return connectUnix(this.#fabric, path, answer)
  }

  listenUnix(options: UnixListenOptions, answer: Answer<ListenerTransport>): Abandon {
    return listenUnix(this.#fabric, options, answer)
  }

  openUdp(options: UdpOptions, answer: Answer<DatagramTransport>): Abandon {
    return openUdp(this.#fabric, options, answer)
  }

  openUnixDatagram(options: UnixDatagramOptions, answer: Answer<DatagramTransport>): Abandon {
    return openUnixDatagram(this.#fabric, options, answer)
  }

  readonly fork = forkProgram

  followRealTime(): () => void {
    return this.#timeline.followRealTime()
  }

  spawnProcess(options: SpawnOptions, answer: Answer<ProcessTransport>): void {
    spawnProcess(this.#real(), this.#timeline, options, answer)
  }

  openFile(options: FileOpenOptions, answer: Answer<FileTransport>): Abandon {
    return this.#real().openFile(options, answer)
  }

  startTls(transport: StreamTransport, start: TlsStart, answer: Answer<StreamTransport>): Abandon {
    this.#engine ??= watchedEngine(this.#makeEngine(), this.#timeline)
    return startEngine(transport, start, this.#engine, answer)
  }

  /** Files are the real ones. A task that waits for one is marked (`REAL`), and time stands still. */
  openSource(file: string | Buffer | number, answer: Answer<FileSource>): void {
    openSource(file, answer)
  }
}
