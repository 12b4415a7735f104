/**
 * The end of a scope that cancelled leftovers of its body. The code that awaited them runs in later microtasks: one for
 * each layer of `async`. Its `finally` blocks belong to the scope and may begin clean-up. So the scope ends only after
 * a full iteration of the event loop, from one `setImmediate` to the next, in which that code began nothing (FORGET-6).
 */
import { atCheck } from './iteration.ts'

export interface Lingering {
  /** @internal A full iteration is over. */
  _lingered(): void
}

export function linger(scope: Lingering): void {
  if (came.push(scope) === 1 && inIteration.length === 0) atCheck(iterationEnded)
}

/** Scopes added since the last `setImmediate`. */
let came: Lingering[] = []
/** Scopes that wait since the beginning of the current iteration. */
let inIteration: Lingering[] = []

function iterationEnded(): void {
  const done = inIteration
  inIteration = came
  came = []
  if (inIteration.length > 0) atCheck(iterationEnded)
  for (const scope of done) scope._lingered()
}
