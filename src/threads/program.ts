/**
 * The other side of task.ts, in the thread or process that runs the function: loads the module, or makes a function of the
 * source that was sent.
 *
 * What was sent knows nothing of where it was written. Three kinds of names are given to it all the same: what worker code
 * calls the library by, the helpers that compilers put into functions (helpers.ts), and the namespaces under which compiled
 * CommonJS knows the library. Whatever else is missing is reported as what it is: the function closes over something.
 */
import { compileFunction, constants } from 'node:vm'
import { UsageError } from '../errors.ts'
import { helpers } from './helpers.ts'
import { isTypeScript } from './typescript.ts'
import type { TaskSource } from './wire.ts'

export type Runnable = (...args: unknown[]) => unknown

/** What the surroundings offer to the functions they run. */
export interface Offer {
  /** Names that functions sent by their source can use. */
  readonly names: Readonly<Record<string, unknown>>
  /** Sees to it that TypeScript can be loaded. */
  typeScript?(): Promise<void>
}

export function load(task: TaskSource, offer: Offer): Runnable | Promise<Runnable> {
  return task.kind === 'module' ? loadExport(task.url, task.name, offer) : compile(task.source, task.name, offer.names)
}

/** What the function threw, in clearer words where it was sent by its source and misses what it was written beside. */
export function explain(error: unknown, task: TaskSource): unknown {
  if (task.kind === 'module' || !(error instanceof ReferenceError)) return error
  const name = /^(\S+) is not defined$/.exec(error.message)?.[1]
  // Not one of a module that the function has called.
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
  // Of a CommonJS module, not every export is seen from outside.
  const inside = module['default'] as Record<string, unknown> | undefined
  const found = module[name] ?? (typeof inside === 'object' && inside !== null ? inside[name] : undefined)
  if (typeof found === 'function') return found as Runnable
  const functions = Object.keys(module).filter((key) => typeof module[key] === 'function')
  const others = functions.length === 0 ? 'it exports no function' : `it exports ${functions.join(', ')}`
  throw new UsageError(`${url} exports no function "${name}": ${others}`)
}

/** An expression first; then as the method of an object, which has another notation. What is sloppy is tried last. */
const FORMS = [
  { prefix: '"use strict";return (', suffix: '\n)', method: false },
  { prefix: '"use strict";return ({', suffix: '\n})', method: true },
  { prefix: 'return (', suffix: '\n)', method: false },
  { prefix: 'return ({', suffix: '\n})', method: true },
] as const

function compile(source: string, name: string, given: Readonly<Record<string, unknown>>): Runnable {
  const names = namesFor(source, given)
  // A private method is one like any other, but for the mark on its name.
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
 * `import('…')` inside it means what it would in a module in the working directory. Node calls this experimental, which is
 * nothing that the user of a function could do anything about; where no import is, nobody need hear of it.
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

/** Only those that occur: a name given in vain might hide a global one. */
function namesFor(source: string, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const names: Record<string, unknown> = {}
  for (const [name] of source.matchAll(/[A-Za-z_$][\w$]*/g)) {
    if (name in names) continue
    if (Object.hasOwn(given, name)) names[name] = given[name]
    else if (Object.hasOwn(helpers, name)) names[name] = helpers[name]
    // What tsc, esbuild and their like call the imported library in CommonJS.
    else if (/^(?:import_structio\d*|structio_\d+|_structio\d*)$/.test(name)) names[name] = given
    else if (/^tslib_\d+$|^tslib\d*$/.test(name)) names[name] = helpers
    else if (/^cov_[\da-z]{6,}$/.test(name)) names[name] = () => COUNTER
  }
  return names
}

/** What istanbul counts with: any property, any depth, and nothing is kept. */
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
