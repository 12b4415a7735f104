/**
 * The part of the contract (`backend.ts`, which re-exports it) about waiting for foreign descriptors. It contains no
 * behaviour.
 */

import type { Abandon } from './backend.ts'

/** The readiness that a wait is for. */
export type Direction = 'readable' | 'writable'

/** Waits for descriptors that other code opened and may close at any moment. */
export interface DescriptorWaits {
  /**
   * Answers when `fd` is ready or broken. A descriptor that was closed is never answered, also if another file gets its
   * number.
   *
   * @throws the system error: `EBADF`, or `EPERM` for files and folders, which are always ready
   * @throws ResourceBusyError if a wait for this direction of the same open file, by the same number, is pending
   */
  wait(fd: number, direction: Direction, answer: () => void): DescriptorWait
}

/** A pending wait. */
export interface DescriptorWait {
  /** Whether the number still means the same open file, or is unused. Makes a system call. */
  readonly current: boolean
  readonly abandon: Abandon
}
