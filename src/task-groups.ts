/**
 * Task groups, and three functions made of them: `gather`, `mapConcurrent`, `raceTasks`. The rules TASK-1 to TASK-8
 * live in `kernel/task-group.ts`.
 *
 * The three functions are checkpoints: in a cancelled scope they throw before they call anything. Opening a group is no
 * checkpoint, because clean-up may need a group.
 */
import { CancelScope, enterOperation, rejected, runTaskGroup, type TaskGroup } from './kernel/index.ts'
import { mapAll } from './map-concurrent.ts'
import { race } from './race-tasks.ts'
import type { BodyValue } from './scopes.ts'
import {
  checkBoolean,
  checkFunction,
  checkInteger,
  checkOptions,
  checkString,
  invalidArgType,
  optionNames,
  outOfRange,
} from './common/validate.ts'

export { TaskGroup, type TaskHandle, type TaskOptions, type TaskStatus } from './kernel/index.ts'

/** Options of a task group. */
export interface TaskGroupOptions {
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
type JobValues<F extends readonly Job<unknown>[]> = { -readonly [K in keyof F]: Awaited<ReturnType<F[K]>> }

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
export function createTaskGroup<F extends GroupBody>(body: F): Promise<BodyValue<F>>
export function createTaskGroup<F extends GroupBody>(options: TaskGroupOptions, body: F): Promise<BodyValue<F>>
export function createTaskGroup(...given: unknown[]): Promise<unknown> {
  try {
    const body = given.length > 1 ? given[1] : given[0]
    checkFunction('body', body)
    return runTaskGroup(groupScope(given.length > 1 ? given[0] : undefined), body as (group: TaskGroup) => unknown)
  } catch (error) {
    return rejected(error)
  }
}

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
export function gather<const F extends readonly Job<unknown>[]>(
  fns: F,
  options: GatherOptions = {},
): Promise<JobValues<F>> {
  try {
    const jobs = checkJobs(fns)
    checkOptions('options', options, GATHER_OPTIONS)
    const limit = checkLimit(options.limit ?? Infinity)
    enterOperation('gather')
    return mapAll('gather', jobs, limit, (fn) => ({ fn, args: [] })) as Promise<JobValues<F>>
  } catch (error) {
    return rejected(error)
  }
}

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
export function mapConcurrent<I, T>(
  items: Iterable<I> | AsyncIterable<I>,
  fn: (item: I, index: number) => T | PromiseLike<T>,
  options: { limit: number },
): Promise<T[]> {
  try {
    if (!isIterable(items)) throw invalidArgType('items', 'an iterable or an async iterable', items)
    checkFunction('fn', fn)
    checkOptions('options', options, GATHER_OPTIONS)
    const limit = checkLimit(options.limit)
    enterOperation('mapConcurrent')
    return mapAll('mapConcurrent', items, limit, (item, index) => ({ fn, args: [item, index] })) as Promise<T[]>
  } catch (error) {
    return rejected(error)
  }
}

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
export function raceTasks<const F extends readonly Job<unknown>[]>(fns: F): Promise<Awaited<ReturnType<F[number]>>> {
  try {
    const jobs = checkJobs(fns)
    if (jobs.length === 0) throw outOfRange('fns', 'a list of at least one function', fns)
    enterOperation('raceTasks')
    return race(jobs) as Promise<Awaited<ReturnType<F[number]>>>
  } catch (error) {
    return rejected(error)
  }
}

/** @internal A scope for a group, with its options checked. */
export function groupScope(options: unknown): CancelScope {
  if (options === undefined) return new CancelScope()
  checkOptions('options', options, GROUP_OPTIONS)
  const { name, shield, abandon } = options as TaskGroupOptions
  if (name !== undefined) checkString('options.name', name)
  if (shield !== undefined) checkBoolean('options.shield', shield)
  if (abandon !== undefined) checkBoolean('options.abandon', abandon)
  return new CancelScope({ name, shield, abandon })
}

function checkJobs(fns: unknown): readonly Job<unknown>[] {
  if (!isIterable(fns) || !(Symbol.iterator in fns)) throw invalidArgType('fns', 'an iterable of functions', fns)
  const jobs = [...fns]
  jobs.forEach((job, index) => checkFunction(`fns[${index}]`, job))
  return jobs as Job<unknown>[]
}

function checkLimit(limit: unknown): number {
  if (limit !== Infinity) checkInteger('options.limit', limit, 1)
  return limit
}

function isIterable(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  if (typeof value === 'string') return true
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value)
}

const GROUP_OPTIONS = optionNames<TaskGroupOptions>({ name: true, shield: true, abandon: true })
const GATHER_OPTIONS = optionNames<GatherOptions>({ limit: true })
