/**
 * What clients ask a `net.Socket`, or a `tls.TLSSocket`, and tell it, besides reading and writing: addresses, options, what
 * the TLS handshake agreed on.
 */
import type { AddressInfo, Server } from 'node:net'
import { Duplex } from 'node:stream'
import type { CipherNameAndProtocol, PeerCertificate } from 'node:tls'
import type { Address, SocketAddress } from '../backends/backend.ts'
import { SocketStream } from '../streams/socket-stream.ts'
import type { Stream } from '../streams/stream.ts'
import { checkInteger } from '../validate.ts'
import { SessionFacts } from './session-facts.ts'

/** What `setKeepAlive` takes in one object. */
interface KeepAlive {
  /** Whether the system asks at all. */
  enable?: boolean | undefined
  /** Milliseconds of silence before it asks first. */
  initialDelay?: number | undefined
  /** Milliseconds between two questions without an answer. */
  interval?: number | undefined
  /** How many questions without an answer break the connection. */
  count?: number | undefined
}

/** The members of {@link NodeSocket} that need no I/O. */
export abstract class SocketMembers extends Duplex {
  /** The address of this side; a path has none. */
  declare readonly localAddress?: string
  /** The port of this side; a path has none. */
  declare readonly localPort?: number
  /** `IPv4` or `IPv6`; a path has none. */
  declare readonly localFamily?: string
  /** What `setTimeout` was last told. */
  declare readonly timeout?: number
  static {
    // As members that may be missing, which is how `net.Socket` declares them: a getter cannot say so under
    // `exactOptionalPropertyTypes`, and whoever takes a `net.Socket` would not take this.
    const getters: Record<string, (socket: SocketMembers) => unknown> = {
      localAddress: (socket) => socket.#local?.address,
      localPort: (socket) => socket.#local?.port,
      localFamily: (socket) => socket.#local?.family,
      timeout: (socket) => socket._timeout,
    }
    for (const [name, get] of Object.entries(getters)) {
      const descriptor = { configurable: true, enumerable: false, get: asGetter(get) }
      Object.defineProperty(this.prototype, name, descriptor)
    }
  }

  /** The server of Node that serves the socket: `node:http` sets it. */
  server: Server | null = null

  /** @internal `undefined` until it is connected */
  _stream: Stream | undefined
  /** @internal The same, where it is a socket. */
  _socket: SocketStream<Address> | undefined
  #session: SessionFacts | undefined
  #localAddress: Address | undefined
  #remoteAddress: Address | undefined
  #noDelay: boolean | undefined
  #keepAlive: KeepAlive | undefined
  #typeOfService: number | undefined
  #referenced = true
  /** @internal what `setTimeout` was last told */
  _timeout: number | undefined

  /** @internal From now on this is what it reads from and writes to. */
  _adopt(stream: Stream): this {
    this._stream = stream
    this._socket = stream instanceof SocketStream ? stream : undefined
    this.#session = this._socket === undefined ? undefined : SessionFacts.of(this._socket)
    if (this.#noDelay !== undefined) this.setNoDelay(this.#noDelay)
    if (this.#keepAlive !== undefined) this.setKeepAlive(this.#keepAlive)
    if (this.#typeOfService !== undefined) this.setTypeOfService(this.#typeOfService)
    if (!this.#referenced) this.unref()
    return this
  }

  /** The address of the other side, while the socket is not destroyed. */
  get remoteAddress(): string | undefined {
    return this.#remote?.address
  }

  /** The port of the other side, while the socket is not destroyed. */
  get remotePort(): number | undefined {
    return this.#remote?.port
  }

  /** `IPv4` or `IPv6`, while the socket is not destroyed. */
  get remoteFamily(): string | undefined {
    return this.#remote?.family
  }

  /** The address of this side in one object, as `net.Socket` gives it. */
  address(): AddressInfo | object {
    const local = this.#local
    return local === undefined ? {} : { address: local.address, family: local.family, port: local.port }
  }

  /** Whether small writes go out at once, which they do unless this says otherwise. */
  setNoDelay(noDelay: boolean = true): this {
    this.#noDelay = Boolean(noDelay)
    this.#applyOption('IPPROTO_TCP', 'TCP_NODELAY', this.#noDelay)
    return this
  }

  /**
   * Whether the system asks a silent peer if it is still there. All times are in milliseconds, rounded down to seconds; 0 leaves
   * the system's.
   *
   * @param options - the same in one object, as Node 26 takes it
   * @param initialDelay - silence before it asks first
   * @param interval - time between two questions without an answer
   * @param count - how many questions without an answer break the connection
   */
  setKeepAlive(options: KeepAlive): this
  setKeepAlive(enable?: boolean, initialDelay?: number, interval?: number, count?: number): this
  setKeepAlive(enable: boolean | KeepAlive = false, initialDelay = 0, interval = 0, count = 0): this {
    const all = typeof enable === 'object' ? enable : { enable, initialDelay, interval, count }
    this.#keepAlive = all
    this.#applyOption('SOL_SOCKET', 'SO_KEEPALIVE', Boolean(all.enable))
    if (!all.enable) return this
    const times: [string, number][] = [
      ['TCP_KEEPIDLE', (all.initialDelay ?? 0) / 1000],
      ['TCP_KEEPINTVL', (all.interval ?? 0) / 1000],
      ['TCP_KEEPCNT', all.count ?? 0],
    ]
    for (const [name, value] of times) if (value >= 1) this.#applyOption('IPPROTO_TCP', name, Math.floor(value))
    return this
  }

  /** The value of `setTypeOfService`, or what the system has; 0 where there is no such option. */
  getTypeOfService(): number {
    if (this.#typeOfService !== undefined) return this.#typeOfService
    const [level, name] = this.#typeOfServiceOption
    let value = 0
    this.#quietly((socket) => (value = Number(socket.getsockopt(level, name))))
    return value
  }

  /**
   * The Type of Service field of IPv4 packets, or the Traffic Class of IPv6 packets, from now on. Before the socket is connected the
   * value is kept until it is. The system may mask bits of it.
   *
   * @param tos - an integer from 0 to 255
   */
  setTypeOfService(tos: number): this {
    checkInteger('tos', tos, 0, 255)
    this.#typeOfService = tos
    this.#applyOption(...this.#typeOfServiceOption, tos)
    return this
  }

  /** Undoes `unref`. */
  ref(): this {
    this.#referenced = true
    this.#quietly((socket) => socket.ref())
    return this
  }

  /** The process need not stay for this socket. An active `run` keeps it all the same, unless it was told not to. */
  unref(): this {
    this.#referenced = false
    this.#quietly((socket) => socket.unref())
    return this
  }

  /** Whether the stream speaks TLS. */
  get encrypted(): boolean {
    return this.#session !== undefined
  }

  /**
   * What ALPN chose; `false` where it chose nothing. Without TLS `undefined`, as a `net.Socket` has no such member: by that a
   * server of `node:http2` knows a client that speaks HTTP/2 from the beginning.
   */
  get alpnProtocol(): string | false | null | undefined {
    if (this.#session !== undefined) return this.#session.alpnProtocol
    return this._stream === undefined ? null : undefined
  }

  /** Whether the peer's certificate was checked and found good; false on a server whose client sent none. */
  get authorized(): boolean {
    return this.#session?.authorized ?? false
  }

  /** A certificate that is not good fails the handshake here, so there is no such socket. */
  get authorizationError(): undefined {
    return undefined
  }

  /** The server's name that the client sent (SNI); `false` where it sent none, null without TLS. */
  get servername(): string | false | null {
    return this.#session === undefined ? null : (this.#session.serverName ?? false)
  }

  /** The certificate of the other side, as `tls.TLSSocket` gives it; an empty object without one. */
  getPeerCertificate(_detailed?: boolean): PeerCertificate {
    return this.#session?.legacyCertificate ?? ({} as PeerCertificate)
  }

  /** `'TLSv1.3'`; null without TLS. */
  getProtocol(): string | null {
    return this.#session?.protocol ?? null
  }

  /** The cipher suite, under OpenSSL's name and the standard's. */
  getCipher(): CipherNameAndProtocol | undefined {
    return this.#session?.cipher
  }

  /** Sessions are resumed by the TLS context, and not handed out. */
  getSession(): undefined {
    return undefined
  }

  /** Whether the handshake took up an earlier session. */
  isSessionReused(): boolean {
    return false
  }

  get #typeOfServiceOption(): [level: string, name: string] {
    return this.remoteFamily === 'IPv6' ? ['IPPROTO_IPV6', 'IPV6_TCLASS'] : ['IPPROTO_IP', 'IP_TOS']
  }

  get #local(): SocketAddress | undefined {
    this._rememberAddresses()
    return typeof this.#localAddress === 'string' ? undefined : this.#localAddress
  }

  get #remote(): SocketAddress | undefined {
    this._rememberAddresses()
    return typeof this.#remoteAddress === 'string' ? undefined : this.#remoteAddress
  }

  /** @internal Node's clients ask for them after the end, when the stream may have been let go. */
  _rememberAddresses(): void {
    if (this.#remoteAddress !== undefined) return
    this.#quietly((socket) => {
      this.#localAddress = socket.localAddress
      this.#remoteAddress = socket.remoteAddress
    })
  }

  /** UNIX and simulated sockets have no such option, streams that are no sockets have none at all. */
  #applyOption(level: string, name: string, value: boolean | number): void {
    this.#quietly((socket) => socket.setsockopt(level, name, value))
  }

  /** Where `net.Socket` keeps silent, too: not connected, closed meanwhile, no such option. */
  #quietly(act: (socket: SocketStream<Address>) => void): void {
    if (this._socket === undefined || this.destroyed) return
    try {
      act(this._socket)
    } catch {
      // Said above.
    }
  }
}

function asGetter(get: (socket: SocketMembers) => unknown): (this: SocketMembers) => unknown {
  return function (this: SocketMembers): unknown {
    return get(this)
  }
}
