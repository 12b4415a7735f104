/** What a scope may be opened with, checked. */
import { checkBoolean, checkOptions, checkSignal, checkString, checkTime, optionNames } from './arguments.ts'

/** Options of a cancel scope. */
export interface CancelScopeOptions {
  /** Point in time of `currentTime()`; `Infinity` (the default) is none, `-Infinity` already cancelled. */
  deadline?: number | undefined
  /** Keeps cancellation from outside out. */
  shield?: boolean | undefined
  /** Cancels the scope when it aborts; what the scope was opened with then rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
  /**
   * When the scope is cancelled and its body waits for nothing of the library, the scope settles at once and leaves the body
   * behind. Operations that the body begins later are a `UsageError`, its outcome is discarded, and what it had opened is
   * closed when it settles. For foreign work that takes no `AbortSignal`. Default false.
   */
  abandon?: boolean | undefined
  /** For the texts of errors, and whoever looks at the tree. */
  name?: string | undefined
}

export function checkScopeOptions(options: CancelScopeOptions): void {
  checkOptions('options', options, allCommon(options) ? undefined : OPTIONS)
  const { deadline, shield, signal, abandon, name } = options
  if (deadline !== undefined) checkTime('options.deadline', deadline)
  if (shield !== undefined) checkBoolean('options.shield', shield)
  if (signal !== undefined) checkSignal('options.signal', signal)
  if (abandon !== undefined) checkBoolean('options.abandon', abandon)
  if (name !== undefined) checkString('options.name', name)
}

const OPTIONS = optionNames<CancelScopeOptions>({
  deadline: true,
  shield: true,
  signal: true,
  abandon: true,
  name: true,
})

/** For speed: scopes are opened for each request. What is missing here is looked up in `OPTIONS`, which takes longer. */
function allCommon(options: object): boolean {
  for (const key in options) {
    switch (key) {
      case 'deadline':
      case 'shield':
      case 'signal':
      case 'abandon':
      case 'name':
        continue
      default:
        return false
    }
  }
  return true
}
