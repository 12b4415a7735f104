/**
 * A datagram socket of the native backend. A receive is a record in the ring, and one record answers for each datagram.
 * A send is a call with datagrams in the send slab, and the kernel answers it at once.
 *
 * Invariants
 * 1. The send slab is used only inside one call of this file. Datagrams that the kernel refuses for now are copied.
 * 2. The rest of a send that must wait is kept here, and tried again when there may be room.
 */
import { constants } from 'node:os'
import { detached } from '../../kernel/index.ts'
import { Completion, Control, Submission, Wait } from '../../native/protocol.ts'
import type {
  Abandon,
  Address,
  Answer,
  DatagramAddress,
  DatagramSink,
  DatagramTransport,
  UdpOptions,
  UnixDatagramOptions,
} from '../contract/backend.ts'
import { nameBytes, toAddress } from './addresses.ts'
import { systemError, type Target } from './errors.ts'
import { handleGeneration, handleIndex, type HandleOwner, type NativeEventLoop } from './event-loop.ts'
import { IpPeers, type PeerForm, UnixPeers } from './peers.ts'
import { numericScope } from './scope.ts'
import { getOption, setOption } from './socket-options.ts'
import { answerSoon, opened, requireUnix } from './unix.ts'

/** The most datagrams of one call. */
const BATCH = 1024

/** Milliseconds before a send is tried again, if the system does not report room. */
const FIRST_RETRY = 1
const LAST_RETRY = 20

const { EAGAIN, EMSGSIZE } = constants.errno

export function openUdp(loop: NativeEventLoop, options: UdpOptions, answer: Answer<DatagramTransport>): Abandon {
  const { address, port, target, reusePort } = options
  return answerSoon(answer, () => {
    const own = address ?? (target === undefined ? undefined : target.family === 'IPv6' ? '::' : '0.0.0.0')
    const handle = loop.binding.openUdp(numericScope(own), port, reusePort)
    if (handle < 0) throw systemError(-handle, 'bind', { address: own ?? '::', port })
    if (target !== undefined) {
      const errno = loop.binding.connectUdp(handle, numericScope(target.address), target.port)
      if (errno !== 0) {
        loop.binding.close(handle, false)
        throw systemError(errno, 'connect', target)
      }
    }
    return new NativeDatagram(loop, handle, new IpPeers(), target)
  })
}

export function openUnixDatagram(
  loop: NativeEventLoop,
  { path, remotePath }: UnixDatagramOptions,
  answer: Answer<DatagramTransport>,
): Abandon {
  return answerSoon(answer, () => {
    requireUnix('createUnixDatagramSocket')
    const name = path === undefined ? undefined : nameBytes(path)
    const handle = opened(loop.binding.openUnixDatagrams(name), 'bind', path ?? '')
    if (remotePath !== undefined) {
      const errno = loop.binding.connectUnixDatagrams(handle, nameBytes(remotePath))
      if (errno !== 0) {
        loop.binding.close(handle, false)
        throw systemError(errno, 'connect', { address: remotePath.toString() })
      }
    }
    return new NativeDatagram(loop, handle, new UnixPeers(), remotePath)
  })
}

/** The rest of a send. */
interface Rest {
  readonly data: readonly Uint8Array[]
  readonly to: readonly (DatagramAddress | undefined)[]
}

class NativeDatagram implements DatagramTransport, HandleOwner {
  declare sink: DatagramSink
  readonly generation: number
  readonly localAddress: Address
  readonly remoteAddress: DatagramAddress | undefined
  readonly family: 0 | 4 | 6
  readonly #loop: NativeEventLoop
  readonly #handle: number
  readonly #index: number
  readonly #peers: PeerForm
  /** Whether the system reports room. */
  readonly #tellsRoom: boolean
  #receiving = false
  #rest: Rest | undefined
  /** Whether a wait without data is pending. */
  #waiting = false
  #retry: NodeJS.Timeout | undefined
  #delay = FIRST_RETRY
  #closed = false

  constructor(loop: NativeEventLoop, handle: number, peers: PeerForm, remote: DatagramAddress | undefined) {
    const { binding } = loop
    this.#loop = loop
    this.#handle = handle
    this.#index = handleIndex(handle)
    this.#peers = peers
    this.generation = handleGeneration(handle)
    this.localAddress = toAddress(binding.localAddress(handle))
    this.remoteAddress = remote
    this.family = binding.datagramFamily(handle) as 0 | 4 | 6
    this.#tellsRoom = binding.tellsRoom(handle)
    loop.own(this.#index, this)
  }

  receive(count: number): void {
    this.#receiving = true
    this.#count(1)
    this.#submit(Submission.Receive, count)
  }

  cancelReceive(): void {
    if (!this.#receiving) return
    this.#received()
    this.#submit(Submission.CancelReceive, 0)
  }

  send(data: Uint8Array, to: DatagramAddress | undefined): boolean {
    const { bytes } = this.#peers
    const at = this.#loop.reserve(bytes + data.length)
    if (at === undefined) throw this.#sendError(EMSGSIZE, to)
    this.#lay(at, data, to)
    if (this.#loop.sendDatagrams(this.#index, this.generation, at, 1) === 1) return true
    return this.#refused([data], [to], 0)
  }

  sendMany(data: readonly Uint8Array[], to: readonly (DatagramAddress | undefined)[]): boolean {
    for (let next = 0; next < data.length;) {
      const count = this.#layMany(data, to, next)
      if (count === 0) throw this.#sendError(EMSGSIZE, to[next])
      const sent = this.#loop.sendDatagrams(this.#index, this.generation, this.#laid, count)
      next += sent
      if (sent < count) return this.#refused(data, to, next)
    }
    return true
  }

  waitWritable(): void {
    this.#waiting = true
    this.#count(1)
    this.#submit(Submission.WaitSend, Wait.Writable)
  }

  cancelSend(): void {
    if (this.#rest === undefined && !this.#waiting) return
    this.#sent()
    this.#submit(Submission.CancelSend, 0)
  }

  destroy(): void {
    if (this.#closed) return
    this.#closed = true
    this.#received()
    this.#sent()
    this.#loop.disown(this.#index)
    this.#loop.binding.close(this.#handle, false)
  }

  getsockopt(level: number | string, name: number | string): number {
    return getOption(this.#loop.binding, this.#handle, level, name)
  }

  setsockopt(level: number | string, name: number | string, value: number | boolean | Uint8Array): void {
    setOption(this.#loop.binding, this.#handle, level, name, value)
  }

  /** Called by the event loop with a completion of this handle. */
  completed(kind: number, a: number, b: number): void {
    switch (kind) {
      case Completion.Datagram:
        return this.#deliver(a, b)
      case Completion.LastDatagram:
        this.#deliver(a, b)
        this.#received()
        return this.sink.receiveSettled(undefined)
      case Completion.ReceiveFailed:
        this.#received()
        return this.sink.receiveSettled(systemError(a, 'recv'))
      case Completion.SendSettled:
        return this.#goOn()
    }
  }

  #deliver(offset: number, length: number): void {
    const { received, receivedWords } = this.#loop
    const from = this.#peers.read(receivedWords, (offset - this.#peers.bytes) >> 2)
    const at = received.own(offset, length)
    this.sink.datagram(received.memory, at, at + length, true, from)
  }

  /** The start of the last `#layMany`. */
  #laid = 0

  /** Copies datagrams from `next` on into the send slab, as many as fit, and returns their number. */
  #layMany(data: readonly Uint8Array[], to: readonly (DatagramAddress | undefined)[], next: number): number {
    const { bytes } = this.#peers
    const sizes: number[] = []
    let size = 0
    for (let index = next; index < data.length && sizes.length < BATCH; index++) {
      const one = aligned(bytes + data[index]!.length)
      if (size + one > this.#loop.sendCapacity) break
      sizes.push(one)
      size += one
    }
    let at = this.#loop.reserve(size) ?? 0
    this.#laid = at
    for (const [index, one] of sizes.entries()) {
      this.#lay(at, data[next + index]!, to[next + index])
      at += one
    }
    return sizes.length
  }

  #lay(at: number, data: Uint8Array, to: DatagramAddress | undefined): void {
    const { sendSlab, sendWords } = this.#loop
    const { bytes } = this.#peers
    this.#peers.write(sendWords, at >> 2, to)
    sendWords[((at + bytes) >> 2) - 1] = data.length
    sendSlab.set(data, at + bytes)
  }

  /** The kernel has not taken the datagrams from `next` on. */
  #refused(data: readonly Uint8Array[], to: readonly (DatagramAddress | undefined)[], next: number): boolean {
    const errno = this.#loop.control[Control.SendError]!
    if (errno !== EAGAIN) throw this.#sendError(errno, to[next])
    // Copies the datagrams (1). Those of a waiting send are copies already.
    const copied = this.#rest !== undefined
    const rest = data.slice(next)
    if (!copied) this.#count(1)
    this.#rest = { data: copied ? rest : rest.map((bytes) => Uint8Array.from(bytes)), to: to.slice(next) }
    if (this.#tellsRoom) this.#submit(Submission.WaitSend, Wait.Writable)
    else this.#retryLater()
    return false
  }

  #retryLater(): void {
    // Asked for again after that time, and not polled for: the operation is counted, so the timer need not be.
    this.#retry = detached(setTimeout, () => this.#goOn(), this.#delay)
    this.#delay = Math.min(2 * this.#delay, LAST_RETRY)
    this.#loop.arm()
  }

  /** There may be room now. */
  #goOn(): void {
    if (this.#waiting) {
      this.#sent()
      return this.sink.sendSettled(undefined)
    }
    if (this.#rest === undefined) return
    let failure: Error | undefined
    try {
      if (!this.sendMany(this.#rest.data, this.#rest.to)) return
    } catch (error) {
      failure = error as Error
    }
    this.#sent()
    this.#loop.arm()
    this.sink.sendSettled(failure)
  }

  #sendError(errno: number, to: DatagramAddress | undefined): Error {
    return systemError(errno, 'send', placeOf(to ?? this.remoteAddress))
  }

  #submit(kind: number, a: number): void {
    this.#loop.submit(kind, this.#index, this.generation, a, 0)
  }

  #received(): void {
    if (!this.#receiving) return
    this.#receiving = false
    this.#count(-1)
  }

  #sent(): void {
    if (this.#rest === undefined && !this.#waiting) return
    clearTimeout(this.#retry)
    this.#delay = FIRST_RETRY
    this.#rest = undefined
    this.#waiting = false
    this.#count(-1)
  }

  /** Changes the number of operations of this thread that keep the process alive. */
  #count(change: number): void {
    this.#loop.control[Control.Refs]! += change
  }
}

function aligned(size: number): number {
  return (size + 7) & ~7
}

function placeOf(to: DatagramAddress | undefined): Target {
  if (to === undefined) return {}
  if (typeof to === 'string' || Buffer.isBuffer(to)) return { address: to.toString() }
  const { address, port } = to
  return { address, port }
}
