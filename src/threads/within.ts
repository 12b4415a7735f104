/**
 * Where worker code calls its host from. The program of a thread leaves this on `globalThis`, under a name that every copy of
 * the library knows: the module that a thread runs may have loaded another copy than the one that started it.
 */
import { isMainThread } from 'node:worker_threads'
import { Cancelled, NotRunningError, UsageError } from '../errors.ts'
import { activeRuns, currentFrame } from '../kernel/index.ts'
import { checkString } from '../common/validate.ts'

/** The way from a thread to its host. Changed only together with the name below. */
export interface ThreadContext {
  /** Blocks the thread until the host's function has ended: returns what it returned, throws what it threw. */
  call(name: string, args: unknown[]): unknown
  /** Whether the scope of whoever called `runInThread` is effectively cancelled. */
  cancelled(): boolean
}

const CONTEXT = Symbol.for('structio.thread.1')

/** @internal */
export function setThreadContext(context: ThreadContext): void {
  Object.defineProperty(globalThis, CONTEXT, { value: context, configurable: true })
}

/**
 * Calls a function of the host thread that `runInThread` was given in `expose`, and blocks this thread until it has ended;
 * the event loop goes on. The function runs under the scope of whoever called `runInThread`.
 *
 * Throws what the function throws, `Cancelled` among it: that scope's cancellation reaches the waits inside it. Throws
 * `UsageError` on the event-loop thread, which must never block; `NotRunningError` in a thread that the library did not start;
 * `RunFinishedError` in one that was abandoned, once its run has settled. Re-creates `run_async_from_thread`.
 *
 * @param args - anything that can be cloned
 */
export function runAsyncFromThread<T = unknown>(name: string, ...args: unknown[]): T {
  checkString('name', name)
  return threadContext('runAsyncFromThread').call(name, args) as T
}

/** What worker code can ask about its caller. Re-creates `anyio.from_thread`. */
export const fromThread: {
  /**
   * Throws `Cancelled` when the scope of whoever called `runInThread` is effectively cancelled; a shield keeps it away as from
   * any checkpoint. It reads one word of shared memory: call it in the middle of a computation, as often as you like.
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

/** @throws UsageError where blocking would stop an event loop, for whose tasks it might wait */
export function refuseEventLoop(what: string): void {
  // A thread of the library may have an event loop of its own, too, inside which nothing may block.
  if (currentFrame()?.task.ended !== false && (activeRuns.size === 0 || CONTEXT in globalThis)) return
  throw new UsageError(`${what} was called on the event-loop thread, which must not block: call the function itself`)
}
