/**
 * `CapacityLimiter`: tokens, each borrowed by somebody who is known by name.
 *
 * What must stay true: nobody waits while a token is free, and a borrower has one token at most.
 */

import { UsageError, WouldBlock } from '../errors.ts'
import type { CancelScope } from '../kernel/cancel-scope.ts'
import { enterFrame, enterOperation, type Frame, Holding } from '../kernel/context.ts'
import { rejected } from '../kernel/operation.ts'
import { spendBudget } from '../kernel/turn.ts'
import { type AnyQueue, type Queued, WaitQueue } from '../kernel/wait-queue.ts'
import { checkFunction, checkInteger } from '../validate.ts'
import { Claim, type Grant, OneGrant, UseCall } from './grant.ts'
import { OwnerQueue } from './owner-queue.ts'
import { frameForUse, refuseHeld, shownOwner, taskFrame } from './ownership.ts'
import { type Lender, refuseStarving, type TokenWaiter, waitsForToken } from './starvation.ts'

/** A frozen record. */
export interface CapacityLimiterStatistics {
  /** Tokens that somebody has now. */
  readonly borrowedTokens: number
  /** Tokens that there are; `Infinity` for no limit. */
  readonly totalTokens: number
  /** Tasks (also those inside a `use`) as `TaskInfo`, other borrowers as they were given; in the order of borrowing. */
  readonly borrowers: readonly unknown[]
  /** Tasks that wait for a token. */
  readonly tasksWaiting: number
}

/**
 * Makes a limiter with so many tokens, `Infinity` being no limit. Re-creates `anyio.create_capacity_limiter`.
 *
 * @throws RangeError when `totalTokens` is negative or no integer
 */
export function createCapacityLimiter(totalTokens: number): CapacityLimiter {
  checkTokens('totalTokens', totalTokens)
  return new CapacityLimiter(totalTokens)
}

/** Re-creates `anyio.abc.CapacityLimiter`. It may have zero tokens. */
export class CapacityLimiter implements Lender {
  #total: number
  /** The tokens that are lent, in the order of borrowing. */
  readonly #lent = new WaitQueue<Token>()
  /** The same by borrower, without those of a `use`: each is a borrower of its own, and nobody asks for it by name. */
  readonly #named = new Map<unknown, Token>()
  readonly #waiters = new OwnerQueue<LimiterWaiter>()

  /** @internal */
  constructor(total: number) {
    this.#total = total
  }

  /**
   * Waits for a token, which then belongs to the running task.
   *
   * @throws UsageError when the task has one, or waits for one, already, or inside a `use` of the limiter
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

  /** Takes a token without waiting. @throws WouldBlock where none is free; UsageError when the task has one already */
  acquireNowait(): Grant {
    const frame = taskFrame('acquireNowait')
    this.#refuseHolder(frame, 'acquireNowait')
    return this.#acquireNowait(frame.task, 'acquireNowait')
  }

  /** Waits for a token for a borrower of any kind, whoever runs. @throws UsageError when `borrower` has one already */
  acquireOnBehalfOf(borrower: unknown): Promise<Grant> {
    try {
      const scope = enterOperation('acquireOnBehalfOf')
      this.#refuseBorrower(borrower, 'acquireOnBehalfOf')
      return this.#acquire(borrower, scope)
    } catch (error) {
      return rejected(error)
    }
  }

  /** The same without waiting; works anywhere. @throws WouldBlock where none is free; UsageError as above */
  acquireOnBehalfOfNowait(borrower: unknown): Grant {
    this.#refuseBorrower(borrower, 'acquireOnBehalfOfNowait')
    return this.#acquireNowait(borrower, 'acquireOnBehalfOfNowait')
  }

  /** Gives the running task's token back. @throws UsageError when it has none */
  release(): void {
    this.#release(taskFrame('release').task, 'release: this task')
  }

  /** Gives a borrower's token back; works anywhere. @throws UsageError when it has none */
  releaseOnBehalfOf(borrower: unknown): void {
    this.#release(borrower, 'releaseOnBehalfOf: this borrower')
  }

  /** How many tokens are free; less than 0 when the total was lowered below what is borrowed. */
  get availableTokens(): number {
    return this.#total - this.#lent.length
  }

  /** How many tokens are borrowed. */
  get borrowedTokens(): number {
    return this.#lent.length
  }

  /** How many there are. Raising it serves those who wait; lowering it takes nothing from anybody. */
  get totalTokens(): number {
    return this.#total
  }

  set totalTokens(total: number) {
    checkTokens('totalTokens', total)
    this.#total = total
    this.#serve()
  }

  /**
   * Runs `body` with a token that belongs to this very call, so that ten of them in one `Promise.all` take their turns.
   * The token is given back when `body` settles. Calls that it has begun and not awaited go on without one: await them, or run
   * them in a task group inside `body`.
   *
   * @throws UsageError inside another `use` of it, or when the task has a token already
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

  /** Who has a token, and how many wait for one. */
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

  /** Of the limiter's own grants, which are tokens. One may have been given back by name, and lent again. */
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
      // Two calls may wait for one borrower: the second finds out when its turn has come.
      if (this.#named.has(waiter.owner)) waiter.reject(hasOne('acquire'))
      else waiter.grant(this.#lend(waiter.owner))
    }
  }
}

/** A grant that knows whose it is. */
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

  /** While it waits; once it has its token, it is in nobody's way. */
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
