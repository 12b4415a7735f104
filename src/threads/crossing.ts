/**
 * How errors cross from one thread or process to another (THREAD-3): with class name, message, stack and own fields,
 * and with the errors that they refer to (`cause`, the members of an aggregate). A structured clone keeps neither class
 * nor fields.
 *
 * Classes of JavaScript and of this library are the same on the other side. Any other class gets a stand-in of the same
 * name over its nearest known base, so that `error.name`, `error.constructor.name` and `instanceof RangeError` give the
 * same answers. Fields that cannot be cloned are left out: the error itself must come out.
 */
import * as library from '../errors.ts'
import { isCloneable, notCloneable } from './cloning.ts'

/** A thrown value, ready to be cloned. Errors refer to each other by their index in the list, so cycles cross, too. */
export interface PackedError {
  readonly errors: readonly PackedOne[]
  /** The thrown value, if it is no error. */
  readonly value?: unknown
}

interface PackedOne {
  /** The names of its classes, from its own to the first that both sides know. */
  readonly classes: readonly string[]
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  /** Own fields. */
  readonly fields: readonly PackedField[]
}

interface PackedField {
  readonly key: string
  readonly enumerable: boolean
  readonly value?: unknown
  /** The index in the list, if the value is an error. */
  readonly error?: number
  /** An array with errors in it, such as `errors`. */
  readonly list?: readonly { readonly value?: unknown; readonly error?: number }[]
}

/** @param what - the value, in the error message if it cannot be cloned: 'what the function threw' */
export function packError(error: unknown, what: string): PackedError {
  if (error instanceof Error) return new Packing(error).packed
  return isCloneable(error) ? { errors: [], value: error } : packError(notCloneable(what, error), what)
}

export function unpackError(packed: PackedError): unknown {
  return packed.errors.length === 0 ? packed.value : new Unpacking(packed.errors).errors[0]
}

class Packing {
  readonly #places = new Map<Error, number>()
  readonly #packed: PackedOne[] = []

  constructor(error: Error) {
    this.#place(error)
    // The list of errors grows while it is walked.
    for (const one of this.#places.keys()) this.#packed.push(this.#pack(one))
  }

  get packed(): PackedError {
    return { errors: this.#packed }
  }

  #place(error: Error): number {
    const place = this.#places.get(error) ?? this.#places.size
    this.#places.set(error, place)
    return place
  }

  #pack(error: Error): PackedOne {
    const fields: PackedField[] = []
    for (const key of Object.getOwnPropertyNames(error)) {
      if (key === 'message' || key === 'stack') continue
      const field = this.#field(key, read(error, key), Object.prototype.propertyIsEnumerable.call(error, key))
      if (field !== undefined) fields.push(field)
    }
    const stack = read(error, 'stack')
    return {
      classes: classesOf(error),
      name: textOf(read(error, 'name')),
      message: textOf(read(error, 'message')),
      stack: typeof stack === 'string' ? stack : undefined,
      fields,
    }
  }

  #field(key: string, value: unknown, enumerable: boolean): PackedField | undefined {
    if (value instanceof Error) return { key, enumerable, error: this.#place(value) }
    if (Array.isArray(value) && value.some((item) => item instanceof Error)) {
      const list = value.flatMap((item: unknown): { value?: unknown; error?: number }[] => {
        if (item instanceof Error) return [{ error: this.#place(item) }]
        return isCloneable(item) ? [{ value: item }] : []
      })
      return { key, enumerable, list }
    }
    return isCloneable(value) ? { key, enumerable, value } : undefined
  }
}

class Unpacking {
  readonly errors: Error[]

  constructor(packed: readonly PackedOne[]) {
    this.errors = packed.map((one) => make(one))
    packed.forEach((one, place) => this.#fill(this.errors[place]!, one))
  }

  #fill(error: Error, { stack, fields }: PackedOne): void {
    for (const { key, enumerable, value, error: place, list } of fields) {
      const revived =
        place !== undefined
          ? this.errors[place]
          : list !== undefined
            ? list.map((item) => (item.error === undefined ? item.value : this.errors[item.error]))
            : value
      define(error, key, revived, enumerable)
    }
    if (stack !== undefined) define(error, 'stack', stack, false)
  }
}

interface ErrorClass {
  readonly prototype: Error
}

/** Constructs each known class. Constructors must run: some classes have private members. */
const MAKERS = new Map<string, (message: string) => Error>()
const CLASSES = new Map<string, ErrorClass>()

function knows(type: ErrorClass, make: (message: string) => Error): void {
  CLASSES.set(type.prototype.name, type)
  MAKERS.set(type.prototype.name, make)
}

for (const type of [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError]) {
  knows(type, (message) => new type(message))
}
knows(AggregateError, (message) => new AggregateError([], message))

/** The codes of the library's classes: a program may have a class of the same name. */
const CODES = new Map<string, string>()

for (const type of Object.values(library)) {
  // errors.ts also exports functions.
  if (!((type as { prototype: unknown }).prototype instanceof Error)) continue
  const errorClass = type as ErrorClass
  const make = makerOf(errorClass)
  knows(errorClass, make)
  CODES.set(errorClass.prototype.name, (make('') as Error & { code: string }).code)
}

function makerOf(type: ErrorClass): (message: string) => Error {
  if (type === library.CalledProcessError) return () => new library.CalledProcessError('', 0)
  if (type.prototype instanceof AggregateError) {
    const aggregate = type as unknown as new (errors: unknown[], message: string) => Error
    return (message) => new aggregate([], message)
  }
  const plain = type as unknown as new (message: string) => Error
  return (message) => new plain(message)
}

/** The class names from the error's own class to the first known one. */
function classesOf(error: Error): string[] {
  if (error instanceof DOMException) return ['DOMException', textOf(error.name)]
  const names: string[] = []
  let prototype = Object.getPrototypeOf(error) as object | null
  for (; prototype !== null && names.length < DEEPEST; prototype = Object.getPrototypeOf(prototype) as object | null) {
    const name = nameOfClass(prototype)
    if (name === undefined) continue
    names.push(name)
    if (isKnown(name, error)) return names
  }
  return [...names, 'Error']
}

const DEEPEST = 32

function nameOfClass(prototype: object): string | undefined {
  const made = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value as unknown
  return typeof made === 'function' && made.name !== '' ? made.name : undefined
}

/** Not by identity: two copies of the library may be loaded. */
function isKnown(name: string, error: Error): boolean {
  if (!MAKERS.has(name)) return false
  const code = CODES.get(name)
  if (code === undefined) return true
  // A subclass may have a code of its own; then the prototype of this copy decides.
  return read(error, 'code') === code || Object.prototype.isPrototypeOf.call(CLASSES.get(name)!.prototype, error)
}

function make({ classes, name, message }: PackedOne): Error {
  if (classes[0] === 'DOMException') return new DOMException(message, classes[1])
  const base = classes.at(-1)!
  const error = MAKERS.get(base)!(message)
  if (error.message !== message) define(error, 'message', message, false)
  if (classes.length > 1) Object.setPrototypeOf(error, standInFor(classes))
  // A name that the class has set. The name of a base would say less than the class name.
  if (name !== base && name !== error.name) define(error, 'name', name, false)
  return error
}

const standIns = new Map<string, object>()

/** Bounded: a program may generate class names at run time. */
const MOST_STAND_INS = 1000

/** The prototype of a stand-in: a class with the name and the ancestors of one that only the other side knows. */
function standInFor(classes: readonly string[]): object {
  const id = classes.join('\n')
  let prototype = standIns.get(id)
  if (prototype === undefined) {
    const [name, ...rest] = classes as [string, ...string[]]
    const base: object = rest.length > 1 ? standInFor(rest) : CLASSES.get(rest[0]!)!.prototype
    const type = Object.defineProperty(function (): void {}, 'name', { value: name, configurable: true })
    prototype = Object.create(base, {
      constructor: { value: type, configurable: true, writable: true },
      // A class without a `name` of its own has that of its base; logs should show the class.
      name: { value: name, configurable: true, writable: true },
    }) as object
    if (standIns.size >= MOST_STAND_INS) standIns.clear()
    standIns.set(id, prototype)
  }
  return prototype
}

/** A getter of a foreign class may throw. */
function read(error: Error, key: string): unknown {
  try {
    return (error as unknown as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}

function define(error: Error, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, key, { value, enumerable, configurable: true, writable: true })
}

/** Any value as text. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : show(value)
}

function show(value: unknown): string {
  try {
    return String(value)
  } catch {
    return 'a value without a text'
  }
}
