/** What is running. */
import type { CancelScope } from './kernel/cancel-scope.ts'
import { currentFrame, requireFrame } from './kernel/context.ts'
import { activeRuns } from './kernel/run-state.ts'
import { TASK } from './kernel/scope-flags.ts'
import type { TaskInfo } from './kernel/task-info.ts'

export { TaskInfo } from './kernel/task-info.ts'

/** The task that runs this code. Re-creates `get_current_task`; `NotRunningError` in a callback outside every task. */
export function getCurrentTask(): TaskInfo {
  return requireFrame('getCurrentTask').task.info
}

/**
 * The tasks that have not ended, in the order of their making: of the current `run`, and in a callback that belongs to no
 * task, of all runs of this thread. Re-creates `get_running_tasks`.
 */
export function getRunningTasks(): TaskInfo[] {
  const current = currentFrame()?.task.run
  const runs = current === undefined || current.settled ? [...activeRuns] : [current]
  const infos: TaskInfo[] = []
  for (const { root } of runs) {
    if (root !== undefined) addTasks(root._scope, infos)
  }
  return infos.sort((a, b) => a.id - b.id)
}

/** Tasks are not registered anywhere: the tree of scopes, which has them anyway, is asked. */
function addTasks(root: CancelScope, infos: TaskInfo[]): void {
  const scopes = [root]
  for (let scope = scopes.pop(); scope !== undefined; scope = scopes.pop()) {
    if ((scope._flags & TASK) !== 0 && !scope._task!.ended) infos.push(scope._task!.info)
    for (let child = scope._scopes; child !== null; child = child._next) scopes.push(child)
  }
}
