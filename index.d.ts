// Rolled up from index.ts by `npm run build -- types`. Generated: do not edit.

/**
 * Everything that `import { … } from 'structio'` can name.
 *
 * @module structio
 */

import { VirtualOptions } from 'structio/testing'
import { Worker } from 'node:worker_threads'
import { Stats } from 'node:fs'
import { X509Certificate } from 'node:crypto'

/** The type of a socket: a stream, datagrams, or raw packets. */
type SocketType = 'stream' | 'dgram' | 'raw'
/** A flag of `getaddrinfo`. */
type AddressFlag =
  'AI_PASSIVE' | 'AI_CANONNAME' | 'AI_NUMERICHOST' | 'AI_NUMERICSERV' | 'AI_V4MAPPED' | 'AI_ALL' | 'AI_ADDRCONFIG'
/** A flag of `getnameinfo`. */
type NameFlag = 'NI_NUMERICHOST' | 'NI_NUMERICSERV' | 'NI_NOFQDN' | 'NI_NAMEREQD' | 'NI_DGRAM'

/** The supported versions of TLS. Older ones are broken (RFC 8996). */
type TLSVersion = 'TLSv1.2' | 'TLSv1.3'

/** The name of a backend. */
type BackendName = 'native' | 'node' | 'virtual'
/** A TCP address in Node's form. */
interface SocketAddress {
  /** A numeric address: `127.0.0.1`, `::1`. */
  readonly address: string
  /** The port number. */
  readonly port: number
  /** The address family, as Node names it. */
  readonly family: 'IPv4' | 'IPv6'
}
/**
 * The address of a stream or listener. A UNIX address is its path, an abstract name starts with `'\0'`, and an end
 * without a name is `''`. Bytes that are not UTF-8 become U+FFFD.
 */
type Address = SocketAddress | string
/**
 * The source or destination of a datagram.
 *
 * UNIX: a path, as a `Buffer` if it is not UTF-8, and `''` for a sender without a name. UDP: an immutable object, whose
 * members may be decoded at the first read. `send` gets it back, and the backend recognises its own without reading the
 * members. A backend extends `PeerAddress` of peer-address.ts for this.
 */
type DatagramAddress = SocketAddress | string | Buffer

/** Options of the native backend (`backendOptions`). */
interface NativeOptions {
  /**
   * `'nested'` (Linux only): the reactor runs inside Node's event loop. `'thread'`: a helper thread wakes it. Default:
   * `'nested'` where it works. The environment variable `STRUCTIO_DRIVER` changes the default.
   */
  driver?: 'nested' | 'thread' | undefined
  /** The most name look-ups at a time in the whole process. The first native `run` sets it. Default 16. */
  lookupThreads?: number | undefined
  /** The most file operations at a time in the whole process. The first native `run` sets it. Default 40. */
  fileThreads?: number | undefined
  /**
   * The thread that computes TLS handshakes. `'reactor'` (default): the JavaScript thread, where a full handshake takes
   * about 0.1 ms. `'pool'`: another thread, at the cost of two changes of threads for each handshake. A handshake over
   * a stream that is not a socket always runs on the JavaScript thread.
   */
  tlsHandshakes?: 'reactor' | 'pool' | undefined
}

/** Options of the node backend (`backendOptions`). There are none. */
type NodeOptions = Record<never, never>

/** `backendOptions`: the options of the chosen backend. */
type BackendOptions = NativeOptions | NodeOptions | VirtualOptions
/** The names of all backends. */
declare function getAllBackends(): readonly string[]
/** The names of the backends that work on this platform, in this process. */
declare function getAvailableBackends(): readonly string[]

/** Options of `run`. */
interface RunOptions {
  /** Default: `native`, or `node` (with one process warning) where no binary loads. */
  backend?: BackendName | undefined
  /** How the backend is set up: what there is depends on which it is. */
  backendOptions?: BackendOptions | undefined
  /** For introspection and warnings. */
  name?: string | undefined
  /** Cancels the root scope when it aborts; `run` then rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
  /**
   * The first of these process signals cancels the root scope, and `run` resolves with `undefined` once everything has
   * unwound. From then on they have their default action. Main thread only.
   */
  shutdownSignals?: readonly NodeJS.Signals[] | undefined
  /**
   * Is called when the first of the `shutdownSignals` arrives, with its name: a `run` that a signal ended resolves with
   * `undefined`, as one whose `main` returned nothing does. What it throws is an uncaught exception.
   *
   * @example
   * ```ts
   * await run(main, {
   *   shutdownSignals: ['SIGINT', 'SIGTERM'],
   *   onShutdown: (signal) => (process.exitCode = 128 + constants.signals[signal]),   // as a shell reports it
   * })
   * ```
   */
  onShutdown?: ((signal: NodeJS.Signals) => void) | undefined
  /**
   * The run settles as soon as it is cancelled and its `main` waits for nothing of the library, and leaves `main` behind:
   * see the option of `openCancelScope`. Default false.
   */
  abandon?: boolean | undefined
  /**
   * Real milliseconds after which a cancelled scope that has not ended is warned about (`STRUCTIO_OVERDUE`), where its body
   * waits for nothing of the library: what it waits for cannot be cancelled. Default 1,000; `Infinity`, which is the default on
   * `virtual`, is never.
   */
  overdueAfter?: number | undefined
  /** Whether the active run keeps the process alive (default), or only what it waits for in the operating system does. */
  keepAlive?: boolean | undefined
  /**
   * Keeps the stack that opened a resource, to show it when the resource was left open, and the line that spawned each task,
   * for `dumpTasks`. Default false: a stack costs some microseconds.
   */
  traceResources?: boolean | undefined
  /**
   * Fails the run with a `UsageError` that shows its tasks when all of them wait for each other: for locks, items, events,
   * the ends of tasks, without any deadline, I/O or foreign promise (`abandonOnCancel`) that could end a wait. What a
   * callback outside of every task would still do, such as setting an event, is not seen; wait for it with
   * `abandonOnCancel` or under a deadline. Default false; meant for tests.
   */
  detectDeadlocks?: boolean | undefined
}
/**
 * Runs `main` as the root task of a tree of its own. When the promise settles, every task that was started in it has ended,
 * and what was left open has been closed. Re-creates the reference's `run`; arguments are passed by closure.
 *
 * Rejects with what `main` throws; with `BackendNotFoundError` where there is no such backend; with `UsageError` inside a
 * task that has not ended.
 */
declare function run<T>(
  main: () => T | PromiseLike<T>,
  options?: RunOptions & {
    shutdownSignals?: undefined
  },
): Promise<T>
declare function run<T>(main: () => T | PromiseLike<T>, options?: RunOptions): Promise<T | undefined>

/** Anything with one of the usual ways to close it. An async generator has `return`. */
type Finalizable = object
/**
 * Runs `body` and then closes the resource (by its `aclose`, `close` or `return`, whichever it has), however the body
 * ends. What the body throws comes out; when closing fails as well, a `SuppressedError` holds both. Like a disposer,
 * closing never raises a cancellation: the next checkpoint does. Re-creates `finalize`.
 */
declare function finalize<R extends Finalizable, T>(resource: R, body: (resource: R) => T | PromiseLike<T>): Promise<T>
/** Gives the resource a `Symbol.asyncDispose` that closes it, for `await using`. */
declare function finalize<R extends Finalizable>(resource: R): R & AsyncDisposable

/** Thrown by every checkpoint of a scope that is effectively cancelled; never make or keep one yourself. */
declare class Cancelled extends Error {
  #private
  readonly code = 'ERR_CANCELLED'
}
/** Thrown by `failAfter` and `failAt` when the deadline was the first cause that ended the body. */
declare class TimeoutError extends Error {
  readonly code = 'ERR_TIMEOUT'
}
/** Thrown by a task group when its body or at least one child failed; holds every such error and no cancellation. */
declare class ExceptionGroup extends AggregateError {
  #private
  readonly code = 'ERR_EXCEPTION_GROUP'
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
  ): void
  /** @param message - by default made from the first leaf, so that a log line says what happened */
  constructor(errors: Iterable<unknown>, message?: string)
  /**
   * Divides the leaves by `predicate` into two groups that keep the nesting; `undefined` where nothing fell on that
   * side. Re-creates Python's `BaseExceptionGroup.split`.
   */
  split(
    predicate: (error: unknown) => boolean,
  ): [matching: ExceptionGroup | undefined, rest: ExceptionGroup | undefined]
  /** The errors that are not themselves groups, depth first. An `AggregateError` of another kind is one leaf. */
  leaves(): Iterable<unknown>
}
/** Thrown when the library is called in a way that can never be right; the text says what to do instead. */
declare class UsageError extends Error {
  readonly code: string
}
/** Thrown when something that needs a task is called outside every `run`. */
declare class NotRunningError extends UsageError {
  readonly code = 'ERR_NOT_RUNNING'
}
/** Thrown when something is called in the frame of a `run` that has settled. */
declare class RunFinishedError extends UsageError {
  readonly code = 'ERR_RUN_FINISHED'
}
/** Thrown by `run` when the backend asked for does not exist or cannot be loaded here. */
declare class BackendNotFoundError extends Error {
  readonly code = 'ERR_BACKEND_NOT_FOUND'
}
/** Thrown when this backend, platform or thread cannot do what was asked; the text says which one can. */
declare class UnsupportedError extends Error {
  readonly code = 'ERR_UNSUPPORTED'
}
/** Thrown by a `…Nowait` method that would have had to wait. */
declare class WouldBlock extends Error {
  readonly code = 'ERR_WOULD_BLOCK'
}
/** Thrown by an operation on a resource that this side has closed, before or while the operation waited. */
declare class ClosedResourceError extends Error {
  readonly code = 'ERR_CLOSED_RESOURCE'
}
/** Thrown when a resource became unusable from outside, such as a connection that its peer reset (see `cause`). */
declare class BrokenResourceError extends Error {
  readonly code: string
}
/** Thrown when another task is already doing on the resource what only one at a time may do. */
declare class ResourceBusyError extends Error {
  readonly code = 'ERR_RESOURCE_BUSY'
}
/** Thrown when the data ended before a frame was complete; what had arrived stays readable. */
declare class IncompleteRead extends Error {
  readonly code = 'ERR_INCOMPLETE_READ'
}
/** Thrown when the delimiter was not found within the limit that the text names; what had arrived stays readable. */
declare class DelimiterNotFound extends Error {
  readonly code = 'ERR_DELIMITER_NOT_FOUND'
}
/** Thrown by a receiving end of a memory stream when every sending end is closed and nothing is left. */
declare class EndOfStream extends Error {
  readonly code = 'ERR_END_OF_STREAM'
}
/** Thrown when several addresses were tried and none could be connected to; `errors` holds one error per attempt. */
declare class ConnectionFailed extends AggregateError {
  readonly code = 'ERR_CONNECTION_FAILED'
}
/** Thrown when a property of the TLS session is asked for before a handshake. */
declare class TLSRequired extends Error {
  readonly code = 'ERR_TLS_REQUIRED'
}
/** What was wrong, in a word for programs; the message says it for people, and on whose side. */
type TLSErrorReason =
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
declare class TLSError extends Error {
  readonly code = 'ERR_TLS'
  /** What was wrong. */
  readonly reason: TLSErrorReason
  constructor(
    message?: string,
    options?: ErrorOptions & {
      reason?: TLSErrorReason
    },
  )
}
/** Thrown when a TLS stream ended without the peer's `close_notify`: the data may have been truncated. */
declare class TLSEOFError extends BrokenResourceError {
  readonly code = 'ERR_TLS_EOF'
}
/** Thrown by `TaskHandle.value()` when the task failed; its error is the `cause`. */
declare class TaskFailed extends Error {
  readonly code = 'ERR_TASK_FAILED'
}
/** Thrown by `TaskHandle.value()` when the task was cancelled. */
declare class TaskCancelled extends Error {
  readonly code = 'ERR_TASK_CANCELLED'
}
/** Thrown when a checked child process ended with a code other than 0; carries its outputs. */
declare class CalledProcessError extends Error {
  readonly code = 'ERR_CALLED_PROCESS'
  /** The exit code, or minus the number of the signal that ended the process. */
  readonly returncode: number
  /** What was run. */
  readonly command: string | readonly string[]
  /** What it wrote to its standard output, where that was captured. */
  readonly stdout: Buffer | undefined
  /** What it wrote to its standard error, where that was captured. */
  readonly stderr: Buffer | undefined
  /** The same as `command`, by Python's name. */
  get cmd(): string | readonly string[]
  constructor(command: string | readonly string[], returncode: number, stdout?: Buffer, stderr?: Buffer)
}
/** What a handler of `ExceptionGroup.handle` is for: the instances of a class, or what a predicate accepts. */
type Match = (abstract new (...args: never[]) => unknown) | ((leaf: unknown) => boolean)

/** Why a scope was cancelled. */
interface CancelReason {
  /** What has cancelled the scope. */
  readonly kind: 'explicit' | 'deadline' | 'task-failed' | 'signal' | 'shutdown' | 'scope-ended'
  /** The scope that was cancelled first; scopes inside it report the same reason only if cancelled themselves. */
  readonly scope: CancelScope
  /** What was given to `cancel()`, the error of the failed task, the signal's reason or the name of the process signal. */
  readonly detail?: unknown
}

/**
 * The key of the method by which an object takes part in `select` and `selectAll`: see `Selectable`. It is the same symbol in
 * every copy of the library.
 */
declare const selectable: unique symbol
/**
 * What `select` can wait for: streams, servers, queues, memory receive streams, events, task handles, datagram sockets,
 * processes, signal receivers. An object of your own takes part by one method, which may hand on the source of another object:
 *
 * ```ts
 * class Jobs implements Selectable<Job> {
 *   readonly #queue = createQueue<Job>(100);
 *   [selectable]() { return this.#queue[selectable]() }
 * }
 * ```
 */
interface Selectable<T> {
  /** Called once for each `select`, in the frame of its caller; the source serves that one call. */
  [selectable](): SelectSource<T>
}
/** One object, for one call of `select`. Every member is synchronous and is called on the thread of the caller. */
interface SelectSource<T> {
  /** Whether `take` has an answer now: a value, the end, or an error. */
  ready(): boolean
  /**
   * Takes what the object's own receive would give now. Called after `ready` was true.
   *
   * @throws what the object's own receive would throw; `WouldBlock` when there is nothing after all: then it is watched (again)
   */
  take(): T
  /**
   * Calls `changed` once, not inside this call, as soon as `ready` is true. Returns the undo, which takes nothing and gives up the
   * place in the line. Where several wait in line, each is called in its turn, and `take` inside `changed` gives it what has come.
   *
   * @throws what the object's own receive would throw where it must not wait: `ResourceBusyError`
   */
  watch(changed: () => void): () => void
  /**
   * The event loop may know of something that `ready` does not know of yet, because only `watch` asks for it: a socket. Beside
   * sources that are always ready, `select` then asks the event loop every now and then. Default false.
   */
  readonly outside?: boolean | undefined
  /** It has one value, and `selectAll` drops it after that: an event, a task. Default false. */
  readonly once?: boolean | undefined
  /**
   * Whether what `take` returned (`error` is `undefined`), or threw, says that nothing more will come: `selectAll` then drops it.
   * Default: it has thrown `EndOfStream`.
   */
  isEnd?(value: T | undefined, error: unknown): boolean
}

/** What can be known of a task. Re-creates the reference's `TaskInfo`; its `coro` is `fn`. */
declare class TaskInfo {
  /** Unique in this thread. */
  readonly id: number
  /** The task whose group this one belongs to; `null` for the task of `run`'s `main`. */
  readonly parentId: number | null
  /** The name it was started with, or that of its function. */
  readonly name: string
  /** The function that the task runs. */
  readonly fn: (...args: never[]) => unknown
  private constructor()
  /** Two of them are equal when they mean the same task. */
  equals(other: unknown): boolean
}

/** Re-creates the handle that AnyIO 4 plans; `spawn` returns it. */
interface TaskHandle<T> extends Selectable<T> {
  /** The task as `getRunningTasks` shows it. */
  readonly info: TaskInfo
  /** How far it has come. */
  readonly status: 'pending' | 'running' | 'cancelling' | 'finished' | 'failed' | 'cancelled'
  /** Cancels this task alone; its group goes on. */
  cancel(reason?: unknown): void
  /** Waits until the task has ended, however it ended. */
  wait(): Promise<void>
  /** Waits for what the task returned. Rejects with `TaskFailed` (see `cause`) or `TaskCancelled`. */
  value(): Promise<T>
}

/** Options of a cancel scope. */
interface CancelScopeOptions {
  /** Point in time of `currentTime()`; `Infinity` (the default) is none, `-Infinity` already cancelled. */
  deadline?: number | undefined
  /** Keeps cancellation from outside out. */
  shield?: boolean | undefined
  /** Cancels the scope when it aborts; what the scope was opened with then rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
  /**
   * When the scope is cancelled and its body waits for nothing of the library, the scope settles at once and leaves the body
   * behind. Operations that the body begins later are a `UsageError`, its outcome is discarded, and what it had opened is
   * closed when it settles. For foreign work that takes no `AbortSignal`. Default false.
   */
  abandon?: boolean | undefined
  /** For the texts of errors, and whoever looks at the tree. */
  name?: string | undefined
}

/**
 * A scope whose operations can be cancelled together. Re-creates the reference's `CancelScope`.
 *
 * `openCancelScope`, `moveOnAfter` and `failAfter` make one and enter it at once. One made by hand may be cancelled
 * before it is entered, and is entered once, by `run`.
 */
declare class CancelScope {
  #private
  constructor(options?: CancelScopeOptions)
  /**
   * Enters the scope with `body`: its value, or `undefined` when this scope's cancellation ended it. Rejects with
   * `UsageError` on a second call, with `signal.reason` when the foreign signal was the first cause, and with whatever
   * the body throws.
   */
  run<T>(body: (scope: CancelScope) => T | PromiseLike<T>): Promise<T | undefined>
  /**
   * Cancels everything in the scope, now: waiting operations reject with `Cancelled`, and every further checkpoint throws
   * it until the scope is left. The first reason stays. Works from any task and any callback of the thread.
   *
   * @param reason - becomes `cancelReason.detail`
   */
  cancel(reason?: unknown): void
  /** Whether this scope itself was cancelled: by `cancel()`, its deadline or its signal. */
  get cancelCalled(): boolean
  /** Whether this scope stopped a cancellation, which ended its body. */
  get cancelledCaught(): boolean
  /** The first cause; `undefined` while `cancelCalled` is false. */
  get cancelReason(): CancelReason | undefined
  /** The point in time (of `currentTime()`) at which the scope is cancelled; `Infinity` is never. Settable at any time. */
  get deadline(): number
  set deadline(at: number)
  /** Whether cancellation from outside is kept out. Settable at any time; takes effect at once, in both directions. */
  get shield(): boolean
  set shield(value: boolean)
  /**
   * For foreign work that takes an `AbortSignal`: aborts when the scope becomes effectively cancelled, with a `Cancelled`
   * as its reason, and then stays so. Made when first asked for.
   */
  get signal(): AbortSignal
}

/** A message of the channel `structio:task`. */
interface TaskEvent {
  /** `spawned`: it exists. `started`: its function is called. `ended`: it and everything begun in it are over. */
  readonly event: 'spawned' | 'started' | 'ended'
  /** The task. */
  readonly task: TaskInfo
  /** Of the task's run, in milliseconds of its clock (`currentTime()`). */
  readonly time: number
  /** With `ended`. */
  readonly status?: 'finished' | 'failed' | 'cancelled'
  /** With `ended` and the status `failed`: what it threw. */
  readonly error?: unknown
}
/** A message of the channel `structio:scope`. A task's own scope is told of only where it is cancelled. */
interface ScopeEvent {
  /** What has happened to the scope. */
  readonly event: 'entered' | 'cancelled' | 'ended'
  /** The scope, which a listener may look at and must not change. */
  readonly scope: CancelScope
  /** The task that entered the scope. */
  readonly task: TaskInfo
  /** Milliseconds of the run's clock (`currentTime()`). */
  readonly time: number
  /** With `cancelled`. */
  readonly reason?: CancelReason
}
/**
 * A message of the channel `structio:suppressed-error`: a task failed, and no caller gets its error, because an earlier one
 * came out of the same `gather`, `mapConcurrent` or `raceTasks`. An iterator that failed so is told of with the task that asked it,
 * and what fails while a run ends, after another error of that run, with the task of `main`.
 */
interface SuppressedErrorEvent {
  /** What the task threw. */
  readonly error: unknown
  /** The task that failed. */
  readonly task: TaskInfo
  /** Milliseconds of the run's clock (`currentTime()`). */
  readonly time: number
}

/** Options of what starts a task. */
interface TaskOptions {
  /** For introspection and the texts of errors; by default the function's name. */
  name?: string | undefined
}
/** What a function that is run by `start` reports its readiness through. */
interface TaskStatus<V = void> {
  /** Ready: `start` returns `value`, and the task goes on as a child of the group. `UsageError` on a second call. */
  started(value: V): void
}
/**
 * Children that run together with the body, and end before it is left. Re-creates the reference's `TaskGroup`;
 * `createTaskGroup` makes one.
 */
declare class TaskGroup {
  #private
  /** Cancels, shields or bounds the whole group, its body included. */
  readonly cancelScope: CancelScope
  private constructor()
  /**
   * Starts `fn(...args)` as a child: after this call has returned, under the group's scope. Works from any task and any
   * callback of the thread.
   *
   * @throws UsageError when the group has ended; the function is then not called
   */
  spawn<A extends unknown[], T>(fn: (...args: A) => T | PromiseLike<T>, ...args: A): TaskHandle<T>
  spawn<A extends unknown[], T>(options: TaskOptions, fn: (...args: A) => T | PromiseLike<T>, ...args: A): TaskHandle<T>
  /**
   * Starts `fn(status, ...args)` and waits until it calls `status.started(value)`; the value is returned, and the task
   * goes on as a child of the group. Until then it runs under the caller's scope, and its failure is the caller's.
   *
   * A schedule point, not a cancel point. Rejects with the bare error of a child that failed before it was ready, and with
   * `UsageError` when it returned without a word or the group has ended.
   */
  start<A extends unknown[], V = void>(fn: (status: TaskStatus<V>, ...args: A) => unknown, ...args: A): Promise<V>
  start<A extends unknown[], V = void>(
    options: TaskOptions,
    fn: (status: TaskStatus<V>, ...args: A) => unknown,
    ...args: A
  ): Promise<V>
}

/** What runs in a scope. */
type ScopeBody<T> = (scope: CancelScope) => T | PromiseLike<T>
/** Options of a scope whose deadline is an argument of its own. */
type TimedScopeOptions = Omit<CancelScopeOptions, 'deadline'>
interface AbandonOptions<T> {
  /** Gets a value that arrives after the caller has left, to close or release it. */
  discard?: ((value: T) => void) | undefined
}
/**
 * The scope that the body of `failAfter` gets: one that it has no way to cancel, so that the call has a value or rejects. (It is
 * an ordinary `CancelScope`.)
 */
type FailScope = Omit<CancelScope, 'cancel'>
/** What runs in the scope of `failAfter`. */
type FailBody<T> = (scope: FailScope) => T | PromiseLike<T>
/**
 * What a body came to; `undefined` as well where the body takes the scope or group as a parameter, and so can cancel it.
 *
 * @typeParam F - the function type of the body
 */
type BodyValue<F extends (parameter: never) => unknown> =
  Parameters<F> extends [] ? Awaited<ReturnType<F>> : Awaited<ReturnType<F>> | undefined
/** Without a deadline, only the body can cancel the scope. (A foreign signal rejects.) */
type EndlessScopeOptions = CancelScopeOptions & {
  /** None. */
  deadline?: undefined
}
/**
 * Runs `body` in a scope of its own. Resolves with its value, or with `undefined` when the scope's cancellation ended it;
 * rejects with `signal.reason` when the foreign signal did. Re-creates `open_cancel_scope`.
 *
 * A body without parameters cannot cancel the scope: without a deadline, the call then always has the body's value.
 */
declare function openCancelScope<F extends ScopeBody<unknown>>(body: F): Promise<BodyValue<F>>
declare function openCancelScope<F extends ScopeBody<unknown>>(
  options: EndlessScopeOptions,
  body: F,
): Promise<BodyValue<F>>
declare function openCancelScope<T>(options: CancelScopeOptions, body: ScopeBody<T>): Promise<T | undefined>
/**
 * Runs `body` for at most `ms` milliseconds; `null` is no limit, a negative number has passed already. Resolves with
 * `undefined` when the time was up. Re-creates `move_on_after`.
 */
declare function moveOnAfter<T>(ms: number | null, body: ScopeBody<T>): Promise<T | undefined>
declare function moveOnAfter<T>(
  ms: number | null,
  options: TimedScopeOptions,
  body: ScopeBody<T>,
): Promise<T | undefined>
/** Runs `body` until `time` of `currentTime()` at the latest. Resolves with `undefined` when the time was up. */
declare function moveOnAt<T>(time: number, body: ScopeBody<T>): Promise<T | undefined>
declare function moveOnAt<T>(time: number, options: TimedScopeOptions, body: ScopeBody<T>): Promise<T | undefined>
/**
 * Runs `body` for at most `ms` milliseconds; `null` is no limit. Rejects with `TimeoutError` when the deadline was the
 * first cause that ended the body. Re-creates `fail_after`.
 *
 * The scope that the body gets has no `cancel` for the compiler. A body that may give up by itself belongs into
 * `moveOnAfter` or `openCancelScope`.
 */
declare function failAfter<T>(ms: number | null, body: FailBody<T>): Promise<T>
declare function failAfter<T>(ms: number | null, options: TimedScopeOptions, body: FailBody<T>): Promise<T>
/** `failAfter` with a point in time of `currentTime()`. */
declare function failAt<T>(time: number, body: FailBody<T>): Promise<T>
declare function failAt<T>(time: number, options: TimedScopeOptions, body: FailBody<T>): Promise<T>
/**
 * The nearest deadline of the scopes around the running code, up to and including the first shield; `-Infinity` once
 * cancelled, `Infinity` where there is none. Re-creates `current_effective_deadline`.
 */
declare function currentEffectiveDeadline(): number
/**
 * The `signal` of the innermost scope around the running code: aborts when that is cancelled, with a `Cancelled` as its reason.
 * For foreign work that takes an `AbortSignal`, without opening a scope.
 *
 * ```ts
 * const response = await fetch(url, { signal: currentSignal() })
 * ```
 *
 * @throws NotRunningError outside every `run`
 */
declare function currentSignal(): AbortSignal
/**
 * Whether an error is a cancellation, also behind what JavaScript makes of one: a `Cancelled`; an `AbortError` whose `cause` is
 * one; an `AggregateError` or `ExceptionGroup` all of whose leaves are; a `SuppressedError` whose two errors both are. For
 * `catch` blocks that log or report errors, and let cancellations pass.
 *
 * ```ts
 * try {
 *   await handle(request)
 * } catch (error) {
 *   if (!isCancelled(error)) report(error)
 *   throw error
 * }
 * ```
 */
declare function isCancelled(error: unknown): boolean
/** Milliseconds of the monotonic clock that deadlines are measured by. Works outside a `run` too. */
declare function currentTime(): number
/**
 * Waits for work that knows nothing of scopes. On cancellation the caller leaves at once and the work goes on without it:
 * its failure is then nobody's, and `discard` gets a value that arrives too late, to close or release it.
 */
declare function abandonOnCancel<T>(promise: PromiseLike<T>, options?: AbandonOptions<T>): Promise<T>
/**
 * Waits for `ms` milliseconds. `sleep(0)`, and a negative time, yields to other tasks and to I/O. Re-creates `sleep`.
 */
declare function sleep(ms: number): Promise<void>
/** Waits until `time` of `currentTime()`; one that has passed is a `checkpoint()`. */
declare function sleepUntil(time: number): Promise<void>
/** Waits until it is cancelled. */
declare function sleepForever(): Promise<never>
/** Throws when cancelled; otherwise lets other tasks, timers and I/O have their turn, and throws when cancelled then. */
declare function checkpoint(): Promise<void>
/** Throws when cancelled; otherwise goes on at once, which makes it fit for tight loops. */
declare function checkpointIfCancelled(): Promise<void>
/** Lets other tasks, timers and I/O have their turn, and never throws a cancellation. */
declare function cancelShieldedCheckpoint(): Promise<void>
/** The class of what a checkpoint throws when cancelled. Re-creates `get_cancelled_exc_class`. */
declare function getCancelledExcClass(): typeof Cancelled

/** Options of a task group. */
interface TaskGroupOptions {
  /** For introspection and the texts of errors. */
  name?: string | undefined
  /** Blocks cancellation from enclosing scopes, for the whole group. */
  shield?: boolean | undefined
  /**
   * Once the group is cancelled and nothing in it waits for the library, it settles and leaves its body and its tasks behind:
   * see the option of `openCancelScope`. Default false.
   */
  abandon?: boolean | undefined
}
interface GatherOptions {
  /** How many tasks run at a time. */
  limit?: number | undefined
}
/** What runs together with the tasks of its group. */
type GroupBody = (group: TaskGroup) => unknown
/** A function that is run as a task. */
type Job<T> = () => T | PromiseLike<T>
/** What a list of jobs gives, in their order. */
type JobValues<F extends readonly Job<unknown>[]> = {
  -readonly [K in keyof F]: Awaited<ReturnType<F[K]>>
}
/**
 * Runs `body` with a group to spawn tasks into, and ends after all of them. Resolves with the body's value, or with
 * `undefined` when the group was cancelled and its body with it (a body without parameters cannot do that). Rejects with one `ExceptionGroup` of everything that
 * the body and the tasks threw. Re-creates `create_task_group`.
 */
declare function createTaskGroup<F extends GroupBody>(body: F): Promise<BodyValue<F>>
declare function createTaskGroup<F extends GroupBody>(options: TaskGroupOptions, body: F): Promise<BodyValue<F>>
/**
 * Runs the functions as tasks, at most `limit` at a time, and resolves with their values in order.
 *
 * Rejects with the first failure itself, as `Promise.all` does, and only after all other tasks have been cancelled and have
 * ended. What these throw meanwhile goes to the diagnostics channel `structio:suppressed-error`.
 */
declare function gather<const F extends readonly Job<unknown>[]>(fns: F, options?: GatherOptions): Promise<JobValues<F>>
/**
 * Calls `fn(item, index)` for every item, at most `limit` at a time, and resolves with the values in order. The next item is
 * asked for when there is room for it; on failure the iterator is closed. Rejects as `gather` does; a failure of the iterator
 * counts as that of a task.
 */
declare function mapConcurrent<I, T>(
  items: Iterable<I> | AsyncIterable<I>,
  fn: (item: I, index: number) => T | PromiseLike<T>,
  options: {
    limit: number
  },
): Promise<T[]>
/**
 * Runs the functions as tasks until the first has finished or failed; the others are cancelled and waited for. Settles as
 * that first one did: with its value, or its bare error. What the others throw while they clean up goes to the diagnostics
 * channel `structio:suppressed-error`. `RangeError` for an empty list.
 */
declare function raceTasks<const F extends readonly Job<unknown>[]>(fns: F): Promise<Awaited<ReturnType<F[number]>>>

/** When and how often a failed child is started again. */
interface RestartOptions {
  /**
   * How often in a row a child is started again after a failure: an integer, 0 being never, or `Infinity`. Default 10. A run that
   * lasts `resetAfter` begins a new row.
   */
  attempts?: number | undefined
  /**
   * Milliseconds before a child is started again, at least 1. A number is the wait after the first failure of a row and doubles
   * with each further one, up to 30,000 (or to the number itself, where that is more). A function gets the number of failures
   * in the row so far, from 1. Default 100.
   */
  backoff?: number | ((failures: number) => number) | undefined
  /** Milliseconds for which a run has to last before its failure is the first of a new row. Default 60,000. */
  resetAfter?: number | undefined
}
/** Options of `createSupervisor`. */
interface SupervisorOptions extends TaskGroupOptions {
  /**
   * Gets what a child threw, in the child's task. What it returns is awaited before the child is started again. What it throws
   * fails the supervisor: all children are cancelled, and it comes out in the `ExceptionGroup`. So an error that must not be
   * survived is thrown on.
   */
  onError: (error: unknown, failure: ChildFailure) => unknown
  /** Whether and when a failed child is started again. Default: never. */
  restart?: RestartOptions | undefined
}
/** What `onError` is told beside the error. A frozen record. */
interface ChildFailure {
  /** The child. */
  readonly task: TaskInfo
  /** Failures in a row, this one included. */
  readonly failures: number
  /** Milliseconds until it is started again; `undefined` where it is not, because it may not be or is cancelled. */
  readonly restartIn: number | undefined
}
/** Children that fail one by one. Made by `createSupervisor`. */
declare class Supervisor {
  #private
  /** Cancels, shields or bounds the whole, its body included. */
  get cancelScope(): CancelScope
  /**
   * Starts `fn(...args)` as a child: after this call has returned, under the supervisor's scope. Works from any task and any
   * callback of the thread.
   *
   * The handle is that of the child through all its restarts: `cancel()` ends it for good, `value()` is what its last run
   * returned, or `TaskFailed` once it is not started again.
   *
   * @throws UsageError when the supervisor has ended; the function is then not called
   */
  spawn<A extends unknown[], T>(fn: (...args: A) => T | PromiseLike<T>, ...args: A): TaskHandle<T>
  spawn<A extends unknown[], T>(options: TaskOptions, fn: (...args: A) => T | PromiseLike<T>, ...args: A): TaskHandle<T>
}
/** What runs together with the children. */
type SupervisorBody = (supervisor: Supervisor) => unknown
/**
 * Runs `body` with a supervisor to spawn children into, and ends after all of them. A child that fails goes to `onError` and
 * leaves its siblings alone; with `restart` it is started again after a while. A child that returns has finished.
 *
 * Resolves with the body's value, or with `undefined` when the supervisor was cancelled and its body with it. Rejects with one
 * `ExceptionGroup` when the body fails, or `onError` throws: that cancels all children, as in a task group.
 *
 * ```ts
 * await createSupervisor({ onError: (error, { task }) => console.error(task.name, error), restart: {} }, (sv) => {
 *   sv.spawn(consumeOrders)
 *   sv.spawn(consumeInvoices)
 * })
 * ```
 */
declare function createSupervisor<F extends SupervisorBody>(options: SupervisorOptions, body: F): Promise<BodyValue<F>>

/** Options of `retry`. */
interface RetryOptions {
  /** How many times the function is called at most, the first time included: a positive integer, or `Infinity`. Default 5. */
  attempts?: number | undefined
  /**
   * Milliseconds to wait before the second attempt. Later waits grow exponentially, up to 30 seconds (or `backoff`, where that is
   * more). Default 100.
   *
   * Or a function that gives the milliseconds to wait once attempt 1, 2, … has failed with `error`.
   */
  backoff?: number | ((attempt: number, error: unknown) => number) | undefined
  /**
   * Whether waits are spread at random, so that callers that failed together do not come back together. Default: true, but false
   * where `backoff` is a function. Of a number: "decorrelated jitter", each wait lies between `backoff` and three times the wait
   * before. Of a function: each wait lies between 0 and what it gives. On `virtual` chance comes from the seed.
   */
  jitter?: boolean | undefined
  /** Whether to try again after this error. Default: after every error. What it throws is thrown. */
  retryIf?: ((error: unknown, attempt: number) => boolean | PromiseLike<boolean>) | undefined
  /** Called, and awaited, before each wait of `delay` milliseconds: to log, or to reconnect. What it throws is thrown. */
  onRetry?: ((error: unknown, attempt: number, delay: number) => unknown) | undefined
}
/**
 * Calls `fn` until it succeeds, and resolves with its value. When all attempts have failed, rejects with the last error itself;
 * `retryErrors(error)` gives the earlier ones.
 *
 * A cancelled call is never retried, and neither is one that fails while its scope is cancelled. A limit on each attempt goes
 * inside, one on all of them outside:
 *
 * ```ts
 * await failAfter(60_000, () => retry({ attempts: 10 }, () => failAfter(5000, () => load(url))))
 * ```
 *
 * What an attempt has begun and not awaited is cancelled when it ends, and has ended before the next one begins. `fn` gets the
 * number of the attempt, from 1.
 *
 * @throws RangeError for `attempts` or a `backoff` that is out of range, also one that the function gives
 */
declare function retry<T>(fn: (attempt: number) => T | PromiseLike<T>): Promise<T>
declare function retry<T>(options: RetryOptions, fn: (attempt: number) => T | PromiseLike<T>): Promise<T>
/**
 * What the attempts before the last one failed with, oldest first, given the error that a `retry` rejected with; at most the
 * latest 100. Empty for every other error, and for what is no object.
 */
declare function retryErrors(error: unknown): readonly unknown[]

/** Options of `every` and `ticks`. */
interface EveryOptions {
  /** Whether the first time is at once, and not after one interval. Default false. */
  immediate?: boolean | undefined
  /**
   * What happens to times that have passed while the last call was still running: they are left out (`'skip'`, the default), or
   * made up for, one right after another (`'catch-up'`).
   */
  missed?: 'skip' | 'catch-up' | undefined
}
/**
 * Calls `fn` every `intervalMs` milliseconds, for the first time after one interval, until it is cancelled or `fn` fails: that error
 * is thrown. Calls never overlap. `fn` gets the number of intervals since the beginning, so a gap shows what was left out.
 *
 * ```ts
 * tg.spawn(() => every(60_000, { immediate: true }, () => refreshPrices()))
 * ```
 *
 * @throws RangeError when `intervalMs` is not positive
 */
declare function every(intervalMs: number, fn: (tick: number) => unknown): Promise<void>
declare function every(intervalMs: number, options: EveryOptions, fn: (tick: number) => unknown): Promise<void>
/**
 * The same as an async iterable without an end: each step waits for the next time, and gives the number of intervals since the
 * loop began. A step that was cancelled can be taken again. A second `next()` beside one that waits is a `ResourceBusyError`.
 *
 * ```ts
 * for await (const _ of ticks(1000)) console.log(await load())
 * ```
 *
 * @throws RangeError when `intervalMs` is not positive
 */
declare function ticks(intervalMs: number, options?: EveryOptions): AsyncIterableIterator<number>

/** What a source gives. */
type Selected<S> = S extends Selectable<infer T> ? T : never
/** The sources of one call, as a list. */
type List = readonly Selectable<unknown>[]
/** The sources of one call, by name. */
type Named = Readonly<Record<string, Selectable<unknown>>>
/** A place in a tuple as a number; any number for a place in an array. */
type Place<I> = I extends `${infer N extends number}` ? N : number
/**
 * Waits until one of the sources has something, and takes from that one alone; the others are left as they are. Resolves with
 * `[index, value]` for a list, and with `[key, value]` for a record, which is the form to `switch` on:
 *
 * ```ts
 * const [which, value] = await select({ job: jobs, message: stream, stop: stopping })
 * ```
 *
 * It takes as the source's own receive would: `receiveSome()` of a stream (an empty Buffer is its end), `accept()` of a server, `get()`
 * of a queue, `receive()` of a memory stream, a signal receiver or a datagram socket, `wait()` of an event or a process, `value()`
 * of a task. A source that has ended or was closed is ready, and gives its end or its error. Objects of your own take part as
 * `Selectable`.
 *
 * - Fair: of several that are ready each is as likely as the others; where one waits, it is served in the order of arrival, among
 *   those that call `get` or `receive`.
 * - Cancelled, it has taken nothing. What it has taken reaches the caller, also when its scope is cancelled in the same turn.
 * - While it waits it counts as a receive of its streams, datagram sockets and signal receivers, and as an `accept` of its servers:
 *   another one beside it is a `ResourceBusyError`, and so is a `select` of what another task receives from.
 * - It costs one step for each source, at each call.
 *
 * @throws RangeError without any source, and for the same source twice; TaskFailed or TaskCancelled for a task that has ended so;
 * what the receive of the source throws that was taken from
 */
declare function select<const S extends List>(
  sources: S,
): Promise<
  {
    [I in keyof S]: [index: Place<I>, value: Selected<S[I]>]
  }[number]
>
declare function select<const R extends Named>(
  sources: R,
): Promise<
  {
    [K in keyof R]: [key: K, value: Selected<R[K]>]
  }[keyof R]
>
/**
 * Iterates over what the sources give, as it comes: `[source, value]` for a list, `[key, value]` for a record. Each step is a `select`
 * among those that have not ended; between two steps nothing is held.
 *
 * ```ts
 * for await (const [peer, bytes] of selectAll([a, b])) await (peer === a ? b : a).sendAll(bytes)
 * ```
 *
 * A source that has ended drops out: a stream at the end of its data, a closed queue and a memory stream without senders once they
 * are empty, a server or datagram socket that this process has closed. So does one that has a single value, once it has given it (an
 * event, a task, a process). The iteration ends when all have. What a source throws comes out of the step, and that source drops out,
 * too: a `next()` called after that goes on with the others. `break` leaves all sources as they are. A `next()` that was cancelled can
 * be called again and has lost nothing; a second one beside it is a `ResourceBusyError`.
 */
declare function selectAll<const S extends List>(
  sources: S,
): AsyncIterableIterator<
  {
    [I in keyof S]: [source: S[I], value: Selected<S[I]>]
  }[number]
>
declare function selectAll<const R extends Named>(
  sources: R,
): AsyncIterableIterator<
  {
    [K in keyof R]: [key: K, value: Selected<R[K]>]
  }[keyof R]
>

/** What was acquired. Releasing it twice is harmless, and it may be released anywhere. */
interface Grant extends Disposable, AsyncDisposable {
  /** Gives it back. A second call does nothing. */
  release(): void
}

/** A frozen record. */
interface CapacityLimiterStatistics {
  /** Tokens that somebody has now. */
  readonly borrowedTokens: number
  /** Tokens that there are; `Infinity` for no limit. */
  readonly totalTokens: number
  /** Tasks (also those inside a `use`) as `TaskInfo`, other borrowers as they were given; in the order of borrowing. */
  readonly borrowers: readonly unknown[]
  /** Tasks that wait for a token. */
  readonly tasksWaiting: number
}
/**
 * Makes a limiter with so many tokens, `Infinity` being no limit. Re-creates `anyio.create_capacity_limiter`.
 *
 * @throws RangeError when `totalTokens` is negative or no integer
 */
declare function createCapacityLimiter(totalTokens: number): CapacityLimiter
/** Re-creates `anyio.abc.CapacityLimiter`. It may have zero tokens. */
declare class CapacityLimiter {
  #private
  /**
   * Waits for a token, which then belongs to the running task.
   *
   * @throws UsageError when the task has one, or waits for one, already, or inside a `use` of the limiter
   */
  acquire(): Promise<Grant>
  /** Takes a token without waiting. @throws WouldBlock where none is free; UsageError when the task has one already */
  acquireNowait(): Grant
  /** Waits for a token for a borrower of any kind, whoever runs. @throws UsageError when `borrower` has one already */
  acquireOnBehalfOf(borrower: unknown): Promise<Grant>
  /** The same without waiting; works anywhere. @throws WouldBlock where none is free; UsageError as above */
  acquireOnBehalfOfNowait(borrower: unknown): Grant
  /** Gives the running task's token back. @throws UsageError when it has none */
  release(): void
  /** Gives a borrower's token back; works anywhere. @throws UsageError when it has none */
  releaseOnBehalfOf(borrower: unknown): void
  /** How many tokens are free; less than 0 when the total was lowered below what is borrowed. */
  get availableTokens(): number
  /** How many tokens are borrowed. */
  get borrowedTokens(): number
  /** How many there are. Raising it serves those who wait; lowering it takes nothing from anybody. */
  get totalTokens(): number
  set totalTokens(total: number)
  /**
   * Runs `body` with a token that belongs to this very call, so that ten of them in one `Promise.all` take their turns.
   * The token is given back when `body` settles. Calls that it has begun and not awaited go on without one: await them, or run
   * them in a task group inside `body`.
   *
   * @throws UsageError inside another `use` of it, or when the task has a token already
   */
  use<T>(body: () => T | PromiseLike<T>): Promise<T>
  /** Who has a token, and how many wait for one. */
  statistics(): CapacityLimiterStatistics
}

/** A function of the host that a thread calls by name. What it takes and returns is copied. */
type ExposedFunction = (...args: never[]) => unknown

/**
 * What can be moved to a thread. Derived, because no version range of @types/node has one name for it: `TransferListItem`
 * has gone in 26, `Transferable` is new in 20.19.
 */
type Transferable = NonNullable<Parameters<Worker['postMessage']>[1]>[number]

declare const signature: unique symbol
/** An export of a module, to be run by `runInThread` or `runInProcess`; `threadTask` makes one. */
interface ThreadTask<A extends unknown[] = unknown[], T = unknown> {
  /** Where the module is. */
  readonly url: string
  /** Of the exported function. */
  readonly name: string
  /** Of types only: what it takes and returns. */
  readonly [signature]?: (...args: A) => T
}
/** A function of any kind. */
type AnyFunction = (...args: never[]) => unknown
/**
 * Names a function that a thread or a child process can load by itself: the export `name` of the module at `url`.
 *
 * ```ts
 * const hash = threadTask<typeof import('./work.js').hash>(new URL('./work.js', import.meta.url), 'hash')
 * ```
 *
 * @typeParam F - the function's type; `typeof import('./work.js').hash`
 * @param url - absolute: `new URL('./work.js', import.meta.url)`, or its text
 * @param name - of the export; by default the default export
 * @throws TypeError for what is no URL, RangeError for one that is not absolute
 */
declare function threadTask<F extends AnyFunction = (...args: unknown[]) => unknown>(
  url: URL | string,
  name?: string,
): ThreadTask<Parameters<F>, Awaited<ReturnType<F>>>

/** Gives a thread access to a portal: pass it on as `workerData`, or in a message. It is made of data alone. */
interface PortalHandle {}

/** A portal as a thread sees it; `BlockingPortal.attach` makes one. */
interface AttachedPortal {
  /**
   * Calls an exposed function and blocks this thread until it has ended: returns what it returned, throws what it threw.
   *
   * @throws ClosedResourceError when the portal is closed, also while this waits; RunFinishedError when its run has ended;
   * UsageError on an event-loop thread
   */
  call<T = unknown>(name: string, ...args: unknown[]): T
  /** Starts an exposed function and returns at once. Throws as `call` does. */
  startTaskSoon<T = unknown>(name: string, ...args: unknown[]): PortalTask<T>
}
/** What was started through a portal. */
interface PortalTask<T = unknown> {
  /** Blocks this thread until the function has ended, and returns or throws as `call` does; `TaskCancelled` after `cancel`. */
  result(): T
  /** Cancels what the function waits for. Does not wait. */
  cancel(): void
}

/** Options of `createBlockingPortal`. */
interface BlockingPortalOptions {
  /** The functions that threads may call, by name. */
  expose: Readonly<Record<string, ExposedFunction>>
}
/**
 * Opens a portal, through which threads that the library did not start call functions of this one: pass `portal.handle` to the
 * thread, and `BlockingPortal.attach(handle)` there. The functions run in the task, and under the scope, in which the portal
 * was made. Close it when it is no longer needed. Re-creates `anyio.from_thread.BlockingPortal`.
 */
declare function createBlockingPortal(options: BlockingPortalOptions): Promise<BlockingPortal>
/** Made by `createBlockingPortal`. */
declare class BlockingPortal {
  #private
  /** What gives a thread access to this portal. It can be copied to any number of them. */
  get handle(): PortalHandle
  /** In a thread with its handle: the portal as it is seen from there. @throws TypeError for what is no handle */
  static attach(handle: PortalHandle): AttachedPortal
  /**
   * Closes the portal: the functions that still run are cancelled, and waited for; threads that wait for them, and whoever
   * calls from now on, get a `ClosedResourceError`. Never raises a cancellation: the next checkpoint does. Idempotent.
   */
  close(): Promise<void>
  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Calls a function of the host thread that `runInThread` was given in `expose`, and blocks this thread until it has ended;
 * the event loop goes on. The function runs under the scope of whoever called `runInThread`.
 *
 * Throws what the function throws, `Cancelled` among it: that scope's cancellation reaches the waits inside it. Throws
 * `UsageError` on the event-loop thread, which must never block; `NotRunningError` in a thread that the library did not start;
 * `RunFinishedError` in one that was abandoned, once its run has settled. Re-creates `run_async_from_thread`.
 *
 * @param args - anything that can be cloned
 */
declare function runAsyncFromThread<T = unknown>(name: string, ...args: unknown[]): T
/** What worker code can ask about its caller. Re-creates `anyio.from_thread`. */
declare const fromThread: {
  /**
   * Throws `Cancelled` when the scope of whoever called `runInThread` is effectively cancelled; a shield keeps it away as from
   * any checkpoint. It reads one word of shared memory: call it in the middle of a computation, as often as you like.
   */
  checkCancelled(): void
}

/** Options of `runInThread`. */
interface RunInThreadOptions {
  /** Whose token the call borrows while its thread works. Default: `currentDefaultThreadLimiter()`. */
  limiter?: CapacityLimiter | undefined
  /**
   * Whether a cancelled caller goes on at once and leaves the thread to itself: what the function comes to is dropped then, and
   * the token is held until the thread is done. Default false: the caller waits until the function has ended.
   */
  abandonOnCancel?: boolean | undefined
  /**
   * Whether a cancellation terminates the thread in the middle of the function, wherever that is: `finally` blocks do not run, and
   * what it had half done in shared memory stays so. The caller goes on once the thread has ended, and has the function's
   * value if that had returned before. Native code cannot be interrupted; the thread ends when it returns. The next call starts
   * a new thread (some 10 to 50 ms). Default false. Together with `abandonOnCancel` a `RangeError`.
   */
  terminateOnCancel?: boolean | undefined
  /** Functions of this thread that the other may call by name, with `runAsyncFromThread`. */
  expose?: Readonly<Record<string, ExposedFunction>> | undefined
  /**
   * What in the arguments is moved to the thread instead of copied: array buffers, message ports. Not the memory of bytes that the
   * library has received or read, which other buffers share: Node 22 and later refuse it with a `DataCloneError`, Node 20 copies
   * it. `Uint8Array.from(bytes)` has memory of its own.
   */
  transfer?: readonly Transferable[] | undefined
  /** For introspection; by default the function's name. */
  name?: string | undefined
}
/** A function that closes over nothing, or a `threadTask`. */
type ThreadFunction<A extends unknown[], T> = ((...args: A) => T | PromiseLike<T>) | ThreadTask<A, T>
/**
 * Runs `task(...args)` in a thread, and resolves with what it returns; a promise is awaited there. Re-creates `run_in_thread`.
 *
 * `task` is `threadTask(url, name)`, or a function that closes over nothing: it is sent by its source. Arguments and result
 * are copied as by `structuredClone`, but for what `transfer` names. Threads are kept for the next call, and never keep
 * the process alive by themselves.
 *
 * A checkpoint on the way in, also while it waits for a token. From then on a cancellation does not end the function: the
 * caller waits for it, and gets what it came to (or goes on at once: `abandonOnCancel`; or ends the thread: `terminateOnCancel`).
 * The function may ask, with `fromThread.checkCancelled()`.
 *
 * Rejects with what the function throws, with its class name, message, stack and own fields; with `DataCloneError` for what
 * cannot be sent; with `BrokenResourceError` when the thread dies; with `UsageError` where a function that was sent misses a
 * name, or where all tokens of the limiter wait for such a call.
 */
declare function runInThread<T = unknown>(task: ThreadTask, ...args: unknown[]): Promise<T>
declare function runInThread<A extends unknown[], T>(task: ThreadFunction<A, T>, ...args: A): Promise<T>
declare function runInThread<T = unknown>(options: RunInThreadOptions, task: ThreadTask, ...args: unknown[]): Promise<T>
declare function runInThread<A extends unknown[], T>(
  options: RunInThreadOptions,
  task: ThreadFunction<A, T>,
  ...args: A
): Promise<T>
/**
 * The limiter of `runInThread` calls that name none: as many tokens as the machine has processors to give
 * (`os.availableParallelism()`), for this thread of the process. It bounds threads only; file work and look-ups have bounds of
 * their own. Its `totalTokens` may be changed. Re-creates `anyio.to_thread.current_default_thread_limiter`.
 */
declare function currentDefaultThreadLimiter(): CapacityLimiter

/** Options of `runInProcess`. */
interface RunInProcessOptions {
  /** Whether a cancelled caller goes on at once, or (default) when the process it had killed is gone. */
  abandonOnCancel?: boolean | undefined
  /** Whose token the call borrows while its process lives. Default: one with a token for each processor. */
  limiter?: CapacityLimiter | undefined
}
/**
 * Runs `task(...args)` in a child process, and resolves with what it returns. What it may be, how arguments and results are
 * copied and how errors come out is said at `runInThread`. A process is started for each call, with the options that this one
 * was started with, and **killed when the caller is cancelled**. Re-creates `anyio.to_process.run_sync`.
 *
 * Rejects with `BrokenResourceError` when the process ends by itself before the function has returned.
 */
declare function runInProcess<T = unknown>(task: ThreadTask, ...args: unknown[]): Promise<T>
declare function runInProcess<A extends unknown[], T>(task: ThreadFunction<A, T>, ...args: A): Promise<T>
declare function runInProcess<T = unknown>(
  options: RunInProcessOptions,
  task: ThreadTask,
  ...args: unknown[]
): Promise<T>
declare function runInProcess<A extends unknown[], T>(
  options: RunInProcessOptions,
  task: ThreadFunction<A, T>,
  ...args: A
): Promise<T>

/**
 * A file, opened by `aopen`. Re-creates `anyio.AsyncFile`, with the behaviour of Python's own file objects.
 *
 * In text mode `D` is `string`, and sizes count characters (code points); in binary mode it is `Buffer`, and they count
 * bytes. At the end of the file reads give an empty one. Calls on one file are carried out in the order in which they are
 * made, whichever tasks make them.
 *
 * A call that is cancelled while the system works for it waits until the system has let go: it then has its value, if that is
 * complete, or throws `Cancelled` and has moved nothing: the next read gets what this one would have got.
 */
declare class AsyncFile<D extends string | Buffer = string | Buffer> implements AsyncIterable<D>, AsyncDisposable {
  #private
  /** The path, or the descriptor, that it was opened with. */
  get name(): string | Buffer | number
  /** As it was given to `aopen`. */
  get mode(): string
  /** Whether `close` has been called. */
  get closed(): boolean
  /** The file descriptor. On `native` its position is where the file has been read to or flushed. */
  get fd(): number
  /** Whether the mode allows reading. */
  readable(): boolean
  /** Whether the mode allows writing. */
  writable(): boolean
  /** Whether `seek`, `tell` and `truncate` work: not with a pipe, nor with a terminal. */
  seekable(): boolean
  /** Up to `size` characters or bytes; without it, or with -1, everything to the end. Fewer only at the end. */
  read(size?: number): Promise<D>
  /**
   * Binary: up to `size` bytes with one read of the system at most: what the buffer holds, or else what comes first.
   *
   * @throws UnsupportedError in text mode
   */
  read1(size?: number): Promise<D>
  /** One line with its ending, or `limit` characters or bytes of it. Empty at the end of the file. */
  readline(limit?: number): Promise<D>
  /** Lines with their endings, all of them, or as many as it takes to be longer than `hint` characters or bytes together. */
  readlines(hint?: number | null): Promise<D[]>
  /**
   * Binary: fills `view`, or as much of it as there is: how many bytes, 0 at the end.
   *
   * @throws UnsupportedError in text mode
   */
  readinto(view: Uint8Array): Promise<number>
  /** As `readinto`, with one read of the system at most. */
  readinto1(view: Uint8Array): Promise<number>
  /**
   * Writes to the file's buffer, and what that does not hold to the system: how many characters or bytes, always all. What the
   * buffer holds is in the file after `flush` or `close`.
   */
  write(data: D extends string ? string : Uint8Array): Promise<number>
  /** Writes one after another. Nothing is put between them. */
  writelines(list: Iterable<D extends string ? string : Uint8Array>): Promise<void>
  /** Cuts the file, or extends it with zeros, to `size` bytes; by default, to where it is. The position stays: the new size. */
  truncate(size?: number | null): Promise<number>
  /**
   * Moves to `offset` from the beginning (`whence` 0), from where the file is (1), or from its end (2): the new position. In text
   * mode an offset is 0, or what `tell` gave.
   */
  seek(offset: number, whence?: number): Promise<number>
  /** The position, in bytes; in text mode a number for `seek` and nothing else. */
  tell(): Promise<number>
  /** Hands what was written to the system. */
  flush(): Promise<void>
  /**
   * Flushes and closes, after the calls made before. The file is closed also in a cancelled scope, and when flushing fails; that
   * error is thrown afterwards. Never raises a cancellation: the next checkpoint does. A second call is harmless.
   */
  close(): Promise<void>
  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void>
  /** The lines, with their endings, from where the file is. */
  [Symbol.asyncIterator](): AsyncIterableIterator<D>
}

/** A mode that gives Buffers. */
type Access = 'r' | 'w' | 'a' | 'x'
/** The modes that give `Buffer`s: `'rb'`, `'r+b'`, `'rb+'` and the like. */
type BinaryMode = `${Access}b` | `${Access}b+` | `${Access}+b` | `b${Access}` | `b${Access}+` | `b+${Access}`
/** The modes that give strings: `'r'`, `'w+'`, `'at'` and the like. */
type TextMode = Access | `${Access}+` | `${Access}t` | `${Access}t+` | `${Access}+t` | `t${Access}` | `t${Access}+`

interface ResolveOptions {
  /** Whether a path that does not exist is an error. Default false. */
  strict?: boolean | undefined
}
interface LinkOptions {
  /** Whether a symbolic link is followed. Default true. */
  followSymlinks?: boolean | undefined
}
interface MkdirOptions {
  /** Permissions of the new directory, before the umask. Default 0o777. */
  mode?: number | undefined
  /** Makes missing parents as well. Default false. */
  parents?: boolean | undefined
  /** Takes a directory that is there already for made. Default false. */
  existOk?: boolean | undefined
}
interface UnlinkOptions {
  /** Takes a file that is not there for removed. Default false. */
  missingOk?: boolean | undefined
}
interface SymlinkOptions {
  /** Whether the target is a directory; it matters on Windows alone. Default false. */
  targetIsDirectory?: boolean | undefined
}
interface TouchOptions {
  /** Permissions of a new file, before the umask. Default 0o666. */
  mode?: number | undefined
  /** Takes a file that is there already; its times are set. Default true. */
  existOk?: boolean | undefined
}
interface WalkingOptions {
  /** Whether a directory comes before those in it. Default true. */
  topDown?: boolean | undefined
  /** Gets the error of a directory that cannot be read. Default: it is left out. */
  onError?: ((error: Error) => void) | undefined
  /** Whether symbolic links to directories are walked into. Default false. */
  followSymlinks?: boolean | undefined
}

/** A folder, the names of the folders in it, and those of all else. */
type Walked = [path: Path, folders: string[], files: string[]]

/** What a path can be made of. */
type PathSegment = string | URL | PurePath
/** An immutable path: its text, by the rules of this platform. */
declare abstract class PurePath {
  #private
  constructor(segments: readonly PathSegment[])
  /** The pieces; of an absolute path the first one is its `anchor`. */
  get parts(): readonly string[]
  /** On Windows the drive or the share, elsewhere `''`. */
  get drive(): string
  /** The separator that an absolute path begins with, or `''`. */
  get root(): string
  /** Drive and root. */
  get anchor(): string
  /** The last piece, `''` of a root. */
  get name(): string
  /** The last suffix of the name with its dot, or `''`. */
  get suffix(): string
  /** All suffixes of the name: `['.tar', '.gz']`. */
  get suffixes(): readonly string[]
  /** The name without its last suffix. */
  get stem(): string
  /** Whether it does not depend on the working directory. */
  isAbsolute(): boolean
  /** Whether it is `other`, or below it. */
  isRelativeTo(other: PathSegment): boolean
  /** Whether its last pieces match a pattern of as many (`'*.txt'`, `'src/?.ts'`), or all of it an absolute one. */
  match(pattern: string): boolean
  /** The same path: the same pieces. */
  equals(other: unknown): boolean
  /** With forward slashes. */
  asPosix(): string
  /** As a `file:` URL. @throws RangeError for a relative path */
  asUri(): string
  /** The path as text, which the system's calls take. */
  toString(): string
  /** The path as text, for `JSON.stringify`. */
  toJSON(): string
}

/** How text is read and written by `Path.readText` and `Path.writeText`; as for `aopen`. */
type TextOptions = Pick<OpenOptions, 'encoding' | 'errors' | 'newline'>

/**
 * An immutable path with the methods of Python's `pathlib`, those that ask the system asynchronous. Re-creates AnyIO's `Path`.
 *
 * ```ts
 * const folder = new Path('reports')
 * await folder.mkdir({ parents: true, existOk: true })
 * for await (const path of folder.glob('*.txt')) console.log(path.name, (await path.readText()).length)
 * ```
 *
 * What goes wrong is the system's error (`ENOENT`, `EEXIST`…), as node:fs has it. A call that has begun takes effect, whatever is
 * cancelled meanwhile.
 */
declare class Path extends PurePath {
  #private
  /** Joined to one; without any, the working directory. A segment that is absolute begins anew. */
  constructor(...segments: PathSegment[])
  /** The working directory. */
  static cwd(): Path
  /** The user's home folder. */
  static home(): Path
  /** Without its last name; a root, and the empty path, are their own. */
  get parent(): Path
  /** The parent, its parent, and so on. */
  get parents(): readonly Path[]
  /** The path that these segments lead to from here; an absolute one replaces what is before it. */
  joinpath(...segments: PathSegment[]): Path
  /** With another name. @throws RangeError where there is none, and for one that is not a single name */
  withName(name: string): Path
  /** With another name before the last suffix. */
  withStem(stem: string): Path
  /** With another last suffix; `''` removes it. */
  withSuffix(suffix: string): Path
  /** What leads from `other` to this. @throws RangeError unless it is below */
  relativeTo(other: PathSegment): Path
  /** From the root, with its `..` and symbolic links as they are. */
  absolute(): Promise<Path>
  /** With the home directory in the place of a first `~`. */
  expanduser(): Promise<Path>
  /**
   * From the root, without `..` and symbolic links.
   *
   * @throws ENOENT with `strict`, where something is missing; otherwise the rest is added as it is
   */
  resolve(options?: ResolveOptions): Promise<Path>
  /** The status of what it names, links followed. */
  stat(options?: LinkOptions): Promise<Stats>
  /** As `stat`, of a symbolic link itself. */
  lstat(): Promise<Stats>
  /** Whether something is there; a symbolic link whose target is not: no. */
  exists(): Promise<boolean>
  /** Whether it names a regular file, links followed; `false` where nothing is. */
  isFile(): Promise<boolean>
  /** Whether it names a folder, links followed; `false` where nothing is. */
  isDir(): Promise<boolean>
  /** Whether it is a symbolic link itself. */
  isSymlink(): Promise<boolean>
  /** Whether it names a pipe; `false` where nothing is. */
  isFifo(): Promise<boolean>
  /** Whether it names a UNIX socket; `false` where nothing is. */
  isSocket(): Promise<boolean>
  /** Whether it names a block device; `false` where nothing is. */
  isBlockDevice(): Promise<boolean>
  /** Whether it names a character device; `false` where nothing is. */
  isCharDevice(): Promise<boolean>
  /** Whether another file system begins here. */
  isMount(): Promise<boolean>
  /** Whether both are the same file. */
  samefile(other: PathSegment): Promise<boolean>
  /** Opens the file, as `aopen`. */
  open(mode?: TextMode, options?: OpenOptions): Promise<AsyncFile<string>>
  open(mode: BinaryMode, options?: OpenOptions): Promise<AsyncFile<Buffer>>
  open(mode: string, options?: OpenOptions): Promise<AsyncFile<string> | AsyncFile<Buffer>>
  /** The whole file. */
  readBytes(): Promise<Buffer>
  /** The whole file, decoded. */
  readText(options?: TextOptions): Promise<string>
  /** Makes the file, or empties it, and writes: the number of bytes. */
  writeBytes(data: Uint8Array): Promise<number>
  /** Makes the file, or empties it, and writes: the number of characters. */
  writeText(text: string, options?: TextOptions): Promise<number>
  /**
   * Makes a folder.
   *
   * @param options - `parents`: makes those that are missing; `existOk`: a folder that is there is as good
   */
  mkdir(options?: MkdirOptions): Promise<void>
  /** Removes an empty folder. */
  rmdir(): Promise<void>
  /** Removes a file or a symbolic link. */
  unlink(options?: UnlinkOptions): Promise<void>
  /** Moves it to `target`, and replaces a file that is there: the new path. */
  rename(target: PathSegment): Promise<Path>
  /** As `rename`, on every platform. */
  replace(target: PathSegment): Promise<Path>
  /** Copies a file, or a folder with all there is in it, to `target`: the new path. */
  copy(target: PathSegment, options?: LinkOptions): Promise<Path>
  /** As `copy`, into a folder. */
  copyInto(folder: PathSegment, options?: LinkOptions): Promise<Path>
  /** As `rename`, also to another file system: then it is copied, and removed. */
  move(target: PathSegment): Promise<Path>
  /** As `move`, into a folder. */
  moveInto(folder: PathSegment): Promise<Path>
  /** What a symbolic link says. */
  readlink(): Promise<Path>
  /** Makes this a symbolic link to `target`. On Windows it has to be known whether that is a folder. */
  symlinkTo(target: PathSegment, options?: SymlinkOptions): Promise<void>
  /** Makes this one more name of `target`. */
  hardlinkTo(target: PathSegment): Promise<void>
  /** Sets the permissions. */
  chmod(mode: number): Promise<void>
  /** Makes the file, or sets its times to now. @throws EEXIST with `existOk: false`, where it is there */
  touch(options?: TouchOptions): Promise<void>
  /** What is in the folder, in no order. */
  iterdir(): AsyncIterableIterator<Path>
  /** What matches a relative pattern: `'*.ts'`, `'*\/[a-c]?.md'`, and `'**'` for any number of folders. In no order. */
  glob(pattern: string): AsyncIterableIterator<Path>
  /** As `glob`, in all folders below. */
  rglob(pattern: string): AsyncIterableIterator<Path>
  /**
   * The folder and all below it, each with the names of the folders and of the other things in it. From the top down, what is
   * taken out of the list of folders is not visited.
   */
  walk(options?: WalkingOptions): AsyncIterableIterator<Walked>
}

/** Opens the file instead of the library, and gives its descriptor. */
type Opener = (path: string, flags: number) => number | PromiseLike<number>

/** Options of `aopen`. */
interface OpenOptions {
  /** Text: `'utf-8'` (default), `'utf-8-sig'`, `'utf-16'`, `'utf-16-le'`, `'utf-16-be'`, `'latin1'` or `'ascii'`. */
  encoding?: string | undefined
  /** Text: what becomes of bytes that are no characters, and of characters that the encoding does not have. Default `'strict'`. */
  errors?: 'strict' | 'replace' | 'ignore' | undefined
  /**
   * Text: `null` (default) reads `\n`, `\r` and `\r\n` as `\n`, and writes the system's own; `''` ends lines at the same three and
   * leaves them as they are; with `'\n'`, `'\r'` or `'\r\n'` only this ends a line, and `\n` is written as this.
   */
  newline?: '' | '\n' | '\r' | '\r\n' | null | undefined
  /** Bytes; 0 (binary only) does without a buffer, 1 in text mode writes each line at once. */
  bufferSize?: number | undefined
  /** Whether `close` closes a descriptor that was given. Default true. */
  closefd?: boolean | undefined
  /** Opens the file: gets the path and the system's flags, and gives a descriptor, which the file then owns. */
  opener?: Opener | undefined
}
/**
 * Opens a file, as Python's `open` does. Re-creates `anyio.aopen`.
 *
 * ```ts
 * await using file = await aopen('server.log')
 * for await (const line of file) console.log(line.trimEnd())
 * ```
 *
 * @param file - a path, or a descriptor that is open already
 * @param mode - `'r'`, `'w'` (empties it), `'a'` (appends) or `'x'` (makes it, and fails with `EEXIST` if it is there); with
 * `'+'` to read and write, and with `'b'` for `Buffer`s instead of text
 * @throws the system's error: `ENOENT`, `EACCES`, `EISDIR` for a directory
 */
declare function aopen(
  file: string | URL | Buffer | Path | number,
  mode?: TextMode,
  options?: OpenOptions,
): Promise<AsyncFile<string>>
declare function aopen(
  file: string | URL | Buffer | Path | number,
  mode: BinaryMode,
  options?: OpenOptions,
): Promise<AsyncFile<Buffer>>
declare function aopen(
  file: string | URL | Buffer | Path | number,
  mode: string,
  options?: OpenOptions,
): Promise<AsyncFile<string> | AsyncFile<Buffer>>

/** Where, and under which name. */
interface TemporaryOptions {
  /** The name's beginning; default `'tmp'`. */
  prefix?: string | undefined
  /** The name's end; default none. */
  suffix?: string | undefined
  /** The folder that it is made in; default the system's for temporary files. */
  dir?: string | URL | Buffer | PurePath | undefined
}
interface TemporaryFileOptions extends TemporaryOptions, Omit<OpenOptions, 'closefd' | 'opener'> {}
interface NamedTemporaryFileOptions extends TemporaryFileOptions {
  /** Whether it is removed when it is closed; default true. */
  delete?: boolean | undefined
}
interface TemporaryDirectoryOptions extends TemporaryOptions {
  /** Whether it is removed when it is closed; default true. */
  delete?: boolean | undefined
  /** Leaves what cannot be removed, and says nothing. */
  ignoreCleanupErrors?: boolean | undefined
}
/**
 * A file without a name, which nobody else can open, and which is gone when it is closed. Re-creates AnyIO's `TemporaryFile`.
 *
 * @param mode - as for `aopen`; default `'w+b'`
 */
declare function TemporaryFile(mode: TextMode, options?: TemporaryFileOptions): Promise<AsyncFile<string>>
declare function TemporaryFile(mode?: BinaryMode, options?: TemporaryFileOptions): Promise<AsyncFile<Buffer>>
/** The same with a name (`file.name`), under which others can open it as long as it is open. */
declare function NamedTemporaryFile(mode: TextMode, options?: NamedTemporaryFileOptions): Promise<AsyncFile<string>>
declare function NamedTemporaryFile(mode?: BinaryMode, options?: NamedTemporaryFileOptions): Promise<AsyncFile<Buffer>>
/** A folder, with everything in it removed when it is closed. Re-creates AnyIO's `TemporaryDirectory`. */
declare function TemporaryDirectory(options?: TemporaryDirectoryOptions): Promise<TemporaryDirectory>
/** What `TemporaryDirectory()` gives. */
interface TemporaryDirectory extends AsyncDisposable {
  /** Its path. */
  readonly name: string
  /** Where it is. */
  readonly path: Path
  /** Removes it, also in a cancelled scope. Never raises a cancellation: the next checkpoint does. A second call is harmless. */
  close(): Promise<void>
}

/** A frozen record of what a server has done. */
interface ServerStatistics {
  /** Connections handed to `accept`, `acceptConnections` or `serve`. */
  readonly accepted: number
  /** Handlers of `serve` that are running now. */
  readonly handling: number
  /** Errors of handlers and connections that `serve` has gone on after, without an `onError` for them. */
  readonly dropped: number
  /**
   * How often accepting failed for want of descriptors or memory, and was tried again. On the `node` backend always 0:
   * there libuv closes what it cannot take, and does not say so.
   */
  readonly retries: number
  /** TLS handshakes that are under way now. */
  readonly handshaking: number
  /** TLS handshakes that have failed. */
  readonly tlsErrors: number
}

/** Options of what reads up to a delimiter. */
interface DelimitedOptions {
  /** Whether a frame is handed out with its delimiter. */
  includeDelimiter?: boolean | undefined
}

/** A peer's certificate, with the fields of node:tls's `getPeerCertificate()`. */
type PeerCertificate = ReturnType<X509Certificate['toLegacyObject']>

/** A kind of channel binding: `'tls-exporter'` is RFC 9266, the others are RFC 5929. */
type ChannelBindingType = 'tls-exporter' | 'tls-server-end-point' | 'tls-unique'

/** A cipher suite: OpenSSL's name, the TLS version that defines it, and the length of its key in bits. */
type Cipher = readonly [name: string, version: TLSVersion, bits: number]

/**
 * A certificate or key: PEM text, the bytes of a PEM or DER file, or the path of one (a string without `-----BEGIN` in it,
 * or a `file:` URL). PEM may hold several certificates.
 */
type TLSMaterial = string | Uint8Array | URL

/** Options of `createTlsContext`. */
interface TLSContextOptions {
  /** This side's certificate, then the chain to its authority. A server needs `cert` or `sni`. */
  cert?: TLSMaterial | readonly TLSMaterial[] | undefined
  /** The unencrypted private key of `cert`. */
  key?: TLSMaterial | undefined
  /** Certificate authorities to trust instead of the platform's. */
  ca?: TLSMaterial | readonly TLSMaterial[] | undefined
  /** Whether the platform's authorities are trusted, in addition to `ca`. Default: true without `ca`, false with it. */
  systemCa?: boolean | undefined
  /** Application protocols (ALPN), preferred ones first. The handshake fails if both sides have some, but none in common. */
  alpnProtocols?: readonly string[] | undefined
  /** The lowest version of TLS to accept. Default `'TLSv1.2'`. */
  minVersion?: TLSVersion | undefined
  /** The highest version of TLS to accept. Default `'TLSv1.3'`. */
  maxVersion?: TLSVersion | undefined
  /** Cipher suites by OpenSSL's names, preferred ones first; the server's order decides. Default: all that structio has. */
  cipherSuites?: readonly string[] | undefined
  /** Whether the peer's certificate and name are verified. `false` is only for tests and debugging. Default true. */
  verify?: boolean | undefined
  /** Whether a server asks its clients for a certificate. `true` requires one. Default false. */
  requestClientCert?: boolean | 'optional' | undefined
  /**
   * Called on a server with the name that the client asks for (SNI). Returns the context for this client, or `undefined` for
   * this context. An error refuses the client.
   */
  sni?: ((name: string) => TLSContext | undefined | PromiseLike<TLSContext | undefined>) | undefined
  /** Whether sessions are resumed. That saves most of the work of a handshake. Default true. */
  sessionTickets?: boolean | undefined
  /** Receives the secrets of each session, as lines of the NSS key log format: a function, or a file to append to. */
  keyLog?: ((line: string) => void) | string | URL | undefined
}
/** Immutable TLS settings from `createTlsContext`. Share one among connections of the same kind, so that sessions are resumed. */
declare class TLSContext {
  #private
}
/**
 * Creates the TLS settings for connections or servers. Without options they are those of a client that trusts the platform's
 * authorities. Files are read synchronously, once, by this call.
 *
 * @throws TLSError if a certificate or key is empty, malformed or encrypted, or if they do not match
 * @throws the system error (`ENOENT` and others) if a file cannot be read
 * @example
 * ```ts
 * const forServers = createTlsContext({ cert: 'certificate.pem', key: 'key.pem', alpnProtocols: ['h2', 'http/1.1'] })
 * const server = await createTcpServer(8443, { tls: forServers })
 *
 * const forClients = createTlsContext({ ca: 'authority.pem' })
 * const stream = await connectTcp('localhost', 8443, { tls: forClients })
 * ```
 */
declare function createTlsContext(options?: TLSContextOptions): TLSContext

/** What `SocketStream.receiveFds` gives. */
interface ReceivedFDs {
  /** The bytes that came with them. */
  data: Buffer
  /** The receiver's to close. */
  fds: number[]
}

/** Options of `sendFile`. */
interface SendFileOptions {
  /** Where in the file to begin, in bytes from its start. Default 0, whatever the position of a file that is open. */
  offset?: number | undefined
  /** How many bytes to send at most. Default: up to the end of the file. */
  length?: number | undefined
}
/** A file that is open: an `AsyncFile`, a `FileHandle` of Node's, or whatever else has a descriptor. */
interface OpenedFile {
  /** The descriptor, open for reading. */
  readonly fd: number
}

/**
 * A bidirectional stream of bytes.
 *
 * A stream of your own extends this class and implements `receiveSome`, `sendAll`, `sendEof` and `close`. The other
 * methods are derived from these and may be overridden. Your `receiveSome` is called by one task at a time, never after
 * `close`, and only for bytes that have not been read ahead.
 *
 * One task may receive while another sends. A second task that receives gets a `ResourceBusyError`, and the first one
 * is undisturbed. Sends that overlap wait for each other in call order, and each leaves whole. When one is cancelled
 * after a part of it has left, those already queued behind it fail with `BrokenResourceError`. (In a stream of your
 * own, `sendAll` is called when the caller calls it: it must queue, or refuse with `ResourceBusyError`, and never mix
 * the data of two calls.)
 *
 * After `close()` every call fails with `ClosedResourceError`. After a reset by the peer, calls fail with
 * `BrokenResourceError`, with the system error as `cause`.
 */
declare abstract class Stream implements AsyncIterable<Buffer>, AsyncDisposable {
  #private
  /** A copy of the bytes that were received and not returned yet. */
  get bufferedData(): Buffer
  /**
   * Waits for bytes and returns up to `maxBytes` of them. An empty Buffer means that the peer has closed its half.
   *
   * @throws RangeError for 0, whose answer would read as the end of data
   */
  abstract receiveSome(maxBytes?: number): Promise<Buffer>
  /** Sends everything. A cancelled call has sent a prefix of `data`, perhaps nothing. */
  abstract sendAll(data: Uint8Array | string): Promise<void>
  /** Closes the sending half: the peer receives the end of data. Receiving goes on. */
  abstract sendEof(): Promise<void>
  /**
   * Closes the stream. In a cancelled scope it closes too, without waiting. It never raises a cancellation: the next
   * checkpoint does. Idempotent.
   */
  abstract close(): Promise<void>
  /**
   * Receives into the memory of `view` and returns the number of bytes. 0 means that the peer has closed its half.
   *
   * @throws TypeError when the view lost its memory while the call waited: its `ArrayBuffer` was transferred or shrank.
   * The stream keeps its bytes then.
   */
  receiveInto(view: Uint8Array): Promise<number>
  /**
   * Receives exactly `nbytes` bytes.
   *
   * @throws IncompleteRead when the data ends first; the bytes that have arrived stay in `bufferedData`
   */
  receiveExactly(nbytes: number): Promise<Buffer>
  /**
   * Receives up to the delimiter. The result includes the delimiter unless `includeDelimiter` is false.
   *
   * @param maxBytes - most bytes before the delimiter; exactly that many are accepted
   * @throws DelimiterNotFound beyond `maxBytes`; IncompleteRead when the data ends first. The bytes stay in
   * `bufferedData`.
   *
   * @example
   * ```ts
   * const header = await stream.receiveUntil('\r\n\r\n', 16_384)
   * ```
   */
  receiveUntil(delimiter: Uint8Array | string, maxBytes: number, options?: DelimitedOptions): Promise<Buffer>
  /**
   * Waits until a receive would not wait, for bytes, the end of the data or an error, and takes nothing: the next receive gets what
   * has come. It counts as a receive: another one beside it is a `ResourceBusyError`. On a stream of your own it reads ahead, and
   * the next receive is answered by what it has read. `waitSocketReadable` does the same for descriptors.
   */
  waitReadable(): Promise<void>
  /** For `select`, which takes as `receiveSome()` does, and counts as a receive while it waits. */
  [selectable](): SelectSource<Buffer>
  /** Iterates over the bytes as they come, at most `maxSize` at a time, until the peer closes its half. */
  receiveChunks(maxSize?: number): AsyncIterableIterator<Buffer>
  /**
   * Iterates over frames that end with the delimiter; by default the frames do not include it. The errors of a step are
   * those of `receiveUntil`. Data that ends right after a delimiter ends the iteration.
   *
   * @param maxChunkSize - most bytes of one frame, without its delimiter
   *
   * @example
   * ```ts
   * for await (const line of stream.receiveDelimitedChunks('\n', 4_096)) console.log(line.toString())
   * ```
   */
  receiveDelimitedChunks(
    delimiter: Uint8Array | string,
    maxChunkSize: number,
    options?: DelimitedOptions,
  ): AsyncIterableIterator<Buffer>
  /**
   * As `receiveDelimitedChunks`, but each step returns all complete frames at hand: the cheapest way to receive many
   * short ones.
   */
  receiveDelimitedBatches(
    delimiter: Uint8Array | string,
    maxChunkSize: number,
    options?: DelimitedOptions,
  ): AsyncIterableIterator<Buffer[]>
  /**
   * Sends the parts one after another, as one write.
   *
   * @example
   * ```ts
   * await stream.sendMany([`content-length: ${body.length}\r\n\r\n`, body])
   * ```
   */
  sendMany(list: readonly (Uint8Array | string)[]): Promise<void>
  /**
   * Sends a file from `offset` to its end, or `length` bytes of it, and returns the number of bytes sent. That is fewer
   * than `length` when the file ends earlier or becomes shorter. The position of an open file neither counts nor moves.
   *
   * @param file - a path, a descriptor, or an open file. An open file must stay open meanwhile; data that it has not
   * flushed is not sent.
   * @throws the bare system error of the file (`ENOENT`, `EACCES`, `EISDIR`; `ESPIPE` for a pipe). What was read before
   * is sent.
   *
   * @example
   * ```ts
   * const count = await stream.sendFile('/var/www/index.html')
   * ```
   */
  sendFile(file: string | URL | Buffer | number | OpenedFile, options?: SendFileOptions): Promise<number>
  /** The same as `receiveChunks()`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer>
  /** Does the same as `close()`. A cancellation that a `close()` of your own raises is left to the next checkpoint. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Options of `startTls`. */
interface StartTLSOptions {
  /** On a client: name or address that the certificate must be valid for. Default: the address connected to. */
  hostname?: string | undefined
}
/**
 * A connected socket, made by `connectTcp` or `connectUnix`, or accepted by a server. The addresses of a UNIX stream
 * are paths: it is a `SocketStream<string>`.
 *
 * `sendAll` resolves when the stream has *taken* the bytes: the kernel has them, or the stream itself, which keeps up
 * to 64 KiB and sends what one turn of the event loop brought as one write. Beyond that it waits for the peer. A write
 * that failed afterwards is reported by the next call of the sending side or by `close()`, never by a receive.
 *
 * Received bytes share memory with others: it cannot be transferred (`postMessage`, `structuredClone`), only copied.
 * TCP's urgent data (`MSG_OOB`) is ignored, as by node:net: its byte is left out, and the stream goes on behind it.
 *
 * With TLS (`autostartTls`, `startTls`, `wrapTls`) everything above is unchanged, and the members about the TLS session
 * answer; before a handshake they throw `TLSRequired`, except `tlsVersion`, which is then `null`. After `close()`
 * addresses and TLS facts can still be read; what needs the session's keys (`getChannelBinding`) is then a
 * `ClosedResourceError`.
 */
declare class SocketStream<A extends Address = SocketAddress> extends Stream {
  #private
  /** Local address, also after `close()`. `''` on a UNIX client, which has no path. */
  get localAddress(): A
  /** Address of the peer, also after `close()`. */
  get remoteAddress(): A
  receiveSome(maxBytes?: number): Promise<Buffer>
  sendAll(data: Uint8Array | string): Promise<void>
  /** Sends the parts one after another, gathered into one write and without copying them together first. */
  sendMany(list: readonly (Uint8Array | string)[]): Promise<void>
  /**
   * Sends what was taken, then the end of data (TLS: `close_notify`; `FIN`). A second call is harmless.
   *
   * @throws UnsupportedError with TLS 1.2, which has no half-closed connections
   */
  sendEof(): Promise<void>
  sendFile(file: string | URL | Buffer | number | OpenedFile, options?: SendFileOptions): Promise<number>
  /**
   * UNIX only: sends `data`, at least one byte, and copies of the file descriptors with its first byte. Once it has
   * resolved, the own ones may be closed.
   *
   * @throws UnsupportedError on the `node` and `virtual` backends, over TCP and with TLS
   */
  sendFds(data: Uint8Array | string, fds: readonly number[]): Promise<void>
  /**
   * UNIX only: as `receiveSome`, with the file descriptors that came along. The caller has to close them. The system
   * closes descriptors beyond `maxFds`, and those whose bytes another receive takes.
   *
   * @throws UnsupportedError on the `node` and `virtual` backends, over TCP and with TLS
   */
  receiveFds(maxBytes: number, maxFds: number): Promise<ReceivedFDs>
  /**
   * Closes the connection. Waits until the bytes taken have left; when the caller's scope is cancelled, they are
   * dropped. It never raises a cancellation: the next checkpoint does. Outside a run, and in a task or scope that has
   * ended, it waits at most `closeTimeout` and reports no failed write. A call that waits in another task gets
   * `ClosedResourceError`. TLS that is standard compatible is ended first: `close()` sends `close_notify` and waits for
   * the peer's, and drops data that the peer still sends.
   *
   * @throws BrokenResourceError when a write has failed and no call has reported it. The connection is closed anyway.
   */
  close(): Promise<void>
  /**
   * Switches the connection to TLS. The side that connected is the client. No other call may be in progress in either
   * direction, except sends, which leave first. A handshake that fails or is cancelled closes the stream.
   *
   * @param context - default: the `tls` option of `connectTcp` or `createTcpServer`. A client without one trusts the
   * platform's certificate authorities.
   * @throws TLSError when the handshake fails, and when unread plaintext had arrived before this side's last send: an
   * attacker may have injected it
   */
  startTls(context?: TLSContext, options?: StartTLSOptions): Promise<void>
  /** `'TLSv1.2'`, `'TLSv1.3'`, or `null` before a handshake. */
  get tlsVersion(): TLSVersion | null
  /** The application protocol that ALPN chose, or `null`. @throws TLSRequired before a handshake */
  get alpnProtocol(): string | null
  /** The cipher suite: OpenSSL's name, the TLS version that defines it, and its secret bits. @throws TLSRequired */
  get cipher(): Cipher
  /**
   * The cipher suites that both sides offered, in the client's order; `null` on a client, which does not know them.
   *
   * @throws TLSRequired before a handshake; UnsupportedError on the `node` backend
   */
  get sharedCiphers(): readonly Cipher[] | null
  /**
   * The server's name. On a client, the name or address that the certificate was checked against; on a server, the name
   * that the client asked for (SNI), `null` when it sent none: clients never send an address. @throws TLSRequired
   * before a handshake
   */
  get serverHostname(): string | null
  /** Whether this side is the server of the TLS session. @throws TLSRequired before a handshake */
  get serverSide(): boolean
  /**
   * Bytes that tie an authentication to this very TLS session.
   *
   * @param type - `'tls-exporter'` (RFC 9266), `'tls-server-end-point'` or `'tls-unique'` (RFC 5929)
   * @throws TLSRequired before a handshake; UnsupportedError for `'tls-unique'` in TLS 1.3 and on the `native` backend;
   * ClosedResourceError after `close()`, except for `'tls-server-end-point'`
   */
  getChannelBinding(type?: ChannelBindingType): Buffer
  /**
   * The peer's certificate with the fields of node:tls (`subject`, `issuer`, `subjectaltname`, `valid_from`,
   * `fingerprint256`, `serialNumber`…), or its DER; `null` when the peer sent none. @throws TLSRequired before a
   * handshake
   */
  getpeercert(binary?: false): PeerCertificate | null
  getpeercert(binary: true): Buffer | null
  getpeercert(binary: boolean): PeerCertificate | Buffer | null
  /** A socket option, by number or by name (`'SOL_SOCKET'`, `'SO_RCVBUF'`). */
  getsockopt(level: number | string, name: number | string): number
  /** Sets a socket option, by number or by name. */
  setsockopt(level: number | string, name: number | string, value: number | boolean): void
  /** Pending operations of this connection keep the process alive. This is the default. */
  ref(): void
  /**
   * Pending operations of this connection do not keep the process alive. Unsent bytes still do.
   */
  unref(): void
}

/** Options of `serve`. */
interface ServeOptions<A extends Address = SocketAddress> {
  /** How many connections are handled at once; the others wait to be accepted. Default: as many as come. */
  maxConnections?: number | undefined
  /**
   * Gets what a handler threw, except the end of its own connection; that is still open meanwhile, so that a last word
   * can be sent. Without it such an error goes to the diagnostics channel `structio:connection-error` and, unless a
   * peer can bring it about, to a process warning (`STRUCTIO_HANDLER_FAILED`), and so does what it throws itself.
   * `'throw'`: such an error closes the server, cancels the other handlers, and comes out of `serve` in an
   * `ExceptionGroup`.
   */
  onError?: 'throw' | ((error: unknown, stream: SocketStream<A>) => unknown) | undefined
}

/**
 * A listening socket, made by `createTcpServer` or `createUnixServer`. The addresses of a UNIX server are paths: it is
 * a `SocketStreamServer<string>`.
 *
 * One task at a time accepts or serves; a second one gets a `ResourceBusyError`. Accepting skips clients that have gone
 * away, and waits when the process has no descriptors left. (On the `node` backend, libuv closes such a connection at
 * once and does not report it: see `ServerStatistics.retries`.)
 */
declare class SocketStreamServer<A extends Address = SocketAddress> implements AsyncDisposable {
  #private
  /**
   * Waits until there is a connection to accept, and leaves it there for the next `accept`. It counts as one: another task that
   * accepts or serves meanwhile gets a `ResourceBusyError`.
   *
   * @throws ClosedResourceError when the server is closed, also while this waits
   */
  waitReadable(): Promise<void>
  /** For `select`, which takes as `accept` does, and counts as one while it waits. */
  [selectable](): SelectSource<SocketStream<A>>
  /** Waits for one connection. It belongs to the caller, who closes it. */
  accept(): Promise<SocketStream<A>>
  /**
   * Iterates over the connections as they arrive. `close()` ends the iteration. The caller has to close each
   * connection.
   *
   * @example
   * ```ts
   * for await (const stream of server.acceptConnections()) tg.spawn(() => finalize(stream, handle))
   * ```
   */
  acceptConnections(): AsyncIterableIterator<SocketStream<A>>
  /**
   * Calls `handler` for each connection in a task of its own and closes the connection when the handler has ended.
   * Returns when the server is closed and all handlers have ended. When cancelled, it cancels the handlers and leaves
   * the server open.
   *
   * A handler that fails does not end the server. When its own connection broke, was closed or ended inside a frame,
   * only that connection has ended; `structio:connection-error` on `diagnostics_channel` shows it. Any other error goes
   * to `onError`. Without `onError` it goes to the same channel and, unless a peer can cause it, to a process warning.
   *
   * When the handler has sent something and the client has not ended, the connection lingers after the handler returns:
   * the sending half is closed, and data that the client still sends is dropped. Lingering ends when the client ends,
   * after 16 MiB, or after `closeTimeout` (5 s). Without it, unread input would cause a reset, and the client could
   * lose the answer. A lingering connection no longer counts in `maxConnections` and `handling`. A closed server waits
   * for it, and a cancellation cuts it off. A handler that calls `close()` itself does not linger.
   *
   * @example
   * ```ts
   * await using server = await createTcpServer(8080)
   * await server.serve(
   *   async (stream) => {
   *     for await (const line of stream.receiveDelimitedChunks('\n', 1_000)) await stream.sendMany([line, '\n'])
   *   },
   *   { maxConnections: 1_000, onError: (error) => console.error(error) },
   * )
   * ```
   */
  serve(handler: (stream: SocketStream<A>) => unknown, options?: ServeOptions<A>): Promise<void>
  /** The address that the server listens at. Also known after `close()`. */
  get address(): A
  /**
   * The port that the server listens on, given or chosen by the system. @throws UsageError on a UNIX socket, which has
   * none
   */
  get port(): number
  /**
   * Stops listening at once, also in a cancelled scope. It never raises a cancellation: the next checkpoint does.
   * Accepted connections stay open.
   */
  close(): Promise<void>
  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void>
  /** Value of a socket option of the listening socket, by number or by name (`'SOL_SOCKET'`, `'SO_RCVBUF'`). */
  getsockopt(level: number | string, name: number | string): number
  /** Sets a socket option of the listening socket. Accepted connections inherit most options. */
  setsockopt(level: number | string, name: number | string, value: number | boolean): void
  /** Counts of what the server has done so far, as a frozen record. */
  statistics(): ServerStatistics
}

/** Options of `connectTcp`. With `tls` or `tlsHostname`, the stream is encrypted. */
interface ConnectTCPOptions {
  /** Settings of the TLS handshake. Default: a context that trusts the platform's certificate authorities. */
  tls?: TLSContext | undefined
  /**
   * Does the TLS handshake before the stream is returned. Default: true when `tls` or `tlsHostname` is given. With
   * false, call `startTls` later.
   */
  autostartTls?: boolean | undefined
  /** Name or address that the server's certificate must be valid for. Default: the address connected to. */
  tlsHostname?: string | undefined
  /**
   * Ends TLS as the standard says: `close()` sends `close_notify` and waits for the server's, and data that ends
   * without it raises `TLSEOFError`. Some protocols, HTTP among them, require false. Default true.
   */
  tlsStandardCompatible?: boolean | undefined
  /** Local end: a name or an address of this machine. */
  bindHost?: string | undefined
  /** Local port. Default: the system chooses. */
  bindPort?: number | undefined
  /** Milliseconds between the starts of two attempts when the name has several addresses (RFC 8305). Default 250. */
  happyEyeballsDelay?: number | undefined
  /** Sends small writes at once instead of gathering them in the kernel (`TCP_NODELAY`). Default true. */
  noDelay?: boolean | undefined
  /** The kernel probes an idle connection (`SO_KEEPALIVE`). Default false. */
  keepAlive?: boolean | undefined
}
/** Options of `createTcpServer`. With `tls`, connections are encrypted. */
interface TCPServerOptions {
  /** A name or an address of this machine. Default: IPv4 and IPv6 on one port. `'::'` is IPv6 alone. */
  interface?: string | undefined
  /** Number of connections that may wait in the kernel to be accepted. Default 511. */
  backlog?: number | undefined
  /**
   * Lets several processes listen on one port. The kernel distributes the connections (`SO_REUSEPORT`). Default false.
   */
  reusePort?: boolean | undefined
  /** `TCP_NODELAY` of the accepted connections. Default true. */
  noDelay?: boolean | undefined
  /** `SO_KEEPALIVE` of the accepted connections. Default false. */
  keepAlive?: boolean | undefined
  /**
   * Milliseconds to send pending bytes and to end TLS when `serve`, or the end of the run, closes a connection. Default
   * 5,000. A connection of `serve` lingers within this time; with 0 none lingers.
   */
  closeTimeout?: number | undefined
  /** Makes it a TLS server: the context needs a certificate, or an `sni` callback. */
  tls?: TLSContext | undefined
  /**
   * With `tls`, does the handshake before a connection is accepted. Default true. With false, call `startTls` later.
   */
  autostartTls?: boolean | undefined
  /** As for `connectTcp`, for the accepted connections. Default true. */
  tlsStandardCompatible?: boolean | undefined
  /** Number of handshakes that may be in progress, or done and not yet accepted, at once. Default 256. */
  maxHandshakes?: number | undefined
  /** Milliseconds for one handshake. A client that takes longer is dropped. Default 30,000. */
  handshakeTimeout?: number | undefined
  /** Called with the error of a failed handshake and the client's address. An error that it throws ends the server. */
  onTlsError?: ((error: TLSError, remoteAddress: SocketAddress) => unknown) | undefined
}
/**
 * Connects to a TCP server, given by name or by address. Close the stream when you are done: `await using` does that.
 *
 * A name is resolved off the JavaScript thread, and its addresses are tried in the order and with the overlap of RFC
 * 8305. With `tls`, `tlsHostname` or `autostartTls: true`, connecting includes the TLS handshake.
 *
 * @param address - a host name or a numeric address
 * @throws the bare system error (`ECONNREFUSED`, `ENOTFOUND`…) when one address was tried; `ConnectionFailed` with one
 * error for each attempt when several were; `TLSError` when the handshake fails. Nothing stays open then.
 *
 * @example
 * ```ts
 * await using stream = await failAfter(5_000, () => connectTcp('example.com', 443, { tlsHostname: 'example.com' }))
 * await stream.sendAll('HEAD / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n')
 * const status = await stream.receiveUntil('\r\n', 1_000)
 * ```
 */
declare function connectTcp(address: string, port: number, options?: ConnectTCPOptions): Promise<SocketStream>
/**
 * Listens for TCP connections.
 *
 * With `tls`, handshakes run concurrently and before a connection is accepted, so a slow or silent client delays no
 * other. A handshake that fails is reported to `onTlsError` and counted in the statistics.
 *
 * @param port - 0 (the default) lets the system choose a free one, see `server.port`
 * @throws the bare system error (`EADDRINUSE`, `EACCES`…)
 *
 * @example
 * ```ts
 * await using server = await createTcpServer(8080)
 * await server.serve(async (stream) => {
 *   for await (const chunk of stream) await stream.sendAll(chunk)
 * })
 * ```
 */
declare function createTcpServer(port?: number, options?: TCPServerOptions): Promise<SocketStreamServer>

/**
 * A received datagram, and where it came from: `[data, from]`. `from` is decoded when it is first looked at, and `send`
 * and `sendBatch` take it back as it is.
 */
type Packet<A extends DatagramAddress = SocketAddress> = [data: Buffer, from: A]

/**
 * One task at a time receives, and one sends; a second one in the same direction gets a `ResourceBusyError`. An error
 * of the network is the bare system error, raised once, and leaves the socket usable: `EMSGSIZE` by the `send` of a
 * datagram that is too long, `ECONNREFUSED` (a peer that answered an earlier datagram of a connected socket by ICMP) by
 * the waiting `receive` or the next call.
 */
declare abstract class DatagramSocket<A extends DatagramAddress> implements AsyncDisposable {
  #private
  /**
   * Waits for one datagram. A longer one is cut to `maxBytes`. An empty datagram is returned like any other.
   *
   * @returns `[data, from]`
   */
  receive(maxBytes: number): Promise<Packet<A>>
  /**
   * Waits until a receive would not wait, and takes nothing: the next receive gets the datagram. It counts as a receive: another one
   * beside it is a `ResourceBusyError`.
   */
  waitReadable(): Promise<void>
  /** For `select`, which takes one datagram, whole, and counts as a receive while it waits. */
  [selectable](): SelectSource<Packet<A>>
  /** Iterates over the datagrams as they come, each cut to `maxSize` bytes. The own `close()` ends the iteration. */
  receivePackets(maxSize: number): AsyncIterableIterator<Packet<A>>
  /** Waits for one datagram and returns all that are there, at most `maxCount`, whole and in order. */
  receiveBatch(maxCount?: number): Promise<Packet<A>[]>
  /**
   * Sends the datagrams of `list`, each `[data]` or `[data, to]`, in order and in as few system calls as possible.
   * The first failure ends the call: the datagrams before it have left, those after it have not.
   */
  sendBatch(list: readonly (readonly [data: Uint8Array | string, to?: A])[]): Promise<void>
  /** Closes at once, also in a cancelled scope. It never raises a cancellation: the next checkpoint does. */
  close(): Promise<void>
  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void>
  /** A socket option, by number or by name (`'SOL_SOCKET'`, `'SO_RCVBUF'`). */
  getsockopt(level: number | string, name: number | string): number
  /**
   * Sets a socket option, by number or by name. Bytes are the C structure of an option that takes one
   * (`'IP_ADD_MEMBERSHIP'`: `ip_mreq`).
   */
  setsockopt(level: number | string, name: number | string, value: number | boolean | Uint8Array): void
}

/**
 * A datagram socket among the programs of one machine, made by `createUnixDatagramSocket`. As `UDPSocket`, but that
 * addresses are paths: text, or a `Buffer` where the bytes of a path are no UTF-8. A sender without a path is `''`, and
 * cannot be answered. Datagrams do not get lost: `send` waits while the receiver's queue is full.
 */
declare class UNIXDatagramSocket extends DatagramSocket<string | Buffer> {
  #private
  /** The path the socket is bound to; `''` where it has none. */
  get address(): string
  /** @throws UsageError always: a UNIX socket has no port */
  get port(): never
  /**
   * Sends one datagram: to a path, to where another one came from, or to what the socket is connected to.
   *
   * @throws UsageError without any target, and for another one than that of a connected socket; the bare system error
   * (`ENOENT`, `ECONNREFUSED`, `EMSGSIZE`…) of this datagram
   */
  send(data: Uint8Array | string, path?: string | Buffer): Promise<void>
}

/** Options of `createUnixServer`. */
interface UNIXServerOptions {
  /**
   * Permissions of the socket file, such as `0o600`, set before a client can connect. Default: those that the umask
   * leaves.
   */
  mode?: number | undefined
  /** Number of connections that may wait in the kernel to be accepted. Default 511. */
  backlog?: number | undefined
  /**
   * Milliseconds to send pending bytes when `serve`, or the end of the run, closes a connection. Default 5,000. A
   * connection of `serve` lingers within this time; with 0 none lingers.
   */
  closeTimeout?: number | undefined
}
/** Options of `createUnixDatagramSocket`. */
interface UNIXDatagramSocketOptions {
  /** Local path. Without one, peers cannot answer. The file is created, replaced and removed like a server's. */
  path?: string | Buffer | undefined
  /** Connects the socket to this path: it sends to this peer only, and receives from it only. */
  remotePath?: string | Buffer | undefined
}
/**
 * Connects to a UNIX server. Waits while the server's backlog is full.
 *
 * @param path - at most 107 bytes. A `Buffer` is a path that need not be UTF-8; a leading NUL makes an abstract name.
 * Both work on the `native` backend only, an abstract name on Linux only.
 * @throws the bare system error (`ENOENT`, `ECONNREFUSED`, `EACCES`…)
 *
 * @example
 * ```ts
 * await using stream = await connectUnix('/run/app.sock')
 * await stream.sendAll('status\n')
 * const answer = await stream.receiveUntil('\n', 1_000)
 * ```
 */
declare function connectUnix(path: string | Buffer): Promise<SocketStream<string>>
/**
 * Listens for UNIX connections at a path. A stale socket file, which no process listens at, is replaced. The server
 * removes its file when it is closed.
 *
 * @param path - as for `connectUnix`
 * @throws the bare system error: `EADDRINUSE` when a process listens at the path, or the file is no socket; `ENOENT`,
 * `EACCES`…
 *
 * @example
 * ```ts
 * await using server = await createUnixServer('/run/app.sock', { mode: 0o600 })
 * await server.serve(async (stream) => {
 *   for await (const line of stream.receiveDelimitedChunks('\n', 1_000)) await stream.sendMany([line, '\n'])
 * })
 * ```
 */
declare function createUnixServer(
  path: string | Buffer,
  options?: UNIXServerOptions,
): Promise<SocketStreamServer<string>>
/**
 * Opens a UNIX datagram socket.
 *
 * @throws UnsupportedError on the `node` backend; the bare system error, as for `createUnixServer` and `connectUnix`
 */
declare function createUnixDatagramSocket(options?: UNIXDatagramSocketOptions): Promise<UNIXDatagramSocket>

/** Options of `relay`. */
interface RelayOptions {
  /**
   * Milliseconds without a byte in either direction after which the relay ends with a `TimeoutError`. Default: never.
   */
  idleTimeout?: number | undefined
}
/** Number of bytes that each stream has taken from the other one. */
interface RelayResult {
  /** Bytes from the first stream to the second. */
  aToB: number
  /** Bytes from the second stream to the first. */
  bToA: number
}
/**
 * Carries everything that `a` receives to `b`, and everything that `b` receives to `a`, until both have ended.
 *
 * Bytes that a stream has taken leave first, and the bytes in its `bufferedData` are carried first. The end of one
 * stream's data becomes a `sendEof` of the other stream, and the other direction goes on. TLS 1.2 has no half-closed
 * connections: there the end becomes a `close_notify`, and the peer may then stop sending. Neither stream is closed.
 * While the relay lasts, every other call that receives from them or sends to them is a `ResourceBusyError`.
 *
 * On the `native` backend, between sockets, with or without TLS, no JavaScript sees the bytes. Between any other
 * streams they are copied, at most 64 KiB at a time. Either way a slow side holds up the fast one, and memory stays
 * flat.
 *
 * However the relay ends, both streams stay usable. Bytes that one stream has taken leave. Bytes that were read from a
 * stream and not taken by the other one are in its `bufferedData`, and the next receive or relay goes on with them.
 * (When the `sendAll` of a stream of your own fails or is cancelled, its whole chunk stays there: the relay cannot know
 * how much was passed on.) When one connection breaks, a later close of the other one sends no `close_notify`, unless
 * its sending half was ended: a TLS peer must not take a part for the whole.
 *
 * @throws TimeoutError after `idleTimeout`; BrokenResourceError (TLS: `TLSEOFError` or another TLSError) when one
 * connection breaks; ClosedResourceError when one is closed on this side. The other direction stops, too.
 *
 * @example
 * ```ts
 * await server.serve(async (client) => {
 *   await using upstream = await connectTcp('10.0.0.5', 5432)
 *   const { aToB, bToA } = await relay(client, upstream, { idleTimeout: 60_000 })
 *   console.log(`${aToB} bytes up, ${bToA} bytes down`)
 * })
 * ```
 */
declare function relay(a: Stream, b: Stream, options?: RelayOptions): Promise<RelayResult>

/**
 * A UDP socket, made by `createUdpSocket`.
 *
 * @example
 * ```ts
 * for await (const [data, from] of socket.receivePackets(2048)) await socket.send(data, from)
 * ```
 */
declare class UDPSocket extends DatagramSocket<SocketAddress> {
  #private
  /** The address that the socket is bound to. Also known after `close()`. */
  get address(): SocketAddress
  /** The port that the socket is bound to, given or chosen by the system. */
  get port(): number
  /**
   * Sends one datagram: to a name or an address with its port, to the sender of another datagram, or to the peer of a
   * connected socket. A name is resolved off the JavaScript thread, once for each call.
   *
   * Resolves when the kernel has the datagram. UDP does not report whether it arrives.
   *
   * @throws UsageError without any target, and for another one than that of a connected socket; the bare system error
   * (`EMSGSIZE`, `ENETUNREACH`, `ENOTFOUND`…) of this datagram
   */
  send(data: Uint8Array | string, to?: SocketAddress): Promise<void>
  send(data: Uint8Array | string, address: string, port: number): Promise<void>
}

/** Options of `createUdpSocket`. */
interface UDPSocketOptions {
  /** Local end: a name or an address of this machine. Default: IPv4 and IPv6 on one port. `'::'` is IPv6 alone. */
  interface?: string | undefined
  /** Local port. Default 0: the system chooses a free one, see `socket.port`. */
  port?: number | undefined
  /**
   * Connects the socket to this name or address: it sends to this peer only, and receives from it only. Needs
   * `targetPort`.
   */
  targetHost?: string | undefined
  /** The port of `targetHost`. */
  targetPort?: number | undefined
  /**
   * Lets several sockets have one port. The kernel distributes datagrams by their sender (`SO_REUSEPORT`). Default
   * false.
   */
  reusePort?: boolean | undefined
}
/**
 * Opens a UDP socket.
 *
 * @throws the bare system error: `EADDRINUSE`, `ENOTFOUND`, `EAFNOSUPPORT` when `interface` and `targetHost` have
 * different families…
 *
 * @example
 * ```ts
 * await using socket = await createUdpSocket({ port: 5353 })
 * for await (const [data, from] of socket.receivePackets(2_048)) await socket.send(data, from)
 * ```
 */
declare function createUdpSocket(options?: UDPSocketOptions): Promise<UDPSocket>

/**
 * Waits until a socket is readable: it has data, its end, an error, or a connection to accept. Takes nothing: while the
 * socket stays readable, another call returns at once.
 *
 * One task at a time may wait for a direction of a descriptor. For a socket of this library the call counts as a
 * receive, and it also sees data that has been read ahead.
 *
 * Call `notifySocketClose` before you close a descriptor that a task waits for. The system does not report such a
 * close, and the wait would then end by cancellation only. It neither wakes for nor disturbs the next descriptor with
 * the same number.
 *
 * @param sock - a file descriptor; a socket or server of this library or of Node; an object with a number `fd` or a
 * method `fileno()`
 * @throws UnsupportedError on the `node` and `virtual` backends; ResourceBusyError; ClosedResourceError after
 * `notifySocketClose` and for a closed socket of this library; the bare system error: `EBADF` for a descriptor that is
 * not open, `EPERM` for a file or folder
 *
 * @example
 * ```ts
 * await waitSocketReadable(connection.socketFd)   // a client library in C that shows its descriptor
 * connection.consumeInput()
 * ```
 */
declare function waitSocketReadable(sock: number | object): Promise<void>
/**
 * Waits until a socket is writable: it has room or an error. Otherwise as `waitSocketReadable`; for a socket of this
 * library the call counts as a send.
 */
declare function waitSocketWritable(sock: number | object): Promise<void>
/**
 * Announces that a socket is about to be closed. Every task of this thread that waits for it gets a
 * `ClosedResourceError`. Sockets of this library do this by themselves. Works in a task and outside.
 *
 * @throws UnsupportedError in a task of the `node` and `virtual` backends
 */
declare function notifySocketClose(sock: number | object): void

/** One flag by name, several, or the system's numbers of them, added up with `|`. */
type Flags<F extends string> = F | readonly F[] | number

/** Options of `getAddrInfo`. */
interface AddrInfoOptions {
  /** Family of the addresses: `4` or `'IPv4'`, `6` or `'IPv6'`. Default `0`: both. */
  family?: 0 | 4 | 6 | 'IPv4' | 'IPv6' | undefined
  /** Type of socket. Default: one record for each type that the service has. */
  type?: SocketType | undefined
  /** A name, several names, or a sum of the system's numbers, such as `dns.ADDRCONFIG | dns.V4MAPPED`. */
  flags?: Flags<AddressFlag> | undefined
}
/** One answer of `getAddrInfo`. */
interface AddrInfo {
  /** Numeric address, as `connectTcp` takes it. */
  address: string
  /** Number of the port or service that was asked for. */
  port: number
  /** Family of the address, named as in `node:net`. */
  family: 'IPv4' | 'IPv6'
  /** Type of socket that the address is for. */
  type: SocketType
  /**
   * The system's protocol number, which is also a level of socket options: 6 for TCP, 17 for UDP, 0 for raw sockets.
   */
  protocol: number
  /** Canonical name of the host, in the first answer, when `'AI_CANONNAME'` asks for it. */
  canonicalName?: string
}
/** Options of `getNameInfo`. */
interface NameInfoOptions {
  /** A name, several names, or a sum of the system's numbers. */
  flags?: Flags<NameFlag> | undefined
}
/** The answer of `getNameInfo`. */
interface NameInfo {
  /** Name of the host, or its address when it has no name. */
  host: string
  /** Name of the service, or its number. */
  service: string
}
/**
 * Resolves a host and a service to addresses, in the order of the system's resolver, off the JavaScript thread.
 *
 * Equal look-ups that overlap share one call of the resolver, also those of `connectTcp` and similar functions. A
 * cancelled caller leaves at once and does not disturb the others.
 *
 * @param host - a name or an address. `null` is this machine: the loopback addresses, or with `'AI_PASSIVE'` the
 * addresses to listen at.
 * @param port - a number, the name of a service, or `null` for none
 * @throws the resolver's error, in Node's form: `ENOTFOUND`, `EAI_AGAIN`, `EAI_SERVICE` for an unknown service;
 * UnsupportedError on the `node` backend for `'AI_CANONNAME'`
 *
 * @example
 * ```ts
 * const found = await getAddrInfo('example.com', 'https', { family: 4, type: 'stream' })
 * console.log(found[0]?.address, found[0]?.port)
 * ```
 */
declare function getAddrInfo(
  host: string | null,
  port: number | string | null,
  options?: AddrInfoOptions,
): Promise<AddrInfo[]>
/**
 * Resolves an address to the names of its host and its service, off the JavaScript thread. What has no name stays a
 * number.
 *
 * @param address - a numeric address and a port, such as the `remoteAddress` of a stream
 * @throws the resolver's error: `ENOTFOUND` with `'NI_NAMEREQD'` when the address has no name; UnsupportedError on the
 * `node` backend for `'NI_NOFQDN'` and for an address with a scope
 */
declare function getNameInfo(
  address: {
    readonly address: string
    readonly port: number
  },
  options?: NameInfoOptions,
): Promise<NameInfo>

/** Options of `wrapTls`. */
interface WrapTLSOptions {
  /** Whether this side is the server of the handshake. Default false. */
  serverSide?: boolean | undefined
  /**
   * On a client: the name or address that the server's certificate must match. Default: the name that was given to
   * `connectTcp`, if `stream` is one of its streams. Otherwise it is required, unless the context has `verify: false`.
   */
  hostname?: string | undefined
}
/**
 * Does a TLS handshake over any stream, and returns the encrypted stream. `stream` may be your own implementation of `Stream`,
 * or a stream that already uses TLS (TLS inside TLS). Your program then uses only the returned stream. Closing it closes
 * `stream`, and so does a failed handshake.
 *
 * For a TCP connection, `connectTcp` with `tls` and `SocketStream.startTls` are faster.
 *
 * @param stream - the stream that carries the encrypted bytes
 * @param context - certificates, trusted authorities and other settings, from `createTlsContext`
 * @throws TLSError if the handshake fails
 * @throws UsageError if a client that verifies certificates has no `hostname`
 * @example
 * ```ts
 * const context = createTlsContext({ ca: 'authority.pem' })
 * const secure = await wrapTls(tunnel, context, { hostname: 'db.example.com' })
 * try {
 *   await secure.sendAll('hello\n')
 * } finally {
 *   await secure.close()
 * }
 * ```
 */
declare function wrapTls<A extends Address>(
  stream: SocketStream<A>,
  context: TLSContext,
  options?: WrapTLSOptions,
): Promise<SocketStream<A>>
declare function wrapTls(stream: Stream, context: TLSContext, options?: WrapTLSOptions): Promise<SocketStream>

/** Options of `createSemaphore`. */
interface SemaphoreOptions {
  /** What `value` may never exceed: a release too many is an error instead of a place too many. */
  maxValue?: number | undefined
}
/** A frozen record. */
interface SemaphoreStatistics {
  /** Tasks that wait for their turn. */
  readonly tasksWaiting: number
}
/**
 * Makes a semaphore with `value` places. Re-creates `anyio.create_semaphore`.
 *
 * @throws RangeError when `value` is negative or above `maxValue`
 */
declare function createSemaphore(value: number, options?: SemaphoreOptions): Semaphore
/** Re-creates `anyio.abc.Semaphore`. It has no owner: one task may take a place that another gives back. */
declare class Semaphore {
  #private
  /** What `value` never exceeds; `undefined` is no limit. */
  readonly maxValue: number | undefined
  /** How many places are free. 0 while anybody waits. */
  get value(): number
  /** Whether there is no free place. */
  locked(): boolean
  /** Takes a place, waiting for one in the order of arrival. @throws UsageError inside a `use` of it */
  acquire(): Promise<Grant>
  /** Takes a place without waiting; works anywhere. @throws WouldBlock where there is no free place */
  acquireNowait(): Grant
  /** Gives a place back: to the first who waits, if anybody does. Works anywhere. @throws UsageError above `maxValue` */
  release(): void
  /**
   * Runs `body` with a place that belongs to this very call. The place is given back when `body` settles. Calls that it has
   * begun and not awaited go on without one: await them, or run them in a task group inside `body`.
   *
   * @throws UsageError inside another `use` of it
   */
  use<T>(body: () => T | PromiseLike<T>): Promise<T>
  /** How many wait. */
  statistics(): SemaphoreStatistics
}

/** A frozen record. */
interface LockStatistics {
  /** Whether a task owns the lock. */
  readonly locked: boolean
  /** The task that has it, by `acquire` or by a `use`; `undefined` where it is free. */
  readonly owner: TaskInfo | undefined
  /** Tasks that wait for it. */
  readonly tasksWaiting: number
}
/** Makes a lock. Re-creates `anyio.create_lock`. */
declare function createLock(): Lock
/** Re-creates `anyio.abc.Lock`. */
declare class Lock {
  #private
  /**
   * Waits for the lock, which then belongs to the running task.
   *
   * @throws UsageError when the task has it, or waits for it, already; BrokenResourceError when its owner has ended without releasing it
   */
  acquire(): Promise<Grant>
  /** Takes the lock without waiting. @throws WouldBlock where it is not free; otherwise as `acquire` */
  acquireNowait(): Grant
  /** Gives the lock to the first who waits. @throws UsageError when it does not belong to the running task */
  release(): void
  /** Whether somebody has it. */
  locked(): boolean
  /**
   * Runs `body` with the lock, which belongs to this very call: two of them in one `Promise.all` take their turns.
   * The lock is released when `body` settles. Calls that it has begun and not awaited go on beside the next owner's: await
   * them, or run them in a task group inside `body`.
   *
   * @throws UsageError where the running code has the lock already; BrokenResourceError as `acquire`
   */
  use<T>(body: () => T | PromiseLike<T>): Promise<T>
  /** Who has it, and how many wait for it. */
  statistics(): LockStatistics
}

/** A frozen record. */
interface EventStatistics {
  /** Tasks that wait for the event. */
  readonly tasksWaiting: number
}
/** Makes an event that is not set. Re-creates `anyio.create_event`. */
declare function createEvent(): Event
/** Re-creates `anyio.abc.Event`; its `set` and `clear` do not wait, and work anywhere. */
declare class Event {
  #private
  /** Sets it and wakes everybody who waits, also those whose scope is cancelled in the same turn. Idempotent. */
  set(): void
  /** Makes it not set again. */
  clear(): void
  /** Whether it is set. */
  isSet(): boolean
  /** Waits until it is set. It is set for whoever waited when `set` was called, also if it is cleared right afterwards. */
  wait(): Promise<true>
  /** For `select`: ready while it is set. It takes nothing, and counts in `selectAll` once. */
  [selectable](): SelectSource<true>
  /** How many wait. */
  statistics(): EventStatistics
}

/** A frozen record. */
interface ConditionStatistics {
  /** How many wait to be notified. Those who wait for the lock are in `lockStatistics`. */
  readonly tasksWaiting: number
  /** Those of the lock below the condition. */
  readonly lockStatistics: LockStatistics
}
/**
 * Makes a condition over `lock`, or over a lock of its own. Re-creates `anyio.create_condition`.
 *
 * @throws TypeError when `lock` is no lock
 */
declare function createCondition(lock?: Lock): Condition
/** Re-creates `anyio.abc.Condition`; its `notify` and `notifyAll` do not wait. */
declare class Condition {
  #private
  /** Waits for the lock. @throws UsageError and BrokenResourceError as `Lock.acquire` */
  acquire(): Promise<Grant>
  /** Takes the lock without waiting. @throws WouldBlock where it is not free; otherwise as `acquire` */
  acquireNowait(): Grant
  /** Releases the lock. @throws UsageError when it does not belong to the running task */
  release(): void
  /** Whether somebody has the lock. */
  locked(): boolean
  /**
   * Runs `body` with the lock, which is released when `body` settles. Calls that it has begun and not awaited go on beside the
   * next owner's: await them, or run them in a task group inside `body`.
   *
   * @throws UsageError where the running code has the lock already
   */
  use<T>(body: () => T | PromiseLike<T>): Promise<T>
  /** Wakes the first `n` who wait. @throws UsageError when the running code does not have the lock */
  notify(n?: number): void
  /** Wakes everybody who waits. @throws UsageError when the running code does not have the lock */
  notifyAll(): void
  /**
   * Gives up the lock until notified, and has it again when it returns, also with an error.
   *
   * @throws UsageError when the running code does not have the lock, or has released it for good while this waited;
   *   BrokenResourceError when a task that had the lock meanwhile has ended without releasing it
   */
  wait(): Promise<void>
  /**
   * Waits until `predicate` is true, and returns its value. It is asked with the lock in hand.
   *
   * @throws UsageError and BrokenResourceError as `wait`, and what `predicate` throws
   */
  waitFor<T>(predicate: () => T): Promise<T>
  /** How many wait to be notified, and what the lock says of itself. */
  statistics(): ConditionStatistics
}

/** A frozen record. */
interface QueueStatistics {
  /** Tasks that wait for room. */
  readonly tasksWaitingPut: number
  /** Tasks that wait for an item. */
  readonly tasksWaitingGet: number
}
/**
 * Makes a queue for `capacity` items, 0 being any number. Re-creates `anyio.create_queue`.
 *
 * @throws RangeError when `capacity` is negative or no integer
 */
declare function createQueue<T>(capacity: number): Queue<T>
/**
 * Re-creates `anyio.abc.Queue`, and can be closed: then `put` fails, what is in the queue is still taken, and after it every
 * `get` is `EndOfStream`.
 */
declare class Queue<T> implements AsyncIterable<T>, Disposable, AsyncDisposable {
  #private
  /** Waits for room, and puts the item there. Cancelled, it has not put it. @throws ClosedResourceError when it is closed */
  put(item: T): Promise<void>
  /**
   * Puts an item without waiting; works anywhere.
   *
   * @throws WouldBlock where there is no room; ClosedResourceError when the queue is closed
   */
  putNowait(item: T): void
  /** Waits for the next item. Cancelled, it has taken none. @throws EndOfStream when the queue is closed and empty */
  get(): Promise<T>
  /**
   * Waits for an item, and takes with it what else is there: `max` items at most, and never none. For work that costs less in
   * batches, such as rows of one `INSERT`. Cancelled, it has taken none.
   *
   * @param max - a positive integer, or `Infinity`
   * @throws EndOfStream when the queue is closed and empty
   */
  getBatch(max: number): Promise<T[]>
  /**
   * Takes the next item without waiting; works anywhere.
   *
   * @throws WouldBlock where there is none; EndOfStream when the queue is closed and empty
   */
  getNowait(): T
  /**
   * Waits until `get` would not wait, for an item or the end, and takes nothing: another task may take the item first. It reserves
   * nothing, and is woken for an item that no waiting `get` was given. `select` waits and takes in one step.
   */
  waitReadable(): Promise<void>
  /** For `select`, which takes as `get` does and waits in the same line. */
  [selectable](): SelectSource<T>
  /**
   * Closes the queue, at once: a `put` that waits, and every later one, is a `ClosedResourceError`. What is in the queue can still
   * be taken; then `get` is `EndOfStream`, and loops over the queue end. Works anywhere. Idempotent.
   */
  close(): void
  /** Whether there is no item in it. */
  empty(): boolean
  /** Whether there is no room in it. */
  full(): boolean
  /** How many items are in it. */
  qsize(): number
  /** How many wait. */
  statistics(): QueueStatistics
  /**
   * The items as they come, until the queue is closed and empty. `break` ends the iteration, never the queue; a `next()` that was
   * cancelled can be called again. A second `next()` beside one that waits is a `ResourceBusyError`.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T>
  /** Closes it, for `using`. */
  [Symbol.dispose](): void
  /** Closes it, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** A frozen record. */
interface MemoryObjectStreamStatistics {
  /** Items in the buffer. */
  readonly currentBufferUsed: number
  /** Items that the buffer takes before a sender waits, or items are dropped. */
  readonly maxBufferSize: number
  /** Ends to send on that are not closed, clones among them. 1 for a broadcast or an emitter, 0 once it has ended. */
  readonly openSendStreams: number
  /** Ends to receive on that are not closed, clones among them. */
  readonly openReceiveStreams: number
  /** Tasks that wait until their item is taken. */
  readonly tasksWaitingSend: number
  /** Tasks that wait for an item. */
  readonly tasksWaitingReceive: number
  /** Items that were dropped because the buffer was full; absent where a sender waits instead. */
  readonly dropped?: number
}

/**
 * Makes the two ends of a stream of objects inside this process. The counterpart of AnyIO's `create_memory_object_stream`.
 *
 * @param capacity - how many items may wait in it; 0 (the default) has each sender wait for a receiver, `Infinity` nobody
 * @throws RangeError when `capacity` is negative or no integer
 */
declare function createMemoryObjectStream<T>(capacity?: number): [MemorySendStream<T>, MemoryReceiveStream<T>]
/** The end that items are put into. The counterpart of AnyIO's `MemoryObjectSendStream`; it belongs to no `run`. */
declare class MemorySendStream<T> implements Disposable, AsyncDisposable {
  #private
  /**
   * Waits until the stream has taken the item, or a receiver has. Cancelled, nobody has.
   *
   * @throws BrokenResourceError when there is no receiver any more; ClosedResourceError when this end is closed
   */
  send(item: T): Promise<void>
  /** The same without waiting; works anywhere. @throws WouldBlock where there is neither room nor a receiver that waits */
  sendNowait(item: T): void
  /** Another end of the same kind: the stream ends when all are closed. @throws ClosedResourceError when this one is */
  clone(): MemorySendStream<T>
  /** Closes this end, at once. The last one ends the stream: what is buffered is still received. Idempotent. */
  close(): void
  /** What is in the stream, how many ends are open, and how many wait. */
  statistics(): MemoryObjectStreamStatistics
  /** Closes it, for `using`. */
  [Symbol.dispose](): void
  /** Closes it, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
/** The end that items are taken from. The counterpart of AnyIO's `MemoryObjectReceiveStream`; it belongs to no `run`. */
declare class MemoryReceiveStream<T> implements AsyncIterable<T>, Disposable, AsyncDisposable {
  #private
  /**
   * Waits for the next item. Cancelled, it has taken none.
   *
   * @throws EndOfStream when there is neither an item nor a sender any more; ClosedResourceError when this end is closed
   */
  receive(): Promise<T>
  /**
   * Waits for an item, and takes with it what else is there: `max` items at most, and never none. For work that costs less in
   * batches. Cancelled, it has taken none.
   *
   * @param max - a positive integer, or `Infinity`
   * @throws EndOfStream when there is neither an item nor a sender any more; ClosedResourceError when this end is closed
   */
  receiveBatch(max: number): Promise<T[]>
  /** The same as `receive` without waiting; works anywhere. @throws WouldBlock where there is no item; EndOfStream where there will be none */
  receiveNowait(): T
  /**
   * Waits until `receive` would not wait, for an item or the end, and takes nothing: another task may take the item first. It reserves
   * nothing, and is woken for an item that no waiting `receive` was given. `select` waits and takes in one step.
   *
   * @throws ClosedResourceError when this end is closed
   */
  waitReadable(): Promise<void>
  /** For `select`, which takes as `receive` does and waits in the same line. */
  [selectable](): SelectSource<T>
  /** Another end of the same kind: each item goes to one of them. @throws ClosedResourceError when this one is closed */
  clone(): MemoryReceiveStream<T>
  /**
   * Closes this end, at once. With the last one whoever waits to send fails with `BrokenResourceError`, and what is buffered is
   * let go. Idempotent.
   */
  close(): void
  /** What is in the stream, how many ends are open, and how many wait. */
  statistics(): MemoryObjectStreamStatistics
  /**
   * The items as they come, until the last sender is closed. `break` ends the iteration, never the stream; a `next()` that was
   * cancelled can be called again. A second `next()` beside one that waits is a `ResourceBusyError`.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T>
  /** Closes it, for `using`. */
  [Symbol.dispose](): void
  /** Closes it, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Options of `createBroadcast`. */
interface BroadcastOptions {
  /**
   * What happens when a subscriber has no room for another item:
   *
   * - `'wait'` (the default): `send` waits for it, and so for the slowest of all.
   * - `'drop-oldest'`: that subscriber loses the item that it has had for longest.
   * - `'drop-newest'`: that subscriber does not get the new one.
   * - `'error'`: that subscriber is cut off. It receives what it had room for, and then `BrokenResourceError`.
   */
  onFull?: 'wait' | 'drop-oldest' | 'drop-newest' | 'error' | undefined
}
/** A frozen record. */
interface BroadcastStatistics {
  /** Items that each subscriber has room for. */
  readonly capacity: number
  /** Subscribers that are not closed, and have not been cut off. */
  readonly subscribers: number
  /** Tasks that wait until every subscriber has room. */
  readonly tasksWaitingSend: number
  /** Items that subscribers have lost, of all of them together. */
  readonly dropped: number
}
/**
 * Makes a broadcast: every item goes to every subscriber. It belongs to no `run`.
 *
 * ```ts
 * const prices = createBroadcast<Price>(100, { onFull: 'drop-oldest' })
 * using mine = prices.subscribe()
 * for await (const price of mine) show(price)
 * ```
 *
 * @param capacity - how many items may wait for each subscriber: a positive integer, or `Infinity`
 * @throws RangeError when `capacity` is not positive, and for another `onFull`
 */
declare function createBroadcast<T>(capacity: number, options?: BroadcastOptions): Broadcast<T>
/** Hands each item to every subscriber; made by `createBroadcast`. */
declare class Broadcast<T> implements Disposable, AsyncDisposable {
  #private
  /**
   * Gives the item to all who are subscribed; to none where there are none. With `wait` it first waits until each of them has
   * room. Cancelled, it has given the item to none.
   *
   * @throws ClosedResourceError when the broadcast is closed
   */
  send(item: T): Promise<void>
  /**
   * The same without waiting; works anywhere.
   *
   * @throws WouldBlock with `wait`, where a subscriber has no room: none has the item then; ClosedResourceError
   */
  sendNowait(item: T): void
  /**
   * A stream of what is sent from now on. Close it to unsubscribe: with `wait`, one that is neither read nor closed holds up every
   * sender. Its clones share it: each item goes to one of them. Works anywhere.
   *
   * @throws ClosedResourceError when the broadcast is closed
   */
  subscribe(): MemoryReceiveStream<T>
  /**
   * Closes it, at once: a `send` that waits is a `ClosedResourceError`, and has given its item to none. Subscribers receive what is
   * there for them, and then `EndOfStream`. Works anywhere. Idempotent.
   */
  close(): void
  /** How many have subscribed, how many wait to send, and what was lost. */
  statistics(): BroadcastStatistics
  /** Closes it, for `using`. */
  [Symbol.dispose](): void
  /** Closes it, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Options of `fromEmitter`. */
interface FromEmitterOptions {
  /** How many events may wait to be received: a positive integer, or `Infinity`. */
  capacity: number
  /**
   * What happens to an event when as many are waiting: the one that has waited longest is dropped, or the new one; or the stream
   * ends with a `BrokenResourceError` behind the events that are there.
   */
  onFull: 'drop-oldest' | 'drop-newest' | 'error'
  /**
   * The event that ends the stream with an error, behind the events that are there. Default: `'error'` of an `EventEmitter`, unless
   * that is the event asked for; none of an `EventTarget`. `null`: none.
   */
  errorEvent?: string | symbol | null | undefined
  /** The event that ends the stream, behind the events that are there: `'close'`, `'end'`. Default: none. */
  endEvent?: string | symbol | undefined
}
/** An `EventEmitter`, of Node or of a library. */
interface EmitterLike {
  /** Adds a listener. */
  on(event: string | symbol, listener: (...args: unknown[]) => void): unknown
  /** Removes it. */
  removeListener(event: string | symbol, listener: (...args: unknown[]) => void): unknown
}
/** An `EventTarget`. */
interface EventTargetLike {
  /** Adds a listener. */
  addEventListener(type: string, listener: (event: unknown) => void): void
  /** Removes it. */
  removeEventListener(type: string, listener: (event: unknown) => void): void
}
/**
 * The events of an emitter as a stream, in their order. It listens at once, so no event is missed between this call and the first
 * `receive`. Of an `EventEmitter`, an event's argument is the item, several arguments are an array of them, and none is
 * `undefined`; of an `EventTarget`, the event is.
 *
 * The listeners are removed when the stream is closed or ends, and at the latest when the scope that it was made in ends: then it
 * ends, too. Outside every run only the first two.
 *
 * ```ts
 * using lines = fromEmitter<string>(readline, 'line', { capacity: 1000, onFull: 'error', endEvent: 'close' })
 * for await (const line of lines) await store(line)
 * ```
 *
 * @param emitter - an `EventEmitter` or an `EventTarget`; what is both counts as the former
 * @throws TypeError for what is neither; RangeError for a `capacity` that is not positive; UsageError in a task or scope that has
 * ended
 */
declare function fromEmitter<T = unknown>(
  emitter: EmitterLike | EventTargetLike,
  event: string | symbol,
  options: FromEmitterOptions,
): MemoryReceiveStream<T>

/**
 * Refuses a second user instead of letting it wait: for a resource that two tasks would only spoil for one another. The
 * counterpart of AnyIO's `ResourceGuard`.
 */
declare class ResourceGuard {
  #private
  /** @param action - what is done with it, for the error: 'reading from' */
  constructor(action?: string)
  /**
   * Begins to use it: `using guarded = guard.enter()`. Works anywhere, also outside every task.
   *
   * @throws ResourceBusyError while somebody else does
   */
  enter(): Disposable
  /**
   * Runs `body` while it is in use, which is until `body` settles. Calls that `body` has begun and not awaited are not guarded
   * from then on: await them, or run them in a task group inside `body`.
   *
   * @throws ResourceBusyError while somebody else uses it; Cancelled, before anything else, in a cancelled scope
   */
  use<T>(body: () => T | PromiseLike<T>): Promise<T>
}

/**
 * Options of `createPool`.
 *
 * @typeParam T - the items
 */
interface PoolOptions<T> {
  /**
   * Makes an item, in a task of its own: it goes on where its caller has left, and its item is for the next one. Give it a limit
   * where it may hang (`failAfter`): until it settles, it counts among `max`.
   */
  create: () => T | PromiseLike<T>
  /** Closes an item. Shielded, for at most 5,000 ms; what it throws goes to the channel `structio:suppressed-error`. */
  destroy: (item: T) => unknown
  /** Whether an item whose body has failed, or was cancelled, can be used again. Default: none can. */
  validate?: ((item: T) => boolean | PromiseLike<boolean>) | undefined
  /** How many items there are at most: an integer of at least 1, or `Infinity`. */
  max: number
  /** Milliseconds after which an item that no call has used is destroyed. Default `Infinity`: when the pool is closed. */
  idleTimeout?: number | undefined
  /** For introspection and warnings. */
  name?: string | undefined
}
/** A frozen record. */
interface PoolStatistics {
  /** The option. */
  readonly max: number
  /** Items that exist or are being made: the sum of the next four. */
  readonly size: number
  /** Items that a call has now. */
  readonly borrowed: number
  /** Items that no call has. */
  readonly idle: number
  /** Items that are being made. */
  readonly creating: number
  /** Items that are being destroyed, or looked at by `validate`. */
  readonly closing: number
  /** Calls that wait for an item. */
  readonly tasksWaiting: number
}
/**
 * Makes a pool, which belongs to the run of the running task: its items are made there, other runs cannot use it, and where it is
 * left open it is closed with the run, with a process warning.
 *
 * ```ts
 * await using pool = createPool({ create: () => connectTcp('db', 5432), destroy: (db) => db.close(), max: 10 })
 * await pool.use((db) => db.sendAll('hello'))
 * ```
 *
 * @throws NotRunningError outside every `run`
 */
declare function createPool<T>(options: PoolOptions<T>): Pool<T>
/** Lends its items, one call at a time each. Made by `createPool`. */
declare class Pool<T> implements AsyncDisposable {
  #private
  /**
   * Runs `body` with an item that is its own until the body has settled: an idle one (the one that was used last), a new one while
   * there are fewer than `max`, otherwise the next that is returned, in the order of arrival. An item whose body threw is
   * destroyed, unless `validate` accepts it.
   *
   * Rejects with what the body throws; with what `create` throws, where that was this call's turn; with `ClosedResourceError`
   * when the pool is closed; with `UsageError` inside another `use` of it, or in another run.
   */
  use<R>(body: (item: T) => R | PromiseLike<R>): Promise<R>
  /**
   * Closes the pool: calls that wait, and those to come, get a `ClosedResourceError`; idle items are destroyed at once, the others
   * when they are returned. Waits until all are gone, or its scope is cancelled: it never raises a cancellation. Idempotent.
   */
  close(): Promise<void>
  /** How many items there are, and how many calls wait. */
  statistics(): PoolStatistics
  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Options of `createRateLimiter`. */
interface RateLimiterOptions {
  /** How many permits are given in any `interval`: an integer of at least 1. */
  limit: number
  /** Milliseconds, more than 0. */
  interval: number
}
/** A frozen record. */
interface RateLimiterStatistics {
  /** Permits in any interval. */
  readonly limit: number
  /** Milliseconds. */
  readonly interval: number
  /** Permits that are free now; those who wait for more than that come first. */
  readonly available: number
  /** Calls that wait for permits. */
  readonly tasksWaiting: number
}
/**
 * Makes a limiter of `limit` permits in any window of `interval` milliseconds: for requests to a service that allows so many.
 *
 * It belongs to no `run`. Runs on the system's clock share its permits; under each simulated clock it begins anew.
 *
 * ```ts
 * const limiter = createRateLimiter({ limit: 10, interval: 1000 })
 * await limiter.acquire()
 * ```
 *
 * @throws RangeError when `limit` is no integer of at least 1, or `interval` no finite number above 0
 */
declare function createRateLimiter(options: RateLimiterOptions): RateLimiter
/** Gives permits, which are used up and never returned. Made by `createRateLimiter`. */
declare class RateLimiter {
  #private
  /**
   * Waits for `n` permits at once, in the order of arrival. Cancelled, it has taken none.
   *
   * @throws RangeError when `n` is no integer from 1 to the limit
   */
  acquire(n?: number): Promise<void>
  /** Takes `n` permits without waiting; works anywhere. @throws WouldBlock where there are not enough, or others wait */
  acquireNowait(n?: number): void
  /** How many permits are free, and how many calls wait. */
  statistics(): RateLimiterStatistics
}

/** Something with a descriptor of the system: an open file of `node:fs/promises`, a `FileHandle`, a socket's handle. */
interface HasDescriptor {
  /** The number of the descriptor. */
  readonly fd: number
}
/**
 * What becomes of a standard stream of the child: `'pipe'`, a stream of this side; `'inherit'`, this process's own; `'ignore'` or
 * `'null'`, nothing (`/dev/null`); a file descriptor of this process, or an object with one as its `fd`, of which the child gets a copy.
 */
type ProcessStdio = 'pipe' | 'inherit' | 'ignore' | 'null' | number | HasDescriptor
/** Options of `openProcess`. */
interface OpenProcessOptions {
  /** Default `'pipe'`. */
  stdin?: ProcessStdio | undefined
  /** Default `'pipe'`. */
  stdout?: ProcessStdio | undefined
  /** Default `'pipe'`; `'stdout'`: where the output goes, in the order in which it is written. */
  stderr?: ProcessStdio | 'stdout' | undefined
  /** All of the child's environment. Default: this process's own. */
  env?: Readonly<Record<string, string | undefined>> | undefined
  /** The folder it starts in. */
  cwd?: string | URL | undefined
  /** Milliseconds between `SIGTERM` and `SIGKILL` when it is ended because of a cancellation or an error. Default 5,000. */
  killAfter?: number | undefined
  /** Starts it as the leader of a process group, and sends every signal to the whole group. Default false. */
  processGroup?: boolean | undefined
}
/** Options of `runProcess`. */
interface RunProcessOptions extends OpenProcessOptions {
  /** What it reads; then its input ends. Not together with a `stdin` that is no pipe. */
  input?: Uint8Array | string | undefined
  /** Default: `'pipe'` with `input`, else `'ignore'`. */
  stdin?: ProcessStdio | undefined
  /** Whether a return code other than 0 is a `CalledProcessError`. Default true. */
  check?: boolean | undefined
}

/**
 * A child process, made by `openProcess`. Re-creates `anyio.abc.Process`.
 *
 * Its standard streams, where they are pipes, are `Stream`s: of the input one sends, `sendEof` and `close` end it, and a child that
 * reads no more is a `BrokenResourceError`; of the other two one receives. They can be read to their end after it has gone.
 *
 * @typeParam In - the type of `stdin`: `Stream` where the options ask for a pipe, `null` where they ask for something else
 * @typeParam Out - the same of `stdout`
 * @typeParam Err - the same of `stderr`
 */
declare class Process<
  In extends Stream | null = Stream | null,
  Out extends Stream | null = Stream | null,
  Err extends Stream | null = Stream | null,
> implements AsyncDisposable {
  #private
  /** What it reads, to be sent to; `null` where it is no pipe. */
  readonly stdin: In
  /** What it writes, to be received from; `null` where it is no pipe. */
  readonly stdout: Out
  /** Its errors, to be received from; `null` where they are no pipe of their own. */
  readonly stderr: Err
  /** The number that the system has given it. */
  get pid(): number
  /** Its exit code, or minus the number of the signal that ended it; `null` while it runs. Stays known after `close()`. */
  get returncode(): number | null
  /**
   * Waits for its end and returns its return code: as soon as it has exited, also where a process that it has started still
   * holds its pipes. Several tasks may wait. A cancellation ends the wait and not the process.
   */
  wait(): Promise<number>
  /** For `select`: ready once the process has ended; gives what `wait()` gives. */
  [selectable](): SelectSource<number>
  /** Asks it to end: `SIGTERM`. */
  terminate(): void
  /** Ends it: `SIGKILL`. */
  kill(): void
  /**
   * Sends a signal, by name or number; to its whole group, where it leads one (`processGroup`). For one that has ended
   * nothing happens.
   *
   * @throws the system error (`kill EPERM`) where it is another user's by now
   */
  sendSignal(signal: NodeJS.Signals | number): void
  /**
   * Closes its streams and waits for its end. Cancelled, it ends the process, by `SIGTERM` and after `killAfter` by `SIGKILL`, waits
   * until it is gone, and never raises the cancellation: the next checkpoint does. Outside every run, and in a task or scope
   * that has ended, it does so at once. Idempotent.
   */
  close(): Promise<void>
  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void>
}
/** A process with three pipes, as `openProcess` gives it by default. */
interface PipedProcess extends Process<Stream, Stream, Stream> {
  readonly stdin: Stream
  readonly stdout: Stream
  readonly stderr: Stream
}

/** What a program that has ended leaves. `Out` and `Err` follow from the options: `Buffer` for a pipe, else `null`. */
interface CompletedProcess<Out extends Buffer | null = Buffer, Err extends Buffer | null = Out> {
  /** All it has written; `null` where that was not captured (`stdout` is no pipe). */
  readonly stdout: Out
  /** All its errors; `null` where they were not captured (`stderr` is no pipe, or goes where the output goes). */
  readonly stderr: Err
  /** The exit code, or minus the number of the signal that ended it. */
  readonly returncode: number
}
/** Options of type `O`, whose standard streams have the types by which the result is known. */
type Standard<O, In, Out, Err> = O & {
  /** What the child reads. */
  stdin?: In | undefined
  /** Where the child writes. */
  stdout?: Out | undefined
  /** Where the child writes its errors. */
  stderr?: Err | undefined
}
/** What there is on this side of a standard stream: `P` of a pipe, else nothing. A union of both may be either. */
type PipeOf<Stdio, P> = Stdio extends 'pipe' | undefined ? P : null
/** The process that `openProcess` gives for these standard streams. */
type Opened<In, Out, Err> = Process<PipeOf<In, Stream>, PipeOf<Out, Stream>, PipeOf<Err, Stream>>
/**
 * Runs a program to its end and returns what it wrote. Re-creates AnyIO's `run_process`.
 *
 * Both outputs are read while the input is sent, and to their end, so that no amount of either makes it hang; a child that
 * closes its input early is no error. Cancelled, it ends the program: `SIGTERM`, and `SIGKILL` after `killAfter`.
 *
 * @param command - a program and its arguments, or one line for the system's shell
 * @throws CalledProcessError with the outputs where the return code is not 0 (`check`); the system error where the program
 * cannot be started (`spawn nothing ENOENT`; of a folder that is not there, `chdir ENOENT`)
 */
declare function runProcess<
  Out extends ProcessStdio | undefined = 'pipe',
  Err extends ProcessStdio | 'stdout' | undefined = 'pipe',
>(
  command: readonly string[] | string,
  options?: Standard<RunProcessOptions, ProcessStdio, Out, Err>,
): Promise<CompletedProcess<PipeOf<Out, Buffer>, PipeOf<Err, Buffer>>>
/**
 * Starts a program. Re-creates AnyIO's `open_process`. The streams of the process are typed by the options: `null` for what is no pipe.
 *
 * @param command - a program and its arguments, or one line for the system's shell
 * @throws the system error where it cannot be started (`spawn nothing ENOENT`)
 */
declare function openProcess<
  In extends ProcessStdio | undefined = 'pipe',
  Out extends ProcessStdio | undefined = 'pipe',
  Err extends ProcessStdio | 'stdout' | undefined = 'pipe',
>(
  command: readonly string[] | string,
  options?: Standard<OpenProcessOptions, In, Out, Err>,
): Promise<Opened<In, Out, Err>>
/**
 * Runs `body` beside the process and, when it has returned, closes it: waits for its end. When `body` fails, or anything here
 * is cancelled, the process is ended: `SIGTERM`, and `SIGKILL` after `killAfter`; it is gone when the call settles.
 */
declare function openProcess<T>(
  command: readonly string[] | string,
  body: (process: PipedProcess) => T | PromiseLike<T>,
): Promise<T>
declare function openProcess<
  T,
  In extends ProcessStdio | undefined = 'pipe',
  Out extends ProcessStdio | undefined = 'pipe',
  Err extends ProcessStdio | 'stdout' | undefined = 'pipe',
>(
  command: readonly string[] | string,
  options: Standard<OpenProcessOptions, In, Out, Err>,
  body: (process: Opened<In, Out, Err>) => T | PromiseLike<T>,
): Promise<T>

/**
 * Iterates over the signals that have come since it was opened; each receiver gets each of them. Made by
 * `receiveSignals`.
 *
 * One task at a time may wait for the next one. After `close()` every step is a `ClosedResourceError`, also one that
 * was waiting.
 */
declare class SignalReceiver implements AsyncIterable<NodeJS.Signals>, AsyncDisposable {
  #private
  /**
   * Puts the process's other listeners back in order, if this was the last receiver of their signal. What has come
   * meanwhile and no receiver was asked for goes on to them, or to the default action, which may end the process here.
   * Never raises a cancellation: the next checkpoint does. Idempotent.
   */
  close(): Promise<void>
  /** For `select`, which takes the next signal, and counts as a task that waits for it. */
  [selectable](): SelectSource<NodeJS.Signals>
  /** Iterates over the names of the signals, as they come. `break` leaves the receiver open. */
  [Symbol.asyncIterator](): AsyncIterableIterator<NodeJS.Signals>
  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Receives signals of the process, by name or number, until the receiver is closed. The receiver iterates over the
 * names of the signals, in the order in which they come.
 *
 * While it is open, other listeners of these signals are detached. They are put back in order when the last receiver of
 * the signal closes. A signal that no receiver has returned by then goes on to them, or to the default action.
 *
 * @throws RangeError without any signal, for a signal that this system does not have, and for one that cannot be
 * caught; UnsupportedError in a worker; NotRunningError outside a task. Nothing has been changed then.
 *
 * @example
 * ```ts
 * await using signals = receiveSignals('SIGHUP', 'SIGTERM')
 * for await (const signal of signals) {
 *   if (signal === 'SIGTERM') break
 *   await reloadConfiguration()
 * }
 * ```
 */
declare function receiveSignals(...signals: readonly (NodeJS.Signals | number)[]): SignalReceiver
/** Runs `body` with an open receiver and closes it when the body ends, with or without an error. */
declare function receiveSignals<T>(
  ...args: [...signals: readonly (NodeJS.Signals | number)[], body: (signals: SignalReceiver) => T | PromiseLike<T>]
): Promise<T>

/** The task that runs this code. Re-creates `get_current_task`; `NotRunningError` in a callback outside every task. */
declare function getCurrentTask(): TaskInfo
/**
 * The tasks that have not ended, in the order of their making: of the current `run`, and in a callback that belongs to no
 * task, of all runs of this thread. Re-creates `get_running_tasks`.
 */
declare function getRunningTasks(): TaskInfo[]
/**
 * Waits until every other task of the run waits, too: for I/O, for a time that has not come yet, for another task. A task
 * that has only yielded, or that waits for a promise that is not of this library (other than by `abandonOnCancel`), does
 * not. Nothing polls: the tasks themselves bring the answer about. Re-creates `wait_all_tasks_blocked`, for tests.
 */
declare function waitAllTasksBlocked(): Promise<void>
/**
 * The tree of tasks as text, for people: the names, what each task waits for and since when, the scopes with their deadlines
 * and the reasons why they were cancelled; with the run's `traceResources` or `detectDeadlocks` also where each task was
 * spawned. Of the current `run`; in a callback that belongs to no task, of all runs of this thread. Times are those of
 * `currentTime()`, in whole milliseconds. The form of the text is not part of the contract.
 */
declare function dumpTasks(): string

export {
  AsyncFile,
  BackendNotFoundError,
  BlockingPortal,
  Broadcast,
  BrokenResourceError,
  CalledProcessError,
  CancelScope,
  Cancelled,
  CapacityLimiter,
  ClosedResourceError,
  Condition,
  ConnectionFailed,
  DelimiterNotFound,
  EndOfStream,
  Event,
  ExceptionGroup,
  IncompleteRead,
  Lock,
  MemoryReceiveStream,
  MemorySendStream,
  NamedTemporaryFile,
  NotRunningError,
  Path,
  Pool,
  Process,
  Queue,
  RateLimiter,
  ResourceBusyError,
  ResourceGuard,
  RunFinishedError,
  Semaphore,
  SignalReceiver,
  SocketStream,
  SocketStreamServer,
  Stream,
  Supervisor,
  TLSContext,
  TLSEOFError,
  TLSError,
  TLSRequired,
  TaskCancelled,
  TaskFailed,
  TaskGroup,
  TaskInfo,
  TemporaryDirectory,
  TemporaryFile,
  TimeoutError,
  UDPSocket,
  UNIXDatagramSocket,
  UnsupportedError,
  UsageError,
  WouldBlock,
  abandonOnCancel,
  aopen,
  cancelShieldedCheckpoint,
  checkpoint,
  checkpointIfCancelled,
  connectTcp,
  connectUnix,
  createBlockingPortal,
  createBroadcast,
  createCapacityLimiter,
  createCondition,
  createEvent,
  createLock,
  createMemoryObjectStream,
  createPool,
  createQueue,
  createRateLimiter,
  createSemaphore,
  createSupervisor,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  createUdpSocket,
  createUnixDatagramSocket,
  createUnixServer,
  currentDefaultThreadLimiter,
  currentEffectiveDeadline,
  currentSignal,
  currentTime,
  dumpTasks,
  every,
  failAfter,
  failAt,
  finalize,
  fromEmitter,
  fromThread,
  gather,
  getAddrInfo,
  getAllBackends,
  getAvailableBackends,
  getCancelledExcClass,
  getCurrentTask,
  getNameInfo,
  getRunningTasks,
  isCancelled,
  mapConcurrent,
  moveOnAfter,
  moveOnAt,
  notifySocketClose,
  openCancelScope,
  openProcess,
  raceTasks,
  receiveSignals,
  relay,
  retry,
  retryErrors,
  run,
  runAsyncFromThread,
  runInProcess,
  runInThread,
  runProcess,
  select,
  selectAll,
  selectable,
  sleep,
  sleepForever,
  sleepUntil,
  threadTask,
  ticks,
  waitAllTasksBlocked,
  waitSocketReadable,
  waitSocketWritable,
  wrapTls,
}
export type {
  AddrInfo,
  AddrInfoOptions,
  AttachedPortal,
  BlockingPortalOptions,
  BroadcastOptions,
  BroadcastStatistics,
  CancelReason,
  CancelScopeOptions,
  CapacityLimiterStatistics,
  ChannelBindingType,
  ChildFailure,
  Cipher,
  CompletedProcess,
  ConditionStatistics,
  ConnectTCPOptions,
  DelimitedOptions,
  EmitterLike,
  EventStatistics,
  EventTargetLike,
  EveryOptions,
  ExposedFunction,
  FailScope,
  FromEmitterOptions,
  Grant,
  LockStatistics,
  MemoryObjectStreamStatistics,
  NameInfo,
  NameInfoOptions,
  NamedTemporaryFileOptions,
  NativeOptions,
  NodeOptions,
  OpenOptions,
  OpenProcessOptions,
  OpenedFile,
  Packet,
  PeerCertificate,
  PipedProcess,
  PoolOptions,
  PoolStatistics,
  PortalHandle,
  PortalTask,
  ProcessStdio,
  QueueStatistics,
  RateLimiterOptions,
  RateLimiterStatistics,
  ReceivedFDs,
  RelayOptions,
  RelayResult,
  RestartOptions,
  RetryOptions,
  RunInProcessOptions,
  RunInThreadOptions,
  RunOptions,
  RunProcessOptions,
  ScopeEvent,
  SelectSource,
  Selectable,
  Selected,
  SemaphoreOptions,
  SemaphoreStatistics,
  SendFileOptions,
  ServeOptions,
  ServerStatistics,
  SocketAddress,
  StartTLSOptions,
  SupervisorOptions,
  SuppressedErrorEvent,
  TCPServerOptions,
  TLSContextOptions,
  TLSErrorReason,
  TLSMaterial,
  TLSVersion,
  TaskEvent,
  TaskGroupOptions,
  TaskHandle,
  TaskOptions,
  TaskStatus,
  TemporaryDirectoryOptions,
  TemporaryFileOptions,
  TextOptions,
  ThreadFunction,
  ThreadTask,
  TimedScopeOptions,
  UDPSocketOptions,
  UNIXDatagramSocketOptions,
  UNIXServerOptions,
  WrapTLSOptions,
}
