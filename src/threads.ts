/**
 * Threads: functions that compute, or block, without holding up the event loop. The pool, the protocol and the threads
 * themselves are in `threads/`; docs/design/threads.md says why they are not a library's.
 */
import { availableParallelism } from 'node:os'
import { CancelScope } from './kernel/cancel-scope.ts'
import { enterFrame, type Frame } from './kernel/context.ts'
import { rejected } from './kernel/operation.ts'
import { CapacityLimiter, createCapacityLimiter } from './sync/capacity-limiter.ts'
import { ThreadHolding } from './sync/starvation.ts'
import { checkExposed, type ExposedFunction } from './threads/exposed.ts'
import { hasOptions, numberedTask, type ThreadTask } from './threads/task.ts'
import { ThreadCall, type ThreadJob } from './threads/thread-call.ts'
import type { Transferable } from './threads/wire.ts'
import { checkBoolean, checkString, invalidArgType, optionNames, outOfRange } from './validate.ts'

export { threadTask } from './threads/task.ts'
export type { ThreadTask } from './threads/task.ts'
export type { ExposedFunction } from './threads/exposed.ts'
export { BlockingPortal, createBlockingPortal } from './threads/portal.ts'
export type { BlockingPortalOptions } from './threads/portal.ts'
export type { AttachedPortal, PortalTask } from './threads/portal-client.ts'
export type { PortalHandle } from './threads/portal-wire.ts'
export { fromThread, runAsyncFromThread } from './threads/within.ts'

/** Options of `runInThread`. */
export interface RunInThreadOptions {
  /** Whose token the call borrows while its thread works. Default: `currentDefaultThreadLimiter()`. */
  limiter?: CapacityLimiter | undefined
  /**
   * Whether a cancelled caller goes on at once and leaves the thread to itself: what the function comes to is dropped then, and
   * the token is held until the thread is done. Default false: the caller waits until the function has ended.
   */
  abandonOnCancel?: boolean | undefined
  /**
   * Whether a cancellation terminates the thread in the middle of the function, wherever that is: `finally` blocks do not run, and
   * what it had half done in shared memory stays so. The caller goes on once the thread has ended, and has the function's
   * value if that had returned before. Native code cannot be interrupted; the thread ends when it returns. The next call starts
   * a new thread (some 10 to 50 ms). Default false. Together with `abandonOnCancel` a `RangeError`.
   */
  terminateOnCancel?: boolean | undefined
  /** Functions of this thread that the other may call by name, with `runAsyncFromThread`. */
  expose?: Readonly<Record<string, ExposedFunction>> | undefined
  /**
   * What in the arguments is moved to the thread instead of copied: array buffers, message ports. Not the memory of bytes that the
   * library has received or read, which other buffers share: Node 22 and later refuse it with a `DataCloneError`, Node 20 copies
   * it. `Uint8Array.from(bytes)` has memory of its own.
   */
  transfer?: readonly Transferable[] | undefined
  /** For introspection; by default the function's name. */
  name?: string | undefined
}

/** A function that closes over nothing, or a `threadTask`. */
export type ThreadFunction<A extends unknown[], T> = ((...args: A) => T | PromiseLike<T>) | ThreadTask<A, T>

/**
 * Runs `task(...args)` in a thread, and resolves with what it returns; a promise is awaited there. Re-creates `run_in_thread`.
 *
 * `task` is `threadTask(url, name)`, or a function that closes over nothing: it is sent by its source. Arguments and result
 * are copied as by `structuredClone`, but for what `transfer` names. Threads are kept for the next call, and never keep
 * the process alive by themselves.
 *
 * A checkpoint on the way in, also while it waits for a token. From then on a cancellation does not end the function: the
 * caller waits for it, and gets what it came to (or goes on at once: `abandonOnCancel`; or ends the thread: `terminateOnCancel`).
 * The function may ask, with `fromThread.checkCancelled()`.
 *
 * Rejects with what the function throws, with its class name, message, stack and own fields; with `DataCloneError` for what
 * cannot be sent; with `BrokenResourceError` when the thread dies; with `UsageError` where a function that was sent misses a
 * name, or where all tokens of the limiter wait for such a call.
 */
export function runInThread<T = unknown>(task: ThreadTask, ...args: unknown[]): Promise<T>
export function runInThread<A extends unknown[], T>(task: ThreadFunction<A, T>, ...args: A): Promise<T>
export function runInThread<T = unknown>(options: RunInThreadOptions, task: ThreadTask, ...args: unknown[]): Promise<T>
export function runInThread<A extends unknown[], T>(
  options: RunInThreadOptions,
  task: ThreadFunction<A, T>,
  ...args: A
): Promise<T>
export function runInThread(...given: unknown[]): Promise<unknown> {
  try {
    const { job, limiter } = readArguments(given)
    const frame = enterFrame('runInThread')
    const holding = new ThreadHolding(limiter, frame.task, undefined)
    if (limiter.availableTokens <= 0) {
      // A call that was not awaited is cancelled, and waited for, as one operation (api.md §2, rule 7).
      return CancelScope._operation('runInThread', () => waitAndStart(job, limiter, holding))
    }
    return new ThreadCall(job, frame, holding, limiter.acquireOnBehalfOfNowait(holding)).start(frame.scope)
  } catch (error) {
    return rejected(error)
  }
}

/**
 * The limiter of `runInThread` calls that name none: as many tokens as the machine has processors to give
 * (`os.availableParallelism()`), for this thread of the process. It bounds threads only; file work and look-ups have bounds of
 * their own. Its `totalTokens` may be changed. Re-creates `anyio.to_thread.current_default_thread_limiter`.
 */
export function currentDefaultThreadLimiter(): CapacityLimiter {
  return (defaultLimiter ??= createCapacityLimiter(availableParallelism()))
}

let defaultLimiter: CapacityLimiter | undefined

async function waitAndStart(job: ThreadJob, limiter: CapacityLimiter, holding: ThreadHolding): Promise<unknown> {
  const grant = await limiter.acquireOnBehalfOf(holding)
  let frame: Frame
  try {
    // It may have been cancelled since the token was granted.
    frame = enterFrame('runInThread')
  } catch (error) {
    grant.release()
    throw error
  }
  return new ThreadCall(job, frame, holding, grant).start(frame.scope)
}

/** `[options], task, ...args`, checked. */
function readArguments(given: unknown[]): { job: ThreadJob; limiter: CapacityLimiter } {
  const withOptions = hasOptions(given, OPTIONS)
  const options = withOptions ? (given[0] as RunInThreadOptions) : {}
  const [task, ...args] = withOptions ? given.slice(1) : given
  const { limiter = currentDefaultThreadLimiter(), abandonOnCancel = false, terminateOnCancel = false } = options
  const { expose, transfer = [], name } = options
  if (!(limiter instanceof CapacityLimiter)) throw invalidArgType('options.limiter', 'a CapacityLimiter', limiter)
  checkBoolean('options.abandonOnCancel', abandonOnCancel)
  checkBoolean('options.terminateOnCancel', terminateOnCancel)
  if (abandonOnCancel && terminateOnCancel)
    throw outOfRange('options.terminateOnCancel', 'false where abandonOnCancel is true', terminateOnCancel)
  if (!Array.isArray(transfer)) throw invalidArgType('options.transfer', 'an array', transfer)
  if (name !== undefined) checkString('options.name', name)
  const exposed = expose === undefined ? undefined : checkExposed('options.expose', expose)
  return {
    job: {
      task: numberedTask(task),
      args,
      transfer: transfer as Transferable[],
      abandonOnCancel,
      terminateOnCancel,
      exposed,
      name,
    },
    limiter,
  }
}

const OPTIONS = optionNames<RunInThreadOptions>({
  limiter: true,
  abandonOnCancel: true,
  terminateOnCancel: true,
  expose: true,
  transfer: true,
  name: true,
})
