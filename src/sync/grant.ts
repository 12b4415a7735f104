/**
 * Grants: what an `acquire` returns, and the calls of `use`, each of which owns one.
 *
 * A lock that is owned by its task alone cannot be used by two branches of one `Promise.all`; so `use` owns by the call. Its
 * body runs in a frame that says what is held, which is how a second `use` of the same thing inside it is told from one
 * beside it: the first would wait for itself, the second has to wait its turn.
 *
 * What must stay true of a `use`:
 * 1. It is an operation of the scope that it was called in, from the call until the body has settled: the scope waits for
 *    it, also when nobody awaits it, and owns its cancellation.
 * 2. A body is called only with the grant in hand and the scope not cancelled; a grant that comes too late is given back.
 * 3. The grant is given back once, when the body has settled and before the caller hears of it; from then on the frame of
 *    the body holds nothing any more.
 */

import type { Cancelled } from '../errors.ts'
import {
  callInFrame,
  type CancelScope,
  type Frame,
  type Holding,
  type Line,
  NEUTRAL,
  takeFunctions,
  takenFunctions,
  Waiter,
} from '../kernel/index.ts'
import { isThenable } from '../common/validate.ts'

/** What was acquired. Releasing it twice is harmless, and it may be released anywhere. */
export interface Grant extends Disposable, AsyncDisposable {
  /** Gives it back. A second call does nothing. */
  release(): void
}

/** Releases once. */
export class OneGrant implements Grant {
  #release: ((grant: OneGrant) => void) | undefined

  /** @internal */
  constructor(release: (grant: OneGrant) => void) {
    this.#release = release
  }

  /** @internal */
  get released(): boolean {
    return this.#release === undefined
  }

  /** Gives it back. A second call does nothing. */
  release(): void {
    const release = this.#release
    // First of all: a release that throws has been used up, too.
    this.#release = undefined
    release?.(this)
  }

  [Symbol.dispose](): void {
    this.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release()
  }
}

/** What a `use` does once it has its grant. */
export class UseCall<T> {
  readonly frame: Frame
  /** What `frame` records of it; undefined where a `use` inside itself is not told apart. */
  readonly holding: Holding | undefined
  readonly body: () => T | PromiseLike<T>
  /** While the body runs. Here and not in the claim, so that an `acquire`, which waits as often, need not carry it. */
  grant: Grant | undefined = undefined
  /** Lets the body begin, in the async context of the call: users have AsyncLocalStorages of their own. */
  go: (() => void) | undefined = undefined

  constructor(frame: Frame, holding: Holding | undefined, body: () => T | PromiseLike<T>) {
    this.frame = frame
    this.holding = holding
    this.body = body
  }
}

/** A call that wants a grant: an `acquire`, whose outcome the grant is, or a `use`, which is over when its body is. */
export class Claim extends Waiter<unknown, Grant> {
  readonly #call: UseCall<unknown> | undefined

  constructor(what: string, call?: UseCall<unknown>) {
    super(what)
    this.#call = call
  }

  override describe(): string {
    return this.#call?.grant === undefined ? super.describe() : 'use'
  }

  override get waitsFor(): number {
    return this.#call?.grant === undefined ? super.waitsFor : NEUTRAL
  }

  /** For what is free: the body begins after the running JavaScript, unless this is cancelled before. */
  takeNow(grant: Grant, scope: CancelScope): Promise<unknown> {
    const promise = this.begin(scope)
    this.#prepare()
    this.grant(grant)
    return promise
  }

  /**
   * For an `acquire` of what is free, when the budget of the turn is spent: the grant comes in the next turn, and is given back
   * where the scope ends before. A bare promise would leave it with a race that is lost.
   */
  takeLater(grant: Grant, scope: CancelScope): Promise<Grant> {
    return this.takeNow(grant, scope) as Promise<Grant>
  }

  override waitIn(queue: Line<this>, scope: CancelScope): Promise<unknown> {
    this.#prepare()
    return super.waitIn(queue, scope)
  }

  /** @internal */
  override resume(): void {
    const go = this.#call?.go
    if (go === undefined) super.resume()
    else if (!this.stepLater(go)) go()
  }

  override get _holding(): Holding | undefined {
    return this.#call?.grant === undefined ? undefined : this.#call.holding
  }

  protected override deliver(grant: Grant): void {
    const call = this.#call
    if (call === undefined) {
      this.resolve(grant)
      return
    }
    call.grant = grant
    let result: unknown
    let later: boolean
    try {
      result = callInFrame(call.frame, call.body)
      later = isThenable(result)
    } catch (error) {
      this.#threw(error)
      return
    }
    if (!later) this.#returned(result)
    else {
      // Promise.resolve takes care of foreign thenables, which may call back twice, at once or never.
      Promise.resolve(result).then(
        (value) => this.#returned(value),
        (error: unknown) => this.#threw(error),
      )
    }
  }

  protected override takeBack(grant: Grant): void {
    grant.release()
  }

  /** With the body running it settles later: what that waits for is told by itself, and the scope waits. */
  protected override onCancel(cancelled: () => Cancelled): void {
    if (this.#call?.grant === undefined) super.onCancel(cancelled)
  }

  /** The reaction of a promise keeps the context in which it was asked for, wherever the promise is settled. */
  #prepare(): void {
    const call = this.#call
    if (call === undefined) return
    const turn = new Promise<void>(takeFunctions)
    call.go = takenFunctions().resolve as () => void
    void turn.then(() => super.resume())
  }

  #returned(value: unknown): void {
    try {
      this.#giveBack()
    } catch (error) {
      this.reject(error)
      return
    }
    this.resolve(value)
  }

  #threw(error: unknown): void {
    try {
      this.#giveBack()
    } catch {
      // What the body threw came first, and says more.
    }
    this.reject(error)
  }

  #giveBack(): void {
    const { holding, grant } = this.#call!
    if (holding !== undefined) holding.primitive = undefined
    grant!.release()
  }
}
