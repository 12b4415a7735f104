/** Answers that must not come inside the call that asked. */
import { detached } from '../../kernel/index.ts'
import type { Abandon } from '../contract/backend.ts'

/** Answers in a row before the event loop turns. Otherwise bytes that are ready could keep timers from firing. */
const BUDGET = 64

let spent = 0

/**
 * Calls `answer` after the running JavaScript, in the async context of the caller. Every `BUDGET` answers it lets the
 * event loop turn.
 */
export function later(answer: () => void): void {
  if (spent++ < BUDGET) process.nextTick(answer)
  else
    nextTurn(() => {
      spent = 0
      answer()
    })
}

/** As `later`, in the async context of no task. */
export function soon(answer: () => void): void {
  detached(later, answer)
}

/** Calls `answer` later, or not at all once the returned function was called. */
export function soonUnlessAbandoned(answer: () => void): Abandon {
  let wanted = true
  soon(() => {
    if (wanted) answer()
  })
  return () => {
    wanted = false
  }
}

/** Starts a new budget. A virtual run needs this: it is replayed with the turns that a new process has. */
export function resetLater(): void {
  spent = 0
}

/** Calls `answer` in the check phase of this iteration of the event loop, in the async context of the caller. */
export function nextTurn(answer: () => void): void {
  setImmediate(answer)
}
