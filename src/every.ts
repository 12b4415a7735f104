/**
 * `every` and `ticks` repeat work at fixed times: start + 1, 2, 3 … intervals. The time that the calls take does not
 * shift the schedule.
 */
import { CancelScope, enterOperation, rejected, waitUntil } from './kernel/index.ts'
import { ItemIterator } from './common/item-iterator.ts'
import { thenOwned } from './common/owned.ts'
import {
  checkBoolean,
  checkFunction,
  checkOneOf,
  checkOptions,
  checkTime,
  optionNames,
  outOfRange,
} from './common/validate.ts'

/** Options of `every` and `ticks`. */
export interface EveryOptions {
  /** Whether the first call comes at once, and not after one interval. Default false. */
  immediate?: boolean | undefined
  /**
   * What to do about times that passed while a call was still running: leave them out (`'skip'`, the default), or make
   * the missed calls one right after another (`'catch-up'`).
   */
  missed?: 'skip' | 'catch-up' | undefined
}

/**
 * Calls `fn` every `intervalMs` milliseconds, first after one interval. It goes on until it is cancelled, or until `fn`
 * fails: then it rejects with that error. Calls never overlap.
 *
 * @param fn - gets the number of intervals since the start; a gap in the numbers shows skipped calls
 * @throws RangeError when `intervalMs` is not positive
 * @example
 * ```ts
 * tg.spawn(() => every(60_000, { immediate: true }, () => refreshPrices()))
 * ```
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
 * An endless async iterable for loops that repeat at fixed times: each step waits until the next multiple of
 * `intervalMs` milliseconds, and gives the number of intervals since the loop began. After a cancelled `next()` another
 * one may follow. A second `next()` while one waits rejects with `ResourceBusyError`.
 *
 * @throws RangeError when `intervalMs` is not positive
 * @example
 * ```ts
 * for await (const _ of ticks(1000)) console.log(await load())
 * ```
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

  /** Starts the schedule, unless it has started. */
  begin(): number {
    const now = enterOperation(this.#what)._task!.run.deadlines.now()
    this.#start ??= now
    return now
  }

  /** Waits for the next time. After a cancellation, that time is still the next one, or has been missed. */
  next(): Promise<number> {
    try {
      const now = this.begin()
      const start = this.#start!
      if (!this.#catchUp && this.#tick > 0) {
        // Rounding may be off by a millionth of an interval: that is no missed time.
        this.#tick = Math.max(this.#tick, Math.ceil((now - start) / this.#interval - 1e-6))
      }
      const tick = this.#tick
      // 0 * Infinity is NaN.
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
