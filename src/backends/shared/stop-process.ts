/** Ends a child process: SIGTERM first, SIGKILL after a grace period. */
import { constants } from 'node:os'
import { detached } from '../../kernel/index.ts'
import { GroupMembers } from './group-members.ts'

/** The part of a child process that ending it needs. */
export interface Stoppable {
  /** The number of the process, and of the group that it leads. */
  readonly pid: number
  /** Whether it has been reaped. */
  readonly ended: boolean
  /** Whether signals go to its group, which may outlive it. */
  readonly leadsGroup: boolean
  signal(number: number): boolean
}

const { SIGKILL, SIGTERM } = constants.signals

/** The longest delay of a timer. A longer one means for ever. */
const LONGEST = 2 ** 31 - 1

/** Milliseconds between two checks of a group. The system does not report the end of other processes' children. */
const FIRST_LOOK = 1
const RARE_LOOK = 50

/** From this pause on the members are surveyed. Members that end at a signal have ended by then. */
const CLOSE_LOOK = 4

export class StopProcess {
  readonly #target: Stoppable
  readonly #done: () => void
  #grace: NodeJS.Timeout | undefined
  #look: NodeJS.Timeout | undefined
  #pause = FIRST_LOOK
  #killed = false
  #finished = false
  #members: GroupMembers | undefined
  #looking = false

  /** @param done - called once, never inside this call */
  constructor(target: Stoppable, grace: number, done: () => void) {
    this.#target = target
    this.#done = done
    if (grace < LONGEST) this.#grace = detached(setTimeout, this.#kill, Math.max(0, grace))
    this.#signal(grace <= 0 ? SIGKILL : SIGTERM)
    this.#killed = grace <= 0
    // Also if the child has ended already: its group may still exist.
    if (target.ended) this.#look = detached(setTimeout, this.progress, 0)
  }

  /** Checks the progress. Also called when the child has been reaped. */
  readonly progress = (): void => {
    clearTimeout(this.#look)
    if (this.#finished || !this.#target.ended) return
    if (!this.#killed && this.#target.leadsGroup && this.#signal(0)) {
      if (this.#pause < CLOSE_LOOK) this.#lookLater()
      else if (!this.#looking) this.#lookClosely()
      return
    }
    this.#finish()
  }

  #lookLater(): void {
    this.#look = detached(setTimeout, this.progress, this.#pause)
    this.#pause = Math.min(2 * this.#pause, RARE_LOOK)
  }

  /** Whether the group has members. They may be zombies. */
  #lookClosely(): void {
    this.#looking = true
    this.#members ??= new GroupMembers(this.#target.pid)
    this.#members.look((living) => {
      this.#looking = false
      if (this.#finished) return
      if (living) this.#lookLater()
      else this.#finish()
    })
  }

  #finish(): void {
    this.#finished = true
    clearTimeout(this.#grace)
    this.#done()
  }

  readonly #kill = (): void => {
    this.#killed = true
    this.#signal(SIGKILL)
    this.progress()
  }

  /** A child that may not be signalled, because it has become another user's, is awaited all the same. */
  #signal(number: number): boolean {
    try {
      return this.#target.signal(number)
    } catch {
      return false
    }
  }
}
