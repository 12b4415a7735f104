/** Writes that wait for the end of the turn. */
import { detached } from '../../kernel/index.ts'

/** Calls `flush` in the check phase of this iteration of the event loop, in one batch with the others. */
export function atTurnEnd(flush: () => void): void {
  if (waiting.push(flush) === 1) detached(setImmediate, flushAll)
}

let waiting: (() => void)[] = []

function flushAll(): void {
  const batch = waiting
  waiting = []
  for (const flush of batch) flush()
}
