/** The functions that a host lets its threads call, by name. */
import { UsageError } from '../errors.ts'
import { checkFunction, checkOptions } from '../common/validate.ts'

/** A function of the host that a thread calls by name. Its arguments and value are copied. */
export type ExposedFunction = (...args: never[]) => unknown
export type Exposed = ReadonlyMap<string, (...args: unknown[]) => unknown>

/** A copy: later changes of the record have no effect. */
export function checkExposed(name: string, expose: unknown): Exposed {
  checkOptions(name, expose)
  const entries = Object.entries(expose)
  for (const [key, fn] of entries) checkFunction(`${name}.${key}`, fn)
  return new Map(entries as [string, (...args: unknown[]) => unknown][])
}

/** @throws UsageError if no function is exposed under that name */
export function exposedFunction(exposed: Exposed | undefined, name: string): (...args: unknown[]) => unknown {
  const fn = exposed?.get(name)
  if (fn !== undefined) return fn
  const names = [...(exposed?.keys() ?? [])].map((key) => `"${key}"`)
  throw new UsageError(
    `nothing is exposed to this thread as "${name}": ${names.length === 0 ? 'give it in the option "expose"' : `there is ${names.join(', ')}`}`,
  )
}
