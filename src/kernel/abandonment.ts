/**
 * Scopes with `abandon: true`. When such a scope is effectively cancelled and nothing in it waits for the library, it
 * settles, and its body, which waits for work that no scope can cancel, is left behind (FORGET-3).
 *
 * ```text
 *   cancelled ─► does anything in it wait for the library? ── yes: until something in it ends
 *                  │ no, for a full iteration of the event loop
 *                  ▼
 *   inside out, each body that has not settled is left: its scope ends as cancelled, its frame refuses every operation.
 *   What the body comes to later is discarded, and what was opened in it is closed then.
 * ```
 *
 * What must stay true:
 * 1. In a program without such a scope, the end of an operation costs one test of `abandoning`.
 * 2. Nothing polls: a scope that waits for the library is checked again when something in it has ended or was refused.
 * 3. Clean-up code runs first: until a full iteration in which nothing was begun, refused or ended.
 */
import { atCheck } from './iteration.ts'
import { ABANDON, EFFECTIVE, ENDED, LEFT, LINGERING, NEW, SERVICE, TASK } from './scope-flags.ts'
import type { ScopeNode } from './tree.ts'
import { NEUTRAL } from './waits.ts'

/** Number of watched scopes: those with `abandon`, and those given to `whenCleanedUp`. */
export let abandoning = 0

/**
 * `scope` has become effectively cancelled, or was entered so. Does nothing for a scope without `abandon`, or on a
 * second call.
 */
export function considerAbandoning(scope: ScopeNode): void {
  if ((scope._flags & (ABANDON | EFFECTIVE | NEW | ENDED)) !== (ABANDON | EFFECTIVE) || watched.has(scope)) return
  watch(scope, { isBusy: waitsForLibrary, idle: leave })
}

/**
 * Calls `then` when the clean-up in `scope`, which is effectively cancelled, is done: for a full iteration nothing in
 * it waits for the library, and no shield in it is open. Never calls it if the scope ends first.
 */
export function whenCleanedUp(scope: ScopeNode, then: () => void): void {
  watch(scope, { isBusy: cleansUp, idle: then })
}

/** Something began, ended or was refused in `scope`: checks the watched scopes around it again. */
export function noteActivity(scope: ScopeNode): void {
  for (let around: ScopeNode | null = scope; around !== null; around = around._parent) {
    if (watched.has(around)) watchFrom(around)
  }
}

interface Watch {
  isBusy(scope: ScopeNode): boolean
  idle(scope: ScopeNode): void
}

const watched = new Map<ScopeNode, Watch>()
/** Iterations for which a scope has been idle. Scopes that wait for the library are not in the map. */
const idle = new Map<ScopeNode, number>()

function watch(scope: ScopeNode, how: Watch): void {
  watched.set(scope, how)
  abandoning++
  watchFrom(scope)
}

function watchFrom(scope: ScopeNode): void {
  if (idle.size === 0) atCheck(check)
  idle.set(scope, 0)
}

function check(): void {
  for (const [scope, iterations] of [...idle]) {
    if ((scope._flags & (EFFECTIVE | ENDED)) !== EFFECTIVE) forget(scope)
    else if (watched.get(scope)!.isBusy(scope)) idle.delete(scope)
    else if (iterations === 0) idle.set(scope, 1)
    else {
      const how = watched.get(scope)!
      forget(scope)
      how.idle(scope)
    }
  }
  if (idle.size > 0) atCheck(check)
}

function forget(scope: ScopeNode): void {
  idle.delete(scope)
  if (watched.delete(scope)) abandoning--
}

function waitsForLibrary(top: ScopeNode): boolean {
  return isBusy(top, false)
}

function cleansUp(top: ScopeNode): boolean {
  return isBusy(top, true)
}

/**
 * Whether an operation is pending in the subtree. An operation that only listens or runs a body does not count.
 */
function isBusy(top: ScopeNode, shieldsCount: boolean): boolean {
  const scopes = [top]
  for (const scope of scopes) {
    if ((scope._flags & LINGERING) !== 0) return true
    if ((scope._flags & TASK) !== 0 && !isForeign(scope)) return true
    for (let operation = scope._operations; operation !== null; operation = operation._next) {
      if (operation._waits !== NEUTRAL) return true
    }
    for (let child = scope._scopes; child !== null; child = child._next) {
      if ((child._flags & SERVICE) !== 0) continue
      if (shieldsCount && (child._flags & EFFECTIVE) === 0) return true
      scopes.push(child)
    }
  }
  return false
}

/** Whether a task waits for nothing outside its operations. */
function isForeign(scope: ScopeNode): boolean {
  const task = scope._task!
  return task._state !== 'pending' && task._ownWaits === NEUTRAL
}

/**
 * Leaves scopes from the inside out, so that each ends after everything in it. All are marked first: a scope whose body
 * has settled then ends together with its contents, without time for clean-up and whatever is left of the turn's
 * budget.
 */
function leave(top: ScopeNode): void {
  const scopes = [top]
  for (const scope of scopes) {
    scope._flags |= LEFT
    for (let child = scope._scopes; child !== null; child = child._next) {
      if ((child._flags & SERVICE) === 0) scopes.push(child)
    }
  }
  for (let scope = scopes.pop(); scope !== undefined; scope = scopes.pop()) {
    if ((scope._flags & ENDED) === 0) scope._leave(scope === top)
  }
}
