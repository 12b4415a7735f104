/**
 * Overrun limits. A cancelled scope does not end while its body waits for a promise that the library cannot cancel:
 * `failAfter(100, () => fetch(url))` takes as long as `fetch`. There is a warning about that (FORGET-2).
 *
 * ```text
 *   a scope is cancelled ─► next iteration: still there? ─► checked four times per `overdueAfter`, until it has ended
 *                             └► a body in which nothing has been pending for that long: warning
 * ```
 *
 * What must stay true:
 * 1. A cancelled scope that ends at once, as nearly all do, costs one entry in a list.
 * 2. Time is real time, and the timer does not keep the process alive.
 * 3. The warning names the innermost body: it is the one that waits.
 */
import { realTimeout } from './clock.ts'
import { atCheck } from './iteration.ts'
import { CLOSING, ENDED, LINGERING, TASK } from './scope-flags.ts'
import { siteOf } from './sites.ts'
import type { ScopeNode } from './tree.ts'
import { NEUTRAL } from './waits.ts'
import { warnOnce } from './warnings.ts'

/** `scope`, which has been entered, is cancelled. */
export function watchOverdue(scope: ScopeNode): void {
  if (scope._task!.run.overdueAfter === Infinity) return
  if (cancelled.push({ scope, since: 0 }) === 1) atCheck(keepSurvivors)
}

/** Milliseconds since `scope`, or one around it, was cancelled, if its body waits for nothing of the library. */
export function overdueFor(scope: ScopeNode): number | undefined {
  if (!isStuck(scope)) return undefined
  let since = Infinity
  for (const watch of watches) if (scope._isWithin(watch.scope)) since = Math.min(since, watch.since)
  return since === Infinity ? undefined : Math.trunc(performance.now() - since)
}

interface Watch {
  readonly scope: ScopeNode
  since: number
}

/** Scopes cancelled in this iteration. */
let cancelled: Watch[] = []
/** Scopes cancelled earlier. */
let watches: Watch[] = []
/** When a body was first seen waiting for nothing of the library; `Infinity` after its warning. */
let stuckSince = new Map<ScopeNode, number>()
let timer: NodeJS.Timeout | undefined

function keepSurvivors(): void {
  const now = performance.now()
  for (const watch of cancelled) {
    watch.since = now
    if ((watch.scope._flags & ENDED) === 0) watches.push(watch)
  }
  cancelled = []
  if (watches.length > 0) check()
}

function check(): void {
  clearTimeout(timer)
  timer = undefined
  watches = watches.filter(({ scope }) => (scope._flags & ENDED) === 0)
  const now = performance.now()
  const seen = new Map<ScopeNode, number>()
  let shortest = Infinity
  for (const watch of watches) {
    const { overdueAfter } = watch.scope._task!.run
    shortest = Math.min(shortest, overdueAfter)
    for (const scope of stuckIn(watch.scope)) {
      if (seen.has(scope)) continue
      const since = stuckSince.get(scope) ?? now
      seen.set(scope, since)
      if (now - since < overdueAfter) continue
      seen.set(scope, Infinity)
      warnOverdue(scope, watch, now)
    }
  }
  stuckSince = seen
  if (watches.length > 0) timer = realTimeout(check, Math.max(shortest / CHECKS, SHORTEST))
}

/** The innermost bodies in the subtree that wait for nothing of the library. */
function stuckIn(top: ScopeNode): ScopeNode[] {
  const stuck: ScopeNode[] = []
  const scopes = [top]
  for (const scope of scopes) {
    if (isStuck(scope)) stuck.push(scope)
    for (let child = scope._scopes; child !== null; child = child._next) scopes.push(child)
  }
  return stuck
}

function isStuck(scope: ScopeNode): boolean {
  if ((scope._flags & (CLOSING | ENDED | LINGERING)) !== 0 || scope._scopes !== null || scope._body === undefined)
    return false
  for (let operation = scope._operations; operation !== null; operation = operation._next) {
    if (operation._waits !== NEUTRAL) return false
  }
  const task = scope._task!
  return (scope._flags & TASK) === 0 || (task._state === 'running' && task._ownWaits === NEUTRAL)
}

function warnOverdue(scope: ScopeNode, watch: Watch, now: number): void {
  const task = scope._task!
  const body = scope._body!
  const signal = shutdownSignal(scope)
  const named = body.name === '' || (scope._flags & TASK) !== 0 ? '' : ` "${body.name}"`
  const ago = `${((now - watch.since) / 1000).toFixed(1)} s ago`
  const cause = scope._cause ?? watch.scope
  const outer = cause === scope || signal !== undefined ? '' : ` (the cancellation is that of ${cause._label})`
  const what =
    signal === undefined
      ? `${scope._label} was cancelled ${ago} and has not ended`
      : `${signal} told the run to end ${ago}, and ${scope._label} has not ended`
  const hint = signal === undefined ? '' : `; another ${signal} ends the process at once`
  const text = `${what}${outer}: its body${named} waits for something that the library cannot cancel${hint}`
  // All functions made in one place have the same source text.
  const source = Function.prototype.toString.call(body)
  warnOnce('STRUCTIO_OVERDUE', `${scope._name}\n${signal}`, text, siteOf(task), source)
}

function shutdownSignal(scope: ScopeNode): string | undefined {
  const reason = scope._task!.run.root?._scope.cancelReason
  return reason?.kind === 'shutdown' ? String(reason.detail) : undefined
}

/** Checks per `overdueAfter`. */
const CHECKS = 4
/** Shortest time between two checks in milliseconds. */
const SHORTEST = 5
