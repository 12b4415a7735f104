/**
 * The program of a thread of the library: takes jobs from its port, one at a time, and answers them.
 *
 * ```text
 *   message ─► job ─► answer ─► microtasks ─► look again; wait a little, blocked ─► job …
 *                                                              │ nothing came
 *                                                              ▼
 *                                                         the event loop, until a message wakes it
 * ```
 *
 * A wake-up from `Atomics.wait` is much cheaper than one from the event loop, on both sides. So after a job the thread
 * blocks there for the next one, but only for some milliseconds: timers and connections of the user's module wait
 * meanwhile. A thread that is never idle lets its event loop turn now and then.
 */
import { performance } from 'node:perf_hooks'
import { receiveMessageOnPort, workerData } from 'node:worker_threads'
import { UsageError } from '../errors.ts'
import { argumentNotCloneable, isCloneFailure, lostInCloning, notCloneable } from './cloning.ts'
import { packError, unpackError } from './crossing.ts'
import { explain, load, type Offer, type Runnable } from './program.ts'
import { isTypeScript } from './typescript.ts'
import { fromThread, runAsyncFromThread, setThreadContext } from './within.ts'
import {
  CALL,
  CANCELLED,
  DONE,
  EXIT,
  FAILED,
  type FromThread,
  JOB,
  type TaskSource,
  type ThreadSetup,
  type ToThread,
  WAKE,
} from './wire.ts'

/** Milliseconds that the thread blocks for the next job. */
const LINGER = 5
/** Milliseconds that the thread answers jobs without a turn of its event loop. */
const SLICE = 20

const setup = workerData as ThreadSetup

const offer: Offer = {
  names: { runAsyncFromThread, fromThread },
  typeScript: () => (typeScript ??= registerTsx()),
}

// From source, TypeScript is registered already: this file has been loaded.
let typeScript: Promise<void> | undefined = isTypeScript(setup.program) ? Promise.resolve() : undefined

async function registerTsx(): Promise<void> {
  if (setup.tsx === undefined) return
  const tsx = (await import(setup.tsx)) as { register(): unknown }
  tsx.register()
}

class ThreadProgram {
  readonly #port
  readonly #words: Int32Array
  /** Known tasks, by key. */
  readonly #known = new Map<number, { readonly source: TaskSource; run: Runnable | undefined }>()
  #busy = false
  #looking = false
  #sliceEnd = 0

  constructor({ port, words }: ThreadSetup) {
    this.#port = port
    this.#words = words
    port.on('message', (message: ToThread) => {
      this.#sliceEnd = performance.now() + SLICE
      this.#take(message)
    })
    port.on('messageerror', (error: Error) =>
      this.#answer([FAILED, packError(lostInCloning('an argument', error), '')]),
    )
    setThreadContext({
      call: (name, args) => this.#call(name, args),
      cancelled: () => this.#busy && Atomics.load(words, CANCELLED) !== 0,
    })
  }

  #take(message: ToThread): void {
    if (message[0] === EXIT) process.exit()
    if (message[0] !== JOB) return
    const [, key, source, args, forget] = message
    if (forget) this.#known.clear()
    if (source !== undefined) this.#known.set(key, { source, run: undefined })
    this.#busy = true
    const task = this.#known.get(key)!
    let outcome: unknown
    try {
      if (task.run === undefined) {
        void this.#loadAndRun(task, args)
        return
      }
      outcome = (0, task.run)(...args)
      if (isThenable(outcome)) {
        void this.#settle(outcome, task.source)
        return
      }
    } catch (error) {
      this.#fail(error, task.source)
      return
    }
    this.#finish(outcome)
  }

  async #loadAndRun(task: { readonly source: TaskSource; run: Runnable | undefined }, args: unknown[]): Promise<void> {
    try {
      const run = await load(task.source, offer)
      task.run = run
      this.#finish(await run(...args))
    } catch (error) {
      this.#fail(error, task.source)
    }
  }

  async #settle(promise: PromiseLike<unknown>, source: TaskSource): Promise<void> {
    try {
      this.#finish(await promise)
    } catch (error) {
      this.#fail(error, source)
    }
  }

  #finish(value: unknown): void {
    try {
      this.#answer([DONE, value])
    } catch (error) {
      if (!isCloneFailure(error)) throw error
      this.#answer([FAILED, packError(notCloneable('what the function returned', value), '')])
    }
  }

  #fail(error: unknown, source: TaskSource): void {
    this.#answer([FAILED, packError(explain(error, source), 'what the function threw')])
  }

  /** Ends a job. */
  #answer(message: FromThread): void {
    this.#port.postMessage(message)
    this.#busy = false
    this.#lookSoon()
  }

  /** Takes the next job once the microtasks of the last one have run. */
  #lookSoon(): void {
    if (this.#looking) return
    this.#looking = true
    void resolved.then(() => process.nextTick(this.#look))
  }

  readonly #look = (): void => {
    this.#looking = false
    const seen = Atomics.load(this.#words, WAKE)
    let next = receiveMessageOnPort(this.#port)
    if (next === undefined && performance.now() < this.#sliceEnd) {
      if (Atomics.wait(this.#words, WAKE, seen, LINGER) === 'timed-out') return
      next = receiveMessageOnPort(this.#port)
    }
    // A message that is not taken here comes through the event loop.
    if (next !== undefined) this.#take(next.message as ToThread)
  }

  #call(name: string, args: unknown[]): unknown {
    if (!this.#busy) {
      throw new UsageError('runAsyncFromThread was called after the function had ended: was a promise not awaited?')
    }
    const message: FromThread = [CALL, name, args]
    try {
      this.#port.postMessage(message)
    } catch (error) {
      throw isCloneFailure(error) ? argumentNotCloneable(`"${name}"`, args, error) : error
    }
    for (;;) {
      const seen = Atomics.load(this.#words, WAKE)
      const reply = receiveMessageOnPort(this.#port)?.message as ToThread | undefined
      if (reply === undefined) Atomics.wait(this.#words, WAKE, seen)
      else if (reply[0] === EXIT) process.exit()
      else if (reply[0] !== JOB) {
        if (reply[1]) return reply[2]
        throw unpackError(reply[2])
      }
    }
  }
}

const resolved = Promise.resolve()

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

new ThreadProgram(setup)
