/**
 * `run` starts the event loop of a program: it chooses a backend, starts the root task, and handles the signals of the
 * process while tasks run.
 */
import type { BackendName } from './backends/contract/backend.ts'
import { type BackendOptions, selectBackend } from './backends/select.ts'
import { failOnDeadlock } from './introspection/deadlocks.ts'
import { type CancelScope, refuseNestedRun, rejected, startRun } from './kernel/index.ts'
import { listen, requireMainThread, unlisten } from './signals/listeners.ts'
import { toCatchable } from './signals/names.ts'
import {
  checkBoolean,
  checkFunction,
  checkOptions,
  checkSignal,
  checkString,
  checkTime,
  invalidArgType,
  optionNames,
  outOfRange,
} from './common/validate.ts'

export { getAllBackends, getAvailableBackends } from './backends/select.ts'
export type { BackendOptions, NativeOptions, NodeOptions, VirtualOptions } from './backends/select.ts'

/** Options of `run`. */
export interface RunOptions {
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
export function run<T>(
  main: () => T | PromiseLike<T>,
  options?: RunOptions & { shutdownSignals?: undefined },
): Promise<T>
export function run<T>(main: () => T | PromiseLike<T>, options?: RunOptions): Promise<T | undefined>
export function run(main: () => unknown, options: RunOptions = {}): Promise<unknown> {
  try {
    checkFunction('main', main)
    checkRunOptions(options)
    refuseNestedRun()
    const {
      backend,
      backendOptions,
      name,
      signal,
      shutdownSignals = [],
      onShutdown,
      abandon,
      keepAlive = true,
      traceResources = false,
      detectDeadlocks = false,
    } = options
    const host = selectBackend(backend, backendOptions)
    // The listeners come first: `main` starts inside `startRun`, and a signal may arrive as soon as it runs.
    const shutdown = new Shutdown(shutdownSignals, onShutdown)
    const { run, scope, promise } = shutdown.around(() =>
      startRun(host, main, {
        name,
        signal,
        abandon,
        keepAlive,
        traceResources,
        traceTasks: traceResources || detectDeadlocks,
        // Real time means nothing where time is simulated.
        overdueAfter: options.overdueAfter ?? (host.name === 'virtual' ? Infinity : OVERDUE_AFTER),
      }),
    )
    run.listens = shutdownSignals.length > 0
    if (detectDeadlocks) failOnDeadlock(run)
    return shutdown.watch(scope, promise)
  } catch (error) {
    return rejected(error)
  }
}

/** Listens for the shutdown signals until the first one, or the end of the run. */
class Shutdown {
  readonly #signals: readonly NodeJS.Signals[]
  readonly #onShutdown: ((signal: NodeJS.Signals) => void) | undefined
  #scope: CancelScope | undefined
  #received: NodeJS.Signals | undefined

  constructor(signals: readonly NodeJS.Signals[], onShutdown: RunOptions['onShutdown']) {
    this.#signals = signals
    this.#onShutdown = onShutdown
  }

  /** Starts to listen, unless `start` fails. */
  around<T>(start: () => T): T {
    try {
      for (const signal of this.#signals) listen(signal, this.#onSignal)
      return start()
    } catch (error) {
      this.#unlisten()
      throw error
    }
  }

  watch(scope: CancelScope, promise: Promise<unknown>): Promise<unknown> {
    if (this.#signals.length === 0) return promise
    this.#scope = scope
    if (this.#received !== undefined) scope._cancel('shutdown', this.#received)
    return promise.finally(() => this.#unlisten())
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.#received = signal
    this.#unlisten()
    this.#scope?._cancel('shutdown', signal)
    this.#onShutdown?.(signal)
  }

  #unlisten(): void {
    for (const signal of this.#signals) unlisten(signal, this.#onSignal)
  }
}

function checkRunOptions(options: RunOptions): void {
  checkOptions('options', options, OPTIONS)
  const { backend, backendOptions, name, signal, shutdownSignals, keepAlive, traceResources, detectDeadlocks } = options
  const { onShutdown, abandon, overdueAfter } = options
  if (backend !== undefined) checkString('options.backend', backend)
  if (backendOptions !== undefined) checkOptions('options.backendOptions', backendOptions)
  if (name !== undefined) checkString('options.name', name)
  if (signal !== undefined) checkSignal('options.signal', signal)
  if (shutdownSignals !== undefined) checkShutdownSignals(shutdownSignals)
  if (onShutdown !== undefined) checkFunction('options.onShutdown', onShutdown)
  if (abandon !== undefined) checkBoolean('options.abandon', abandon)
  if (overdueAfter !== undefined) checkOverdueAfter(overdueAfter)
  if (keepAlive !== undefined) checkBoolean('options.keepAlive', keepAlive)
  if (traceResources !== undefined) checkBoolean('options.traceResources', traceResources)
  if (detectDeadlocks !== undefined) checkBoolean('options.detectDeadlocks', detectDeadlocks)
}

function checkOverdueAfter(ms: unknown): void {
  checkTime('options.overdueAfter', ms)
  if (ms < 0) throw outOfRange('options.overdueAfter', 'at least 0', ms)
}

function checkShutdownSignals(signals: readonly unknown[]): void {
  if (!Array.isArray(signals)) throw invalidArgType('options.shutdownSignals', 'an array of signal names', signals)
  for (const signal of signals) {
    checkString('options.shutdownSignals', signal)
    toCatchable('options.shutdownSignals', signal)
  }
  if (signals.length > 0) requireMainThread('shutdownSignals work')
}

/** Milliseconds. */
const OVERDUE_AFTER = 1000

const OPTIONS = optionNames<RunOptions>({
  backend: true,
  backendOptions: true,
  name: true,
  signal: true,
  shutdownSignals: true,
  onShutdown: true,
  abandon: true,
  overdueAfter: true,
  keepAlive: true,
  traceResources: true,
  detectDeadlocks: true,
})
