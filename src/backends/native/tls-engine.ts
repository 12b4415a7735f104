/** The TLS engine of the addon: the library and code of a socket, over memory. */
import { loadBinding, type BindingTlsEngine, type BindingTlsEngineStep } from '../../native/load.ts'
import type { TlsSession, TlsSettings, TlsStart } from '../contract/backend.ts'
import type { TlsEngine, TlsEngineSink } from '../contract/tls-engine.ts'
import { handshakeFailure } from '../shared/tls-failure.ts'
import { chooseSettings, compile, deliverKeyLog } from './tls-context.ts'
import { toHandshakeError, toRecordError } from './tls-failures.ts'
import { NOBODY, startOptions } from './tls-handshake.ts'
import { NativeTlsSession } from './tls-session.ts'

export function makeNativeEngine(start: TlsStart, sink: TlsEngineSink): TlsEngine {
  return new NativeTlsEngine(start, sink)
}

class NativeTlsEngine implements TlsEngine {
  readonly #start: TlsStart
  readonly #sink: TlsEngineSink
  #engine: BindingTlsEngine | undefined
  /** The server's settings, or those that were chosen by name. */
  #settings: TlsSettings
  #session: NativeTlsSession | undefined
  /** Whether the settings for the name are being chosen. The addon keeps the bytes that come meanwhile. */
  #choosing = false
  #endedMeanwhile = false
  /** Whether the receiving side has ended, and the sink got its last call. */
  #over = false

  constructor(start: TlsStart, sink: TlsEngineSink) {
    this.#start = start
    this.#sink = sink
    this.#settings = start.settings
    const { TlsEngine } = loadBinding()
    this.#engine = new TlsEngine(
      compile(start.settings),
      startOptions(start, () => NOBODY),
    )
  }

  get session(): TlsSession {
    return this.#session!
  }

  feed(bytes: Uint8Array): void {
    if (this.#engine !== undefined && !this.#over) this.#take(this.#engine.feed(bytes))
  }

  feedEnd(): void {
    if (this.#engine === undefined || this.#over) return
    if (this.#choosing) {
      this.#endedMeanwhile = true
      return
    }
    this.#take(this.#engine.feedEnd())
    if (this.#engine !== undefined && !this.#over) {
      this.#over = true
      this.#sink.ended()
    }
  }

  send(data: Uint8Array): number {
    if (this.#engine !== undefined) this.#take(this.#engine.send(data))
    return data.length
  }

  sendClose(): void {
    if (this.#engine !== undefined) this.#take(this.#engine.sendClose())
  }

  destroy(): void {
    this.#session?.close()
    this.#engine = undefined
  }

  /** Reports the results of a call of the addon to the sink. Each report may destroy this engine. */
  #take({ ciphertext, handshaken, name, plaintext, ended, failure }: BindingTlsEngineStep): void {
    if (handshaken || failure !== undefined) this.#deliverKeyLog()
    if (ciphertext !== undefined) this.#sink.ciphertext(ciphertext)
    if (handshaken && this.#engine !== undefined) {
      this.#session = new NativeTlsSession(this.#sessionSource(), this.#start, this.#settings)
      this.#sink.handshaken()
    }
    if (plaintext !== undefined && this.#engine !== undefined) this.#sink.plaintext(plaintext)
    if (this.#engine === undefined || this.#over) return
    if (failure !== undefined) {
      this.#over = true
      const toError = this.#session === undefined ? toHandshakeError : toRecordError
      this.#sink.failed(toError(this.#start, failure) as ReturnType<typeof toHandshakeError>)
    } else if (ended) {
      this.#over = true
      this.#sink.closeNotify()
    } else if (name !== undefined) {
      this.#choose(name)
    }
  }

  #choose(name: string): void {
    this.#choosing = true
    chooseSettings(
      this.#start,
      name,
      (settings) => {
        if (this.#engine === undefined) return
        this.#choosing = false
        this.#settings = settings
        this.#take(this.#engine.choose(compile(settings)))
        if (this.#endedMeanwhile) this.feedEnd()
      },
      (cause) => {
        if (this.#engine === undefined) return
        this.#take(this.#engine.refuse())
        this.#over = true
        this.#sink.failed(handshakeFailure(this.#start, { reason: 'no-settings', cause }))
      },
    )
  }

  #deliverKeyLog(): void {
    deliverKeyLog(this.#start.settings)
    if (this.#settings !== this.#start.settings) deliverKeyLog(this.#settings)
  }

  #sessionSource() {
    return {
      facts: () => this.#engine?.facts() ?? null,
      peerCertificate: () => this.#engine?.peerCertificate() ?? null,
      export: (length: number, label: string) => this.#engine?.export(length, label) ?? null,
    }
  }
}
