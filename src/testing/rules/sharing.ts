/** Two calls in the same direction: the second is refused, and the first does not notice. */

import { ResourceBusyError } from '../../errors.ts'
import { failure } from '../failure.ts'
import { receivingCalls, sendingCalls } from './calls.ts'
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
    name: 'a second send is refused, and the first goes on',
    needs: 'back-pressure',
    async check(pair) {
      const { stream } = pair
      const { sending, data } = await pair.clog()
      for (const [what, call] of sendingCalls(stream)) {
        await pair.refused(ResourceBusyError, `${what} while another task sends`, call)
      }
      if (pair.settings.halfClose) {
        await pair.refused(ResourceBusyError, 'sendEof() while another task sends', () => stream.sendEof())
      }
      same(await pair.take(pair.peer, data.length), data, 'what the first call sent')
      await sending.value()
      await pair.send('the next')
    },
  },
]
