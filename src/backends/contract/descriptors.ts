/** Waiting for descriptors of others: a part of `backend.ts`. */

import type { Abandon } from './backend.ts'

/** What a wait for readiness waits for. */
export type Direction = 'readable' | 'writable'

/** Waiting for descriptors that somebody else has opened, and may close at any moment. */
export interface DescriptorWaits {
  /**
   * Answers when `fd` is ready, or broken, which it is at that moment. One that is closed is not answered for any more,
   * whoever its number belongs to from then on.
   *
   * @throws the system error: `EBADF`, `EPERM` for what is always ready (files, folders); ResourceBusyError where somebody
   * waits for this direction of the same open file by the same number already
   */
  wait(fd: number, direction: Direction, answer: () => void): DescriptorWait
}

export interface DescriptorWait {
  /** Whether the number still means what is waited for, or nothing at all. Asks the system. */
  readonly current: boolean
  readonly abandon: Abandon
}
