/**
 * A handshake on a connection of the addon. For its duration the handle is a handshake, and its completions come here.
 * The transport is the same object before and after.
 */
import { domainToASCII } from 'node:url'
import { Completion } from '../../native/protocol.ts'
import type { Abandon, Answer, StreamTransport, TlsSettings, TlsStart } from '../contract/backend.ts'
import { handshakeFailure } from '../shared/tls-failure.ts'
import { handleNumber, type HandleOwner, type NativeEventLoop } from './event-loop.ts'
import type { NativeStream } from './stream.ts'
import { chooseSettings, compile, deliverKeyLog } from './tls-context.ts'
import { toHandshakeError } from './tls-failures.ts'
import { isAddress, NativeTlsSession } from './tls-session.ts'

/** The key of sessions without a peer name. It is not sent. */
export const NOBODY = '0.0.0.0'

/** @param onPool - whether the process's pool of threads computes it, and not the JavaScript thread */
export function startTls(
  loop: NativeEventLoop,
  stream: NativeStream,
  start: TlsStart,
  onPool: boolean,
  answer: Answer<StreamTransport>,
): Abandon {
  const handshake = new Handshake(loop, stream, start, onPool, answer)
  return () => handshake.abandon()
}

/** The parameters of a handshake, for the addon. */
export function startOptions(
  { side, hostname, standardCompatible, settings }: TlsStart,
  address: () => string,
): { serverSide: boolean; hostname: string; standardCompatible: boolean; askByName: boolean } {
  return {
    serverSide: side === 'server',
    // The key of the sessions. Without a name it is the address, which is not sent.
    hostname: side === 'server' ? '' : asciiName(hostname ?? address()),
    standardCompatible,
    askByName: settings.chooseByName !== undefined,
  }
}

class Handshake implements HandleOwner {
  readonly generation: number
  readonly #loop: NativeEventLoop
  readonly #stream: NativeStream
  readonly #start: TlsStart
  readonly #onPool: boolean
  #answer: Answer<StreamTransport> | undefined
  /** The server's settings, or those that were chosen by name. */
  #settings: TlsSettings

  constructor(
    loop: NativeEventLoop,
    stream: NativeStream,
    start: TlsStart,
    onPool: boolean,
    answer: Answer<StreamTransport>,
  ) {
    this.generation = stream.generation
    this.#loop = loop
    this.#stream = stream
    this.#start = start
    this.#onPool = onPool
    this.#answer = answer
    this.#settings = start.settings
    loop.own(stream.index, this)
    stream.lend(() => void this.#settle())
    loop.hold(1)
    const options = startOptions(start, () => addressOf(stream))
    loop.binding.startTls(this.#handle, compile(start.settings), options, start.ahead, onPool)
  }

  completed(kind: number): void {
    if (this.#answer === undefined) return
    // A late completion of the connection: a report, or the answer to a cancelled wait.
    if (kind !== Completion.ClientHello && kind !== Completion.Handshaken && kind !== Completion.HandshakeFailed) return
    if (kind === Completion.ClientHello) return this.#choose(this.#loop.binding.clientName(this.#handle) ?? '')
    this.#deliverKeyLog()
    if (kind === Completion.Handshaken) {
      this.#loop.own(this.#stream.index, this.#stream)
      this.#stream.secure(this.#start, new NativeTlsSession(this.#stream.sessionSource(), this.#start, this.#settings))
      this.#settle()?.(undefined, this.#stream)
    } else {
      this.#fail(toHandshakeError(this.#start, this.#loop.binding.tlsFailure(this.#handle)))
    }
  }

  abandon(): void {
    // After the answer, or a first call, the transport belongs to another owner.
    if (this.#answer !== undefined) this.#stream.destroy()
  }

  #choose(name: string): void {
    chooseSettings(
      this.#start,
      name,
      (settings) => {
        if (this.#answer === undefined) return
        this.#settings = settings
        this.#loop.binding.continueTls(this.#handle, compile(settings), this.#onPool)
      },
      (cause) => {
        if (this.#answer === undefined) return
        this.#loop.binding.refuseTls(this.#handle)
        this.#fail(handshakeFailure(this.#start, { reason: 'no-settings', cause }))
      },
    )
  }

  #fail(error: Error): void {
    const answer = this.#settle()
    this.#stream.destroy()
    answer?.(error)
  }

  /** Ends the handshake. Only its answer follows. */
  #settle(): Answer<StreamTransport> | undefined {
    const answer = this.#answer
    if (answer !== undefined) this.#loop.hold(-1)
    this.#answer = undefined
    return answer
  }

  #deliverKeyLog(): void {
    deliverKeyLog(this.#start.settings)
    if (this.#settings !== this.#start.settings) deliverKeyLog(this.#settings)
  }

  get #handle(): number {
    return handleNumber(this.#stream.index, this.generation)
  }
}

/** The name of a UNIX socket is not a host name. */
function addressOf({ remoteAddress }: NativeStream): string {
  return typeof remoteAddress === 'string' ? NOBODY : remoteAddress.address
}

function asciiName(hostname: string): string {
  return isAddress(hostname) ? hostname : domainToASCII(hostname) || hostname
}
