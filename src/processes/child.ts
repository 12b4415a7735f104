/**
 * One child process: its transport, its streams, those who wait for its end, and how it is left.
 *
 * What must stay true:
 * 1. Nobody who leaves it leaves it running: a close waits for its end, and one that is cancelled, or that nobody waits for,
 *    ends it (`stop`) and waits until it has been reaped.
 * 2. Its streams are closed before its end is waited for: who writes what nobody reads any more would not come to an end.
 *    What its input has taken still leaves, as long as the process runs.
 * 3. An end is told once, to all who wait, also to those in other tasks than the one that closes.
 */
import type { ProcessSink, ProcessTransport } from '../backends/contract/backend.ts'
import { ClosedResourceError, type Cancelled } from '../errors.ts'
import { type CancelScope, closingScope, enterOperation, immediate, immediateVoid, isInterrupted, Operation, Resource } from '../kernel/index.ts'
import type { Connection } from '../streams/connection.ts'
import type { Opening } from '../common/opening.ts'
import type { Launch } from './options.ts'
import { openStream } from './process-stream.ts'

/** The kind of resource, for warnings. */
export const PROCESS = 'process'

export class Child extends Resource implements ProcessSink {
  readonly transport: ProcessTransport
  readonly stdin: Connection | undefined
  readonly stdout: Connection | undefined
  readonly stderr: Connection | undefined
  readonly #launch: Launch
  returncode: number | null = null
  closed = false
  /** Those who wait for its end. */
  #waiting: { exited(returncode: number): void }[] = []
  /** Those who wait for `stop`; `undefined` until somebody has begun it. */
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
    // Of one without streams nothing is left to be closed.
    if (this.#streams.length === 0) this.unregister()
    const waiting = this.#waiting
    this.#waiting = []
    for (const waiter of waiting) waiter.exited(returncode)
  }

  /** Waits for its end, and leaves it alone when cancelled. */
  wait(): Promise<number> {
    const scope = enterOperation('wait')
    this.requireOpen('wait')
    return this.returncode === null ? new Wait(this).begin(scope) : immediate(this.returncode)
  }

  /** `Process.close()`: waits for its end; cancelled, ends it. */
  async close(): Promise<void> {
    const scope = closingScope()
    if (this.returncode !== null) this.shut()
    // Where its end cannot be waited for, it is brought about.
    else if (scope === undefined || isInterrupted(scope)) return this.#end(scope)
    else {
      this.shut()
      await new CloseCall(this).begin(scope)
    }
    this.release()
    await immediateVoid()
  }

  /** Ends it and what is left of its group, and waits until that is done, whatever is cancelled. */
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

  /** Asks it to end, and calls `done` when it has been reaped. */
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

  /** Keeps the process alive while somebody waits. */
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

  /** Closes the streams, the input once it has left (2). */
  shut(): void {
    this.closed = true
    this.stdout?.destroy()
    this.stderr?.destroy()
    // Nobody hears of it: a process that does not read to the end of its input is none of an error.
    void this.stdin?.closeInTime()
  }

  /** It has ended. */
  release(): void {
    for (const stream of this.#streams) stream.destroy()
    this.unregister()
  }

  /** Whether nothing is left to be ended. A group may outlive its leader. */
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

/** Waits for the end; cancelled, it brings it about, and its scope waits as long. */
class CloseCall extends Wait {
  override describe(): string {
    return `close of ${this.child.describeResource()}`
  }

  protected override onCancel(): void {
    this.child.dropWaiter(this)
    this.child.stop(() => this.resolve(this.child.returncode as number))
  }
}

/** Brings about the end, and is not to be disturbed. */
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
