/**
 * The JavaScript half of the driver: the four regions of memory that it shares with the addon, and all access to them.
 *
 * ```text
 *  await stream.receiveSome()             a socket is ready
 *        │ submit(Receive)                     │ Rust reads into the receive slab
 *        ▼                                     ▼
 *  submission ring ──► end of the turn   completion ring ──► dispatch() ──► sink ──► the promise settles
 * ```
 *
 * Invariants (the Rust side of each is in `crates/binding/src/rings/turn.rs`)
 * 1. A ring never drops a record. `flush` empties a full ring at once, and frees the send slab. Therefore no `flush`
 *    happens between writing bytes to the send slab and appending the record that names them. A `flush` outside a turn
 *    delivers completions, and their receivers may submit and send. The caller looks for room again afterwards.
 * 2. Submissions of a turn that the driver began are carried out when the turn ends, without a call. Other submissions
 *    arm one `setImmediate` for all of them.
 * 3. Between the start and the end of `dispatch` Rust writes neither to the completion ring nor to the receive slab. A
 *    handle copies the bytes that it keeps before it returns.
 * 4. A completion whose generation is not that of the handle at its index is ignored. A connection that it hands over
 *    is closed.
 */
import { detached, resetBudget } from '../../kernel/index.ts'
import type { Binding, BindingEventLoop } from '../../native/load.ts'
import {
  Completion,
  Control,
  DATAGRAM_ALIGN,
  GENERATION_UNIT,
  HEADER_WORDS,
  KIND_BITS,
  RECEIVED_END,
  RECORD_WORDS,
  REPORTED_BY,
  Submission,
} from '../../native/protocol.ts'
import { SharedLookups } from '../shared/shared-lookups.ts'
import { ReceivedBytes } from './received-bytes.ts'
import { ringSizes } from './ring-sizes.ts'

/** Receives the completions of one handle. */
export interface HandleOwner {
  readonly generation: number
  completed(kind: number, a: number, b: number): void
}

export interface EventLoopOptions {
  readonly nested: boolean
  readonly uv: boolean
  readonly lookupThreads?: number | undefined
  readonly fileThreads?: number | undefined
}

const KIND_MASK = (1 << KIND_BITS) - 1

/** An index and its generation as the one number that the addon's calls take. */
export function handleNumber(index: number, generation: number): number {
  return index + generation * GENERATION_UNIT
}

export function handleIndex(handle: number): number {
  return handle % GENERATION_UNIT
}

export function handleGeneration(handle: number): number {
  return Math.floor(handle / GENERATION_UNIT)
}

export class NativeEventLoop {
  readonly binding: BindingEventLoop
  /** Copies of the bytes of this dispatch. */
  readonly received: ReceivedBytes
  /** The header of the submission ring. It also counts references. */
  readonly control: Int32Array
  /** The slabs as bytes and as words. A datagram in them follows the address of its peer. */
  readonly receivedWords: Int32Array
  readonly sendSlab: Uint8Array
  readonly sendWords: Int32Array
  readonly sendCapacity: number
  /** The callers of each look-up. */
  readonly lookups = new SharedLookups((change) => this.hold(change))
  readonly #records: number
  readonly #completions: Int32Array
  readonly #submissions: Int32Array
  readonly #sendDatagrams: () => void
  readonly #callFile: (memory?: Uint8Array) => void
  readonly #owners: (HandleOwner | undefined)[] = []
  /** Look-ups and file operations. They share one sequence of numbers. */
  readonly #requests = new Map<number, () => void>()
  readonly #descriptors = new Map<number, () => void>()
  readonly #children = new Map<number, (code: number) => void>()
  #settling: (() => void)[] = []
  #armed = false

  constructor(binding: Binding, options: EventLoopOptions) {
    const { records, receiveSlab: received, sendSlab } = ringSizes
    const words = HEADER_WORDS + records * RECORD_WORDS
    this.#records = records
    this.#completions = new Int32Array(words)
    this.#submissions = new Int32Array(words)
    this.sendCapacity = sendSlab
    this.sendSlab = new Uint8Array(sendSlab)
    this.sendWords = new Int32Array(this.sendSlab.buffer)
    const receiveSlab = Buffer.from(new ArrayBuffer(received))
    this.received = new ReceivedBytes(receiveSlab)
    this.receivedWords = new Int32Array(receiveSlab.buffer)
    this.control = this.#submissions
    this.binding = new binding.EventLoop(
      receiveSlab,
      this.#completions,
      this.sendSlab,
      this.#submissions,
      () => this.#dispatch(),
      {
        nested: options.nested,
        uv: options.uv,
        ...(options.lookupThreads === undefined ? {} : { lookupThreads: options.lookupThreads }),
        ...(options.fileThreads === undefined ? {} : { fileThreads: options.fileThreads }),
      },
    )
    this.#sendDatagrams = this.binding.datagramSender()
    this.#callFile = 'fileCaller' in this.binding ? this.binding.fileCaller() : nothing
  }

  /** Appends a record; it is carried out at the end of the turn (invariant 2). */
  submit(kind: number, index: number, generation: number, a: number, b: number): void {
    const ring = this.#submissions
    while (ring[Control.Count]! >= this.#records) this.binding.flush()
    const count = ring[Control.Count]!
    const at = HEADER_WORDS + count * RECORD_WORDS
    ring[at] = (index << KIND_BITS) | kind
    ring[at + 1] = generation
    ring[at + 2] = a
    ring[at + 3] = b
    ring[Control.Count] = count + 1
    if (ring[Control.InTurn] === 0 && !this.#armed) this.arm()
  }

  /**
   * Copies `data`, which fits into the slab, to the send slab, and appends the record that names it (invariant 1). It
   * is part of the submission that `Control.Submitted` counts when this has returned.
   */
  send(index: number, generation: number, data: Uint8Array): void {
    const control = this.#submissions
    const { length } = data
    while (control[Control.SendUsed]! + length > this.sendCapacity || control[Control.Count]! >= this.#records) {
      this.binding.flush()
    }
    const used = control[Control.SendUsed]!
    this.sendSlab.set(data, used)
    control[Control.SendUsed] = used + length
    this.submit(Submission.Send, index, generation, used, length)
  }

  /** Whether JavaScript has been told what became of the bytes that were part of this submission. */
  hasReported(submission: number): boolean {
    return ((this.#submissions[Control.Reported]! - submission) | 0) > 0
  }

  /**
   * Where in the send slab there is room for `length` bytes, at a multiple of eight, for a call that uses them at once;
   * `undefined` where the whole slab is too small.
   */
  reserve(length: number): number | undefined {
    if (length > this.sendCapacity) return undefined
    while (this.#freeAt + length > this.sendCapacity) this.binding.flush()
    return this.#freeAt
  }

  /**
   * Has the kernel take `count` datagrams that stand in the send slab; returns how many it has taken. What was wrong
   * with the next one is in `Control.SendError`.
   */
  sendDatagrams(index: number, generation: number, offset: number, count: number): number {
    const control = this.#submissions
    control[Control.SendIndex] = index
    control[Control.SendGeneration] = generation
    control[Control.SendOffset] = offset
    control[Control.SendCount] = count
    this.#sendDatagrams()
    return control[Control.Sent]!
  }

  /** Reads a file now, where it is: bytes, -1: not without waiting, or `-1000 - errno`. */
  readFile(slot: number, memory: Uint8Array, start: number, end: number): number {
    const control = this.#submissions
    control[Control.FileSlot] = slot
    control[Control.FileStart] = start
    control[Control.FileEnd] = end
    this.#callFile(memory)
    return control[Control.FileResult]!
  }

  /** Moves to a position in a file: 0, or `-1000 - errno`. */
  seekFile(slot: number, position: number): number {
    const control = this.#submissions
    control[Control.FileSlot] = slot
    control[Control.FileStart] = position | 0
    control[Control.FileEnd] = Math.floor(position / 2 ** 32)
    this.#callFile()
    return control[Control.FileResult]!
  }

  /** Counts what keeps the process alive, and sees to it that the driver looks at the count. */
  hold(change: number): void {
    this.control[Control.Refs]! += change
    this.arm()
  }

  /** Sees to it that what has been submitted outside a turn, or counted in `Control.Refs`, is looked at. */
  arm(): void {
    if (this.#armed) return
    this.#armed = true
    detached(setImmediate, () => {
      this.#armed = false
      this.binding.flush()
    })
  }

  own(index: number, owner: HandleOwner): void {
    this.#owners[index] = owner
  }

  /** The handle has ended: nothing more is delivered to it. */
  disown(index: number): void {
    this.#owners[index] = undefined
  }

  /** Calls `answer` when the look-up of this number has an outcome to take. */
  awaitLookup(request: number, answer: () => void): void {
    this.#requests.set(request, answer)
  }

  /** Calls `answer` when the work on a file that has this number has an outcome to take. */
  awaitFile(request: number, answer: () => void): void {
    this.#requests.set(request, answer)
  }

  /** Calls `answer` when the descriptor that the wait of this number is for is ready. */
  awaitDescriptor(number: number, answer: () => void): void {
    this.#descriptors.set(number, answer)
  }

  /** It will not be called. */
  forgetDescriptor(number: number): void {
    this.#descriptors.delete(number)
  }

  /** Calls `ended` with its return code when the child process of this number has ended. */
  awaitExit(request: number, ended: (code: number) => void): void {
    this.#children.set(request, ended)
  }

  /** Delivers I/O that is there already, then calls `deliver`; at once where the driver is nested. */
  settle(deliver: () => void): void {
    if (this.binding.settle()) deliver()
    else this.#settling.push(deliver)
  }

  #dispatch(): void {
    const control = this.#submissions
    const ring = this.#completions
    const count = ring[Control.Count]!
    resetBudget()
    this.received.begin(ring[RECEIVED_END]!)
    control[Control.Dispatching] = 1
    for (let record = 0, at = HEADER_WORDS; record < count; record++, at += RECORD_WORDS) {
      const head = ring[at]!
      try {
        this.#deliver(head >>> KIND_BITS, head & KIND_MASK, ring[at + 1]!, ring[at + 2]!, ring[at + 3]!)
      } catch (error) {
        // A sink does not throw. If one does, the others' completions must not be lost with it.
        queueMicrotask(() => {
          throw error
        })
      }
    }
    control[Control.Dispatching] = 0
    control[Control.Reported] = ring[REPORTED_BY]!
  }

  /** The first free place of the send slab, at a multiple of eight. */
  get #freeAt(): number {
    return (this.#submissions[Control.SendUsed]! + DATAGRAM_ALIGN - 1) & -DATAGRAM_ALIGN
  }

  #deliver(index: number, kind: number, generation: number, a: number, b: number): void {
    if (kind < Completion.LookedUp) {
      if (kind === Completion.SendFailed) this.control[Control.SendFailures]!--
      const owner = this.#owners[index]
      if (owner !== undefined && owner.generation === generation) owner.completed(kind, a, b)
      else if (kind === Completion.Accepted) this.binding.close(handleNumber(a, b), false)
    } else if (kind === Completion.LookedUp || kind === Completion.FileDone) {
      const answer = this.#requests.get(index)
      this.#requests.delete(index)
      answer?.()
    } else if (kind === Completion.DescriptorReady) {
      const answer = this.#descriptors.get(index)
      this.#descriptors.delete(index)
      answer?.()
    } else if (kind === Completion.Exited) {
      const ended = this.#children.get(index)
      this.#children.delete(index)
      ended?.(a)
    } else {
      const settling = this.#settling
      this.#settling = []
      for (const deliver of settling) deliver()
    }
  }
}

function nothing(): void {}
