/** Cancellation: every call is a checkpoint, no byte is lost, and what was sent is a prefix. */

import { Cancelled } from '../../errors.ts'
import { findNoCancellation, NO_TURN, spendAll } from '../checkpoints.ts'
import { receivingCalls, sendingCalls } from './calls.ts'
import { readAhead } from './framing.ts'
import { ensure, next, type Pair, type Rule, same } from './pair.ts'

export const cancelling: readonly Rule[] = [
  {
    name: 'in a cancelled scope every call throws Cancelled, and does nothing',
    async check(pair) {
      const { stream } = pair
      const sending = pair.sendFromPeer('abcdef')
      // Now receives need not wait.
      await readAhead(pair)
      const calls = [...receivingCalls(stream), ...sendingCalls(stream)]
      if (pair.settings.halfClose) calls.push(['sendEof()', () => stream.sendEof()])
      for (const [what, call] of calls) {
        pair.waitingFor = `${what} in a cancelled scope`
        const found = await findNoCancellation(call)
        ensure(found === undefined, `${what}: ${found?.wrong}`, found?.cause)
      }
      same(await pair.take(stream, 6), 'abcdef', 'what was received afterwards')
      await sending.value()
      await pair.send('nothing else')
    },
  },
  {
    name: 'a call that need not wait lets others run now and then',
    async check(pair) {
      const { stream } = pair
      const sending = pair.sendFromPeer('abcdef')
      await readAhead(pair)
      await givesWay(pair, 'receiveSome(1)', () => stream.receiveSome(1))
      await givesWay(pair, 'receiveExactly(0)', () => stream.receiveExactly(0))
      await givesWay(pair, "sendAll('')", () => stream.sendAll(''))
      same(await pair.take(stream, 5), 'bcdef', 'the rest')
      await sending.value()
      const receiving = pair.begin('the peer’s receiveExactly(1)', () => pair.peer.receiveExactly(1))
      await givesWay(pair, "sendAll('x')", () => stream.sendAll('x'))
      same(await receiving.value(), 'x', 'what the peer received')
    },
  },
  {
    name: 'a cancelled receive loses nothing',
    async check(pair) {
      const { stream } = pair
      for (const [what, call] of receivingCalls(stream)) {
        if (what === 'receiveExactly(0)') continue
        const waiting = pair.begin(what, call)
        await pair.turns()
        waiting.cancel()
        await waiting.failsWith(Cancelled)
      }
      const sending = pair.sendFromPeer('all of it')
      same(await pair.take(stream, 9), 'all of it', 'what came afterwards')
      await sending.value()
    },
  },
  {
    name: 'a receive that is cancelled as bytes come loses nothing',
    async check(pair) {
      const { stream } = pair
      const received: Buffer[] = []
      const sent: Buffer[] = []
      for (let round = 0; round < ROUNDS; round++) {
        const data = pair.random.bytes(1 + pair.random.below(200))
        sent.push(data)
        const waiting = pair.begin('receiveSome()', () => stream.receiveSome())
        if (round % 2 === 0) await pair.turns(1)
        const sending = pair.sendFromPeer(data)
        // At many moments: the delivery of bytes takes a turn, or some microtasks.
        await pair.turns(round % 3)
        for (let microtask = round % 11; microtask > 0; microtask--) await null
        waiting.cancel()
        if (await waiting.completed()) {
          const outcome = await waiting.value()
          ensure(outcome.length > 0, 'the data ended')
          received.push(outcome)
        }
        const missing = total(sent) - total(received)
        received.push(await pair.take(stream, missing))
        await sending.value()
      }
      same(Buffer.concat(received), Buffer.concat(sent), 'what was received in all')
    },
  },
  {
    name: 'a cancelled sendAll has sent a prefix',
    needs: 'back-pressure',
    async check(pair) {
      const { stream, peer } = pair
      const { sending, data } = await pair.clog()
      const first = await pair.take(peer, 1 + pair.random.below(1000))
      sending.cancel()
      await sending.completed()
      const closing = pair.begin('sendAll and close() after it', async () => {
        await stream.sendAll(MARK)
        await stream.close()
      })
      const all = Buffer.concat([first, await pair.drain(peer)])
      await pair.closeAtOnce(peer)
      await closing.outcome()
      const end = all.length - MARK.length
      same(all.subarray(Math.max(end, 0)), MARK, 'what was sent after the cancelled call')
      same(all.subarray(0, end), data.subarray(0, end), 'what the cancelled call has sent')
    },
  },
  {
    name: 'an iterator whose next() was cancelled goes on',
    async check(pair) {
      const chunks = pair.stream.receiveChunks()[Symbol.asyncIterator]()
      const waiting = pair.begin('next()', () => chunks.next())
      await pair.turns()
      waiting.cancel()
      await waiting.failsWith(Cancelled)
      const sending = pair.sendFromPeer('x')
      same(await next(pair, chunks), 'x', 'what came next')
      await sending.value()
    },
  },
  {
    name: 'a loop that is left ends the iterator, and not the stream',
    async check(pair) {
      const sending = pair.sendFromPeer('one\ntwo\n')
      await pair.do('a loop with break', async () => {
        for await (const line of pair.stream.receiveDelimitedChunks('\n', 100)) {
          same(line, 'one', 'the first frame')
          break
        }
      })
      same(await pair.take(pair.stream, 4), 'two\n', 'the rest')
      await sending.value()
      await pair.send('still open')
    },
  },
]

/** Sent behind a call that was cancelled. */
const MARK = Buffer.from('<and then this>')

/** Enough to combine every number of turns with every number of microtasks. */
const ROUNDS = 66

async function givesWay(pair: Pair, what: string, call: () => Promise<unknown>): Promise<void> {
  spendAll()
  const made = pair.begin(what, call)
  await made.value()
  ensure(made.gaveWay, `${what}: ${NO_TURN}`)
}

function total(parts: readonly Buffer[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}
