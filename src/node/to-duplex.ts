/** `toDuplex`: a stream of this library as a Duplex of Node. */
import { Stream } from '../streams/stream.ts'
import { invalidArgType } from '../common/validate.ts'
import { NodeSocket, type NodeSocketOptions } from './node-socket.ts'

/**
 * Makes a Duplex from a stream, for clients and servers that are written for `net.Socket`. The Duplex owns the stream
 * from now on, and closes it.
 *
 * The Duplex is destroyed once the scope that it was made in has been cancelled and its body has settled; see
 * {@link NodeSocket}. A body that waits for the Duplex itself needs `{ signal: scope.signal }`, or `abandonOnCancel`.
 *
 * @example
 * ```ts
 * const socket = toDuplex(await connectTcp('localhost', 5432))
 * const client = new pg.Client({ stream: () => socket })
 * await abandonOnCancel(client.connect())
 * ```
 *
 * @throws NotRunningError outside every `run`
 */
export function toDuplex(stream: Stream, options: NodeSocketOptions = {}): NodeSocket {
  if (!(stream instanceof Stream)) throw invalidArgType('stream', 'an instance of Stream', stream)
  return new NodeSocket(options)._adopt(stream)
}
