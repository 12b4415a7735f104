/**
 * The TLS engine on node:tls: a `TLSSocket` over an in-memory duplex.
 *
 * Invariants
 * 1. Plaintext is taken from node:tls's `push`, and not from the stream. The stream's 'end' comes later, and does not
 *    tell a `close_notify` from the end of the peer's bytes. The state of the duplex at `push(null)` does.
 * 2. At most one write is under way. node:tls encrypts it at once, so its ciphertext is passed on inside `send`, unless
 *    node:tls is still writing a ticket or an alert.
 * 3. node:tls verifies certificates after the handshake, when the peer has all it needs to continue. This engine holds
 *    back the last bytes of the handshake, verifies, and sends an unencrypted alert in their place if that fails. A
 *    peer that waits for Finished expects that. Only a server of TLS 1.3 is past that point, and can only end the
 *    connection.
 * 4. After a failure the sink gets nothing but ciphertext, and after `destroy` nothing.
 */
import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import * as tls from 'node:tls'
import type { TlsSession, TlsSettings, TlsStart } from '../contract/backend.ts'
import type { TlsEngine, TlsEngineSink } from '../contract/tls-engine.ts'
import { type Failure, handshakeFailure, recordFailure } from '../shared/tls-failure.ts'
import { serverNameOf } from './client-hello.ts'
import { RecordWatch } from './record-watch.ts'
import type { ResumableSession } from './session-cache.ts'
import { compile, type CompiledContext } from './tls-context.ts'
import { alertFor, certificateFailureOf, failureOf } from './tls-failures.ts'
import { NodeTlsSession } from './tls-session.ts'
import { Wire } from './wire.ts'

export function makeNodeEngine(start: TlsStart, sink: TlsEngineSink): TlsEngine {
  return new NodeTlsEngine(start, sink)
}

/** The C++ object below a `TLSSocket`. Only `tls.Server`, which needs a listener, exposes its verdict. */
interface WithVerdict {
  ssl: { verifyError(): NodeJS.ErrnoException | null } | null
}

class NodeTlsEngine implements TlsEngine {
  readonly #start: TlsStart
  readonly #sink: TlsEngineSink
  readonly #wire: Wire
  /** The server's settings, or those that `chooseByName` returned. */
  #settings: TlsSettings
  /** A ClientHello that is incomplete, or whose settings are being chosen. */
  #held: Buffer[] | undefined
  #heldBytes = 0
  #needed = 0
  /** The client's hostname, on either side. node:tls does not report it for a resumed session. */
  #name: string | undefined
  #choosing = false
  #socket: tls.TLSSocket | undefined
  #session: NodeTlsSession | undefined
  #shown: X509Certificate | undefined
  #resumed: ResumableSession | undefined
  #watch: RecordWatch | undefined = new RecordWatch()
  /** Whether the peer's bytes have ended (1). */
  #wireEnded = false
  /** The size of the write under way, and the part of it inside node:tls. */
  #writing = 0
  #waiting = 0
  #closing = false
  /** Whether the sink gets only ciphertext (4). The alert of a failure may wait for an earlier write. */
  #done = false
  /** Whether the sink gets nothing any more. */
  #mute = false

  constructor(start: TlsStart, sink: TlsEngineSink) {
    this.#start = start
    this.#sink = sink
    this.#settings = start.settings
    this.#wire = new Wire({
      written: (bytes) => {
        this.#waiting = Math.max(0, this.#waiting - bytes.length)
        this.#judge()
        if (!this.#mute) sink.ciphertext(bytes)
      },
      // This end belongs to `sendClose`.
      finished: () => this.#closed(),
      readEnd: () => {
        this.#wireEnded = true
      },
    })
    if (start.side === 'server') this.#held = []
  }

  get session(): TlsSession {
    return this.#session as TlsSession
  }

  get unsent(): number {
    return this.#waiting + Number(this.#closing)
  }

  feed(bytes: Uint8Array): void {
    if (this.#done) return
    if (this.#held !== undefined) {
      this.#held.push(Buffer.from(bytes))
      this.#heldBytes += bytes.length
      if (!this.#choosing && this.#heldBytes >= this.#needed) this.#readHello(Buffer.concat(this.#held))
      return
    }
    if (this.#socket === undefined) this.#begin(this.#settings)
    this.#pass(bytes)
  }

  feedEnd(): void {
    if (this.#done) return
    if (this.#socket === undefined) this.#fail({ reason: 'closed' })
    else this.#wire.feedEnd()
  }

  send(data: Uint8Array): number {
    if (this.#writing > 0 || this.#socket === undefined || this.#done) return 0
    this.#writing = this.#waiting = data.length
    this.#socket.write(data, () => {
      this.#writing = this.#waiting = 0
      if (!this.#done) this.#sink.writable()
    })
    return data.length
  }

  sendClose(): void {
    if (this.#done) return
    this.#closing = true
    this.#socket?.end()
  }

  destroy(): void {
    this.#done = this.#mute = true
    this.#held = undefined
    this.#session?.close()
    this.#socket?.destroy()
    this.#wire.destroy()
  }

  /** Reads the client's name, then chooses the settings, then starts node:tls. */
  #readHello(held: Buffer): void {
    const found = serverNameOf(held)
    if ('need' in found) {
      this.#needed = found.need
      return
    }
    this.#choosing = true
    this.#name = found.name
    const own = this.#start.settings
    if (found.name === undefined) return this.#beginWith(own)
    try {
      const chosen = own.chooseByName?.(found.name)
      if (!isThenable(chosen)) return this.#beginWith(chosen ?? own)
      chosen.then(
        (settings) => this.#beginWith(settings ?? own),
        (error: unknown) => this.#refuse(error),
      )
    } catch (error) {
      this.#refuse(error)
    }
  }

  #refuse(cause: unknown): void {
    if (this.#done) return
    this.#sink.ciphertext(fatalAlert(UNRECOGNIZED_NAME))
    this.#fail({ reason: 'no-settings', detail: cause instanceof Error ? cause.message : undefined, cause })
  }

  #beginWith(settings: TlsSettings): void {
    const held = this.#held
    this.#held = undefined
    if (this.#done || held === undefined) return
    this.#begin(settings)
    this.#pass(Buffer.concat(held))
  }

  #pass(bytes: Uint8Array): void {
    if (this.#done || bytes.length === 0) return
    if (this.#watch?.passing(bytes) === true) this.#fail({ reason: 'renegotiation' })
    else this.#wire.feed(bytes)
  }

  #begin(settings: TlsSettings): void {
    this.#settings = settings
    let compiled: CompiledContext
    try {
      compiled = compile(settings, this.#start.side)
    } catch (error) {
      const detail = error instanceof Error ? error.message : undefined
      return this.#fail({ reason: 'failed', detail, cause: error })
    }
    const { keyLog } = settings
    const socket = this.#start.side === 'client' ? this.#connect(compiled) : this.#accept(compiled)
    this.#socket = socket
    socket.push = this.#pushed
    socket.on('error', this.#failed).on('_tlsError', this.#failed).on('close', this.#gone)
    if (keyLog !== undefined) socket.on('keylog', (line: Buffer) => this.#log(keyLog, line))
  }

  #connect({ secureContext, sessions }: CompiledContext): tls.TLSSocket {
    const name = (this.#name = this.#serverName)
    const resumed = this.#settings.sessionTickets ? sessions.take(this.#server) : undefined
    this.#resumed = resumed
    const socket = tls.connect({
      socket: this.#wire,
      secureContext,
      // Verified below, together with the name, so that both sides do it alike.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(name === undefined ? {} : { servername: name }),
      ...(resumed === undefined ? {} : { session: resumed.session }),
      ...this.#protocols,
    })
    socket.on('secureConnect', this.#secured)
    if (this.#settings.sessionTickets) {
      socket.on('session', (session) => {
        const agreed = this.#session
        if (this.#done || agreed === undefined) return
        sessions.put(this.#server, { session, certificate: agreed.peerCertificate() }, agreed.version === 'TLSv1.3')
      })
    }
    return socket
  }

  #accept({ secureContext }: CompiledContext): tls.TLSSocket {
    const { clientCertificate } = this.#settings
    const socket = new tls.TLSSocket(this.#wire, {
      isServer: true,
      secureContext,
      requestCert: clientCertificate !== 'none',
      // Only turns a missing certificate into an error.
      rejectUnauthorized: clientCertificate === 'required',
      ...this.#protocols,
    })
    return socket.on('secure', this.#secured)
  }

  get #protocols(): { ALPNProtocols?: string[] } {
    const { alpnProtocols } = this.#settings
    return alpnProtocols.length === 0 ? {} : { ALPNProtocols: [...alpnProtocols] }
  }

  /** The key of the session cache. */
  get #server(): string {
    return this.#start.hostname ?? ''
  }

  /** The name that a client sends. An address is not sent. */
  get #serverName(): string | undefined {
    const { hostname } = this.#start
    return hostname === undefined || isIP(hostname) !== 0 ? undefined : hostname.replace(/\.$/, '')
  }

  readonly #secured = (): void => {
    const socket = this.#socket
    this.#judge()
    if (this.#done || socket === undefined) return
    const session = new NodeTlsSession(socket, this.#start.side, {
      serverName: this.#start.side === 'client' ? this.#start.hostname : this.#name,
      // A resumed handshake shows no certificate.
      peer: this.#certificate(socket)?.raw ?? this.#resumed?.certificate,
      own: this.#settings.certificates[0],
    })
    // In TLS 1.3 a handshake message after the handshake is normal.
    if (session.version === 'TLSv1.2') this.#watch?.watch()
    else this.#watch = undefined
    this.#session = session
    this.#sink.handshaken()
  }

  /** Invariant 3. */
  #judge(): void {
    const socket = this.#socket
    if (this.#done || this.#session !== undefined || socket === undefined) return
    const { side, hostname } = this.#start
    const shown = this.#certificate(socket)
    if (!this.#settings.verify || shown === undefined) return
    const verdict = (socket as unknown as WithVerdict).ssl?.verifyError()
    if (verdict) this.#condemn(certificateFailureOf(verdict))
    else if (side === 'client' && hostname !== undefined && !isFor(shown, hostname)) {
      this.#condemn({ reason: 'certificate-wrong-name', detail: names(shown, hostname) })
    }
  }

  /** Reads the certificate only once, because node:tls drops a server's certificate when it returns it. */
  #certificate(socket: tls.TLSSocket): X509Certificate | undefined {
    return (this.#shown ??= socket.getPeerX509Certificate())
  }

  #condemn(failure: Failure): void {
    const heard = this.#start.side === 'client' || this.#socket?.getProtocol() === 'TLSv1.2'
    if (heard) this.#sink.ciphertext(fatalAlert(alertFor(failure.reason)))
    this.#mute = true
    this.#fail(failure)
  }

  #log(keyLog: (line: string) => void, line: Buffer): void {
    try {
      keyLog(line.toString('latin1').trimEnd())
    } catch (error) {
      this.#fail({ reason: 'failed', detail: 'its key log failed', cause: error })
    }
  }

  /** Replaces `Readable.push`: keeps nothing, and always asks for more. */
  readonly #pushed = (chunk: unknown): boolean => {
    if (this.#done) return true
    if (chunk !== null) this.#sink.plaintext(chunk as Buffer)
    else if (this.#session === undefined) this.#fail({ reason: 'closed' })
    else if (this.#wireEnded) this.#sink.ended()
    else this.#sink.closeNotify()
    return true
  }

  readonly #failed = (error: NodeJS.ErrnoException): void => {
    const first = this.#session === undefined && this.#watch?.sensible !== true
    this.#fail(failureOf(error, { settings: this.#settings, first }))
  }

  /** An error comes first, if there is one. */
  readonly #gone = (): void => {
    if (this.#session === undefined) this.#fail({ reason: 'closed' })
    else this.#closed()
  }

  #closed(): void {
    if (!this.#closing) return
    this.#closing = false
    if (!this.#done) this.#sink.writable()
  }

  #fail(failure: Failure): void {
    if (this.#done) return
    this.#done = true
    this.#closing = false
    this.#writing = this.#waiting = 0
    const describe = this.#session === undefined ? handshakeFailure : recordFailure
    this.#sink.failed(describe(this.#start, failure))
  }
}

const UNRECOGNIZED_NAME = 112

/** The record, in the clear. */
function fatalAlert(number: number): Buffer {
  return Buffer.from([21, 3, 3, 0, 2, 2, number])
}

/** Compares names as RFC 6125 does: only alternative names count, and a `*` stands for one whole label. */
function isFor(certificate: X509Certificate, hostname: string): boolean {
  if (isIP(hostname) !== 0) return certificate.checkIP(hostname) !== undefined
  const options = { subject: 'never', partialWildcards: false } as const
  return certificate.checkHost(hostname.replace(/\.$/, ''), options) !== undefined
}

function names(certificate: X509Certificate, hostname: string): string {
  const { subjectAltName } = certificate
  return subjectAltName === undefined
    ? `it has no names, and should be for ${hostname}`
    : `it is for ${subjectAltName.replace(/\b(DNS|IP Address):/g, '')}, and should be for ${hostname}`
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null | undefined)?.then === 'function'
}
