/**
 * Supervisors: task groups whose children fail independently. A failing child is reported and does not cancel its
 * siblings. It may be restarted, after a delay and a limited number of times.
 *
 * ```text
 *   child:  run ── throws ── onError(error, { restartIn: 100 }) ── 100 ms
 *           run ── throws ── onError(error, { restartIn: 200 }) ── 200 ms
 *           run …  (a run that lasts `resetAfter` resets the count)
 * ```
 *
 * What must stay true:
 * 1. A child is one task through all its restarts: its handle, its name and its cancellation stay the same. Each run of
 *    its function has a scope of its own, so that everything begun in one run has ended before the next begins.
 * 2. Between two runs there is a wait on the kernel's clock of at least `LEAST_DELAY`: a child that always fails at
 *    once does not keep the thread busy.
 * 3. Each failure is reported once, to `onError`. An error that `onError` throws fails the whole, as in a task group.
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
import { type Backoff, backoffOf, checkBackoff } from './backoff.ts'
import type { BodyValue } from './scopes.ts'
import { groupScope, type TaskGroupOptions } from './task-groups.ts'
import { checkFunction, checkInteger, checkOptions, checkTime, optionNames, outOfRange } from './common/validate.ts'

/** When and how often a failed child is restarted. */
export interface RestartOptions {
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
export interface SupervisorOptions extends TaskGroupOptions {
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
export interface ChildFailure {
  /** The child. */
  readonly task: TaskInfo
  /** Failures in a row, with this one. */
  readonly failures: number
  /** Milliseconds until the restart; `undefined` without a restart: the limit is reached, or the child is cancelled. */
  readonly restartIn: number | undefined
}

/** A set of tasks that fail independently of each other. `createSupervisor` makes one. */
export class Supervisor {
  readonly #group: TaskGroup
  readonly #plan: Plan

  /** @internal */
  constructor(group: TaskGroup, plan: Plan) {
    this.#group = group
    this.#plan = plan
  }

  /**
   * The scope of the supervisor, with its body and all children: to cancel it, to shield it, or to give it a deadline.
   */
  get cancelScope(): CancelScope {
    return this.#group.cancelScope
  }

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
  spawn(...given: unknown[]): TaskHandle<unknown> {
    const { name, fn, args } = taskArguments(given)
    const child = new Child(this.#group, this.#plan, fn, args)
    const ownName = name ?? (fn.name === '' ? undefined : fn.name)
    return this.#group._spawn(child, () => child.live(), ownName, [])
  }
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
  readonly delayAfter: Backoff
  readonly resetAfter: number
}

class Child implements TaskOwner {
  readonly #group: TaskGroup
  readonly #plan: Plan
  readonly #fn: TaskFunction
  readonly #args: unknown[]
  #failures = 0
  /** The final failure has been reported (3): the group does not get it. */
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

  /** Resolves with the wait before the restart; with `undefined` if there is none: the task ends with the error. */
  async #report(task: Task, error: unknown): Promise<number | undefined> {
    const failures = this.#failures
    const again = failures <= this.#plan.attempts && !isEffectivelyCancelled(task._scope)
    let restartIn: number | undefined
    try {
      if (again) restartIn = this.#plan.delayAfter(failures, error)
    } finally {
      // Also when `delayAfter` throws: the child's error must not be lost.
      await this.#plan.onError(error, Object.freeze({ task: task.info, failures, restartIn }))
    }
    this.#reported = restartIn === undefined
    return restartIn
  }
}

/** Milliseconds: the shortest delay of a restart (2). */
const LEAST_DELAY = 1

function readOptions(options: unknown): { plan: Plan; scope: CancelScope } {
  checkOptions('options', options, OPTIONS)
  const { onError, restart, name, shield, abandon } = options as SupervisorOptions
  checkFunction('options.onError', onError)
  if (restart !== undefined) checkOptions('options.restart', restart, RESTART_OPTIONS)
  const { attempts = restart === undefined ? 0 : 10, backoff = 100, resetAfter = 60_000 } = restart ?? {}
  if (attempts !== Infinity) checkInteger('options.restart.attempts', attempts)
  checkBackoff(BACKOFF, backoff)
  checkTime('options.restart.resetAfter', resetAfter)
  if (resetAfter < 0) throw outOfRange('options.restart.resetAfter', 'a number of milliseconds >= 0', resetAfter)
  const wait = backoffOf(BACKOFF, backoff, false)
  const delayAfter = (failures: number, error: unknown): number => Math.max(LEAST_DELAY, wait(failures, error))
  return { plan: { onError, attempts, delayAfter, resetAfter }, scope: groupScope({ name, shield, abandon }) }
}

const BACKOFF = 'options.restart.backoff'
const RESTART_OPTIONS = optionNames<RestartOptions>({ attempts: true, backoff: true, resetAfter: true })
const OPTIONS = optionNames<SupervisorOptions>({
  name: true,
  shield: true,
  abandon: true,
  onError: true,
  restart: true,
})
