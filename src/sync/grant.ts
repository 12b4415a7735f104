/**
 * Grants: the value of an `acquire`, and what each call of `use` owns.
 *
 * Two branches of one `Promise.all` belong to one task, and could not take turns with a lock that tasks own. So `use`
 * owns by the call. Its body runs in a frame that records what is held: a second `use` inside the body would wait for
 * itself and is an error, a second one beside it waits its turn.
 *
 * Invariants of a `use`
 * 1. It is an operation of its scope from the call until the body has settled. The scope waits for it, awaited or not,
 *    and owns its cancellation.
 * 2. The body is called only with the grant, and only in a scope that is not cancelled. A late grant is given back.
 * 3. The grant is given back once: after the body has settled, and before the promise of `use` does. From then on the
 *    frame of the body holds nothing.
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

/**
 * The result of `acquire`: release it, or hold it with `using`. It may be released anywhere, and a second release does
 * nothing.
 */
export interface Grant extends Disposable, AsyncDisposable {
  /** Gives the place, lock or token back. A second call does nothing. */
  release(): void
}

/** A grant that releases once. */
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

  /** Gives the place, lock or token back. A second call does nothing. */
  release(): void {
    const release = this.#release
    // Before the call: a release that throws is used up, too.
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

/** What a `use` runs once it has its grant. */
export class UseCall<T> {
  readonly frame: Frame
  /** What `frame` records as held; `undefined` if a `use` inside the body is not an error of its own. */
  readonly holding: Holding | undefined
  readonly body: () => T | PromiseLike<T>
  /** Set while the body runs. It is here and not in `Claim`, so that an `acquire` does not pay for it. */
  grant: Grant | undefined = undefined
  /** Starts the body in the async context of the call: the user may have AsyncLocalStorages. */
  go: (() => void) | undefined = undefined

  constructor(frame: Frame, holding: Holding | undefined, body: () => T | PromiseLike<T>) {
    this.frame = frame
    this.holding = holding
    this.body = body
  }
}

/** A call that waits for a grant: an `acquire` resolves with it, a `use` settles with its body. */
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

  /** For a free resource: the body starts after the running JavaScript, unless this is cancelled before. */
  takeNow(grant: Grant, scope: CancelScope): Promise<unknown> {
    const promise = this.begin(scope)
    this.#prepare()
    this.grant(grant)
    return promise
  }

  /**
   * For an `acquire` of a free resource when the budget of the turn is spent: the grant comes in the next turn, and is
   * given back if the scope ends before. A bare promise that lost a race would keep it.
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
      // Promise.resolve, because a foreign thenable may call back twice, or inside `then`.
      Promise.resolve(result).then(
        (value) => this.#returned(value),
        (error: unknown) => this.#threw(error),
      )
    }
  }

  protected override takeBack(grant: Grant): void {
    grant.release()
  }

  /** While the body runs, its own operations are cancelled one by one, and this settles with the body. */
  protected override onCancel(cancelled: () => Cancelled): void {
    if (this.#call?.grant === undefined) super.onCancel(cancelled)
  }

  /** A promise reaction runs in the async context in which it was added, wherever the promise is settled. */
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
      // The error of the body came first, and says more.
    }
    this.reject(error)
  }

  #giveBack(): void {
    const { holding, grant } = this.#call!
    if (holding !== undefined) holding.primitive = undefined
    grant!.release()
  }
}
