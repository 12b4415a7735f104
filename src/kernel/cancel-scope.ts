/**
 * The cancel scope: a node in the tree that cancellation spreads through.
 *
 * ```text
 *   root ── scope ──┬── operation (receive)          cancel(scope):
 *                   ├── scope, shield ── operation     1. set the EFFECTIVE bit in the subtree, not past shields
 *                   └── task ── scope ── operation     2. cancel every pending operation found there, once
 *                                                      3. abort the AbortSignals that were handed out
 * ```
 *
 * Invariants
 * 1. EFFECTIVE is cached: set if and only if the scope was cancelled itself, or its parent's bit is set and it has no
 *    shield. `cancel`, `shield`, entering and moving to another parent restore this for the whole subtree before any
 *    operation or listener is called, so that all code sees one consistent tree.
 * 2. A pending operation is cancelled at the moment its scope becomes effectively cancelled. Nothing polls.
 * 3. A scope is in its parent's list from entry to end. It ends after everything in its own lists has left them: the
 *    operations, scopes and task groups begun in its frame and, for the scope of a group, the tasks (SCOPE-7).
 * 4. The first cause stays: reason and CANCEL_CALLED are set once. A deadline that fired stays fired.
 * 5. Rare needs cost no memory in every scope: there is a scope for each task, and a task for each connection.
 *    Deadlines, names and signals sit in objects of their own.
 *
 * Over 500 lines because a scope is one state machine over one set of private fields; its walks and texts are
 * elsewhere.
 */
import { type Cancelled, UsageError, createCancelled } from '../errors.ts'
import { abandoning, considerAbandoning, noteActivity } from './abandonment.ts'
import { checkBoolean, checkFunction, checkTime } from './arguments.ts'
import { type CancelKind, CAUSES } from './cancel-reason.ts'
import { type Frame, requireFrame } from './context.ts'
import { Deadline, type Host, type Timed } from './deadlines.ts'
import { scopeChannel, tellScope } from './diagnostics.ts'
import { inspectCustom } from './inspect.ts'
import { append, collect, unlink } from './links.ts'
import { linger } from './linger.ts'
import { type Operation, rejected } from './operation.ts'
import { watchOverdue } from './overdue.ts'
import { noteHolding, stir, watched } from './quiet.ts'
import {
  ABANDON,
  CANCEL_CALLED,
  CAUGHT,
  CLOSING,
  DELIVERED,
  EFFECTIVE,
  ENDED,
  HANDED_OUT,
  INTERRUPTED,
  LEFT,
  LEFTOVERS,
  LINGERING,
  NEW,
  SERVICE,
  SHIELD,
  TASK,
} from './scope-flags.ts'
import { type ExitMode, ScopeRun } from './scope-run.ts'
import type { BodySink, ScopeOwner } from './scope-owner.ts'
import { Extras } from './scope-extras.ts'
import { type CancelScopeOptions, checkScopeOptions } from './scope-options.ts'
import { inspectScope, labelOf } from './scope-text.ts'
import { spread, withdraw } from './spread.ts'
import type { Task } from './task.ts'
import { nextTurn } from './turn.ts'

/** Why a scope was cancelled. */
export interface CancelReason {
  /** The kind of cause. */
  readonly kind: 'explicit' | 'deadline' | 'task-failed' | 'signal' | 'shutdown' | 'scope-ended'
  /** The scope that was cancelled. Scopes inside it have a reason only if they were cancelled themselves. */
  readonly scope: CancelScope
  /**
   * The argument of `cancel()`, the error of the failed task, the signal's reason, or the name of the process signal.
   */
  readonly detail?: unknown
}

/**
 * A part of a program that can be cancelled as a whole: every operation and every task begun inside it.
 *
 * `openCancelScope`, `moveOnAfter` and `failAfter` make a scope and enter it at once. A scope made with `new` is
 * entered once, by its method `run`, and may be cancelled before.
 *
 * @example
 * ```ts
 * const search = new CancelScope({ name: 'search' })
 * stopButton.on('click', () => search.cancel())
 * const hits = await search.run(() => searchEverywhere(query)) // undefined when cancelled
 * ```
 */
export class CancelScope implements Timed {
  /** @internal bits of scope-flags.ts */
  _flags: number
  /** @internal */
  _parent: CancelScope | null = null
  /** @internal */
  _previous: CancelScope | null = null
  /** @internal */
  _next: CancelScope | null = null
  /** @internal First of the scopes begun in this one's frame, and of a group's tasks. */
  _scopes: CancelScope | null = null
  /** @internal First of the pending operations begun in this one's frame. */
  _operations: Operation<unknown> | null = null
  /** @internal Other reasons to stay open: a group's pending `start` calls. */
  _holds = 0
  /** @internal The time at which its body ended and left something behind, as `Operation._since`. */
  _since = 0
  /** @internal The task in whose frame this was entered. */
  _task: Task | null = null
  #owner: ScopeOwner | null = null
  #deadline: Deadline | null = null
  #reason: CancelReason | undefined
  #extras: Extras | null = null

  constructor(options?: CancelScopeOptions) {
    this._flags = NEW
    if (options === undefined) return
    checkScopeOptions(options)
    const { deadline, shield, signal, abandon, name } = options
    if (shield === true) this._flags |= SHIELD
    if (abandon === true) this._flags |= ABANDON
    if (deadline !== undefined && deadline !== Infinity) this.#deadline = new Deadline(deadline, this)
    if (signal !== undefined || name !== undefined) this.#extras = new Extras(signal, name)
  }

  /**
   * Enters the scope and runs `body` in it. Resolves with the value of the body, or with `undefined` when the
   * cancellation of this scope ended it. Rejects with the error of the body, with `signal.reason` when the foreign
   * signal was the first cause, and with `UsageError` on a second call.
   */
  run<T>(body: (scope: CancelScope) => T | PromiseLike<T>): Promise<T | undefined> {
    return this._run(body, 'move-on', 'CancelScope.run')
  }

  /**
   * Cancels everything in the scope at once: waiting operations reject with `Cancelled`, and every later checkpoint
   * throws it until the scope is left. A second call changes nothing. Works from any task and any callback of the
   * thread.
   *
   * @param reason - becomes `cancelReason.detail`
   */
  cancel(reason?: unknown): void {
    this._cancel('explicit', reason)
  }

  /** Whether this scope itself was cancelled: by `cancel()`, its deadline or its signal. */
  get cancelCalled(): boolean {
    return (this._flags & CANCEL_CALLED) !== 0
  }

  /** Whether a cancellation ended the body and stopped at this scope. */
  get cancelledCaught(): boolean {
    return (this._flags & CAUGHT) !== 0
  }

  /** The first cause of the cancellation; `undefined` while `cancelCalled` is false. */
  get cancelReason(): CancelReason | undefined {
    return this.#reason
  }

  /**
   * The time at which the scope is cancelled, in milliseconds on the clock of `currentTime()`; `Infinity` is never.
   * Settable.
   */
  get deadline(): number {
    return this.#deadline === null ? Infinity : this.#deadline.at
  }

  set deadline(at: number) {
    checkTime('deadline', at)
    if (this.#deadline === null) this.#deadline = new Deadline(at, this)
    else {
      this.#disarm()
      this.#deadline.at = at
    }
    if ((this._flags & (NEW | ENDED)) === 0) this.#arm()
    this.#stir()
  }

  /**
   * Whether cancellation of enclosing scopes is blocked. Settable at any time; takes effect at once, in both
   * directions.
   */
  get shield(): boolean {
    return (this._flags & SHIELD) !== 0
  }

  set shield(value: boolean) {
    checkBoolean('shield', value)
    if (value === this.shield) return
    this._flags ^= SHIELD
    this._refresh()
    this.#stir()
  }

  /**
   * An `AbortSignal` for functions of other libraries. It aborts, with a `Cancelled` as its reason, when this scope or
   * an enclosing one is cancelled, and stays aborted. It is made on the first access.
   */
  get signal(): AbortSignal {
    this._markHandedOut()
    const extras = (this.#extras ??= new Extras(undefined, undefined))
    if (extras.controller === undefined) {
      extras.controller = new AbortController()
      if ((this._flags & EFFECTIVE) !== 0) extras.controller.abort(this._cancelled('the signal'))
    }
    return extras.controller.signal
  }

  /** @internal */
  get _name(): string | undefined {
    return this.#extras?.name
  }

  /** @internal */
  get _body(): ((...args: never[]) => unknown) | undefined {
    return this.#owner?.body
  }

  /** @internal The body is left behind (abandonment.ts, which has set LEFT), unless it has settled. */
  _leave(settles: boolean): void {
    if ((this._flags & CLOSING) !== 0) this._childLeft()
    else this.#owner!.leave(settles)
  }

  /** @internal Gets the outcome of the body of this scope. */
  get _sink(): BodySink {
    return this.#owner!
  }

  /** @internal */
  _run<T>(body: (scope: CancelScope) => T | PromiseLike<T>, mode: ExitMode, what: string): Promise<T | undefined> {
    try {
      checkFunction('body', body)
      const frame = requireFrame('a cancel scope')
      this._refuseSecondEntry()
      return new ScopeRun<T>(this, mode, what).start(frame, body)
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * @internal Runs the inside of one call. Only enclosing scopes can cancel it, so it ends with a value or an error.
   */
  static _operation<T>(what: string, body: () => T | PromiseLike<T>): Promise<T> {
    return new CancelScope()._run(body, 'operation', what) as Promise<T>
  }

  /** @internal */
  _refuseSecondEntry(): void {
    if ((this._flags & NEW) !== 0) return
    const state = (this._flags & ENDED) === 0 ? 'is active already' : 'has ended'
    throw new UsageError(`this cancel scope ${state}: a scope is entered once, make a new one`)
  }

  /** @internal The scope begins, as a child of the frame's. */
  _enter(frame: Frame, owner: ScopeOwner): void {
    this._task = frame.task
    this.#owner = owner
    this._flags &= ~NEW
    const parent = frame.scope
    this._parent = parent
    parent._scopes = append(parent._scopes, this)
    if ((this._flags & HANDED_OUT) !== 0) parent._markHandedOut()
    if (watched) noteHolding(this, frame.held)
    if (scopeChannel.hasSubscribers) this.#tellEntered()
    if ((parent._flags & INTERRUPTED) !== 0) this.#enterInterrupted(parent)
    if ((this._flags & ABANDON) !== 0) considerAbandoning(this)
    if ((this._flags & CANCEL_CALLED) !== 0) {
      watchOverdue(this)
      return
    }
    if (this.#extras !== null && this.#extras.foreign !== undefined) this.#listen(this.#extras.foreign)
    if (this.#deadline !== null) this.#arm()
  }

  /** @internal The scope of a task begins; `parent` is null for the root. */
  _enterTask(parent: CancelScope | null, task: Task): void {
    this._task = task
    this.#owner = task
    this._flags = (this._flags & ~NEW) | TASK
    if (parent !== null) {
      this._parent = parent
      parent._scopes = append(parent._scopes, this)
      if ((parent._flags & EFFECTIVE) !== 0) this._flags |= EFFECTIVE
    }
    if (this.#extras !== null && this.#extras.foreign !== undefined) this.#listen(this.#extras.foreign)
    if ((this._flags & ABANDON) !== 0) considerAbandoning(this)
  }

  /** @internal Moves to another parent and takes on its cancellation. */
  _moveTo(parent: CancelScope): void {
    const before = this._parent!
    before._scopes = unlink(before._scopes, this)
    this._parent = parent
    parent._scopes = append(parent._scopes, this)
    if ((this._flags & HANDED_OUT) !== 0) parent._markHandedOut()
    this._refresh()
    before._childLeft()
  }

  /** @internal */
  _cancel(kind: CancelKind, detail?: unknown): void {
    if ((this._flags & CANCEL_CALLED) !== 0) return
    this._flags |= CANCEL_CALLED
    this.#reason = Object.freeze(detail === undefined ? { kind, scope: this } : { kind, scope: this, detail })
    this.#disarm()
    this.#extras?.unlisten()
    if (scopeChannel.hasSubscribers) tellScope('cancelled', this)
    if (this._task !== null) watchOverdue(this)
    this.#stir()
    this._refresh()
  }

  /** @internal The `Cancelled` that `what`, in this scope's frame, raises. `begun` is the operation that waited. */
  _cancelled(what: string, begun?: object): Cancelled {
    const cause = this._cause
    const kind = cause === null ? 'scope-ended' : cause.#reason!.kind
    const named = cause?._name === undefined ? '' : ` (scope "${cause._name}")`
    return createCancelled(`${what} was cancelled: ${CAUSES[kind]}${named}`, { scope: this, what, begun })
  }

  /** @internal The outermost cancelled scope that is visible from here: the one that will catch the cancellation. */
  get _cause(): CancelScope | null {
    let cause: CancelScope | null = null
    let scope: CancelScope | null = this
    while (scope !== null) {
      if ((scope._flags & CANCEL_CALLED) !== 0) cause = scope
      scope = (scope._flags & SHIELD) === 0 ? scope._parent : null
    }
    return cause
  }

  /** @internal For texts: 'scope "load" in task "main"', 'failAfter in task "main"'. */
  get _label(): string {
    return labelOf(this, this.#owner?.what)
  }

  /** @internal */
  _isWithin(ancestor: CancelScope): boolean {
    for (let scope: CancelScope | null = this; scope !== null; scope = scope._parent) {
      if (scope === ancestor) return true
    }
    return false
  }

  /** @internal Whether an enclosing scope cancels this one. That scope will catch the cancellation. */
  get _parentCancels(): boolean {
    return (this._flags & SHIELD) === 0 && this._parent !== null && (this._parent._flags & EFFECTIVE) !== 0
  }

  /**
   * @internal A cancellation has reached something in the frame while the body goes on. The body itself passes one on.
   * After a second one, or one that the body does not pass on, other code of the frame may still have to clean up
   * (FORGET-6).
   */
  _noteDelivered(): void {
    if ((this._flags & (CLOSING | ENDED)) === 0) this._flags |= (this._flags & DELIVERED) === 0 ? DELIVERED : LEFTOVERS
  }

  /**
   * @internal The body has settled: what it left behind is cancelled and waited for (SCOPE-7).
   *
   * @param passedOn - whether it settled with the cancellation that reached it
   */
  _bodyEnded(passedOn: boolean): void {
    this._flags |= passedOn || (this._flags & DELIVERED) === 0 ? CLOSING : CLOSING | LEFTOVERS
    this.#stir()
    if (this._operations !== null || this._scopes !== null) {
      this._since = this._task!.run.deadlines.stamp()
      this.#cancelLeftovers()
    }
    this._childLeft()
  }

  /** @internal Nothing is left in the scope. Called by the owner, last. */
  _end(): void {
    this._flags = (this._flags & ~CLOSING) | ENDED
    // Not when the body ends: the deadline of a group bounds its children, too, while the host waits for them.
    this.#disarm()
    this.#extras?.unlisten()
    const parent = this._parent
    if (abandoning > 0) noteActivity(this)
    if (parent !== null) parent._scopes = unlink(parent._scopes, this)
    this.#stir()
    // First this one, then those around it, which may end now.
    if (scopeChannel.hasSubscribers && (this._flags & TASK) === 0) tellScope('ended', this)
    if (parent !== null) parent._childLeft()
  }

  /** @internal */
  _addOperation(operation: Operation<unknown>): void {
    this._operations = append(this._operations, operation)
    if ((this._flags & CLOSING) !== 0) this._flags |= LEFTOVERS
  }

  /** @internal */
  _removeOperation(operation: Operation<unknown>): void {
    this._operations = unlink(this._operations, operation)
    if ((this._flags & CLOSING) !== 0) this._childLeft()
    if (abandoning > 0) noteActivity(this)
  }

  /** @internal Something left the lists; a closing scope with nothing in them is over. */
  _childLeft(): void {
    if (!this.#isDrained()) return
    if ((this._flags & LEFTOVERS) === 0 || (this._flags & LEFT) !== 0) this.#owner!.drained()
    else {
      this._flags = (this._flags & ~LEFTOVERS) | LINGERING
      linger(this)
    }
  }

  /** @internal Clean-up code after the leftovers has had a full iteration. It may have begun something. */
  _lingered(): void {
    this._flags &= ~LINGERING
    this._childLeft()
  }

  /**
   * @internal The budget of the turn is spent: `drained` is called again in the next turn, unless something was begun
   * until then. The scope stays alive meanwhile, so that it never ends before its promise has settled.
   */
  _drainLater(): void {
    this._flags |= LINGERING
    nextTurn({ resume: () => this._lingered() })
  }

  /** @internal Updates the cached bits of the subtree and cancels what has to be cancelled (invariants 1 and 2). */
  _refresh(): void {
    const effective = (this._flags & CANCEL_CALLED) !== 0 || this._parentCancels
    if (effective === ((this._flags & EFFECTIVE) !== 0)) return
    if (effective) spread(this)
    else withdraw(this)
  }

  /**
   * @internal Marks this scope and those around it: an error that the signal's abort causes passes all their
   * boundaries.
   */
  _markHandedOut(): void {
    for (let scope: CancelScope | null = this; scope !== null; scope = scope._parent) {
      if ((scope._flags & HANDED_OUT) !== 0) return
      scope._flags |= HANDED_OUT
    }
  }

  /** @internal */
  _abortSignal(): void {
    const controller = this.#extras?.controller
    if (controller !== undefined && !controller.signal.aborted) controller.abort(this._cancelled('the signal'))
  }

  /** @internal Whether a foreign signal may cancel it. */
  get _listens(): boolean {
    return this.#extras !== null && this.#extras.foreign !== undefined
  }

  /** @internal */
  get _hasSignal(): boolean {
    return this.#extras?.controller !== undefined
  }

  /** @internal Timed */
  host(): Host {
    return this._task!.run.host
  }

  /** @internal Timed */
  due(): void {
    this._cancel('deadline')
  }

  /** @internal */
  [inspectCustom](): string {
    return inspectScope(this)
  }

  #enterInterrupted(parent: CancelScope): void {
    if ((parent._flags & CLOSING) !== 0) {
      // Begun by code that outlived the parent's body: it is cancelled, too, unless it is shielded for clean-up.
      parent._flags |= LEFTOVERS
      if ((this._flags & SHIELD) === 0) this._cancel('scope-ended')
    }
    this._refresh()
  }

  #stir(): void {
    if (watched && this._task !== null) stir(this._task.run)
  }

  #tellEntered(): void {
    tellScope('entered', this)
    if ((this._flags & CANCEL_CALLED) !== 0) tellScope('cancelled', this)
  }

  #isDrained(): boolean {
    return (
      (this._flags & CLOSING) !== 0 &&
      (this._operations === null || (this._flags & LEFT) !== 0) &&
      this._scopes === null &&
      this._holds === 0 &&
      (this._flags & LINGERING) === 0
    )
  }

  #arm(): void {
    const deadline = this.#deadline!
    if ((this._flags & CANCEL_CALLED) !== 0) return
    const queue = this._task!.run.deadlines
    if (deadline.at <= queue.now()) this._cancel('deadline')
    else queue.add(deadline)
  }

  #disarm(): void {
    if (this.#deadline !== null && this.#deadline.index !== -1) this._task!.run.deadlines.remove(this.#deadline)
  }

  #listen(foreign: AbortSignal): void {
    if (foreign.aborted) this._cancel('signal', foreign.reason)
    else this.#extras!.listen(() => this._cancel('signal', foreign.reason))
  }

  #cancelLeftovers(): void {
    const operations = collect(this._operations)
    const scopes = collect(this._scopes).filter((scope) => (scope._flags & (TASK | SERVICE)) === 0)
    if (operations.length + scopes.length > 0) this._flags |= LEFTOVERS
    for (const operation of operations) if (operation.pending) operation._leftOver()
    for (const scope of scopes) {
      scope.#owner!.disown()
      scope._cancel('scope-ended')
    }
  }
}
