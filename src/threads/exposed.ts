/** The functions that a host lets its threads call, by name. */
import { UsageError } from '../errors.ts'
import { checkFunction, checkOptions } from '../common/validate.ts'

/** A function of the host that a thread calls by name. What it takes and returns is copied. */
export type ExposedFunction = (...args: never[]) => unknown
export type Exposed = ReadonlyMap<string, (...args: unknown[]) => unknown>

/** A copy: what the record holds later does not matter. */
export function checkExposed(name: string, expose: unknown): Exposed {
  checkOptions(name, expose)
  const entries = Object.entries(expose)
  for (const [key, fn] of entries) checkFunction(`${name}.${key}`, fn)
  return new Map(entries as [string, (...args: unknown[]) => unknown][])
}

/** @throws UsageError for a name that stands for nothing */
export function exposedFunction(exposed: Exposed | undefined, name: string): (...args: unknown[]) => unknown {
  const fn = exposed?.get(name)
  if (fn !== undefined) return fn
  const names = [...(exposed?.keys() ?? [])].map((key) => `"${key}"`)
  throw new UsageError(
    `nothing is exposed to this thread as "${name}": ${names.length === 0 ? 'give it in the option "expose"' : `there is ${names.join(', ')}`}`,
  )
}
