/**
 * Simulated time: the events of a network and the deadlines of runs in one order, and the rule by which time moves.
 *
 * ```text
 *   quiet (kernel/quiet.ts) ─► move to the next event or deadline ─► events of that time ─► deadlines of that time ─┐
 *     ▲                                                                                                              │
 *     └────────────── what they woke runs, until everything waits again ◄────────────────────────────────────────────┘
 * ```
 *
 * Invariants
 * 1. Time stands still while anything can run: a task, an event of this moment, bytes inside a TLS library, or real
 *    work outside. When all of them rest, time moves straight to the next event or deadline, and never past one.
 * 2. At one time events come before deadlines (SCOPE-3), each in the order of creation.
 * 3. Without a next event or deadline time does not move.
 * 4. With `autoJump` time moves by itself. Without it, time moves only as far as `advance` asks for.
 * 5. An `advance` always gets there. Real work does not hold it up, nor do tasks that never rest.
 * 6. Foreign work cannot be observed completely. While a task waits for some, time stands still as long as the process
 *    waits for more resources (files, sockets, timers) than when the run began, and for a little real time longer, for
 *    work that cannot be observed at all. The real clock decides nothing else, neither an order nor a time.
 * 7. While a child process or a thread works, virtual time passes at the speed of real time. If it stood still, code
 *    that ends the process after a delay would deadlock. A thread that waits for its host does not work.
 */
import {
  type Clock,
  DeadlineQueue,
  detached,
  FOREIGN,
  type QuietWatcher,
  REAL,
  type RunState,
  stir,
  UNKNOWN,
  watchQuiet,
} from '../../kernel/index.ts'
import { EventQueue, ScheduledEvent } from './event-queue.ts'

/** Iterations of the event loop without rest after which an `advance` goes on all the same (5). */
const PATIENCE = 100

/** Iterations of the event loop that a TLS library may need between two visible steps; node:tls takes up to four. */
const WORKING = 8

/**
 * Milliseconds of real time for work that cannot be observed (compression, cryptography): `SHORT` for a promise that a
 * task of the run may settle, `LONG` for a promise that is declared as foreign work (`abandonOnCancel`).
 */
const SHORT = 3
const LONG = 300

/** Milliseconds after which the real clock is read again (7), because an earlier event may have been added. */
const LONGEST_LOOK = 1000

/** The target of an `advance`. */
export interface Goal {
  readonly at: number
  reached(): void
}

export class Timeline implements Clock, QuietWatcher {
  readonly rank = 1
  readonly asksDespiteForeign = true
  /** The deadlines of the runs on this timeline. */
  readonly deadlines: DeadlineQueue = new DeadlineQueue(this)
  #autoJump: boolean
  #now: number
  #events = new EventQueue()
  #made = 0
  /** Events of this moment. */
  #ready: ScheduledEvent[] = []
  #pumping = false
  /** The deadline queue's one timer. */
  #armed: { readonly at: number; readonly due: () => void } | undefined
  readonly #runs = new Set<RunState>()
  #goals: Goal[] = []
  #unwatch: (() => void) | undefined
  /** Iterations that are left for work that no task waits for. */
  #working = 0
  /** Iterations since time moved, while there is a goal. */
  #restless = 0
  #counting = false
  /** Number of resources that the process waited for when the first run began. */
  #resources = 0
  /** Number of working child processes and threads (7). */
  #following = 0
  /** A pair of virtual and real time that coincide (7). */
  #pace = { virtual: 0, real: 0 }
  /** The start of the time in which no foreign work was observed. */
  #rest = { stirredAt: -1, since: 0 }

  constructor(start: number, autoJump: boolean) {
    this.#now = start
    this.#autoJump = autoJump
  }

  now(): number {
    return this.#now
  }

  get autoJump(): boolean {
    return this.#autoJump
  }

  set autoJump(on: boolean) {
    this.#autoJump = on
    stir()
  }

  /** Calls `fire` at `time`, in the async context of no task, and never inside this call. */
  at(time: number, fire: () => void): ScheduledEvent {
    const event = new ScheduledEvent(time, this.#made++, fire)
    if (time > this.#now) this.#events.add(event)
    else {
      this.#ready.push(event)
      this.#pumpSoon()
    }
    return event
  }

  /** Calls `fire` at the present time, after the running JavaScript. */
  soon(fire: () => void): void {
    this.at(this.#now, fire)
  }

  /** Cancels an event, also if its time has come already. */
  callOff(event: ScheduledEvent | undefined): void {
    if (event === undefined) return
    event.calledOff = true
    this.#events.remove(event)
  }

  /** For `DeadlineQueue`. */
  arm(at: number, due: () => void): void {
    this.#armed = { at, due }
    if (at <= this.#now) this.#pumpSoon()
  }

  disarm(): void {
    this.#armed = undefined
  }

  /** For `Host.settleIo`: delivers the events of this moment, and the events that follow from them without a task. */
  settle(): void {
    while (this.#ready.length > 0) this.#deliver()
  }

  /** Whether there is work that no task waits for. */
  get busy(): boolean {
    return this.#ready.length > 0 || this.#pumping || this.#working > 0
  }

  /** Expects work that no task waits for, for a few iterations of the event loop. */
  work(): void {
    const idle = this.#working === 0
    this.#working = WORKING
    if (idle) detached(setImmediate, this.#pass)
  }

  /** A child process or a thread works (7). Returns a function to call at its end. */
  followRealTime(): () => void {
    if (this.#following++ === 0) this.#pace = { virtual: this.#now, real: performance.now() }
    return () => {
      this.#following--
      stir()
    }
  }

  /** Moves time to `goal.at` (4). The events and deadlines on the way happen, and tasks come to rest after each. */
  aim(goal: Goal): void {
    this.#goals.push(goal)
    this.#goals.sort((a, b) => a.at - b.at)
    this.#restless = 0
    this.#watch()
    stir()
    this.#count()
  }

  dropGoal(goal: Goal): void {
    this.#goals = this.#goals.filter((other) => other !== goal)
    this.#watch()
  }

  /** Moves time without delivering events, like a program that blocks the event loop. For tests. */
  shift(ms: number): void {
    this.#now += ms
    this.#takeDue()
    this.#pumpSoon()
  }

  join(run: RunState): void {
    if (this.#runs.size === 0) this.#resources = resourcesOfProcess()
    this.#runs.add(run)
    this.#watch()
  }

  leave(run: RunState): void {
    this.#runs.delete(run)
    this.#watch()
  }

  /** For `QuietWatcher`. */
  runs(): Iterable<RunState> {
    return this.#runs
  }

  quiet(waits: number): boolean {
    if (this.busy) return false
    return this.#goals.length === 0 && !this.#worldRests(waits) ? false : this.#proceed()
  }

  /** Moves time. False if there is no next event or deadline, or time may not move there. */
  #proceed(): boolean {
    const next = this.#next
    const [goal] = this.#goals
    this.#restless = 0
    if (goal !== undefined && goal.at < next) {
      this.#now = Math.max(this.#now, goal.at)
      this.dropGoal(goal)
      goal.reached()
    } else {
      if (next === Infinity || (goal === undefined && !this.#autoJump)) return false
      this.#now = Math.max(this.#now, next)
      this.#takeDue()
      this.#pump()
    }
    stir()
    return true
  }

  /** The time of the next event or deadline. */
  get #next(): number {
    return Math.min(this.#events.first?.at ?? Infinity, this.deadlines.earliest)
  }

  /** Whether no foreign work is observed (6). Otherwise schedules another survey. */
  #worldRests(waits: number): boolean {
    if (this.#following > 0) return this.#realTimeHasCome()
    const patience = (waits & REAL) !== 0 ? LONG : (waits & (FOREIGN | UNKNOWN)) !== 0 ? SHORT : 0
    if (patience === 0) return true
    if (this.#next === Infinity || !this.#autoJump) return false
    let stirredAt = 0
    for (const run of this.#runs) stirredAt = Math.max(stirredAt, run.stirredAt)
    const now = performance.now()
    if (this.#rest.stirredAt !== stirredAt || resourcesOfProcess() > this.#resources)
      this.#rest = { stirredAt, since: now }
    if (now - this.#rest.since >= patience) return true
    // Unreferenced, so that it does not count as a resource of the process.
    detached(setTimeout, () => stir(), patience / 2).unref()
    return false
  }

  /** Whether real time has reached the next event (7). Otherwise schedules another survey for then. */
  #realTimeHasCome(): boolean {
    const next = this.#next
    if (next === Infinity || !this.#autoJump) return false
    const rest = next - this.#pace.virtual - (performance.now() - this.#pace.real)
    if (rest <= 0) {
      this.#pace = { virtual: Math.max(this.#now, next), real: performance.now() + rest }
      return true
    }
    detached(setTimeout, () => stir(), Math.min(rest, LONGEST_LOOK)).unref()
    return false
  }

  #takeDue(): void {
    const later = this.#ready
    this.#ready = []
    for (let event = this.#events.takeUntil(this.#now); event !== undefined; event = this.#events.takeUntil(this.#now))
      this.#ready.push(event)
    this.#ready.push(...later)
  }

  #pumpSoon(): void {
    if (this.#pumping) return
    this.#pumping = true
    detached(setImmediate, this.#onPump)
  }

  readonly #onPump = (): void => {
    this.#pumping = false
    this.#pump()
    stir()
  }

  /** Events first (2). New events of this moment come after the tasks that were woken. */
  #pump(): void {
    this.#deliver()
    const armed = this.#armed
    if (armed === undefined || armed.at > this.#now) return
    this.#armed = undefined
    armed.due()
  }

  #deliver(): void {
    const batch = this.#ready
    this.#ready = []
    for (const event of batch) {
      if (!event.calledOff) event.fire()
    }
  }

  readonly #pass = (): void => {
    if (--this.#working > 0) detached(setImmediate, this.#pass)
    else stir()
  }

  #watch(): void {
    const wanted = this.#runs.size > 0 || this.#goals.length > 0
    if (wanted) this.#unwatch ??= watchQuiet(this)
    else {
      this.#unwatch?.()
      this.#unwatch = undefined
    }
  }

  /** Counts iterations while there is a goal (5). */
  #count(): void {
    if (this.#counting || this.#goals.length === 0) return
    this.#counting = true
    detached(setImmediate, () => {
      this.#counting = false
      const held = this.busy || [...this.#runs].some((run) => run.host.busy?.() === true)
      if (!held && ++this.#restless > PATIENCE) this.#proceed()
      this.#count()
    })
  }
}

/** Number of resources that the process waits for, without immediates, which the timeline itself uses. */
function resourcesOfProcess(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate').length
}
