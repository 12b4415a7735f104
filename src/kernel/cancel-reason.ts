/** The kinds of causes that cancel a scope, with the words for each in the texts of errors. */
export const CAUSES = {
  explicit: 'cancel() was called',
  deadline: 'the deadline passed',
  'task-failed': 'a task of the group failed',
  signal: 'its signal was aborted',
  shutdown: 'the process was told to shut down',
  'scope-ended': 'the body that it was begun in has ended',
} as const

export type CancelKind = keyof typeof CAUSES
