/**
 * Tasks for threads and processes: an export of a module, or a function that is sent by its source. This is the host's
 * side, which refuses impossible tasks before anything is started; `program.ts` is the other side.
 */
import { types } from 'node:util'
import {
  checkFunction,
  checkOptions,
  checkString,
  invalidArgType,
  type OptionNames,
  outOfRange,
} from '../common/validate.ts'
import type { TaskSource } from './wire.ts'

declare const signature: unique symbol

/** An export of a module as a task for `runInThread` or `runInProcess`; `threadTask` makes one. */
export interface ThreadTask<A extends unknown[] = unknown[], T = unknown> {
  /** The absolute URL of the module. */
  readonly url: string
  /** The name of the exported function. */
  readonly name: string
  /** For the compiler only: the function's type. */
  readonly [signature]?: (...args: A) => T
}

/** A function of any kind. */
type AnyFunction = (...args: never[]) => unknown

/**
 * Names an export of a module as a task: a thread or a child process loads the module and calls the function.
 *
 * @example
 * ```ts
 * const hash = threadTask<typeof import('./work.js').hash>(new URL('./work.js', import.meta.url), 'hash')
 * const digest = await runInThread(hash, 'some text')
 * ```
 *
 * @typeParam F - the function's type: `typeof import('./work.js').hash`
 * @param url - absolute: `new URL('./work.js', import.meta.url)`, or its text
 * @param name - the name of the export; default: the default export
 * @throws TypeError if `url` is no URL, RangeError if it is not absolute
 */
export function threadTask<F extends AnyFunction = (...args: unknown[]) => unknown>(
  url: URL | string,
  name = 'default',
): ThreadTask<Parameters<F>, Awaited<ReturnType<F>>> {
  checkString('name', name)
  return new ModuleTask(checkUrl(url), name)
}

class ModuleTask implements ThreadTask<never[], never> {
  readonly url: string
  readonly name: string
  declare readonly [signature]?: (...args: never[]) => never

  constructor(url: string, name: string) {
    this.url = url
    this.name = name
    Object.freeze(this)
  }
}

function checkUrl(url: unknown): string {
  if (typeof url === 'string') {
    if (!URL.canParse(url))
      throw outOfRange('url', "an absolute URL, such as new URL('./work.js', import.meta.url)", url)
    return url
  }
  // By shape: a URL may come from another realm.
  const href = typeof url === 'object' && url !== null && 'href' in url ? url.href : undefined
  if (typeof href !== 'string') throw invalidArgType('url', 'an instance of URL, or its text', url)
  return href
}

/** A task with a number, by which a thread that has run it remembers it. */
export interface NumberedTask {
  readonly key: number
  readonly source: TaskSource
}

/** @throws TypeError for a value that is no task */
export function numberedTask(task: unknown): NumberedTask {
  if (typeof task === 'function') {
    let numbered = byFunction.get(task)
    if (numbered === undefined) {
      numbered = numberOf({ kind: 'function', source: sourceOf(task), name: task.name })
      byFunction.set(task, numbered)
    }
    return numbered
  }
  if (!(task instanceof ModuleTask)) checkFunction('task', task)
  const { url, name } = task as ModuleTask
  return numberOf({ kind: 'module', url, name })
}

/** The task's name in error messages. */
export function nameOfTask({ source: { name } }: NumberedTask): string {
  return name === '' ? 'a function' : `"${name}"`
}

/** Finds long-lived functions without reading their source. */
const byFunction = new WeakMap<object, NumberedTask>()
/** Finds functions that are made anew for each call. The oldest are forgotten. */
const bySource = new Map<string, NumberedTask>()
const MOST_SOURCES = 500
let keys = 0

function numberOf(source: TaskSource): NumberedTask {
  const id = source.kind === 'module' ? `${source.name} of ${source.url}` : `${source.name}: ${source.source}`
  let numbered = bySource.get(id)
  if (numbered === undefined) {
    numbered = { key: ++keys, source }
    if (bySource.size === MOST_SOURCES) bySource.delete(bySource.keys().next().value!)
    bySource.set(id, numbered)
  }
  return numbered
}

function sourceOf(task: object): string {
  const source = Function.prototype.toString.call(task)
  const refuse = (what: string): TypeError => {
    const text = `a plain function, or a threadTask: ${what}`
    return invalidArgType('task', text, task)
  }
  if (/\{\s*\[native code\]\s*\}\s*$/.test(source)) throw refuse('a built-in or bound function has no source to send')
  if (/^class\b/.test(source)) throw refuse('a class cannot be called')
  if (types.isGeneratorFunction(task))
    throw refuse('a generator function returns an iterator, which no other thread can have')
  return source
}

/** Whether the first argument of a call is its options and not the task. */
export function hasOptions(given: readonly unknown[], known: OptionNames): boolean {
  const [first] = given
  if (typeof first === 'function' || first instanceof ModuleTask) return false
  if (given.length > 1) checkOptions('options', first, known)
  return given.length > 1
}
