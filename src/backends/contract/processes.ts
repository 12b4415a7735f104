/** The part of the contract (`backend.ts`, which re-exports it) about child processes. It contains no behaviour. */
import type { StreamTransport } from './backend.ts'

/** How a program is started. */
export interface SpawnOptions {
  /** A program and its arguments, or a line for the system's shell. Without NUL bytes. */
  readonly command: readonly string[] | string
  readonly cwd: string | undefined
  /** The whole environment of the child. */
  readonly env: Readonly<Record<string, string>>
  readonly stdin: StandardStream
  readonly stdout: StandardStream
  /** `'stdout'`: to the same place as the output, in the order of the writes. */
  readonly stderr: StandardStream | 'stdout'
  /** Whether the child leads a new process group; then signals go to the group. */
  readonly processGroup: boolean
}

/** A standard stream of a child: a pipe to this process, `/dev/null`, or a copy of this process's descriptor. */
export type StandardStream = 'pipe' | 'null' | number

/** Receives the end of a child process, on the owning thread. */
export interface ProcessSink {
  /**
   * The child has ended and is reaped. `returncode`: the exit code, or minus the signal's number. Its pipes may still
   * be open.
   */
  exited(returncode: number): void
}

/** A child process. It is reaped in every case, also if no caller waits for it. */
export interface ProcessTransport {
  /** Set by the concept module before the next turn. */
  sink: ProcessSink
  readonly pid: number
  /** This process's ends of the pipes. The output can be read to its end after the child has ended. */
  readonly stdin: StreamTransport | undefined
  readonly stdout: StreamTransport | undefined
  readonly stderr: StreamTransport | undefined
  /**
   * Sends a signal by number to the child, or to its whole group, which may outlive it. 0 sends none, and only checks.
   * Returns false if no process is left. Never signals an unrelated process with a reused number.
   *
   * @throws the system error (`kill EPERM`)
   */
  signal(number: number): boolean
  /**
   * Ends the child, or its group: `SIGTERM`, and `SIGKILL` after `grace` ms of real time (PROCESS-1). Calls `done`
   * once, when the child is reaped and `SIGKILL` ends the rest of its group. Keeps this process alive until then.
   */
  stop(grace: number, done: () => void): void
  /** The child keeps this process alive. The default is that it does not. */
  ref(): void
  /** The child does not keep this process alive. */
  unref(): void
}

/** Receives the messages and the end of a forked process. */
export interface ForkSink {
  message(value: unknown): void
  /** The process has ended and is reaped. The last call. `error`: the failure of its start, or of its channel. */
  ended(error: Error | undefined, code: number | null, signal: NodeJS.Signals | null): void
}

/** A child process that runs a program of the library. */
export interface ForkedProcess {
  /** Sends a value. @throws if it cannot be cloned; nothing is sent then */
  send(value: unknown): void
  /** Kills the process with SIGKILL. `ended` follows. */
  kill(): void
}
