/**
 * Threads: functions that compute or block run beside the event loop. The pool, the protocol and the threads themselves
 * are in `threads/`; docs/design/threads.md says why no library is used.
 */
import { availableParallelism } from 'node:os'
import { CancelScope, enterFrame, type Frame, rejected } from './kernel/index.ts'
import { CapacityLimiter, createCapacityLimiter } from './sync/capacity-limiter.ts'
import { ThreadHolding } from './sync/starvation.ts'
import { checkExposed, type ExposedFunction } from './threads/exposed.ts'
import { hasOptions, numberedTask, type ThreadTask } from './threads/task.ts'
import { ThreadCall, type ThreadJob } from './threads/thread-call.ts'
import type { Transferable } from './threads/wire.ts'
import { checkBoolean, checkString, invalidArgType, optionNames, outOfRange } from './common/validate.ts'

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
  /** Bounds how many threads work at once: the call holds one token. Default: `currentDefaultThreadLimiter()`. */
  limiter?: CapacityLimiter | undefined
  /**
   * Whether a cancelled caller goes on at once, while the function runs on: its result is dropped, and the token comes
   * back when the thread is done. Default false: the caller waits until the function has ended.
   */
  abandonOnCancel?: boolean | undefined
  /**
   * Whether a cancellation terminates the thread in the middle of the function. `finally` blocks do not run, and
   * half-done changes of shared memory stay. The caller goes on once the thread has ended, with the value of the
   * function if that had returned before. Native code cannot be interrupted: the thread ends when it returns. The next
   * call starts a new thread (some 10 to 50 ms). Default false. Excludes `abandonOnCancel`.
   */
  terminateOnCancel?: boolean | undefined
  /** Functions of this thread that the function may call by name, with `runAsyncFromThread`. */
  expose?: Readonly<Record<string, ExposedFunction>> | undefined
  /**
   * Parts of the arguments that are moved to the thread instead of copied: array buffers, message ports. The memory of
   * bytes that the library has received or read cannot be moved, because other buffers share it: Node 22 and later
   * refuse it with a `DataCloneError`, Node 20 copies it. `Uint8Array.from(bytes)` has memory of its own.
   */
  transfer?: readonly Transferable[] | undefined
  /** Name in dumps. Default: the function's name. */
  name?: string | undefined
}

/** A task for a thread: a function that closes over nothing, or a `threadTask`. */
export type ThreadFunction<A extends unknown[], T> = ((...args: A) => T | PromiseLike<T>) | ThreadTask<A, T>

/**
 * Runs `task(...args)` in a thread, so that it does not block the event loop, and resolves with its value. If it
 * returns a promise, the thread awaits it.
 *
 * `task` is `threadTask(url, name)`, or a function that closes over nothing: the thread gets its source. Arguments and
 * value are copied as by `structuredClone`, except what `transfer` names. Threads are reused, and never keep the
 * process alive by themselves.
 *
 * A caller that is cancelled before the function runs leaves at once. Later the caller waits for the function and gets
 * its value or error (THREAD-1); `abandonOnCancel` and `terminateOnCancel` change that. The function can check for a
 * cancellation with `fromThread.checkCancelled()`.
 *
 * @example
 * ```ts
 * const hash = await runInThread((text: string) => {
 *   const { createHash } = process.getBuiltinModule('node:crypto')
 *   return createHash('sha256').update(text).digest('hex')
 * }, text)
 * ```
 *
 * @throws the error of the function, with class name, message, stack and own fields; `DataCloneError` for a value that
 * cannot be sent; BrokenResourceError if the thread dies; UsageError if the function closes over a name, or if all
 * tokens of the limiter wait for such a call
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
      // One operation: a call that was not awaited is cancelled and awaited as a whole (SCOPE-7).
      return CancelScope._operation('runInThread', () => waitAndStart(job, limiter, holding))
    }
    return new ThreadCall(job, frame, holding, limiter.acquireOnBehalfOfNowait(holding)).start(frame.scope)
  } catch (error) {
    return rejected(error)
  }
}

/**
 * The limiter of `runInThread` calls without the option `limiter`. It has `os.availableParallelism()` tokens; set its
 * `totalTokens` to change that. It bounds threads only, not file work and look-ups, and belongs to this JavaScript
 * thread.
 */
export function currentDefaultThreadLimiter(): CapacityLimiter {
  return (defaultLimiter ??= createCapacityLimiter(availableParallelism()))
}

let defaultLimiter: CapacityLimiter | undefined

async function waitAndStart(job: ThreadJob, limiter: CapacityLimiter, holding: ThreadHolding): Promise<unknown> {
  const grant = await limiter.acquireOnBehalfOf(holding)
  let frame: Frame
  try {
    // The caller may have been cancelled since it got the token.
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
