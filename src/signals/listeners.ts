/**
 * The process's signal listeners, for everything in this library that receives signals. No other module touches them
 * (the linter checks).
 *
 * ```text
 *   process.on(SIGTERM):  a  b  c   ──divert──►  ours   ────── d added ───►  ours  d   ──restore──►  a  b  c  d
 * ```
 *
 * What must stay true:
 * 1. At no moment is there no listener at all, or the default action would end the process for a signal that comes
 *    then: ours is added before the others are taken off, and they are put back before ours is.
 * 2. What was taken off is put back in its order, where ours stood; what was added meanwhile keeps its place around it.
 *    The wrappers of `once` are kept as they are, so that they are still called once.
 * 3. What fails half-way is undone, and undoing goes on to its end whatever fails in it: a program may have made
 *    listeners of 'newListener' that throw.
 */
import { constants } from 'node:os'
import { isMainThread } from 'node:worker_threads'
import { UnsupportedError } from '../errors.ts'
import { detached } from '../kernel/index.ts'

type Listener = (signal: NodeJS.Signals) => void

/** A signal that has come, one object for all who are given it. */
export interface Arrival {
  readonly signal: NodeJS.Signals
  /** A receiver has returned it. */
  consumed: boolean
  /** Number of receivers that hold it and may still return it. */
  holders: number
}

/** Who is given the signals of a diversion. */
export interface Target {
  arrived(arrival: Arrival): void
}

/** @throws UnsupportedError in a worker */
export function requireMainThread(what: string): void {
  if (!isMainThread) {
    throw new UnsupportedError(`${what} on the main thread only: Node delivers no process signals to a worker`)
  }
}

/** An ordinary listener. */
export function listen(signal: NodeJS.Signals, listener: Listener): void {
  process.on(signal, listener)
}

/** Takes it off, also where it has been taken off for the time of a diversion: it is not put back then. */
export function unlisten(signal: NodeJS.Signals, listener: Listener): void {
  process.removeListener(signal, listener)
  diversions.get(signal)?.forget(listener)
}

/**
 * From now on `target` gets each of these signals instead of the present listeners. All of them, or none and an error.
 */
export function divert(signals: readonly NodeJS.Signals[], target: Target): void {
  const done: NodeJS.Signals[] = []
  try {
    for (const signal of signals) {
      divertOne(signal, target)
      done.push(signal)
    }
  } catch (error) {
    restore(done, target)
    throw error
  }
}

/** Undoes `divert`. With the last target of a signal its listeners are put back. */
export function restore(signals: readonly NodeJS.Signals[], target: Target): void {
  const failures: unknown[] = []
  for (const signal of signals) {
    const diversion = diversions.get(signal)
    if (diversion === undefined || !diversion.targets.delete(target) || diversion.targets.size > 0) continue
    diversions.delete(signal)
    diversion.end(failures)
  }
  if (failures.length > 0) throw failures[0]
}

/**
 * Passes on a signal that was not consumed: to a receiver that is open now, to the listeners that have been put back,
 * or to the default action.
 */
export function handOn(arrival: Arrival): void {
  const { signal } = arrival
  const diversion = diversions.get(signal)
  if (diversion !== undefined) diversion.deliver(arrival)
  // Windows has no signals to send: its `kill` would end the process in spite of listeners.
  else if (process.platform === 'win32' && process.listenerCount(signal) > 0) emit(signal)
  else process.kill(process.pid, signal)
}

const diversions = new Map<NodeJS.Signals, Diversion>()

function divertOne(signal: NodeJS.Signals, target: Target): void {
  let diversion = diversions.get(signal)
  if (diversion === undefined) {
    diversion = new Diversion(signal)
    diversion.begin()
    diversions.set(signal, diversion)
  }
  diversion.targets.add(target)
}

class Diversion {
  readonly targets = new Set<Target>()
  readonly #signal: NodeJS.Signals
  /** What was taken off. */
  #others: Listener[] = []

  constructor(signal: NodeJS.Signals) {
    this.#signal = signal
  }

  begin(): void {
    const signal = this.#signal
    const others = rawListeners(signal)
    try {
      // Outside of every task: the handle that Node makes for it would keep the task's context.
      detached(() => process.on(signal, this.#onSignal))
      for (const other of others) {
        // First: should somebody who is told of the removal throw, it has been removed all the same.
        this.#others.push(other)
        process.removeListener(signal, other)
      }
    } catch (error) {
      this.end([])
      throw error
    }
  }

  end(failures: unknown[]): void {
    const signal = this.#signal
    const now = rawListeners(signal)
    // Ours may be gone: `removeAllListeners` takes everything off.
    const behind = now.slice(now.indexOf(this.#onSignal) + 1)
    const attempt = (step: (signal: NodeJS.Signals, listener: Listener) => unknown, listener: Listener): void => {
      try {
        step.call(process, signal, listener)
      } catch (error) {
        failures.push(error)
      }
    }
    // Invariant 2: an emitter takes a new listener at its end only, so those behind ours go to the end once more. Node
    // looks for the last one that is the same, which is the one behind.
    if (this.#others.length > 0) {
      for (const listener of behind) attempt(process.removeListener, listener)
      for (const listener of [...this.#others, ...behind]) attempt(process.on, listener)
    }
    attempt(process.removeListener, this.#onSignal)
  }

  deliver(arrival: Arrival): void {
    // One who is told may close another.
    for (const target of [...this.targets]) {
      arrival.holders++
      target.arrived(arrival)
    }
  }

  forget(listener: Listener): void {
    this.#others = this.#others.filter((other) => other !== listener)
  }

  readonly #onSignal = (): void => {
    this.deliver({ signal: this.#signal, consumed: false, holders: 0 })
  }
}

function rawListeners(signal: NodeJS.Signals): Listener[] {
  return process.rawListeners(signal) as Listener[]
}

function emit(signal: NodeJS.Signals): void {
  ;(process as NodeJS.EventEmitter).emit(signal, signal, constants.signals[signal])
}
