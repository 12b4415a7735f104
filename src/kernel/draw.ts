/**
 * Random choices among what is equally good. A run draws from its scheduler where that can choose, so that a seed repeats them;
 * otherwise from a generator of its own. They are for fairness and not for secrets.
 */
import type { RunState } from './run-state.ts'

/** An integer from 0 to `count - 1`. */
export function drawBelow(run: RunState, count: number): number {
  if (count === 1) return 0
  return run.scheduler?.below?.(count) ?? Math.floor((mulberry32(run) / 2 ** 32) * count)
}

function mulberry32(run: RunState): number {
  let bits = (run.drawn = (run.drawn + 0x6d2b79f5) | 0)
  bits = Math.imul(bits ^ (bits >>> 15), bits | 1)
  bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
  return (bits ^ (bits >>> 14)) >>> 0
}
