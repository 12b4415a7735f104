/** The options of a scope, and their check. */
import { checkBoolean, checkOptions, checkSignal, checkString, checkTime, optionNames } from './arguments.ts'

/** Options of a cancel scope. */
export interface CancelScopeOptions {
  /**
   * When the scope is cancelled, in milliseconds on the clock of `currentTime()`. `Infinity` (the default): never;
   * `-Infinity`: at once.
   */
  deadline?: number | undefined
  /** Blocks cancellation from enclosing scopes. Default false. */
  shield?: boolean | undefined
  /** Cancels the scope when it aborts. The call that opened the scope then rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
  /**
   * For bodies that wait for work which cannot be cancelled. When the scope is cancelled and its body waits for no
   * operation of the library, the scope settles at once and leaves the body behind. Operations that the body begins
   * later reject with `UsageError`, its outcome is dropped, and resources that it opened are closed when it settles.
   * Default false.
   */
  abandon?: boolean | undefined
  /** Shown in error messages and dumps. */
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

/** A fast path, for scopes are opened for each request. Names that are missing here are looked up in `OPTIONS`. */
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
