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
import { callInFrame, type Frame, type Holding } from '../kernel/context.ts'
import { Operation } from '../kernel/operation.ts'
import { NEUTRAL } from '../kernel/waits.ts'
import { isThenable } from '../validate.ts'

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

/**
 * Runs the body of a `use` in `frame`, once `acquiring` has given its grant.
 *
 * @param holding - what `frame` records of it; undefined where a `use` inside itself is not told apart
 */
export function useGrant<T>(
  acquiring: Promise<Grant>,
  frame: Frame,
  holding: Holding | undefined,
  body: () => T | PromiseLike<T>,
): Promise<T> {
  return new Use<T>(frame, holding, body).follow(acquiring)
}

class Use<T> extends Operation<T> {
  readonly #frame: Frame
  readonly #holding: Holding | undefined
  readonly #body: () => T | PromiseLike<T>
  #grant: Grant | undefined
  #cancelled: (() => Cancelled) | undefined

  constructor(frame: Frame, holding: Holding | undefined, body: () => T | PromiseLike<T>) {
    super()
    this.#frame = frame
    this.#holding = holding
    this.#body = body
  }

  follow(acquiring: Promise<Grant>): Promise<T> {
    const promise = this.begin(this.#frame.scope)
    acquiring.then(
      (grant) => this.#acquired(grant),
      (error: unknown) => this.#threw(error),
    )
    return promise
  }

  override describe(): string {
    return 'use'
  }

  override get waitsFor(): number {
    return NEUTRAL
  }

  /** Settles later: the waiting for the grant, or what the body waits for, is told by itself, and the scope waits. */
  protected override onCancel(cancelled: () => Cancelled): void {
    this.#cancelled = cancelled
  }

  #acquired(grant: Grant): void {
    this.#grant = grant
    if (this.#cancelled !== undefined) {
      this.#threw(this.#cancelled())
      return
    }
    let result: T | PromiseLike<T>
    try {
      result = callInFrame(this.#frame, this.#body)
    } catch (error) {
      this.#threw(error)
      return
    }
    if (!isThenable(result)) this.#returned(result)
    else {
      // Promise.resolve takes care of foreign thenables, which may call back twice, at once or never.
      Promise.resolve(result).then(
        (value) => this.#returned(value),
        (error: unknown) => this.#threw(error),
      )
    }
  }

  #returned(value: T): void {
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
    if (this.#holding !== undefined) this.#holding.primitive = undefined
    this.#grant?.release()
  }
}
