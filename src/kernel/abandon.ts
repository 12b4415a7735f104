/** Waits for a promise of other code: on cancellation the caller leaves, and the work goes on without it. */
import type { Cancelled } from '../errors.ts'
import type { CancelScope } from './cancel-scope.ts'
import { enterOperation } from './context.ts'
import { PromiseHub, type PromiseWaiter } from './foreign.ts'
import { Operation } from './operation.ts'
import { settleFairly } from './turn.ts'
import { REAL } from './waits.ts'

/**
 * @param discard - receives a value that arrives after the caller has left
 * @param waitsFor - bits of waits.ts; NEUTRAL if the work runs in this frame, with operations of its own
 */
export function abandonable<T>(
  promise: PromiseLike<T>,
  discard: ((value: T) => void) | undefined,
  waitsFor: number = REAL,
): Promise<T> {
  const operation = new Abandonable<T>(discard, waitsFor)
  // First, so that the promise has a handler whatever happens below.
  const hub = PromiseHub.of(promise)
  try {
    return operation.beginIn(hub, enterOperation('abandonOnCancel'))
  } catch (error) {
    hub.leave(operation, discard)
    throw error
  }
}

class Abandonable<T> extends Operation<T> implements PromiseWaiter<T> {
  #hub: PromiseHub<T> | undefined
  readonly #discard: ((value: T) => void) | undefined
  readonly #waitsFor: number

  constructor(discard: ((value: T) => void) | undefined, waitsFor: number) {
    super()
    this.#discard = discard
    this.#waitsFor = waitsFor
  }

  beginIn(hub: PromiseHub<T>, scope: CancelScope): Promise<T> {
    this.#hub = hub
    hub.add(this)
    return this.begin(scope)
  }

  settled(value: T): void {
    this.#hub = undefined
    settleFairly((late) => this.#deliver(late), value)
  }

  failed(error: unknown): void {
    this.#hub = undefined
    settleFairly((late) => this.reject(late), error)
  }

  override describe(): string {
    return 'abandonOnCancel'
  }

  override get waitsFor(): number {
    return this.#waitsFor
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    // Completion beats cancellation, also while the value waits for the next turn.
    if (this.#hub === undefined) return
    this.#hub.leave(this, this.#discard)
    this.#hub = undefined
    this.reject(cancelled())
  }

  /** Under a scheduler, a cancelled caller stays linked for a while, although it has left. */
  #deliver(value: T): void {
    if (!this.resolve(value)) this.#discard?.(value)
  }
}
