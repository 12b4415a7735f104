/** Every call of a stream, by its name: for rules about all of them. */

import type { Stream } from '../../streams/stream.ts'

export type Calls = readonly (readonly [what: string, call: () => Promise<unknown>])[]

export function receivingCalls(stream: Stream): Calls {
  return [
    ['receiveSome()', () => stream.receiveSome()],
    ['receiveInto()', () => stream.receiveInto(new Uint8Array(1))],
    ['receiveExactly(1)', () => stream.receiveExactly(1)],
    ['receiveExactly(0)', () => stream.receiveExactly(0)],
    ['receiveUntil()', () => stream.receiveUntil('\n', 10)],
    ['next() of receiveChunks()', () => first(stream.receiveChunks())],
    ['next() of receiveDelimitedChunks()', () => first(stream.receiveDelimitedChunks('\n', 10))],
    ['next() of receiveDelimitedBatches()', () => first(stream.receiveDelimitedBatches('\n', 10))],
  ]
}

export function sendingCalls(stream: Stream): Calls {
  return [
    ["sendAll('x')", () => stream.sendAll('x')],
    ["sendAll('')", () => stream.sendAll('')],
    ["sendMany(['x', 'y'])", () => stream.sendMany(['x', 'y'])],
    ['sendMany([])', () => stream.sendMany([])],
  ]
}

function first(iterable: AsyncIterable<unknown>): Promise<unknown> {
  return iterable[Symbol.asyncIterator]().next()
}
