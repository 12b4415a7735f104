/** Operations that only yield, or wait for a time. */
import type { Cancelled } from '../errors.ts'
import { enterOperation, enterUncancelled } from './context.ts'
import { Deadline, type Host, type Timed } from './deadlines.ts'
import { Operation } from './operation.ts'
import { type Resumable, nextTurn } from './turn.ts'
import { BACKEND, RUNNABLE, TIME } from './waits.ts'

/** Throws when cancelled. Otherwise yields to other tasks, timers and I/O. */
export function yieldToOthers(what: string): Promise<void> {
  const scope = enterOperation(what)
  return new YieldOperation(what).begin(scope)
}

/** Yields, and ignores cancellation. */
export function yieldShielded(what: string): Promise<void> {
  const scope = enterUncancelled(what)
  return new ShieldedYield(what).begin(scope)
}

/** Waits until the time `at`. A time that has passed is a yield. */
export function waitUntil(at: number, what: string): Promise<void> {
  const scope = enterOperation(what)
  const queue = scope._task!.run.deadlines
  if (at <= queue.now()) return new YieldOperation(what).begin(scope)
  const sleep = new SleepOperation(at, what)
  queue.add(sleep.deadline)
  return sleep.begin(scope)
}

class YieldOperation extends Operation<void> implements Resumable {
  readonly #what: string

  constructor(what: string) {
    super()
    this.#what = what
    nextTurn(this)
  }

  resume(): void {
    this.resolve()
  }

  override describe(): string {
    return this.#what
  }

  override get waitsFor(): number {
    return RUNNABLE
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.reject(cancelled())
  }
}

class ShieldedYield extends YieldOperation {
  protected override onCancel(): void {}
}

class SleepOperation extends Operation<void> implements Timed {
  readonly deadline: Deadline
  readonly #what: string

  constructor(at: number, what: string) {
    super()
    this.deadline = new Deadline(at, this)
    this.#what = what
  }

  host(): Host {
    return this._scope!._task!.run.host
  }

  due(): void {
    this.resolve()
  }

  override describe(): string {
    return this.deadline.at === Infinity ? this.#what : `${this.#what} until ${Math.trunc(this.deadline.at)}`
  }

  /** A sleep without an end ends by cancellation, which may come from outside. */
  override get waitsFor(): number {
    const { at } = this.deadline
    if (at === Infinity) return BACKEND
    return at <= this._scope!._task!.run.deadlines.now() ? RUNNABLE : TIME
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this._scope!._task!.run.deadlines.remove(this.deadline)
    this.reject(cancelled())
  }
}
