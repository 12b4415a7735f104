/** Functions in a process of their own: for what may crash, leak, or must be stopped in the middle. */
import { availableParallelism } from 'node:os'
import { CancelScope } from './kernel/cancel-scope.ts'
import { enterFrame } from './kernel/context.ts'
import { rejected } from './kernel/operation.ts'
import { CapacityLimiter, createCapacityLimiter } from './sync/capacity-limiter.ts'
import { ThreadHolding } from './sync/starvation.ts'
import { ProcessCall } from './threads/process-call.ts'
import { hasOptions, numberedTask, type NumberedTask, type ThreadTask } from './threads/task.ts'
import type { ThreadFunction } from './threads.ts'
import { checkBoolean, invalidArgType, optionNames } from './validate.ts'

/** Options of `runInProcess`. */
export interface RunInProcessOptions {
  /** Whether a cancelled caller goes on at once, or (default) when the process it had killed is gone. */
  abandonOnCancel?: boolean | undefined
  /** Whose token the call borrows while its process lives. Default: one with a token for each processor. */
  limiter?: CapacityLimiter | undefined
}

/**
 * Runs `task(...args)` in a child process, and resolves with what it returns. What it may be, how arguments and results are
 * copied and how errors come out is said at `runInThread`. A process is started for each call, with the options that this one
 * was started with, and **killed when the caller is cancelled**. Re-creates `anyio.to_process.run_sync`.
 *
 * Rejects with `BrokenResourceError` when the process ends by itself before the function has returned.
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
    // A call that was not awaited is cancelled, and waited for, as one operation (api.md §2, rule 7).
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
    // It may have been cancelled since the token was granted.
    enterFrame('runInProcess')
  } catch (error) {
    grant.release()
    throw error
  }
  return new ProcessCall(task, args, abandonOnCancel, holding, grant).start(enterFrame('runInProcess').scope)
}

const OPTIONS = optionNames<RunInProcessOptions>({ abandonOnCancel: true, limiter: true })
