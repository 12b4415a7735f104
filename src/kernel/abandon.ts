/** Waiting for work that knows nothing of scopes: on cancellation the caller leaves and the work goes on without it. */
import type { Cancelled } from '../errors.ts'
import { enterOperation } from './context.ts'
import { Operation } from './operation.ts'
import { settleFairly } from './turn.ts'
import { REAL } from './waits.ts'

/**
 * @param discard - gets a value that arrives after the caller has left, to close or release it
 * @param waitsFor - bits of waits.ts: NEUTRAL where the work is begun in this very frame, and its operations speak for it
 */
export function abandonable<T>(
  promise: PromiseLike<T>,
  discard: ((value: T) => void) | undefined,
  waitsFor: number = REAL,
): Promise<T> {
  const operation = new Abandonable<T>(discard, waitsFor)
  // First of all: whatever happens below, the promise is looked after.
  Promise.resolve(promise).then(
    (value) => operation.settled(value),
    (error: unknown) => operation.failed(error),
  )
  return operation.begin(enterOperation('abandonOnCancel'))
}

class Abandonable<T> extends Operation<T> {
  readonly #discard: ((value: T) => void) | undefined
  readonly #waitsFor: number
  #completed = false

  constructor(discard: ((value: T) => void) | undefined, waitsFor: number) {
    super()
    this.#discard = discard
    this.#waitsFor = waitsFor
  }

  settled(value: T): void {
    if (this.pending) {
      this.#completed = true
      settleFairly((late) => this.#deliver(late), value)
    } else this.#discard?.(value)
  }

  failed(error: unknown): void {
    // Of work that was left, the failure is nobody's.
    if (!this.pending) return
    this.#completed = true
    settleFairly((late) => this.reject(late), error)
  }

  override describe(): string {
    return 'abandonOnCancel'
  }

  override get waitsFor(): number {
    return this.#waitsFor
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    // Completion beats cancellation, also while the value waits for its turn.
    if (!this.#completed) this.reject(cancelled())
  }

  /** A caller who has been cancelled stays linked until a scheduler lets it go on, and has left all the same. */
  #deliver(value: T): void {
    if (!this.resolve(value)) this.#discard?.(value)
  }
}
