/**
 * How long something of Node's world lives inside a run: a Duplex, a pair of web streams. It belongs to the scope that made
 * it, and its I/O goes on in a scope of its own:
 *
 * ```text
 *   root task's scope ──┬── private scope, shielded ── the receives and sends of the tenant
 *                       └── … scope that made it ── a Stay (an operation that only listens for the end of the body)
 *                                  │ cancelled      ─► the tenant is told, and that scope waits until it is closed
 *                                  │ not cancelled  ─► the next scope out takes over
 *                                  └ the root       ─► the run waits until it is closed: a while, then it closes it
 * ```
 *
 * What must stay true:
 * 1. The I/O is never cancelled half-way for another reason than the tenant's own end. A send that stopped in the middle
 *    would leave a gap in the data, and nobody could say where; hence a scope of its own, and the shield.
 * 2. Cancellation alone does not touch the tenant: the clean-up of the cancelled body may still say goodbye through it.
 * 3. A scope in which the tenant was made is not left while cancelled before the tenant has closed its stream.
 * 4. A tenant outlives a scope that merely ends, as a stream does (a pool keeps what one request has opened), and never
 *    its run.
 */
import type { Cancelled } from '../errors.ts'
import { CancelScope } from '../kernel/cancel-scope.ts'
import { callInFrame, Frame, requireFrame } from '../kernel/context.ts'
import { Operation } from '../kernel/operation.ts'
import { warnLeftOpen } from '../kernel/resources.ts'
import type { RunState } from '../kernel/run-state.ts'
import type { ScopeOwner } from '../kernel/scope-owner.ts'
import { CLOSING, EFFECTIVE, ENDED, SERVICE } from '../kernel/scope-flags.ts'
import { BACKEND, NEUTRAL, TIME } from '../kernel/waits.ts'

export interface Tenant {
  /** For people: 'a NodeSocket 127.0.0.1:1 → 127.0.0.1:2'. */
  describe(): string
  /** The scope that it belongs to was cancelled, and its body has settled: it closes, and calls `end` when that is done. */
  cancelled(reason: Cancelled): void
  /** The run ends, and waits for `end`. `warn` is for one that is open without a reason; that of a cancelled run has one. */
  runEnded(warn: () => void, reason: Cancelled | undefined): void
}

export class Lifetime implements ScopeOwner {
  readonly run: RunState
  readonly tenant: Tenant
  readonly taskName: string
  readonly #frame: Frame
  #stay: Stay
  #ended = false

  /** @param what - the call that makes the tenant. @throws NotRunningError outside every run, and as every operation does */
  constructor(what: string, tenant: Tenant) {
    const { task, scope } = requireFrame(what)
    this.run = task.run
    this.tenant = tenant
    this.taskName = task.name
    const root = task.run.root ?? task
    const own = new CancelScope({ shield: true, name: what })
    own._flags |= SERVICE
    own._enter(new Frame(root, root._scope), this)
    this.#frame = new Frame(root, own)
    const stay = (this.#stay = new Stay(this, scope))
    // The body has settled. Not inside the call that makes the tenant: that has not got it yet.
    if ((scope._flags & CLOSING) !== 0) queueMicrotask(() => stay._leftOver())
  }

  /** Calls `fn` where the I/O of the tenant belongs. */
  within<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
    return callInFrame(this.#frame, fn, args)
  }

  /** The I/O that is under way ends now. */
  interrupt(): void {
    this.#frame.scope.cancel()
  }

  /** The tenant is closed. Idempotent. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#stay.resolve()
    this.#frame.scope._bodyEnded(false)
  }

  /** It goes on in another scope. */
  move(heir: CancelScope): void {
    this.#stay = new Stay(this, heir)
  }

  /** @internal */
  drained(): void {
    this.#frame.scope._end()
  }

  /** @internal It has no promise that anybody could miss. */
  disown(): void {}

  /** @internal It has no body: `end` is called instead. */
  bodyReturned(): void {}

  /** @internal */
  bodyThrew(): void {}

  /** @internal */
  readonly body = undefined
  /** @internal */
  readonly what = 'an adapter'

  /** @internal What abandons a scope leaves this alone, as it leaves every scope with an end of its own. */
  leave(): void {}
}

/** What keeps it in one scope. */
class Stay extends Operation<void> {
  readonly #lifetime: Lifetime
  #told = false
  #last = false

  constructor(lifetime: Lifetime, scope: CancelScope) {
    super()
    this.#lifetime = lifetime
    void this.begin(scope)
  }

  override describe(): string {
    return `the end of ${this.#lifetime.tenant.describe()}`
  }

  /** The tenant's I/O speaks for itself; at the end of its run it is given a while. */
  override get waitsFor(): number {
    return this.#last ? BACKEND | TIME : NEUTRAL
  }

  /** @internal (2) */
  override _cancel(): void {}

  protected override onCancel(): void {}

  /** @internal It stays pending, so that the scope waits for `end`; unless another one takes over. */
  override _leftOver(): void {
    const own = this._scope
    if (own === null || this.#told) return
    this.#told = true
    const { tenant, taskName } = this.#lifetime
    // Those whose body has settled go on for a while, with what that has left behind.
    for (let scope: CancelScope | null = own; scope !== null; scope = scope._parent) {
      const cancelled = (scope._flags & EFFECTIVE) !== 0
      if ((scope._flags & (CLOSING | ENDED)) === 0) {
        this.resolve()
        this.#lifetime.move(scope)
        return
      }
      if (scope._parent === null) {
        this.#last = true
        tenant.runEnded(() => warnLeftOpen(tenant.describe(), taskName), cancelled ? this.#reason(scope) : undefined)
      } else if (cancelled) {
        tenant.cancelled(this.#reason(scope))
        return
      }
    }
  }

  #reason(scope: CancelScope): Cancelled {
    return scope._cancelled(this.describe(), this)
  }
}
