/**
 * Every error class of the library, named by condition.
 *
 * Each has a stable `code`, its class name as `name`, and says in one sentence when it is thrown. Failures of the
 * operating system are not here: they keep Node's shape and are thrown as they are, or as the `cause` of one of these.
 *
 * `name` is on the prototype and `code` on the instance, as in Node's own errors: so `code` is shown when the error is
 * printed, and crosses threads with the other own fields.
 */
import './supported-node.ts'

// Filled by the static block of `Cancelled`, the only code that can see its private field.
let callOf: (error: Cancelled) => CancelledCall | undefined
let setCall: (error: Cancelled, call: CancelledCall) => void

/** The call that a `Cancelled` ended. @internal */
export interface CancelledCall {
  /** The scope in whose frame it was raised. */
  readonly scope: object
  /** The operation, for texts. */
  readonly what: string
  /** The operation as an object, where there was one. */
  readonly begun: object | undefined
}

/**
 * Thrown by every operation of the library that waits, or would wait, in a cancelled scope. Let it pass: a `catch`
 * block that sees one must throw it on (`isCancelled`). Never make one yourself.
 */
export class Cancelled extends Error {
  readonly code = 'ERR_CANCELLED'
  /**
   * The scope in whose frame this was raised: it decides whether a boundary lets the error pass (SCOPE-9). Private, so
   * that printing the error does not print the whole tree of scopes.
   */
  #call: CancelledCall | undefined

  static {
    named(this, 'Cancelled')
    callOf = (error) => error.#call
    setCall = (error, call) => {
      error.#call = call
    }
  }
}

/** Thrown by `failAfter` and `failAt` when the deadline was the first cause that ended the body. */
export class TimeoutError extends Error {
  readonly code = 'ERR_TIMEOUT'
  static {
    named(this, 'TimeoutError')
  }
}

/** Thrown by a task group when its body or a task failed. `errors` has each of their errors, and no cancellation. */
export class ExceptionGroup extends AggregateError {
  readonly code = 'ERR_EXCEPTION_GROUP'
  static {
    named(this, 'ExceptionGroup')
  }

  /**
   * Handles the errors in a group by kind, like `except*` of Python. Each handler has a class or a predicate. The
   * errors that match go to the handler as one group, with their nesting; each error goes to the first handler that
   * matches. An error that is no group counts as a group of one.
   *
   * Returns when every error was handled. Otherwise throws: an error that is no group and matches nothing, as itself;
   * the errors that match nothing and those that handlers throw, in one `ExceptionGroup`. Handlers are synchronous.
   *
   * @throws TypeError for handlers of a wrong shape, before any is called; `error` is then its `cause`
   * @example
   * ```ts
   * try {
   *   await createTaskGroup(serveEverything)
   * } catch (error) {
   *   ExceptionGroup.handle(error, [
   *     [TimeoutError, (group) => console.warn('too slow', group.errors)],
   *     [(leaf) => isSystemError(leaf, 'ECONNRESET'), () => undefined],
   *   ])
   * }
   * ```
   */
  static handle(
    error: unknown,
    handlers: readonly (readonly [match: Match, handler: (group: ExceptionGroup) => void])[],
  ): void {
    const clauses = toClauses(error, handlers)
    const bare = !(error instanceof ExceptionGroup)
    let rest: ExceptionGroup | undefined = bare ? new ExceptionGroup([error]) : error
    const thrown: unknown[] = []
    for (const { matches, handler } of clauses) {
      if (rest === undefined) break
      let matching: ExceptionGroup | undefined
      try {
        ;[matching, rest] = rest.split(matches)
        if (matching !== undefined) handler(matching)
      } catch (failure) {
        // A handler that throws its own group gives it back.
        if (failure === matching && matching !== undefined) thrown.push(...(matching.errors as unknown[]))
        else thrown.push(failure)
      }
    }
    const unmatched: unknown[] = rest?.errors ?? []
    if (thrown.length > 0) throw new ExceptionGroup([...unmatched, ...thrown])
    if (rest !== undefined) throw bare ? error : rest
  }

  /** @param message - default: the text of the first error, so that a log line shows what happened */
  constructor(errors: Iterable<unknown>, message?: string) {
    const list = [...errors]
    super(list, message ?? groupMessage(list))
    showLeavesFirst(this)
  }

  /**
   * Divides the errors by `predicate` into two groups that keep the nesting. A side without errors is `undefined`.
   */
  split(
    predicate: (error: unknown) => boolean,
  ): [matching: ExceptionGroup | undefined, rest: ExceptionGroup | undefined] {
    const matching: unknown[] = []
    const rest: unknown[] = []
    for (const error of this.errors as unknown[]) {
      if (error instanceof ExceptionGroup) {
        const [inner, outer] = error.split(predicate)
        if (inner !== undefined) matching.push(inner)
        if (outer !== undefined) rest.push(outer)
      } else if (predicate(error)) matching.push(error)
      else rest.push(error)
    }
    return [this.#part(matching), this.#part(rest)]
  }

  /** The errors that are not themselves groups, depth first. An `AggregateError` of another kind is one leaf. */
  *leaves(): Iterable<unknown> {
    for (const error of this.errors as unknown[]) {
      if (error instanceof ExceptionGroup) yield* error.leaves()
      else yield error
    }
  }

  #part(errors: unknown[]): ExceptionGroup | undefined {
    if (errors.length === 0) return undefined
    if (errors.length === this.errors.length && errors.every((error, i) => error === this.errors[i])) return this
    const part = new ExceptionGroup(errors)
    if (this.stack !== undefined) part.stack = this.stack
    if ('cause' in this) part.cause = this.cause
    return part
  }
}

/** Thrown when a call is a mistake in the program. The message says what to do instead. */
export class UsageError extends Error {
  readonly code: string = 'ERR_USAGE'
  static {
    named(this, 'UsageError')
  }
}

/** Thrown when a function that needs a task is called outside every `run`. */
export class NotRunningError extends UsageError {
  override readonly code = 'ERR_NOT_RUNNING'
  static {
    named(this, 'NotRunningError')
  }
}

/** Thrown when code of a `run` that has settled calls an operation. */
export class RunFinishedError extends UsageError {
  override readonly code = 'ERR_RUN_FINISHED'
  static {
    named(this, 'RunFinishedError')
  }
}

/** Thrown by `run` when the backend does not exist or cannot be loaded on this machine. */
export class BackendNotFoundError extends Error {
  readonly code = 'ERR_BACKEND_NOT_FOUND'
  static {
    named(this, 'BackendNotFoundError')
  }
}

/** Thrown when this backend, platform or thread does not support a call. The message says which one does. */
export class UnsupportedError extends Error {
  readonly code = 'ERR_UNSUPPORTED'
  static {
    named(this, 'UnsupportedError')
  }
}

/** Thrown by a `…Nowait` method where its counterpart would wait. */
export class WouldBlock extends Error {
  readonly code = 'ERR_WOULD_BLOCK'
  static {
    named(this, 'WouldBlock')
  }
}

/** Thrown by an operation on a resource that this program has closed, before the call or while it waited. */
export class ClosedResourceError extends Error {
  readonly code = 'ERR_CLOSED_RESOURCE'
  static {
    named(this, 'ClosedResourceError')
  }
}

/** Thrown when a resource was broken from outside, such as a connection that its peer reset. See `cause`. */
export class BrokenResourceError extends Error {
  readonly code: string = 'ERR_BROKEN_RESOURCE'
  static {
    named(this, 'BrokenResourceError')
  }
}

/** Thrown when another call already does the same on a resource that allows one at a time, such as a second receive. */
export class ResourceBusyError extends Error {
  readonly code = 'ERR_RESOURCE_BUSY'
  static {
    named(this, 'ResourceBusyError')
  }
}

/** Thrown when the data ended before a frame was complete. The data that had arrived stays readable. */
export class IncompleteRead extends Error {
  readonly code = 'ERR_INCOMPLETE_READ'
  static {
    named(this, 'IncompleteRead')
  }
}

/** Thrown when the delimiter was not found within the limit that the message names. The data stays readable. */
export class DelimiterNotFound extends Error {
  readonly code = 'ERR_DELIMITER_NOT_FOUND'
  static {
    named(this, 'DelimiterNotFound')
  }
}

/** Thrown by a receiving end of a memory stream when every sending end is closed and no item is left. */
export class EndOfStream extends Error {
  readonly code = 'ERR_END_OF_STREAM'
  static {
    named(this, 'EndOfStream')
  }
}

/** Thrown when several addresses were tried and none of them connected. `errors` has one error for each attempt. */
export class ConnectionFailed extends AggregateError {
  readonly code = 'ERR_CONNECTION_FAILED'
  static {
    named(this, 'ConnectionFailed')
  }
}

/** Thrown by a property of the TLS session before the handshake. */
export class TLSRequired extends Error {
  readonly code = 'ERR_TLS_REQUIRED'
  static {
    named(this, 'TLSRequired')
  }
}

/** The kind of a TLS failure, for programs. The message says more, and which side is at fault. */
export type TLSErrorReason =
  | 'certificate-expired'
  | 'certificate-not-yet-valid'
  | 'certificate-unknown-issuer'
  | 'certificate-wrong-name'
  | 'certificate-wrong-purpose'
  | 'certificate-malformed'
  | 'certificate-bad-signature'
  | 'certificate-revoked'
  | 'certificate-invalid'
  | 'certificate-missing'
  | 'no-common-version'
  | 'no-common-cipher'
  | 'no-common-protocol'
  | 'alert'
  | 'not-tls'
  | 'record-too-large'
  | 'bad-record'
  | 'renegotiation'
  | 'misbehaved'
  | 'closed'
  | 'timed-out'
  | 'plaintext-buffered'
  | 'no-settings'
  | 'bad-credentials'
  | 'failed'

/**
 * Thrown when a TLS handshake or record fails, and when a certificate or key given to `createTlsContext` is of no use.
 * `reason` is the kind of failure, `cause` the error of the TLS library where there is one.
 */
export class TLSError extends Error {
  readonly code = 'ERR_TLS'
  /** The kind of failure. */
  readonly reason: TLSErrorReason
  static {
    named(this, 'TLSError')
  }

  constructor(message?: string, options: ErrorOptions & { reason?: TLSErrorReason } = {}) {
    super(message, options)
    this.reason = options.reason ?? 'failed'
  }
}

/** Thrown when a TLS stream ended without the peer's `close_notify`: the data may be truncated. */
export class TLSEOFError extends BrokenResourceError {
  override readonly code = 'ERR_TLS_EOF'
  static {
    named(this, 'TLSEOFError')
  }
}

/** Thrown by `TaskHandle.value()` when the task failed; its error is the `cause`. */
export class TaskFailed extends Error {
  readonly code = 'ERR_TASK_FAILED'
  static {
    named(this, 'TaskFailed')
  }
}

/** Thrown by `TaskHandle.value()` when the task was cancelled. */
export class TaskCancelled extends Error {
  readonly code = 'ERR_TASK_CANCELLED'
  static {
    named(this, 'TaskCancelled')
  }
}

/** Thrown when a checked child process ended with a code other than 0. Has its captured output. */
export class CalledProcessError extends Error {
  readonly code = 'ERR_CALLED_PROCESS'
  /** The exit code, or minus the number of the signal that ended the process. */
  readonly returncode: number
  /** The command. */
  readonly command: string | readonly string[]
  /** The standard output, where that was captured. */
  readonly stdout: Buffer | undefined
  /** The standard error, where that was captured. */
  readonly stderr: Buffer | undefined
  static {
    named(this, 'CalledProcessError')
  }

  /** The same as `command`. */
  get cmd(): string | readonly string[] {
    return this.command
  }

  constructor(command: string | readonly string[], returncode: number, stdout?: Buffer, stderr?: Buffer) {
    const shown = typeof command === 'string' ? command : command.join(' ')
    super(`"${shown}" ended with ${returncode < 0 ? `signal ${-returncode}` : `exit code ${returncode}`}`)
    this.command = command
    this.returncode = returncode
    this.stdout = stdout
    this.stderr = stderr
  }
}

/**
 * Makes the `Cancelled` that a checkpoint of `scope` raises. No stack is captured (SCOPE-6): ten thousand waiters may
 * be woken at once, and the place where each of them waits does not show the cause.
 *
 * @internal
 */
export function createCancelled(message: string, call: CancelledCall): Cancelled {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  const error = new Cancelled(message)
  Error.stackTraceLimit = limit
  setCall(error, call)
  return error
}

/** The call that a `Cancelled` ended; `undefined` for one that a program made by itself. @internal */
export function cancelledCall(error: Cancelled): CancelledCall | undefined {
  return callOf(error)
}

function named(type: { prototype: Error }, name: string): void {
  Object.defineProperty(type.prototype, 'name', { value: name, configurable: true, writable: true })
}

/** A filter of `ExceptionGroup.handle`: the instances of a class, or the errors that a predicate accepts. */
type Match = (abstract new (...args: never[]) => unknown) | ((leaf: unknown) => boolean)

interface Clause {
  readonly matches: (leaf: unknown) => boolean
  readonly handler: (group: ExceptionGroup) => void
}

function toClauses(error: unknown, handlers: unknown): Clause[] {
  const refuse = (what: string): never => {
    const text = `The "handlers" argument must be an array of pairs [class or predicate, handler]: ${what}`
    throw Object.assign(new TypeError(text, { cause: error }), { code: 'ERR_INVALID_ARG_TYPE' })
  }
  if (!Array.isArray(handlers)) return refuse('it is no array')
  return handlers.map((pair: unknown, index) => {
    if (!Array.isArray(pair) || pair.length !== 2) return refuse(`element ${index} is no pair`)
    const [match, handler] = pair as unknown[]
    if (typeof match !== 'function') return refuse(`the first of pair ${index} is no class or function`)
    if (typeof handler !== 'function') return refuse(`the second of pair ${index} is no function`)
    if (match === ExceptionGroup) return refuse(`pair ${index} is for ExceptionGroup, which no leaf is`)
    return { matches: toPredicate(match as Match), handler: synchronous(handler as Clause['handler']) }
  })
}

function toPredicate(match: Match): (leaf: unknown) => boolean {
  const isClass =
    match === Error || match.prototype instanceof Error || /^class\b/.test(Function.prototype.toString.call(match))
  return isClass ? (leaf) => leaf instanceof match : (match as (leaf: unknown) => boolean)
}

/** A promise that rejects later would be unhandled, so an async handler is an error at once. */
function synchronous(handler: (group: ExceptionGroup) => unknown): Clause['handler'] {
  return (group) => {
    const result = handler(group)
    if (result instanceof Promise) {
      throw new UsageError('ExceptionGroup.handle: a handler returned a promise; handlers are synchronous')
    }
  }
}

/**
 * Node prints the stack of an uncaught error. The leaves show the failures, the group's own frames only the place where
 * it was made; so the leaves come first. The text is made on the first access.
 */
function showLeavesFirst(group: ExceptionGroup): void {
  const descriptor = Object.getOwnPropertyDescriptor(group, 'stack')
  if (descriptor === undefined) return
  const own = (): unknown => (descriptor.get === undefined ? descriptor.value : descriptor.get.call(group))
  Object.defineProperty(group, 'stack', {
    get: () => withLeaves(group, own()),
    set: (value: unknown) =>
      void Object.defineProperty(group, 'stack', { value, writable: true, configurable: true, enumerable: false }),
    configurable: true,
    enumerable: false,
  })
}

/** Leaves shown in a stack. */
const MOST_LEAVES = 10

function withLeaves(group: ExceptionGroup, stack: unknown): unknown {
  if (typeof stack !== 'string') return stack
  try {
    const all = [...group.leaves()]
    const shown = all.slice(0, MOST_LEAVES).map((leaf, index) => {
      const text = leaf instanceof Error && typeof leaf.stack === 'string' ? leaf.stack : show(leaf)
      return `${index + 1}) ${text}`.replaceAll('\n', '\n  ')
    })
    if (all.length > MOST_LEAVES) shown.push(`and ${all.length - MOST_LEAVES} more`)
    const frames = stack.search(/\n\s+at /)
    const head = frames === -1 ? stack : stack.slice(0, frames)
    return [head, ...shown.map((text) => `  ${text.replaceAll('\n', '\n  ')}`)].join('\n') + stack.slice(head.length)
  } catch {
    // A group that contains itself, or a leaf whose stack cannot be read.
    return stack
  }
}

function groupMessage(errors: readonly unknown[]): string {
  const first = firstLeaf(errors)
  if (first === undefined) return 'no errors'
  const shown = show(first.leaf)
  return errors.length === 1 ? shown : `${errors.length} errors, the first of them ${shown}`
}

/** Anything may be thrown, also values that cannot become a text. A failure here would hide the real one. */
function show(leaf: unknown): string {
  try {
    return leaf instanceof Error ? `${leaf.name}: ${leaf.message}` : String(leaf)
  } catch {
    return 'an object without a text'
  }
}

function firstLeaf(errors: readonly unknown[]): { leaf: unknown } | undefined {
  for (const error of errors) {
    if (!(error instanceof ExceptionGroup)) return { leaf: error }
    const leaf = firstLeaf(error.errors as unknown[])
    if (leaf !== undefined) return leaf
  }
  return undefined
}
