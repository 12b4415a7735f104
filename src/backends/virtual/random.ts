/**
 * Randomness that can be repeated: mulberry32 (a 32-bit counter stepped by a constant and scrambled by two
 * multiplications), one stream for each purpose, so that a message more does not change the order of tasks. Not for
 * secrets.
 */

/** The purposes. A number is added, never changed: recorded seeds would mean something else. */
export const SCHEDULING = 1
export const NETWORK = 2
export const TESTING = 3
export const JITTER = 4

export class Random {
  #state: number

  /**
   * @param seed - a safe integer; all of it counts
   * @param stream - which of the streams of that seed
   */
  constructor(seed: number, stream: number) {
    const low = seed | 0
    const high = Math.floor(seed / 2 ** 32) | 0
    this.#state = scramble(scramble(low ^ 0x2545f491) + scramble(high + Math.imul(stream, 0x6d2b79f5)))
  }

  /** From 0, included, to 1, excluded. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    return (scramble(this.#state) >>> 0) / 2 ** 32
  }

  /** An integer from 0 to `count - 1`. */
  below(count: number): number {
    return Math.floor(this.next() * count)
  }

  /** True with this probability. What is impossible or certain draws nothing. */
  chance(probability: number): boolean {
    return probability > 0 && (probability >= 1 || this.next() < probability)
  }
}

function scramble(value: number): number {
  let bits = value | 0
  bits = Math.imul(bits ^ (bits >>> 15), bits | 1)
  bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
  return bits ^ (bits >>> 14)
}
