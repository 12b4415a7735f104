/**
 * A UDP socket on node:dgram.
 *
 * Invariants
 * 1. node:dgram always reads. So this file keeps a bounded number of datagrams, and drops the newest beyond that, like
 *    a kernel's receive buffer.
 * 2. No 'error' event leaves this file. An error of the network fails one call (see the contract), and does not end the
 *    socket.
 * 3. Each send has a number. Answers to a send that was given up are ignored.
 */
import * as dgram from 'node:dgram'
import type {
  Abandon,
  Answer,
  DatagramAddress,
  DatagramSink,
  DatagramTransport,
  SocketAddress,
  UdpOptions,
} from '../contract/backend.ts'
import { getDatagramOption, type OptionValues, setDatagramOption } from './datagram-options.ts'
import { systemError } from './errors.ts'
import { hasReusePort, noReusePort } from './listener.ts'
import { soon } from '../shared/later.ts'

/** The bytes that are kept, like Linux's default. As there, small datagrams count for more than their bytes. */
const KEEP_BYTES = 212_992
const OVERHEAD = 256

export function openUdp(options: UdpOptions, answer: Answer<DatagramTransport>): Abandon {
  const { address, port, target, reusePort } = options
  let wanted = true
  // Answers later in every case, because an address without a look-up is bound inside the call.
  const give: Answer<DatagramTransport> = (error, transport) =>
    soon(() => {
      if (wanted) answer(error, transport)
      else transport?.destroy()
    })
  const abandon = (): void => {
    wanted = false
  }
  const wrong = reusePort && !hasReusePort() ? noReusePort() : mismatch(address, target)
  if (wrong !== undefined) {
    give(wrong)
    return abandon
  }
  const type = isIPv6(address ?? target?.address ?? '::') ? 'udp6' : 'udp4'
  const dual = address === undefined && target === undefined
  const opening: Opening = { type, address, port, target, reusePort, dual }
  open(opening, (error, transport) => {
    // A machine without IPv6 has no socket for both families.
    if (dual && (error as NodeJS.ErrnoException | undefined)?.code === 'EAFNOSUPPORT')
      open({ ...opening, type: 'udp4', dual: false }, give)
    else give(error, transport)
  })
  return abandon
}

interface Opening extends UdpOptions {
  readonly type: 'udp4' | 'udp6'
  readonly dual: boolean
}

function open({ type, address, port, target, reusePort, dual }: Opening, answer: Answer<DatagramTransport>): void {
  const sharing = reusePort ? { reusePort } : {}
  const socket = dgram.createSocket({ type, ipv6Only: type === 'udp6' && !dual, lookup: numeric, ...sharing })
  const transport = new NodeDatagram(socket, type, dual)
  transport.opening = (error) => {
    transport.destroy()
    answer(error)
  }
  const opened = (): void => {
    transport.opening = undefined
    transport.opened(target)
    answer(undefined, transport)
  }
  // Exclusive, because workers of a cluster would share the primary's socket and each other's datagrams.
  socket.bind({ port, address, exclusive: true }, () => {
    if (target === undefined) opened()
    // The types only know the callback of 'connect'. It also gets the error of an attempt.
    else
      socket.connect(target.port, target.address, ((error?: Error) => {
        if (error === undefined) opened()
        else transport.opening?.(error)
      }) as () => void)
  })
}

interface Kept {
  readonly data: Buffer
  readonly from: SocketAddress
}

class NodeDatagram implements DatagramTransport {
  declare sink: DatagramSink
  readonly family: 0 | 4 | 6
  localAddress: SocketAddress = { address: '', port: 0, family: 'IPv4' }
  remoteAddress: SocketAddress | undefined
  /** Receives an error until the socket is open. */
  opening: ((error: Error) => void) | undefined
  readonly #socket: dgram.Socket
  readonly #type: 'udp4' | 'udp6'
  readonly #set: OptionValues = new Map()
  #kept: Kept[] = []
  #keptBytes = 0
  /** The number of datagrams that the pending `receive` takes; 0 for none. */
  #wanted = 0
  #error: Error | undefined
  /** The number of the pending send (3). */
  #send = 0
  #sending = false
  #closed = false

  constructor(socket: dgram.Socket, type: 'udp4' | 'udp6', dual: boolean) {
    this.#socket = socket
    this.#type = type
    this.family = dual ? 0 : type === 'udp6' ? 6 : 4
    socket.on('message', this.#onMessage).on('error', this.#onError)
  }

  /** The socket is bound, and connected to `target`. */
  opened(target: SocketAddress | undefined): void {
    this.localAddress = toAddress(this.#socket.address())
    this.remoteAddress = target
    this.#hold()
  }

  receive(count: number): void {
    this.#wanted = count
    this.#hold()
    if (this.#kept.length > 0 || this.#error !== undefined) soon(this.#answer)
  }

  cancelReceive(): void {
    this.#wanted = 0
    this.#hold()
  }

  send(data: Uint8Array, to: DatagramAddress | undefined): boolean {
    return this.sendMany([data], [to])
  }

  sendMany(data: readonly Uint8Array[], to: readonly (DatagramAddress | undefined)[]): boolean {
    const failure = this.#takeError()
    if (failure !== undefined) throw failure
    const targets = to.map((target) => this.#targetOf(target))
    // Copies, because node:dgram may wait for the kernel's buffer and read the bytes after this call.
    const copies = data.map((bytes) => Buffer.from(bytes))
    this.#sending = true
    this.#hold()
    this.#sendNext(++this.#send, copies, targets, 0)
    return false
  }

  cancelSend(): void {
    this.#send++
    this.#sending = false
    this.#hold()
  }

  destroy(): void {
    if (this.#closed) return
    this.#closed = true
    this.#wanted = 0
    this.#send++
    this.#kept = []
    this.#socket.close()
  }

  getsockopt(level: number | string, name: number | string): number {
    return getDatagramOption({ socket: this.#socket, set: this.#set, type: this.#type }, level, name)
  }

  setsockopt(level: number | string, name: number | string, value: number | boolean | Uint8Array): void {
    setDatagramOption({ socket: this.#socket, set: this.#set, type: this.#type }, level, name, value)
  }

  readonly #onMessage = (data: Buffer, from: dgram.RemoteInfo): void => {
    // Datagrams between the bind and the connect may be another sender's.
    if (this.#closed || (this.remoteAddress !== undefined && from.port !== this.remoteAddress.port)) return
    const size = data.length + OVERHEAD
    if (this.#keptBytes + size > KEEP_BYTES && this.#kept.length > 0) return
    this.#keptBytes += size
    this.#kept.push({ data, from: toAddress(from) })
    this.#answer()
  }

  readonly #onError = (error: Error): void => {
    if (this.opening !== undefined) {
      const { opening } = this
      this.opening = undefined
      opening(error)
    } else if (!this.#closed) {
      this.#error = error
      this.#answer()
    }
  }

  /** Answers the pending `receive`, if there is an answer. */
  readonly #answer = (): void => {
    if (this.#wanted === 0) return
    if (this.#error !== undefined) {
      this.#wanted = 0
      this.#hold()
      this.sink.receiveSettled(this.#takeError())
    } else if (this.#kept.length > 0) {
      const batch = this.#kept.splice(0, this.#wanted)
      this.#wanted = 0
      this.#hold()
      for (const { data, from } of batch) {
        this.#keptBytes -= data.length + OVERHEAD
        this.sink.datagram(data, 0, data.length, true, from)
      }
      this.sink.receiveSettled(undefined)
    }
  }

  #takeError(): Error | undefined {
    const error = this.#error
    this.#error = undefined
    return error
  }

  /** Sends one after another, because datagrams behind a failed one must not leave. */
  #sendNext(send: number, data: readonly Buffer[], to: readonly (Target | undefined)[], index: number): void {
    const sent = (error: Error | null): void => {
      if (send !== this.#send) return
      if (error === null && index + 1 < data.length) {
        this.#sendNext(send, data, to, index + 1)
        return
      }
      this.#sending = false
      this.#hold()
      this.sink.sendSettled(error ?? undefined)
    }
    const bytes = data[index] as Buffer
    const target = to[index]
    if (target === undefined) this.#socket.send(bytes, sent)
    else this.#socket.send(bytes, target.port, target.address, sent)
  }

  #targetOf(to: DatagramAddress | undefined): Target | undefined {
    if (to === undefined) return undefined
    const { address, port, family } = to as SocketAddress
    const mapped = this.family === 0 && family === 'IPv4'
    if (!mapped && (family === 'IPv6') !== (this.#type === 'udp6'))
      throw systemError('EAFNOSUPPORT', 'send', { address, port })
    return { address: mapped ? `::ffff:${address}` : address, port }
  }

  /** Only a pending operation keeps the process alive. */
  #hold(): void {
    if (this.#closed) return
    if (this.#wanted > 0 || this.#sending) this.#socket.ref()
    else this.#socket.unref()
  }
}

interface Target {
  readonly address: string
  readonly port: number
}

function mismatch(address: string | undefined, target: SocketAddress | undefined): Error | undefined {
  if (address === undefined || target === undefined) return undefined
  if (isIPv6(address) === (target.family === 'IPv6')) return undefined
  return systemError('EAFNOSUPPORT', 'connect', { address: target.address, port: target.port })
}

function toAddress({ address, port, family }: { address: string; port: number; family: string }): SocketAddress {
  const plain = address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : undefined
  return { address: plain ?? address, port, family: plain === undefined && family === 'IPv6' ? 'IPv6' : 'IPv4' }
}

function isIPv6(address: string): boolean {
  return address.includes(':')
}

/** All addresses are numeric. node:dgram's own look-up would answer in a later turn. */
function numeric(
  host: string,
  _options: unknown,
  found: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  found(null, host, isIPv6(host) ? 6 : 4)
}
