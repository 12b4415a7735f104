/** What is sent arrives: whole, in order, in both directions at once. */

import type { Stream } from '../../streams/stream.ts'
import { ensure, type Pair, type Rule, same } from './pair.ts'

export const exchanging: readonly Rule[] = [
  {
    name: 'what is sent arrives, whole and in order',
    async check(pair) {
      await pair.send('x')
      await pair.send('grüße, €')
      await pair.send(new Uint8Array([0, 255, 10, 13, 0]))
      await pair.send(new Uint8Array(new ArrayBuffer(10), 3, 4).fill(7))
      await pair.send(pair.random.bytes(100_000))
    },
  },
  {
    name: 'an empty send sends nothing',
    async check(pair) {
      await pair.do('sendAll of an empty string', () => pair.stream.sendAll(''))
      await pair.do('sendAll of no bytes', () => pair.stream.sendAll(new Uint8Array(0)))
      await pair.do('sendMany of nothing', () => pair.stream.sendMany([]))
      await pair.send('y')
    },
  },
  {
    name: 'sendMany sends its parts in order',
    async check(pair) {
      const sending = pair.begin('sendMany of three parts', () =>
        pair.stream.sendMany(['one, ', Buffer.from('two, '), '', 'three']),
      )
      same(await pair.take(pair.peer, 15), 'one, two, three', 'what the peer received')
      await sending.value()
    },
  },
  {
    name: 'receiveSome gives at most maxBytes',
    async check(pair) {
      const sending = pair.sendFromPeer('abcdef')
      const first = await pair.do('receiveSome(1)', () => pair.stream.receiveSome(1))
      same(first, 'a', 'what receiveSome(1) gave')
      same(await pair.take(pair.stream, 2), 'bc', 'what came next')
      same(await pair.take(pair.stream, 3), 'def', 'the rest')
      await sending.value()
    },
  },
  {
    name: 'bad arguments are refused before anything is started',
    async check(pair) {
      const { stream } = pair
      // Calls that the compiler refuses and JavaScript allows.
      const loose = stream as unknown as Record<'receiveSome' | 'sendAll' | 'sendMany', (value: unknown) => unknown>
      await pair.refused(RangeError, 'receiveSome(0)', () => stream.receiveSome(0))
      await pair.refused(RangeError, 'receiveSome(-1)', () => stream.receiveSome(-1))
      await pair.refused(RangeError, 'receiveSome(1.5)', () => stream.receiveSome(1.5))
      await pair.refused(TypeError, "receiveSome('1')", () => loose.receiveSome('1'))
      await pair.refused(RangeError, 'receiveInto of an empty view', () => stream.receiveInto(new Uint8Array(0)))
      await pair.refused(RangeError, 'receiveExactly(-1)', () => stream.receiveExactly(-1))
      await pair.refused(RangeError, 'receiveUntil an empty delimiter', () => stream.receiveUntil('', 10))
      await pair.refused(TypeError, 'sendAll of a number', () => loose.sendAll(5))
      await pair.refused(TypeError, 'sendMany of no list', () => loose.sendMany(5))
      await pair.send('still here')
    },
  },
  {
    name: 'sent memory is the caller’s again when sendAll has resolved',
    needs: 'a buffer',
    async check(pair) {
      const data = Buffer.from('as it was')
      await pair.do('sendAll(9 bytes)', () => pair.stream.sendAll(data))
      data.fill('!')
      same(await pair.take(pair.peer, 9), 'as it was', 'what the peer received')
    },
  },
  {
    name: 'received memory is never written again',
    async check(pair) {
      const received: Buffer[] = []
      const copies: Buffer[] = []
      for (let round = 0; round < 8; round++) {
        const data = pair.random.bytes(1000)
        const sending = pair.sendFromPeer(data)
        const bytes = await pair.do('receiveExactly(1000)', () => pair.stream.receiveExactly(1000))
        await sending.value()
        received.push(bytes)
        copies.push(data)
      }
      received.forEach((bytes, round) => same(bytes, copies[round] as Buffer, `what was received in round ${round}`))
    },
  },
  {
    name: 'both directions at once deliver everything',
    async check(pair) {
      const forth = pair.random.bytes(AT_ONCE)
      const back = pair.random.bytes(AT_ONCE)
      const [one, other] = [
        pair.begin('the stream’s sends', () => sendInPieces(pair, pair.stream, forth)),
        pair.begin('the peer’s sends', () => sendInPieces(pair, pair.peer, back)),
      ]
      const atPeer = pair.begin('the peer’s receives', () => receiveInPieces(pair, pair.peer))
      const atStream = pair.begin('the stream’s receives', () => receiveInPieces(pair, pair.stream))
      same(await atPeer.value(), forth, 'what the peer received')
      same(await atStream.value(), back, 'what the stream received')
      await one.value()
      await other.value()
    },
  },
  {
    name: 'sendAll waits while the peer does not receive',
    needs: 'back-pressure',
    async check(pair) {
      const { sending, data } = await pair.clog()
      same(await pair.take(pair.peer, data.length), data, 'what the peer received')
      await sending.value()
    },
  },
  {
    name: 'a full direction does not hold up the other one',
    needs: 'back-pressure',
    async check(pair) {
      const { sending } = await pair.clog()
      const answer = pair.sendFromPeer('answer')
      same(await pair.take(pair.stream, 6), 'answer', 'what the stream received')
      await answer.value()
      ensure(sending.pending, `nobody has received, but ${sending.told}`)
    },
  },
]

/** Bytes for each direction. */
const AT_ONCE = 1_048_576

async function sendInPieces(pair: Pair, stream: Stream, data: Buffer): Promise<void> {
  for (let at = 0; at < data.length;) {
    const end = Math.min(data.length, at + 1 + pair.random.below(2 ** (1 + pair.random.below(16))))
    await stream.sendAll(data.subarray(at, end))
    at = end
  }
}

async function receiveInPieces(pair: Pair, stream: Stream): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let missing = AT_ONCE; missing > 0;) {
    const bytes = await stream.receiveSome(Math.min(missing, 1 + pair.random.below(2 ** (1 + pair.random.below(17)))))
    if (bytes.length === 0) break
    parts.push(bytes)
    missing -= bytes.length
  }
  return Buffer.concat(parts)
}
