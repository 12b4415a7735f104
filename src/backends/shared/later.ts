/** Answers in a row before the event loop gets a turn: bytes that lie ready must not keep timers from firing. */
const BUDGET = 64

let spent = 0

/**
 * Calls `answer` after the running JavaScript, and lets the event loop turn every now and then. In the async context of
 * the caller, who may have asked for something that needs its task.
 */
export function later(answer: () => void): void {
  if (spent++ < BUDGET) process.nextTick(answer)
  else
    nextTurn(() => {
      spent = 0
      answer()
    })
}

/** From here on the loop gets its turns as it would in a new process, so that a run can be replayed. */
export function resetLater(): void {
  spent = 0
}

/** Calls `answer` in the check phase of this iteration of the event loop, in the async context of the caller. */
export function nextTurn(answer: () => void): void {
  setImmediate(answer)
}
