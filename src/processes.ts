/** `runProcess` and `openProcess`. */
import { BrokenResourceError, CalledProcessError } from './errors.ts'
import { enterOperation, Operation, rejected } from './kernel/index.ts'
import { Child, PROCESS } from './processes/child.ts'
import {
  type Launch,
  type OpenProcessOptions,
  type ProcessStdio,
  type RunProcessOptions,
  toInput,
  toLaunch,
} from './processes/options.ts'
import { type PipedProcess, Process } from './processes/process.ts'
import { asOneOperation, type Opening } from './common/opening.ts'
import type { Stream } from './streams/stream.ts'
import { gather } from './task-groups.ts'
import { checkFunction, checkOptions, optionNames } from './common/validate.ts'

/** The result of `runProcess`. `Out` and `Err` follow from the options: `Buffer` for a pipe, otherwise `null`. */
export interface CompletedProcess<Out extends Buffer | null = Buffer, Err extends Buffer | null = Out> {
  /** The whole output; `null` if it was not captured (`stdout` is no pipe). */
  readonly stdout: Out
  /** The whole error output; `null` if it was not captured (`stderr` is no pipe, or is `'stdout'`). */
  readonly stderr: Err
  /** The exit code, or minus the number of the signal that ended it. */
  readonly returncode: number
}

/** Options of type `O` whose standard streams determine the type of the result. */
type Standard<O, In, Out, Err> = O & {
  /** The child's input. */
  stdin?: In | undefined
  /** The child's output. */
  stdout?: Out | undefined
  /** The child's error output. */
  stderr?: Err | undefined
}
/** This side of a standard stream: `P` for a pipe, otherwise `null`. */
type PipeOf<Stdio, P> = Stdio extends 'pipe' | undefined ? P : null
/** The process that `openProcess` makes for these standard streams. */
type Opened<In, Out, Err> = Process<PipeOf<In, Stream>, PipeOf<Out, Stream>, PipeOf<Err, Stream>>
type Body<P> = (process: P) => unknown

/**
 * Runs a program until it exits, and resolves with its output.
 *
 * The input is sent while both outputs are read, so that large amounts of data cannot block. A child that closes its
 * input early is no error. A cancellation ends the program: `SIGTERM`, then `SIGKILL` after `killAfter`.
 *
 * @example
 * ```ts
 * const { stdout } = await runProcess(['git', 'log', '-1', '--format=%s'])
 * const sorted = await runProcess(['sort'], { input: 'b\na\n' })
 * ```
 *
 * @param command - a program and its arguments, or one line for the system's shell
 * @throws CalledProcessError with the outputs if the return code is not 0 (unless `check` is `false`); the system error
 * if the program cannot be started (`spawn nothing ENOENT`; `chdir ENOENT` for a missing `cwd`)
 */
export function runProcess<
  Out extends ProcessStdio | undefined = 'pipe',
  Err extends ProcessStdio | 'stdout' | undefined = 'pipe',
>(
  command: readonly string[] | string,
  options?: Standard<RunProcessOptions, ProcessStdio, Out, Err>,
): Promise<CompletedProcess<PipeOf<Out, Buffer>, PipeOf<Err, Buffer>>>
export function runProcess(
  command: readonly string[] | string,
  options: RunProcessOptions = {},
): Promise<CompletedProcess<Buffer | null>> {
  try {
    checkOptions('options', options, RUN_OPTIONS)
    const { input, stdin } = toInput(options)
    const launch = toLaunch(command, options, stdin)
    const { check = true } = options
    return asOneOperation('runProcess', PROCESS, async (opening) => {
      const child = await start('runProcess', launch, opening)
      const completed = await around(child, () => communicate(child, input))
      const { returncode, stdout, stderr } = completed
      if (!check || returncode === 0) return completed
      throw new CalledProcessError(command, returncode, stdout ?? undefined, stderr ?? undefined)
    })
  } catch (error) {
    return rejected(error)
  }
}

/**
 * Starts a program, and resolves once it runs. Its three standard streams are pipes by default; the types of the
 * process follow from the options, with `null` for a stream that is no pipe.
 *
 * Without a `body` the caller closes the process: `await using process = await openProcess(…)`.
 *
 * @example
 * ```ts
 * await openProcess(['tail', '-f', 'app.log'], async (process) => {
 *   for await (const chunk of process.stdout) console.log(String(chunk))
 * })
 * ```
 *
 * @param command - a program and its arguments, or one line for the system's shell
 * @throws the system error if the program cannot be started (`spawn nothing ENOENT`)
 */
export function openProcess<
  In extends ProcessStdio | undefined = 'pipe',
  Out extends ProcessStdio | undefined = 'pipe',
  Err extends ProcessStdio | 'stdout' | undefined = 'pipe',
>(
  command: readonly string[] | string,
  options?: Standard<OpenProcessOptions, In, Out, Err>,
): Promise<Opened<In, Out, Err>>
/**
 * Starts a program, runs `body` beside it, and then waits for the process to exit. If `body` fails or the call is
 * cancelled, the process is ended: `SIGTERM`, then `SIGKILL` after `killAfter`. It is gone when the call settles
 * (PROCESS-1).
 */
export function openProcess<T>(
  command: readonly string[] | string,
  body: (process: PipedProcess) => T | PromiseLike<T>,
): Promise<T>
export function openProcess<
  T,
  In extends ProcessStdio | undefined = 'pipe',
  Out extends ProcessStdio | undefined = 'pipe',
  Err extends ProcessStdio | 'stdout' | undefined = 'pipe',
>(
  command: readonly string[] | string,
  options: Standard<OpenProcessOptions, In, Out, Err>,
  body: (process: Opened<In, Out, Err>) => T | PromiseLike<T>,
): Promise<T>
export function openProcess(
  command: readonly string[] | string,
  ...rest: [options?: OpenProcessOptions | Body<never>, body?: Body<never>]
): Promise<unknown> {
  try {
    const body = rest.length > 1 || typeof rest[0] === 'function' ? rest[rest.length - 1] : undefined
    const options = typeof rest[0] === 'function' || rest[0] === undefined ? {} : rest[0]
    if (body !== undefined) checkFunction('body', body)
    checkOptions('options', options, OPEN_OPTIONS)
    const launch = toLaunch(command, options)
    return asOneOperation('openProcess', PROCESS, async (opening) => {
      const child = await start('openProcess', launch, opening)
      const process = new Process(child)
      return body === undefined ? process : around(child, () => (body as Body<Process>)(process))
    })
  } catch (error) {
    return rejected(error)
  }
}

async function start(what: string, launch: Launch, opening: Opening): Promise<Child> {
  return new Start(what, launch, opening).start()
}

/**
 * A cancellation does not interrupt it: the backend answers soon, and a process that has been started must not be lost.
 */
class Start extends Operation<Child> {
  readonly #what: string
  readonly #launch: Launch
  readonly #opening: Opening

  constructor(what: string, launch: Launch, opening: Opening) {
    super()
    this.#what = what
    this.#launch = launch
    this.#opening = opening
  }

  start(): Promise<Child> {
    const promise = this.begin(enterOperation(this.#what))
    this.#opening.backend.spawnProcess(this.#launch.spawn, (error, transport) => {
      if (transport === undefined) this.reject(error)
      else this.resolve(new Child(transport, this.#launch, this.#opening))
    })
    return promise
  }

  override describe(): string {
    return `start of ${this.#launch.name}`
  }

  protected override onCancel(): void {}
}

/** Ends the process however `body` ends. */
async function around<T>(child: Child, body: () => T | PromiseLike<T>): Promise<T> {
  let value: T
  try {
    value = await body()
  } catch (error) {
    await child.abort()
    throw error
  }
  await child.close()
  return value
}

async function communicate(child: Child, input: Uint8Array | undefined): Promise<CompletedProcess<Buffer | null>> {
  const { stdin, stdout, stderr } = new Process(child)
  const [returncode, output, errors] = await gather([
    () => child.wait(),
    () => collect(stdout),
    () => collect(stderr),
    () => feed(stdin, input),
  ])
  return { stdout: output, stderr: errors, returncode }
}

async function collect(stream: Stream | null): Promise<Buffer | null> {
  if (stream === null) return null
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function feed(stream: Stream | null, input: Uint8Array | undefined): Promise<void> {
  if (stream === null) return
  try {
    if (input !== undefined) await stream.sendAll(input)
    await stream.close()
  } catch (error) {
    // The program stopped reading, as `head` does. Its output counts.
    if (!(error instanceof BrokenResourceError)) throw error
  }
}

const OPEN_OPTIONS = optionNames<OpenProcessOptions>({
  stdin: true,
  stdout: true,
  stderr: true,
  env: true,
  cwd: true,
  killAfter: true,
  processGroup: true,
})
const RUN_OPTIONS = optionNames<RunProcessOptions>({
  stdin: true,
  stdout: true,
  stderr: true,
  env: true,
  cwd: true,
  killAfter: true,
  processGroup: true,
  input: true,
  check: true,
})
