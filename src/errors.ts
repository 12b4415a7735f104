/**
 * Every error class of the library (api.md §10), named by condition.
 *
 * Each has a stable `code`, its class name as `name`, and says in one sentence when it is thrown. Failures of the
 * operating system are not here: they keep Node's shape and travel bare, or as the `cause` of one of these.
 *
 * `name` sits on the prototype and `code` on the instance, as in Node's own errors: `code` is then shown when the
 * error is printed and crosses threads with the other own fields.
 */
import './supported-node.ts'

// Filled by the static block of `Cancelled`, the only code that can see its private field.
let callOf: (error: Cancelled) => CancelledCall | undefined
let setCall: (error: Cancelled, call: CancelledCall) => void

/** The call that a `Cancelled` ended. @internal */
export interface CancelledCall {
  /** The scope in whose frame it was raised. */
  readonly scope: object
  /** What was called or waited for. */
  readonly what: string
  /** The operation, where there was one. */
  readonly begun: object | undefined
}

/** Thrown by every checkpoint of a scope that is effectively cancelled; never make or keep one yourself. */
export class Cancelled extends Error {
  readonly code = 'ERR_CANCELLED'
  /**
   * The scope in whose frame this was raised decides whether a boundary may let it pass (api.md §2, rule 9). Private, so that
   * printing the error does not print the whole tree of scopes.
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

/** Thrown by a task group when its body or at least one child failed; holds every such error and no cancellation. */
export class ExceptionGroup extends AggregateError {
  readonly code = 'ERR_EXCEPTION_GROUP'
  static {
    named(this, 'ExceptionGroup')
  }

  /**
   * `except*` for JavaScript: gives each part of `error` to the handler that it belongs to. The leaves that match (a class, or a
   * predicate) go to the handler as one group that keeps their nesting; a leaf goes to the first handler that matches. An error
   * that is no group is matched as a group of one.
   *
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
   *
   * Returns when everything was handled. Otherwise throws: an error that is no group and matches nothing, as itself; the leaves
   * that match nothing and what handlers throw, in one `ExceptionGroup`. Handlers are synchronous.
   *
   * @throws TypeError for handlers of a wrong shape, before any is called; `error` is then its `cause`
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
        // A handler that throws its group gives it back.
        if (failure === matching && matching !== undefined) thrown.push(...(matching.errors as unknown[]))
        else thrown.push(failure)
      }
    }
    const unmatched: unknown[] = rest?.errors ?? []
    if (thrown.length > 0) throw new ExceptionGroup([...unmatched, ...thrown])
    if (rest !== undefined) throw bare ? error : rest
  }

  /** @param message - by default made from the first leaf, so that a log line says what happened */
  constructor(errors: Iterable<unknown>, message?: string) {
    const list = [...errors]
    super(list, message ?? groupMessage(list))
    showLeavesFirst(this)
  }

  /**
   * Divides the leaves by `predicate` into two groups that keep the nesting; `undefined` where nothing fell on that
   * side. Re-creates Python's `BaseExceptionGroup.split`.
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

/** Thrown when the library is called in a way that can never be right; the text says what to do instead. */
export class UsageError extends Error {
  readonly code: string = 'ERR_USAGE'
  static {
    named(this, 'UsageError')
  }
}

/** Thrown when something that needs a task is called outside every `run`. */
export class NotRunningError extends UsageError {
  override readonly code = 'ERR_NOT_RUNNING'
  static {
    named(this, 'NotRunningError')
  }
}

/** Thrown when something is called in the frame of a `run` that has settled. */
export class RunFinishedError extends UsageError {
  override readonly code = 'ERR_RUN_FINISHED'
  static {
    named(this, 'RunFinishedError')
  }
}

/** Thrown by `run` when the backend asked for does not exist or cannot be loaded here. */
export class BackendNotFoundError extends Error {
  readonly code = 'ERR_BACKEND_NOT_FOUND'
  static {
    named(this, 'BackendNotFoundError')
  }
}

/** Thrown when this backend, platform or thread cannot do what was asked; the text says which one can. */
export class UnsupportedError extends Error {
  readonly code = 'ERR_UNSUPPORTED'
  static {
    named(this, 'UnsupportedError')
  }
}

/** Thrown by a `…Nowait` method that would have had to wait. */
export class WouldBlock extends Error {
  readonly code = 'ERR_WOULD_BLOCK'
  static {
    named(this, 'WouldBlock')
  }
}

/** Thrown by an operation on a resource that this side has closed, before or while the operation waited. */
export class ClosedResourceError extends Error {
  readonly code = 'ERR_CLOSED_RESOURCE'
  static {
    named(this, 'ClosedResourceError')
  }
}

/** Thrown when a resource became unusable from outside, such as a connection that its peer reset (see `cause`). */
export class BrokenResourceError extends Error {
  readonly code: string = 'ERR_BROKEN_RESOURCE'
  static {
    named(this, 'BrokenResourceError')
  }
}

/** Thrown when another task is already doing on the resource what only one at a time may do. */
export class ResourceBusyError extends Error {
  readonly code = 'ERR_RESOURCE_BUSY'
  static {
    named(this, 'ResourceBusyError')
  }
}

/** Thrown when the data ended before a frame was complete; what had arrived stays readable. */
export class IncompleteRead extends Error {
  readonly code = 'ERR_INCOMPLETE_READ'
  static {
    named(this, 'IncompleteRead')
  }
}

/** Thrown when the delimiter was not found within the limit that the text names; what had arrived stays readable. */
export class DelimiterNotFound extends Error {
  readonly code = 'ERR_DELIMITER_NOT_FOUND'
  static {
    named(this, 'DelimiterNotFound')
  }
}

/** Thrown by a receiving end of a memory stream when every sending end is closed and nothing is left. */
export class EndOfStream extends Error {
  readonly code = 'ERR_END_OF_STREAM'
  static {
    named(this, 'EndOfStream')
  }
}

/** Thrown when several addresses were tried and none could be connected to; `errors` holds one error per attempt. */
export class ConnectionFailed extends AggregateError {
  readonly code = 'ERR_CONNECTION_FAILED'
  static {
    named(this, 'ConnectionFailed')
  }
}

/** Thrown when a property of the TLS session is asked for before a handshake. */
export class TLSRequired extends Error {
  readonly code = 'ERR_TLS_REQUIRED'
  static {
    named(this, 'TLSRequired')
  }
}

/** What was wrong, in a word for programs; the message says it for people, and on whose side. */
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
 * `reason` says what was wrong, `cause` is the error below where there is one.
 */
export class TLSError extends Error {
  readonly code = 'ERR_TLS'
  /** What was wrong. */
  readonly reason: TLSErrorReason
  static {
    named(this, 'TLSError')
  }

  constructor(message?: string, options: ErrorOptions & { reason?: TLSErrorReason } = {}) {
    super(message, options)
    this.reason = options.reason ?? 'failed'
  }
}

/** Thrown when a TLS stream ended without the peer's `close_notify`: the data may have been truncated. */
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

/** Thrown when a checked child process ended with a code other than 0; carries its outputs. */
export class CalledProcessError extends Error {
  readonly code = 'ERR_CALLED_PROCESS'
  /** The exit code, or minus the number of the signal that ended the process. */
  readonly returncode: number
  /** What was run. */
  readonly command: string | readonly string[]
  /** What it wrote to its standard output, where that was captured. */
  readonly stdout: Buffer | undefined
  /** What it wrote to its standard error, where that was captured. */
  readonly stderr: Buffer | undefined
  static {
    named(this, 'CalledProcessError')
  }

  /** The same as `command`, by Python's name. */
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
 * Makes the `Cancelled` that a checkpoint of `scope` raises. No stack is captured: ten thousand waiters may be woken at
 * once, and the place where each of them waits tells nothing about who cancelled.
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

/** What a `Cancelled` of the library ended; `undefined` for one that a program made by itself. @internal */
export function cancelledCall(error: Cancelled): CancelledCall | undefined {
  return callOf(error)
}

function named(type: { prototype: Error }, name: string): void {
  Object.defineProperty(type.prototype, 'name', { value: name, configurable: true, writable: true })
}

/** What a handler of `ExceptionGroup.handle` is for: the instances of a class, or what a predicate accepts. */
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

/** What a promise rejects with later would come out of nothing: the mistake is an error at once. */
function synchronous(handler: (group: ExceptionGroup) => unknown): Clause['handler'] {
  return (group) => {
    const result = handler(group)
    if (result instanceof Promise) {
      throw new UsageError('ExceptionGroup.handle: a handler returned a promise; handlers are synchronous')
    }
  }
}

/**
 * Node prints the stack of what nobody caught. The leaves say what went wrong, the group's own frames only where it was made, so
 * those come first. The text is made when it is asked for.
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

/** More are not read. */
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

/** Anything may be thrown, also what cannot be turned into a text; a group that failed to say so would hide the failure. */
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
