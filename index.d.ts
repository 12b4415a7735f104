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
  /** Options of the backend; each backend has its own. */
  backendOptions?: BackendOptions | undefined
  /** Shown in warnings and dumps. */
  name?: string | undefined
  /** Cancels the root scope when it aborts; `run` then rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
  /**
   * Process signals that end the run. The first one cancels the root scope, and `run` resolves with `undefined` once
   * everything has ended. After the first one, these signals have their default action again. Main thread only.
   */
  shutdownSignals?: readonly NodeJS.Signals[] | undefined
  /**
   * Called with the name of the first of the `shutdownSignals` when it arrives. It tells a run that a signal ended from
   * one whose `main` returned nothing: both resolve with `undefined`. An error that it throws is an uncaught exception.
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
   * Lets a cancelled run settle although its `main` waits for work that cannot be cancelled; `main` is left behind. See
   * `CancelScopeOptions.abandon`. Default false.
   */
  abandon?: boolean | undefined
  /**
   * Milliseconds of real time after which a cancelled scope that has not ended gives the warning `STRUCTIO_OVERDUE`, if
   * its body waits for work that cannot be cancelled. `Infinity` is never. Default 1,000; `Infinity` on `virtual`.
   */
  overdueAfter?: number | undefined
  /** Whether the active run keeps the process alive. If false, only its open sockets and the like do. Default true. */
  keepAlive?: boolean | undefined
  /**
   * Keeps the stack that opened a resource, for the warning about one that is left open, and the line that spawned each
   * task, for `dumpTasks`. Default false: a stack costs some microseconds.
   */
  traceResources?: boolean | undefined
  /**
   * Fails the run with a `UsageError` that shows its tasks when all of them wait for each other: for locks, items,
   * events, or the ends of tasks, with no deadline, I/O or foreign promise (`abandonOnCancel`) that could end a wait.
   * It cannot see a callback outside of every task that would still set an event: wait for such a callback with
   * `abandonOnCancel` or under a deadline. Default false; meant for tests.
   */
  detectDeadlocks?: boolean | undefined
}
/**
 * Runs `main` as the root task of a new tree of tasks. All other functions of the library need such a task around them.
 *
 * Resolves with the value of `main`. When the promise settles, every task of the tree has ended, and everything left
 * open has been closed.
 *
 * @throws BackendNotFoundError where there is no such backend; UsageError inside a task that has not ended; otherwise
 *   the error of `main` itself
 * @example
 * ```ts
 * import { run, sleep } from 'structio'
 *
 * await run(async () => {
 *   await sleep(100)
 *   console.log('hello')
 * }, { shutdownSignals: ['SIGINT', 'SIGTERM'] })
 * ```
 */
declare function run<T>(
  main: () => T | PromiseLike<T>,
  options?: RunOptions & {
    shutdownSignals?: undefined
  },
): Promise<T>
declare function run<T>(main: () => T | PromiseLike<T>, options?: RunOptions): Promise<T | undefined>

/** An object with a method `aclose`, `close` or `return` (as async generators have). */
type Finalizable = object
/**
 * Runs `body` and then closes the resource by its method `aclose`, `close` or `return`, also when the body fails.
 * Resolves with the value of the body.
 *
 * Rejects with the error of the body. When closing fails too, it rejects with a `SuppressedError` that has both errors.
 * Closing never raises a cancellation; the next checkpoint does.
 *
 * @example
 * ```ts
 * const rows = await finalize(await database.connect(), (connection) => connection.query(sql))
 * ```
 */
declare function finalize<R extends Finalizable, T>(resource: R, body: (resource: R) => T | PromiseLike<T>): Promise<T>
/**
 * Gives the resource a `Symbol.asyncDispose` that closes it, and returns the resource.
 *
 * @example
 * ```ts
 * await using connection = finalize(await database.connect())
 * ```
 */
declare function finalize<R extends Finalizable>(resource: R): R & AsyncDisposable

/**
 * Thrown by every operation of the library that waits, or would wait, in a cancelled scope. Let it pass: a `catch`
 * block that sees one must throw it on (`isCancelled`). Never make one yourself.
 */
declare class Cancelled extends Error {
  #private
  readonly code = 'ERR_CANCELLED'
}
/** Thrown by `failAfter` and `failAt` when the deadline was the first cause that ended the body. */
declare class TimeoutError extends Error {
  readonly code = 'ERR_TIMEOUT'
}
/** Thrown by a task group when its body or a task failed. `errors` has each of their errors, and no cancellation. */
declare class ExceptionGroup extends AggregateError {
  #private
  readonly code = 'ERR_EXCEPTION_GROUP'
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
  ): void
  /** @param message - default: the text of the first error, so that a log line shows what happened */
  constructor(errors: Iterable<unknown>, message?: string)
  /**
   * Divides the errors by `predicate` into two groups that keep the nesting. A side without errors is `undefined`.
   */
  split(
    predicate: (error: unknown) => boolean,
  ): [matching: ExceptionGroup | undefined, rest: ExceptionGroup | undefined]
  /** The errors that are not themselves groups, depth first. An `AggregateError` of another kind is one leaf. */
  leaves(): Iterable<unknown>
}
/** Thrown when a call is a mistake in the program. The message says what to do instead. */
declare class UsageError extends Error {
  readonly code: string
}
/** Thrown when a function that needs a task is called outside every `run`. */
declare class NotRunningError extends UsageError {
  readonly code = 'ERR_NOT_RUNNING'
}
/** Thrown when code of a `run` that has settled calls an operation. */
declare class RunFinishedError extends UsageError {
  readonly code = 'ERR_RUN_FINISHED'
}
/** Thrown by `run` when the backend does not exist or cannot be loaded on this machine. */
declare class BackendNotFoundError extends Error {
  readonly code = 'ERR_BACKEND_NOT_FOUND'
}
/** Thrown when this backend, platform or thread does not support a call. The message says which one does. */
declare class UnsupportedError extends Error {
  readonly code = 'ERR_UNSUPPORTED'
}
/** Thrown by a `…Nowait` method where its counterpart would wait. */
declare class WouldBlock extends Error {
  readonly code = 'ERR_WOULD_BLOCK'
}
/** Thrown by an operation on a resource that this program has closed, before the call or while it waited. */
declare class ClosedResourceError extends Error {
  readonly code = 'ERR_CLOSED_RESOURCE'
}
/** Thrown when a resource was broken from outside, such as a connection that its peer reset. See `cause`. */
declare class BrokenResourceError extends Error {
  readonly code: string
}
/** Thrown when another call already does the same on a resource that allows one at a time, such as a second receive. */
declare class ResourceBusyError extends Error {
  readonly code = 'ERR_RESOURCE_BUSY'
}
/** Thrown when the data ended before a frame was complete. The data that had arrived stays readable. */
declare class IncompleteRead extends Error {
  readonly code = 'ERR_INCOMPLETE_READ'
}
/** Thrown when the delimiter was not found within the limit that the message names. The data stays readable. */
declare class DelimiterNotFound extends Error {
  readonly code = 'ERR_DELIMITER_NOT_FOUND'
}
/** Thrown by a receiving end of a memory stream when every sending end is closed and no item is left. */
declare class EndOfStream extends Error {
  readonly code = 'ERR_END_OF_STREAM'
}
/** Thrown when several addresses were tried and none of them connected. `errors` has one error for each attempt. */
declare class ConnectionFailed extends AggregateError {
  readonly code = 'ERR_CONNECTION_FAILED'
}
/** Thrown by a property of the TLS session before the handshake. */
declare class TLSRequired extends Error {
  readonly code = 'ERR_TLS_REQUIRED'
}
/** The kind of a TLS failure, for programs. The message says more, and which side is at fault. */
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
 * `reason` is the kind of failure, `cause` the error of the TLS library where there is one.
 */
declare class TLSError extends Error {
  readonly code = 'ERR_TLS'
  /** The kind of failure. */
  readonly reason: TLSErrorReason
  constructor(
    message?: string,
    options?: ErrorOptions & {
      reason?: TLSErrorReason
    },
  )
}
/** Thrown when a TLS stream ended without the peer's `close_notify`: the data may be truncated. */
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
/** Thrown when a checked child process ended with a code other than 0. Has its captured output. */
declare class CalledProcessError extends Error {
  readonly code = 'ERR_CALLED_PROCESS'
  /** The exit code, or minus the number of the signal that ended the process. */
  readonly returncode: number
  /** The command. */
  readonly command: string | readonly string[]
  /** The standard output, where that was captured. */
  readonly stdout: Buffer | undefined
  /** The standard error, where that was captured. */
  readonly stderr: Buffer | undefined
  /** The same as `command`. */
  get cmd(): string | readonly string[]
  constructor(command: string | readonly string[], returncode: number, stdout?: Buffer, stderr?: Buffer)
}
/** A filter of `ExceptionGroup.handle`: the instances of a class, or the errors that a predicate accepts. */
type Match = (abstract new (...args: never[]) => unknown) | ((leaf: unknown) => boolean)

/** Identity of a task: its number, its name, its function. */
declare class TaskInfo {
  /** Unique in this thread. */
  readonly id: number
  /** The number of the task whose group this one belongs to; `null` for the task that runs `main`. */
  readonly parentId: number | null
  /** The name given at its start, or the name of its function. */
  readonly name: string
  /** The function that the task runs. */
  readonly fn: (...args: never[]) => unknown
  private constructor()
  /** Whether both describe the same task. */
  equals(other: unknown): boolean
}

/** Options of a cancel scope. */
interface CancelScopeOptions {
  /**
   * When the scope is cancelled, in milliseconds on the clock of `currentTime()`. `Infinity` (the default): never;
   * `-Infinity`: at once.
   */
  deadline?: number | undefined
  /** Blocks cancellation from enclosing scopes. Default false. */
  shield?: boolean | undefined
  /** Cancels the scope when it aborts. The call that opened the scope then rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
  /**
   * For bodies that wait for work which cannot be cancelled. When the scope is cancelled and its body waits for no
   * operation of the library, the scope settles at once and leaves the body behind. Operations that the body begins
   * later reject with `UsageError`, its outcome is dropped, and resources that it opened are closed when it settles.
   * Default false.
   */
  abandon?: boolean | undefined
  /** Shown in error messages and dumps. */
  name?: string | undefined
}

/** Why a scope was cancelled. */
interface CancelReason {
  /** The kind of cause. */
  readonly kind: 'explicit' | 'deadline' | 'task-failed' | 'signal' | 'shutdown' | 'scope-ended'
  /** The scope that was cancelled. Scopes inside it have a reason only if they were cancelled themselves. */
  readonly scope: CancelScope
  /**
   * The argument of `cancel()`, the error of the failed task, the signal's reason, or the name of the process signal.
   */
  readonly detail?: unknown
}
/**
 * A part of a program that can be cancelled as a whole: every operation and every task begun inside it.
 *
 * `openCancelScope`, `moveOnAfter` and `failAfter` make a scope and enter it at once. A scope made with `new` is
 * entered once, by its method `run`, and may be cancelled before.
 *
 * @example
 * ```ts
 * const search = new CancelScope({ name: 'search' })
 * stopButton.on('click', () => search.cancel())
 * const hits = await search.run(() => searchEverywhere(query)) // undefined when cancelled
 * ```
 */
declare class CancelScope {
  #private
  constructor(options?: CancelScopeOptions)
  /**
   * Enters the scope and runs `body` in it. Resolves with the value of the body, or with `undefined` when the
   * cancellation of this scope ended it. Rejects with the error of the body, with `signal.reason` when the foreign
   * signal was the first cause, and with `UsageError` on a second call.
   */
  run<T>(body: (scope: CancelScope) => T | PromiseLike<T>): Promise<T | undefined>
  /**
   * Cancels everything in the scope at once: waiting operations reject with `Cancelled`, and every later checkpoint
   * throws it until the scope is left. A second call changes nothing. Works from any task and any callback of the
   * thread.
   *
   * @param reason - becomes `cancelReason.detail`
   */
  cancel(reason?: unknown): void
  /** Whether this scope itself was cancelled: by `cancel()`, its deadline or its signal. */
  get cancelCalled(): boolean
  /** Whether a cancellation ended the body and stopped at this scope. */
  get cancelledCaught(): boolean
  /** The first cause of the cancellation; `undefined` while `cancelCalled` is false. */
  get cancelReason(): CancelReason | undefined
  /**
   * The time at which the scope is cancelled, in milliseconds on the clock of `currentTime()`; `Infinity` is never.
   * Settable.
   */
  get deadline(): number
  set deadline(at: number)
  /**
   * Whether cancellation of enclosing scopes is blocked. Settable at any time; takes effect at once, in both
   * directions.
   */
  get shield(): boolean
  set shield(value: boolean)
  /**
   * An `AbortSignal` for functions of other libraries. It aborts, with a `Cancelled` as its reason, when this scope or
   * an enclosing one is cancelled, and stays aborted. It is made on the first access.
   */
  get signal(): AbortSignal
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

/** A task, as `TaskGroup.spawn` returns it: to watch it, to wait for it, or to cancel it. */
interface TaskHandle<T> extends Selectable<T> {
  /** The task as `getRunningTasks` shows it. */
  readonly info: TaskInfo
  /** The state of the task. `cancelling`: it is cancelled and has not ended yet. */
  readonly status: 'pending' | 'running' | 'cancelling' | 'finished' | 'failed' | 'cancelled'
  /** Cancels this task alone; its group goes on. @param reason - becomes `cancelReason.detail` of the task's scope */
  cancel(reason?: unknown): void
  /** Waits until the task has ended, whatever its outcome. */
  wait(): Promise<void>
  /**
   * Waits for the value that the task returns. Rejects with `TaskFailed`, whose `cause` is the error, or
   * `TaskCancelled`.
   */
  value(): Promise<T>
}

/** A message of the channel `structio:task`. */
interface TaskEvent {
  /** `spawned`: the task exists. `started`: its function is called. `ended`: it and everything begun in it are over. */
  readonly event: 'spawned' | 'started' | 'ended'
  /** The task. */
  readonly task: TaskInfo
  /** Milliseconds on the clock of the run (`currentTime()`). */
  readonly time: number
  /** Present with `ended`. */
  readonly status?: 'finished' | 'failed' | 'cancelled'
  /** Present with the status `failed`: the error that the task threw. */
  readonly error?: unknown
}
/** A message of the channel `structio:scope`. The scope of a task has only the event `cancelled`. */
interface ScopeEvent {
  /** The change in the life of the scope. */
  readonly event: 'entered' | 'cancelled' | 'ended'
  /** The scope. A listener must not change it. */
  readonly scope: CancelScope
  /** The task that entered the scope. */
  readonly task: TaskInfo
  /** Milliseconds on the clock of the run (`currentTime()`). */
  readonly time: number
  /** Present with `cancelled`. */
  readonly reason?: CancelReason
}
/**
 * A message of the channel `structio:suppressed-error`: an error that no caller gets, because an earlier error came out
 * of the same `gather`, `mapConcurrent` or `raceTasks`. The error of an iterator has the task that asked the iterator.
 * An error at the end of a run, after another error of that run, has the task of `main`.
 */
interface SuppressedErrorEvent {
  /** The error. */
  readonly error: unknown
  /** The task that failed. */
  readonly task: TaskInfo
  /** Milliseconds on the clock of the run (`currentTime()`). */
  readonly time: number
}

/** Given to a function that `TaskGroup.start` runs: the function reports through it that it is ready. */
interface TaskStatus<V = void> {
  /**
   * Makes `start` resolve with `value`. The task goes on in the group.
   *
   * @throws UsageError on a second call, and when the task has ended
   */
  started(value: V): void
}

/** Options of `spawn` and `start`. */
interface TaskOptions {
  /** Shown in error messages and dumps. Default: the name of the function. */
  name?: string | undefined
}
/**
 * A set of tasks that run together and end together: the call of `createTaskGroup` that made the group settles after
 * all of them. One failure cancels the others.
 */
declare class TaskGroup {
  #private
  /**
   * The scope of the whole group, with its body and all tasks: to cancel it, to shield it, or to give it a deadline.
   */
  readonly cancelScope: CancelScope
  private constructor()
  /**
   * Starts `fn(...args)` as a task of the group and returns at once: `fn` is called later, never inside this call.
   * Works from any task and any callback of the thread.
   *
   * @throws UsageError when the group has ended; the function is then not called
   * @example
   * ```ts
   * tg.spawn(() => pollQueue())
   * tg.spawn({ name: `worker ${n}` }, work, queue, n)
   * const total = tg.spawn(countRows)
   * console.log(await total.value())
   * ```
   */
  spawn<A extends unknown[], T>(fn: (...args: A) => T | PromiseLike<T>, ...args: A): TaskHandle<T>
  spawn<A extends unknown[], T>(options: TaskOptions, fn: (...args: A) => T | PromiseLike<T>, ...args: A): TaskHandle<T>
  /**
   * Starts `fn(status, ...args)` and waits until it calls `status.started(value)`. Resolves with that value, while the
   * task goes on in the group. Until then the task runs under the caller's scope, and the caller gets its failure.
   *
   * Rejects with the error itself of a task that failed before it was ready, and with `UsageError` when the task
   * returned without a call of `started`, or the group has ended. Yields, but is not itself a cancel point (TASK-6).
   *
   * @example
   * ```ts
   * await tg.start(async (status: TaskStatus) => {
   *   await using server = await createTcpServer(8080)
   *   status.started()
   *   await server.serve(handle)
   * }) // here the server listens
   * ```
   */
  start<A extends unknown[], V = void>(fn: (status: TaskStatus<V>, ...args: A) => unknown, ...args: A): Promise<V>
  start<A extends unknown[], V = void>(
    options: TaskOptions,
    fn: (status: TaskStatus<V>, ...args: A) => unknown,
    ...args: A
  ): Promise<V>
}

/** A function that runs in a scope. */
type ScopeBody<T> = (scope: CancelScope) => T | PromiseLike<T>
/** Options of a scope whose deadline is an argument of its own. */
type TimedScopeOptions = Omit<CancelScopeOptions, 'deadline'>
interface AbandonOptions<T> {
  /** Receives a value that arrives after the caller has left, so that it can be closed or released. */
  discard?: ((value: T) => void) | undefined
}
/**
 * The scope that the body of `failAfter` gets. It is an ordinary `CancelScope`, but its type has no `cancel`: so the
 * call always has a value or rejects.
 */
type FailScope = Omit<CancelScope, 'cancel'>
/** A function that runs in the scope of `failAfter`. */
type FailBody<T> = (scope: FailScope) => T | PromiseLike<T>
/**
 * The value that a body gives. It includes `undefined` when the body takes the scope or group as a parameter, because
 * such a body can cancel it.
 *
 * @typeParam F - the function type of the body
 */
type BodyValue<F extends (parameter: never) => unknown> =
  Parameters<F> extends [] ? Awaited<ReturnType<F>> : Awaited<ReturnType<F>> | undefined
/** Without a deadline, only the body can cancel the scope: a foreign signal makes the call reject. */
type EndlessScopeOptions = CancelScopeOptions & {
  /** None. */
  deadline?: undefined
}
/**
 * Runs `body` in a new cancel scope: everything that waits in the body can be cancelled together.
 *
 * Resolves with the value of the body, or with `undefined` when the cancellation of this scope ended the body. Rejects
 * with the error that the body throws, and with `signal.reason` when the scope was cancelled by `options.signal`.
 *
 * A body without parameters cannot cancel the scope. Without a deadline, the call then always has the body's value.
 *
 * @example
 * ```ts
 * const first = await openCancelScope(async (scope) => {
 *   button.once('click', () => scope.cancel('the user gave up'))
 *   return await download(url)
 * })
 * if (first === undefined) console.log('cancelled')
 * ```
 */
declare function openCancelScope<F extends ScopeBody<unknown>>(body: F): Promise<BodyValue<F>>
declare function openCancelScope<F extends ScopeBody<unknown>>(
  options: EndlessScopeOptions,
  body: F,
): Promise<BodyValue<F>>
declare function openCancelScope<T>(options: CancelScopeOptions, body: ScopeBody<T>): Promise<T | undefined>
/**
 * Runs `body` with a time limit and goes on without an error when the time is up: resolves with the value of the body,
 * or with `undefined` after the limit. `failAfter` does the same and throws.
 *
 * @param ms - milliseconds; `null` is no limit, 0 and negative numbers have passed already
 * @example
 * ```ts
 * const banner = (await moveOnAfter(200, () => loadBanner())) ?? DEFAULT_BANNER
 * ```
 */
declare function moveOnAfter<T>(ms: number | null, body: ScopeBody<T>): Promise<T | undefined>
declare function moveOnAfter<T>(
  ms: number | null,
  options: TimedScopeOptions,
  body: ScopeBody<T>,
): Promise<T | undefined>
/** `moveOnAfter` with an absolute limit: `time` is in milliseconds on the clock of `currentTime()`. */
declare function moveOnAt<T>(time: number, body: ScopeBody<T>): Promise<T | undefined>
declare function moveOnAt<T>(time: number, options: TimedScopeOptions, body: ScopeBody<T>): Promise<T | undefined>
/**
 * Runs `body` with a time limit. When the time is up, everything that waits in the body is cancelled, and the call
 * rejects with `TimeoutError` once the body has cleaned up. A body that returns its value all the same wins: the call
 * resolves with it.
 *
 * The scope that the body gets has no `cancel` in its type. Use `moveOnAfter` or `openCancelScope` for a body that may
 * give up by itself.
 *
 * @param ms - milliseconds; `null` is no limit, 0 and negative numbers have passed already
 * @throws TimeoutError when the deadline was the first cause that ended the body
 * @example
 * ```ts
 * const user = await failAfter(5000, () => loadUser(id))
 * // Foreign work takes the signal of the scope:
 * const page = await failAfter(5000, (scope) => fetch(url, { signal: scope.signal }))
 * ```
 */
declare function failAfter<T>(ms: number | null, body: FailBody<T>): Promise<T>
declare function failAfter<T>(ms: number | null, options: TimedScopeOptions, body: FailBody<T>): Promise<T>
/** `failAfter` with an absolute limit: `time` is in milliseconds on the clock of `currentTime()`. */
declare function failAt<T>(time: number, body: FailBody<T>): Promise<T>
declare function failAt<T>(time: number, options: TimedScopeOptions, body: FailBody<T>): Promise<T>
/**
 * The earliest deadline that applies to the running code, in milliseconds on the clock of `currentTime()`: of the
 * scopes around it, up to and including the first shield. `-Infinity` when the code is cancelled already, `Infinity`
 * without a deadline.
 *
 * @throws NotRunningError outside every `run`
 */
declare function currentEffectiveDeadline(): number
/**
 * An `AbortSignal` that aborts when the innermost scope around the running code is cancelled. Its reason is then a
 * `Cancelled`. Pass it to functions of other libraries.
 *
 * @example
 * ```ts
 * const response = await fetch(url, { signal: currentSignal() })
 * ```
 *
 * @throws NotRunningError outside every `run`
 */
declare function currentSignal(): AbortSignal
/**
 * Whether an error is a cancellation. It also sees through the wrappers of JavaScript: a `Cancelled` counts; an
 * `AbortError` whose `cause` is one; an `AggregateError` or `ExceptionGroup` all of whose leaves are; a
 * `SuppressedError` whose two errors both are.
 *
 * Use it in `catch` blocks that log or report errors: a cancellation must be thrown on.
 *
 * @example
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
/** The time of the monotonic clock that deadlines are measured by, in milliseconds. Works outside a `run` too. */
declare function currentTime(): number
/**
 * Awaits a promise of another library in a way that can be cancelled. On cancellation the caller leaves at once with
 * `Cancelled`, and the work goes on in the background: its failure is then dropped, and its value goes to
 * `options.discard`.
 *
 * Where the work takes an `AbortSignal`, pass it `currentSignal()` instead: then the work stops too.
 *
 * @example
 * ```ts
 * const rows = await failAfter(1000, () => abandonOnCancel(database.query(sql)))
 * // A result that comes too late is given back:
 * const client = await abandonOnCancel(pool.connect(), { discard: (late) => late.release() })
 * ```
 */
declare function abandonOnCancel<T>(promise: PromiseLike<T>, options?: AbandonOptions<T>): Promise<T>
/**
 * Waits for `ms` milliseconds, or until the scope is cancelled: then it throws `Cancelled`. `sleep(0)`, and a negative
 * time, yields to other tasks and to I/O.
 *
 * @example
 * ```ts
 * while (!(await isReady())) await sleep(100)
 * ```
 */
declare function sleep(ms: number): Promise<void>
/** Waits until `time`, in milliseconds on the clock of `currentTime()`. A time that has passed is a `checkpoint()`. */
declare function sleepUntil(time: number): Promise<void>
/** Waits until the scope is cancelled, and throws `Cancelled` then. */
declare function sleepForever(): Promise<never>
/**
 * Lets other tasks, timers and I/O run, and throws `Cancelled` when the scope is cancelled, before or after. For long
 * computations, which would otherwise neither yield nor notice a cancellation.
 *
 * @example
 * ```ts
 * for (const [index, row] of rows.entries()) {
 *   convert(row)
 *   if (index % 1000 === 0) await checkpoint()
 * }
 * ```
 */
declare function checkpoint(): Promise<void>
/**
 * Throws `Cancelled` when the scope is cancelled. Otherwise goes on at once, without yielding: cheap enough for tight
 * loops.
 */
declare function checkpointIfCancelled(): Promise<void>
/** Lets other tasks, timers and I/O run, and never throws a cancellation. */
declare function cancelShieldedCheckpoint(): Promise<void>
/** The class of the error that a checkpoint throws in a cancelled scope: `Cancelled`. */
declare function getCancelledExcClass(): typeof Cancelled

/** Options of a task group. */
interface TaskGroupOptions {
  /** Shown in error messages and dumps. */
  name?: string | undefined
  /** Blocks cancellation from enclosing scopes, for the whole group. */
  shield?: boolean | undefined
  /**
   * Lets a cancelled group settle although its body or a task waits for work that cannot be cancelled; these are left
   * behind. See `CancelScopeOptions.abandon`. Default false.
   */
  abandon?: boolean | undefined
}
interface GatherOptions {
  /** How many tasks run at a time: a positive integer. Default: all. */
  limit?: number | undefined
}
/** A function that runs together with the tasks of its group. */
type GroupBody = (group: TaskGroup) => unknown
/** A function that is run as a task. */
type Job<T> = () => T | PromiseLike<T>
/** The values of a list of jobs, in their order. */
type JobValues<F extends readonly Job<unknown>[]> = {
  -readonly [K in keyof F]: Awaited<ReturnType<F[K]>>
}
/**
 * Runs `body` with a task group, and waits for every task that is spawned into the group: no task outlives the call.
 * When the body or a task fails, all others are cancelled.
 *
 * Resolves with the value of the body, or with `undefined` when the group was cancelled and its body with it (a body
 * without parameters cannot do that).
 *
 * @throws ExceptionGroup with every error that the body and the tasks threw, also when there is only one
 * @example
 * ```ts
 * await createTaskGroup((tg) => {
 *   tg.spawn(serveHttp)
 *   tg.spawn(pollQueue, queueUrl)
 * }) // here both have ended
 * ```
 */
declare function createTaskGroup<F extends GroupBody>(body: F): Promise<BodyValue<F>>
declare function createTaskGroup<F extends GroupBody>(options: TaskGroupOptions, body: F): Promise<BodyValue<F>>
/**
 * Runs the functions as tasks, at most `limit` at a time, and resolves with their values in order.
 *
 * Rejects with the first failure itself, as `Promise.all` does. But first it cancels all other tasks and waits for
 * them. Their errors go to the diagnostics channel `structio:suppressed-error`.
 *
 * @example
 * ```ts
 * const [user, orders] = await gather([() => loadUser(id), () => loadOrders(id)])
 * ```
 */
declare function gather<const F extends readonly Job<unknown>[]>(fns: F, options?: GatherOptions): Promise<JobValues<F>>
/**
 * Calls `fn(item, index)` for every item, each in a task of its own and at most `limit` at a time. Resolves with the
 * values in order. It takes the next item when there is room for another task, and closes the iterator on failure.
 *
 * Rejects as `gather` does. A failure of the iterator counts as that of a task.
 *
 * @param options - `limit`: a positive integer, or `Infinity`
 * @example
 * ```ts
 * const pages = await mapConcurrent(urls, (url) => download(url), { limit: 8 })
 * ```
 */
declare function mapConcurrent<I, T>(
  items: Iterable<I> | AsyncIterable<I>,
  fn: (item: I, index: number) => T | PromiseLike<T>,
  options: {
    limit: number
  },
): Promise<T[]>
/**
 * Runs the functions as tasks until the first one finishes or fails. Then it cancels the others, waits for them, and
 * settles as the first one did: with its value, or with its error itself. Errors that the others throw while they clean
 * up go to the diagnostics channel `structio:suppressed-error`.
 *
 * @throws RangeError for an empty list
 * @example
 * ```ts
 * const answer = await raceTasks([() => ask('replica-1'), () => ask('replica-2')])
 * ```
 */
declare function raceTasks<const F extends readonly Job<unknown>[]>(fns: F): Promise<Awaited<ReturnType<F[number]>>>

/** When and how often a failed child is restarted. */
interface RestartOptions {
  /**
   * How many restarts in a row a child gets: an integer (0 is none) or `Infinity`. Default 10. A run that lasts
   * `resetAfter` starts the count again.
   */
  attempts?: number | undefined
  /**
   * Milliseconds before a restart, at least 1. A number is the wait after the first failure, and doubles with each
   * further one in a row, up to 30,000 (or the number itself, if that is more). A function gets the number of failures
   * in a row, from 1, and returns the wait. Default 100.
   */
  backoff?: number | ((failures: number) => number) | undefined
  /** Milliseconds: after a run that lasted this long, a failure counts as the first one again. Default 60,000. */
  resetAfter?: number | undefined
}
/** Options of `createSupervisor`. */
interface SupervisorOptions extends TaskGroupOptions {
  /**
   * Called in the child's task with each error that a child throws. A promise that it returns is awaited before the
   * restart. An error that it throws fails the supervisor: all children are cancelled, and the call of
   * `createSupervisor` rejects. So throw an error on to make it fatal.
   */
  onError: (error: unknown, failure: ChildFailure) => unknown
  /** When and how often a failed child is restarted. Default: never. */
  restart?: RestartOptions | undefined
}
/** The second argument of `onError`. A frozen record. */
interface ChildFailure {
  /** The child. */
  readonly task: TaskInfo
  /** Failures in a row, with this one. */
  readonly failures: number
  /** Milliseconds until the restart; `undefined` without a restart: the limit is reached, or the child is cancelled. */
  readonly restartIn: number | undefined
}
/** A set of tasks that fail independently of each other. `createSupervisor` makes one. */
declare class Supervisor {
  #private
  /**
   * The scope of the supervisor, with its body and all children: to cancel it, to shield it, or to give it a deadline.
   */
  get cancelScope(): CancelScope
  /**
   * Starts `fn(...args)` as a child and returns at once: `fn` is called later, never inside this call. Works from any
   * task and any callback of the thread.
   *
   * The handle stays the same through all restarts. `cancel()` ends the child for good. `value()` resolves with the
   * result of the last run, or rejects with `TaskFailed` after a failure without a restart.
   *
   * @throws UsageError when the supervisor has ended; the function is then not called
   */
  spawn<A extends unknown[], T>(fn: (...args: A) => T | PromiseLike<T>, ...args: A): TaskHandle<T>
  spawn<A extends unknown[], T>(options: TaskOptions, fn: (...args: A) => T | PromiseLike<T>, ...args: A): TaskHandle<T>
}
/** A function that runs together with the children. */
type SupervisorBody = (supervisor: Supervisor) => unknown
/**
 * Runs `body` with a supervisor, and waits for every child that is spawned into it. The error of a failing child goes
 * to `onError`, and its siblings go on. With `restart`, the child is restarted after a delay. A child that returns has
 * finished.
 *
 * Resolves with the value of the body, or with `undefined` when the supervisor was cancelled and its body with it.
 *
 * @throws ExceptionGroup when the body fails or `onError` throws: all children are cancelled, as in a task group
 * @example
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
  /**
   * How many times the function is called at most, the first time included: a positive integer, or `Infinity`. Default
   * 5.
   */
  attempts?: number | undefined
  /**
   * Milliseconds to wait before the second attempt. Later waits grow exponentially, up to 30 seconds (or `backoff`,
   * where that is more). Default 100.
   *
   * Or a function that returns the milliseconds to wait after attempt 1, 2, … has failed with `error`.
   */
  backoff?: number | ((attempt: number, error: unknown) => number) | undefined
  /**
   * Whether waits are random, so that callers that failed together do not retry together. Default: true if `backoff` is
   * a number, false if it is a function. With a number ("decorrelated jitter"), each wait lies between `backoff` and
   * three times the wait before. With a function, each wait lies between 0 and its result. On `virtual` the random
   * numbers come from the seed.
   */
  jitter?: boolean | undefined
  /** Whether to try again after this error. Default: after every error. An error that it throws ends the retry. */
  retryIf?: ((error: unknown, attempt: number) => boolean | PromiseLike<boolean>) | undefined
  /**
   * Called, and awaited, before each wait of `delay` milliseconds: to log or to reconnect. An error that it throws ends
   * the retry.
   */
  onRetry?: ((error: unknown, attempt: number, delay: number) => unknown) | undefined
}
/**
 * Calls `fn` until it succeeds, with growing waits between the attempts, and resolves with its value. When all attempts
 * have failed, it rejects with the last error itself; `retryErrors(error)` gives the earlier ones.
 *
 * A cancelled attempt is never repeated, and neither is one that fails while its scope is cancelled. Operations that an
 * attempt began and did not await are cancelled when it ends, and have ended before the next attempt begins.
 *
 * @param fn - gets the number of the attempt, from 1
 * @throws RangeError for `attempts` or a `backoff` that is out of range, also if the function `backoff` returns it
 * @example
 * ```ts
 * // At most 5 seconds for each attempt, at most a minute for all of them:
 * await failAfter(60_000, () => retry({ attempts: 10 }, () => failAfter(5000, () => load(url))))
 * ```
 */
declare function retry<T>(fn: (attempt: number) => T | PromiseLike<T>): Promise<T>
declare function retry<T>(options: RetryOptions, fn: (attempt: number) => T | PromiseLike<T>): Promise<T>
/**
 * The errors of the earlier attempts, oldest first, for the error that a `retry` rejected with; at most the latest 100.
 * Empty for every other error, and for a value that is no object.
 */
declare function retryErrors(error: unknown): readonly unknown[]

/** Options of `every` and `ticks`. */
interface EveryOptions {
  /** Whether the first call comes at once, and not after one interval. Default false. */
  immediate?: boolean | undefined
  /**
   * What to do about times that passed while a call was still running: leave them out (`'skip'`, the default), or make
   * the missed calls one right after another (`'catch-up'`).
   */
  missed?: 'skip' | 'catch-up' | undefined
}
/**
 * Calls `fn` every `intervalMs` milliseconds, first after one interval. It goes on until it is cancelled, or until `fn`
 * fails: then it rejects with that error. Calls never overlap.
 *
 * @param fn - gets the number of intervals since the start; a gap in the numbers shows skipped calls
 * @throws RangeError when `intervalMs` is not positive
 * @example
 * ```ts
 * tg.spawn(() => every(60_000, { immediate: true }, () => refreshPrices()))
 * ```
 */
declare function every(intervalMs: number, fn: (tick: number) => unknown): Promise<void>
declare function every(intervalMs: number, options: EveryOptions, fn: (tick: number) => unknown): Promise<void>
/**
 * An endless async iterable for loops that repeat at fixed times: each step waits until the next multiple of
 * `intervalMs` milliseconds, and gives the number of intervals since the loop began. After a cancelled `next()` another
 * one may follow. A second `next()` while one waits rejects with `ResourceBusyError`.
 *
 * @throws RangeError when `intervalMs` is not positive
 * @example
 * ```ts
 * for await (const _ of ticks(1000)) console.log(await load())
 * ```
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

/**
 * The result of `acquire`: release it, or hold it with `using`. It may be released anywhere, and a second release does
 * nothing.
 */
interface Grant extends Disposable, AsyncDisposable {
  /** Gives the place, lock or token back. A second call does nothing. */
  release(): void
}

/** A snapshot of a capacity limiter, frozen. */
interface CapacityLimiterStatistics {
  /** Tokens that are borrowed now. */
  readonly borrowedTokens: number
  /** All tokens; `Infinity` for no limit. */
  readonly totalTokens: number
  /** In the order of borrowing: tasks (also those inside a `use`) as `TaskInfo`, other borrowers as they were given. */
  readonly borrowers: readonly unknown[]
  /** Tasks that wait for a token. */
  readonly tasksWaiting: number
}
/**
 * Makes a limiter of concurrency: at most `totalTokens` borrowers have a token at a time. It differs from a semaphore:
 * each token has a known borrower, and the total can be changed.
 *
 * @example
 * ```ts
 * const limiter = createCapacityLimiter(4)
 * const pages = await Promise.all(urls.map((url) => limiter.use(() => load(url))))
 * ```
 *
 * @param totalTokens - 0 or more; `Infinity` is no limit
 * @throws RangeError if `totalTokens` is negative or no integer
 */
declare function createCapacityLimiter(totalTokens: number): CapacityLimiter
/** Lends tokens to tasks and other borrowers; made by `createCapacityLimiter`. */
declare class CapacityLimiter {
  #private
  /**
   * Waits for a token, which the running task then has.
   *
   * @throws UsageError if the task has a token or waits for one already, or inside a `use` of this limiter
   */
  acquire(): Promise<Grant>
  /** Takes a token without waiting. @throws WouldBlock if none is free; UsageError if the task has one already */
  acquireNowait(): Grant
  /**
   * Waits for a token for `borrower`, any value that identifies it. @throws UsageError if `borrower` has one already
   */
  acquireOnBehalfOf(borrower: unknown): Promise<Grant>
  /**
   * Takes a token for `borrower` without waiting. Works anywhere. @throws WouldBlock if none is free; UsageError as
   * above
   */
  acquireOnBehalfOfNowait(borrower: unknown): Grant
  /** Gives the running task's token back. @throws UsageError if it has none */
  release(): void
  /** Gives the token of `borrower` back. Works anywhere. @throws UsageError if it has none */
  releaseOnBehalfOf(borrower: unknown): void
  /** Number of free tokens; negative if the total was lowered below the number of borrowed tokens. */
  get availableTokens(): number
  /** Number of borrowed tokens. */
  get borrowedTokens(): number
  /** Number of all tokens. Raising it serves waiters; lowering it leaves borrowed tokens with their borrowers. */
  get totalTokens(): number
  set totalTokens(total: number)
  /**
   * Waits for a token, runs `body`, and gives the token back when `body` settles. The token belongs to this call, not
   * to the task: ten calls in one `Promise.all` take turns. Calls that `body` has begun and not awaited go on without a
   * token: await them, or run them in a task group inside `body`.
   *
   * @throws UsageError inside another `use` of this limiter, or if the task has a token already
   */
  use<T>(body: () => T | PromiseLike<T>): Promise<T>
  /** The borrowers, and the number of waiting tasks. */
  statistics(): CapacityLimiterStatistics
}

/** A function of the host that a thread calls by name. Its arguments and value are copied. */
type ExposedFunction = (...args: never[]) => unknown

/**
 * A value that can be moved to a thread. Derived, because its name differs between versions of @types/node:
 * `TransferListItem` is gone in 26, `Transferable` is new in 20.19.
 */
type Transferable = NonNullable<Parameters<Worker['postMessage']>[1]>[number]

declare const signature: unique symbol
/** An export of a module as a task for `runInThread` or `runInProcess`; `threadTask` makes one. */
interface ThreadTask<A extends unknown[] = unknown[], T = unknown> {
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
declare function threadTask<F extends AnyFunction = (...args: unknown[]) => unknown>(
  url: URL | string,
  name?: string,
): ThreadTask<Parameters<F>, Awaited<ReturnType<F>>>

/** Gives a thread access to a portal. Pass it as `workerData` or in a message; it is plain data. */
interface PortalHandle {}

/** A portal in a thread that uses it; `BlockingPortal.attach` makes one. */
interface AttachedPortal {
  /**
   * Calls an exposed function and blocks this thread until it has ended. Returns its value, or throws its error.
   *
   * @throws ClosedResourceError if the portal is closed, also while this waits; RunFinishedError if its run has ended;
   * UsageError on an event-loop thread
   */
  call<T = unknown>(name: string, ...args: unknown[]): T
  /** Starts an exposed function and returns at once. Throws as `call` does. */
  startTaskSoon<T = unknown>(name: string, ...args: unknown[]): PortalTask<T>
}
/** A function that was started through a portal. */
interface PortalTask<T = unknown> {
  /**
   * Blocks this thread until the function has ended. Returns or throws as `call`; throws `TaskCancelled` after
   * `cancel`.
   */
  result(): T
  /** Cancels the function. Does not wait for its end. */
  cancel(): void
}

/** Options of `createBlockingPortal`. */
interface BlockingPortalOptions {
  /** The functions that threads may call, by name. */
  expose: Readonly<Record<string, ExposedFunction>>
}
/**
 * Opens a portal: threads that the library did not start, such as your own `Worker`s, can call functions of this
 * thread. Pass `portal.handle` to the thread and call `BlockingPortal.attach(handle)` there. The functions run in the
 * task and scope in which the portal was made. Close it when it is no longer needed.
 *
 * @example
 * ```ts
 * await using portal = await createBlockingPortal({ expose: { load: (id: number) => database.load(id) } })
 * const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: portal.handle })
 * await abandonOnCancel(once(worker, 'exit'))
 *
 * // worker.js
 * const row = BlockingPortal.attach(workerData).call('load', 7) // blocks the worker
 * ```
 */
declare function createBlockingPortal(options: BlockingPortalOptions): Promise<BlockingPortal>
/** A portal into a run, made by `createBlockingPortal`. */
declare class BlockingPortal {
  #private
  /** Gives threads access to this portal. It can be sent to any number of threads. */
  get handle(): PortalHandle
  /** Call it in a thread with the handle of a portal, to use that portal. @throws TypeError if `handle` is no handle */
  static attach(handle: PortalHandle): AttachedPortal
  /**
   * Closes the portal: running functions are cancelled and awaited. Their threads, and later calls, get a
   * `ClosedResourceError`. Never raises a cancellation: the next checkpoint does. Idempotent.
   */
  close(): Promise<void>
  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Calls a function of the host from inside a `runInThread` function: one that the call's option `expose` names. Blocks
 * this thread until the function has ended, and returns its value; the host's event loop goes on. The function runs
 * under the scope of the caller of `runInThread`.
 *
 * @example
 * ```ts
 * await runInThread({ expose: { load: (id: number) => database.load(id) } }, () => {
 *   const row = runAsyncFromThread<Row>('load', 7)
 *   return crunch(row)
 * })
 * ```
 *
 * @param name - the key in `expose`
 * @param args - values that can be cloned
 * @throws the error of the function, also its `Cancelled`; UsageError on the event-loop thread, which must never block;
 * NotRunningError in a thread that the library did not start; RunFinishedError in an abandoned thread whose run has
 * settled
 */
declare function runAsyncFromThread<T = unknown>(name: string, ...args: unknown[]): T
/** What code inside `runInThread` can ask about its caller. */
declare const fromThread: {
  /**
   * Throws `Cancelled` if the caller of `runInThread` is cancelled (shields count as for any checkpoint). It reads one
   * word of shared memory: call it in a computation as often as you like.
   */
  checkCancelled(): void
}

/** Options of `runInThread`. */
interface RunInThreadOptions {
  /** Bounds how many threads work at once: the call holds one token. Default: `currentDefaultThreadLimiter()`. */
  limiter?: CapacityLimiter | undefined
  /**
   * Whether a cancelled caller goes on at once, while the function runs on: its result is dropped, and the token comes
   * back when the thread is done. Default false: the caller waits until the function has ended.
   */
  abandonOnCancel?: boolean | undefined
  /**
   * Whether a cancellation terminates the thread in the middle of the function. `finally` blocks do not run, and
   * half-done changes of shared memory stay. The caller goes on once the thread has ended, with the value of the
   * function if that had returned before. Native code cannot be interrupted: the thread ends when it returns. The next
   * call starts a new thread (some 10 to 50 ms). Default false. Excludes `abandonOnCancel`.
   */
  terminateOnCancel?: boolean | undefined
  /** Functions of this thread that the function may call by name, with `runAsyncFromThread`. */
  expose?: Readonly<Record<string, ExposedFunction>> | undefined
  /**
   * Parts of the arguments that are moved to the thread instead of copied: array buffers, message ports. The memory of
   * bytes that the library has received or read cannot be moved, because other buffers share it: Node 22 and later
   * refuse it with a `DataCloneError`, Node 20 copies it. `Uint8Array.from(bytes)` has memory of its own.
   */
  transfer?: readonly Transferable[] | undefined
  /** Name in dumps. Default: the function's name. */
  name?: string | undefined
}
/** A task for a thread: a function that closes over nothing, or a `threadTask`. */
type ThreadFunction<A extends unknown[], T> = ((...args: A) => T | PromiseLike<T>) | ThreadTask<A, T>
/**
 * Runs `task(...args)` in a thread, so that it does not block the event loop, and resolves with its value. If it
 * returns a promise, the thread awaits it.
 *
 * `task` is `threadTask(url, name)`, or a function that closes over nothing: the thread gets its source. Arguments and
 * value are copied as by `structuredClone`, except what `transfer` names. Threads are reused, and never keep the
 * process alive by themselves.
 *
 * A caller that is cancelled before the function runs leaves at once. Later the caller waits for the function and gets
 * its value or error (THREAD-1); `abandonOnCancel` and `terminateOnCancel` change that. The function can check for a
 * cancellation with `fromThread.checkCancelled()`.
 *
 * @example
 * ```ts
 * const hash = await runInThread((text: string) => {
 *   const { createHash } = process.getBuiltinModule('node:crypto')
 *   return createHash('sha256').update(text).digest('hex')
 * }, text)
 * ```
 *
 * @throws the error of the function, with class name, message, stack and own fields; `DataCloneError` for a value that
 * cannot be sent; BrokenResourceError if the thread dies; UsageError if the function closes over a name, or if all
 * tokens of the limiter wait for such a call
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
 * The limiter of `runInThread` calls without the option `limiter`. It has `os.availableParallelism()` tokens; set its
 * `totalTokens` to change that. It bounds threads only, not file work and look-ups, and belongs to this JavaScript
 * thread.
 */
declare function currentDefaultThreadLimiter(): CapacityLimiter

/** Options of `runInProcess`. */
interface RunInProcessOptions {
  /** Whether a cancelled caller goes on at once. Default false: once the killed process is gone. */
  abandonOnCancel?: boolean | undefined
  /**
   * Bounds how many processes run at once: a call holds one token while its process lives. Default: one per processor.
   */
  limiter?: CapacityLimiter | undefined
}
/**
 * Runs `task(...args)` in a child process, and resolves with its value. The process is **killed when the caller is
 * cancelled**: use it for code that may crash, leak memory, or has to be stopped in the middle.
 *
 * `task` is `threadTask(url, name)` or a function that closes over nothing, as for `runInThread`. Arguments and the
 * value are copied. An error of the function keeps its class name, message, stack and fields. Each call starts a
 * process, with the command-line options of this one.
 *
 * @example
 * ```ts
 * const primes = await moveOnAfter(1000, () =>
 *   runInProcess((limit: number) => {
 *     const found: number[] = []
 *     for (let n = 2; n < limit; n++) if (found.every((p) => n % p !== 0)) found.push(n)
 *     return found
 *   }, 100_000),
 * )
 * ```
 *
 * @throws BrokenResourceError if the process ends before the function has returned; `DataCloneError` for a value that
 * cannot be copied
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
 * An open file, made by `aopen`. Iterate it for its lines.
 *
 * In text mode `D` is `string` and sizes count characters (code points); in binary mode `D` is `Buffer` and sizes count
 * bytes. At the end of the file a read gives an empty value. Calls on one file run in the order in which they are made,
 * also from different tasks (FILE-1).
 *
 * A call that is cancelled while the system works for it waits for the system. Then it gives its value, if that is
 * complete, or throws `Cancelled` without moving the position: the next read gets the same data (FILE-2).
 *
 * @example
 * ```ts
 * await using file = await aopen('notes.txt', 'r+')
 * const first = await file.readline()
 * await file.seek(0, 2)
 * await file.write(`again: ${first}`)
 * ```
 */
declare class AsyncFile<D extends string | Buffer = string | Buffer> implements AsyncIterable<D>, AsyncDisposable {
  #private
  /** The path or descriptor that it was opened with. */
  get name(): string | Buffer | number
  /** The mode that was given to `aopen`. */
  get mode(): string
  /** Whether `close` has been called. */
  get closed(): boolean
  /** The file descriptor. On `native`, its position is where the file has been read to or flushed. */
  get fd(): number
  /** Whether the mode allows reading. */
  readable(): boolean
  /** Whether the mode allows writing. */
  writable(): boolean
  /** Whether `seek`, `tell` and `truncate` work: not with a pipe, nor with a terminal. */
  seekable(): boolean
  /** Reads `size` characters or bytes, fewer only at the end. Without `size`, or with -1, reads to the end. */
  read(size?: number): Promise<D>
  /**
   * Binary: reads up to `size` bytes with at most one system call: buffered bytes, or those that come first.
   *
   * @throws UnsupportedError in text mode
   */
  read1(size?: number): Promise<D>
  /** Reads one line with its ending, or `limit` characters or bytes of it. Empty at the end of the file. */
  readline(limit?: number): Promise<D>
  /**
   * Reads all lines with their endings; with `hint`, lines until they have more than `hint` characters or bytes
   * together.
   */
  readlines(hint?: number | null): Promise<D[]>
  /**
   * Binary: reads into `view`, and resolves with the number of bytes: fewer than its length only at the end, 0 at the
   * end.
   *
   * @throws UnsupportedError in text mode
   */
  readinto(view: Uint8Array): Promise<number>
  /** As `readinto`, with at most one system call. */
  readinto1(view: Uint8Array): Promise<number>
  /**
   * Writes all of `data`, and resolves with the number of characters or bytes. Small data stays in the file's buffer
   * until `flush` or `close`.
   */
  write(data: D extends string ? string : Uint8Array): Promise<number>
  /** Writes the items of `list` one after another, without separators. */
  writelines(list: Iterable<D extends string ? string : Uint8Array>): Promise<void>
  /** Cuts the file, or extends it with zeros, to `size` bytes (default: the position). Resolves with the new size. */
  truncate(size?: number | null): Promise<number>
  /**
   * Moves the position to `offset` from the beginning (`whence` 0), from the position (1), or from the end (2).
   * Resolves with the new position. In text mode `offset` must be 0 or a value of `tell`.
   */
  seek(offset: number, whence?: number): Promise<number>
  /** The position in bytes; in text mode an opaque number for `seek`. */
  tell(): Promise<number>
  /** Hands buffered writes to the system. */
  flush(): Promise<void>
  /**
   * Flushes and closes the file, behind all earlier calls (FILE-3). The file is closed also in a cancelled scope, and
   * also if the flush fails; then the error comes out. Never raises a cancellation: the next checkpoint does.
   * Idempotent.
   */
  close(): Promise<void>
  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void>
  /** Iterates over the lines with their endings, from the position on. */
  [Symbol.asyncIterator](): AsyncIterableIterator<D>
}

/** The letter of a mode that says how the file is opened. */
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

/** A value that paths can be made of. */
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
  /** Whether the last pieces match a relative pattern (`'*.txt'`, `'src/?.ts'`), or the whole path an absolute one. */
  match(pattern: string): boolean
  /** Whether `other` is a path with the same pieces. */
  equals(other: unknown): boolean
  /** With forward slashes. */
  asPosix(): string
  /** As a `file:` URL. @throws RangeError for a relative path */
  asUri(): string
  /** The path as text, for system calls. */
  toString(): string
  /** The path as text, for `JSON.stringify`. */
  toJSON(): string
}

/** How text is read and written by `Path.readText` and `Path.writeText`; as for `aopen`. */
type TextOptions = Pick<OpenOptions, 'encoding' | 'errors' | 'newline'>

/**
 * An immutable path of the file system, with methods to take it apart and to work with the file or folder at it. It has
 * the methods of Python's `pathlib`; those that ask the system are asynchronous.
 *
 * @example
 * ```ts
 * const folder = new Path('reports')
 * await folder.mkdir({ parents: true, existOk: true })
 * for await (const path of folder.glob('*.txt')) console.log(path.name, (await path.readText()).length)
 * ```
 *
 * Errors are the system's (`ENOENT`, `EEXIST`…), as in node:fs. A cancellation does not interrupt a call that has
 * begun: it takes effect and gives its value.
 */
declare class Path extends PurePath {
  #private
  /** Joins the segments; an absolute one replaces those before it. Without segments: the working directory. */
  constructor(...segments: PathSegment[])
  /** The working directory. */
  static cwd(): Path
  /** The user's home folder. */
  static home(): Path
  /** The path without its last name. A root and the empty path are their own parents. */
  get parent(): Path
  /** The parent, its parent, and so on. */
  get parents(): readonly Path[]
  /** Appends segments; an absolute one replaces all before it. */
  joinpath(...segments: PathSegment[]): Path
  /** Replaces the last name. @throws RangeError if the path has none, or `name` is no single name */
  withName(name: string): Path
  /** Replaces the last name without its suffix. */
  withStem(stem: string): Path
  /** Replaces the last suffix; `''` removes it. */
  withSuffix(suffix: string): Path
  /** The path from `other` to this one. @throws RangeError unless this path is below `other` */
  relativeTo(other: PathSegment): Path
  /** The absolute path, with `..` and symbolic links kept. */
  absolute(): Promise<Path>
  /** Replaces a leading `~` by the home folder. */
  expanduser(): Promise<Path>
  /**
   * The absolute path, with `..` and symbolic links resolved. A missing rest of the path is kept as it is.
   *
   * @throws ENOENT with `strict` if a part is missing
   */
  resolve(options?: ResolveOptions): Promise<Path>
  /** The status of the file or folder, symbolic links followed. */
  stat(options?: LinkOptions): Promise<Stats>
  /** As `stat`, but of a symbolic link itself. */
  lstat(): Promise<Stats>
  /** Whether the path exists. False for a symbolic link without a target. */
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
  /** Reads the whole file. */
  readBytes(): Promise<Buffer>
  /** Reads the whole file as text. */
  readText(options?: TextOptions): Promise<string>
  /** Creates or replaces the file with `data`. Resolves with the number of bytes. */
  writeBytes(data: Uint8Array): Promise<number>
  /** Creates or replaces the file with `text`. Resolves with the number of characters. */
  writeText(text: string, options?: TextOptions): Promise<number>
  /**
   * Makes a folder.
   *
   * @param options - `parents`: makes missing parents; `existOk`: an existing folder is no error
   */
  mkdir(options?: MkdirOptions): Promise<void>
  /** Removes an empty folder. */
  rmdir(): Promise<void>
  /** Removes a file or a symbolic link. */
  unlink(options?: UnlinkOptions): Promise<void>
  /** Renames to `target`, replacing an existing file. Resolves with the new path. */
  rename(target: PathSegment): Promise<Path>
  /** Renames to `target`, replacing an existing file on every platform. Resolves with the new path. */
  replace(target: PathSegment): Promise<Path>
  /** Copies a file, or a folder with its content, to `target`. Resolves with the new path. */
  copy(target: PathSegment, options?: LinkOptions): Promise<Path>
  /** As `copy`, into a folder. */
  copyInto(folder: PathSegment, options?: LinkOptions): Promise<Path>
  /** As `rename`, also to another file system: then it copies and removes. */
  move(target: PathSegment): Promise<Path>
  /** As `move`, into a folder. */
  moveInto(folder: PathSegment): Promise<Path>
  /** The target of a symbolic link. */
  readlink(): Promise<Path>
  /** Makes this path a symbolic link to `target`. On Windows, say whether that is a folder (`targetIsDirectory`). */
  symlinkTo(target: PathSegment, options?: SymlinkOptions): Promise<void>
  /** Makes this path a hard link to `target`. */
  hardlinkTo(target: PathSegment): Promise<void>
  /** Sets the permissions. */
  chmod(mode: number): Promise<void>
  /** Creates the file, or sets its times to now. @throws EEXIST with `existOk: false` if it exists */
  touch(options?: TouchOptions): Promise<void>
  /** Iterates over the entries of the folder, in no particular order. */
  iterdir(): AsyncIterableIterator<Path>
  /** Iterates over the matches of a relative pattern: `'*.ts'`, `'*\/[a-c]?.md'`; `'**'` is any number of folders. */
  glob(pattern: string): AsyncIterableIterator<Path>
  /** As `glob`, in this folder and all folders below. */
  rglob(pattern: string): AsyncIterableIterator<Path>
  /**
   * Iterates over the folder and all folders below it: `[path, names of folders, names of others]`. Folders that you
   * remove from the list of names are not visited (with `topDown`, the default).
   */
  walk(options?: WalkingOptions): AsyncIterableIterator<Walked>
}

/** Opens a file and returns its descriptor, instead of the library. */
type Opener = (path: string, flags: number) => number | PromiseLike<number>

/** Options of `aopen`. */
interface OpenOptions {
  /** Text: `'utf-8'` (default), `'utf-8-sig'`, `'utf-16'`, `'utf-16-le'`, `'utf-16-be'`, `'latin1'` or `'ascii'`. */
  encoding?: string | undefined
  /**
   * Text: how to treat bytes that are no characters, and characters that the encoding does not have. `'strict'`
   * (default) throws, `'replace'` puts a replacement character, `'ignore'` leaves them out.
   */
  errors?: 'strict' | 'replace' | 'ignore' | undefined
  /**
   * Text: `null` (default) reads `\n`, `\r` and `\r\n` as `\n`, and writes `\n` as the system's newline. `''` ends
   * lines at the same three and does not translate them. With `'\n'`, `'\r'` or `'\r\n'` only that ends a line, and
   * `\n` is written as that.
   */
  newline?: '' | '\n' | '\r' | '\r\n' | null | undefined
  /** Size of the buffer in bytes. 0 (binary only): no buffer. 1 in text mode: writes each line at once. */
  bufferSize?: number | undefined
  /** Whether `close` closes a descriptor that was given. Default true. */
  closefd?: boolean | undefined
  /** Opens the file: called with the path and the system's flags, returns a descriptor that the file then owns. */
  opener?: Opener | undefined
}
/**
 * Opens a file, and resolves with an `AsyncFile` to read, write and iterate. Text mode gives strings, binary mode
 * Buffers.
 *
 * @example
 * ```ts
 * await using file = await aopen('server.log')
 * for await (const line of file) console.log(line.trimEnd())
 * ```
 *
 * @param file - a path, or an open file descriptor
 * @param mode - `'r'` (reads; default), `'w'` (creates or empties), `'a'` (appends) or `'x'` (creates, and fails with
 * `EEXIST` if the file exists); add `'+'` to read and write, and `'b'` for `Buffer`s instead of text
 * @throws the system error: `ENOENT`, `EACCES`, `EISDIR` for a directory
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

/** Options of all temporary files and folders. */
interface TemporaryOptions {
  /** Start of the name. Default `'tmp'`. */
  prefix?: string | undefined
  /** End of the name. Default none. */
  suffix?: string | undefined
  /** The parent folder. Default: the system's folder for temporary files. */
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
  /** Whether errors of the removal are ignored. Default false. */
  ignoreCleanupErrors?: boolean | undefined
}
/**
 * Opens a temporary file without a name: no other process can open it, and it is gone when it is closed.
 *
 * @param mode - as for `aopen`; default `'w+b'`
 */
declare function TemporaryFile(mode: TextMode, options?: TemporaryFileOptions): Promise<AsyncFile<string>>
declare function TemporaryFile(mode?: BinaryMode, options?: TemporaryFileOptions): Promise<AsyncFile<Buffer>>
/** Opens a temporary file with a name (`file.name`), by which other processes can open it until it is closed. */
declare function NamedTemporaryFile(mode: TextMode, options?: NamedTemporaryFileOptions): Promise<AsyncFile<string>>
declare function NamedTemporaryFile(mode?: BinaryMode, options?: NamedTemporaryFileOptions): Promise<AsyncFile<Buffer>>
/**
 * Makes a temporary folder. Closing it removes it with everything in it.
 *
 * @example
 * ```ts
 * await using folder = await TemporaryDirectory({ prefix: 'build-' })
 * await folder.path.joinpath('out.txt').writeText('hello')
 * ```
 */
declare function TemporaryDirectory(options?: TemporaryDirectoryOptions): Promise<TemporaryDirectory>
/** A temporary folder, made by `TemporaryDirectory()`. */
interface TemporaryDirectory extends AsyncDisposable {
  /** Its path as a string. */
  readonly name: string
  /** Its path as a `Path`. */
  readonly path: Path
  /**
   * Removes the folder, also in a cancelled scope. Never raises a cancellation: the next checkpoint does. Idempotent.
   */
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
  /** Upper bound of `value`. A release above it is a `UsageError`. Default: no bound. */
  maxValue?: number | undefined
}
/** A snapshot of a semaphore, frozen. */
interface SemaphoreStatistics {
  /** Tasks that wait for a place. */
  readonly tasksWaiting: number
}
/**
 * Makes a semaphore with `value` places: at most that many calls hold one at a time.
 *
 * @example
 * ```ts
 * const semaphore = createSemaphore(10)
 * const download = (url: string) => semaphore.use(() => fetch(url))
 * ```
 *
 * @param value - the number of free places at the start
 * @throws RangeError when `value` is negative or above `maxValue`
 */
declare function createSemaphore(value: number, options?: SemaphoreOptions): Semaphore
/**
 * A counter of places, made by `createSemaphore`. It has no owner: one task may give back a place that another has
 * taken.
 */
declare class Semaphore {
  #private
  /** Upper bound of `value`; `undefined` is no bound. */
  readonly maxValue: number | undefined
  /** Number of free places. 0 while a task waits. */
  get value(): number
  /** Whether no place is free. */
  locked(): boolean
  /** Waits for a place, first come, first served. @throws UsageError inside a `use` of this semaphore */
  acquire(): Promise<Grant>
  /** Takes a place without waiting. Works anywhere. @throws WouldBlock if no place is free */
  acquireNowait(): Grant
  /** Gives a place back, to the first waiter if there is one. Works anywhere. @throws UsageError above `maxValue` */
  release(): void
  /**
   * Waits for a place, runs `body`, and gives the place back when `body` settles. Calls that `body` has begun and not
   * awaited go on without a place: await them, or run them in a task group inside `body`.
   *
   * @throws UsageError inside another `use` of this semaphore
   */
  use<T>(body: () => T | PromiseLike<T>): Promise<T>
  /** The number of waiting tasks. */
  statistics(): SemaphoreStatistics
}

/** A snapshot of a lock, frozen. */
interface LockStatistics {
  /** Whether the lock is held. */
  readonly locked: boolean
  /** The task that holds the lock, by `acquire` or `use`; `undefined` if it is free. */
  readonly owner: TaskInfo | undefined
  /** Tasks that wait for the lock. */
  readonly tasksWaiting: number
}
/**
 * Makes a lock: one holder at a time, first come, first served.
 *
 * @example
 * ```ts
 * const lock = createLock()
 * async function append(line: string) {
 *   await lock.use(async () => {
 *     await file.write(line)
 *     await file.flush()
 *   })
 * }
 * ```
 */
declare function createLock(): Lock
/** A lock, made by `createLock`. `acquire` gives it to the running task, `use` to the one call. */
declare class Lock {
  #private
  /**
   * Waits for the lock, which the running task then owns.
   *
   * @throws UsageError if the task owns the lock or waits for it already; BrokenResourceError if its owner has ended
   * without releasing it
   */
  acquire(): Promise<Grant>
  /** Takes the lock without waiting. @throws WouldBlock if it is not free; otherwise as `acquire` */
  acquireNowait(): Grant
  /** Releases the lock, which goes to the first waiter. @throws UsageError if the running task does not own it */
  release(): void
  /** Whether the lock is held. */
  locked(): boolean
  /**
   * Waits for the lock, runs `body`, and releases the lock when `body` settles. The lock belongs to this call, not to
   * the task: two calls in one `Promise.all` take turns. Calls that `body` has begun and not awaited go on without the
   * lock: await them, or run them in a task group inside `body`.
   *
   * @throws UsageError if the running code holds the lock already; BrokenResourceError as `acquire`
   */
  use<T>(body: () => T | PromiseLike<T>): Promise<T>
  /** The owner, and the number of waiting tasks. */
  statistics(): LockStatistics
}

/** A snapshot of an event, frozen. */
interface EventStatistics {
  /** Tasks that wait for the event. */
  readonly tasksWaiting: number
}
/**
 * Makes an event: a flag that is not set at first. Tasks wait until it is set.
 *
 * @example
 * ```ts
 * const ready = createEvent()
 * tg.spawn(async () => {
 *   await ready.wait()
 *   console.log('go')
 * })
 * ready.set()
 * ```
 */
declare function createEvent(): Event
/** A flag that tasks wait for, made by `createEvent`. `set` and `clear` work anywhere, also in a callback. */
declare class Event {
  #private
  /**
   * Sets the event and wakes all waiters, also a waiter whose scope is cancelled in the same turn (GRANT-4).
   * Idempotent.
   */
  set(): void
  /** Resets the event. */
  clear(): void
  /** Whether the event is set. */
  isSet(): boolean
  /** Waits until the event is set. A waiter is woken by `set` even if `clear` follows at once. */
  wait(): Promise<true>
  /** For `select`: ready while it is set. It takes nothing, and counts in `selectAll` once. */
  [selectable](): SelectSource<true>
  /** The number of waiting tasks. */
  statistics(): EventStatistics
}

/** A snapshot of a condition, frozen. */
interface ConditionStatistics {
  /** Tasks that wait to be notified. Tasks that wait for the lock are in `lockStatistics`. */
  readonly tasksWaiting: number
  /** The statistics of the condition's lock. */
  readonly lockStatistics: LockStatistics
}
/**
 * Makes a condition: tasks wait until another one changes something and notifies them. Waiting and notifying happen
 * under one lock.
 *
 * @example
 * ```ts
 * const condition = createCondition()
 * const jobs: Job[] = []
 * // a consumer
 * const job = await condition.use(async () => {
 *   await condition.waitFor(() => jobs.length > 0)
 *   return jobs.shift()!
 * })
 * // a producer
 * await condition.use(() => {
 *   jobs.push(job)
 *   condition.notify()
 * })
 * ```
 *
 * @param lock - made by `createLock`; by default the condition has a lock of its own
 * @throws TypeError if `lock` is no lock
 */
declare function createCondition(lock?: Lock): Condition
/** A condition over a lock, made by `createCondition`. */
declare class Condition {
  #private
  /** Waits for the lock. @throws UsageError and BrokenResourceError as `Lock.acquire` */
  acquire(): Promise<Grant>
  /** Takes the lock without waiting. @throws WouldBlock if it is not free; otherwise as `acquire` */
  acquireNowait(): Grant
  /** Releases the lock. @throws UsageError if the running task does not own it */
  release(): void
  /** Whether the lock is held. */
  locked(): boolean
  /**
   * Waits for the lock, runs `body`, and releases the lock when `body` settles. Calls that `body` has begun and not
   * awaited go on without the lock: await them, or run them in a task group inside `body`.
   *
   * @throws UsageError if the running code holds the lock already
   */
  use<T>(body: () => T | PromiseLike<T>): Promise<T>
  /** Wakes the first `n` waiters. @throws UsageError if the running code does not hold the lock */
  notify(n?: number): void
  /** Wakes all waiters. @throws UsageError if the running code does not hold the lock */
  notifyAll(): void
  /**
   * Releases the lock, waits to be notified, and takes the lock again before it settles, also when it rejects.
   *
   * @throws UsageError if the running code does not hold the lock, or has released it for good while this waited;
   *   BrokenResourceError if a task that took the lock meanwhile has ended without releasing it
   */
  wait(): Promise<void>
  /**
   * Waits until `predicate` returns a truthy value, and resolves with it. The predicate is called with the lock held:
   * once at the start, and after each notification.
   *
   * @throws UsageError and BrokenResourceError as `wait`, and the error of `predicate`
   */
  waitFor<T>(predicate: () => T): Promise<T>
  /** The number of waiting tasks, and the statistics of the lock. */
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

/** A snapshot of a memory object stream, frozen. */
interface MemoryObjectStreamStatistics {
  /** Items in the buffer. */
  readonly currentBufferUsed: number
  /** Items that the buffer holds before a sender waits, or items are dropped. */
  readonly maxBufferSize: number
  /** Open send ends, with clones. For a broadcast or an emitter: 1, and 0 once it has ended. */
  readonly openSendStreams: number
  /** Open receive ends, with clones. */
  readonly openReceiveStreams: number
  /** Tasks that wait until their item is taken. */
  readonly tasksWaitingSend: number
  /** Tasks that wait for an item. */
  readonly tasksWaitingReceive: number
  /** Items that were dropped because the buffer was full; absent if senders wait instead. */
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
   * What `send` does when the buffer of a subscriber is full:
   *
   * - `'wait'` (default): waits until it has room. The slowest subscriber sets the pace.
   * - `'drop-oldest'`: that subscriber loses its oldest buffered item.
   * - `'drop-newest'`: that subscriber does not get the new item.
   * - `'error'`: that subscriber is cut off. It receives its buffered items, and then `BrokenResourceError`.
   */
  onFull?: 'wait' | 'drop-oldest' | 'drop-newest' | 'error' | undefined
}
/** A snapshot of a broadcast, frozen. */
interface BroadcastStatistics {
  /** Items that the buffer of each subscriber holds. */
  readonly capacity: number
  /** Subscribers that are neither closed nor cut off. */
  readonly subscribers: number
  /** Tasks that wait until every subscriber has room. */
  readonly tasksWaitingSend: number
  /** Items that were lost, over all subscribers. */
  readonly dropped: number
}
/**
 * Makes a broadcast: each item that is sent goes to every subscriber. It belongs to no `run`.
 *
 * @example
 * ```ts
 * const prices = createBroadcast<Price>(100, { onFull: 'drop-oldest' })
 * // in a subscriber
 * using mine = prices.subscribe()
 * for await (const price of mine) show(price)
 * // in the source
 * await prices.send(price)
 * ```
 *
 * @param capacity - how many items the buffer of each subscriber holds: a positive integer, or `Infinity`
 * @throws RangeError if `capacity` is not positive, or `onFull` is unknown
 */
declare function createBroadcast<T>(capacity: number, options?: BroadcastOptions): Broadcast<T>
/** Sends each item to every subscriber; made by `createBroadcast`. */
declare class Broadcast<T> implements Disposable, AsyncDisposable {
  #private
  /**
   * Gives the item to all current subscribers, if there are any. With `'wait'` it first waits until each of them has
   * room. A cancelled send has given the item to none.
   *
   * @throws ClosedResourceError if the broadcast is closed
   */
  send(item: T): Promise<void>
  /**
   * Sends without waiting. Works anywhere.
   *
   * @throws WouldBlock with `'wait'` if a subscriber has no room (then none gets the item); ClosedResourceError as
   * `send`
   */
  sendNowait(item: T): void
  /**
   * Returns a stream of the items that are sent from now on. Close it to unsubscribe: with `'wait'`, a stream that is
   * neither read nor closed blocks every sender. Its clones share one subscription: each item goes to one of them.
   * Works anywhere.
   *
   * @throws ClosedResourceError if the broadcast is closed
   */
  subscribe(): MemoryReceiveStream<T>
  /**
   * Closes the broadcast. A waiting `send` rejects with `ClosedResourceError`, and its item goes to no subscriber.
   * Subscribers receive their buffered items, and then `EndOfStream`. Works anywhere. Idempotent.
   */
  close(): void
  /** The numbers of subscribers, of waiting senders and of lost items. */
  statistics(): BroadcastStatistics
  /** The same as `close()`, for `using`. */
  [Symbol.dispose](): void
  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Options of `fromEmitter`. */
interface FromEmitterOptions {
  /** How many events the buffer holds: a positive integer, or `Infinity`. */
  capacity: number
  /**
   * What an event does when the buffer is full:
   *
   * - `'drop-oldest'`: replaces the oldest buffered event.
   * - `'drop-newest'`: is dropped.
   * - `'error'`: ends the stream with `BrokenResourceError`, behind the buffered events.
   */
  onFull: 'drop-oldest' | 'drop-newest' | 'error'
  /**
   * The event that ends the stream with an error, behind the buffered events. Default: `'error'` for an `EventEmitter`,
   * unless that is `event` or `endEvent`; none for an `EventTarget`. `null`: none.
   */
  errorEvent?: string | symbol | null | undefined
  /** The event that ends the stream, behind the buffered events: `'close'`, `'end'`. Default: none. */
  endEvent?: string | symbol | undefined
}
/** An `EventEmitter` of Node, or an object with its two methods. */
interface EmitterLike {
  /** Adds a listener. */
  on(event: string | symbol, listener: (...args: unknown[]) => void): unknown
  /** Removes a listener. */
  removeListener(event: string | symbol, listener: (...args: unknown[]) => void): unknown
}
/** An `EventTarget`, or an object with its two methods. */
interface EventTargetLike {
  /** Adds a listener. */
  addEventListener(type: string, listener: (event: unknown) => void): void
  /** Removes a listener. */
  removeEventListener(type: string, listener: (event: unknown) => void): void
}
/**
 * Turns the events of an emitter into a stream that you can receive from, or iterate with `for await`. It listens at
 * once, so no event between this call and the first `receive` is missed.
 *
 * With an `EventEmitter`, the item is the argument of the event, an array if there are several, or `undefined` if there
 * is none. With an `EventTarget`, the item is the event object.
 *
 * The listeners are removed when the stream is closed or ends, or when the scope that it was made in ends, which also
 * ends the stream. Outside every run there is no such scope: close the stream.
 *
 * @example
 * ```ts
 * using lines = fromEmitter<string>(readline, 'line', { capacity: 1000, onFull: 'error', endEvent: 'close' })
 * for await (const line of lines) await store(line)
 * ```
 *
 * @param emitter - an `EventEmitter` or an `EventTarget`; an object that is both counts as an `EventEmitter`
 * @throws TypeError for any other `emitter`; RangeError for a `capacity` that is not positive; UsageError in a task or
 * scope that has ended
 */
declare function fromEmitter<T = unknown>(
  emitter: EmitterLike | EventTargetLike,
  event: string | symbol,
  options: FromEmitterOptions,
): MemoryReceiveStream<T>

/**
 * Guards a resource that only one task may use at a time. A second user gets a `ResourceBusyError` instead of waiting:
 * two tasks that read from one stream, for example, are a mistake in the program.
 *
 * @example
 * ```ts
 * class Reader {
 *   readonly #guard = new ResourceGuard('reading from')
 *   read(): Promise<string> {
 *     return this.#guard.use(() => this.#readNext())
 *   }
 * }
 * ```
 */
declare class ResourceGuard {
  #private
  /** @param action - the use, as the error message names it: `'reading from'`. Default `'using'` */
  constructor(action?: string)
  /**
   * Starts to use the resource, until the result is disposed: `using guarded = guard.enter()`. Works anywhere.
   *
   * @throws ResourceBusyError while the resource is in use
   */
  enter(): Disposable
  /**
   * Runs `body`; the resource is in use until `body` settles. Calls that `body` has begun and not awaited are not
   * guarded from then on: await them, or run them in a task group inside `body`.
   *
   * @throws ResourceBusyError while the resource is in use; Cancelled, before anything else, in a cancelled scope
   */
  use<T>(body: () => T | PromiseLike<T>): Promise<T>
}

/**
 * Options of `createPool`.
 *
 * @typeParam T - the type of the items
 */
interface PoolOptions<T> {
  /**
   * Makes an item, in a task of its own. If the caller has left meanwhile, the item goes to the next one. Give it a
   * time limit if it may hang (`failAfter`): until it settles, it counts towards `max`.
   */
  create: () => T | PromiseLike<T>
  /** Closes an item. Shielded, for at most 5,000 ms. Its errors go to the channel `structio:suppressed-error`. */
  destroy: (item: T) => unknown
  /** Whether an item whose body failed or was cancelled can be used again. Default: such items are destroyed. */
  validate?: ((item: T) => boolean | PromiseLike<boolean>) | undefined
  /** Maximum number of items: an integer of at least 1, or `Infinity`. */
  max: number
  /** Milliseconds after which an unused item is destroyed. Default `Infinity`: when the pool is closed. */
  idleTimeout?: number | undefined
  /** Name in dumps and warnings. */
  name?: string | undefined
}
/** A snapshot of a pool, frozen. */
interface PoolStatistics {
  /** The option `max`. */
  readonly max: number
  /** Items that exist or are being created: the sum of the next four. */
  readonly size: number
  /** Items that are lent to a call. */
  readonly borrowed: number
  /** Unused items. */
  readonly idle: number
  /** Items that are being created. */
  readonly creating: number
  /** Items that are being validated or destroyed. */
  readonly closing: number
  /** Calls that wait for an item. */
  readonly tasksWaiting: number
}
/**
 * Makes a pool: it lends each of its items to one call at a time, and keeps it for the next.
 *
 * A pool belongs to the run of the running task. Other runs cannot use it. A pool that is left open is closed with its
 * run, with a process warning.
 *
 * @example
 * ```ts
 * await using pool = createPool({ create: () => connectTcp('db', 5432), destroy: (db) => db.close(), max: 10 })
 * await pool.use((db) => db.sendAll('hello'))
 * ```
 *
 * @throws NotRunningError outside every `run`
 */
declare function createPool<T>(options: PoolOptions<T>): Pool<T>
/** Lends each of its items to one call at a time; made by `createPool`. */
declare class Pool<T> implements AsyncDisposable {
  #private
  /**
   * Runs `body` with an item, which no other call gets until `body` has settled. It is the idle item that was used
   * last; a new one, if fewer than `max` exist; otherwise the next that is returned, first come, first served. If
   * `body` fails, its item is destroyed, unless `validate` accepts it.
   *
   * @throws the error of `body`; the error of a `create` that was made for this call; ClosedResourceError if the pool
   * is closed; UsageError inside another `use` of this pool, or in another run
   */
  use<R>(body: (item: T) => R | PromiseLike<R>): Promise<R>
  /**
   * Closes the pool: waiting and later calls reject with `ClosedResourceError`. Idle items are destroyed at once, lent
   * ones when they are returned. Waits until all are gone, or until its scope is cancelled; never raises a
   * cancellation. Idempotent.
   */
  close(): Promise<void>
  /** The numbers of items and of waiting calls. */
  statistics(): PoolStatistics
  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Options of `createRateLimiter`. */
interface RateLimiterOptions {
  /** Permits in any `interval`: an integer of at least 1. */
  limit: number
  /** Length of the window in milliseconds; more than 0. */
  interval: number
}
/** A snapshot of a rate limiter, frozen. */
interface RateLimiterStatistics {
  /** Permits in any interval. */
  readonly limit: number
  /** Length of the window in milliseconds. */
  readonly interval: number
  /** Permits that are free now. Waiting calls come first. */
  readonly available: number
  /** Calls that wait for permits. */
  readonly tasksWaiting: number
}
/**
 * Makes a rate limiter: it gives at most `limit` permits in any window of `interval` milliseconds. Use it for requests
 * to a service with a quota.
 *
 * It belongs to no `run`. All runs on the system clock share its permits; each simulated clock has permits of its own.
 *
 * @example
 * ```ts
 * const limiter = createRateLimiter({ limit: 10, interval: 1000 }) // 10 requests a second
 * async function ask(url: string) {
 *   await limiter.acquire()
 *   return fetch(url, { signal: currentSignal() })
 * }
 * ```
 *
 * @throws RangeError if `limit` is no integer of at least 1, or `interval` no finite number above 0
 */
declare function createRateLimiter(options: RateLimiterOptions): RateLimiter
/** Gives permits at a bounded rate; made by `createRateLimiter`. A permit is used up, and never given back. */
declare class RateLimiter {
  #private
  /**
   * Waits for `n` permits, all at the same moment, first come, first served. A cancelled call has taken none.
   *
   * @throws RangeError if `n` is no integer from 1 to the limit
   */
  acquire(n?: number): Promise<void>
  /**
   * Takes `n` permits without waiting. Works anywhere. @throws WouldBlock if there are not enough, or other calls wait
   */
  acquireNowait(n?: number): void
  /** The numbers of free permits and of waiting calls. */
  statistics(): RateLimiterStatistics
}

/** An object with a file descriptor, such as a `FileHandle` of `node:fs/promises` or an `AsyncFile`. */
interface HasDescriptor {
  /** The file descriptor. */
  readonly fd: number
}
/**
 * What a standard stream of the child is connected to:
 *
 * - `'pipe'`: a `Stream` of this process.
 * - `'inherit'`: the same stream of this process.
 * - `'ignore'` or `'null'`: `/dev/null`.
 * - a file descriptor of this process, or an object with an `fd`: the child gets a copy of the descriptor.
 */
type ProcessStdio = 'pipe' | 'inherit' | 'ignore' | 'null' | number | HasDescriptor
/** Options of `openProcess`. */
interface OpenProcessOptions {
  /** Default `'pipe'`. */
  stdin?: ProcessStdio | undefined
  /** Default `'pipe'`. */
  stdout?: ProcessStdio | undefined
  /** Default `'pipe'`. `'stdout'` sends errors where the output goes, in the order in which they are written. */
  stderr?: ProcessStdio | 'stdout' | undefined
  /** The child's whole environment. Default: that of this process. */
  env?: Readonly<Record<string, string | undefined>> | undefined
  /** Working directory of the child. Default: that of this process. */
  cwd?: string | URL | undefined
  /** Milliseconds between `SIGTERM` and `SIGKILL` when a cancellation or an error ends the child. Default 5,000. */
  killAfter?: number | undefined
  /** Starts the child as the leader of a process group, and sends every signal to the whole group. Default false. */
  processGroup?: boolean | undefined
}
/** Options of `runProcess`. */
interface RunProcessOptions extends OpenProcessOptions {
  /** The child's whole input. Excludes a `stdin` other than `'pipe'`. */
  input?: Uint8Array | string | undefined
  /** Default: `'pipe'` with `input`, otherwise `'ignore'`. */
  stdin?: ProcessStdio | undefined
  /** Whether a return code other than 0 rejects with `CalledProcessError`. Default true. */
  check?: boolean | undefined
}

/**
 * A running child process. `openProcess` makes one.
 *
 * A standard stream that is a pipe is a `Stream`. Send to `stdin`, and end it with `sendEof` or `close`; if the child
 * reads no more, a send fails with `BrokenResourceError`. Receive from `stdout` and `stderr`, also after the child has
 * exited.
 *
 * @example
 * ```ts
 * await openProcess(['sort'], async (process) => {
 *   await process.stdin.sendAll('b\na\n')
 *   await process.stdin.sendEof()
 *   for await (const chunk of process.stdout) console.log(String(chunk))
 * })
 * ```
 *
 * @typeParam In - the type of `stdin`: `Stream` if the options ask for a pipe, otherwise `null`
 * @typeParam Out - the type of `stdout`
 * @typeParam Err - the type of `stderr`
 */
declare class Process<
  In extends Stream | null = Stream | null,
  Out extends Stream | null = Stream | null,
  Err extends Stream | null = Stream | null,
> implements AsyncDisposable {
  #private
  /** The child's input, to send to; `null` if it is no pipe. */
  readonly stdin: In
  /** The child's output, to receive from; `null` if it is no pipe. */
  readonly stdout: Out
  /** The child's error output, to receive from; `null` if it is no pipe of its own. */
  readonly stderr: Err
  /** The process id. */
  get pid(): number
  /**
   * The exit code, or minus the number of the signal that ended it (PROCESS-2); `null` while it runs. Kept after
   * `close()`.
   */
  get returncode(): number | null
  /**
   * Waits for the process to exit and resolves with its return code. Does not wait for grandchildren that still hold
   * its pipes. Several tasks may wait. A cancellation ends the wait, not the process.
   */
  wait(): Promise<number>
  /** For `select`: ready once the process has ended; gives what `wait()` gives. */
  [selectable](): SelectSource<number>
  /** Asks the process to end: sends `SIGTERM`. */
  terminate(): void
  /** Ends the process: sends `SIGKILL`. */
  kill(): void
  /**
   * Sends a signal, by name or number, to the process; with `processGroup`, to its whole group. Does nothing once the
   * process has ended.
   *
   * @throws the system error (`kill EPERM`) if the process belongs to another user by now
   */
  sendSignal(signal: NodeJS.Signals | number): void
  /**
   * Closes the streams and waits for the process to exit. When it is cancelled, it ends the process (`SIGTERM`, then
   * `SIGKILL` after `killAfter`) and waits until it is gone. It does that at once outside every run, and in a task or
   * scope that has ended. Never raises a cancellation: the next checkpoint does. Idempotent.
   */
  close(): Promise<void>
  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void>
}
/** A process with three pipes: what `openProcess` gives by default. */
interface PipedProcess extends Process<Stream, Stream, Stream> {
  readonly stdin: Stream
  readonly stdout: Stream
  readonly stderr: Stream
}

/** The result of `runProcess`. `Out` and `Err` follow from the options: `Buffer` for a pipe, otherwise `null`. */
interface CompletedProcess<Out extends Buffer | null = Buffer, Err extends Buffer | null = Out> {
  /** The whole output; `null` if it was not captured (`stdout` is no pipe). */
  readonly stdout: Out
  /** The whole error output; `null` if it was not captured (`stderr` is no pipe, or is `'stdout'`). */
  readonly stderr: Err
  /** The exit code, or minus the number of the signal that ended it. */
  readonly returncode: number
}
/** Options of type `O` whose standard streams determine the type of the result. */
type Standard<O, In, Out, Err> = O & {
  /** The child's input. */
  stdin?: In | undefined
  /** The child's output. */
  stdout?: Out | undefined
  /** The child's error output. */
  stderr?: Err | undefined
}
/** This side of a standard stream: `P` for a pipe, otherwise `null`. */
type PipeOf<Stdio, P> = Stdio extends 'pipe' | undefined ? P : null
/** The process that `openProcess` makes for these standard streams. */
type Opened<In, Out, Err> = Process<PipeOf<In, Stream>, PipeOf<Out, Stream>, PipeOf<Err, Stream>>
/**
 * Runs a program until it exits, and resolves with its output.
 *
 * The input is sent while both outputs are read, so that large amounts of data cannot block. A child that closes its
 * input early is no error. A cancellation ends the program: `SIGTERM`, then `SIGKILL` after `killAfter`.
 *
 * @example
 * ```ts
 * const { stdout } = await runProcess(['git', 'log', '-1', '--format=%s'])
 * const sorted = await runProcess(['sort'], { input: 'b\na\n' })
 * ```
 *
 * @param command - a program and its arguments, or one line for the system's shell
 * @throws CalledProcessError with the outputs if the return code is not 0 (unless `check` is `false`); the system error
 * if the program cannot be started (`spawn nothing ENOENT`; `chdir ENOENT` for a missing `cwd`)
 */
declare function runProcess<
  Out extends ProcessStdio | undefined = 'pipe',
  Err extends ProcessStdio | 'stdout' | undefined = 'pipe',
>(
  command: readonly string[] | string,
  options?: Standard<RunProcessOptions, ProcessStdio, Out, Err>,
): Promise<CompletedProcess<PipeOf<Out, Buffer>, PipeOf<Err, Buffer>>>
/**
 * Starts a program, and resolves once it runs. Its three standard streams are pipes by default; the types of the
 * process follow from the options, with `null` for a stream that is no pipe.
 *
 * Without a `body` the caller closes the process: `await using process = await openProcess(…)`.
 *
 * @example
 * ```ts
 * await openProcess(['tail', '-f', 'app.log'], async (process) => {
 *   for await (const chunk of process.stdout) console.log(String(chunk))
 * })
 * ```
 *
 * @param command - a program and its arguments, or one line for the system's shell
 * @throws the system error if the program cannot be started (`spawn nothing ENOENT`)
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
 * Starts a program, runs `body` beside it, and then waits for the process to exit. If `body` fails or the call is
 * cancelled, the process is ended: `SIGTERM`, then `SIGKILL` after `killAfter`. It is gone when the call settles
 * (PROCESS-1).
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

/** The task that runs this code. @throws NotRunningError outside every task */
declare function getCurrentTask(): TaskInfo
/**
 * The tasks of the current `run` that have not ended, oldest first. In a callback that belongs to no task: the tasks of
 * all runs of this thread.
 */
declare function getRunningTasks(): TaskInfo[]
/**
 * For tests: waits until every other task of the run waits for I/O, for a time that has not come yet, or for another
 * task. A task that has only yielded does not count as waiting, and neither does one that awaits a promise of another
 * library (other than by `abandonOnCancel`). Nothing polls.
 */
declare function waitAllTasksBlocked(): Promise<void>
/**
 * The tree of tasks as text: their names, what each waits for and since when, the scopes with their deadlines and the
 * reasons of their cancellation. With the run's `traceResources` or `detectDeadlocks`, also the line that spawned each
 * task.
 *
 * It shows the current `run`; in a callback that belongs to no task, all runs of this thread. Times are whole
 * milliseconds of `currentTime()`. The format may change in any release.
 *
 * @example
 * ```ts
 * process.on('SIGUSR2', () => console.error(dumpTasks()))
 * ```
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
