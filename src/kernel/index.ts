/**
 * The public face of the kernel for the rest of the library. `architecture.spec.ts` checks that no module outside
 * `src/kernel/` imports another file of the kernel.
 */
export { abandonable } from './abandon.ts'
export { whenCleanedUp } from './abandonment.ts'
export {
  checkBoolean,
  checkFunction,
  checkOptions,
  checkSignal,
  checkString,
  checkTime,
  invalidArgType,
  isThenable,
  optionNames,
  type OptionNames,
  outOfRange,
} from './arguments.ts'
export { type CancelReason, CancelScope } from './cancel-scope.ts'
export { waitUntil, yieldShielded, yieldToOthers } from './checkpoint.ts'
export { type Clock, realTimeout } from './clock.ts'
export { closingScope, isInterrupted } from './closing.ts'
export { callInFrame, currentFrame, enterFrame, enterOperation, Frame, Holding, requireFrame } from './context.ts'
export { Deadline, DeadlineQueue, deadlines, type Host, type Timed } from './deadlines.ts'
export { detached } from './detached.ts'
export { tellSuppressed } from './diagnostics.ts'
export { drawBelow } from './draw.ts'
export type { ScopeEvent, SuppressedErrorEvent, TaskEvent } from './events.ts'
export { isCancellation, judge, judgeTask } from './exit.ts'
export { GuardedTask } from './guarded-task.ts'
export { inspectCustom } from './inspect.ts'
export { releaseProcess, retainProcess } from './keep-alive.ts'
export { collect } from './links.ts'
export { markHandled, Operation, rejected, takeFunctions, takenFunctions } from './operation.ts'
export { overdueFor } from './overdue.ts'
export { FOREIGN, type QuietWatcher, stir, UNKNOWN, watchQuiet } from './quiet.ts'
export { Resource, traceOpening, warnLeftOpen } from './resources.ts'
export { refuseNestedRun, startRun } from './root.ts'
export { activeRuns, type RunState } from './run-state.ts'
export type { Scheduler } from './schedule.ts'
// For `sync/` and `streams/`, which still test flags. New code uses scope-state.ts.
export type { CancelScopeOptions } from './scope-options.ts'
export type { ExitMode } from './scope-run.ts'
export { selectable, type Selectable, type SelectSource } from './selectable.ts'
export { hasEnded, isClosing, isEffectivelyCancelled, isTaskScope, waitsForLeftovers } from './scope-state.ts'
export { Service } from './service.ts'
export { ownLine, siteOf } from './sites.ts'
export type { TaskStatus } from './start.ts'
export { runTaskGroup, taskArguments, TaskGroup, type TaskOptions } from './task-group.ts'
export { TaskInfo } from './task-info.ts'
export { type EndWatcher, Task, type TaskFunction, type TaskHandle, type TaskOwner } from './task.ts'
export {
  countOnly,
  immediate,
  immediateVoid,
  nextTurn,
  resetBudget,
  type Resumable,
  settleFairly,
  spendBudget,
} from './turn.ts'
export { type AnyQueue, type Line, type Queued, tellLater, Waiter, WaitQueue } from './wait-queue.ts'
export { BACKEND, NEUTRAL, REAL, RUNNABLE, TASKS, TIME } from './waits.ts'
export { Wakeup } from './wakeup.ts'
export { warn, warnOnce } from './warnings.ts'
