/**
 * The tree of tasks and scopes as text, for people.
 *
 * ```text
 *   run "server" on native at 5000: 2 tasks
 *     task 1 "main" waits for the end of its task group, since 4000 (1000 ms)
 *       task group, deadline 9000 (in 4000 ms)
 *         task 2 "worker" waits for a lock, since 4200 (800 ms)
 *           scope "request", cancelled (explicit: no longer wanted)
 * ```
 */
import { inspect } from 'node:util'
import type { CancelReason, CancelScope } from '../kernel/cancel-scope.ts'
import { currentFrame } from '../kernel/context.ts'
import type { RunState } from '../kernel/run-state.ts'
import { CANCEL_CALLED, CLOSING, EFFECTIVE, ENDED, LINGERING, SHIELD, TASK } from '../kernel/scope-flags.ts'
import { spawnSite } from '../kernel/spawn-sites.ts'
import { TaskGroup } from '../kernel/task-group.ts'
import type { Task } from '../kernel/task.ts'
import { NEUTRAL } from '../kernel/waits.ts'

export function dumpRun(run: RunState): string {
  const lines: string[] = []
  const dump = new Dump(run, lines)
  if (run.root !== undefined && !run.root.ended) dump.task(run.root, 1)
  const tasks = dump.tasks === 1 ? '1 task' : `${dump.tasks} tasks`
  return [`${run.label} on ${run.host.name} at ${dump.now}: ${tasks}`, ...lines].join('\n')
}

class Dump {
  readonly now: number
  tasks = 0
  readonly #lines: string[]

  constructor(run: RunState, lines: string[]) {
    this.now = Math.trunc(run.deadlines.now())
    this.#lines = lines
  }

  /** Iterative where a tree may be deep: scopes and tasks are visited from a stack, in order. */
  task(root: Task, depth: number): void {
    const stack: { scope: CancelScope; depth: number }[] = [{ scope: root._scope, depth }]
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const { scope, depth: indent } = next
      if ((scope._flags & TASK) !== 0) {
        this.tasks++
        this.#line(indent, this.#taskLine(scope._task!))
      } else this.#line(indent, this.#scopeLine(scope))
      const inner: typeof stack = []
      for (let child = scope._scopes; child !== null; child = child._next)
        inner.push({ scope: child, depth: indent + 1 })
      stack.push(...inner.reverse())
    }
  }

  #line(depth: number, text: string): void {
    this.#lines.push('  '.repeat(depth) + text)
  }

  #taskLine(task: Task): string {
    const site = spawnSite(task)
    const parts = [
      `task ${task.id} "${task.name}"${task.status === 'cancelling' ? ' (cancelling)' : ''} ${this.#doing(task)}`,
      ...this.#traits(task._scope),
      ...(site === undefined ? [] : [`spawned at ${site}`]),
    ]
    return parts.join(', ')
  }

  #doing(task: Task): string {
    if (task.status === 'pending') return 'is about to start'
    const waits = this.#waits(task)
    if (waits.length > 0) return `waits for ${waits.join(' and for ')}`
    return currentFrame()?.task === task ? 'is running' : 'runs, or waits for a promise that is not of this library'
  }

  /** Everything that was begun in the task's own frames and is pending. */
  #waits(task: Task): string[] {
    const waits: string[] = []
    const scopes = [task._scope]
    for (const scope of scopes) {
      for (let operation = scope._operations; operation !== null; operation = operation._next) {
        if (operation.waitsFor !== NEUTRAL) waits.push(`${operation.describe()}, ${this.#since(operation._since)}`)
      }
      let children = 0
      for (let child = scope._scopes; child !== null; child = child._next) {
        if ((child._flags & TASK) === 0) scopes.push(child)
        else children++
      }
      if ((scope._flags & (CLOSING | LINGERING)) === CLOSING) waits.push(this.#ending(scope, children))
    }
    return waits
  }

  #ending(scope: CancelScope, children: number): string {
    const since = this.#since(scope._since)
    if (children > 0) return `the end of ${children === 1 ? 'the task' : `${children} tasks`} of its group, ${since}`
    return `the end of what was begun in ${(scope._flags & TASK) !== 0 ? 'it' : 'its scope'}, ${since}`
  }

  #since(since: number): string {
    return `since ${since} (${this.now - since} ms)`
  }

  #scopeLine(scope: CancelScope): string {
    const kind = scope._sink instanceof TaskGroup ? 'task group' : 'scope'
    const name = scope._name === undefined ? '' : ` "${scope._name}"`
    return [`${kind}${name}`, ...this.#traits(scope)].join(', ')
  }

  #traits(scope: CancelScope): string[] {
    const { _flags: flags } = scope
    const traits: string[] = []
    if (scope.deadline !== Infinity && (flags & (CANCEL_CALLED | ENDED)) === 0)
      traits.push(this.#deadline(scope.deadline))
    if ((flags & SHIELD) !== 0) traits.push('shielded')
    if (scope.cancelReason !== undefined) traits.push(`cancelled (${reasonText(scope.cancelReason)})`)
    else if ((flags & EFFECTIVE) !== 0) traits.push('cancelled from outside')
    return traits
  }

  #deadline(at: number): string {
    const left = Math.ceil(at - this.now)
    return `deadline ${Math.trunc(at)} (${left >= 0 ? `in ${left} ms` : `${-left} ms ago`})`
  }
}

function reasonText({ kind, detail }: CancelReason): string {
  if (detail === undefined) return kind
  // A detail may be anything; of an object only the surface is shown.
  const text = detail instanceof Error ? `${detail.name}: ${detail.message}` : inspect(detail, { depth: 0 })
  return `${kind}: ${text.split('\n', 1)[0]!}`
}
