/**
 * `CapacityLimiter`: tokens, each lent to a known borrower.
 *
 * Invariants: no call waits while a token is free, and a borrower has at most one token.
 */

import { UsageError, WouldBlock } from '../errors.ts'
import {
  type AnyQueue,
  type CancelScope,
  enterFrame,
  enterOperation,
  type Frame,
  Holding,
  type Queued,
  rejected,
  spendBudget,
  WaitQueue,
} from '../kernel/index.ts'
import { checkFunction, checkInteger } from '../common/validate.ts'
import { Claim, type Grant, OneGrant, UseCall } from './grant.ts'
import { OwnerQueue } from './owner-queue.ts'
import { frameForUse, refuseHeld, shownOwner, taskFrame } from './ownership.ts'
import { type Lender, refuseStarving, type TokenWaiter, waitsForToken } from './starvation.ts'

/** A snapshot of a capacity limiter, frozen. */
export interface CapacityLimiterStatistics {
  /** Tokens that are borrowed now. */
  readonly borrowedTokens: number
  /** All tokens; `Infinity` for no limit. */
  readonly totalTokens: number
  /** In the order of borrowing: tasks (also those inside a `use`) as `TaskInfo`, other borrowers as they were given. */
  readonly borrowers: readonly unknown[]
  /** Tasks that wait for a token. */
  readonly tasksWaiting: number
}

/**
 * Makes a limiter of concurrency: at most `totalTokens` borrowers have a token at a time. It differs from a semaphore:
 * each token has a known borrower, and the total can be changed.
 *
 * @example
 * ```ts
 * const limiter = createCapacityLimiter(4)
 * const pages = await Promise.all(urls.map((url) => limiter.use(() => load(url))))
 * ```
 *
 * @param totalTokens - 0 or more; `Infinity` is no limit
 * @throws RangeError if `totalTokens` is negative or no integer
 */
export function createCapacityLimiter(totalTokens: number): CapacityLimiter {
  checkTokens('totalTokens', totalTokens)
  return new CapacityLimiter(totalTokens)
}

/** Lends tokens to tasks and other borrowers; made by `createCapacityLimiter`. */
export class CapacityLimiter implements Lender {
  #total: number
  /** Lent tokens, in the order of borrowing. */
  readonly #lent = new WaitQueue<Token>()
  /** The same by borrower, without those of a `use`: each `use` is a borrower of its own, which is never looked up. */
  readonly #named = new Map<unknown, Token>()
  readonly #waiters = new OwnerQueue<LimiterWaiter>()

  /** @internal */
  constructor(total: number) {
    this.#total = total
  }

  /**
   * Waits for a token, which the running task then has.
   *
   * @throws UsageError if the task has a token or waits for one already, or inside a `use` of this limiter
   */
  acquire(): Promise<Grant> {
    try {
      const frame = enterFrame('acquire')
      this.#refuseHolder(frame, 'acquire')
      this.#waiters.refuseSecond(frame.task, 'acquire')
      return this.#acquire(frame.task, frame.scope)
    } catch (error) {
      return rejected(error)
    }
  }

  /** Takes a token without waiting. @throws WouldBlock if none is free; UsageError if the task has one already */
  acquireNowait(): Grant {
    const frame = taskFrame('acquireNowait')
    this.#refuseHolder(frame, 'acquireNowait')
    return this.#acquireNowait(frame.task, 'acquireNowait')
  }

  /**
   * Waits for a token for `borrower`, any value that identifies it. @throws UsageError if `borrower` has one already
   */
  acquireOnBehalfOf(borrower: unknown): Promise<Grant> {
    try {
      const scope = enterOperation('acquireOnBehalfOf')
      this.#refuseBorrower(borrower, 'acquireOnBehalfOf')
      return this.#acquire(borrower, scope)
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Takes a token for `borrower` without waiting. Works anywhere. @throws WouldBlock if none is free; UsageError as
   * above
   */
  acquireOnBehalfOfNowait(borrower: unknown): Grant {
    this.#refuseBorrower(borrower, 'acquireOnBehalfOfNowait')
    return this.#acquireNowait(borrower, 'acquireOnBehalfOfNowait')
  }

  /** Gives the running task's token back. @throws UsageError if it has none */
  release(): void {
    this.#release(taskFrame('release').task, 'release: this task')
  }

  /** Gives the token of `borrower` back. Works anywhere. @throws UsageError if it has none */
  releaseOnBehalfOf(borrower: unknown): void {
    this.#release(borrower, 'releaseOnBehalfOf: this borrower')
  }

  /** Number of free tokens; negative if the total was lowered below the number of borrowed tokens. */
  get availableTokens(): number {
    return this.#total - this.#lent.length
  }

  /** Number of borrowed tokens. */
  get borrowedTokens(): number {
    return this.#lent.length
  }

  /** Number of all tokens. Raising it serves waiters; lowering it leaves borrowed tokens with their borrowers. */
  get totalTokens(): number {
    return this.#total
  }

  set totalTokens(total: number) {
    checkTokens('totalTokens', total)
    this.#total = total
    this.#serve()
  }

  /**
   * Waits for a token, runs `body`, and gives the token back when `body` settles. The token belongs to this call, not
   * to the task: ten calls in one `Promise.all` take turns. Calls that `body` has begun and not awaited go on without a
   * token: await them, or run them in a task group inside `body`.
   *
   * @throws UsageError inside another `use` of this limiter, or if the task has a token already
   */
  use<T>(body: () => T | PromiseLike<T>): Promise<T> {
    try {
      checkFunction('body', body)
      const caller = enterFrame('use')
      this.#refuseHolder(caller, 'use')
      const { frame, holding } = frameForUse(this, caller)
      const waiter = new LimiterWaiter(this, holding, new UseCall(frame, holding, body))
      if (this.#isFree()) return waiter.takeNow(this.#lend(holding), caller.scope) as Promise<T>
      refuseStarving(this, caller.scope)
      return waiter.waitIn(this.#waiters, caller.scope) as Promise<T>
    } catch (error) {
      return rejected(error)
    }
  }

  /** The borrowers, and the number of waiting tasks. */
  statistics(): CapacityLimiterStatistics {
    return Object.freeze({
      borrowedTokens: this.borrowedTokens,
      totalTokens: this.#total,
      borrowers: Object.freeze([...this.#lent].map(({ borrower }) => shownOwner(borrower))),
      tasksWaiting: this.#waiters.length,
    })
  }

  /** @internal */
  get _borrowers(): Iterable<unknown> {
    return [...this.#lent].map(({ borrower }) => borrower)
  }

  #acquire(borrower: unknown, scope: CancelScope): Promise<Grant> {
    if (this.#isFree()) {
      const token = this.#lend(borrower)
      return spendBudget() ? Promise.resolve(token) : new LimiterWaiter(this, borrower).takeLater(token, scope)
    }
    refuseStarving(this, scope)
    return new LimiterWaiter(this, borrower).waitIn(this.#waiters, scope) as Promise<Grant>
  }

  #isFree(): boolean {
    return this.availableTokens > 0 && this.#waiters.length === 0
  }

  #acquireNowait(borrower: unknown, what: string): Grant {
    if (this.availableTokens <= 0) throw new WouldBlock(`${what}: the limiter has no free token`)
    return this.#lend(borrower)
  }

  #refuseHolder(frame: Frame, what: string): void {
    refuseHeld(this, what, frame)
    this.#refuseBorrower(frame.task, what)
  }

  #refuseBorrower(borrower: unknown, what: string): void {
    if (this.#named.has(borrower)) throw hasOne(what)
  }

  #lend(borrower: unknown): Token {
    const token = new Token(this.#released, borrower)
    this.#lent.push(token)
    if (!(borrower instanceof Holding)) this.#named.set(borrower, token)
    return token
  }

  /** The limiter's grants are its tokens. A token may have been given back by `release…` before. */
  readonly #released = (grant: OneGrant): void => {
    const token = grant as Token
    if (token._queue !== undefined) this.#takeIn(token)
  }

  #release(borrower: unknown, who: string): void {
    const token = this.#named.get(borrower)
    if (token === undefined) throw new UsageError(`${who} has no token of the limiter`)
    this.#takeIn(token)
  }

  #takeIn(token: Token): void {
    this.#lent.delete(token)
    if (!(token.borrower instanceof Holding)) this.#named.delete(token.borrower)
    this.#serve()
  }

  #serve(): void {
    while (this.availableTokens > 0) {
      const waiter = this.#waiters.shift()
      if (waiter === undefined) return
      // Two calls may wait for one borrower: the second fails when its turn has come.
      if (this.#named.has(waiter.owner)) waiter.reject(hasOne('acquire'))
      else waiter.grant(this.#lend(waiter.owner))
    }
  }
}

/** A grant with its borrower. */
class Token extends OneGrant implements Queued {
  _before: Queued | undefined = undefined
  _after: Queued | undefined = undefined
  _queue: AnyQueue | undefined = undefined
  readonly borrower: unknown

  constructor(release: (grant: OneGrant) => void, borrower: unknown) {
    super(release)
    this.borrower = borrower
  }
}

class LimiterWaiter extends Claim implements TokenWaiter {
  readonly owner: unknown
  readonly #limiter: CapacityLimiter

  constructor(limiter: CapacityLimiter, borrower: unknown, call?: UseCall<unknown>) {
    super('a token of a capacity limiter', call)
    this.#limiter = limiter
    this.owner = borrower
  }

  /** Set while it waits. */
  get lender(): Lender | undefined {
    return this._queue === undefined ? undefined : this.#limiter
  }

  override get waitsFor(): number {
    return this._queue === undefined ? super.waitsFor : waitsForToken(this.#limiter)
  }
}

function hasOne(what: string): UsageError {
  return new UsageError(`${what}: this borrower has a token already; use() borrows for the call, tg.spawn makes a task`)
}

function checkTokens(name: string, total: unknown): void {
  if (total !== Infinity) checkInteger(name, total)
}
