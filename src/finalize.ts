/** Closing what has no disposer of its own. */
import { Cancelled } from './errors.ts'
import { checkFunction, invalidArgType } from './common/validate.ts'

/** Anything with one of the usual ways to close it. An async generator has `return`. */
export type Finalizable = object

/**
 * Runs `body` and then closes the resource (by its `aclose`, `close` or `return`, whichever it has), however the body
 * ends. What the body throws comes out; when closing fails as well, a `SuppressedError` holds both. Like a disposer,
 * closing never raises a cancellation: the next checkpoint does. Re-creates `finalize`.
 */
export function finalize<R extends Finalizable, T>(resource: R, body: (resource: R) => T | PromiseLike<T>): Promise<T>
/** Gives the resource a `Symbol.asyncDispose` that closes it, for `await using`. */
export function finalize<R extends Finalizable>(resource: R): R & AsyncDisposable
export function finalize(resource: object, ...rest: [body?: (resource: object) => unknown]): unknown {
  if (rest.length > 0) return closing(resource, rest[0])
  const close = closerOf(resource)
  if (!(Symbol.asyncDispose in resource)) {
    Object.defineProperty(resource, Symbol.asyncDispose, { value: close, configurable: true, writable: true })
  }
  return resource
}

async function closing(resource: object, body: unknown): Promise<unknown> {
  checkFunction('body', body)
  const close = closerOf(resource)
  let value: unknown
  try {
    value = await (body as (resource: object) => unknown)(resource)
  } catch (error) {
    await closeAfter(error, close)
    throw error
  }
  await close()
  return value
}

async function closeAfter(error: unknown, close: () => Promise<void>): Promise<void> {
  try {
    await close()
  } catch (second) {
    throw suppressed(second, error)
  }
}

function closerOf(resource: unknown): () => Promise<void> {
  const methods = resource as Record<PropertyKey, unknown>
  const name = ['aclose', 'close', 'return', Symbol.asyncDispose, Symbol.dispose].find(
    (key) => typeof resource === 'object' && resource !== null && typeof methods[key] === 'function',
  )
  if (name === undefined) throw invalidArgType('resource', 'an object with a method aclose, close or return', resource)
  return async () => {
    try {
      await (methods[name] as () => unknown)()
    } catch (error) {
      if (!(error instanceof Cancelled)) throw error
    }
  }
}

/** What `await using` would make of the two. Before Node 24 there is no such class; the name is what counts (api.md §2, rule 8). */
function suppressed(error: unknown, suppressedError: unknown): Error {
  const Native = (
    globalThis as { SuppressedError?: new (error: unknown, suppressed: unknown, message: string) => Error }
  ).SuppressedError
  const text = 'closing failed after the body had failed'
  if (Native !== undefined) return new Native(error, suppressedError, text)
  return Object.assign(new Error(text), { name: 'SuppressedError', error, suppressed: suppressedError })
}
