/**
 * A child process that runs a program of the library and exchanges values with it: `fork` of every backend, for all of them let
 * Node do it (what Node itself is started with, its loaders among it, is not to be imitated).
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { detached } from '../../kernel/index.ts'
import type { ForkedProcess, ForkSink } from '../contract/processes.ts'

/** Starts `program`, with the options that this process was started with. Its output goes where ours goes; it has no input. */
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
      // One that was never started has no end to tell of.
      if (child.pid === undefined) sink.ended(error, null, null)
    })
    // What it sent last may still be on its way when it has exited, and comes before the channel's end.
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
