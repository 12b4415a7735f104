/**
 * Simulated time: the events of a network and the deadlines of runs, on one line, and the rule by which it moves on.
 *
 * ```text
 *   quiet (kernel/quiet.ts) ─► move to the next event or deadline ─► events of that time ─► deadlines of that time ─┐
 *     ▲                                                                                                              │
 *     └────────────── what they woke runs, until everything waits again ◄────────────────────────────────────────────┘
 * ```
 *
 * What must stay true:
 * 1. Time stands still while anything can go on: a task, an event of this very moment, bytes inside a TLS library, work in
 *    the real world. It moves when all of this is over, and then straight to the next event or deadline, never past one.
 * 2. At one time events go before deadlines (api.md §2, rule 3), each in the order of its making.
 * 3. Where nothing lies ahead, nothing moves.
 * 4. With `autoJump` time moves by itself; without, only as far as somebody asked for by `advance`.
 * 5. Who asked for it explicitly gets it: an `advance` is not held up by real work, nor by tasks that do not come to rest.
 * 6. What is worked on outside of this library cannot be seen as a whole. While a task waits for such a thing, time stands still as
 *    long as the process has more to wait for than when the run began (a file, a socket, a timer), and a little real time
 *    longer, for what cannot be seen at all. The real clock decides nothing else: neither an order nor a time.
 * 7. While a child process or a thread works, time does not jump: it passes as fast as the real time does. To stand still until it
 *    has ended would be a deadlock for whoever wants to end it after a while. A thread that waits for the host does not work.
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

/** Passes of the event loop without rest after which an `advance` goes on all the same (5). */
const PATIENCE = 100

/** Passes of the event loop that a TLS library may need between two signs of life; node:tls takes up to four. */
const WORKING = 8

/**
 * Milliseconds of real time for what may be worked on unseen (compression, cryptography): beside a promise that a task of the run
 * may well settle itself, and beside one that was said to be work of others (`abandonOnCancel`).
 */
const SHORT = 3
const LONG = 300

/** Milliseconds after which somebody looks at the real clock again (7): something nearer may have come up. */
const LONGEST_LOOK = 1000

/** Somebody's `advance`. */
export interface Goal {
  readonly at: number
  reached(): void
}

export class Timeline implements Clock, QuietWatcher {
  readonly rank = 1
  readonly asksDespiteForeign = true
  /** Of the runs on this line. */
  readonly deadlines: DeadlineQueue = new DeadlineQueue(this)
  #autoJump: boolean
  #now: number
  #events = new EventQueue()
  #made = 0
  /** Events of this very moment. */
  #ready: ScheduledEvent[] = []
  #pumping = false
  /** The deadline queue's one timer. */
  #armed: { readonly at: number; readonly due: () => void } | undefined
  readonly #runs = new Set<RunState>()
  #goals: Goal[] = []
  #unwatch: (() => void) | undefined
  /** Passes that are left for whoever works outside of every task. */
  #working = 0
  /** Passes since time moved, while there is a goal. */
  #restless = 0
  #counting = false
  /** What the process waited for when the first of the runs began. */
  #resources = 0
  /** Child processes and threads that work, and at which real time the virtual one was what (7). */
  #following = 0
  #pace = { virtual: 0, real: 0 }
  /** Since when nothing was seen to go on outside. */
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

  /** Calls `fire` at that time, outside of every async context and never inside this call. */
  at(time: number, fire: () => void): ScheduledEvent {
    const event = new ScheduledEvent(time, this.#made++, fire)
    if (time > this.#now) this.#events.add(event)
    else {
      this.#ready.push(event)
      this.#pumpSoon()
    }
    return event
  }

  /** At this very time, but after the running JavaScript. */
  soon(fire: () => void): void {
    this.at(this.#now, fire)
  }

  /** It does not happen, also where its time has come already. */
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

  /** For `Host.settleIo`: what has arrived by now is delivered, and what follows from that without any task. */
  settle(): void {
    while (this.#ready.length > 0) this.#deliver()
  }

  /** Whether something goes on that no task waits for. */
  get busy(): boolean {
    return this.#ready.length > 0 || this.#pumping || this.#working > 0
  }

  /** Somebody works outside of every task, for a few passes of the event loop. */
  work(): void {
    const idle = this.#working === 0
    this.#working = WORKING
    if (idle) detached(setImmediate, this.#pass)
  }

  /** A child process or a thread works (7). Returns what is to be called when that is over. */
  followRealTime(): () => void {
    if (this.#following++ === 0) this.#pace = { virtual: this.#now, real: performance.now() }
    return () => {
      this.#following--
      stir()
    }
  }

  /** Moves on to `at` (4), and lets everything on the way happen and come to rest. */
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

  /** Moves the time and lets nothing happen yet, as a program does that keeps the event loop busy. For tests. */
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

  /** For the watch. */
  runs(): Iterable<RunState> {
    return this.#runs
  }

  quiet(waits: number): boolean {
    if (this.busy) return false
    return this.#goals.length === 0 && !this.#worldRests(waits) ? false : this.#proceed()
  }

  /** False where nothing lies ahead, or time may not go there. */
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

  /** Where time would go. */
  get #next(): number {
    return Math.min(this.#events.first?.at ?? Infinity, this.deadlines.earliest)
  }

  /** Whether nothing goes on outside, as far as can be seen (6). Otherwise somebody looks again. */
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
    // Unreferenced: it must not be taken for something that the process waits for.
    detached(setTimeout, () => stir(), patience / 2).unref()
    return false
  }

  /** Whether as much real time has passed as lies before the next event (7). Otherwise somebody looks again when it has. */
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

  /** Events first (2). Those that they make come after what they have woken. */
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

  /** Counts passes while there is a goal (5). What is busy for good ends in the loop that it is. */
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

/** How much the process waits for; not the passes of the event loop, which everything here is made of. */
function resourcesOfProcess(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate').length
}
