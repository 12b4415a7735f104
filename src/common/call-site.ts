/**
 * Where something was asked to open. What fails later has only the event loop below it on its stack; the caller's
 * frames are added, so that the error says which of many calls it was. Only for what opens something: a stack costs
 * some microseconds.
 */
import { Cancelled } from '../errors.ts'
import { markHandled } from '../kernel/index.ts'

export interface CallSite {
  readonly stack?: string
}

/**
 * The frames below `above`, the function that the library's caller called. Text is made of them only when they are
 * needed.
 */
export function callSite(above: (...args: never[]) => unknown): CallSite {
  const site: CallSite = {}
  Error.captureStackTrace(site, above)
  return site
}

/**
 * `promise`, whose errors have the frames of the `async` function that awaits it. V8 finds these at the moment of the
 * failure, so that a call that succeeds pays for no stack: for calls that are repeated. A caller that uses `then`
 * instead is not found.
 */
export function withAwaiter<T>(promise: Promise<T>): Promise<T> {
  const awaited: Promise<T> = promise.then(undefined, function failed(error: unknown): never {
    // Its scope owns a cancellation, as that of `promise` (common/owned.ts).
    if (error instanceof Cancelled) markHandled(awaited)
    else withCallSite(callSite(failed), error)
    throw error
  })
  return awaited
}

/** Errors are shared where calls share their work, as look-ups do: the first caller's frames stay. */
const told = new WeakSet<Error>()

/** `error`, with the frames of the call added. */
export function withCallSite<E>(site: CallSite, error: E): E {
  if (error instanceof Error && !(error instanceof Cancelled) && !told.has(error)) {
    told.add(error)
    const frames = (site.stack ?? '').split('\n').slice(1)
    const stack = error.stack
    // One that failed at once may have some of them.
    const missing = frames.filter((frame) => !stack?.includes(frame.trim()))
    if (missing.length > 0 && typeof stack === 'string' && Object.isExtensible(error)) {
      error.stack = [stack, ...missing].join('\n')
    }
  }
  return error
}
