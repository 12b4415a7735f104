/** Notices that nothing has moved for a while. */

import { Deadline, type Host, type RunState, type Timed } from '../kernel/index.ts'

export class IdleWatch implements Timed {
  readonly #run: RunState
  readonly #timeout: number
  readonly #expired: () => void
  readonly #deadline: Deadline
  #movedAt: number

  constructor(run: RunState, timeout: number, expired: () => void) {
    this.#run = run
    this.#timeout = timeout
    this.#expired = expired
    this.#movedAt = run.deadlines.now()
    this.#deadline = new Deadline(this.#movedAt + timeout, this)
    run.deadlines.add(this.#deadline)
  }

  /** Only notes the time: the deadline itself moves when it is due, not with every chunk. */
  readonly moved = (): void => {
    this.#movedAt = this.#run.deadlines.now()
  }

  stop(): void {
    this.#run.deadlines.remove(this.#deadline)
  }

  host(): Host {
    return this.#run.host
  }

  due(): void {
    const at = this.#movedAt + this.#timeout
    if (at > this.#run.deadlines.now()) {
      this.#deadline.at = at
      this.#run.deadlines.add(this.#deadline)
    } else this.#expired()
  }
}

/** For a timeout that may be none. */
export function watchIdle(run: RunState, timeout: number, expired: () => void): IdleWatch | undefined {
  return timeout === Infinity ? undefined : new IdleWatch(run, timeout, expired)
}

export function idleText(timeout: number): string {
  return `relay: no byte in either direction for ${timeout} ms`
}
