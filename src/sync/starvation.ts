/**
 * Deadlocks of thread tokens. A thread that holds a token may call a function of its host and wait for it. If all
 * tokens are with such threads, and their host functions wait for a token of the same limiter, no token ever comes
 * back.
 *
 * ```text
 *   limiter of 2 ──► token 1: thread, blocked in a call of f ── f waits for a thread ──┐
 *                └─► token 2: thread, blocked in a call of g ◄─────────────────────────┘
 *                                                     └── g wants a token: UsageError
 * ```
 *
 * The graph is walked only when code inside such a function is about to wait for a token; nothing is counted before. A
 * deadline or another branch of the function might still end a wait: the call is refused all the same, because a
 * program that depends on that fails under load.
 */
import { UsageError } from '../errors.ts'
import { type CancelScope, Holding, Operation, REAL, TASKS } from '../kernel/index.ts'

/** The borrower of a token for a thread. */
export class ThreadHolding extends Holding {
  /** The scope of the host function that the thread waits for. */
  blockedIn: CancelScope | undefined = undefined
  /** The caller has left and the thread works on: no pending operation shows that the token will come back. */
  abandoned = false
}

/** A call that waits for a thread. */
export abstract class ThreadOperation<T> extends Operation<T> {
  abstract readonly holding: ThreadHolding | undefined
}

/** What this module needs of a limiter. */
export interface Lender {
  /** @internal */
  readonly _borrowers: Iterable<unknown>
}

/** A call that waits for a token. */
export interface TokenWaiter {
  readonly lender: Lender | undefined
}

/** The scopes of the host functions that threads wait for. */
const exposed = new Set<CancelScope>()

export function beginExposed(holding: ThreadHolding, scope: CancelScope): void {
  holding.blockedIn = scope
  exposed.add(scope)
}

export function endExposed(holding: ThreadHolding, scope: CancelScope): void {
  if (holding.blockedIn === scope) holding.blockedIn = undefined
  exposed.delete(scope)
}

/** @throws UsageError if a wait for `lender` in `scope` would never end */
export function refuseStarving(lender: Lender, scope: CancelScope): void {
  if (exposed.size === 0) return
  const around = new Set<CancelScope>()
  for (let outer: CancelScope | null = scope; outer !== null; outer = outer._parent) {
    if (exposed.has(outer)) around.add(outer)
  }
  if (around.size === 0 || !new Search(around).isHopeless(lender)) return
  throw new UsageError(
    'every token of this capacity limiter is with a thread that waits for a function of the event loop which waits for a token: ' +
      'none would ever come back. Give the function a limiter of its own, or more tokens to this one',
  )
}

/** The bits of waits.ts for a wait for a token of `lender`. */
export function waitsForToken(lender: Lender): number {
  for (const borrower of lender._borrowers) {
    if (borrower instanceof ThreadHolding && borrower.abandoned) return TASKS | REAL
  }
  return TASKS
}

class Search {
  /** Scopes around the wait in question: they are stuck. */
  readonly #around: ReadonlySet<CancelScope>
  /** A limiter counts as hopeless while it is being examined: a circle is hopeless. */
  readonly #hopeless = new Map<Lender, boolean>()

  constructor(around: ReadonlySet<CancelScope>) {
    this.#around = around
  }

  isHopeless(lender: Lender): boolean {
    const known = this.#hopeless.get(lender)
    if (known !== undefined) return known
    this.#hopeless.set(lender, true)
    let some = false
    let all = true
    for (const borrower of lender._borrowers) {
      some = true
      all &&= borrower instanceof ThreadHolding && borrower.blockedIn !== undefined && this.#isStuck(borrower.blockedIn)
    }
    this.#hopeless.set(lender, some && all)
    return some && all
  }

  #isStuck(root: CancelScope): boolean {
    if (this.#around.has(root)) return true
    const scopes = [root]
    for (const scope of scopes) {
      for (let operation = scope._operations; operation !== null; operation = operation._next) {
        if (this.#waitsInVain(operation)) return true
      }
      for (let child = scope._scopes; child !== null; child = child._next) scopes.push(child)
    }
    return false
  }

  #waitsInVain(operation: Operation<unknown>): boolean {
    if (operation instanceof ThreadOperation) {
      const blockedIn = operation.holding?.blockedIn
      return blockedIn !== undefined && this.#isStuck(blockedIn)
    }
    const lender = isTokenWaiter(operation) ? operation.lender : undefined
    return lender !== undefined && this.isHopeless(lender)
  }
}

/** By shape: the limiter imports this module, so this module cannot import the limiter. */
function isTokenWaiter(operation: object): operation is TokenWaiter {
  return 'lender' in operation
}
