/**
 * The tree of tasks and scopes as text.
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
import {
  type CancelReason,
  type CancelScope,
  collect,
  currentFrame,
  hasEnded,
  isEffectivelyCancelled,
  isTaskScope,
  NEUTRAL,
  overdueFor,
  type RunState,
  siteOf,
  type Task,
  TaskGroup,
  waitsForLeftovers,
} from '../kernel/index.ts'

/** @param limit - maximum of lines; further ones are only counted */
export function dumpRun(run: RunState, limit: number = Infinity): string {
  const lines: string[] = []
  const dump = new Dump(run, lines, limit)
  if (run.root !== undefined && !run.root.ended) dump.task(run.root, 1)
  const tasks = dump.tasks === 1 ? '1 task' : `${dump.tasks} tasks`
  const name = run.name === undefined ? run.label : `run ${quote(run.name)}`
  return [`${name} on ${run.host.name} at ${dump.now}: ${tasks}`, ...lines].join('\n')
}

class Dump {
  readonly now: number
  tasks = 0
  readonly #lines: string[]
  readonly #limit: number
  #left = 0

  constructor(run: RunState, lines: string[], limit: number) {
    this.now = Math.trunc(run.deadlines.now())
    this.#lines = lines
    this.#limit = limit
  }

  /** Visits scopes and tasks in order. Not recursive: the tree may be deeper than the stack. */
  task(root: Task, depth: number): void {
    const stack: { scope: CancelScope; depth: number }[] = [{ scope: root._scope, depth }]
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const { scope, depth: indent } = next
      const isTask = isTaskScope(scope)
      if (isTask) this.tasks++
      this.#line(indent, () => (isTask ? this.#taskLine(scope._task!) : this.#scopeLine(scope)))
      const inner = collect(scope._scopes)
      for (let child = inner.pop(); child !== undefined; child = inner.pop())
        stack.push({ scope: child, depth: indent + 1 })
    }
    if (this.#left > 0) this.#lines.push(`  and ${this.#left} more tasks and scopes`)
  }

  /** Names, reasons and functions come from the program, and reading them may throw. */
  #line(depth: number, text: () => string): void {
    if (this.#lines.length >= this.#limit) {
      this.#left++
      return
    }
    const indent = depth <= DEEPEST ? '  '.repeat(depth) : `${'  '.repeat(DEEPEST)}[${depth}] `
    try {
      this.#lines.push(indent + text())
    } catch {
      this.#lines.push(`${indent}(cannot be shown: something in it throws)`)
    }
  }

  #taskLine(task: Task): string {
    const site = siteOf(task)
    const parts = [
      `task ${task.id} ${quote(task.name)}${task.status === 'cancelling' ? ' (cancelling)' : ''} ${this.#doing(task)}`,
      ...this.#traits(task._scope),
      ...(site === undefined ? [] : [`spawned at ${site}`]),
    ]
    return parts.join(', ')
  }

  #doing(task: Task): string {
    if (task._state === 'pending') return 'is about to start'
    const waits = this.#waits(task)
    if (waits.length > 0) return `waits for ${waits.join(' and for ')}`
    return currentFrame()?.task === task ? 'is running' : 'runs, or waits for a promise that is not of this library'
  }

  /** Every pending operation of the task's own frames. */
  #waits(task: Task): string[] {
    const waits: string[] = []
    const scopes = [task._scope]
    for (const scope of scopes) {
      for (let operation = scope._operations; operation !== null; operation = operation._next) {
        if (operation.waitsFor !== NEUTRAL) waits.push(`${operation.describe()}, ${this.#since(operation._since)}`)
      }
      let children = 0
      for (let child = scope._scopes; child !== null; child = child._next) {
        if (!isTaskScope(child)) scopes.push(child)
        else children++
      }
      if (waitsForLeftovers(scope)) waits.push(this.#ending(scope, children))
    }
    return waits
  }

  #ending(scope: CancelScope, children: number): string {
    const since = this.#since(scope._since)
    if (children > 0) return `the end of ${children === 1 ? 'the task' : `${children} tasks`} of its group, ${since}`
    return `the end of what was begun in ${isTaskScope(scope) ? 'it' : 'its scope'}, ${since}`
  }

  /** Stamps are 32-bit integers: they wrap after 49 days. */
  #since(stamp: number): string {
    const waited = (this.now - stamp) >>> 0
    return `since ${this.now - waited} (${waited} ms)`
  }

  #scopeLine(scope: CancelScope): string {
    const kind = scope._sink instanceof TaskGroup ? 'task group' : 'scope'
    const name = scope._name === undefined ? '' : ` ${quote(scope._name)}`
    return [`${kind}${name}`, ...this.#traits(scope)].join(', ')
  }

  #traits(scope: CancelScope): string[] {
    const traits: string[] = []
    if (scope.deadline !== Infinity && !scope.cancelCalled && !hasEnded(scope))
      traits.push(this.#deadline(scope.deadline))
    if (scope.shield) traits.push('shielded')
    if (scope.cancelReason !== undefined) traits.push(`cancelled (${reasonText(scope.cancelReason)})`)
    else if (isEffectivelyCancelled(scope)) traits.push('cancelled from outside')
    const overdue = overdueFor(scope)
    if (overdue !== undefined)
      traits.push(`overdue for ${overdue} ms: its body waits for something that cannot be cancelled`)
    return traits
  }

  #deadline(at: number): string {
    const left = Math.ceil(at - this.now)
    return `deadline ${Math.trunc(at)} (${left >= 0 ? `in ${left} ms` : `${-left} ms ago`})`
  }
}

function reasonText({ kind, detail }: CancelReason): string {
  if (detail === undefined) return kind
  // A detail may be any value: only the first level of an object is shown.
  const text = detail instanceof Error ? `${detail.name}: ${detail.message}` : inspect(detail, { depth: 0 })
  return `${kind}: ${text.split('\n', 1)[0]!}`
}

/** On one line, with control characters escaped. */
function quote(name: string): string {
  return JSON.stringify(name)
}

/** Deepest indentation; below it a line shows its depth as a number. */
const DEEPEST = 40
