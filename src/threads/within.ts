/**
 * The functions with which worker code calls its host. The program of a thread puts a context on `globalThis`, under a
 * symbol that every copy of the library knows: the code of a thread may load another copy than the one that started the
 * thread.
 */
import { isMainThread } from 'node:worker_threads'
import { Cancelled, NotRunningError, UsageError } from '../errors.ts'
import { activeRuns, currentFrame } from '../kernel/index.ts'
import { checkString } from '../common/validate.ts'

/** The way from a thread to its host. A change needs a new symbol below. */
export interface ThreadContext {
  /** Blocks the thread until the host's function has ended. Returns its value, or throws its error. */
  call(name: string, args: unknown[]): unknown
  /** Whether the scope of the caller of `runInThread` is effectively cancelled. */
  cancelled(): boolean
}

const CONTEXT = Symbol.for('structio.thread.1')

/** @internal */
export function setThreadContext(context: ThreadContext): void {
  Object.defineProperty(globalThis, CONTEXT, { value: context, configurable: true })
}

/**
 * Calls a function of the host from inside a `runInThread` function: one that the call's option `expose` names. Blocks
 * this thread until the function has ended, and returns its value; the host's event loop goes on. The function runs
 * under the scope of the caller of `runInThread`.
 *
 * @example
 * ```ts
 * await runInThread({ expose: { load: (id: number) => database.load(id) } }, () => {
 *   const row = runAsyncFromThread<Row>('load', 7)
 *   return crunch(row)
 * })
 * ```
 *
 * @param name - the key in `expose`
 * @param args - values that can be cloned
 * @throws the error of the function, also its `Cancelled`; UsageError on the event-loop thread, which must never block;
 * NotRunningError in a thread that the library did not start; RunFinishedError in an abandoned thread whose run has
 * settled
 */
export function runAsyncFromThread<T = unknown>(name: string, ...args: unknown[]): T {
  checkString('name', name)
  return threadContext('runAsyncFromThread').call(name, args) as T
}

/** What code inside `runInThread` can ask about its caller. */
export const fromThread: {
  /**
   * Throws `Cancelled` if the caller of `runInThread` is cancelled (shields count as for any checkpoint). It reads one
   * word of shared memory: call it in a computation as often as you like.
   */
  checkCancelled(): void
} = Object.freeze({
  checkCancelled(): void {
    if (threadContext('checkCancelled').cancelled()) {
      throw new Cancelled('checkCancelled: the scope that this thread works for was cancelled')
    }
  },
})

function threadContext(what: string): ThreadContext {
  refuseEventLoop(what)
  const context = (globalThis as { [CONTEXT]?: ThreadContext })[CONTEXT]
  if (context !== undefined) return context
  throw new NotRunningError(
    isMainThread
      ? `${what} works in a thread that runInThread has started; this is the main thread`
      : `${what} works in a thread that runInThread has started; for another, make a portal with createBlockingPortal`,
  )
}

/** @throws UsageError if blocking would stop an event loop, whose tasks it may wait for */
export function refuseEventLoop(what: string): void {
  // A thread of the library may have a run of its own, whose event loop must not block either.
  if (currentFrame()?.task.ended !== false && (activeRuns.size === 0 || CONTEXT in globalThis)) return
  throw new UsageError(`${what} was called on the event-loop thread, which must not block: call the function itself`)
}
