/** `Process`. */
import { constants } from 'node:os'
import type { Stream } from '../streams/stream.ts'
import { rejected, selectable, type Selectable, type SelectSource } from '../kernel/index.ts'
import { signalNumber, toSignalName } from '../signals/names.ts'
import type { Child } from './child.ts'
import { ProcessInput, ProcessOutput } from './process-stream.ts'

/**
 * A child process, made by `openProcess`. Re-creates `anyio.abc.Process`.
 *
 * Its standard streams, where they are pipes, are `Stream`s: of the input one sends, `sendEof` and `close` end it, and a child that
 * reads no more is a `BrokenResourceError`; of the other two one receives. They can be read to their end after it has gone.
 *
 * @typeParam In - the type of `stdin`: `Stream` where the options ask for a pipe, `null` where they ask for something else
 * @typeParam Out - the same of `stdout`
 * @typeParam Err - the same of `stderr`
 */
export class Process<
  In extends Stream | null = Stream | null,
  Out extends Stream | null = Stream | null,
  Err extends Stream | null = Stream | null,
>
  implements AsyncDisposable, Selectable<number>
{
  readonly #child: Child
  /** What it reads, to be sent to; `null` where it is no pipe. */
  readonly stdin: In
  /** What it writes, to be received from; `null` where it is no pipe. */
  readonly stdout: Out
  /** Its errors, to be received from; `null` where they are no pipe of their own. */
  readonly stderr: Err

  /** @internal */
  constructor(child: Child) {
    this.#child = child
    // The types say what the options ask for, and the child has its pipes by the same options.
    this.stdin = (child.stdin === undefined ? null : new ProcessInput(child.stdin)) as In
    this.stdout = (child.stdout === undefined ? null : new ProcessOutput(child.stdout)) as Out
    this.stderr = (child.stderr === undefined ? null : new ProcessOutput(child.stderr)) as Err
  }

  /** The number that the system has given it. */
  get pid(): number {
    return this.#child.transport.pid
  }

  /** Its exit code, or minus the number of the signal that ended it; `null` while it runs. Stays known after `close()`. */
  get returncode(): number | null {
    return this.#child.returncode
  }

  /**
   * Waits for its end and returns its return code: as soon as it has exited, also where a process that it has started still
   * holds its pipes. Several tasks may wait. A cancellation ends the wait and not the process.
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

  /** Asks it to end: `SIGTERM`. */
  terminate(): void {
    this.#signal('terminate', constants.signals.SIGTERM)
  }

  /** Ends it: `SIGKILL`. */
  kill(): void {
    this.#signal('kill', constants.signals.SIGKILL)
  }

  /**
   * Sends a signal, by name or number; to its whole group, where it leads one (`processGroup`). For one that has ended
   * nothing happens.
   *
   * @throws the system error (`kill EPERM`) where it is another user's by now
   */
  sendSignal(signal: NodeJS.Signals | number): void {
    this.#signal('sendSignal', signalNumber(toSignalName('signal', signal)))
  }

  /**
   * Closes its streams and waits for its end. Cancelled, it ends the process, by `SIGTERM` and after `killAfter` by `SIGKILL`, waits
   * until it is gone, and never raises the cancellation: the next checkpoint does. Outside every run, and in a task or scope
   * that has ended, it does so at once. Idempotent.
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

/** A process with three pipes, as `openProcess` gives it by default. */
export interface PipedProcess extends Process<Stream, Stream, Stream> {
  readonly stdin: Stream
  readonly stdout: Stream
  readonly stderr: Stream
}
