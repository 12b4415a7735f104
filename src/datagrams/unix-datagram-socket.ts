/** `UNIXDatagramSocket`. */

import { UsageError } from '../errors.ts'
import { rejected } from '../kernel/index.ts'
import { toBytes } from '../common/bytes.ts'
import { checkPath } from '../common/paths.ts'
import { DatagramSocket } from './datagram-socket.ts'
import type { DatagramEndpoint } from './endpoint.ts'
import type { Target } from './sender.ts'

/**
 * A datagram socket among the programs of one machine, made by `createUnixDatagramSocket`. As `UDPSocket`, but that
 * addresses are paths: text, or a `Buffer` where the bytes of a path are no UTF-8. A sender without a path is `''`, and
 * cannot be answered. Datagrams do not get lost: `send` waits while the receiver's queue is full.
 */
export class UNIXDatagramSocket extends DatagramSocket<string | Buffer> {
  readonly #endpoint: DatagramEndpoint<string | Buffer>

  /** @internal */
  constructor(endpoint: DatagramEndpoint<string | Buffer>) {
    super(endpoint)
    this.#endpoint = endpoint
  }

  /** The path the socket is bound to; `''` where it has none. */
  get address(): string {
    return this.#endpoint.transport.localAddress as string
  }

  /** @throws UsageError always: a UNIX socket has no port */
  get port(): never {
    throw new UsageError('port: a UNIX socket has none, see address')
  }

  /**
   * Sends one datagram: to a path, to where another one came from, or to what the socket is connected to.
   *
   * @throws UsageError without any target, and for another one than that of a connected socket; the bare system error
   * (`ENOENT`, `ECONNREFUSED`, `EMSGSIZE`…) of this datagram
   */
  send(data: Uint8Array | string, path?: string | Buffer): Promise<void> {
    let bytes: Uint8Array
    let target: Target
    try {
      bytes = toBytes('data', data)
      target = this._target('path', path)
    } catch (error) {
      return rejected(error)
    }
    return this.#endpoint.sender.send(bytes, target)
  }

  /** @internal */
  override _target(name: string, to: unknown): Target {
    const { remoteAddress } = this.#endpoint.transport
    if (to === undefined) {
      if (remoteAddress === undefined) throw new UsageError('send: this socket is not connected, so it needs a path')
      return undefined
    }
    if (to === '')
      throw new UsageError('send: that datagram came from a socket without a path, which cannot be answered')
    checkPath(name, to)
    if (remoteAddress === undefined) return to
    if (isSamePath(remoteAddress as string | Buffer, to)) return undefined
    throw new UsageError('send: this socket is connected, and sends to its remotePath only')
  }
}

function isSamePath(a: string | Buffer, b: string | Buffer): boolean {
  return a === b || Buffer.from(a as string).equals(Buffer.from(b as string))
}
