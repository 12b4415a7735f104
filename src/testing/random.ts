/** Pseudo-random bytes and numbers, reproducible by seed. */

import { Random, TESTING } from '../backends/virtual/random.ts'

export class RandomBytes extends Random {
  /** @param seed - a safe integer */
  constructor(seed: number) {
    super(seed, TESTING)
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    let at = 0
    for (; at + 4 <= length; at += 4) bytes.writeUInt32LE(this.below(2 ** 32), at)
    for (; at < length; at++) bytes[at] = this.below(256)
    return bytes
  }
}
