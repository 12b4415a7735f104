/**
 * How errors cross from one thread or process to another: with class name, message, stack and own fields, and with the
 * errors that they refer to (`cause`, the members of an aggregate). A structured clone alone keeps neither the class nor the
 * fields.
 *
 * Classes of JavaScript and of this library are themselves on the other side. Of any other there is a class of the same name
 * over the nearest of these, so that `error.name`, `error.constructor.name` and `instanceof RangeError` say what they said; the
 * class itself belongs to its thread. Fields that cannot cross (functions, symbols, what cannot be cloned) are left out: an
 * error must come out, whatever hangs on it.
 */
import * as library from '../errors.ts'
import { isCloneable, notCloneable } from './cloning.ts'

/** A thrown value, ready to be cloned. Errors refer to one another by their place in the list, so that cycles cross, too. */
export interface PackedError {
  readonly errors: readonly PackedOne[]
  /** What was thrown, where that is no error. */
  readonly value?: unknown
}

interface PackedOne {
  /** The names of its classes, from its own to the first that both sides have. */
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
  /** An error: its place in the list. */
  readonly error?: number
  /** An array with errors in it, such as `errors`. */
  readonly list?: readonly { readonly value?: unknown; readonly error?: number }[]
}

/** @param what - of whom the error is, for the text where the thrown value cannot cross: 'what the function threw' */
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

/** How each class that both sides have is made. Constructors must run: some have private members. */
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

/** What tells a class of the library from one of a program that has the same name. */
const CODES = new Map<string, string>()

for (const type of Object.values(library)) {
  // Functions of errors.ts are no classes.
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

/** From the error's own class to the first that both sides have. */
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

/** Not by identity: two copies of the library may be loaded, in one thread and surely in two. */
function isKnown(name: string, error: Error): boolean {
  if (!MAKERS.has(name)) return false
  const code = CODES.get(name)
  if (code === undefined) return true
  // A subclass has a code of its own; its base is known by what it is here.
  return read(error, 'code') === code || Object.prototype.isPrototypeOf.call(CLASSES.get(name)!.prototype, error)
}

function make({ classes, name, message }: PackedOne): Error {
  if (classes[0] === 'DOMException') return new DOMException(message, classes[1])
  const base = classes.at(-1)!
  const error = MAKERS.get(base)!(message)
  if (error.message !== message) define(error, 'message', message, false)
  if (classes.length > 1) Object.setPrototypeOf(error, standInFor(classes))
  // One that the class has given itself; that of its base says less than the class.
  if (name !== base && name !== error.name) define(error, 'name', name, false)
  return error
}

const standIns = new Map<string, object>()

/** Bounded: names of classes may be made up at run time. */
const MOST_STAND_INS = 1000

/** The prototype of a class that has the name and the ancestors of one that the other side alone has. */
function standInFor(classes: readonly string[]): object {
  const id = classes.join('\n')
  let prototype = standIns.get(id)
  if (prototype === undefined) {
    const [name, ...rest] = classes as [string, ...string[]]
    const base: object = rest.length > 1 ? standInFor(rest) : CLASSES.get(rest[0]!)!.prototype
    const type = Object.defineProperty(function (): void {}, 'name', { value: name, configurable: true })
    prototype = Object.create(base, {
      constructor: { value: type, configurable: true, writable: true },
      // A class that says nothing of its name has that of its base: the name is what is read in a log.
      name: { value: name, configurable: true, writable: true },
    }) as object
    if (standIns.size >= MOST_STAND_INS) standIns.clear()
    standIns.set(id, prototype)
  }
  return prototype
}

/** A getter of a stranger's class may throw. */
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

/** Of anything. */
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
