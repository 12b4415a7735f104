/**
 * Supervisors: task groups whose children fail one by one. A failing child is reported and does not cancel its siblings; it may
 * be started again, after a while and not for ever.
 *
 * ```text
 *   child:  run ── throws ── onError(error, { restartIn: 100 }) ── 100 ms ── run ── throws ── onError(…, { restartIn: 200 }) …
 *                                                                              │
 *                                                                              └ lasts `resetAfter`: counts begin anew
 * ```
 *
 * What must stay true:
 * 1. A child is one task, however often it is started: its handle, its name and its cancellation stay the same. Each run of its
 *    function has a scope of its own, so that everything begun in one has ended before the next begins.
 * 2. Between two runs there is a wait on the kernel's clock, of `LEAST_DELAY` at least: a child that fails at once for ever does
 *    not keep the thread busy.
 * 3. Each failure is reported once: to `onError`; what that throws itself fails the whole, as a child of a task group does.
 */
import {
  CancelScope,
  isEffectivelyCancelled,
  judgeTask,
  rejected,
  requireFrame,
  runTaskGroup,
  type Task,
  taskArguments,
  type TaskFunction,
  type TaskGroup,
  type TaskHandle,
  type TaskInfo,
  type TaskOptions,
  type TaskOwner,
  waitUntil,
} from './kernel/index.ts'
import type { BodyValue } from './scopes.ts'
import { groupScope, type TaskGroupOptions } from './task-groups.ts'
import {
  checkFunction,
  checkInteger,
  checkOptions,
  checkTime,
  invalidArgType,
  optionNames,
  outOfRange,
} from './common/validate.ts'

/** When and how often a failed child is started again. */
export interface RestartOptions {
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
export interface SupervisorOptions extends TaskGroupOptions {
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
export interface ChildFailure {
  /** The child. */
  readonly task: TaskInfo
  /** Failures in a row, this one included. */
  readonly failures: number
  /** Milliseconds until it is started again; `undefined` where it is not, because it may not be or is cancelled. */
  readonly restartIn: number | undefined
}

/** Children that fail one by one. Made by `createSupervisor`. */
export class Supervisor {
  readonly #group: TaskGroup
  readonly #plan: Plan

  /** @internal */
  constructor(group: TaskGroup, plan: Plan) {
    this.#group = group
    this.#plan = plan
  }

  /** Cancels, shields or bounds the whole, its body included. */
  get cancelScope(): CancelScope {
    return this.#group.cancelScope
  }

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
  spawn(...given: unknown[]): TaskHandle<unknown> {
    const { name, fn, args } = taskArguments(given)
    const child = new Child(this.#group, this.#plan, fn, args)
    const ownName = name ?? (fn.name === '' ? undefined : fn.name)
    return this.#group._spawn(child, () => child.live(), ownName, [])
  }
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
export function createSupervisor<F extends SupervisorBody>(options: SupervisorOptions, body: F): Promise<BodyValue<F>>
export function createSupervisor(options: SupervisorOptions, body: SupervisorBody): Promise<unknown> {
  try {
    const { plan, scope } = readOptions(options)
    checkFunction('body', body)
    return runTaskGroup(scope, (group) => body(new Supervisor(group, plan)))
  } catch (error) {
    return rejected(error)
  }
}

interface Plan {
  readonly onError: SupervisorOptions['onError']
  readonly attempts: number
  readonly delayAfter: (failures: number) => number
  readonly resetAfter: number
}

class Child implements TaskOwner {
  readonly #group: TaskGroup
  readonly #plan: Plan
  readonly #fn: TaskFunction
  readonly #args: unknown[]
  #failures = 0
  /** What the task ends with has been reported (3): the group is not told. */
  #reported = false

  constructor(group: TaskGroup, plan: Plan, fn: TaskFunction, args: unknown[]) {
    this.#group = group
    this.#plan = plan
    this.#fn = fn
    this.#args = args
  }

  taskFailed(task: Task): void {
    if (!this.#reported) this.#group.taskFailed(task)
  }

  taskEnded(task: Task): void {
    if (!this.#reported) this.#group.taskEnded(task)
  }

  /** The function of the task. */
  async live(): Promise<unknown> {
    const { task } = requireFrame('a child of a supervisor')
    const clock = task.run.deadlines
    for (;;) {
      const begun = clock.now()
      try {
        return await CancelScope._operation('a child of a supervisor', () =>
          (this.#fn as (...args: unknown[]) => unknown)(...this.#args),
        )
      } catch (error) {
        const verdict = judgeTask(task._scope, error)
        if (verdict.kind !== 'failed') throw error
        this.#failures = clock.now() - begun >= this.#plan.resetAfter ? 1 : this.#failures + 1
        const restartIn = await this.#report(task, verdict.error)
        if (restartIn === undefined) throw verdict.error
        await waitUntil(clock.now() + restartIn, `the restart of "${task.name}"`)
      }
    }
  }

  /** Resolves with the wait before the restart; `undefined` where there is none, and the task ends with the error. */
  async #report(task: Task, error: unknown): Promise<number | undefined> {
    const failures = this.#failures
    const again = failures <= this.#plan.attempts && !isEffectivelyCancelled(task._scope)
    let restartIn: number | undefined
    try {
      if (again) restartIn = this.#plan.delayAfter(failures)
    } finally {
      // Also where the wait cannot be had: the child's error must not be lost behind that.
      await this.#plan.onError(error, Object.freeze({ task: task.info, failures, restartIn }))
    }
    this.#reported = restartIn === undefined
    return restartIn
  }
}

/** Milliseconds: no restart comes sooner (2). */
const LEAST_DELAY = 1
/** Milliseconds that a doubled `backoff` does not exceed. */
const MOST_DELAY = 30_000

function readOptions(options: unknown): { plan: Plan; scope: CancelScope } {
  checkOptions('options', options, OPTIONS)
  const { onError, restart, name, shield, abandon } = options as SupervisorOptions
  checkFunction('options.onError', onError)
  if (restart !== undefined) checkOptions('options.restart', restart, RESTART_OPTIONS)
  const { attempts = restart === undefined ? 0 : 10, backoff = 100, resetAfter = 60_000 } = restart ?? {}
  if (attempts !== Infinity) checkInteger('options.restart.attempts', attempts)
  if (typeof backoff !== 'function') checkDelay('options.restart.backoff', backoff)
  checkTime('options.restart.resetAfter', resetAfter)
  if (resetAfter < 0) throw outOfRange('options.restart.resetAfter', 'a number of milliseconds >= 0', resetAfter)
  const delayAfter = typeof backoff === 'function' ? delayOf(backoff) : doubling(backoff)
  return { plan: { onError, attempts, delayAfter, resetAfter }, scope: groupScope({ name, shield, abandon }) }
}

function doubling(first: number): (failures: number) => number {
  const most = Math.max(first, MOST_DELAY)
  return (failures) => Math.max(LEAST_DELAY, Math.min(most, first * 2 ** (failures - 1)))
}

/** What a program computes may be wrong as what it writes down: it fails the supervisor, and not silently. */
function delayOf(backoff: (failures: number) => number): (failures: number) => number {
  return (failures) => {
    const delay: unknown = backoff(failures)
    checkDelay('the result of options.restart.backoff', delay)
    return Math.max(LEAST_DELAY, delay)
  }
}

function checkDelay(name: string, delay: unknown): asserts delay is number {
  if (typeof delay !== 'number') throw invalidArgType(name, 'of type number or a function', delay)
  if (!(delay >= 0 && delay < Infinity)) throw outOfRange(name, 'a finite number of milliseconds >= 0', delay)
}

const RESTART_OPTIONS = optionNames<RestartOptions>({ attempts: true, backoff: true, resetAfter: true })
const OPTIONS = optionNames<SupervisorOptions>({
  name: true,
  shield: true,
  abandon: true,
  onError: true,
  restart: true,
})
