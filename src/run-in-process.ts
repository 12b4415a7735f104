/** Functions in a process of their own: for code that may crash or leak, or must be stopped in the middle. */
import { availableParallelism } from 'node:os'
import { CancelScope, enterFrame, rejected } from './kernel/index.ts'
import { CapacityLimiter, createCapacityLimiter } from './sync/capacity-limiter.ts'
import { ThreadHolding } from './sync/starvation.ts'
import { ProcessCall } from './threads/process-call.ts'
import { hasOptions, numberedTask, type NumberedTask, type ThreadTask } from './threads/task.ts'
import type { ThreadFunction } from './threads.ts'
import { checkBoolean, invalidArgType, optionNames } from './common/validate.ts'

/** Options of `runInProcess`. */
export interface RunInProcessOptions {
  /** Whether a cancelled caller goes on at once. Default false: once the killed process is gone. */
  abandonOnCancel?: boolean | undefined
  /**
   * Bounds how many processes run at once: a call holds one token while its process lives. Default: one per processor.
   */
  limiter?: CapacityLimiter | undefined
}

/**
 * Runs `task(...args)` in a child process, and resolves with its value. The process is **killed when the caller is
 * cancelled**: use it for code that may crash, leak memory, or has to be stopped in the middle.
 *
 * `task` is `threadTask(url, name)` or a function that closes over nothing, as for `runInThread`. Arguments and the
 * value are copied. An error of the function keeps its class name, message, stack and fields. Each call starts a
 * process, with the command-line options of this one.
 *
 * @example
 * ```ts
 * const primes = await moveOnAfter(1000, () =>
 *   runInProcess((limit: number) => {
 *     const found: number[] = []
 *     for (let n = 2; n < limit; n++) if (found.every((p) => n % p !== 0)) found.push(n)
 *     return found
 *   }, 100_000),
 * )
 * ```
 *
 * @throws BrokenResourceError if the process ends before the function has returned; `DataCloneError` for a value that
 * cannot be copied
 */
export function runInProcess<T = unknown>(task: ThreadTask, ...args: unknown[]): Promise<T>
export function runInProcess<A extends unknown[], T>(task: ThreadFunction<A, T>, ...args: A): Promise<T>
export function runInProcess<T = unknown>(
  options: RunInProcessOptions,
  task: ThreadTask,
  ...args: unknown[]
): Promise<T>
export function runInProcess<A extends unknown[], T>(
  options: RunInProcessOptions,
  task: ThreadFunction<A, T>,
  ...args: A
): Promise<T>
export function runInProcess(...given: unknown[]): Promise<unknown> {
  try {
    const withOptions = hasOptions(given, OPTIONS)
    const options = withOptions ? (given[0] as RunInProcessOptions) : {}
    const [task, ...args] = withOptions ? given.slice(1) : given
    const { limiter = (defaultLimiter ??= createCapacityLimiter(availableParallelism())), abandonOnCancel = false } =
      options
    if (!(limiter instanceof CapacityLimiter)) throw invalidArgType('options.limiter', 'a CapacityLimiter', limiter)
    checkBoolean('options.abandonOnCancel', abandonOnCancel)
    const numbered = numberedTask(task)
    enterFrame('runInProcess')
    // One operation: a call that was not awaited is cancelled and awaited as a whole (SCOPE-7).
    return CancelScope._operation('runInProcess', () => start(numbered, args, abandonOnCancel, limiter))
  } catch (error) {
    return rejected(error)
  }
}

let defaultLimiter: CapacityLimiter | undefined

async function start(
  task: NumberedTask,
  args: unknown[],
  abandonOnCancel: boolean,
  limiter: CapacityLimiter,
): Promise<unknown> {
  const holding = new ThreadHolding(limiter, enterFrame('runInProcess').task, undefined)
  const grant = await limiter.acquireOnBehalfOf(holding)
  try {
    // The caller may have been cancelled since it got the token.
    enterFrame('runInProcess')
  } catch (error) {
    grant.release()
    throw error
  }
  return new ProcessCall(task, args, abandonOnCancel, holding, grant).start(enterFrame('runInProcess').scope)
}

const OPTIONS = optionNames<RunInProcessOptions>({ abandonOnCancel: true, limiter: true })
