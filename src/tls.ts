/**
 * TLS contexts, and TLS over any stream. For TLS on a socket see `connectTcp`, `createTcpServer` and
 * `SocketStream.startTls`.
 */

import type { Address, StreamTransport } from './backends/contract/backend.ts'
import { UsageError } from './errors.ts'
import { CancelScope, rejected, traceOpening } from './kernel/index.ts'
import { formatAddress } from './common/addresses.ts'
import { ask, type Context, currentBackend } from './common/ask.ts'
import { Connection } from './streams/connection.ts'
import { CLOSE_TIMEOUT, type Origin, TCP_STREAM } from './common/origin.ts'
import { SocketStream } from './streams/socket-stream.ts'
import { Stream } from './streams/stream.ts'
import { checkContext, requireCertificate, settingsOf, type TLSContext } from './tls/context.ts'
import { OverStream } from './tls/stream-transport.ts'
import { checkBoolean, checkOptions, checkString, invalidArgType, optionNames, outOfRange } from './common/validate.ts'

export { createTlsContext } from './tls/context.ts'
export type { TLSContext, TLSContextOptions } from './tls/context.ts'
export type { TLSMaterial } from './tls/credentials.ts'
export type { Cipher } from './tls/cipher-suites.ts'
export type { ChannelBindingType } from './tls/channel-binding.ts'
export type { PeerCertificate } from './tls/certificate.ts'
export type { TLSVersion } from './backends/contract/backend.ts'

/** Options of `wrapTls`. */
export interface WrapTLSOptions {
  /** Whether this side is the server of the handshake. Default false. */
  serverSide?: boolean | undefined
  /**
   * On a client: the name or address that the server's certificate must match. Default: the name that was given to
   * `connectTcp`, if `stream` is one of its streams. Otherwise it is required, unless the context has `verify: false`.
   */
  hostname?: string | undefined
}

/**
 * Does a TLS handshake over any stream, and returns the encrypted stream. `stream` may be your own implementation of `Stream`,
 * or a stream that already uses TLS (TLS inside TLS). Your program then uses only the returned stream. Closing it closes
 * `stream`, and so does a failed handshake.
 *
 * For a TCP connection, `connectTcp` with `tls` and `SocketStream.startTls` are faster.
 *
 * @param stream - the stream that carries the encrypted bytes
 * @param context - certificates, trusted authorities and other settings, from `createTlsContext`
 * @throws TLSError if the handshake fails
 * @throws UsageError if a client that verifies certificates has no `hostname`
 * @example
 * ```ts
 * const context = createTlsContext({ ca: 'authority.pem' })
 * const secure = await wrapTls(tunnel, context, { hostname: 'db.example.com' })
 * try {
 *   await secure.sendAll('hello\n')
 * } finally {
 *   await secure.close()
 * }
 * ```
 */
export function wrapTls<A extends Address>(
  stream: SocketStream<A>,
  context: TLSContext,
  options?: WrapTLSOptions,
): Promise<SocketStream<A>>
export function wrapTls(stream: Stream, context: TLSContext, options?: WrapTLSOptions): Promise<SocketStream>
export function wrapTls(stream: Stream, context: TLSContext, options: WrapTLSOptions = {}): Promise<SocketStream> {
  try {
    if (!(stream instanceof Stream)) throw invalidArgType('stream', 'an instance of Stream', stream)
    checkContext('context', context)
    checkOptions('options', options, OPTIONS)
    const { serverSide = false } = options
    checkBoolean('options.serverSide', serverSide)
    const origin = originOf(stream, context, serverSide, options.hostname)
    const where = currentBackend('wrapTls')
    return CancelScope._operation('wrapTls', () => wrap(where, stream, origin))
  } catch (error) {
    return rejected(error)
  }
}

async function wrap({ backend, frame }: Context, stream: Stream, origin: Origin): Promise<SocketStream> {
  const made = traceOpening(frame, origin.kind)
  const { run } = frame.task
  const lower = new OverStream(stream, run)
  const peer = stream instanceof SocketStream ? formatAddress(lower.remoteAddress) : `over ${stream.constructor.name}`
  const { side, hostname, standardCompatible } = origin
  const settings = origin.settings as NonNullable<Origin['settings']>
  const transport = await ask<StreamTransport>(`TLS handshake ${peer}`, (answer) =>
    backend.startTls(lower, { side, settings, hostname, standardCompatible, ahead: Buffer.alloc(0), peer }, answer),
  )
  return new WrappedStream(new Connection(transport, run, origin).registerWith(frame, made), stream)
}

/** The stream of `wrapTls`. Its `close` also closes the stream below. */
class WrappedStream extends SocketStream {
  readonly #below: Stream

  constructor(connection: Connection, below: Stream) {
    super(connection)
    this.#below = below
  }

  override async close(): Promise<void> {
    await super.close()
    // The disposer, because the `close()` of a user's own stream may raise a cancellation.
    await this.#below[Symbol.asyncDispose]()
  }
}

function originOf(stream: Stream, context: TLSContext, serverSide: boolean, hostname: string | undefined): Origin {
  if (hostname !== undefined) {
    checkString('options.hostname', hostname)
    if (hostname === '') throw outOfRange('options.hostname', 'a name or an address', hostname)
  }
  const settings = settingsOf(context)
  const below = stream instanceof SocketStream ? stream._origin : undefined
  const name = hostname ?? below?.hostname
  if (serverSide) requireCertificate(settings)
  else if (name === undefined && settings.verify) {
    throw new UsageError('wrapTls: a client needs options.hostname, the name that the certificate must be for')
  }
  return {
    kind: below?.kind ?? TCP_STREAM,
    side: serverSide ? 'server' : 'client',
    closeTimeout: below?.closeTimeout ?? CLOSE_TIMEOUT,
    settings,
    hostname: serverSide ? undefined : name,
    standardCompatible: below?.standardCompatible ?? true,
  }
}

const OPTIONS = optionNames<WrapTLSOptions>({ serverSide: true, hostname: true })
