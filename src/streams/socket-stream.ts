/** `SocketStream`: a TCP or a UNIX connection. */

import type { Address, Direction, SocketAddress, TlsSession, TLSVersion } from '../backends/contract/backend.ts'
import { TLSRequired, UnsupportedError } from '../errors.ts'
import { enterOperation, rejected } from '../kernel/index.ts'
import { certificateRecord, type PeerCertificate } from '../tls/certificate.ts'
import { channelBinding, type ChannelBindingType } from '../tls/channel-binding.ts'
import { type Cipher, toCipher } from '../tls/cipher-suites.ts'
import { checkContext, settingsOf, type TLSContext } from '../tls/context.ts'
import { checkBoolean, checkOptions, checkString, optionNames, outOfRange } from '../common/validate.ts'
import { enterBackend } from '../common/ask.ts'
import { checkSize, READ_SIZE, toBytes } from '../common/bytes.ts'
import type { Connection } from './connection.ts'
import { checkFds, checkMaxFds, type ReceivedFDs, requireFds, WithFds } from './descriptors.ts'
import type { Origin } from '../common/origin.ts'
import { checkFileRange, type OpenedFile, type SendFileOptions, sendThrough } from './send-file.ts'
import type { SocketReader } from './socket-reader.ts'
import { checkOption, checkOptionValue } from '../common/socket-options.ts'
import { Stream, toParts } from './stream.ts'
import { TlsUpgrade } from './tls-upgrade.ts'

/** Options of `startTls`. */
export interface StartTLSOptions {
  /** On a client: name or address that the certificate must be valid for. Default: the address connected to. */
  hostname?: string | undefined
}

/**
 * A connected socket, made by `connectTcp` or `connectUnix`, or accepted by a server. The addresses of a UNIX stream
 * are paths: it is a `SocketStream<string>`.
 *
 * `sendAll` resolves when the stream has *taken* the bytes: the kernel has them, or the stream itself, which keeps up
 * to 64 KiB and sends what one turn of the event loop brought as one write. Beyond that it waits for the peer. A write
 * that failed afterwards is reported by the next call of the sending side or by `close()`, never by a receive.
 *
 * Received bytes share memory with others: it cannot be transferred (`postMessage`, `structuredClone`), only copied.
 * TCP's urgent data (`MSG_OOB`) is ignored, as by node:net: its byte is left out, and the stream goes on behind it.
 *
 * With TLS (`autostartTls`, `startTls`, `wrapTls`) everything above is unchanged, and the members about the TLS session
 * answer; before a handshake they throw `TLSRequired`, except `tlsVersion`, which is then `null`. After `close()`
 * addresses and TLS facts can still be read; what needs the session's keys (`getChannelBinding`) is then a
 * `ClosedResourceError`.
 */
export class SocketStream<A extends Address = SocketAddress> extends Stream {
  readonly #connection: Connection
  readonly #reader: SocketReader

  /** @internal */
  constructor(connection: Connection) {
    super(connection.reader)
    this.#connection = connection
    this.#reader = connection.reader
  }

  /** @internal */
  get _connection(): Connection {
    return this.#connection
  }

  /** @internal where it comes from */
  get _origin(): Origin {
    return this.#connection.origin
  }

  /** @internal whether this side checks the peer's certificate */
  get _verifies(): boolean {
    return this.#connection.verifies
  }

  /** @internal Closes without a scope: waits at most `closeTimeout` for the bytes taken. */
  async _closeInTime(): Promise<void> {
    await this.#connection.closeInTime()
  }

  /** @internal closes at once, with `RST` where the system can */
  _reset(): void {
    this.#connection.reset()
  }

  /** Local address, also after `close()`. `''` on a UNIX client, which has no path. */
  get localAddress(): A {
    return this.#connection.transport.localAddress as A
  }

  /** Address of the peer, also after `close()`. */
  get remoteAddress(): A {
    return this.#connection.transport.remoteAddress as A
  }

  /** @internal */
  _waitReady(what: string, direction: Direction): Promise<void> {
    if (this.#connection.requireOpen(what).waitReadable === undefined) {
      throw new UnsupportedError(`${what}: TLS over another stream has no descriptor; wait for the one below`)
    }
    return direction === 'readable' ? this.#reader.waitSocketReadable() : this.#connection.sender.waitWritable()
  }

  /** @internal */
  _closeWaits(): void {
    this.#reader.closeWait()
    this.#connection.sender.closeWait()
  }

  override receiveSome(maxBytes: number = READ_SIZE): Promise<Buffer> {
    try {
      checkSize('maxBytes', maxBytes)
    } catch (error) {
      return rejected(error)
    }
    return this.#reader.receiveSome(maxBytes)
  }

  override sendAll(data: Uint8Array | string): Promise<void> {
    let bytes: Uint8Array
    try {
      bytes = toBytes('data', data)
    } catch (error) {
      return rejected(error)
    }
    return this.#connection.sender.sendAll(bytes)
  }

  /** Sends the parts one after another, gathered into one write and without copying them together first. */
  override sendMany(list: readonly (Uint8Array | string)[]): Promise<void> {
    let parts: Uint8Array[]
    try {
      parts = toParts(list)
    } catch (error) {
      return rejected(error)
    }
    return this.#connection.sender.sendMany(parts)
  }

  /**
   * Sends what was taken, then the end of data (TLS: `close_notify`; `FIN`). A second call is harmless.
   *
   * @throws UnsupportedError with TLS 1.2, which has no half-closed connections
   */
  override sendEof(): Promise<void> {
    return this.#connection.sender.sendEof()
  }

  override sendFile(file: string | URL | Buffer | number | OpenedFile, options: SendFileOptions = {}): Promise<number> {
    try {
      const range = checkFileRange(file, options)
      const { backend } = enterBackend('sendFile')
      return sendThrough(this.#connection.sender, backend, range)
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * UNIX only: sends `data`, at least one byte, and copies of the file descriptors with its first byte. Once it has
   * resolved, the own ones may be closed.
   *
   * @throws UnsupportedError on the `node` and `virtual` backends, over TCP and with TLS
   */
  sendFds(data: Uint8Array | string, fds: readonly number[]): Promise<void> {
    try {
      const bytes = toBytes('data', data)
      if (bytes.length === 0) throw outOfRange('data', 'at least one byte, to carry the descriptors', data)
      checkFds('fds', fds)
      enterOperation('sendFds')
      requireFds('sendFds', this.#connection.origin, this.#connection.requireOpen('sendFds'))
      return this.#connection.sender.sendFds(bytes, fds)
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * UNIX only: as `receiveSome`, with the file descriptors that came along. The caller has to close them. The system
   * closes descriptors beyond `maxFds`, and those whose bytes another receive takes.
   *
   * @throws UnsupportedError on the `node` and `virtual` backends, over TCP and with TLS
   */
  receiveFds(maxBytes: number, maxFds: number): Promise<ReceivedFDs> {
    try {
      checkSize('maxBytes', maxBytes)
      checkMaxFds('maxFds', maxFds)
      enterOperation('receiveFds')
      requireFds('receiveFds', this.#connection.origin, this.#connection.requireOpen('receiveFds'))
    } catch (error) {
      return rejected(error)
    }
    return this.#reader.receive(new WithFds(maxBytes, maxFds))
  }

  /**
   * Closes the connection. Waits until the bytes taken have left; when the caller's scope is cancelled, they are
   * dropped. It never raises a cancellation: the next checkpoint does. Outside a run, and in a task or scope that has
   * ended, it waits at most `closeTimeout` and reports no failed write. A call that waits in another task gets
   * `ClosedResourceError`. TLS that is standard compatible is ended first: `close()` sends `close_notify` and waits for
   * the peer's, and drops data that the peer still sends.
   *
   * @throws BrokenResourceError when a write has failed and no call has reported it. The connection is closed anyway.
   */
  override close(): Promise<void> {
    return this.#connection.close()
  }

  /**
   * Switches the connection to TLS. The side that connected is the client. No other call may be in progress in either
   * direction, except sends, which leave first. A handshake that fails or is cancelled closes the stream.
   *
   * @param context - default: the `tls` option of `connectTcp` or `createTcpServer`. A client without one trusts the
   * platform's certificate authorities.
   * @throws TLSError when the handshake fails, and when unread plaintext had arrived before this side's last send: an
   * attacker may have injected it
   */
  startTls(context?: TLSContext, options: StartTLSOptions = {}): Promise<void> {
    try {
      if (context !== undefined) checkContext('context', context)
      checkOptions('options', options, OPTIONS)
      const { hostname } = options
      if (hostname !== undefined) checkHostname(hostname)
      const { backend } = enterBackend('startTls')
      const settings = context === undefined ? undefined : settingsOf(context)
      return new TlsUpgrade(this.#connection, backend, settings, hostname).start()
    } catch (error) {
      return rejected(error)
    }
  }

  /** `'TLSv1.2'`, `'TLSv1.3'`, or `null` before a handshake. */
  get tlsVersion(): TLSVersion | null {
    return this.#connection.transport.tls?.version ?? null
  }

  /** The application protocol that ALPN chose, or `null`. @throws TLSRequired before a handshake */
  get alpnProtocol(): string | null {
    return this.#session('alpnProtocol').alpnProtocol
  }

  /** The cipher suite: OpenSSL's name, the TLS version that defines it, and its secret bits. @throws TLSRequired */
  get cipher(): Cipher {
    return toCipher(this.#session('cipher').cipher)
  }

  /**
   * The cipher suites that both sides offered, in the client's order; `null` on a client, which does not know them.
   *
   * @throws TLSRequired before a handshake; UnsupportedError on the `node` backend
   */
  get sharedCiphers(): readonly Cipher[] | null {
    const session = this.#session('sharedCiphers')
    return session.serverSide ? session.sharedCiphers().map(toCipher) : null
  }

  /**
   * The server's name. On a client, the name or address that the certificate was checked against; on a server, the name
   * that the client asked for (SNI), `null` when it sent none: clients never send an address. @throws TLSRequired
   * before a handshake
   */
  get serverHostname(): string | null {
    return this.#session('serverHostname').serverName
  }

  /** Whether this side is the server of the TLS session. @throws TLSRequired before a handshake */
  get serverSide(): boolean {
    return this.#session('serverSide').serverSide
  }

  /**
   * Bytes that tie an authentication to this very TLS session.
   *
   * @param type - `'tls-exporter'` (RFC 9266), `'tls-server-end-point'` or `'tls-unique'` (RFC 5929)
   * @throws TLSRequired before a handshake; UnsupportedError for `'tls-unique'` in TLS 1.3 and on the `native` backend;
   * ClosedResourceError after `close()`, except for `'tls-server-end-point'`
   */
  getChannelBinding(type: ChannelBindingType = 'tls-exporter'): Buffer {
    checkString('type', type)
    return channelBinding(this.#session('getChannelBinding'), type)
  }

  /**
   * The peer's certificate with the fields of node:tls (`subject`, `issuer`, `subjectaltname`, `valid_from`,
   * `fingerprint256`, `serialNumber`…), or its DER; `null` when the peer sent none. @throws TLSRequired before a
   * handshake
   */
  getpeercert(binary?: false): PeerCertificate | null
  getpeercert(binary: true): Buffer | null
  getpeercert(binary: boolean): PeerCertificate | Buffer | null
  getpeercert(binary = false): PeerCertificate | Buffer | null {
    checkBoolean('binary', binary)
    const der = this.#session('getpeercert').peerCertificate()
    if (der === undefined) return null
    return binary ? Buffer.from(der) : certificateRecord(der)
  }

  /** A socket option, by number or by name (`'SOL_SOCKET'`, `'SO_RCVBUF'`). */
  getsockopt(level: number | string, name: number | string): number {
    checkOption(level, name)
    return this.#connection.requireOpen('getsockopt').getsockopt(level, name)
  }

  /** Sets a socket option, by number or by name. */
  setsockopt(level: number | string, name: number | string, value: number | boolean): void {
    checkOption(level, name)
    checkOptionValue(value)
    this.#connection.requireOpen('setsockopt').setsockopt(level, name, value)
  }

  /** Pending operations of this connection keep the process alive. This is the default. */
  ref(): void {
    this.#connection.requireOpen('ref').ref()
  }

  /**
   * Pending operations of this connection do not keep the process alive. Unsent bytes still do.
   */
  unref(): void {
    this.#connection.requireOpen('unref').unref()
  }

  #session(what: string): TlsSession {
    const { tls } = this.#connection.transport
    if (tls === undefined) throw new TLSRequired(`${what} needs TLS, and this stream has not done a handshake yet`)
    return tls
  }
}

function checkHostname(hostname: unknown): void {
  checkString('options.hostname', hostname)
  if (hostname === '') throw outOfRange('options.hostname', 'a name or an address', hostname)
}

const OPTIONS = optionNames<StartTLSOptions>({ hostname: true })
