/**
 * `BlockingPortal`: lets threads that the library did not start call functions of a run.
 *
 * Invariants
 * 1. A waiting client is answered: by the end of the function, by `close`, or by the end of the run.
 * 2. After `close`, no function that was called through the portal runs.
 */
import { AsyncResource } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { BroadcastChannel, threadId } from 'node:worker_threads'
import { Cancelled, ClosedResourceError, RunFinishedError, TaskCancelled } from '../errors.ts'
import {
  type CancelScope,
  closingScope,
  currentFrame,
  detached,
  enterFrame,
  type Frame,
  immediate,
  NEUTRAL,
  Operation,
  rejected,
  Resource,
  settleFairly,
} from '../kernel/index.ts'
import { checkOptions, optionNames } from '../common/validate.ts'
import { isCloneFailure, notCloneable } from './cloning.ts'
import { packError } from './crossing.ts'
import { callExposed } from './exposed-call.ts'
import { checkExposed, type Exposed, exposedFunction, type ExposedFunction } from './exposed.ts'
import { type AttachedPortal, attachPortal } from './portal-client.ts'
import {
  type Attach,
  ATTACHED,
  CALL,
  CLOSED,
  FINISHED,
  OPEN,
  type FromPortal,
  type PortalHandle,
  STATE,
  type ToPortal,
  WAKE,
} from './portal-wire.ts'

/** Options of `createBlockingPortal`. */
export interface BlockingPortalOptions {
  /** The functions that threads may call, by name. */
  expose: Readonly<Record<string, ExposedFunction>>
}

/**
 * Opens a portal: threads that the library did not start, such as your own `Worker`s, can call functions of this
 * thread. Pass `portal.handle` to the thread and call `BlockingPortal.attach(handle)` there. The functions run in the
 * task and scope in which the portal was made. Close it when it is no longer needed.
 *
 * @example
 * ```ts
 * await using portal = await createBlockingPortal({ expose: { load: (id: number) => database.load(id) } })
 * const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: portal.handle })
 * await abandonOnCancel(once(worker, 'exit'))
 *
 * // worker.js
 * const row = BlockingPortal.attach(workerData).call('load', 7) // blocks the worker
 * ```
 */
export function createBlockingPortal(options: BlockingPortalOptions): Promise<BlockingPortal> {
  try {
    checkOptions('options', options, OPTIONS)
    const exposed = checkExposed('options.expose', options.expose)
    return immediate(new BlockingPortal(new OpenPortal(enterFrame('createBlockingPortal'), exposed)))
  } catch (error) {
    return rejected(error)
  }
}

/** A portal into a run, made by `createBlockingPortal`. */
export class BlockingPortal {
  readonly #open: OpenPortal

  /** @internal */
  constructor(open: OpenPortal) {
    this.#open = open
  }

  /** Gives threads access to this portal. It can be sent to any number of threads. */
  get handle(): PortalHandle {
    return this.#open.handle
  }

  /** Call it in a thread with the handle of a portal, to use that portal. @throws TypeError if `handle` is no handle */
  static attach(handle: PortalHandle): AttachedPortal {
    return attachPortal(handle)
  }

  /**
   * Closes the portal: running functions are cancelled and awaited. Their threads, and later calls, get a
   * `ClosedResourceError`. Never raises a cancellation: the next checkpoint does. Idempotent.
   */
  async close(): Promise<void> {
    const scope = closingScope()
    const end = this.#open.close(CLOSED)
    await (scope === undefined ? end : new Closing(end).start(scope))
  }

  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** The portal as a resource of its run. */
class OpenPortal extends Resource {
  readonly handle: PortalHandle
  readonly #frame: Frame
  readonly #exposed: Exposed
  readonly #context = new AsyncResource('structio.portal')
  readonly #door: BroadcastChannel
  readonly #clients = new Set<Client>()

  constructor(frame: Frame, exposed: Exposed) {
    super()
    this.#frame = frame
    this.#exposed = exposed
    const state = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
    this.handle = Object.freeze({ structioPortal: `structio:${randomUUID()}`, state, host: threadId })
    this.#door = open(this.handle.structioPortal, (attach: Attach) => this.#attach(attach))
    frame.task.run.portals++
    this.register(frame, 'blocking portal')
  }

  /** Resolves when all its functions have ended. */
  close(state: typeof CLOSED | typeof FINISHED): Promise<unknown> {
    if (Atomics.compareExchange(this.handle.state, STATE, OPEN, state) !== OPEN) return Promise.resolve()
    this.unregister()
    this.#frame.task.run.portals--
    this.#door.close()
    const error =
      state === CLOSED
        ? new ClosedResourceError('the portal was closed')
        : new RunFinishedError(`${this.#frame.task.run.label} has finished, and the portal with it`)
    return Promise.all([...this.#clients].flatMap((client) => client.close(error)))
  }

  describeResource(): string {
    return 'a blocking portal'
  }

  async closeForRun(): Promise<void> {
    await this.close(FINISHED)
  }

  #attach({ client, words }: Attach): void {
    this.#clients.add(new Client(`${this.handle.structioPortal}/${client}`, words, this.#context, this.#exposed))
  }
}

/** One thread that uses the portal. */
class Client {
  readonly #words: Int32Array
  readonly #context: AsyncResource
  readonly #exposed: Exposed
  readonly #channel: BroadcastChannel
  readonly #calls = new Map<number, { readonly scope: CancelScope; readonly promise: Promise<unknown> }>()

  constructor(name: string, words: Int32Array, context: AsyncResource, exposed: Exposed) {
    this.#words = words
    this.#context = context
    this.#exposed = exposed
    this.#channel = open(name, (message: ToPortal) => this.#hear(message))
    Atomics.store(words, ATTACHED, 1)
    Atomics.notify(words, ATTACHED)
  }

  /** Cancels the running functions. The promises settle when they have ended. */
  close(error: Error): Promise<unknown>[] {
    const running = [...this.#calls]
    this.#calls.clear()
    const ends: Promise<unknown>[] = []
    for (const [call, { scope, promise }] of running) {
      this.#fail(call, error)
      scope.cancel('the portal was closed')
      // The function that closes it cannot wait for its own end.
      if (currentFrame()?.scope._isWithin(scope) !== true) ends.push(promise.catch(() => {}))
    }
    this.#channel.close()
    // Clients whose call was not answered check the state.
    this.#wake()
    return ends
  }

  #hear(message: ToPortal): void {
    const call = message[1]
    if (message[0] === CALL) this.#start(call, message[2], message[3])
    else this.#calls.get(call)?.scope.cancel('cancel() was called')
  }

  #start(call: number, name: string, args: unknown[]): void {
    let fn: (...args: unknown[]) => unknown
    try {
      fn = exposedFunction(this.#exposed, name)
    } catch (error) {
      this.#fail(call, error)
      return
    }
    const { scope, promise } = callExposed(this.#context, fn, args)
    this.#calls.set(call, { scope, promise })
    promise.then(
      (value) => {
        if (!this.#calls.delete(call)) return
        if (!scope.cancelledCaught) this.#succeed(call, value)
        else if (scope.cancelReason!.kind === 'explicit')
          this.#fail(call, new TaskCancelled(`the call of "${name}" was cancelled`))
        else this.#fail(call, new Cancelled(`"${name}" was cancelled: what the portal was made in has ended`))
      },
      (error: unknown) => {
        if (this.#calls.delete(call)) this.#fail(call, error)
      },
    )
  }

  #succeed(call: number, value: unknown): void {
    try {
      this.#post([call, true, value])
    } catch (error) {
      this.#fail(call, isCloneFailure(error) ? notCloneable('what the exposed function returned', value) : error)
    }
  }

  #fail(call: number, error: unknown): void {
    this.#post([call, false, packError(error, 'what the exposed function threw')])
  }

  #post(message: FromPortal): void {
    this.#channel.postMessage(message)
    this.#wake()
  }

  #wake(): void {
    Atomics.add(this.#words, WAKE, 1)
    Atomics.notify(this.#words, WAKE)
  }
}

/** Waits for the functions of a portal. A cancellation does not end the wait. */
class Closing extends Operation<void> {
  readonly #end: Promise<unknown>

  constructor(end: Promise<unknown>) {
    super()
    this.#end = end
  }

  start(scope: CancelScope): Promise<void> {
    const promise = this.begin(scope)
    void this.#end.then(() => settleFairly(() => this.resolve(), undefined))
    return promise
  }

  override describe(): string {
    return 'close of a blocking portal'
  }

  override get waitsFor(): number {
    return NEUTRAL
  }

  protected override onCancel(): void {}
}

/** Channels belong to no task, and keep no process alive. */
function open<M>(name: string, hear: (message: M) => void): BroadcastChannel {
  return detached(() => {
    const channel = new BroadcastChannel(name)
    channel.onmessage = (event) => hear((event as { data: M }).data)
    // Not in the type, and everywhere since Node 15.
    ;(channel as unknown as { unref(): void }).unref()
    return channel
  })
}

const OPTIONS = optionNames<BlockingPortalOptions>({ expose: true })
