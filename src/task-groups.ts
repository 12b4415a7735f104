/**
 * Task groups, and the three usual shapes of work made of them. The rules of api.md §3 live in `kernel/task-group.ts`.
 *
 * The shapes are operations, and so checkpoints: in a cancelled scope they throw before they call anything. Opening a group
 * is none, because cleaning up may need one.
 */
import { CancelScope } from './kernel/cancel-scope.ts'
import { enterOperation } from './kernel/context.ts'
import { rejected } from './kernel/operation.ts'
import { type TaskGroup, runTaskGroup } from './kernel/task-group.ts'
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
} from './validate.ts'

export { TaskGroup } from './kernel/task-group.ts'
export type { TaskOptions, TaskStatus } from './kernel/task-group.ts'
export type { TaskHandle } from './kernel/task.ts'

/** Options of a task group. */
export interface TaskGroupOptions {
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
type JobValues<F extends readonly Job<unknown>[]> = { -readonly [K in keyof F]: Awaited<ReturnType<F[K]>> }

/**
 * Runs `body` with a group to spawn tasks into, and ends after all of them. Resolves with the body's value, or with
 * `undefined` when the group was cancelled and its body with it (a body without parameters cannot do that). Rejects with one `ExceptionGroup` of everything that
 * the body and the tasks threw. Re-creates `create_task_group`.
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
 * Rejects with the first failure itself, as `Promise.all` does, and only after all other tasks have been cancelled and have
 * ended. What these throw meanwhile goes to the diagnostics channel `structio:suppressed-error`.
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
 * Calls `fn(item, index)` for every item, at most `limit` at a time, and resolves with the values in order. The next item is
 * asked for when there is room for it; on failure the iterator is closed. Rejects as `gather` does; a failure of the iterator
 * counts as that of a task.
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
 * Runs the functions as tasks until the first has finished or failed; the others are cancelled and waited for. Settles as
 * that first one did: with its value, or its bare error. What the others throw while they clean up goes to the diagnostics
 * channel `structio:suppressed-error`. `RangeError` for an empty list.
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

/** @internal a scope for what is a group, with its options checked */
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
