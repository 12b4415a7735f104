/** Two calls in one direction: a second receive is refused, sends do not mix, and the first call is not disturbed. */

import { ResourceBusyError } from '../../errors.ts'
import { failure } from '../failure.ts'
import { receivingCalls } from './calls.ts'
import { ensure, type Rule, same } from './pair.ts'

export const sharing: readonly Rule[] = [
  {
    name: 'a second receive is refused, and the first goes on',
    async check(pair) {
      const { stream } = pair
      const waiting = pair.begin('receiveSome()', () => stream.receiveSome())
      await pair.turns()
      ensure(waiting.pending, `nothing was sent, but ${waiting.told}`)
      for (const [what, call] of receivingCalls(stream)) {
        await pair.refused(ResourceBusyError, `${what} while another task receives`, call)
      }
      const sending = pair.sendFromPeer('x')
      same(await waiting.value(), 'x', 'what the first call received')
      await sending.value()
    },
  },
  {
    name: 'a second next() is refused, and the first goes on',
    async check(pair) {
      const chunks = pair.stream.receiveChunks()[Symbol.asyncIterator]()
      const waiting = pair.begin('next()', () => chunks.next())
      await pair.refused(ResourceBusyError, 'a second next() at the same time', () => chunks.next())
      const sending = pair.sendFromPeer('x')
      const result: IteratorResult<Buffer, unknown> = await waiting.value()
      if (result.done === true) throw failure('the iteration has ended')
      same(result.value, 'x', 'what the first next() gave')
      await sending.value()
    },
  },
  {
    name: 'sends that overlap do not mix: each leaves whole, in call order, or is refused',
    needs: 'back-pressure',
    async check(pair) {
      const { stream, peer } = pair
      const { sending, data } = await pair.clog()
      const [one, other] = [pair.random.bytes(1000), pair.random.bytes(1000)]
      const behind = [
        pair.begin('a second sendAll(1000 bytes)', () => stream.sendAll(one)),
        pair.begin('sendMany(1000 bytes in two parts) behind it', () =>
          stream.sendMany([other.subarray(0, 500), other.subarray(500)]),
        ),
      ]
      await pair.turns()
      same(await pair.take(peer, data.length), data, 'what the first call sent')
      await sending.value()
      for (const [index, call] of behind.entries()) {
        if (!call.pending && (await call.outcome()).kind === 'threw') await call.failsWith(ResourceBusyError)
        else {
          same(await pair.take(peer, 1000), index === 0 ? one : other, 'what a call behind it sent')
          await call.value()
        }
      }
      await pair.send('the next')
    },
  },
]
