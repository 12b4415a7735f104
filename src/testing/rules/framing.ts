/** The framing methods: their results, and the rest in `bufferedData`. */

import { DelimiterNotFound, IncompleteRead } from '../../errors.ts'
import { ensure, next, type Pair, type Rule, same } from './pair.ts'

export const framing: readonly Rule[] = [
  {
    name: 'receiveInto fills the caller’s memory',
    async check(pair) {
      const view = new Uint8Array(4)
      const sending = pair.sendFromPeer('abcdef')
      const count = await pair.do('receiveInto(4 bytes)', () => pair.stream.receiveInto(view))
      ensure(count >= 1 && count <= 4, `receiveInto(4 bytes) answered with ${count}`)
      same(view.subarray(0, count), 'abcdef'.slice(0, count), 'what receiveInto filled in')
      same(await pair.take(pair.stream, 6 - count), 'abcdef'.slice(count), 'the rest')
      await sending.value()
    },
  },
  {
    name: 'receiveExactly gives exactly so many bytes',
    async check(pair) {
      same(await pair.do('receiveExactly(0)', () => pair.stream.receiveExactly(0)), '', 'what receiveExactly(0) gave')
      const data = pair.random.bytes(70_000)
      const sending = pair.sendFromPeer(data)
      const bytes = await pair.do('receiveExactly(69999)', () => pair.stream.receiveExactly(69_999))
      same(bytes, data.subarray(0, 69_999), 'what receiveExactly gave')
      same(await pair.take(pair.stream, 1), data.subarray(69_999), 'the rest')
      await sending.value()
    },
  },
  {
    name: 'receiveUntil finds a delimiter, within its limit and across pieces',
    async check(pair) {
      const { stream } = pair
      const sending = pair.begin('the peer’s sends', async () => {
        for (const piece of ['one\r', '\ntwo\r\nabc\r\n']) await pair.peer.sendAll(piece)
      })
      const until = (limit: number): Promise<Buffer> => stream.receiveUntil('\r\n', limit)
      same(await pair.do('receiveUntil', () => until(100)), 'one\r\n', 'the first frame')
      const bare = await pair.do('receiveUntil without its delimiter', () =>
        stream.receiveUntil(Buffer.from('\r\n'), 3, { includeDelimiter: false }),
      )
      same(bare, 'two', 'the second frame, of exactly as many bytes as allowed')
      await pair.refused(DelimiterNotFound, 'receiveUntil of a frame one byte too long', () => until(2))
      same(await pair.do('receiveUntil', () => until(3)), 'abc\r\n', 'the frame that had been too long')
      await sending.value()
    },
  },
  {
    name: 'iterators give what comes, and end with the data',
    async check(pair) {
      const { stream, peer } = pair
      const sending = pair.begin('the peer’s sends', async () => {
        await peer.sendAll('one\ntwo\nthree\nfour\nrest')
        await peer.close()
      })
      const frames = stream.receiveDelimitedChunks('\n', 100)[Symbol.asyncIterator]()
      same(await next(pair, frames), 'one', 'the first frame')
      same(await next(pair, frames), 'two', 'the second frame')
      const batches = stream.receiveDelimitedBatches('\n', 100, { includeDelimiter: true })[Symbol.asyncIterator]()
      const found: Buffer[] = []
      while (found.length < 2) found.push(...(await next(pair, batches)))
      same(Buffer.concat(found), 'three\nfour\n', 'what came in batches')
      const chunks = stream[Symbol.asyncIterator]()
      const parts: Buffer[] = []
      for (;;) {
        const result: IteratorResult<Buffer, unknown> = await pair.do('next() of the chunks', () => chunks.next())
        if (result.done === true) break
        parts.push(result.value)
      }
      same(Buffer.concat(parts), 'rest', 'what came last')
      const end = await pair.do('next() at the end', () => frames.next())
      ensure(end.done === true, 'an iteration over frames did not end at the end of the data')
      await pair.closeAtOnce(stream)
      await sending.outcome()
    },
  },
  {
    name: 'data that ends inside a frame is an IncompleteRead, and stays readable',
    async check(pair) {
      const { stream, peer } = pair
      const sending = pair.begin('the peer’s sends', async () => {
        await peer.sendAll('abc')
        await peer.close()
      })
      await pair.refused(IncompleteRead, 'receiveExactly(5) of 3', () => stream.receiveExactly(5))
      await pair.refused(IncompleteRead, 'receiveUntil at the end', () => stream.receiveUntil('\n', 100))
      await pair.refused(IncompleteRead, 'next() at the end', () => stream.receiveDelimitedChunks('\n', 100).next())
      same(stream.bufferedData, 'abc', 'bufferedData')
      same(await pair.take(stream, 3), 'abc', 'what was left')
      same(await pair.do('receiveSome() at the end', () => stream.receiveSome()), '', 'what came at the end')
      await pair.closeAtOnce(stream)
      await sending.outcome()
    },
  },
  {
    name: 'bufferedData is a copy of what was read ahead, and goes first',
    async check(pair) {
      const { stream } = pair
      const sending = pair.sendFromPeer('abcdef')
      await readAhead(pair)
      const { bufferedData } = stream
      ensure(bufferedData.length >= 4, `bufferedData has ${bufferedData.length} bytes, and 4 were looked at`)
      same(bufferedData, 'abcdef'.slice(0, bufferedData.length), 'bufferedData')
      bufferedData.fill('!')
      same(await pair.take(stream, 6), 'abcdef', 'what was received')
      ensure(stream.bufferedData.length === 0, 'bufferedData has bytes that were handed out')
      await sending.value()
    },
  },
]

/** Makes the stream prefetch at least 4 of the bytes to come. */
export async function readAhead(pair: Pair): Promise<void> {
  await pair.refused(DelimiterNotFound, 'receiveUntil with a limit of 3 bytes', () => pair.stream.receiveUntil('\n', 3))
}
