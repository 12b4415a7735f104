/** What a program is started with, as users write it, checked and made into what a backend takes. */
import { fileURLToPath } from 'node:url'
import type { SpawnOptions, StandardStream } from '../backends/contract/backend.ts'
import { UsageError } from '../errors.ts'
import { toBytes } from '../common/bytes.ts'
import {
  checkBoolean,
  checkInteger,
  checkOptions,
  checkString,
  checkTime,
  invalidArgType,
  outOfRange,
} from '../common/validate.ts'

/** Something with a descriptor of the system: an open file of `node:fs/promises`, a `FileHandle`, a socket's handle. */
export interface HasDescriptor {
  /** The number of the descriptor. */
  readonly fd: number
}

/**
 * What becomes of a standard stream of the child: `'pipe'`, a stream of this side; `'inherit'`, this process's own; `'ignore'` or
 * `'null'`, nothing (`/dev/null`); a file descriptor of this process, or an object with one as its `fd`, of which the child gets a copy.
 */
export type ProcessStdio = 'pipe' | 'inherit' | 'ignore' | 'null' | number | HasDescriptor

/** Options of `openProcess`. */
export interface OpenProcessOptions {
  /** Default `'pipe'`. */
  stdin?: ProcessStdio | undefined
  /** Default `'pipe'`. */
  stdout?: ProcessStdio | undefined
  /** Default `'pipe'`; `'stdout'`: where the output goes, in the order in which it is written. */
  stderr?: ProcessStdio | 'stdout' | undefined
  /** All of the child's environment. Default: this process's own. */
  env?: Readonly<Record<string, string | undefined>> | undefined
  /** The folder it starts in. */
  cwd?: string | URL | undefined
  /** Milliseconds between `SIGTERM` and `SIGKILL` when it is ended because of a cancellation or an error. Default 5,000. */
  killAfter?: number | undefined
  /** Starts it as the leader of a process group, and sends every signal to the whole group. Default false. */
  processGroup?: boolean | undefined
}

/** Options of `runProcess`. */
export interface RunProcessOptions extends OpenProcessOptions {
  /** What it reads; then its input ends. Not together with a `stdin` that is no pipe. */
  input?: Uint8Array | string | undefined
  /** Default: `'pipe'` with `input`, else `'ignore'`. */
  stdin?: ProcessStdio | undefined
  /** Whether a return code other than 0 is a `CalledProcessError`. Default true. */
  check?: boolean | undefined
}

/** What `start` takes. */
export interface Launch {
  readonly spawn: SpawnOptions
  /** For texts: 'cat'. */
  readonly name: string
  readonly killAfter: number
}

export function toLaunch(
  command: unknown,
  options: OpenProcessOptions,
  stdin: ProcessStdio | undefined = options.stdin,
): Launch {
  checkCommand(command)
  const { stdout, stderr, env = process.env, cwd, killAfter = 5000, processGroup = false } = options
  checkTime('options.killAfter', killAfter)
  if (killAfter < 0) throw outOfRange('options.killAfter', 'a number of milliseconds, and not negative', killAfter)
  checkBoolean('options.processGroup', processGroup)
  const output = toStandard('options.stdout', stdout, 1)
  const spawn: SpawnOptions = {
    command: typeof command === 'string' ? command : [...command],
    cwd: cwd === undefined ? undefined : toFolder(cwd),
    env: toEnvironment(env),
    stdin: toStandard('options.stdin', stdin, 0),
    stdout: output,
    // Only a pipe is made anew; everything else is simply said twice.
    stderr: stderr !== 'stdout' ? toStandard('options.stderr', stderr, 2) : output === 'pipe' ? 'stdout' : output,
    processGroup,
  }
  return { spawn, name: nameOf(command), killAfter }
}

/** Those that `runProcess` has beyond the others. */
export function toInput(options: RunProcessOptions): { input: Uint8Array | undefined; stdin: ProcessStdio } {
  const { input, stdin, check } = options
  if (check !== undefined) checkBoolean('options.check', check)
  if (input === undefined) return { input: undefined, stdin: stdin ?? 'ignore' }
  if (stdin !== undefined && stdin !== 'pipe') {
    throw new UsageError('runProcess: give either input or stdin: with input the child reads from a pipe')
  }
  return { input: toBytes('options.input', input), stdin: 'pipe' }
}

function checkCommand(command: unknown): asserts command is string | readonly string[] {
  if (typeof command === 'string') {
    if (command === '') throw outOfRange('command', 'a line for the shell', command)
    checkText('command', command)
  } else if (Array.isArray(command)) {
    for (const [index, part] of (command as unknown[]).entries()) checkText(`command[${index}]`, part)
    if (command.length === 0 || command[0] === '') throw outOfRange('command', 'a program and its arguments', command)
  } else throw invalidArgType('command', 'a string or an array of strings', command)
}

/** The system ends a text at its first NUL: a program would be given something else than what stands here. */
function checkText(name: string, text: unknown): asserts text is string {
  checkString(name, text)
  if (text.includes('\0')) throw outOfRange(name, 'without NUL characters', text)
}

function toStandard(name: string, stream: unknown, own: number): StandardStream {
  switch (stream) {
    case undefined:
    case 'pipe':
      return 'pipe'
    case 'ignore':
    case 'null':
      return 'null'
    case 'inherit':
      return own
    case 'stdout':
      throw outOfRange(name, 'for stderr alone where it is "stdout"', stream)
  }
  if (typeof stream === 'string') throw outOfRange(name, "'pipe', 'inherit', 'ignore', 'null' or a descriptor", stream)
  const fd: unknown = typeof stream === 'object' && stream !== null && 'fd' in stream ? stream.fd : stream
  if (typeof fd !== 'number') {
    throw invalidArgType(name, "'pipe', 'inherit', 'ignore', 'null' or a file descriptor", stream)
  }
  checkInteger(name, fd, 0, 2 ** 31 - 1)
  return fd
}

function toFolder(cwd: unknown): string {
  const folder = cwd instanceof URL ? fileURLToPath(cwd) : cwd
  if (typeof folder !== 'string') throw invalidArgType('options.cwd', 'a string or a file URL', cwd)
  checkText('options.cwd', folder)
  if (folder === '') throw outOfRange('options.cwd', 'a path', folder)
  return folder
}

function toEnvironment(env: unknown): Record<string, string> {
  checkOptions('options.env', env)
  const all: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue
    checkText(`options.env.${name}`, value)
    if (name === '' || /[\0=]/.test(name.slice(1))) {
      throw outOfRange('options.env', 'made of names without "=" and NUL characters', name)
    }
    all[name] = value
  }
  return all
}

/** The program, without the folder it is in; of a line for the shell its first word. */
function nameOf(command: string | readonly string[]): string {
  const [first = ''] = typeof command === 'string' ? command.trim().split(/\s/) : command
  return first.slice(first.lastIndexOf('/') + 1)
}
