/**
 * A connection of the native backend: each operation is a record in the ring, and answered by a record.
 *
 * How many bytes wait unsent is known without asking, and what is known is an upper bound at every moment:
 *
 * 1. Bytes that go through the ring are counted as taken until their submission has been carried out *and* its reports have been
 *    delivered (`loop.hasReported`). In mid turn, and after its last round, JavaScript runs between the two.
 * 2. A report says how many bytes were unsent when it was made, and how many had reached the connection by then (`#given`): those
 *    given since are counted as taken still.
 * 3. A direct call tells in its answer whether bytes are unsent.
 */
import { closeSync } from 'node:fs'
import { Completion, Control, ERROR_BASE, Submission, TLS_FAILED, Wait, WOULD_BLOCK } from '../../native/protocol.ts'
import type {
  Address,
  RelayStart,
  SendWait,
  StreamSink,
  StreamTransport,
  TlsStart,
  TransportRelay,
} from '../contract/backend.ts'
import { toAddress } from './addresses.ts'
import { systemError } from './errors.ts'
import { handleNumber, type HandleOwner, type NativeEventLoop } from './event-loop.ts'
import { NativeRelay } from './relay.ts'
import { getOption, setOption } from './socket-options.ts'
import { type Peer, toRecordError } from './tls-failures.ts'
import type { NativeTlsSession, SessionSource } from './tls-session.ts'

/** What a stream may have taken and not sent (api.md §6). */
const TAKE_LIMIT = 65_536

/** What a direct send may leave unsent: the earlier bytes of its turn, and four records of its own. */
const MOST_UNSENT = 2 * TAKE_LIMIT

/** From here a direct call on the caller's memory is cheaper than a copy into the slab. */
const DIRECT = 8192

const WAITS = {
  writable: Wait.Writable,
  flushed: Wait.Flushed,
  shutdown: Wait.Shutdown,
  goodbye: Wait.Goodbye,
  linger: Wait.Linger,
} as const

export class NativeStream implements StreamTransport, HandleOwner {
  declare sink: StreamSink
  readonly generation: number
  readonly index: number
  tls: NativeTlsSession | undefined
  readonly loop: NativeEventLoop
  /** Bytes taken that no report has told of: the last of them are part of the submission that `#turn` names. */
  #taken = 0
  #turn = 0
  /** All bytes taken, modulo 2³², as the addon counts them. */
  #given = 0
  /** Bytes of earlier turns that the kernel has not taken: an upper bound. */
  #unsent = 0
  #receiving = false
  /** The pending receive takes descriptors, too. */
  #takesFds = false
  #waiting = false
  /** The number of the last wait; an answer to another one comes too late. */
  #waitNumber = 0
  #relay: NativeRelay | undefined
  #unrefed = false
  #closed = false
  /** The sending half has failed: what is sent from now on goes nowhere. */
  #failed = false
  #sendError: Error | undefined
  /** With TLS: whom its errors are about. */
  #peer: Peer | undefined
  /** TLS, standard compatible, and neither half has failed. */
  #saysGoodbye = false
  /** A handshake has the handle: who hears of it when the handle ends. */
  #handshake: (() => void) | undefined
  #local: Address | undefined
  #remote: Address | undefined

  /** The addresses, where they are known: asking for one costs about 2 µs. */
  constructor(loop: NativeEventLoop, index: number, generation: number, local?: Address, remote?: Address) {
    this.loop = loop
    this.index = index
    this.generation = generation
    this.#local = local
    this.#remote = remote
    loop.own(index, this)
  }

  get localAddress(): Address {
    return (this.#local ??= toAddress(this.loop.binding.localAddress(this.handle)))
  }

  get remoteAddress(): Address {
    return (this.#remote ??= toAddress(this.loop.binding.remoteAddress(this.handle)))
  }

  receive(maxBytes: number): void {
    this.receiveFds(maxBytes, 0)
  }

  receiveFds(maxBytes: number, maxFds: number): void {
    this.#receiving = true
    this.#takesFds = maxFds > 0
    this.#count(1)
    this.loop.submit(Submission.Receive, this.index, this.generation, maxBytes, maxFds)
  }

  cancelReceive(): void {
    if (!this.#receiving) return
    this.#received()
    this.loop.submit(Submission.CancelReceive, this.index, this.generation, 0, 0)
  }

  waitReadable(): void {
    // A receive of nothing.
    this.receiveFds(0, 0)
  }

  receiveInto(view: Uint8Array): number {
    const count = this.loop.binding.receiveInto(this.handle, view)
    if (count >= 0) return count
    if (count !== WOULD_BLOCK) throw this.receiveError(ERROR_BASE - count)
    this.#receiving = true
    this.#takesFds = false
    this.#count(1)
    // The addon has armed the wait; what is left is that somebody looks at the reference just counted.
    if (this.loop.control[Control.InTurn] === 0) this.loop.arm()
    return WOULD_BLOCK
  }

  send(data: Uint8Array): number {
    const length = data.length
    if (this.#failed || length === 0) return length
    const unsent = this.unsent
    if (unsent + length <= TAKE_LIMIT && (length < DIRECT || this.#unsent > 0)) {
      const count = Math.min(length, this.loop.sendCapacity)
      this.loop.send(this.index, this.generation, count === length ? data : data.subarray(0, count))
      this.#taken += count
      this.#given = (this.#given + count) | 0
      this.#turn = this.loop.control[Control.Submitted]!
      return count
    }
    if (this.#unsent > 0) return 0
    // This turn's earlier bytes go with it, in the same write.
    const answer = this.loop.binding.send(this.handle, data)
    this.#taken = 0
    const taken = answer >= 0 ? answer : -1 - answer
    this.#given = (this.#given + taken) | 0
    if (answer >= 0) return taken
    // Whoever waits for the rest is told at once.
    if (this.#askForFailure()) return 0
    // How much is unsent exactly, a completion says.
    this.#unsent = MOST_UNSENT
    return taken
  }

  carryOut(): void {
    if (this.#taken > 0 && this.#turn === this.loop.control[Control.Submitted]) this.loop.binding.flush()
  }

  sendFds(data: Uint8Array, fds: readonly number[]): void {
    const errno = this.loop.binding.postFds(this.handle, data, Int32Array.from(fds))
    if (errno !== 0) throw systemError(errno, 'sendmsg')
    this.#wait(Wait.Parcel)
  }

  relayWith(peer: StreamTransport, start: RelayStart): TransportRelay | undefined {
    if (!(peer instanceof NativeStream) || peer.loop !== this.loop) return undefined
    return new NativeRelay(this, peer, start)
  }

  /** The relay's: it has this connection. */
  lendTo(relay: NativeRelay): void {
    this.#keepFacts()
    this.#relay = relay
    this.#count(1)
    this.loop.arm()
  }

  /** The relay's: it is over. `unsent`: bytes that this connection has taken are. */
  takeBack(unsent: boolean): void {
    this.#relay = undefined
    this.#count(-1)
    // How much exactly, a completion says.
    if (unsent) this.#unsent = MOST_UNSENT
    this.loop.arm()
  }

  takeSendError(): Error | undefined {
    if (this.loop.control[Control.SendFailures] !== 0) this.#askForFailure()
    const error = this.#sendError
    this.#sendError = undefined
    return error
  }

  get unsent(): number {
    if (this.#failed) return 0
    if (this.#taken > 0 && this.loop.hasReported(this.#turn)) {
      // Behind bytes that waited already, they wait too; otherwise a report would have come.
      if (this.#unsent > 0) this.#unsent += this.#taken
      this.#taken = 0
    }
    return this.#unsent + this.#taken
  }

  waitSend(what: SendWait): void {
    this.#wait(WAITS[what])
  }

  cancelSend(): void {
    if (!this.#waiting) return
    this.#sent()
    this.loop.submit(Submission.CancelSend, this.index, this.generation, 0, 0)
  }

  destroy(): void {
    this.#close(false)
  }

  reset(): void {
    this.#close(true)
  }

  getsockopt(level: number | string, name: number | string): number {
    return getOption(this.loop.binding, this.handle, level, name)
  }

  setsockopt(level: number | string, name: number | string, value: number | boolean): void {
    setOption(this.loop.binding, this.handle, level, name, value)
  }

  ref(): void {
    this.#setRefed(true)
  }

  unref(): void {
    this.#setRefed(false)
  }

  get saysGoodbye(): boolean {
    return this.#saysGoodbye
  }

  /** The handle is a handshake from now on; `ended` is called should it be destroyed meanwhile. */
  lend(ended: () => void): void {
    this.#keepFacts()
    this.#handshake = ended
    // Nothing is unsent, and what comes after it is counted anew.
    this.#taken = this.#unsent = this.#given = 0
  }

  /** A handshake has been done on this connection. */
  secure({ side, peer, standardCompatible }: TlsStart, session: NativeTlsSession): void {
    this.#handshake = undefined
    this.tls = session
    this.#peer = { side, peer }
    this.#saysGoodbye = standardCompatible
  }

  /** Where the session of this connection is asked. */
  sessionSource(): SessionSource {
    const { binding } = this.loop
    return {
      facts: () => binding.tlsFacts(this.handle),
      peerCertificate: () => binding.tlsPeerCertificate(this.handle),
      export: (length, label) => binding.tlsExport(this.handle, length, label),
    }
  }

  /** The loop's: one completion of this handle. */
  completed(kind: number, a: number, b: number): void {
    switch (kind) {
      case Completion.Received:
        this.#received()
        return this.#deliver(a, b)
      case Completion.ReceivedFds:
        return this.#deliverFds(a, b)
      case Completion.ReceivedEnd:
        this.#received()
        return this.sink.receivedEnd()
      case Completion.ReceiveFailed:
        this.#received()
        return this.sink.receiveFailed(this.receiveError(a))
      case Completion.Readable:
        this.#received()
        return this.sink.readable()
      case Completion.Relayed:
        return this.#relay?.told(a === 1)
      case Completion.SendSettled:
        if (!this.#waiting || b !== this.#waitNumber) return
        this.#sent()
        return this.sink.sendSettled(this.takeSendError() ?? (a === 0 ? undefined : systemError(a, 'sendmsg')))
      case Completion.SendFailed:
        return this.#sendFailed(a)
      case Completion.Unsent:
        this.#unsent = a
        this.#taken = (this.#given - b) | 0
    }
  }

  /** Whether sending has failed, as the addon knows it: the completion that says so may still be on its way. */
  #askForFailure(): boolean {
    if (!this.#failed && !this.#closed) {
      const errno = this.loop.binding.sendFailure(this.handle)
      if (errno !== 0) this.#sendFailed(errno)
    }
    return this.#failed
  }

  #sendFailed(errno: number): void {
    if (this.#failed) return
    this.#failed = true
    this.#unsent = 0
    this.#saysGoodbye = false
    this.#sendError = errno === TLS_FAILED ? this.#tlsError() : systemError(errno, 'write')
  }

  #deliver(offset: number, length: number): void {
    const { received } = this.loop
    const at = received.own(offset, length)
    this.sink.received(received.memory, at, at + length, true)
  }

  #deliverFds(offset: number, length: number): void {
    const { received, binding } = this.loop
    const asked = this.#receiving && this.#takesFds
    this.#received()
    const fds = binding.takeFds(this.handle)
    const at = received.own(offset, length)
    if (asked) return this.sink.receivedFds?.(received.memory, at, at + length, true, fds)
    // Who asked for them has cancelled. As with any receive that does not ask, the bytes are kept and the descriptors are not.
    for (const fd of fds) closeSync(fd)
    this.sink.received(received.memory, at, at + length, true)
  }

  receiveError(errno: number): Error {
    this.#saysGoodbye = false
    return errno === TLS_FAILED ? this.#tlsError() : systemError(errno, 'read')
  }

  #tlsError(): Error {
    return toRecordError(this.#peer!, this.loop.binding.tlsFailure(this.handle))
  }

  get handle(): number {
    return handleNumber(this.index, this.generation)
  }

  #wait(what: number): void {
    this.#waiting = true
    this.#waitNumber = (this.#waitNumber + 1) | 0
    this.#count(1)
    this.loop.submit(Submission.WaitSend, this.index, this.generation, what, this.#waitNumber)
  }

  #received(): void {
    if (!this.#receiving) return
    this.#receiving = false
    this.#count(-1)
  }

  #sent(): void {
    if (!this.#waiting) return
    this.#waiting = false
    this.#count(-1)
  }

  /** Operations that keep the process alive, of the whole thread. */
  #count(change: number): void {
    if (!this.#unrefed) this.loop.control[Control.Refs]! += change
  }

  #setRefed(refed: boolean): void {
    if (this.#unrefed !== refed) return
    const pending = Number(this.#receiving) + Number(this.#waiting) + Number(this.#relay !== undefined)
    this.#unrefed = false
    this.#count(refed ? pending : -pending)
    this.#unrefed = !refed
    this.loop.arm()
  }

  /** What can still be asked for when the handle cannot tell any more: logs ask for it after the end. */
  #keepFacts(): void {
    this.#local ??= toAddress(this.loop.binding.localAddress(this.handle))
    this.#remote ??= toAddress(this.loop.binding.remoteAddress(this.handle))
    this.tls?.close()
  }

  #close(reset: boolean): void {
    if (this.#closed) return
    this.#closed = true
    this.#keepFacts()
    this.#handshake?.()
    this.#received()
    this.#sent()
    this.loop.disown(this.index)
    this.loop.binding.close(this.handle, reset)
  }
}
