/**
 * `SignalReceiver`: the signals that come while it is open, in their order.
 *
 * What must stay true:
 * 1. Its one waiting call is the operation: pending until its promise has settled, which is what makes a second task
 *    busy.
 * 2. A signal stays in the queue until a call returns it. A cancellation finds it there.
 * 3. However it is closed: what has come by then is collected, the listeners are put back, and what was not consumed
 *    is handed on, in order. After that the process may be gone.
 */
import { type Cancelled, ClosedResourceError, ResourceBusyError } from '../errors.ts'
import {
  type CancelScope,
  closingScope,
  enterOperation,
  type Frame,
  nextTurn,
  Operation,
  rejected,
  releaseProcess,
  Resource,
  type Resumable,
  retainProcess,
  RUNNABLE,
  selectable,
  type Selectable,
  type SelectSource,
  spendBudget,
} from '../kernel/index.ts'
import { type Arrival, divert, handOn, restore, type Target } from './listeners.ts'

/** The kind of resource, for warnings. */
export const SIGNAL_RECEIVER = 'signal receiver'

/**
 * Iterates over the signals that have come since it was opened; each receiver gets each of them. Made by
 * `receiveSignals`.
 *
 * One task at a time may wait for the next one. After `close()` every step is a `ClosedResourceError`, also one that
 * was waiting.
 */
export class SignalReceiver implements AsyncIterable<NodeJS.Signals>, AsyncDisposable, Selectable<NodeJS.Signals> {
  readonly #inbox: Inbox

  /** @internal */
  constructor(signals: readonly NodeJS.Signals[], frame: Frame, made: Error | undefined) {
    this.#inbox = new Inbox(signals)
    this.#inbox.open(frame, made)
  }

  /**
   * Puts the process's other listeners back in order, if this was the last receiver of their signal. What has come
   * meanwhile and no receiver was asked for goes on to them, or to the default action, which may end the process here.
   * Never raises a cancellation: the next checkpoint does. Idempotent.
   */
  close(): Promise<void> {
    const closing = this.#inbox.close()
    const scope = closingScope()
    return scope === undefined ? closing : new Closing(closing).begin(scope)
  }

  /** For `select`, which takes the next signal, and counts as a task that waits for it. */
  [selectable](): SelectSource<NodeJS.Signals> {
    return new SignalSource(this.#inbox)
  }

  /** Iterates over the names of the signals, as they come. `break` leaves the receiver open. */
  [Symbol.asyncIterator](): AsyncIterableIterator<NodeJS.Signals> {
    return new SignalIterator(this.#inbox)
  }

  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** A close that is waited for, whatever is cancelled meanwhile. */
class Closing extends Operation<void> {
  constructor(closing: Promise<void>) {
    super()
    closing.then(
      () => this.resolve(),
      (error: unknown) => this.reject(error),
    )
  }

  override describe(): string {
    return 'close of a signal receiver'
  }

  override get waitsFor(): number {
    return RUNNABLE
  }

  protected override onCancel(): void {}
}

/** It holds no state of its own, so that a step that threw can be taken again and loses nothing. */
class SignalIterator implements AsyncIterableIterator<NodeJS.Signals> {
  readonly #inbox: Inbox
  #returned = false

  constructor(inbox: Inbox) {
    this.#inbox = inbox
  }

  next(): Promise<IteratorResult<NodeJS.Signals>> {
    return this.#returned ? Promise.resolve({ done: true, value: undefined }) : this.#inbox.next.call()
  }

  return(): Promise<IteratorResult<NodeJS.Signals>> {
    this.#returned = true
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

/** What has come, and its place on the run's list. */
class Inbox extends Resource implements Target {
  readonly next: NextSignal
  closed = false
  /** A select that waits. */
  watcher: SignalSource | undefined
  #closing: Promise<void> | undefined
  readonly #signals: readonly NodeJS.Signals[]
  #arrivals: Arrival[] = []

  constructor(signals: readonly NodeJS.Signals[]) {
    super()
    this.#signals = signals
    this.next = new NextSignal(this)
  }

  open(frame: Frame, made: Error | undefined): void {
    divert(this.#signals, this)
    this.register(frame, SIGNAL_RECEIVER, made)
  }

  arrived(arrival: Arrival): void {
    this.#arrivals.push(arrival)
    this.next.arrived()
    this.watcher?.tell()
  }

  get empty(): boolean {
    return this.#arrivals.length === 0
  }

  /** @throws ResourceBusyError where another task than that of `source` waits */
  requireFree(what: string, source?: SignalSource): void {
    if (this.isBusyFor(source))
      throw new ResourceBusyError(`${what}: another task is already waiting for these signals`)
  }

  isBusyFor(source: SignalSource | undefined): boolean {
    return this.next.pending || (this.watcher !== undefined && this.watcher !== source)
  }

  /** There is one. */
  take(): NodeJS.Signals {
    const arrival = this.#arrivals.shift() as Arrival
    arrival.consumed = true
    arrival.holders--
    return arrival.signal
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    this.closed = true
    this.unregister()
    this.next.closed()
    this.watcher?.tell()
    // A signal that has come, and that the event loop does not know of yet, would be lost: with the last listener Node drops
    // it. A loop that is in its poll phase now may look for it in the next iteration only.
    await turn()
    await turn()
    const left = this.#arrivals
    this.#arrivals = []
    try {
      restore(this.#signals, this)
    } finally {
      for (const arrival of left) {
        // Whoever else has it may still tell somebody, or hands it on.
        if (--arrival.holders === 0 && !arrival.consumed) handOn(arrival)
      }
    }
  }

  override describeResource(): string {
    return `${SIGNAL_RECEIVER} of ${this.#signals.join(', ')}`
  }

  override closeForRun(): Promise<void> {
    return this.close()
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => nextTurn({ resume: resolve }))
}

/** What `select` asks of a receiver. */
class SignalSource implements SelectSource<NodeJS.Signals> {
  readonly #inbox: Inbox
  #changed: (() => void) | undefined

  constructor(inbox: Inbox) {
    this.#inbox = inbox
  }

  ready(): boolean {
    const inbox = this.#inbox
    return inbox.closed || !inbox.empty || inbox.isBusyFor(this)
  }

  take(): NodeJS.Signals {
    const inbox = this.#inbox
    if (inbox.closed) throw new ClosedResourceError('select: the signal receiver is closed')
    inbox.requireFree('select', this)
    return inbox.take()
  }

  watch(changed: () => void): () => void {
    this.#inbox.requireFree('select')
    this.#inbox.watcher = this
    this.#changed = changed
    // Node's own handle of a signal keeps no process alive.
    retainProcess()
    return () => this.#leave()
  }

  tell(): void {
    this.#leave()
    this.#changed?.()
  }

  #leave(): void {
    if (this.#inbox.watcher !== this) return
    this.#inbox.watcher = undefined
    releaseProcess()
  }
}

class NextSignal extends Operation<IteratorResult<NodeJS.Signals>> implements Resumable {
  readonly #inbox: Inbox
  /** It has its signal, and waits for the next turn. */
  #postponed: NodeJS.Signals | undefined
  #retains = false

  constructor(inbox: Inbox) {
    super()
    this.#inbox = inbox
  }

  override describe(): string {
    return `next of ${this.#inbox.describeResource()}`
  }

  override get waitsFor(): number {
    return this.#postponed === undefined ? super.waitsFor : RUNNABLE
  }

  call(): Promise<IteratorResult<NodeJS.Signals>> {
    let scope: CancelScope
    try {
      scope = enterOperation('next signal')
      if (this.#inbox.closed) throw new ClosedResourceError('next: the signal receiver is closed')
      this.#inbox.requireFree('next')
    } catch (error) {
      return rejected(error)
    }
    if (this.#inbox.empty) {
      // Node's own handle of a signal keeps no process alive.
      this.#retain(true)
      return this.begin(scope)
    }
    if (spendBudget()) return Promise.resolve({ done: false, value: this.#inbox.take() })
    this.#postponed = this.#inbox.take()
    const promise = this.begin(scope)
    nextTurn(this)
    return promise
  }

  arrived(): void {
    if (!this.undecided || this.#postponed !== undefined) return
    this.#retain(false)
    this.resolve({ done: false, value: this.#inbox.take() })
  }

  closed(): void {
    if (!this.undecided || this.#release()) return
    this.#retain(false)
    this.reject(new ClosedResourceError('next: the signal receiver was closed while this waited'))
  }

  /** For `nextTurn`. */
  resume(): void {
    this.#release()
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    if (this.#release()) return
    this.#retain(false)
    this.reject(cancelled())
  }

  /** Hands out a postponed signal now. False where there is none. */
  #release(): boolean {
    const value = this.#postponed
    if (value === undefined) return false
    this.#postponed = undefined
    return this.resolve({ done: false, value })
  }

  #retain(retains: boolean): void {
    if (this.#retains === retains) return
    this.#retains = retains
    if (retains) retainProcess()
    else releaseProcess()
  }
}
