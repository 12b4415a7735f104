/** Scopes in the texts of warnings and in `console.log`. */
import { oneLine } from './inspect.ts'
import { ENDED, NEW, SHIELD, TASK } from './scope-flags.ts'
import type { ScopeNode } from './tree.ts'

/** 'scope "load" in task "main"', 'failAfter in task "main"'. @param what - the call that opened the scope */
export function labelOf(scope: ScopeNode, what = 'a scope'): string {
  const task = scope._task === null ? '' : `task "${scope._task.name}"`
  if ((scope._flags & TASK) !== 0) return task
  return `${scope._name === undefined ? what : `scope "${scope._name}"`} in ${task}`
}

export function inspectScope(scope: ScopeNode): string {
  const { _flags: flags, _name: name, cancelReason } = scope
  return oneLine('CancelScope', [
    name !== undefined && `"${name}"`,
    scope.deadline !== Infinity && `deadline ${scope.deadline}`,
    (flags & SHIELD) !== 0 && 'shield',
    cancelReason !== undefined && `cancelled (${cancelReason.kind})`,
    (flags & NEW) !== 0 ? 'not entered' : (flags & ENDED) !== 0 && 'ended',
  ])
}
