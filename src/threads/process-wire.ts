/** The protocol between a host and its child process: a job, and its outcome. */
import type { PackedError } from './crossing.ts'
import type { TaskSource } from './wire.ts'

export interface ProcessJob {
  readonly task: TaskSource
  readonly args: unknown[]
}

export type ProcessAnswer =
  readonly [typeof ANSWER, ok: true, value: unknown] | readonly [typeof ANSWER, ok: false, error: PackedError]

/** Marks the outcome: the function may call `process.send` itself. */
export const ANSWER = 'structio.answer'
