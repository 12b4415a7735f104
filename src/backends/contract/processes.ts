/** The part of the contract (backend.ts, which hands it on) that is about child processes. No behaviour lives here. */
import type { StreamTransport } from './backend.ts'

/** How a program is started. */
export interface SpawnOptions {
  /** The program and its arguments, at least the former; or a line for the system's shell. Without NUL bytes. */
  readonly command: readonly string[] | string
  readonly cwd: string | undefined
  /** All of the child's environment. */
  readonly env: Readonly<Record<string, string>>
  readonly stdin: StandardStream
  readonly stdout: StandardStream
  /** `'stdout'`: where the output goes, in the order in which it is written. */
  readonly stderr: StandardStream | 'stdout'
  /** Whether it leads a process group of its own; then signals go to the group. */
  readonly processGroup: boolean
}

/** What a child's standard stream is: a pipe to this side, nothing (`/dev/null`), or a copy of this process's descriptor. */
export type StandardStream = 'pipe' | 'null' | number

/** Who hears of a child process. Called by the transport, on the owning thread. */
export interface ProcessSink {
  /** It has ended and is reaped: its exit code, or minus the signal's number. Its pipes may be open still. */
  exited(returncode: number): void
}

/** A child process. It is reaped in every case, also where nobody waits for it. */
export interface ProcessTransport {
  /** Set by the concept module before the next turn. */
  sink: ProcessSink
  readonly pid: number
  /** This side's ends of the pipes. The output can be read to its end after the child has gone. */
  readonly stdin: StreamTransport | undefined
  readonly stdout: StreamTransport | undefined
  readonly stderr: StreamTransport | undefined
  /**
   * Sends a signal by number, 0 being a mere question: to the child, or to its whole group, which may outlive it. False where
   * nobody is left. Never to anybody who has got its number since. Throws the system error (`kill EPERM`).
   */
  signal(number: number): boolean
  /**
   * Ends the child: `SIGTERM`, and after `grace` ms of real time `SIGKILL`; the group, if it leads one. Calls `done` once,
   * when it has been reaped and nobody of its group is left but what `SIGKILL` is ending. Keeps the process alive until then.
   */
  stop(grace: number, done: () => void): void
  /** Whether the child keeps this process alive; it does not before somebody waits for it. */
  ref(): void
  unref(): void
}

/** Hears of the process, never inside the call that asked. */
export interface ForkSink {
  message(value: unknown): void
  /** It is gone, and has been reaped; the last call. `error`: why it could not be started, or talked to. */
  ended(error: Error | undefined, code: number | null, signal: NodeJS.Signals | null): void
}

export interface ForkedProcess {
  /** Sends a value. @throws where it cannot be cloned; nothing is sent then */
  send(value: unknown): void
  /** Ends it, whatever it does (SIGKILL). `ended` follows. */
  kill(): void
}
