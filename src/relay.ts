/** `relay`: carries bytes between two streams, in both directions, until both have ended. */

import type { StreamTransport } from './backends/backend.ts'
import { currentFrame, enterOperation } from './kernel/context.ts'
import { rejected } from './kernel/operation.ts'
import { CopyRelay } from './relay/copy-relay.ts'
import { DirectRelay } from './relay/direct-relay.ts'
import { endOf, SocketEnd } from './relay/ends.ts'
import { Stream } from './streams/stream.ts'
import { checkOptions, checkTime, invalidArgType, optionNames, outOfRange } from './validate.ts'

/** Options of `relay`. */
export interface RelayOptions {
  /** Milliseconds without a byte in either direction after which the relay ends with a `TimeoutError`. Default: never. */
  idleTimeout?: number | undefined
}

/** How many bytes went each way: what the other stream has taken. */
export interface RelayResult {
  /** Bytes that went from the first stream to the second. */
  aToB: number
  /** Bytes that went from the second stream to the first. */
  bToA: number
}

/**
 * Carries everything that `a` receives to `b`, and everything that `b` receives to `a`, until both have ended. An addition.
 *
 * What either stream has taken leaves first, and what it has in `bufferedData` is carried first. The end of one stream's data
 * is passed on as `sendEof` of the other, and the other direction goes on; with TLS 1.2, which has no half-closed
 * connections, as `close_notify` (the peer may then stop sending). Neither stream is closed. While the relay lasts, every
 * other call that receives from or sends to them is a `ResourceBusyError`.
 *
 * On the `native` backend, between sockets, with or without TLS, no JavaScript sees the bytes. Between any other streams they
 * are copied, at most 64 KiB at a time. Either way a slow side holds up the fast one, and memory stays flat.
 *
 * However it ends, it leaves both streams usable where they stand: what one stream has taken leaves, and what was read from
 * the other and not taken is in that one's `bufferedData`, so that the next receive, or the next relay, goes on with it. (Only
 * how much of a chunk a `sendAll` of your own had passed on when it failed or was cancelled, nobody knows: all of it stays.)
 * Where one of them breaks, the other is closed later without `close_notify`, unless its sending half was ended: a TLS peer must
 * not take the part that it got for the whole.
 *
 * @throws TimeoutError after `idleTimeout`; BrokenResourceError (TLS: its `TLSEOFError`, or a TLSError) where one of the two
 * connections breaks, ClosedResourceError where it is closed by its own side: the other direction is stopped, too
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
  // It has one: somebody has just entered it.
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
