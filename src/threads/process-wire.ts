/** What passes between a host and its child process: a job, and its outcome. */
import type { PackedError } from './crossing.ts'
import type { TaskSource } from './wire.ts'

export interface ProcessJob {
  readonly task: TaskSource
  readonly args: unknown[]
}

export type ProcessAnswer =
  readonly [typeof ANSWER, ok: true, value: unknown] | readonly [typeof ANSWER, ok: false, error: PackedError]

/** The function may send messages of its own: `process.send` is there for everybody. */
export const ANSWER = 'structio.answer'
