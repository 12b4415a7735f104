/**
 * A service: something that lives inside a run and ends by itself, not when a body ends. Examples are an adapter for
 * Node's streams. Its I/O runs in a private scope; one operation ties it to the scope that it was made in:
 *
 * ```text
 *   root task's scope ──┬── private scope, shielded ── the I/O of the service
 *                       └── … scope that made it ── Stay (an operation that waits for the end of the body)
 *                                  │ cancelled      ─► `client.cancelled`; that scope waits until `end` is called
 *                                  │ not cancelled  ─► the next scope out takes over
 *                                  └ the root       ─► `client.runEnded`; the run waits until `end` is called
 * ```
 *
 * Invariants
 * 1. Only `interrupt` cancels the I/O. Cancellation of the scopes around the service does not reach its private scope.
 * 2. Cancellation alone does not reach the client: the clean-up of the cancelled body may still use the service.
 * 3. A cancelled scope that made a service ends after the service.
 * 4. A service outlives a scope that ends without cancellation. It never outlives its run.
 */
import type { Cancelled } from '../errors.ts'
import { CancelScope } from './cancel-scope.ts'
import { callInFrame, Frame, requireFrame } from './context.ts'
import { Operation } from './operation.ts'
import { CLOSING, EFFECTIVE, ENDED, SERVICE } from './scope-flags.ts'
import type { ScopeOwner } from './scope-owner.ts'
import type { Task } from './task.ts'
import { BACKEND, NEUTRAL, TIME } from './waits.ts'

/** What a service tells the code that it serves. */
export interface ServiceClient {
  /** Shown in dumps: 'a NodeSocket 127.0.0.1:1 → 127.0.0.1:2'. */
  describe(): string
  /**
   * The scope that the service belongs to was cancelled, and its body has settled. The client calls `end` once it has
   * closed.
   */
  cancelled(reason: Cancelled): void
  /** The run ends and waits for `end`. `reason` is there when the run was cancelled. */
  runEnded(reason: Cancelled | undefined): void
}

export class Service implements ScopeOwner {
  /** The task that made the service. */
  readonly task: Task
  /** @internal */
  readonly what: string
  /** @internal It has no body: `end` is called instead. */
  readonly body = undefined
  readonly #frame: Frame
  #stay: Stay
  #ended = false

  /**
   * @param call - the call that makes the service, for the texts of errors
   * @param what - the kind of service, for labels: 'an adapter'
   * @throws NotRunningError outside every run, and the other errors of `requireFrame`
   */
  constructor(call: string, what: string, client: ServiceClient) {
    const { task, scope } = requireFrame(call)
    this.task = task
    this.what = what
    const root = task.run.root ?? task
    const own = new CancelScope({ shield: true, name: call })
    own._flags |= SERVICE
    own._enter(new Frame(root, root._scope), this)
    this.#frame = new Frame(root, own)
    const stay = (this.#stay = new Stay(this, client, scope))
    // The body has settled already. The client is called later: its constructor is still running.
    if ((scope._flags & CLOSING) !== 0) queueMicrotask(() => stay._leftOver())
  }

  /** Calls `fn` in the private scope. */
  within<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
    return callInFrame(this.#frame, fn, args)
  }

  /** Cancels the I/O. */
  interrupt(): void {
    this.#frame.scope.cancel()
  }

  /** The service is over. Idempotent. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#stay.resolve()
    this.#frame.scope._bodyEnded(false)
  }

  /** @internal */
  _stayIn(client: ServiceClient, scope: CancelScope): void {
    this.#stay = new Stay(this, client, scope)
  }

  /** @internal */
  drained(): void {
    this.#frame.scope._end()
  }

  /** @internal It has no promise that could go unhandled. */
  disown(): void {}

  /** @internal */
  bodyReturned(): void {}

  /** @internal */
  bodyThrew(): void {}

  /** @internal Abandoning a scope leaves services alone (`SERVICE`). */
  leave(): void {}
}

/** Ties a service to one scope. */
class Stay extends Operation<void> {
  readonly #service: Service
  readonly #client: ServiceClient
  #told = false
  #last = false

  constructor(service: Service, client: ServiceClient, scope: CancelScope) {
    super()
    this.#service = service
    this.#client = client
    void this.begin(scope)
  }

  override describe(): string {
    return `the end of ${this.#client.describe()}`
  }

  /** The I/O of the service has operations of its own. At the end of the run the client has a time limit. */
  override get waitsFor(): number {
    return this.#last ? BACKEND | TIME : NEUTRAL
  }

  /** @internal (2) */
  override _cancel(): void {}

  protected override onCancel(): void {}

  /** @internal It stays pending, so that the scope waits for `end`, unless a scope further out takes over. */
  override _leftOver(): void {
    const own = this._scope
    if (own === null || this.#told) return
    this.#told = true
    const client = this.#client
    // A scope whose body has settled cannot take over: it ends soon.
    for (let scope: CancelScope | null = own; scope !== null; scope = scope._parent) {
      const cancelled = (scope._flags & EFFECTIVE) !== 0
      if ((scope._flags & (CLOSING | ENDED)) === 0) {
        this.resolve()
        this.#service._stayIn(client, scope)
        return
      }
      if (scope._parent === null) {
        this.#last = true
        client.runEnded(cancelled ? this.#reason(scope) : undefined)
      } else if (cancelled) {
        client.cancelled(this.#reason(scope))
        return
      }
    }
  }

  #reason(scope: CancelScope): Cancelled {
    return scope._cancelled(this.describe(), this)
  }
}
