/**
 * The error for a value that cannot be sent to another thread or process. It names the part of the value that cannot be
 * cloned, and a remedy: V8's own text shows neither the argument nor the property.
 *
 * The search runs only after a send has failed. It never changes the values: buffers are cloned, and none is
 * transferred.
 */
import { types } from 'node:util'
import { serialize } from 'node:v8'

/** The destination of a value. `moves`: the call has a `transfer` option. `exposes`: it has an `expose` option. */
export interface Destination {
  /** In the error message: 'another thread'. */
  readonly name: string
  readonly clone: (value: unknown) => unknown
  readonly moves?: boolean
  readonly exposes?: boolean
}

const THREAD: Destination = { name: 'another thread', clone: structuredClone }
/** The destination of the arguments of `runInThread`. */
export const TO_THREAD: Destination = { ...THREAD, moves: true, exposes: true }
/** The destination of the arguments and the value of `runInProcess`: the serializer of Node's child processes. */
export const TO_PROCESS: Destination = { name: 'another process', clone: serialize }

/** @param what - the value, in the error message: 'what the function returned' */
export function notCloneable(what: string, value: unknown, to: Destination = THREAD): DOMException {
  const part = new Search(to, []).find(value, '', 0)
  return dataCloneError(what, part ?? { path: '', value }, to)
}

/**
 * @param of - the called function, in the error message: '"work"'
 * @param cause - the error of the port; it is about the `transfer` list if each argument can be cloned
 * @param transfer - values that are moved, and so need not be cloned
 */
export function argumentNotCloneable(
  of: string,
  args: readonly unknown[],
  cause: Error,
  to: Destination = THREAD,
  transfer: readonly unknown[] = [],
): DOMException {
  const search = new Search(to, transfer)
  for (const [index, arg] of args.entries()) {
    const part = search.find(arg, '', 0)
    if (part !== undefined) return dataCloneError(`argument ${index + 1} of ${of}`, part, to)
  }
  return new DOMException(`the arguments of ${of} cannot be sent to ${to.name}: ${cause.message}`, 'DataCloneError')
}

/** For a value that was lost on the way. `cause` is the error of the port. */
export function lostInCloning(what: string, cause: Error): DOMException {
  return new DOMException(`${what} cannot be sent to another thread: ${cause.message}`, 'DataCloneError')
}

/** Whether an error is a failed clone, of `postMessage` or of the serializer of child processes. */
export function isCloneFailure(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  return (
    error.name === 'DataCloneError' ||
    ('code' in error && error.code === 'ERR_MISSING_TRANSFERABLE_IN_TRANSFER_LIST') ||
    / could not be cloned\.?$|^Unserializable host object: | on a detached ArrayBuffer$/.test(error.message)
  )
}

export function isCloneable(value: unknown): boolean {
  return clones(value, structuredClone)
}

/** The part of a value that cannot be cloned. */
interface Part {
  /** The path to it: 'options.onDone'; empty for the value itself. */
  readonly path: string
  readonly value: unknown
}

/** Bounds of the search: the depth, and the number of parts. */
const DEEPEST = 32
const MOST_PARTS = 10_000

class Search {
  readonly #to: Destination
  readonly #moved: ReadonlySet<unknown>
  readonly #seen = new Set<unknown>()

  constructor(to: Destination, moved: readonly unknown[]) {
    this.#to = to
    this.#moved = new Set(moved)
  }

  /** The first part of `value` that cannot be cloned: the innermost one. */
  find(value: unknown, path: string, depth: number): Part | undefined {
    if (typeof value === 'function' || typeof value === 'symbol') return { path, value }
    if (typeof value !== 'object' || value === null || this.#moved.has(value)) return undefined
    if (this.#seen.has(value) || this.#seen.size >= MOST_PARTS) return undefined
    this.#seen.add(value)
    if (clones(value, this.#to.clone)) return undefined
    // Properties of a proxy can be anything.
    if (depth < DEEPEST && !types.isProxy(value)) {
      for (const [step, child] of partsOf(value)) {
        const part = this.find(child, joined(path, step), depth + 1)
        if (part !== undefined) return part
      }
      // All its parts can be cloned or are moved, so the container itself is no fault.
      if (this.#moved.size > 0 && isPlain(value)) return undefined
    }
    return { path, value }
  }
}

/** A large buffer is certainly cloneable, and is not copied for the check. */
function clones(value: unknown, clone: Destination['clone']): boolean {
  if (typeof value === 'function' || typeof value === 'symbol') return false
  if (typeof value !== 'object' || value === null) return true
  if (types.isArrayBuffer(value) && value.byteLength > 0) return true
  try {
    clone(value)
    return true
  } catch {
    return false
  }
}

function* partsOf(value: object): Iterable<readonly [step: string, part: unknown]> {
  if (types.isMap(value)) {
    for (const [key, part] of value) {
      yield [`[key ${textOf(key)}]`, key]
      yield [`[${textOf(key)}]`, part]
    }
  } else if (types.isSet(value)) {
    let index = 0
    for (const part of value) yield [`[${index++}]`, part]
  } else {
    for (const key of Object.keys(value)) {
      const part = Object.getOwnPropertyDescriptor(value, key)?.value as unknown
      yield [Array.isArray(value) ? `[${key}]` : key, part]
    }
  }
}

function joined(path: string, step: string): string {
  return path === '' || step.startsWith('[') ? path + step : `${path}.${step}`
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as unknown
  return Array.isArray(value) || types.isMap(value) || types.isSet(value) || prototype === null || isRoot(prototype)
}

/** `Object.prototype` of any realm. */
function isRoot(prototype: unknown): boolean {
  return typeof prototype === 'object' && Object.getPrototypeOf(prototype) === null
}

/** With the name and code of the error of `structuredClone`. */
function dataCloneError(what: string, { path, value }: Part, to: Destination): DOMException {
  const where = path === '' ? 'it' : `its "${path}"`
  const [kind, remedy] = explained(value, to)
  return new DOMException(`${what} cannot be sent to ${to.name}: ${where} is ${kind}. ${remedy}`, 'DataCloneError')
}

function explained(value: unknown, to: Destination): readonly [kind: string, remedy: string] {
  if (typeof value === 'function') {
    const isClass = /^class\b/.test(Function.prototype.toString.call(value))
    const kind = isClass ? 'class' : 'function'
    const called = value.name === '' ? `a ${kind}` : `the ${kind} "${value.name}"`
    return [called, to.exposes && !isClass ? EXPOSE : `A ${kind} is never sent: send data`]
  }
  if (typeof value === 'symbol') return ['a symbol', 'Send a string']
  if (types.isProxy(value)) return ['a Proxy', 'Send a copy of what is behind it']
  if (types.isAnyArrayBuffer(value) || ArrayBuffer.isView(value)) {
    const shared = types.isSharedArrayBuffer(ArrayBuffer.isView(value) ? value.buffer : value)
    return shared
      ? ['shared memory', 'Only threads of one process share memory: send a copy']
      : ['a buffer whose memory has been moved away', 'Send it before it is transferred, or send a copy']
  }
  if (types.isPromise(value)) return ['a promise', 'Await it here, and send its value']
  const name = classNameOf(value)
  const kind = name === undefined ? 'an object that cannot be cloned' : `an instance of ${name}, which cannot be cloned`
  return [kind, to.moves && MOVABLE.has(name ?? '') ? 'Name it in options.transfer' : SEND_DATA]
}

const EXPOSE = 'A function is never sent: give it in options.expose, and call it there with runAsyncFromThread'
const SEND_DATA = 'Send data, and make the object from it where it is needed'

/** Classes that `postMessage` can move but not copy. */
const MOVABLE = new Set(['MessagePort', 'ReadableStream', 'WritableStream', 'TransformStream', 'FileHandle'])

function classNameOf(value: unknown): string | undefined {
  try {
    const { constructor } = value as { constructor?: unknown }
    return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : undefined
  } catch {
    // A getter that throws.
    return undefined
  }
}

/** A key of a map in words. */
function textOf(key: unknown): string {
  if (typeof key === 'object' && key !== null) return 'object'
  return typeof key === 'function' ? 'function' : String(key)
}
