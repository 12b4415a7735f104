/** `runProcess` and `openProcess`. */
import { BrokenResourceError, CalledProcessError } from './errors.ts'
import { enterOperation } from './kernel/context.ts'
import { Operation, rejected } from './kernel/operation.ts'
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
import { asOneOperation, type Opening } from './streams/opening.ts'
import type { Stream } from './streams/stream.ts'
import { gather } from './task-groups.ts'
import { checkFunction, checkOptions, optionNames } from './validate.ts'

/** What a program that has ended leaves. `Out` and `Err` follow from the options: `Buffer` for a pipe, else `null`. */
export interface CompletedProcess<Out extends Buffer | null = Buffer, Err extends Buffer | null = Out> {
  /** All it has written; `null` where that was not captured (`stdout` is no pipe). */
  readonly stdout: Out
  /** All its errors; `null` where they were not captured (`stderr` is no pipe, or goes where the output goes). */
  readonly stderr: Err
  /** The exit code, or minus the number of the signal that ended it. */
  readonly returncode: number
}

/** Options of type `O`, whose standard streams have the types by which the result is known. */
type Standard<O, In, Out, Err> = O & {
  /** What the child reads. */
  stdin?: In | undefined
  /** Where the child writes. */
  stdout?: Out | undefined
  /** Where the child writes its errors. */
  stderr?: Err | undefined
}
/** What there is on this side of a standard stream: `P` of a pipe, else nothing. A union of both may be either. */
type PipeOf<Stdio, P> = Stdio extends 'pipe' | undefined ? P : null
/** The process that `openProcess` gives for these standard streams. */
type Opened<In, Out, Err> = Process<PipeOf<In, Stream>, PipeOf<Out, Stream>, PipeOf<Err, Stream>>
type Body<P> = (process: P) => unknown

/**
 * Runs a program to its end and returns what it wrote. Re-creates AnyIO's `run_process`.
 *
 * Both outputs are read while the input is sent, and to their end, so that no amount of either makes it hang; a child that
 * closes its input early is no error. Cancelled, it ends the program: `SIGTERM`, and `SIGKILL` after `killAfter`.
 *
 * @param command - a program and its arguments, or one line for the system's shell
 * @throws CalledProcessError with the outputs where the return code is not 0 (`check`); the system error where the program
 * cannot be started (`spawn nothing ENOENT`; of a folder that is not there, `chdir ENOENT`)
 */
export function runProcess<Out extends ProcessStdio | undefined = 'pipe', Err extends ProcessStdio | 'stdout' | undefined = 'pipe'>(
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
 * Starts a program. Re-creates AnyIO's `open_process`. The streams of the process are typed by the options: `null` for what is no pipe.
 *
 * @param command - a program and its arguments, or one line for the system's shell
 * @throws the system error where it cannot be started (`spawn nothing ENOENT`)
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
 * Runs `body` beside the process and, when it has returned, closes it: waits for its end. When `body` fails, or anything here
 * is cancelled, the process is ended: `SIGTERM`, and `SIGKILL` after `killAfter`; it is gone when the call settles.
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

/** What has been started is there, whatever is cancelled meanwhile: the answer comes soon. */
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

/** Leaves no process behind, however `body` ends. */
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
    // It wanted no more, as `head` does: what it made of what it has read counts.
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
