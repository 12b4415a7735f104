/** File descriptors that travel with the bytes of a UNIX stream: arguments, and what a receive of them wants. */

import type { StreamTransport } from '../backends/contract/backend.ts'
import { UnsupportedError } from '../errors.ts'
import { checkInteger, invalidArgType, outOfRange } from '../common/validate.ts'
import type { Demand } from './framing.ts'
import { type Origin, UNIX_STREAM } from '../common/origin.ts'
import type { ReceiveBuffer } from './receive-buffer.ts'

/** How many descriptors one message carries at most (Linux's `SCM_MAX_FD`). */
const MOST = 253

/** What `SocketStream.receiveFds` gives. */
export interface ReceivedFDs {
  /** The bytes that came with them. */
  data: Buffer
  /** The receiver's to close. */
  fds: number[]
}

export function checkFds(name: string, fds: unknown): asserts fds is readonly number[] {
  if (!Array.isArray(fds)) throw invalidArgType(name, 'an instance of Array', fds)
  if (fds.length === 0 || fds.length > MOST) throw outOfRange(name, `1 to ${MOST} descriptors`, fds.length)
  fds.forEach((fd: unknown, index) => checkInteger(`${name}[${index}]`, fd, 0, 2 ** 31 - 1))
}

export function checkMaxFds(name: string, count: unknown): asserts count is number {
  checkInteger(name, count, 1, MOST)
}

/** @throws UnsupportedError where no descriptors travel over this stream */
export function requireFds(what: string, origin: Origin, { tls, sendFds, receiveFds }: StreamTransport): void {
  if (origin.kind !== UNIX_STREAM) throw new UnsupportedError(`${what}: only a UNIX stream carries descriptors`)
  if (tls !== undefined) throw new UnsupportedError(`${what}: TLS carries no descriptors`)
  if (sendFds === undefined || receiveFds === undefined)
    throw new UnsupportedError(`${what}: this backend cannot pass descriptors; the native backend can`)
}

/** `receiveFds`. Bytes that an earlier receive has read ahead come first, and without descriptors. */
export class WithFds implements Demand<ReceivedFDs> {
  readonly what = 'receiveFds'
  readonly ask: number
  readonly maxFds: number

  constructor(maxBytes: number, maxFds: number) {
    this.ask = maxBytes
    this.maxFds = maxFds
  }

  take(bytes: ReceiveBuffer): ReceivedFDs | undefined {
    return bytes.length === 0 ? undefined : { data: bytes.take(Math.min(this.ask, bytes.length)), fds: [] }
  }

  end(): ReceivedFDs {
    return { data: Buffer.alloc(0), fds: [] }
  }
}
