/**
 * `run`: the way from a plain program into the world of tasks. Chooses a backend, starts the root task, and answers to the
 * process while the tree is running.
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
    // The listeners come first: `main` starts inside `startRun`, and whoever it tells that it is there may signal at once.
    const shutdown = new Shutdown(shutdownSignals, onShutdown)
    const { run, scope, promise } = shutdown.around(() =>
      startRun(host, main, {
        name,
        signal,
        abandon,
        keepAlive,
        traceResources,
        traceTasks: traceResources || detectDeadlocks,
        // Where time is simulated, real time says nothing.
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

/** The first signal cancels; after it, and after the run, the process is as it was. */
class Shutdown {
  readonly #signals: readonly NodeJS.Signals[]
  readonly #onShutdown: ((signal: NodeJS.Signals) => void) | undefined
  #scope: CancelScope | undefined
  #received: NodeJS.Signals | undefined

  constructor(signals: readonly NodeJS.Signals[], onShutdown: RunOptions['onShutdown']) {
    this.#signals = signals
    this.#onShutdown = onShutdown
  }

  /** Listens from now on, unless `start` fails. */
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
