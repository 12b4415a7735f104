/**
 * `socket.setTimeout`: an event after some milliseconds without I/O. Each request of a keep-alive connection sets and
 * clears it, and each chunk counts as activity. So neither touches the heap of deadlines: an entry that comes due
 * checks whether its time was moved, and is put back.
 */
import { Deadline, type Host, type RunState, type Timed } from '../kernel/index.ts'

/** Calls `fn` after `ms` milliseconds of the run's clock. Returns the undo. */
export function after(run: RunState, ms: number, fn: () => void): () => void {
  const deadline = new Deadline(run.deadlines.now() + ms, { host: () => run.host, due: fn })
  run.deadlines.add(deadline)
  return () => run.deadlines.remove(deadline)
}

export class IdleTimer implements Timed {
  /** Milliseconds; 0: no timeout. */
  #timeout = 0
  #lastActivity = 0
  readonly #deadline: Deadline
  readonly #run: RunState
  readonly #onIdle: () => void

  constructor(run: RunState, onIdle: () => void) {
    this.#run = run
    this.#onIdle = onIdle
    this.#deadline = new Deadline(Infinity, this)
  }

  set(timeout: number): void {
    this.#timeout = timeout
    if (timeout === 0) return
    this.#lastActivity = this.#run.deadlines.now()
    this.#await(this.#lastActivity + timeout)
  }

  /** Call it after each read and write. */
  touch(): void {
    if (this.#timeout === 0) return
    this.#lastActivity = this.#run.deadlines.now()
    if (this.#deadline.index === -1) this.#await(this.#lastActivity + this.#timeout)
  }

  stop(): void {
    this.#timeout = 0
    this.#run.deadlines.remove(this.#deadline)
  }

  host(): Host {
    return this.#run.host
  }

  due(): void {
    if (this.#timeout === 0) return
    const at = this.#lastActivity + this.#timeout
    if (at > this.#run.deadlines.now()) this.#await(at)
    else this.#onIdle()
  }

  #await(at: number): void {
    const deadline = this.#deadline
    // An earlier entry will check the new time.
    if (deadline.index !== -1 && deadline.at <= at) return
    this.#run.deadlines.remove(deadline)
    deadline.at = at
    this.#run.deadlines.add(deadline)
  }
}
