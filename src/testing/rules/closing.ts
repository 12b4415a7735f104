/** How a connection ends: by its own close, by the peer's, in a cancelled scope, and one direction at a time. */

import { BrokenResourceError, ClosedResourceError, IncompleteRead, UnsupportedError } from '../../errors.ts'
import { failure } from '../failure.ts'
import { receivingCalls, sendingCalls } from './calls.ts'
import { readAhead } from './framing.ts'
import { ensure, type Pair, type Rule, same } from './pair.ts'

export const closing: readonly Rule[] = [
  {
    name: 'close in a cancelled scope closes, and raises no cancellation',
    async check(pair) {
      const { stream } = pair
      ensure(await pair.closeAtOnce(stream), 'close() in a cancelled scope threw Cancelled')
      await pair.refused(ClosedResourceError, 'receiveSome() afterwards', () => stream.receiveSome())
      await pair.refused(ClosedResourceError, "sendAll('x') afterwards", () => stream.sendAll('x'))
      same(await pair.drain(pair.peer), '', 'what the peer received')
    },
  },
  {
    name: 'the own close wakes a receive with ClosedResourceError',
    async check(pair) {
      const waiting = pair.begin('receiveSome()', () => pair.stream.receiveSome())
      await pair.turns()
      ensure(waiting.pending, `nothing was sent, but ${waiting.told}`)
      const closed = pair.begin('close()', () => pair.stream.close())
      await waiting.failsWith(ClosedResourceError)
      closed.cancel()
    },
  },
  {
    name: 'the own close wakes a send with ClosedResourceError',
    needs: 'back-pressure',
    async check(pair) {
      const { sending, data } = await pair.clog()
      const closed = pair.begin('close()', () => pair.stream.close())
      await sending.failsWith(ClosedResourceError)
      const received = await pair.drain(pair.peer)
      same(received, data.subarray(0, received.length), 'what the peer received')
      await pair.closeAtOnce(pair.peer)
      await closed.outcome()
    },
  },
  {
    name: 'after the own close every call is a ClosedResourceError',
    async check(pair) {
      const { stream } = pair
      const sending = pair.sendFromPeer('abcdef')
      await readAhead(pair)
      const chunks = stream.receiveChunks()[Symbol.asyncIterator]()
      await closeBoth(pair)
      await sending.outcome()
      for (const [what, call] of [...receivingCalls(stream), ...sendingCalls(stream)]) {
        await pair.refused(ClosedResourceError, `${what} after close()`, call)
      }
      if (pair.settings.halfClose) {
        await pair.refused(ClosedResourceError, 'sendEof() after close()', () => stream.sendEof())
      }
      await pair.refused(ClosedResourceError, 'next() after close()', () => chunks.next())
      ensure(stream.bufferedData.length === 0, 'bufferedData still has bytes after close()')
    },
  },
  {
    name: 'closing again is harmless',
    async check(pair) {
      const { stream } = pair
      const both = [1, 2].map((nth) => pair.begin(`close(), call ${nth} of two at once`, () => stream.close()))
      const theirs = pair.begin('close() of the peer', () => pair.peer.close())
      for (const closed of both) await closed.value()
      await theirs.value()
      await pair.do('a third close()', () => stream.close())
      await pair.do('[Symbol.asyncDispose]() after close()', () => stream[Symbol.asyncDispose]())
    },
  },
  {
    name: 'what was sent before close arrives, and then the end',
    async check(pair) {
      const { stream, peer } = pair
      const last = pair.random.bytes(1000)
      const closed = pair.begin('sendAll(1000 bytes) and close()', async () => {
        await stream.sendAll(last)
        await stream.close()
      })
      await pair.turns()
      same(await pair.take(peer, 1000), last, 'what the peer received')
      for (const nth of ['the end', 'the end again']) {
        same(await pair.do(`receiveSome() at ${nth}`, () => peer.receiveSome()), '', nth)
      }
      const into = await pair.do('receiveInto() at the end', () => peer.receiveInto(new Uint8Array(1)))
      ensure(into === 0, `receiveInto() at the end answered with ${into}`)
      await pair.refused(IncompleteRead, 'receiveExactly(1) at the end', () => peer.receiveExactly(1))
      await pair.do('close() of the peer', () => peer.close())
      await closed.value()
    },
  },
  {
    name: 'sending to a peer that is gone is a BrokenResourceError, and stays one',
    async check(pair) {
      const { stream } = pair
      await pair.closeAtOnce(pair.peer)
      await sendUntilBroken(pair)
      await pair.refused(BrokenResourceError, 'sendAll() once more', () => stream.sendAll('x'))
      same(await pair.drain(stream), '', 'what came from a peer that sent nothing')
      await pair.begin('close()', () => stream.close()).outcome()
      await pair.refused(ClosedResourceError, 'sendAll() after the own close', () => stream.sendAll('x'))
    },
  },
  {
    name: 'a send that waits is broken when the peer goes',
    needs: 'back-pressure',
    async check(pair) {
      const { sending } = await pair.clog()
      await pair.closeAtOnce(pair.peer)
      await sending.failsWith(BrokenResourceError)
    },
  },
  {
    name: 'a disposer closes, and never raises a cancellation',
    async check(pair) {
      const { stream, peer } = pair
      const disposing = pair.begin(
        '[Symbol.asyncDispose]() in a cancelled scope',
        () => stream[Symbol.asyncDispose](),
        { cancelled: true },
      )
      await disposing.value()
      await pair.refused(ClosedResourceError, 'receiveSome() afterwards', () => stream.receiveSome())
      same(await pair.drain(peer), '', 'what the peer received')
      await pair.begin('[Symbol.asyncDispose]() of the peer', () => peer[Symbol.asyncDispose]()).outcome()
      await pair.refused(ClosedResourceError, 'receiveSome() of the peer afterwards', () => peer.receiveSome())
    },
  },
  {
    name: 'sendEof ends one direction, and not the other',
    needs: 'half-close',
    async check(pair) {
      const { stream, peer } = pair
      await pair.send('question')
      const ended = pair.begin('sendEof()', () => stream.sendEof())
      same(await pair.do('receiveSome() of the peer', () => peer.receiveSome()), '', 'what came after sendEof()')
      await ended.value()
      await pair.do('a second sendEof()', () => stream.sendEof())
      for (const [what, call] of sendingCalls(stream)) {
        await pair.refused(ClosedResourceError, `${what} after sendEof()`, call)
      }
      const answer = pair.sendFromPeer('answer')
      same(await pair.take(stream, 6), 'answer', 'what the stream received after its sendEof()')
      await answer.value()
      const theirs = pair.begin('sendEof() of the peer', () => peer.sendEof())
      same(await pair.do('receiveSome() at the end', () => stream.receiveSome()), '', 'the end')
      await theirs.value()
    },
  },
  {
    name: 'sendEof says that there is no half-close, and does nothing',
    needs: 'no half-close',
    async check(pair) {
      await pair.refused(UnsupportedError, 'sendEof()', () => pair.stream.sendEof())
      await pair.send('still open')
    },
  },
]

/** Both at the same time: some streams close with a handshake (TLS). */
async function closeBoth(pair: Pair): Promise<void> {
  const own = pair.begin('close()', () => pair.stream.close())
  const theirs = pair.begin('close() of the peer', () => pair.peer.close())
  await own.value()
  // The peer's last bytes may be lost.
  await theirs.outcome()
}

/** A stream may notice late that its peer is gone, and take bytes meanwhile; but not more than its buffers hold. */
async function sendUntilBroken(pair: Pair): Promise<void> {
  const data = pair.random.bytes(10_000)
  const limit = Math.min(pair.settings.capacity, 16_777_216) + 1_048_576
  // A limit of bytes, not only of time: the virtual clock stands still while a task can go on.
  for (let sent = 0; sent < limit; sent += data.length) {
    const sending = pair.begin('sendAll(10000 bytes) to a peer that is gone', () => pair.stream.sendAll(data))
    const outcome = await sending.outcome()
    if (outcome.kind === 'threw') {
      await sending.failsWith(BrokenResourceError)
      return
    }
    await pair.turns(1)
  }
  throw failure(`a peer that is gone was sent ${limit} bytes, and should have been a BrokenResourceError`)
}
