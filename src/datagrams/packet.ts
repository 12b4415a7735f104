/** What datagram sockets give and take. */

import type { DatagramAddress, SocketAddress } from '../backends/contract/backend.ts'

/**
 * A received datagram, and where it came from: `[data, from]`. `from` is decoded when it is first looked at, and `send`
 * and `sendBatch` take it back as it is.
 */
export type Packet<A extends DatagramAddress = SocketAddress> = [data: Buffer, from: A]

/**
 * How many datagrams a socket may ask its backend for at a time: what a waiting call does not take is kept for the
 * next.
 */
export const READ_AHEAD = 64
