/** Why scopes are cancelled. */
import type { CancelScope } from './cancel-scope.ts'

/** Why a scope was cancelled. */
export interface CancelReason {
  /** What has cancelled the scope. */
  readonly kind: 'explicit' | 'deadline' | 'task-failed' | 'signal' | 'shutdown' | 'scope-ended'
  /** The scope that was cancelled first; scopes inside it report the same reason only if cancelled themselves. */
  readonly scope: CancelScope
  /** What was given to `cancel()`, the error of the failed task, the signal's reason or the name of the process signal. */
  readonly detail?: unknown
}

/** The same in words, for the texts of errors. */
export const CAUSES: Record<CancelReason['kind'], string> = {
  explicit: 'cancel() was called',
  deadline: 'the deadline passed',
  'task-failed': 'a task of the group failed',
  signal: 'its signal was aborted',
  shutdown: 'the process was told to shut down',
  'scope-ended': 'the body that it was begun in has ended',
}
