/**
 * `Pool`: items that are expensive to make, such as connections. Each is lent to one call at a time and kept for the
 * next. Over 500 lines because all of it works on one state: the items and the waiters for them.
 *
 * ```text
 *   use ─► idle item ───────────────────────────► body ─► returned: next waiter, or idle ──► idleTimeout ─► destroy
 *    └───► waits in line ◄── item, or error ── create       └ threw: validate ─┬─ true: the same
 *            └ cancelled: the create goes on                                   └─ else: destroy
 * ```
 *
 * Invariants
 * 1. At most `max` items exist, with those that are being created, validated or destroyed. Each counts once.
 * 2. No call waits while an item is idle, or while fewer than `max` items exist and none is being created for it. Items
 *    go to waiters first come, first served.
 * 3. An item is idle, lent, or being validated or destroyed; `destroy` gets each item once, also the item of a `create`
 *    whose caller has left.
 * 4. Creating and destroying belong to no caller: they are tasks of the run. A cancelled caller leaves at once.
 *    Destroying is shielded, and bounded by `LIMIT`.
 */
import { AsyncResource } from 'node:async_hooks'
import { type Cancelled, ClosedResourceError, UsageError } from '../errors.ts'
import {
  abandonable,
  callInFrame,
  CancelScope,
  closingScope,
  currentFrame,
  Deadline,
  hasEnded,
  enterFrame,
  enterOperation,
  Frame,
  type Host,
  isInterrupted,
  judgeTask,
  markHandled,
  NEUTRAL,
  realTimeout,
  rejected,
  requireFrame,
  Resource,
  type RunState,
  runTaskGroup,
  tellSuppressed,
  type Timed,
  Waiter,
  WaitQueue,
} from '../kernel/index.ts'
import {
  checkFunction,
  checkInteger,
  checkOptions,
  checkString,
  checkTime,
  isThenable,
  optionNames,
  outOfRange,
} from '../common/validate.ts'
import { Claim, OneGrant, UseCall } from './grant.ts'
import { frameForUse, heldHere, refuseHeld } from './ownership.ts'

/**
 * Options of `createPool`.
 *
 * @typeParam T - the type of the items
 */
export interface PoolOptions<T> {
  /**
   * Makes an item, in a task of its own. If the caller has left meanwhile, the item goes to the next one. Give it a
   * time limit if it may hang (`failAfter`): until it settles, it counts towards `max`.
   */
  create: () => T | PromiseLike<T>
  /** Closes an item. Shielded, for at most 5,000 ms. Its errors go to the channel `structio:suppressed-error`. */
  destroy: (item: T) => unknown
  /** Whether an item whose body failed or was cancelled can be used again. Default: such items are destroyed. */
  validate?: ((item: T) => boolean | PromiseLike<boolean>) | undefined
  /** Maximum number of items: an integer of at least 1, or `Infinity`. */
  max: number
  /** Milliseconds after which an unused item is destroyed. Default `Infinity`: when the pool is closed. */
  idleTimeout?: number | undefined
  /** Name in dumps and warnings. */
  name?: string | undefined
}

/** A snapshot of a pool, frozen. */
export interface PoolStatistics {
  /** The option `max`. */
  readonly max: number
  /** Items that exist or are being created: the sum of the next four. */
  readonly size: number
  /** Items that are lent to a call. */
  readonly borrowed: number
  /** Unused items. */
  readonly idle: number
  /** Items that are being created. */
  readonly creating: number
  /** Items that are being validated or destroyed. */
  readonly closing: number
  /** Calls that wait for an item. */
  readonly tasksWaiting: number
}

/**
 * Makes a pool: it lends each of its items to one call at a time, and keeps it for the next.
 *
 * A pool belongs to the run of the running task. Other runs cannot use it. A pool that is left open is closed with its
 * run, with a process warning.
 *
 * @example
 * ```ts
 * await using pool = createPool({ create: () => connectTcp('db', 5432), destroy: (db) => db.close(), max: 10 })
 * await pool.use((db) => db.sendAll('hello'))
 * ```
 *
 * @throws NotRunningError outside every `run`
 */
export function createPool<T>(options: PoolOptions<T>): Pool<T> {
  checkOptions('options', options, OPTIONS)
  const { create, destroy, validate, max, idleTimeout = Infinity, name } = options
  checkFunction('options.create', create)
  checkFunction('options.destroy', destroy)
  if (validate !== undefined) checkFunction('options.validate', validate)
  if (max !== Infinity) checkInteger('options.max', max, 1)
  checkTime('options.idleTimeout', idleTimeout)
  if (idleTimeout < 0) throw outOfRange('options.idleTimeout', 'a number of milliseconds >= 0', idleTimeout)
  if (name !== undefined) checkString('options.name', name)
  const frame = requireFrame('createPool')
  return new Pool<T>(new OpenPool<T>(frame, { create, destroy, validate, max, idleTimeout, name }))
}

/** Lends each of its items to one call at a time; made by `createPool`. */
export class Pool<T> implements AsyncDisposable {
  readonly #pool: OpenPool<T>

  /** @internal */
  constructor(pool: OpenPool<T>) {
    this.#pool = pool
  }

  /**
   * Runs `body` with an item, which no other call gets until `body` has settled. It is the idle item that was used
   * last; a new one, if fewer than `max` exist; otherwise the next that is returned, first come, first served. If
   * `body` fails, its item is destroyed, unless `validate` accepts it.
   *
   * @throws the error of `body`; the error of a `create` that was made for this call; ClosedResourceError if the pool
   * is closed; UsageError inside another `use` of this pool, or in another run
   */
  use<R>(body: (item: T) => R | PromiseLike<R>): Promise<R> {
    try {
      checkFunction('body', body)
      return this.#pool.use(body)
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Closes the pool: waiting and later calls reject with `ClosedResourceError`. Idle items are destroyed at once, lent
   * ones when they are returned. Waits until all are gone, or until its scope is cancelled; never raises a
   * cancellation. Idempotent.
   */
  close(): Promise<void> {
    return this.#pool.close()
  }

  /** The numbers of items and of waiting calls. */
  statistics(): PoolStatistics {
    return this.#pool.statistics()
  }

  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

type Settings<T> = PoolOptions<T> & { readonly idleTimeout: number }

/** The pool as a resource of its run. */
class OpenPool<T> extends Resource implements Timed {
  readonly #settings: Settings<T>
  readonly #run: RunState
  /** Items are made and destroyed in the async context of `createPool`: the user may have AsyncLocalStorages. */
  readonly #context = new AsyncResource('structio.pool')
  readonly #waiters = new WaitQueue<PoolWaiter<T>>()
  /** Longest idle first. */
  readonly #idle: { readonly item: T; readonly since: number }[] = []
  readonly #creations = new Set<Creation>()
  #borrowed = 0
  #closing = 0
  #closed = false
  readonly #closers = new WaitQueue<Closer>()
  /** Expiry of the first idle item. */
  readonly #expiry = new Deadline(Infinity, this)

  constructor(frame: Frame, settings: Settings<T>) {
    super()
    this.#settings = settings
    this.#run = frame.task.run
    this.register(frame, 'pool')
  }

  use<R>(body: (item: T) => R | PromiseLike<R>): Promise<R> {
    const caller = enterFrame('use')
    if (this.#closed) throw new ClosedResourceError(`use: ${this.describeResource()} is closed`)
    if (caller.task.run !== this.#run)
      throw new UsageError(`use: ${this.describeResource()} belongs to ${this.#run.label}, in which it was made`)
    refuseHeld(this, 'use', caller)
    const { frame, holding } = frameForUse(this, caller)
    const call: UseCall<unknown> = new UseCall(frame, holding, () => (call.grant as Loan<T>).lend(body))
    const waiter = new PoolWaiter<T>(this, call)
    const idle = this.#takeIdle()
    if (idle !== undefined) return waiter.takeNow(this.#lend(idle.item), caller.scope) as Promise<R>
    const promise = waiter.waitIn(this.#waiters, caller.scope)
    this.#serve()
    return promise as Promise<R>
  }

  close(): Promise<void> {
    this.#shut('is closed')
    const scope = closingScope()
    // Inside a `use` of this pool it would wait for itself.
    const waits = scope !== undefined && !isInterrupted(scope) && heldHere(this, currentFrame()) === undefined
    if (!waits || this.#size === 0) return Promise.resolve()
    return new Closer(this.describeResource()).waitIn(this.#closers, scope)
  }

  statistics(): PoolStatistics {
    return Object.freeze({
      max: this.#settings.max,
      size: this.#size,
      borrowed: this.#borrowed,
      idle: this.#idle.length,
      creating: this.#creations.size,
      closing: this.#closing,
      tasksWaiting: this.#waiters.length,
    })
  }

  override describeResource(): string {
    return this.#settings.name === undefined ? 'a pool' : `pool "${this.#settings.name}"`
  }

  /** Outside every frame: `destroy` closes things, and that works everywhere. */
  override async closeForRun(): Promise<void> {
    this.#shut('is closed: its run has ended')
    if (this.#size === 0) return
    const gone = new Promise<void>((resolve) => (this.#allGone = resolve))
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => (timer = realTimeout(resolve, LIMIT)))
    await Promise.race([gone, late])
    clearTimeout(timer)
  }

  #allGone: (() => void) | undefined

  /** @internal Timed */
  host(): Host {
    return this.#run.host
  }

  /** @internal Timed: the first idle item has expired. */
  due(): void {
    const now = this.#run.deadlines.now()
    const isExpired = ({ since }: { since: number }): boolean => since + this.#settings.idleTimeout <= now
    while (this.#idle.length > 0 && isExpired(this.#idle[0]!)) this.#retire(this.#idle.shift()!.item, false)
    this.#armExpiry()
  }

  /** @internal For the descriptions of waits. */
  get _state(): string {
    return `${this.describeResource()} (${this.#borrowed} of ${this.#settings.max} lent, ${this.#creations.size} being made)`
  }

  /**
   * @internal A waiter was cancelled. The `create` for it goes on; later calls do not wait for it, because it may hang.
   */
  _left(): void {
    if (this.#expected <= this.#waiters.length) return
    for (const creation of this.#creations) {
      if (creation.abandoned) continue
      creation.abandoned = true
      return
    }
  }

  get #size(): number {
    return this.#borrowed + this.#idle.length + this.#creations.size + this.#closing
  }

  /** Items that are being created for waiters. */
  get #expected(): number {
    let expected = 0
    for (const { abandoned } of this.#creations) if (!abandoned) expected++
    return expected
  }

  #lend(item: T): Loan<T> {
    this.#borrowed++
    return new Loan<T>(this.#returned, item)
  }

  readonly #returned = (grant: OneGrant): void => {
    const { item, failed } = grant as Loan<T>
    this.#borrowed--
    if (failed) this.#retire(item, this.#settings.validate !== undefined)
    else this.#available(item)
  }

  #available(item: T): void {
    if (this.#closed) {
      this.#retire(item, false)
      return
    }
    const waiter = this.#waiters.shift()
    if (waiter !== undefined) waiter.grant(this.#lend(item))
    else {
      this.#idle.push({ item, since: this.#run.deadlines.now() })
      if (this.#idle.length === 1) this.#armExpiry()
    }
  }

  #takeIdle(): { readonly item: T } | undefined {
    const idle = this.#idle.pop()
    if (idle !== undefined && this.#idle.length === 0) this.#armExpiry()
    return idle
  }

  #armExpiry(): void {
    const first = this.#idle[0]
    this.#run.deadlines.remove(this.#expiry)
    if (first === undefined) return
    this.#expiry.at = first.since + this.#settings.idleTimeout
    this.#run.deadlines.add(this.#expiry)
  }

  /** Creates items for waiters (2), and answers closers once no item is left. */
  #serve(): void {
    while (!this.#closed && this.#expected < this.#waiters.length && this.#size < this.#settings.max) this.#create()
    if (!this.#closed || this.#size > 0) return
    this.#closers.drain((closer) => closer.answer(undefined))
    this.#allGone?.()
  }

  #create(): void {
    const creation: Creation = { abandoned: false, scope: new CancelScope() }
    this.#creations.add(creation)
    this.#begin(creation.scope, `create of ${this.describeResource()}`, () => this.#make(creation))
  }

  async #make(creation: Creation): Promise<void> {
    const { task } = requireFrame('create')
    try {
      enterOperation('create')
      // Closing the pool or the run abandons a foreign promise; its item is destroyed when it comes (3).
      const making = (async () => this.#settings.create())()
      const item = await abandonable(making, (late) => this.#retire(late, false), NEUTRAL)
      this.#creations.delete(creation)
      this.#available(item)
    } catch (error) {
      this.#creations.delete(creation)
      const verdict = judgeTask(task._scope, error)
      this.#notMade(
        verdict.kind === 'failed'
          ? verdict.error
          : new ClosedResourceError(`use: ${this.describeResource()} makes no more items: its run is cancelled`),
        verdict.kind === 'failed' ? task : undefined,
      )
    }
    this.#serve()
  }

  /** The first waiter gets the error; `#serve` creates for the others. @param task - a task that failed by itself */
  #notMade(error: unknown, task: Parameters<typeof tellSuppressed>[0] | undefined): void {
    const waiter = this.#waiters.shift()
    if (waiter !== undefined) waiter.reject(error)
    else if (task !== undefined) tellSuppressed(task, error)
  }

  /** Destroys an item, unless it is to be validated (`look`) and is valid. */
  #retire(item: T, look: boolean): void {
    this.#closing++
    this.#begin(new CancelScope({ shield: true }), `destroy of ${this.describeResource()}`, async () => {
      const good = look && (await this.#bounded(() => this.#settings.validate!(item))) === true && !this.#closed
      if (!good) await this.#bounded(() => this.#settings.destroy(item))
      this.#closing--
      if (good) this.#available(item)
      this.#serve()
    })
  }

  /** The value of a user's callback; `undefined` if it failed or took longer than `LIMIT`. */
  async #bounded(fn: () => unknown): Promise<unknown> {
    const frame = currentFrame()
    try {
      // Outside every run, `closeForRun` bounds the wait.
      if (frame === undefined || hasEnded(frame.scope)) return await fn()
      const deadline = this.#run.deadlines.now() + LIMIT
      return await new CancelScope({ deadline, abandon: true })._run(fn, 'move-on', 'destroy')
    } catch (error) {
      if (this.#run.root !== undefined) tellSuppressed(frame?.task ?? this.#run.root, error)
      return undefined
    }
  }

  /** Runs `work`, which never fails, in a task below the root task; after the end of the run, without a task. */
  #begin(scope: CancelScope, name: string, work: () => Promise<void>): void {
    const root = this.#run.root!
    this.#context.runInAsyncScope(() => {
      if (hasEnded(root._scope)) void callInFrame(new Frame(root, root._scope), work)
      else
        callInFrame(new Frame(root, root._scope), () =>
          markHandled(runTaskGroup(scope, (group) => void group._spawn(group, work, name, []))),
        )
    })
  }

  #shut(why: string): void {
    if (this.#closed) return
    this.#closed = true
    this.unregister()
    this.#waiters.drain((waiter) => waiter.reject(new ClosedResourceError(`use: ${this.describeResource()} ${why}`)))
    for (const { scope } of this.#creations) scope.cancel('the pool was closed')
    for (const { item } of this.#idle.splice(0)) this.#retire(item, false)
    this.#armExpiry()
  }
}

interface Creation {
  /** The call for which it was begun has left. */
  abandoned: boolean
  readonly scope: CancelScope
}

/** An item that is lent to one call. */
class Loan<T> extends OneGrant {
  readonly item: T
  failed = false

  constructor(release: (grant: OneGrant) => void, item: T) {
    super(release)
    this.item = item
  }

  /** Sets `failed` before the item is given back. */
  lend<R>(body: (item: T) => R | PromiseLike<R>): R | PromiseLike<R> {
    try {
      const result = body(this.item)
      return isThenable(result) ? Promise.resolve(result).then(undefined, this.#threw) : result
    } catch (error) {
      return this.#threw(error)
    }
  }

  readonly #threw = (error: unknown): never => {
    this.failed = true
    throw error
  }
}

class PoolWaiter<T> extends Claim {
  readonly #pool: OpenPool<T>

  constructor(pool: OpenPool<T>, call: UseCall<unknown>) {
    super('an item', call)
    this.#pool = pool
  }

  override describe(): string {
    const text = super.describe()
    return text === 'use' ? text : `an item of ${this.#pool._state}`
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    const waited = this._queue !== undefined
    super.onCancel(cancelled)
    if (waited) this.#pool._left()
  }
}

/** A `close` that waits for the items. A cancellation ends the wait and is not raised. */
class Closer extends Waiter<void> {
  constructor(pool: string) {
    super(`the items of ${pool} to be returned and destroyed`)
  }

  protected override onCancel(): void {
    this._queue?.delete(this)
    this.resolve()
  }
}

/** Milliseconds for one `destroy` or `validate`. As `closeTimeout` of streams. */
const LIMIT = 5000

const OPTIONS = optionNames<PoolOptions<unknown>>({
  create: true,
  destroy: true,
  validate: true,
  max: true,
  idleTimeout: true,
  name: true,
})
