/** The options of `openProcess` and `runProcess`: checked, and converted to those of a backend. */
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

/** An object with a file descriptor, such as a `FileHandle` of `node:fs/promises` or an `AsyncFile`. */
export interface HasDescriptor {
  /** The file descriptor. */
  readonly fd: number
}

/**
 * What a standard stream of the child is connected to:
 *
 * - `'pipe'`: a `Stream` of this process.
 * - `'inherit'`: the same stream of this process.
 * - `'ignore'` or `'null'`: `/dev/null`.
 * - a file descriptor of this process, or an object with an `fd`: the child gets a copy of the descriptor.
 */
export type ProcessStdio = 'pipe' | 'inherit' | 'ignore' | 'null' | number | HasDescriptor

/** Options of `openProcess`. */
export interface OpenProcessOptions {
  /** Default `'pipe'`. */
  stdin?: ProcessStdio | undefined
  /** Default `'pipe'`. */
  stdout?: ProcessStdio | undefined
  /** Default `'pipe'`. `'stdout'` sends errors where the output goes, in the order in which they are written. */
  stderr?: ProcessStdio | 'stdout' | undefined
  /** The child's whole environment. Default: that of this process. */
  env?: Readonly<Record<string, string | undefined>> | undefined
  /** Working directory of the child. Default: that of this process. */
  cwd?: string | URL | undefined
  /** Milliseconds between `SIGTERM` and `SIGKILL` when a cancellation or an error ends the child. Default 5,000. */
  killAfter?: number | undefined
  /** Starts the child as the leader of a process group, and sends every signal to the whole group. Default false. */
  processGroup?: boolean | undefined
}

/** Options of `runProcess`. */
export interface RunProcessOptions extends OpenProcessOptions {
  /** The child's whole input. Excludes a `stdin` other than `'pipe'`. */
  input?: Uint8Array | string | undefined
  /** Default: `'pipe'` with `input`, otherwise `'ignore'`. */
  stdin?: ProcessStdio | undefined
  /** Whether a return code other than 0 rejects with `CalledProcessError`. Default true. */
  check?: boolean | undefined
}

/** Checked options of one child. */
export interface Launch {
  readonly spawn: SpawnOptions
  /** The program in error messages: 'cat'. */
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
    // Only the pipe of stdout is shared; a descriptor is given twice.
    stderr: stderr !== 'stdout' ? toStandard('options.stderr', stderr, 2) : output === 'pipe' ? 'stdout' : output,
    processGroup,
  }
  return { spawn, name: nameOf(command), killAfter }
}

/** The options that only `runProcess` has. */
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

/** The system cuts strings at the first NUL: the program would get another text. */
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

/** The program without its folder; of a shell line, the first word. */
function nameOf(command: string | readonly string[]): string {
  const [first = ''] = typeof command === 'string' ? command.trim().split(/\s/) : command
  return first.slice(first.lastIndexOf('/') + 1)
}
