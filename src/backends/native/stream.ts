/**
 * A connection of the native backend. Each operation is a record in the submission ring, and a completion record
 * answers it.
 *
 * `unsent` needs no call of the addon, and is an upper bound at every moment.
 *
 * Invariants
 * 1. Bytes that go through the ring count as taken until their submission has been carried out *and* its reports have
 *    been delivered (`loop.hasReported`). JavaScript can run between the two, in mid turn and after its last round.
 * 2. A report says how many bytes were unsent, and how many had reached the connection (`#given`), at the time of the
 *    report. Bytes given since then still count as taken.
 * 3. The answer of a direct call says whether bytes are unsent.
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
import { TAKE_LIMIT } from '../contract/limits.ts'

/** The most bytes that a direct send may leave unsent: the earlier bytes of its turn, and four records. */
const MOST_UNSENT = 2 * TAKE_LIMIT

/** From this size a direct call with the caller's memory is cheaper than a copy into the slab. */
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
  /** Taken bytes that no report covers. The last of them belong to submission `#turn`. */
  #taken = 0
  #turn = 0
  /** Number of all taken bytes, modulo 2³², as the addon counts them. */
  #given = 0
  /** An upper bound of the bytes of earlier turns that the kernel has not taken. */
  #unsent = 0
  #receiving = false
  /** Whether the pending receive also takes descriptors. */
  #takesFds = false
  #waiting = false
  /** The number of the last wait. Answers with another number come too late. */
  #waitNumber = 0
  #relay: NativeRelay | undefined
  #unrefed = false
  #closed = false
  /** Whether the sending half has failed. Later bytes are swallowed. */
  #failed = false
  #sendError: Error | undefined
  /** With TLS: the peer that its errors name. */
  #peer: Peer | undefined
  /** Whether TLS is standard compatible here, and neither half has failed. */
  #saysGoodbye = false
  /** While a handshake owns the handle: called when the handle ends. */
  #handshake: (() => void) | undefined
  #local: Address | undefined
  #remote: Address | undefined

  /** @param local, remote - the addresses if they are known, because reading one costs about 2 µs */
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
    // A receive of zero bytes waits for readability.
    this.receiveFds(0, 0)
  }

  receiveInto(view: Uint8Array): number {
    const count = this.loop.binding.receiveInto(this.handle, view)
    if (count >= 0) return count
    if (count !== WOULD_BLOCK) throw this.receiveError(ERROR_BASE - count)
    this.#receiving = true
    this.#takesFds = false
    this.#count(1)
    // The addon has armed the wait. The driver must still look at the reference that was just counted.
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
    // The same write takes the earlier bytes of this turn.
    const answer = this.loop.binding.send(this.handle, data)
    this.#taken = 0
    const taken = answer >= 0 ? answer : -1 - answer
    this.#given = (this.#given + taken) | 0
    if (answer >= 0) return taken
    // A failure is reported at once to a caller that waits to send the rest.
    if (this.#askForFailure()) return 0
    // A completion will give the exact number.
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

  /** Lends this connection to a relay. */
  lendTo(relay: NativeRelay): void {
    this.#keepFacts()
    this.#relay = relay
    this.#count(1)
    this.loop.arm()
  }

  /** The relay has ended. @param unsent - whether taken bytes of this connection are unsent */
  takeBack(unsent: boolean): void {
    this.#relay = undefined
    this.#count(-1)
    // A completion will give the exact number.
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
      // Without a report they wait behind the earlier unsent bytes, if there are any. Otherwise they have left.
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

  /** Lends the handle to a handshake. `ended` is called if the handle is destroyed meanwhile. */
  lend(ended: () => void): void {
    this.#keepFacts()
    this.#handshake = ended
    // Nothing is unsent, and the addon starts a new count after the handshake.
    this.#taken = this.#unsent = this.#given = 0
  }

  /** The handshake on this connection is complete. */
  secure({ side, peer, standardCompatible }: TlsStart, session: NativeTlsSession): void {
    this.#handshake = undefined
    this.tls = session
    this.#peer = { side, peer }
    this.#saysGoodbye = standardCompatible
  }

  /** Access to the TLS session of this connection. */
  sessionSource(): SessionSource {
    const { binding } = this.loop
    return {
      facts: () => binding.tlsFacts(this.handle),
      peerCertificate: () => binding.tlsPeerCertificate(this.handle),
      export: (length, label) => binding.tlsExport(this.handle, length, label),
    }
  }

  /** Called by the event loop with a completion of this handle. */
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

  /** Asks the addon whether sending has failed. The completion that reports it may not be delivered yet. */
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
    // The receive that asked for descriptors was cancelled. The bytes are kept, and the descriptors are not.
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

  /** Changes the number of operations of this thread that keep the process alive. */
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

  /** Keeps the facts that a program may log after the handle has ended. */
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
