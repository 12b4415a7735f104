/** `Process`. */
import { constants } from 'node:os'
import type { Stream } from '../streams/stream.ts'
import { rejected, selectable, type Selectable, type SelectSource } from '../kernel/index.ts'
import { signalNumber, toSignalName } from '../signals/names.ts'
import type { Child } from './child.ts'
import { ProcessInput, ProcessOutput } from './process-stream.ts'

/**
 * A running child process. `openProcess` makes one.
 *
 * A standard stream that is a pipe is a `Stream`. Send to `stdin`, and end it with `sendEof` or `close`; if the child
 * reads no more, a send fails with `BrokenResourceError`. Receive from `stdout` and `stderr`, also after the child has
 * exited.
 *
 * @example
 * ```ts
 * await openProcess(['sort'], async (process) => {
 *   await process.stdin.sendAll('b\na\n')
 *   await process.stdin.sendEof()
 *   for await (const chunk of process.stdout) console.log(String(chunk))
 * })
 * ```
 *
 * @typeParam In - the type of `stdin`: `Stream` if the options ask for a pipe, otherwise `null`
 * @typeParam Out - the type of `stdout`
 * @typeParam Err - the type of `stderr`
 */
export class Process<
  In extends Stream | null = Stream | null,
  Out extends Stream | null = Stream | null,
  Err extends Stream | null = Stream | null,
>
  implements AsyncDisposable, Selectable<number>
{
  readonly #child: Child
  /** The child's input, to send to; `null` if it is no pipe. */
  readonly stdin: In
  /** The child's output, to receive from; `null` if it is no pipe. */
  readonly stdout: Out
  /** The child's error output, to receive from; `null` if it is no pipe of its own. */
  readonly stderr: Err

  /** @internal */
  constructor(child: Child) {
    this.#child = child
    // The type parameters and the pipes of the child follow from the same options.
    this.stdin = (child.stdin === undefined ? null : new ProcessInput(child.stdin)) as In
    this.stdout = (child.stdout === undefined ? null : new ProcessOutput(child.stdout)) as Out
    this.stderr = (child.stderr === undefined ? null : new ProcessOutput(child.stderr)) as Err
  }

  /** The process id. */
  get pid(): number {
    return this.#child.transport.pid
  }

  /**
   * The exit code, or minus the number of the signal that ended it (PROCESS-2); `null` while it runs. Kept after
   * `close()`.
   */
  get returncode(): number | null {
    return this.#child.returncode
  }

  /**
   * Waits for the process to exit and resolves with its return code. Does not wait for grandchildren that still hold
   * its pipes. Several tasks may wait. A cancellation ends the wait, not the process.
   */
  wait(): Promise<number> {
    try {
      return this.#child.wait()
    } catch (error) {
      return rejected(error)
    }
  }

  /** For `select`: ready once the process has ended; gives what `wait()` gives. */
  [selectable](): SelectSource<number> {
    const child = this.#child
    return {
      once: true,
      ready: () => child.closed || child.returncode !== null,
      take: () => {
        child.requireOpen('select')
        return child.returncode as number
      },
      watch: (changed) => {
        const waiter = { exited: changed }
        child.addWaiter(waiter)
        return () => child.dropWaiter(waiter)
      },
    }
  }

  /** Asks the process to end: sends `SIGTERM`. */
  terminate(): void {
    this.#signal('terminate', constants.signals.SIGTERM)
  }

  /** Ends the process: sends `SIGKILL`. */
  kill(): void {
    this.#signal('kill', constants.signals.SIGKILL)
  }

  /**
   * Sends a signal, by name or number, to the process; with `processGroup`, to its whole group. Does nothing once the
   * process has ended.
   *
   * @throws the system error (`kill EPERM`) if the process belongs to another user by now
   */
  sendSignal(signal: NodeJS.Signals | number): void {
    this.#signal('sendSignal', signalNumber(toSignalName('signal', signal)))
  }

  /**
   * Closes the streams and waits for the process to exit. When it is cancelled, it ends the process (`SIGTERM`, then
   * `SIGKILL` after `killAfter`) and waits until it is gone. It does that at once outside every run, and in a task or
   * scope that has ended. Never raises a cancellation: the next checkpoint does. Idempotent.
   */
  close(): Promise<void> {
    return this.#child.close()
  }

  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #signal(what: string, number: number): void {
    this.#child.requireOpen(what)
    this.#child.transport.signal(number)
  }
}

/** A process with three pipes: what `openProcess` gives by default. */
export interface PipedProcess extends Process<Stream, Stream, Stream> {
  readonly stdin: Stream
  readonly stdout: Stream
  readonly stderr: Stream
}
