/** Closes objects that have no disposer of their own. */
import { Cancelled } from './errors.ts'
import { checkFunction, invalidArgType } from './common/validate.ts'

/** An object with a method `aclose`, `close` or `return` (as async generators have). */
export type Finalizable = object

/**
 * Runs `body` and then closes the resource by its method `aclose`, `close` or `return`, also when the body fails.
 * Resolves with the value of the body.
 *
 * Rejects with the error of the body. When closing fails too, it rejects with a `SuppressedError` that has both errors.
 * Closing never raises a cancellation; the next checkpoint does.
 *
 * @example
 * ```ts
 * const rows = await finalize(await database.connect(), (connection) => connection.query(sql))
 * ```
 */
export function finalize<R extends Finalizable, T>(resource: R, body: (resource: R) => T | PromiseLike<T>): Promise<T>
/**
 * Gives the resource a `Symbol.asyncDispose` that closes it, and returns the resource.
 *
 * @example
 * ```ts
 * await using connection = finalize(await database.connect())
 * ```
 */
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

/**
 * The error that `await using` would make of the two. Node has the class since version 24; SCOPE-8 goes by the name.
 */
function suppressed(error: unknown, suppressedError: unknown): Error {
  const Native = (
    globalThis as { SuppressedError?: new (error: unknown, suppressed: unknown, message: string) => Error }
  ).SuppressedError
  const text = 'closing failed after the body had failed'
  if (Native !== undefined) return new Native(error, suppressedError, text)
  return Object.assign(new Error(text), { name: 'SuppressedError', error, suppressed: suppressedError })
}
