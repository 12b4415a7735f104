/**
 * The counterpart of task.ts in the thread or process that runs the function: loads the module, or compiles the source
 * that was sent.
 *
 * A function from source has lost its surroundings. Three kinds of names are provided: the library's functions for
 * worker code, the helpers that compilers put into functions (helpers.ts), and the namespaces under which compiled
 * CommonJS refers to the library. Any other missing name is reported: the function closes over it.
 */
import { compileFunction, constants } from 'node:vm'
import { UsageError } from '../errors.ts'
import { helpers } from './helpers.ts'
import { isTypeScript } from './typescript.ts'
import type { TaskSource } from './wire.ts'

export type Runnable = (...args: unknown[]) => unknown

/** What a thread or process provides to the functions that it runs. */
export interface Offer {
  /** Names that functions from source can use. */
  readonly names: Readonly<Record<string, unknown>>
  /** Makes TypeScript loadable. */
  typeScript?(): Promise<void>
}

export function load(task: TaskSource, offer: Offer): Runnable | Promise<Runnable> {
  return task.kind === 'module' ? loadExport(task.url, task.name, offer) : compile(task.source, task.name, offer.names)
}

/** The error of the function. If a function from source misses a name, a clearer error. */
export function explain(error: unknown, task: TaskSource): unknown {
  if (task.kind === 'module' || !(error instanceof ReferenceError)) return error
  const name = /^(\S+) is not defined$/.exec(error.message)?.[1]
  // The error may come from a module that the function has called.
  const isIts = error.stack?.split('\n', 2)[1]?.includes(fileName(task.name)) === true
  if (name === undefined || !isIts) return error
  const text =
    `${shown(task.name)} closes over "${name}", which does not exist where it runs: a function is sent by its source. ` +
    'Pass the value as an argument, import() what it needs inside it, or put it into a module and use threadTask'
  return new UsageError(text, { cause: error })
}

async function loadExport(url: string, name: string, offer: Offer): Promise<Runnable> {
  if (isTypeScript(url)) await offer.typeScript?.()
  const module = (await import(url)) as Record<string, unknown>
  // Not every export of a CommonJS module is visible as a named export.
  const inside = module['default'] as Record<string, unknown> | undefined
  const found = module[name] ?? (typeof inside === 'object' && inside !== null ? inside[name] : undefined)
  if (typeof found === 'function') return found as Runnable
  const functions = Object.keys(module).filter((key) => typeof module[key] === 'function')
  const others = functions.length === 0 ? 'it exports no function' : `it exports ${functions.join(', ')}`
  throw new UsageError(`${url} exports no function "${name}": ${others}`)
}

/** Tried in order: an expression, a method of an object, and both again in sloppy mode. */
const FORMS = [
  { prefix: '"use strict";return (', suffix: '\n)', method: false },
  { prefix: '"use strict";return ({', suffix: '\n})', method: true },
  { prefix: 'return (', suffix: '\n)', method: false },
  { prefix: 'return ({', suffix: '\n})', method: true },
] as const

function compile(source: string, name: string, given: Readonly<Record<string, unknown>>): Runnable {
  const names = namesFor(source, given)
  // Without its `#`, a private method compiles as any other.
  const text = source.replace(/^((?:async\s+)?(?:[gs]et\s+)?)#/, '$1')
  let failure: unknown
  for (const { prefix, suffix, method } of FORMS) {
    try {
      const options = { filename: fileName(name), columnOffset: -prefix.length, ...importing(source) }
      const make = compileFunction(prefix + text + suffix, Object.keys(names), options) as Runnable
      const made = make(...Object.values(names))
      const found = method ? onlyMethod(made as object) : made
      if (typeof found === 'function') return found as Runnable
    } catch (error) {
      failure ??= error
    }
  }
  throw new UsageError(`${shown(name)} cannot be made from its source in the thread: use threadTask`, {
    cause: failure,
  })
}

/**
 * `import('…')` in the function resolves as in a module in the working directory. Node warns that this is experimental.
 * The user cannot change that, so the warning is hidden.
 */
function importing(source: string): { importModuleDynamically?: typeof constants.USE_MAIN_CONTEXT_DEFAULT_LOADER } {
  if (!/\bimport\s*\(/.test(source)) return {}
  hideExperimentalWarning()
  return { importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER }
}

let hidden = false

function hideExperimentalWarning(): void {
  if (hidden) return
  hidden = true
  const { emitWarning } = process
  process.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    if (String(warning).includes('USE_MAIN_CONTEXT_DEFAULT_LOADER')) process.emitWarning = emitWarning
    else (emitWarning as (...args: unknown[]) => void)(warning, ...rest)
  }
}

function onlyMethod(object: object): unknown {
  const [key] = Reflect.ownKeys(object)
  const descriptor = Object.getOwnPropertyDescriptor(object, key!)!
  return (descriptor.value as unknown) ?? descriptor.get ?? descriptor.set
}

/** Only names that occur in the source: others might hide a global. */
function namesFor(source: string, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const names: Record<string, unknown> = {}
  for (const [name] of source.matchAll(/[A-Za-z_$][\w$]*/g)) {
    if (name in names) continue
    if (Object.hasOwn(given, name)) names[name] = given[name]
    else if (Object.hasOwn(helpers, name)) names[name] = helpers[name]
    // The names of the imported library in CommonJS that tsc and esbuild emit.
    else if (/^(?:import_structio\d*|structio_\d+|_structio\d*)$/.test(name)) names[name] = given
    else if (/^tslib_\d+$|^tslib\d*$/.test(name)) names[name] = helpers
    else if (/^cov_[\da-z]{6,}$/.test(name)) names[name] = () => COUNTER
  }
  return names
}

/** A stand-in for istanbul's counters: any property at any depth, and nothing is kept. */
const COUNTER: unknown = new Proxy(() => {}, {
  get: (_, key): unknown => (key === Symbol.toPrimitive ? () => 0 : COUNTER),
  set: () => true,
})

function fileName(name: string): string {
  return `${name === '' ? 'function' : name} (sent to a thread)`
}

function shown(name: string): string {
  return name === '' ? 'the function' : `the function "${name}"`
}
