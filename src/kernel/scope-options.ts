/** What a scope may be opened with, checked. */
import { checkBoolean, checkOptions, checkSignal, checkString, checkTime, optionNames } from './arguments.ts'
import type { CancelScopeOptions } from './cancel-scope.ts'

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
