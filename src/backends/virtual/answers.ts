import type { Abandon, Answer } from '../contract/backend.ts'
import type { Fabric } from './fabric.ts'

/**
 * Calls `make` in the next event, unless abandoned, and answers with its value, or with the error that it returned or
 * threw.
 */
export function answerSoon<T extends object>(fabric: Fabric, answer: Answer<T>, make: () => T | Error): Abandon {
  let wanted = true
  fabric.timeline.soon(() => {
    if (!wanted) return
    let made: T | Error
    try {
      made = make()
    } catch (error) {
      made = error as Error
    }
    if (made instanceof Error) answer(made)
    else answer(undefined, made)
  })
  return () => {
    wanted = false
  }
}
