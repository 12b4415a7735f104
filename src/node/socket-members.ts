/**
 * The members of `net.Socket` and `tls.TLSSocket` besides reading and writing: addresses, options, facts of TLS.
 */
import type { AddressInfo, Server } from 'node:net'
import { Duplex } from 'node:stream'
import type { CipherNameAndProtocol, PeerCertificate } from 'node:tls'
import type { Address, SocketAddress } from '../backends/contract/backend.ts'
import { SocketStream } from '../streams/socket-stream.ts'
import type { Stream } from '../streams/stream.ts'
import { checkInteger } from '../common/validate.ts'
import { SessionFacts } from './session-facts.ts'

/** Options of `setKeepAlive`. */
interface KeepAlive {
  /** Whether the system sends keep-alive probes. */
  enable?: boolean | undefined
  /** Milliseconds of silence before the first probe. */
  initialDelay?: number | undefined
  /** Milliseconds between two unanswered probes. */
  interval?: number | undefined
  /** Number of unanswered probes that break the connection. */
  count?: number | undefined
}

/** The members of {@link NodeSocket} that need no I/O. */
export abstract class SocketMembers extends Duplex {
  /** The local address; none for a UNIX socket. */
  declare readonly localAddress?: string
  /** The local port; none for a UNIX socket. */
  declare readonly localPort?: number
  /** `IPv4` or `IPv6`; none for a UNIX socket. */
  declare readonly localFamily?: string
  /** The last value of `setTimeout`, in milliseconds. */
  declare readonly timeout?: number
  static {
    // As members that may be missing, which is how `net.Socket` declares them: a getter cannot say so under
    // `exactOptionalPropertyTypes`, and this class would not be assignable to `net.Socket`.
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

  /** The HTTP server of the socket; `node:http` sets it. */
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
  /** @internal The last value of `setTimeout`. */
  _timeout: number | undefined

  /** @internal Sets the stream that it reads from and writes to. */
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

  /** The local address as one object, as in `net.Socket`. */
  address(): AddressInfo | object {
    const local = this.#local
    return local === undefined ? {} : { address: local.address, family: local.family, port: local.port }
  }

  /** Whether small writes are sent at once (`TCP_NODELAY`). That is the default. */
  setNoDelay(noDelay: boolean = true): this {
    this.#noDelay = Boolean(noDelay)
    this.#applyOption('IPPROTO_TCP', 'TCP_NODELAY', this.#noDelay)
    return this
  }

  /**
   * Whether the system sends keep-alive probes to a silent peer. Times are in milliseconds, rounded down to seconds; 0
   * keeps the system's value.
   *
   * @param options - the same values in one object, as in Node 26
   * @param initialDelay - milliseconds of silence before the first probe
   * @param interval - milliseconds between two unanswered probes
   * @param count - number of unanswered probes that break the connection
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

  /** The value of `setTypeOfService`, or the system's; 0 if the socket has no such option. */
  getTypeOfService(): number {
    if (this.#typeOfService !== undefined) return this.#typeOfService
    const [level, name] = this.#typeOfServiceOption
    let value = 0
    this.#quietly((socket) => (value = Number(socket.getsockopt(level, name))))
    return value
  }

  /**
   * Sets the Type of Service field of IPv4 packets, or the Traffic Class of IPv6 packets. On an unconnected socket the
   * value is applied once it is connected. The system may mask bits.
   *
   * @param tos - an integer from 0 to 255
   */
  setTypeOfService(tos: number): this {
    checkInteger('tos', tos, 0, 255)
    this.#typeOfService = tos
    this.#applyOption(...this.#typeOfServiceOption, tos)
    return this
  }

  /** Reverts `unref`. */
  ref(): this {
    this.#referenced = true
    this.#quietly((socket) => socket.ref())
    return this
  }

  /** This socket no longer keeps the process alive. An active `run` does, unless its `keepAlive` is `false`. */
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
   * The protocol that ALPN chose; `false` if none. `undefined` without TLS, as a `net.Socket` has no such member: a
   * server of `node:http2` recognises a plaintext HTTP/2 client by that.
   */
  get alpnProtocol(): string | false | null | undefined {
    if (this.#session !== undefined) return this.#session.alpnProtocol
    return this._stream === undefined ? null : undefined
  }

  /** Whether the peer's certificate was verified; false on a server whose client sent none. */
  get authorized(): boolean {
    return this.#session?.authorized ?? false
  }

  /** Always `undefined`: a bad certificate fails the handshake, so there is no such socket. */
  get authorizationError(): undefined {
    return undefined
  }

  /** The server name that the client sent (SNI); `false` if it sent none, `null` without TLS. */
  get servername(): string | false | null {
    return this.#session === undefined ? null : (this.#session.serverName ?? false)
  }

  /** The peer's certificate, as `tls.TLSSocket` gives it; an empty object if there is none. */
  getPeerCertificate(_detailed?: boolean): PeerCertificate {
    return this.#session?.legacyCertificate ?? ({} as PeerCertificate)
  }

  /** The protocol version, such as `'TLSv1.3'`; `null` without TLS. */
  getProtocol(): string | null {
    return this.#session?.protocol ?? null
  }

  /** The cipher suite, by OpenSSL's name and by the standard's. */
  getCipher(): CipherNameAndProtocol | undefined {
    return this.#session?.cipher
  }

  /** Always `undefined`: the TLS context resumes sessions by itself. */
  getSession(): undefined {
    return undefined
  }

  /** Whether the handshake resumed an earlier session. */
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

  /** @internal Node's clients read them after the end, when the stream may be gone. */
  _rememberAddresses(): void {
    if (this.#remoteAddress !== undefined) return
    this.#quietly((socket) => {
      this.#localAddress = socket.localAddress
      this.#remoteAddress = socket.remoteAddress
    })
  }

  /** UNIX and simulated sockets do not have the option; streams that are no sockets have none at all. */
  #applyOption(level: string, name: string, value: boolean | number): void {
    this.#quietly((socket) => socket.setsockopt(level, name, value))
  }

  /** Ignores errors that `net.Socket` ignores: not connected, closed meanwhile, no such option. */
  #quietly(act: (socket: SocketStream<Address>) => void): void {
    if (this._socket === undefined || this.destroyed) return
    try {
      act(this._socket)
    } catch {
      // Ignored; see above.
    }
  }
}

function asGetter(get: (socket: SocketMembers) => unknown): (this: SocketMembers) => unknown {
  return function (this: SocketMembers): unknown {
    return get(this)
  }
}
