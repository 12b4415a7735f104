/**
 * One thread, from the host's side: it runs a job and reports its end exactly once, also if the thread dies.
 *
 * Invariants
 * 1. A job ends with `finished`, `failed` or `broken`, exactly once. After `broken` the thread is gone.
 * 2. The thread keeps the process alive while its job does, and never otherwise.
 * 3. Messages that the thread posted before it died count: the port is emptied before `broken`.
 * 4. A thread that is being terminated never becomes idle, even if its job ends at the last moment.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { detached } from '../kernel/index.ts'
import { argumentNotCloneable, isCloneFailure, lostInCloning, notCloneable, TO_THREAD } from './cloning.ts'
import type { PackedError } from './crossing.ts'
import { FROM_SOURCE, programOfThread } from './programs.ts'
import { nameOfTask, type NumberedTask } from './task.ts'
import { tsxForThreads } from './typescript.ts'
import {
  CALL,
  CANCELLED,
  DONE,
  EXIT,
  FAILED,
  type FromThread,
  JOB,
  REPLY,
  type ThreadSetup,
  type ToThread,
  type Transferable,
  WAKE,
  WORDS,
} from './wire.ts'

/** Callbacks of a job, called outside every frame. */
export interface JobSink {
  finished(value: unknown): void
  failed(error: PackedError): void
  /** The thread died of `error`, or ended itself. */
  broken(error: unknown, exitCode: number): void
  /** The thread blocks until `reply` is called. */
  called(name: string, args: unknown[]): void
}

/** The owner of threads. */
export interface ThreadOwner {
  /** Its job has ended, and it can take another. */
  idle(thread: Thread): void
  /** The thread is gone. `error`: why, if it had no job to report it to. */
  dead(thread: Thread, error: unknown): void
}

/** Number of tasks that a thread remembers before it forgets them all. */
const MOST_KNOWN = 500

export class Thread {
  readonly #owner: ThreadOwner
  readonly #worker: Worker
  readonly #port: MessagePort
  readonly #words = new Int32Array(new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT))
  readonly #known = new Set<number>()
  #job: JobSink | undefined
  #holds = false
  #died: { readonly error: unknown } | undefined
  /** The thread is being terminated, and takes no more jobs. */
  #terminated = false

  constructor(owner: ThreadOwner) {
    this.#owner = owner
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    // A thread belongs to no task, and must not keep the frame of the task that started it.
    this.#worker = detached(startWorker, port2, this.#words)
    this.#worker.unref()
    this.#worker.on('error', (error) => (this.#died = { error }))
    this.#worker.on('exit', (code) => this.#exited(code))
    port1.on('message', (message: FromThread) => this.#hear(message))
    port1.on('messageerror', (error) => this.#hear([FAILED, { errors: [], value: lostInCloning('a result', error) }]))
    port1.unref()
  }

  /**
   * Starts a job. `sink` is called later, never inside this call.
   *
   * @throws DOMException (`DataCloneError`) for arguments that cannot be sent; the thread is idle as before
   */
  start(task: NumberedTask, args: unknown[], transfer: readonly Transferable[], sink: JobSink): void {
    const { key, source } = task
    const known = this.#known.has(key)
    const forget = !known && this.#known.size === MOST_KNOWN
    Atomics.store(this.#words, CANCELLED, 0)
    try {
      this.#post([JOB, key, known ? undefined : source, args, forget], transfer)
    } catch (error) {
      throw isCloneFailure(error) ? argumentNotCloneable(nameOfTask(task), args, error, TO_THREAD, transfer) : error
    }
    if (forget) this.#known.clear()
    this.#known.add(key)
    this.#job = sink
    this.#hold(true)
  }

  /** Sets the flag that the thread reads with `checkCancelled`. */
  tellCancelled(cancelled: boolean): void {
    Atomics.store(this.#words, CANCELLED, cancelled ? 1 : 0)
  }

  /** The caller has left: the job no longer keeps the process alive. */
  abandon(): void {
    this.#hold(false)
  }

  /** Ends the thread in the middle of its job. The job still ends once (1): `broken`, or its end if that came first. */
  terminate(): void {
    if (this.#terminated) return
    this.#terminated = true
    void this.#worker.terminate()
  }

  /** Answers `called`. @throws DOMException (`DataCloneError`) for a value that cannot be sent; then nothing is sent */
  reply(value: unknown): void {
    try {
      this.#post([REPLY, true, value])
    } catch (error) {
      throw isCloneFailure(error) ? notCloneable('what the exposed function returned', value) : error
    }
  }

  replyError(error: PackedError): void {
    this.#post([REPLY, false, error])
  }

  /** Ends the thread, which must be idle. */
  end(): void {
    this.#post([EXIT])
  }

  #post(message: ToThread, transfer: readonly Transferable[] = []): void {
    this.#port.postMessage(message, transfer)
    Atomics.add(this.#words, WAKE, 1)
    Atomics.notify(this.#words, WAKE)
  }

  #hear(message: FromThread): void {
    const job = this.#job
    if (job === undefined) return
    if (message[0] === CALL) {
      // A thread that is being terminated waits for no answer.
      if (!this.#terminated) job.called(message[1], message[2])
      return
    }
    this.#job = undefined
    this.#hold(false)
    if (!this.#terminated) this.#owner.idle(this)
    if (message[0] === DONE) job.finished(message[1])
    else job.failed(message[1])
  }

  #exited(code: number): void {
    for (let last = receiveMessageOnPort(this.#port); last !== undefined; last = receiveMessageOnPort(this.#port)) {
      this.#hear(last.message as FromThread)
    }
    const job = this.#job
    this.#job = undefined
    this.#hold(false)
    this.#port.close()
    this.#owner.dead(this, job === undefined ? this.#died?.error : undefined)
    job?.broken(this.#died?.error, code)
  }

  #hold(holds: boolean): void {
    if (holds === this.#holds) return
    this.#holds = holds
    if (holds) this.#port.ref()
    else this.#port.unref()
  }
}

/** When the library runs from source, the program is TypeScript: this loader is plain JavaScript. */
const BOOT = `
const { program, tsx } = require('node:worker_threads').workerData
const ready = tsx === undefined ? Promise.resolve() : import(tsx).then(({ register }) => register())
ready.then(() => import(program))`

let tsx: { readonly url: string | undefined } | undefined

function startWorker(port: MessagePort, words: Int32Array): Worker {
  tsx ??= { url: tsxForThreads() }
  const program = programOfThread()
  const workerData: ThreadSetup = { port, words, tsx: tsx.url, program: program.href }
  const options = { name: 'structio', workerData, transferList: [port] }
  return FROM_SOURCE ? new Worker(BOOT, { ...options, eval: true }) : new Worker(program, options)
}
