/**
 * When things happen: answers that must not come inside the call that asked, and writes that wait for the end of the turn.
 */
import { detached } from '../../kernel/index.ts'

/** Answers in a row before the event loop gets a turn: bytes that lie ready here must not keep timers from firing. */
const BUDGET = 64

/** Calls `answer` after the running JavaScript, and lets the event loop turn every now and then. */
export function soon(answer: () => void): void {
  if (spent++ < BUDGET) detached(process.nextTick, answer)
  else
    detached(setImmediate, () => {
      spent = 0
      answer()
    })
}

/** Calls `flush` in the check phase of this iteration of the event loop, together with everybody else's. */
export function atTurnEnd(flush: () => void): void {
  if (waiting.push(flush) === 1) detached(setImmediate, flushAll)
}

let spent = 0
let waiting: (() => void)[] = []

function flushAll(): void {
  const batch = waiting
  waiting = []
  for (const flush of batch) flush()
}
