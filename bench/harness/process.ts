/**
 * Servers and generators are processes of their own. Each is remembered until it has exited, so that whatever ends the
 * harness (an error, Ctrl+C) ends them too; and a harness that is killed outright closes their standard input, which
 * every server takes as its end.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>

/** Enough of what a process complained about to explain its failure. */
const STDERR_KEPT = 8192

const living = new Set<JsonProcess>()
const cleanups: (() => void)[] = []

/** A child that says what it has to say in lines of JSON. */
export class JsonProcess {
  readonly title: string
  readonly exited: Promise<Exit>
  readonly #child: Child
  #stderr = ''
  readonly #lines: Record<string, unknown>[] = []
  #wake: () => void = () => {}
  #ended = false

  constructor(title: string, command: Command, descriptors?: number) {
    this.title = title
    const [file, args] = withDescriptors(command, descriptors)
    this.#child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...command.env } })
    living.add(this)
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT)
    })
    // A child that is already gone does not read what it is told: its exit says more than EPIPE would.
    this.#child.stdin.on('error', () => {})
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#heard(line))
    this.exited = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#stderr += error.message
        this.#finish(resolve, { code: null, signal: null })
      })
      this.#child.once('close', (code, signal) => this.#finish(resolve, { code, signal }))
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** The next line of JSON; `undefined` when the process has ended without one. */
  async next(): Promise<Record<string, unknown> | undefined> {
    while (this.#lines.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    return this.#lines.shift()
  }

  tell(line: string): void {
    this.#child.stdin.write(`${line}\n`)
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#child.kill(signal)
  }

  /** What it said that was not JSON: warnings, stacks. */
  get complaints(): string {
    return this.#stderr.trim()
  }

  /** An error that says what the process itself said. */
  failure(what: string): Error {
    const said = this.complaints
    return new Error(`${this.title}: ${what}${said === '' ? '' : `\n${indent(said)}`}`)
  }

  #heard(line: string): void {
    try {
      this.#lines.push(JSON.parse(line) as Record<string, unknown>)
    } catch {
      this.#stderr += `${line}\n`
    }
    this.#wake()
  }

  #finish(resolve: (exit: Exit) => void, exit: Exit): void {
    living.delete(this)
    this.#ended = true
    this.#wake()
    resolve(exit)
  }
}

/** Ends every child, resolves when all have exited and nothing of this run is left. */
export async function killAll(): Promise<void> {
  const children = [...living]
  for (const child of children) child.kill()
  await Promise.all(children.map((child) => child.exited))
  for (const cleanup of cleanups.splice(0)) cleanup()
}

/** Has `cleanup` called when the children have been ended. */
export function whenAllAreGone(cleanup: () => void): void {
  cleanups.push(cleanup)
}

/** Ctrl+C and SIGTERM end the children first, then this process, by the same signal, as its parent expects. */
export function killAllOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      void killAll().then(() => process.kill(process.pid, signal))
    })
  }
}

export function describeExit({ code, signal }: Exit): string {
  return signal === null ? `ended with status ${code ?? 'unknown'}` : `ended by ${signal}`
}

/** A child's limit of open files is raised by the shell that becomes it: Node offers no call for it. */
function withDescriptors({ file, args }: Command, descriptors: number | undefined): [string, readonly string[]] {
  if (descriptors === undefined || process.platform === 'win32') return [file, args]
  return ['sh', ['-c', 'ulimit -n "$0" && exec "$@"', String(descriptors), file, ...args]]
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ')
}
