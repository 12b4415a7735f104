/**
 * The end of a scope that had to cancel something its body left behind. The code that waited for that learns of it in
 * microtasks to come: as many as it has layers of `async`. Its `finally` blocks belong to the scope and may begin
 * clean-up of their own, so the scope ends only after a full iteration of the event loop, from one `setImmediate` to
 * the next, in which none of that code began anything.
 */
import { atCheck } from './iteration.ts'

export interface Lingering {
  /** @internal a full iteration is over */
  _lingered(): void
}

export function linger(scope: Lingering): void {
  if (came.push(scope) === 1 && inIteration.length === 0) atCheck(iterationEnded)
}

/** Since the last `setImmediate`. */
let came: Lingering[] = []
/** They have seen the beginning of the iteration that runs. */
let inIteration: Lingering[] = []

function iterationEnded(): void {
  const done = inIteration
  inIteration = came
  came = []
  if (inIteration.length > 0) atCheck(iterationEnded)
  for (const scope of done) scope._lingered()
}
