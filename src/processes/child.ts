/**
 * One child process: its transport, its standard streams, the operations that wait for its exit, and how it is closed.
 *
 * Invariants
 * 1. No process outlives its close. `close` waits for the exit. If it is cancelled, or has no scope to wait in, it
 *    stops the process and waits until it has been reaped.
 * 2. The streams are closed before the exit is waited for: a process that writes into a full pipe would never exit.
 *    Bytes that its input has taken still leave while the process runs.
 * 3. Each waiter gets the exit once, also a waiter in another task than the one that closes.
 */
import type { ProcessSink, ProcessTransport } from '../backends/contract/backend.ts'
import { ClosedResourceError, type Cancelled } from '../errors.ts'
import {
  type CancelScope,
  closingScope,
  enterOperation,
  immediate,
  immediateVoid,
  isInterrupted,
  Operation,
  Resource,
} from '../kernel/index.ts'
import type { Connection } from '../streams/connection.ts'
import type { Opening } from '../common/opening.ts'
import type { Launch } from './options.ts'
import { openStream } from './process-stream.ts'

/** The kind of the resource in warnings. */
export const PROCESS = 'process'

export class Child extends Resource implements ProcessSink {
  readonly transport: ProcessTransport
  readonly stdin: Connection | undefined
  readonly stdout: Connection | undefined
  readonly stderr: Connection | undefined
  readonly #launch: Launch
  returncode: number | null = null
  closed = false
  /** Operations that wait for the exit. */
  #waiting: { exited(returncode: number): void }[] = []
  /** Callbacks of `stop`; `undefined` until the first `stop`. */
  #stopping: (() => void)[] | undefined
  #stopped = false

  constructor(transport: ProcessTransport, launch: Launch, { frame, made }: Opening) {
    super()
    this.transport = transport
    this.#launch = launch
    const { run } = frame.task
    this.stdin = openStream(transport.stdin, run)
    this.stdout = openStream(transport.stdout, run)
    this.stderr = openStream(transport.stderr, run)
    transport.sink = this
    this.register(frame, PROCESS, made)
  }

  /** @throws ClosedResourceError after `close` */
  requireOpen(what: string): void {
    if (this.closed) throw new ClosedResourceError(`${what}: the process is closed`)
  }

  exited(returncode: number): void {
    this.returncode = returncode
    this.transport.unref()
    // Without streams, nothing is left to close.
    if (this.#streams.length === 0) this.unregister()
    const waiting = this.#waiting
    this.#waiting = []
    for (const waiter of waiting) waiter.exited(returncode)
  }

  /** Waits for the exit. A cancellation ends the wait and leaves the process alone. */
  wait(): Promise<number> {
    const scope = enterOperation('wait')
    this.requireOpen('wait')
    return this.returncode === null ? new Wait(this).begin(scope) : immediate(this.returncode)
  }

  /** `Process.close()`: waits for the exit; if it is cancelled, stops the process. */
  async close(): Promise<void> {
    const scope = closingScope()
    if (this.returncode !== null) this.shut()
    // No scope can wait for the exit here: stop the process.
    else if (scope === undefined || isInterrupted(scope)) return this.#end(scope)
    else {
      this.shut()
      await new CloseCall(this).begin(scope)
    }
    this.release()
    await immediateVoid()
  }

  /**
   * Stops the process and the rest of its group, and waits until that is done. A cancellation does not end the wait.
   */
  async abort(): Promise<void> {
    if (!this.#isOver) return this.#end(closingScope())
    this.shut()
    this.release()
  }

  async #end(scope: CancelScope | undefined): Promise<void> {
    this.shut()
    if (scope === undefined) await new Promise<void>((resolve) => this.stop(resolve))
    else await new Stop(this).begin(scope)
    this.release()
  }

  /** Asks the process to end, and calls `done` when it has been reaped. */
  stop(done: () => void): void {
    if (this.#stopped) done()
    else if (this.#stopping !== undefined) this.#stopping.push(done)
    else {
      this.#stopping = [done]
      this.transport.stop(this.#launch.killAfter, () => {
        this.#stopped = true
        for (const each of this.#stopping as (() => void)[]) each()
      })
    }
  }

  /** A pending wait keeps this Node process alive. */
  addWaiter(waiter: { exited(returncode: number): void }): void {
    if (this.#waiting.push(waiter) === 1) this.transport.ref()
  }

  dropWaiter(waiter: { exited(returncode: number): void }): void {
    this.#waiting = this.#waiting.filter((other) => other !== waiter)
    if (this.#waiting.length === 0) this.transport.unref()
  }

  override describeResource(): string {
    return `${PROCESS} ${this.transport.pid} (${this.#launch.name})`
  }

  override closeForRun(): Promise<void> {
    return new Promise((resolve) => {
      this.shut()
      this.stop(() => {
        this.release()
        resolve()
      })
    })
  }

  /** Closes the streams (2). The input closes once its bytes have left. */
  shut(): void {
    this.closed = true
    this.stdout?.destroy()
    this.stderr?.destroy()
    // Its failure is ignored: a process may exit without reading all its input.
    void this.stdin?.closeInTime()
  }

  /** After the exit. */
  release(): void {
    for (const stream of this.#streams) stream.destroy()
    this.unregister()
  }

  /** Whether nothing is left to stop. A group may outlive its leader. */
  get #isOver(): boolean {
    return this.returncode !== null && !this.#launch.spawn.processGroup
  }

  get #streams(): Connection[] {
    return [this.stdin, this.stdout, this.stderr].filter((stream) => stream !== undefined)
  }
}

class Wait extends Operation<number> {
  protected readonly child: Child

  constructor(child: Child) {
    super()
    this.child = child
  }

  override begin(scope: CancelScope): Promise<number> {
    const promise = super.begin(scope)
    this.child.addWaiter(this)
    return promise
  }

  exited(returncode: number): void {
    this.resolve(returncode)
  }

  override describe(): string {
    return `wait for ${this.child.describeResource()}`
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.child.dropWaiter(this)
    this.reject(cancelled())
  }
}

/** Waits for the exit. A cancellation stops the process, and the scope waits until it has exited. */
class CloseCall extends Wait {
  override describe(): string {
    return `close of ${this.child.describeResource()}`
  }

  protected override onCancel(): void {
    this.child.dropWaiter(this)
    this.child.stop(() => this.resolve(this.child.returncode as number))
  }
}

/** Stops the process. A cancellation does not interrupt it. */
class Stop extends Operation<void> {
  readonly #child: Child

  constructor(child: Child) {
    super()
    this.#child = child
  }

  override begin(scope: CancelScope): Promise<void> {
    const promise = super.begin(scope)
    this.#child.stop(() => this.resolve())
    return promise
  }

  override describe(): string {
    return `end of ${this.#child.describeResource()}`
  }

  protected override onCancel(): void {}
}
