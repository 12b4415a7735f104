/** The heap of deadlines and its one timer: order, arming, and I/O before deadlines. */
import test from 'ava'
import fc from 'fast-check'
import type { Clock } from '../../../src/kernel/clock.ts'
import { Deadline, DeadlineQueue, type Host, type Timed } from '../../../src/kernel/deadlines.ts'

class FakeClock implements Clock {
  time = 0
  armedFor: number | undefined
  arms = 0
  fire: () => void = () => undefined

  now(): number {
    return this.time
  }

  arm(at: number, due: () => void): void {
    this.arms++
    this.armedFor = at
    this.fire = due
  }

  disarm(): void {
    this.armedFor = undefined
  }
}

const host: Host = { name: 'test', settleIo: (deliver) => deliver() }

function setUp() {
  const clock = new FakeClock()
  const queue = new DeadlineQueue(clock)
  const delivered: string[] = []
  const timed = (name: string, at: number, on: Host = host): Deadline => {
    const target: Timed = { host: () => on, due: () => void delivered.push(name) }
    return new Deadline(at, target)
  }
  const fireAt = (time: number): void => {
    clock.time = time
    clock.fire()
  }
  return { clock, queue, delivered, timed, fireAt }
}

test('deadlines are delivered in the order of their times, equal ones in the order of arrival', (t) => {
  const { queue, delivered, timed, fireAt } = setUp()
  for (const [name, at] of [
    ['c', 3],
    ['a', 1],
    ['b1', 2],
    ['b2', 2],
    ['d', 4],
  ] as const)
    queue.add(timed(name, at))
  fireAt(3)
  t.deepEqual(delivered, ['a', 'b1', 'b2', 'c'])
  t.is(queue.size, 1)
})

test('the timer is re-armed only for an earlier deadline', (t) => {
  const { clock, queue, timed, fireAt, delivered } = setUp()
  const first = timed('first', 100)
  queue.add(first)
  for (let n = 0; n < 1000; n++) {
    const later = timed('later', 101 + n)
    queue.add(later)
    queue.remove(later)
  }
  t.is(clock.arms, 1)
  queue.add(timed('earlier', 50))
  t.is(clock.arms, 2)
  t.is(clock.armedFor, 50)
  queue.remove(first)
  t.is(clock.arms, 2, 'removing touches no timer')
  fireAt(50)
  t.deepEqual(delivered, ['earlier'])
})

test('a scope opened and left again and again under one timeout arms one timer', (t) => {
  const { clock, queue, timed } = setUp()
  for (let n = 0; n < 1000; n++) {
    clock.time = n / 100
    const deadline = timed('scope', clock.time + 1000)
    queue.add(deadline)
    queue.remove(deadline)
  }
  t.is(clock.arms, 1)
  t.is(queue.size, 0)
})

test('a timer that fires early, or for a removed deadline, arms the next one', (t) => {
  const { clock, queue, timed, fireAt, delivered } = setUp()
  const removed = timed('removed', 10)
  queue.add(removed)
  queue.add(timed('next', 20))
  queue.remove(removed)
  fireAt(10)
  t.deepEqual(delivered, [])
  t.is(clock.armedFor, 20)
  fireAt(19.5)
  t.deepEqual(delivered, [])
  t.is(clock.armedFor, 20)
  fireAt(20)
  t.deepEqual(delivered, ['next'])
})

test('a deadline that never comes is not kept', (t) => {
  const { clock, queue, timed } = setUp()
  queue.add(timed('never', Infinity))
  t.is(queue.size, 0)
  t.is(clock.arms, 0)
})

test('the hosts concerned settle their I/O first, and what is moved meanwhile is not delivered', (t) => {
  const { queue, timed, fireAt, delivered } = setUp()
  const settles: (() => void)[] = []
  const slow: Host = { name: 'slow', settleIo: (deliver) => void settles.push(deliver) }
  const idle: Host = { name: 'idle', settleIo: () => t.fail('it has nothing due') }
  const moved = timed('moved', 1, slow)
  const gone = timed('gone', 2, slow)
  queue.add(moved)
  queue.add(gone)
  queue.add(timed('stays', 3, slow))
  queue.add(timed('quick', 3))
  queue.add(timed('much later', 100, idle))
  fireAt(3)
  t.is(settles.length, 1, 'once for each host')
  t.deepEqual(delivered, [])
  moved.at = 50
  queue.add(moved)
  queue.remove(gone)
  let afterwards = false
  queue.deliverDue(() => {
    afterwards = true
    t.deepEqual(delivered, ['stays', 'quick'])
  })
  t.false(afterwards)
  settles[0]!()
  t.true(afterwards)
  t.is(queue.size, 2)
})

test('deliverDue answers at once where nothing is due', (t) => {
  const { queue, timed } = setUp()
  queue.add(timed('later', 5))
  let answered = false
  queue.deliverDue(() => (answered = true))
  t.true(answered)
})

test('what is delivered may add and remove deadlines', (t) => {
  const { clock, queue, timed, fireAt, delivered } = setUp()
  const victim = timed('victim', 2)
  const late = timed('late', 10)
  queue.add(
    new Deadline(1, {
      host: () => host,
      due: () => {
        delivered.push('first')
        queue.remove(victim)
        queue.add(late)
      },
    }),
  )
  queue.add(victim)
  fireAt(2)
  t.deepEqual(delivered, ['first'])
  t.is(clock.armedFor, 10)
})

test('another clock takes over what is waiting', (t) => {
  const { clock, queue, timed, delivered } = setUp()
  queue.add(timed('waiting', 5))
  const other = new FakeClock()
  t.is(queue.useClock(other), clock)
  t.is(clock.armedFor, undefined)
  t.is(other.armedFor, 5)
  other.time = 5
  other.fire()
  t.deepEqual(delivered, ['waiting'])
})

type Step = { add: number } | { remove: number } | { move: number; to: number } | { advance: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ add: fc.nat(50) }),
  fc.record({ remove: fc.nat(30) }),
  fc.record({ move: fc.nat(30), to: fc.nat(50) }),
  fc.record({ advance: fc.nat(10) }),
)

test('property: the heap delivers what a sorted list would', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const { clock, queue, delivered, timed, fireAt } = setUp()
        const all: Deadline[] = []
        const names = new Map<Deadline, string>()
        let model: Deadline[] = []
        const expected: string[] = []
        const insert = (deadline: Deadline): void => {
          const at = model.findIndex((other) => other.at > deadline.at)
          model.splice(at === -1 ? model.length : at, 0, deadline)
        }
        for (const step of steps) {
          if ('add' in step) {
            const name = `d${all.length}`
            const deadline = timed(name, clock.time + step.add)
            names.set(deadline, name)
            all.push(deadline)
            queue.add(deadline)
            insert(deadline)
          } else if ('remove' in step) {
            const deadline = all[step.remove]
            if (deadline === undefined) continue
            queue.remove(deadline)
            model = model.filter((other) => other !== deadline)
          } else if ('move' in step) {
            const deadline = all[step.move]
            if (deadline === undefined) continue
            queue.remove(deadline)
            deadline.at = clock.time + step.to
            queue.add(deadline)
            model = model.filter((other) => other !== deadline)
            insert(deadline)
          } else {
            fireAt(clock.time + step.advance)
            while (model.length > 0 && model[0]!.at <= clock.time) expected.push(names.get(model.shift()!)!)
          }
          if (model.length > 0 && (clock.armedFor ?? Infinity) > model[0]!.at)
            throw new Error('nothing is armed in time')
        }
        if (queue.size !== model.length) throw new Error('size')
        if (delivered.join() !== expected.join()) throw new Error(`${delivered.join()} for ${expected.join()}`)
      }),
      { numRuns: 500 },
    ),
  )
})
