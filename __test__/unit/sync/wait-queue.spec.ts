/** The queue under every primitive, the deque under the channels, and when a waiter hears of what it was given. */
import test from 'ava'
import fc from 'fast-check'
import { Cancelled } from '../../../src/errors.ts'
import { enterOperation } from '../../../src/kernel/context.ts'
import { resetBudget, spendBudget } from '../../../src/kernel/turn.ts'
import { type AnyQueue, type Queued, WaitQueue, Waiter } from '../../../src/kernel/wait-queue.ts'
import { openCancelScope } from '../../../src/scopes.ts'
import { Deque } from '../../../src/sync/deque.ts'
import { microtasks, runBare } from '../../support/kernel-run.ts'
import { rejection } from '../../support/rejection.ts'

class Entry implements Queued {
  _before: Queued | undefined = undefined
  _after: Queued | undefined = undefined
  _queue: AnyQueue | undefined = undefined
  readonly id: number

  constructor(id: number) {
    this.id = id
  }
}

/** Writes down what it had to give back, and whether that was before it heard of it. */
class Recorder extends Waiter<string> {
  readonly taken: string[] = []

  protected override takeBack(value: string): void {
    this.taken.push(`${value} ${this.pending}`)
  }
}

test.serial('property: a queue is a list that anybody may leave', (t) => {
  const moves = fc.array(fc.tuple(fc.constantFrom('push', 'shift', 'delete'), fc.nat({ max: 20 })), { maxLength: 60 })
  t.notThrows(() =>
    fc.assert(
      fc.property(moves, (script) => {
        const queue = new WaitQueue<Entry>()
        let model: Entry[] = []
        const gone: Entry[] = []
        script.forEach(([move, n], id) => {
          if (move === 'push') {
            const entry = new Entry(id)
            queue.push(entry)
            model.push(entry)
          } else if (move === 'shift') {
            if (queue.shift() !== model.shift()) throw new Error('not the first')
          } else {
            const entry = model[n % Math.max(model.length, 1)] ?? gone[0]
            if (entry === undefined) return
            queue.delete(entry)
            // Whoever has left may leave again.
            queue.delete(entry)
            gone.push(entry)
            model = model.filter((other) => other !== entry)
          }
          const ids = [...queue].map((entry) => entry.id)
          if (ids.join() !== model.map((entry) => entry.id).join() || queue.length !== model.length) {
            throw new Error(`${ids.join()} of ${queue.length}`)
          }
        })
      }),
      { numRuns: 500, includeErrorInReport: true },
    ),
  )
})

test.serial('property: a deque is a list, and keeps nothing that was taken', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -60, max: 60 }), { maxLength: 20 }), (script) => {
        const deque = new Deque<number>()
        const model: number[] = []
        let next = 0
        for (const n of script) {
          for (let i = 0; i < n; i++) {
            deque.push(next)
            model.push(next++)
          }
          for (let i = 0; i < -n && model.length > 0; i++) {
            if (deque.shift() !== model.shift()) throw new Error('not the first')
          }
          if (deque.length !== model.length) throw new Error('length')
        }
      }),
    ),
  )
})

test.serial('an answer counts at once; a grant after the running JavaScript', async (t) => {
  await runBare(async () => {
    const queue = new WaitQueue<Recorder>()
    for (const [how, expected] of [
      ['answer', 'value'],
      ['grant', 'cancelled'],
    ] as const) {
      await openCancelScope(async (scope) => {
        const waiter = new Recorder('a test')
        const promise = waiter.waitIn(queue, enterOperation('test'))
        resetBudget()
        queue.shift()![how]('value')
        t.is(queue.length, 0)
        scope.cancel()
        const outcome = await promise.catch((error: unknown) => (error instanceof Cancelled ? 'cancelled' : 'odd'))
        t.is(outcome, expected)
        t.deepEqual(waiter.taken, how === 'grant' ? ['value true'] : [])
      })
    }
  })
})

test.serial('a grant that was told is not taken back', async (t) => {
  await runBare(async () => {
    await openCancelScope(async (scope) => {
      const waiter = new Recorder('a test')
      const promise = waiter.waitIn(new WaitQueue(), enterOperation('test'))
      waiter._queue!.delete(waiter)
      waiter.grant('value')
      await microtasks()
      scope.cancel()
      t.is(await promise, 'value')
      t.deepEqual(waiter.taken, [])
    })
  })
})

test.serial(
  'with the budget of the turn spent, an answer is certain and comes later; a grant may still be cancelled',
  async (t) => {
    await runBare(async () => {
      for (const how of ['answer', 'grant'] as const) {
        await openCancelScope(async (scope) => {
          const queue = new WaitQueue<Recorder>()
          const waiter = new Recorder('a test')
          const promise = waiter.waitIn(queue, enterOperation('test'))
          while (spendBudget());
          queue.shift()![how]('late')
          // Microtasks alone do not bring it: it waits for the next turn.
          for (let n = 0; n < 40; n++) await null
          t.true(waiter.pending)
          scope.cancel()
          if (how === 'answer') t.is(await promise, 'late')
          else {
            t.true((await rejection(promise)) instanceof Cancelled)
            t.deepEqual(waiter.taken, ['late true'])
          }
        })
      }
    })
  },
)

test.serial('ten thousand waiters are cancelled in one pass, from the middle of the queue', async (t) => {
  await runBare(async () => {
    const queue = new WaitQueue<Waiter<void>>()
    const outer = new Waiter<void>('the first').waitIn(queue, enterOperation('test'))
    await openCancelScope(async (scope) => {
      for (let n = 0; n < 10_000; n++) void new Waiter<void>('a test').waitIn(queue, enterOperation('test'))
      t.is(queue.length, 10_001)
      scope.cancel()
    })
    t.is(queue.length, 1)
    queue.shift()!.answer()
    await outer
  })
})
