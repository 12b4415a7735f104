/**
 * Child processes are real ones, of a backend that works here. While one runs, simulated time is no faster than the
 * real one.
 */
import type {
  Answer,
  Backend,
  ProcessSink,
  ProcessTransport,
  SpawnOptions,
  StreamTransport,
} from '../contract/backend.ts'
import type { Timeline } from './timeline.ts'

export function spawnProcess(
  real: Backend,
  timeline: Timeline,
  options: SpawnOptions,
  answer: Answer<ProcessTransport>,
): void {
  const ended = timeline.followRealTime()
  real.spawnProcess(options, (error, transport) => {
    if (transport === undefined) ended()
    answer(error, transport === undefined ? undefined : new VirtualProcess(transport, ended))
  })
}

class VirtualProcess implements ProcessTransport, ProcessSink {
  declare sink: ProcessSink
  readonly #real: ProcessTransport
  readonly #ended: () => void

  constructor(real: ProcessTransport, ended: () => void) {
    this.#real = real
    this.#ended = ended
    real.sink = this
  }

  get pid(): number {
    return this.#real.pid
  }

  get stdin(): StreamTransport | undefined {
    return this.#real.stdin
  }

  get stdout(): StreamTransport | undefined {
    return this.#real.stdout
  }

  get stderr(): StreamTransport | undefined {
    return this.#real.stderr
  }

  exited(returncode: number): void {
    this.#ended()
    this.sink.exited(returncode)
  }

  signal(number: number): boolean {
    return this.#real.signal(number)
  }

  stop(grace: number, done: () => void): void {
    this.#real.stop(grace, done)
  }

  ref(): void {
    this.#real.ref()
  }

  unref(): void {
    this.#real.unref()
  }
}
