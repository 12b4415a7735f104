/**
 * `every` and `ticks`: the same work again and again. The times are those of a schedule, start + 1, 2, 3 … intervals, and not the
 * end of the last call plus an interval: a hundred calls that take a millisecond each do not shift the rest by 100 ms.
 */
import { CancelScope } from './kernel/cancel-scope.ts'
import { waitUntil } from './kernel/checkpoint.ts'
import { enterOperation } from './kernel/context.ts'
import { rejected } from './kernel/operation.ts'
import { checkOneOf } from './sync/inlet.ts'
import { ItemIterator } from './sync/item-iterator.ts'
import { thenOwned } from './sync/owned.ts'
import { checkBoolean, checkFunction, checkOptions, checkTime, optionNames, outOfRange } from './validate.ts'

/** Options of `every` and `ticks`. */
export interface EveryOptions {
  /** Whether the first time is at once, and not after one interval. Default false. */
  immediate?: boolean | undefined
  /**
   * What happens to times that have passed while the last call was still running: they are left out (`'skip'`, the default), or
   * made up for, one right after another (`'catch-up'`).
   */
  missed?: 'skip' | 'catch-up' | undefined
}

/**
 * Calls `fn` every `intervalMs` milliseconds, for the first time after one interval, until it is cancelled or `fn` fails: that error
 * is thrown. Calls never overlap. `fn` gets the number of intervals since the beginning, so a gap shows what was left out.
 *
 * ```ts
 * tg.spawn(() => every(60_000, { immediate: true }, () => refreshPrices()))
 * ```
 *
 * @throws RangeError when `intervalMs` is not positive
 */
export function every(intervalMs: number, fn: (tick: number) => unknown): Promise<void>
export function every(intervalMs: number, options: EveryOptions, fn: (tick: number) => unknown): Promise<void>
export function every(intervalMs: number, ...given: unknown[]): Promise<void> {
  try {
    const fn = given.length > 1 ? given[1] : given[0]
    const schedule = new Schedule('every', intervalMs, given.length > 1 ? given[0] : {})
    checkFunction('fn', fn)
    schedule.begin()
    return CancelScope._operation('every', () => repeat(schedule, fn as (tick: number) => unknown))
  } catch (error) {
    return rejected(error)
  }
}

/**
 * The same as an async iterable without an end: each step waits for the next time, and gives the number of intervals since the
 * loop began. A step that was cancelled can be taken again. A second `next()` beside one that waits is a `ResourceBusyError`.
 *
 * ```ts
 * for await (const _ of ticks(1000)) console.log(await load())
 * ```
 *
 * @throws RangeError when `intervalMs` is not positive
 */
export function ticks(intervalMs: number, options: EveryOptions = {}): AsyncIterableIterator<number> {
  const schedule = new Schedule('ticks', intervalMs, options)
  return new ItemIterator<number>(
    () => schedule.next(),
    () => false,
  )
}

async function repeat(schedule: Schedule, fn: (tick: number) => unknown): Promise<void> {
  for (;;) await fn(await schedule.next())
}

class Schedule {
  readonly #what: string
  readonly #interval: number
  readonly #catchUp: boolean
  /** The number of the next time. */
  #tick: number
  #start: number | undefined

  constructor(what: string, interval: number, options: unknown) {
    checkTime('intervalMs', interval)
    if (interval <= 0) throw outOfRange('intervalMs', 'a number of milliseconds > 0', interval)
    checkOptions('options', options, OPTIONS)
    const { immediate = false, missed = 'skip' } = options as EveryOptions
    checkBoolean('options.immediate', immediate)
    checkOneOf('options.missed', missed, MISSED)
    this.#what = `${what}(${interval})`
    this.#interval = interval
    this.#catchUp = missed === 'catch-up'
    this.#tick = immediate ? 0 : 1
  }

  /** The schedule begins here, unless it has begun. */
  begin(): number {
    const now = enterOperation(this.#what)._task!.run.deadlines.now()
    this.#start ??= now
    return now
  }

  /** Waits for the next time. Cancelled, it is still the next one, or has been missed. */
  next(): Promise<number> {
    try {
      const now = this.begin()
      const start = this.#start!
      if (!this.#catchUp && this.#tick > 0) {
        // A millionth of an interval is what arithmetic may be off, and no lateness.
        this.#tick = Math.max(this.#tick, Math.ceil((now - start) / this.#interval - 1e-6))
      }
      const tick = this.#tick
      // 0 times an endless interval is no number.
      const at = tick === 0 ? start : start + tick * this.#interval
      return thenOwned(waitUntil(at, this.#what), () => this.#came(tick), rethrow)
    } catch (error) {
      return rejected(error)
    }
  }

  #came(tick: number): number {
    this.#tick = tick + 1
    return tick
  }
}

function rethrow(error: unknown): never {
  throw error
}

const MISSED = ['skip', 'catch-up'] as const
const OPTIONS = optionNames<EveryOptions>({ immediate: true, missed: true })
