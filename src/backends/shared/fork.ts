/**
 * `fork` for every backend: a child process that runs a program of the library and exchanges values with it.
 *
 * Node starts it on every backend, because the options and loaders that Node was started with cannot be imitated.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { detached } from '../../kernel/index.ts'
import type { ForkedProcess, ForkSink } from '../contract/processes.ts'

/** Starts `program` with this process's options. It shares this process's output, and has no input. */
export function forkProgram(program: URL, sink: ForkSink): ForkedProcess {
  return detached(() => new Forked(program, sink))
}

class Forked implements ForkedProcess {
  readonly #child: ChildProcess
  #error: Error | undefined

  constructor(program: URL, sink: ForkSink) {
    const child = fork(fileURLToPath(program), [], {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child = child
    child.on('message', (value: unknown) => sink.message(value))
    child.on('error', (error) => {
      this.#error ??= error
      // A process that was never started emits no 'exit'.
      if (child.pid === undefined) sink.ended(error, null, null)
    })
    // Messages may still arrive after 'exit'. They come before the end of the channel.
    let exit: readonly [number | null, NodeJS.Signals | null] | undefined
    let open = true
    const tell = (): void => {
      if (exit !== undefined && !open) sink.ended(this.#error, ...exit)
    }
    child.on('exit', (...how) => {
      exit = how
      tell()
    })
    child.on('disconnect', () => {
      open = false
      tell()
    })
  }

  send(value: unknown): void {
    this.#child.send(value as object, (error) => {
      if (error !== null) this.#error ??= error
    })
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
