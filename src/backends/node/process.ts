/**
 * Child processes on node:child_process.
 *
 * Invariants
 * 1. When a child exits, Node discards its unread output and closes its input. So reading begins at once (bounded by
 *    Node's buffer), and a later send fails with `EPIPE`.
 * 2. Every event of the child has a listener. An 'error' event without one would end this process.
 */
import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process'
import { constants } from 'node:os'
import type { Socket } from 'node:net'
import { detached } from '../../kernel/index.ts'
import type { Answer, ProcessSink, ProcessTransport, SpawnOptions, SystemError } from '../contract/backend.ts'
import { spawnError } from '../shared/spawn-failure.ts'
import { type Stoppable, StopProcess } from '../shared/stop-process.ts'
import { systemError } from './errors.ts'
import { openSocketPair } from './socket-pair.ts'
import { NodeStream } from './stream.ts'
import { soon } from '../shared/later.ts'

export function spawnProcess(options: SpawnOptions, answer: Answer<ProcessTransport>): void {
  if (options.stdout !== 'pipe' || options.stderr !== 'stdout') start(options, undefined, answer)
  else {
    // node:child_process cannot give a child one pipe for both streams.
    openSocketPair((error, pair) => {
      if (pair === undefined) answer(error)
      else start(options, pair, answer)
    })
  }
}

/** Both ends of a pipe: the child's, and this process's. */
export interface SocketPair {
  readonly theirs: Socket
  readonly ours: Socket
}

function start(options: SpawnOptions, pair: SocketPair | undefined, answer: Answer<ProcessTransport>): void {
  const { command, cwd, env, processGroup } = options
  const stdio = toStdio(options, pair)
  const setup = { cwd, env, stdio, detached: processGroup, windowsHide: true }
  const open = (): ChildProcess =>
    typeof command === 'string'
      ? spawn(command, { ...setup, shell: true })
      : spawn(command[0] as string, command.slice(1), setup)
  let child: ChildProcess
  try {
    // In the async context of no task, because its handles belong to the process.
    child = detached(open)
  } catch (error) {
    pair?.ours.destroy()
    soon(() => answer(toSpawnError(error as SystemError, options)))
    return
  } finally {
    pair?.theirs.destroy()
  }
  if (child.pid === undefined) {
    pair?.ours.destroy()
    child.once('error', (error) => answer(toSpawnError(error as SystemError, options)))
    return
  }
  const transport = new NodeProcess(child, child.pid, processGroup, pair?.ours)
  soon(() => {
    answer(undefined, transport)
    transport.answered()
  })
}

class NodeProcess implements ProcessTransport, Stoppable {
  declare sink: ProcessSink
  readonly pid: number
  readonly leadsGroup: boolean
  readonly stdin: NodeStream | undefined
  readonly stdout: NodeStream | undefined
  readonly stderr: NodeStream | undefined
  readonly #child: ChildProcess
  #returncode: number | undefined
  /** Whether the sink is set. */
  #answered = false
  #stop: StopProcess | undefined
  #wanted = false

  constructor(child: ChildProcess, pid: number, leadsGroup: boolean, output: Socket | undefined) {
    this.#child = child
    this.pid = pid
    this.leadsGroup = leadsGroup
    this.stdin = this.#stream(child.stdin as Socket | null, 'stdin')
    this.stdout = this.#stream(output ?? (child.stdout as Socket | null), 'stdout')
    this.stderr = this.#stream(child.stderr as Socket | null, 'stderr')
    this.stdout?.readAhead()
    this.stderr?.readAhead()
    child.on('error', ignore)
    child.once('exit', (code, signal) => this.#exited(code, signal))
    child.unref()
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
    // After it is reaped its number may belong to another process. The number of a group is not reused while it has
    // members.
    if (this.ended && !this.leadsGroup) return false
    try {
      return process.kill(this.leadsGroup && process.platform !== 'win32' ? -this.pid : this.pid, number)
    } catch (error) {
      if ((error as SystemError).code === 'ESRCH') return false
      throw error
    }
  }

  stop(grace: number, done: () => void): void {
    this.#stop = new StopProcess(this, grace, () => {
      this.#stop = undefined
      this.#setRef()
      done()
    })
    this.#setRef()
  }

  ref(): void {
    this.#wanted = true
    this.#setRef()
  }

  unref(): void {
    this.#wanted = false
    this.#setRef()
  }

  #setRef(): void {
    if (this.#wanted || this.#stop !== undefined) this.#child.ref()
    else this.#child.unref()
  }

  #stream(socket: Socket | null, name: string): NodeStream | undefined {
    if (socket === null) return undefined
    const text = `${name} of process ${this.pid}`
    return new NodeStream(socket, undefined, { local: text, remote: text })
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    // Invariant 1.
    this.stdin?.fail(systemError('EPIPE', 'write'))
    this.#returncode = signal === null ? (code ?? 0) : -constants.signals[signal]
    if (this.#answered) this.sink.exited(this.#returncode)
    this.#stop?.progress()
  }
}

function toStdio({ stdin, stdout, stderr }: SpawnOptions, pair: SocketPair | undefined): StdioOptions {
  const output = pair?.theirs ?? stdout
  return [stdin, output, stderr === 'stdout' ? output : stderr].map((stream) => (stream === 'null' ? 'ignore' : stream))
}

function toSpawnError(error: SystemError, options: SpawnOptions): Error {
  return typeof error.errno === 'number' ? spawnError(-error.errno, options) : error
}

function ignore(): void {}
