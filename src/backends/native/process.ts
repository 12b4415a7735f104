/** Child processes. The addon starts and reaps them, and their pipes are handles like sockets. */
import { constants } from 'node:os'
import { UnsupportedError } from '../../errors.ts'
import type { BindingChildProcess } from '../../native/load.ts'
import { Stdio } from '../../native/protocol.ts'
import type { Answer, ProcessSink, ProcessTransport, SpawnOptions, StandardStream } from '../contract/backend.ts'
import { later } from '../shared/later.ts'
import { spawnError } from '../shared/spawn-failure.ts'
import { type Stoppable, StopProcess } from '../shared/stop-process.ts'
import { systemError } from './errors.ts'
import { handleGeneration, handleIndex, type NativeEventLoop } from './event-loop.ts'
import { NativeStream } from './stream.ts'

/** Values that stand for a descriptor. */
const SPECIAL = { pipe: Stdio.Pipe, null: Stdio.Null, stdout: Stdio.Stdout } as const

export function spawnProcess(loop: NativeEventLoop, options: SpawnOptions, answer: Answer<ProcessTransport>): void {
  if (process.platform === 'win32') {
    const error = new UnsupportedError('processes: the native backend has none on this system; the node backend does')
    later(() => answer(error))
    return
  }
  const { command, cwd, env, stdin, stdout, stderr, processGroup } = options
  const [program, ...args] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command
  const child = loop.binding.spawnProcess({
    program: program as string,
    arguments: args,
    environment: Object.entries(env).flat(),
    ...(cwd === undefined ? {} : { folder: cwd }),
    stdio: [stdin, stdout, stderr].map(toNumber),
    group: processGroup,
  })
  if (child.errno !== 0) {
    const error = spawnError(child.errno, options)
    later(() => answer(error))
    return
  }
  const transport = new NativeProcess(loop, child, options)
  later(() => {
    answer(undefined, transport)
    transport.answered()
  })
}

class NativeProcess implements ProcessTransport, Stoppable {
  declare sink: ProcessSink
  readonly pid: number
  readonly leadsGroup: boolean
  readonly stdin: NativeStream | undefined
  readonly stdout: NativeStream | undefined
  readonly stderr: NativeStream | undefined
  readonly #loop: NativeEventLoop
  readonly #child: BindingChildProcess
  #returncode: number | undefined
  /** Whether the sink is set. */
  #answered = false
  #stop: StopProcess | undefined
  #held = false

  constructor(loop: NativeEventLoop, child: BindingChildProcess, { processGroup }: SpawnOptions) {
    this.#loop = loop
    this.#child = child
    this.pid = child.pid
    this.leadsGroup = processGroup
    const [stdin = 0, stdout = 0, stderr = 0] = child.streams
    this.stdin = this.#stream(stdin, 'stdin')
    this.stdout = this.#stream(stdout, 'stdout')
    this.stderr = this.#stream(stderr, 'stderr')
    loop.awaitExit(child.request, (returncode) => this.#exited(returncode))
  }

  get ended(): boolean {
    return this.#returncode !== undefined
  }

  /** The child may have exited before the answer. */
  answered(): void {
    this.#answered = true
    if (this.#returncode !== undefined) this.sink.exited(this.#returncode)
  }

  signal(number: number): boolean {
    const errno = this.#child.signal(number)
    if (errno === 0) return true
    if (errno === constants.errno.ESRCH) return false
    throw systemError(errno, 'kill')
  }

  stop(grace: number, done: () => void): void {
    this.#loop.hold(1)
    this.#stop = new StopProcess(this, grace, () => {
      this.#stop = undefined
      this.#loop.hold(-1)
      done()
    })
  }

  ref(): void {
    this.#hold(true)
  }

  unref(): void {
    this.#hold(false)
  }

  #stream(handle: number, name: string): NativeStream | undefined {
    if (handle === 0) return undefined
    // A pipe has no addresses.
    const label = `${name} of process ${this.pid}`
    return new NativeStream(this.#loop, handleIndex(handle), handleGeneration(handle), label, label)
  }

  #exited(returncode: number): void {
    this.#returncode = returncode
    if (this.#answered) this.sink.exited(returncode)
    this.#stop?.progress()
  }

  #hold(held: boolean): void {
    if (this.#held === held) return
    this.#held = held
    this.#loop.hold(held ? 1 : -1)
  }
}

function toNumber(stream: StandardStream | 'stdout'): number {
  return typeof stream === 'number' ? stream : SPECIAL[stream]
}
