/** A portal as seen from a thread that the library did not start. */
import { randomUUID } from 'node:crypto'
import { BroadcastChannel, type MessagePort, receiveMessageOnPort, threadId } from 'node:worker_threads'
import { ClosedResourceError, RunFinishedError, UsageError } from '../errors.ts'
import { checkString, invalidArgType } from '../common/validate.ts'
import { argumentNotCloneable, isCloneFailure } from './cloning.ts'
import { unpackError } from './crossing.ts'
import {
  type Attach,
  ATTACHED,
  CALL,
  CANCEL,
  CLOSED,
  type FromPortal,
  OPEN,
  type PortalHandle,
  STATE,
  type ToPortal,
  WAKE,
} from './portal-wire.ts'
import { refuseEventLoop } from './within.ts'

/** A portal in a thread that uses it; `BlockingPortal.attach` makes one. */
export interface AttachedPortal {
  /**
   * Calls an exposed function and blocks this thread until it has ended. Returns its value, or throws its error.
   *
   * @throws ClosedResourceError if the portal is closed, also while this waits; RunFinishedError if its run has ended;
   * UsageError on an event-loop thread
   */
  call<T = unknown>(name: string, ...args: unknown[]): T
  /** Starts an exposed function and returns at once. Throws as `call` does. */
  startTaskSoon<T = unknown>(name: string, ...args: unknown[]): PortalTask<T>
}

/** A function that was started through a portal. */
export interface PortalTask<T = unknown> {
  /**
   * Blocks this thread until the function has ended. Returns or throws as `call`; throws `TaskCancelled` after
   * `cancel`.
   */
  result(): T
  /** Cancels the function. Does not wait for its end. */
  cancel(): void
}

export function attachPortal(handle: PortalHandle): AttachedPortal {
  const { structioPortal, state, host } = (typeof handle === 'object' ? (handle ?? {}) : {}) as Partial<PortalHandle>
  if (typeof structioPortal !== 'string' || !(state instanceof Int32Array) || typeof host !== 'number') {
    throw invalidArgType('handle', 'the handle of a portal', handle)
  }
  return new PortalClient({ structioPortal, state, host })
}

type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown }

class PortalClient implements AttachedPortal {
  readonly #handle: PortalHandle
  readonly #words = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT))
  #channel: BroadcastChannel | undefined
  /** Pending functions. */
  readonly #tasks = new Map<number, StartedTask>()
  #calls = 0

  constructor(handle: PortalHandle) {
    this.#handle = handle
  }

  call<T>(name: string, ...args: unknown[]): T {
    return this.#start('call', name, args).result() as T
  }

  startTaskSoon<T>(name: string, ...args: unknown[]): PortalTask<T> {
    return this.#start('startTaskSoon', name, args) as PortalTask<T>
  }

  /** Blocks until `task` has its outcome. */
  wait(task: StartedTask): void {
    this.#refuse('result')
    while (task.outcome === undefined) {
      const seen = Atomics.load(this.#words, WAKE)
      this.#drain()
      if (task.outcome !== undefined) return
      if (Atomics.load(this.#handle.state, STATE) !== OPEN) {
        // Answers from before the close have arrived by now.
        this.#drain()
        task.outcome ??= { ok: false, error: this.#closed('result') }
      } else Atomics.wait(this.#words, WAKE, seen)
    }
  }

  post(message: ToPortal): void {
    this.#channel?.postMessage(message)
  }

  #start(what: string, name: string, args: unknown[]): StartedTask {
    checkString('name', name)
    this.#refuse(what)
    if (Atomics.load(this.#handle.state, STATE) !== OPEN) throw this.#closed(what)
    this.#open(what)
    const task = new StartedTask(this, ++this.#calls)
    try {
      this.post([CALL, task.call, name, args])
    } catch (error) {
      throw isCloneFailure(error) ? argumentNotCloneable(`"${name}"`, args, error) : error
    }
    this.#tasks.set(task.call, task)
    return task
  }

  #open(what: string): void {
    if (this.#channel !== undefined) return
    const { structioPortal: id, state } = this.#handle
    const client = randomUUID()
    const channel = new BroadcastChannel(`${id}/${client}`)
    channel.onmessage = (event) => this.#settle((event as { data: FromPortal }).data)
    // Not in the type, and everywhere since Node 15.
    ;(channel as unknown as { unref(): void }).unref()
    const door = new BroadcastChannel(id)
    const attach: Attach = { client, words: this.#words }
    door.postMessage(attach)
    door.close()
    // In slices: a portal that is closed at this moment does not answer.
    while (Atomics.wait(this.#words, ATTACHED, 0, SLICE) === 'timed-out') {
      if (Atomics.load(state, STATE) === OPEN) continue
      channel.close()
      throw this.#closed(what)
    }
    this.#channel = channel
  }

  #drain(): void {
    // It also takes a BroadcastChannel; the type does not say so.
    const port = this.#channel as unknown as MessagePort
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      this.#settle(next.message as FromPortal)
    }
  }

  #settle(message: FromPortal): void {
    const task = this.#tasks.get(message[0])
    this.#tasks.delete(message[0])
    if (task === undefined) return
    task.outcome = message[1] ? { ok: true, value: message[2] } : { ok: false, error: unpackError(message[2]) }
  }

  #refuse(what: string): void {
    if (this.#handle.host === threadId) {
      throw new UsageError(`${what} was called on the thread that would have to answer: call the function itself`)
    }
    refuseEventLoop(what)
  }

  #closed(what: string): Error {
    return Atomics.load(this.#handle.state, STATE) === CLOSED
      ? new ClosedResourceError(`${what}: the portal is closed`)
      : new RunFinishedError(`${what}: the run of the portal has finished`)
  }
}

/** Milliseconds between two checks of the state of a portal that does not answer. */
const SLICE = 50

class StartedTask implements PortalTask {
  readonly call: number
  outcome: Outcome | undefined
  readonly #client: PortalClient

  constructor(client: PortalClient, call: number) {
    this.#client = client
    this.call = call
  }

  result(): unknown {
    this.#client.wait(this)
    const outcome = this.outcome!
    if (outcome.ok) return outcome.value
    throw outcome.error
  }

  cancel(): void {
    if (this.outcome === undefined) this.#client.post([CANCEL, this.call])
  }
}
