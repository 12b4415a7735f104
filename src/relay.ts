/** `relay`: carries bytes between two streams, in both directions, until both have ended. */

import type { StreamTransport } from './backends/contract/backend.ts'
import { currentFrame, enterOperation, rejected } from './kernel/index.ts'
import { CopyRelay } from './relay/copy-relay.ts'
import { DirectRelay } from './relay/direct-relay.ts'
import { endOf, SocketEnd } from './relay/ends.ts'
import { Stream } from './streams/stream.ts'
import { checkOptions, checkTime, invalidArgType, optionNames, outOfRange } from './common/validate.ts'

/** Options of `relay`. */
export interface RelayOptions {
  /**
   * Milliseconds without a byte in either direction after which the relay ends with a `TimeoutError`. Default: never.
   */
  idleTimeout?: number | undefined
}

/** Number of bytes that each stream has taken from the other one. */
export interface RelayResult {
  /** Bytes from the first stream to the second. */
  aToB: number
  /** Bytes from the second stream to the first. */
  bToA: number
}

/**
 * Carries everything that `a` receives to `b`, and everything that `b` receives to `a`, until both have ended.
 *
 * Bytes that a stream has taken leave first, and the bytes in its `bufferedData` are carried first. The end of one
 * stream's data becomes a `sendEof` of the other stream, and the other direction goes on. TLS 1.2 has no half-closed
 * connections: there the end becomes a `close_notify`, and the peer may then stop sending. Neither stream is closed.
 * While the relay lasts, every other call that receives from them or sends to them is a `ResourceBusyError`.
 *
 * On the `native` backend, between sockets, with or without TLS, no JavaScript sees the bytes. Between any other
 * streams they are copied, at most 64 KiB at a time. Either way a slow side holds up the fast one, and memory stays
 * flat.
 *
 * However the relay ends, both streams stay usable. Bytes that one stream has taken leave. Bytes that were read from a
 * stream and not taken by the other one are in its `bufferedData`, and the next receive or relay goes on with them.
 * (When the `sendAll` of a stream of your own fails or is cancelled, its whole chunk stays there: the relay cannot know
 * how much was passed on.) When one connection breaks, a later close of the other one sends no `close_notify`, unless
 * its sending half was ended: a TLS peer must not take a part for the whole.
 *
 * @throws TimeoutError after `idleTimeout`; BrokenResourceError (TLS: `TLSEOFError` or another TLSError) when one
 * connection breaks; ClosedResourceError when one is closed on this side. The other direction stops, too.
 *
 * @example
 * ```ts
 * await server.serve(async (client) => {
 *   await using upstream = await connectTcp('10.0.0.5', 5432)
 *   const { aToB, bToA } = await relay(client, upstream, { idleTimeout: 60_000 })
 *   console.log(`${aToB} bytes up, ${bToA} bytes down`)
 * })
 * ```
 */
export function relay(a: Stream, b: Stream, options: RelayOptions = {}): Promise<RelayResult> {
  try {
    checkStream('a', a)
    checkStream('b', b)
    if (a === b) throw outOfRange('b', 'another stream than a', b)
    checkOptions('options', options, OPTIONS)
    const { idleTimeout = Infinity } = options
    checkTime('options.idleTimeout', idleTimeout)
    return begin(a, b, idleTimeout)
  } catch (error) {
    return rejected(error)
  }
}

function begin(a: Stream, b: Stream, idleTimeout: number): Promise<RelayResult> {
  const scope = enterOperation('relay')
  // enterOperation has found a frame.
  const { run } = currentFrame()!.task
  const [one, other] = [endOf(a), endOf(b)]
  if (one instanceof SocketEnd && other instanceof SocketEnd && one.isSound && other.isSound) {
    const relayWith = lowerRelay(one.connection.transport)
    if (relayWith !== undefined) {
      const direct = new DirectRelay(one.connection, other.connection, run, idleTimeout)
      const promise = direct.start(scope, relayWith)
      if (promise !== undefined) return promise
    }
  }
  return new CopyRelay(one, other, run, idleTimeout).start()
}

function lowerRelay(transport: StreamTransport): StreamTransport['relayWith'] {
  return transport.relayWith?.bind(transport)
}

function checkStream(name: string, stream: unknown): void {
  if (!(stream instanceof Stream)) throw invalidArgType(name, 'an instance of Stream', stream)
}

const OPTIONS = optionNames<RelayOptions>({ idleTimeout: true })
