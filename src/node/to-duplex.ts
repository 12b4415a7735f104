/** `toDuplex`: the way from here into Node's world. */
import { Stream } from '../streams/stream.ts'
import { invalidArgType } from '../common/validate.ts'
import { NodeSocket, type NodeSocketOptions } from './node-socket.ts'

/**
 * The stream as a Duplex of Node's, for clients and servers that are made for `net.Socket`: from now on it belongs to the
 * Duplex, which closes it. See {@link NodeSocket}: it is destroyed when the scope that it was made in was cancelled and its
 * body has settled. A body that waits for the Duplex itself needs `{ signal: scope.signal }`, or `abandonOnCancel`.
 *
 * @throws NotRunningError outside every `run`
 */
export function toDuplex(stream: Stream, options: NodeSocketOptions = {}): NodeSocket {
  if (!(stream instanceof Stream)) throw invalidArgType('stream', 'an instance of Stream', stream)
  return new NodeSocket(options)._adopt(stream)
}
