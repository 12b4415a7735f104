/** `fromEmitter`: the events of an emitter as a stream, and listeners that are gone when it is over. */
import { EventEmitter } from 'node:events'
import test from 'ava'
import {
  BrokenResourceError,
  createTaskGroup,
  dumpTasks,
  EndOfStream,
  fromEmitter,
  type FromEmitterOptions,
  type MemoryReceiveStream,
  openCancelScope,
  waitAllTasksBlocked,
} from '../../index.ts'
import { eachBackend } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

const ROOMY: FromEmitterOptions = { capacity: 10, onFull: 'error' }

const listeners = (emitter: EventEmitter): number =>
  emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0)

async function all(stream: MemoryReceiveStream<unknown>): Promise<unknown[]> {
  const items: unknown[] = []
  for await (const item of stream) items.push(item)
  return items
}

eachBackend(
  test,
  'Y80: one argument is the item, several are an array, none is undefined; of an EventTarget it is the event',
  async (t, backend) => {
    await backend.run(async () => {
      const emitter = new EventEmitter()
      const name = Symbol('event')
      const stream = fromEmitter(emitter, name, { ...ROOMY, endEvent: 'end' })
      emitter.emit(name, 1)
      emitter.emit(name, 1, 2)
      emitter.emit(name)
      emitter.emit('other', 3)
      emitter.emit('end', 'ignored')
      emitter.emit(name, 4)
      t.is(listeners(emitter), 0)
      t.deepEqual(await all(stream), [1, [1, 2], undefined])
      t.true((await rejection(stream.receive())) instanceof EndOfStream)

      const target = new EventTarget()
      const events = fromEmitter<Event>(target, 'x', { ...ROOMY, endEvent: 'end' })
      const event = new Event('x')
      target.dispatchEvent(event)
      target.dispatchEvent(new Event('end'))
      target.dispatchEvent(new Event('x'))
      t.deepEqual(await all(events), [event])
    })
  },
)

eachBackend(test, 'Y81: a receiver that waits gets the next event, from outside of every task', async (t, backend) => {
  await backend.run(async () => {
    const emitter = new EventEmitter()
    await createTaskGroup(async (tg) => {
      using stream = fromEmitter(emitter, 'x', ROOMY)
      const waiting = tg.spawn({ name: 'reader' }, () => stream.receive())
      const batch = tg.spawn(() => stream.receiveBatch(5))
      await waitAllTasksBlocked()
      t.regex(dumpTasks(), /"reader" waits for an item of the event "x"/)
      for (const item of [1, 2, 3]) emitter.emit('x', item)
      t.is(await waiting.value(), 1)
      t.deepEqual(await batch.value(), [2, 3])
    })
    t.is(listeners(emitter), 0)
  })
})

for (const [onFull, kept] of [
  ['drop-oldest', [3, 4]],
  ['drop-newest', [1, 2]],
  ['error', [1, 2]],
] as const) {
  eachBackend(test, `Y82: a stream that is full and is not read: ${onFull}; emit never throws`, async (t, backend) => {
    await backend.run(async () => {
      const emitter = new EventEmitter()
      using stream = fromEmitter(emitter, 'x', { capacity: 2, onFull })
      for (const item of [1, 2, 3, 4]) t.notThrows(() => emitter.emit('x', item))
      t.is(stream.statistics().dropped, onFull === 'error' ? undefined : 2)
      t.deepEqual(await stream.receiveBatch(9), [...kept])
      if (onFull === 'error') {
        t.true((await rejection(stream.receive())) instanceof BrokenResourceError)
        t.is(listeners(emitter), 0)
      } else {
        emitter.emit('x', 5)
        t.is(await stream.receive(), 5)
      }
    })
  })
}

eachBackend(
  test,
  'Y83: the error event ends the stream behind what is there; it need not bring an Error',
  async (t, backend) => {
    await backend.run(async () => {
      const failure = new Error('of the emitter')
      for (const [options, name, reason, expected] of [
        [ROOMY, 'error', failure, failure],
        [{ ...ROOMY, errorEvent: 'fault' }, 'fault', failure, failure],
        [ROOMY, 'error', 'text', /emitted "error"/],
        [ROOMY, 'error', undefined, /emitted "error"/],
      ] as const) {
        const emitter = new EventEmitter()
        const stream = fromEmitter(emitter, 'x', options)
        emitter.emit('x', 1)
        emitter.emit(name, reason)
        t.is(listeners(emitter), 0)
        t.is(await stream.receive(), 1)
        const error = await rejection(stream.receive())
        if (expected instanceof RegExp) {
          t.true(error instanceof BrokenResourceError && error.cause === reason)
          t.regex(String(error), expected)
        } else t.is(error, expected)
        t.is(await rejection(all(stream)).then(String), String(error))
      }
      // Of an EventTarget, an error is in the event.
      const target = new EventTarget()
      const stream = fromEmitter(target, 'x', { ...ROOMY, errorEvent: 'error' })
      target.dispatchEvent(Object.assign(new Event('error'), { error: failure }))
      t.is(await rejection(stream.receive()), failure)
      // No listener for it: Node's own rule holds.
      const emitter = new EventEmitter()
      using _ = fromEmitter(emitter, 'x', { ...ROOMY, errorEvent: null })
      t.throws(() => emitter.emit('error', failure), { is: failure })
      using errors = fromEmitter(emitter, 'error', ROOMY)
      emitter.emit('error', failure)
      t.is(await errors.receive(), failure)
    })
  },
)

eachBackend(
  test,
  'Y84: the listeners are removed with the last receiver, and with the scope that the stream was made in',
  async (t, backend) => {
    const emitter = new EventEmitter()
    await backend.run(async () => {
      const stream = fromEmitter(emitter, 'x', { ...ROOMY, endEvent: 'end' })
      const other = stream.clone()
      t.is(listeners(emitter), 3)
      stream.close()
      t.is(listeners(emitter), 3)
      other.close()
      t.is(listeners(emitter), 0)

      const left = await openCancelScope(() => {
        const made = fromEmitter(emitter, 'x', ROOMY)
        emitter.emit('x', 1)
        return made
      })
      t.is(listeners(emitter), 0)
      t.deepEqual(await all(left), [1])

      await openCancelScope(async (scope) => {
        using cut = fromEmitter(emitter, 'x', ROOMY)
        scope.cancel()
        emitter.emit('x', 2)
        t.is(cut.receiveNowait(), 2)
        await cut.receive()
      })
      t.is(listeners(emitter), 0)

      // One that was left behind with its body.
      let release!: () => void
      await openCancelScope({ abandon: true }, async (scope) => {
        fromEmitter(emitter, 'x', ROOMY)
        scope.cancel()
        await new Promise<void>((resolve) => (release = resolve))
      })
      t.is(listeners(emitter), 0)
      release()
      fromEmitter(emitter, 'x', ROOMY)
    })
    t.is(listeners(emitter), 0, 'the run has ended')

    // Outside of every run it is closed by hand.
    const stream = fromEmitter(emitter, 'x', ROOMY)
    emitter.emit('x', 3)
    t.is(stream.receiveNowait(), 3)
    stream.close()
    t.is(listeners(emitter), 0)
  },
)

test('Y85: what is no emitter, and options that make no sense, are refused, and leave no listener', (t) => {
  const emitter = new EventEmitter()
  for (const bad of [undefined, null, 1, {}, { on: () => {} }]) {
    t.throws(() => fromEmitter(bad as never, 'x', ROOMY), { instanceOf: TypeError })
  }
  for (const [event, options, kind] of [
    ['x', { capacity: 0, onFull: 'error' }, RangeError],
    ['x', { capacity: NaN, onFull: 'error' }, RangeError],
    ['x', { onFull: 'error' }, TypeError],
    ['x', { capacity: 1 }, RangeError],
    ['x', { capacity: 1, onFull: 'wait' }, RangeError],
    ['x', undefined, TypeError],
    [1, ROOMY, TypeError],
    ['x', { ...ROOMY, errorEvent: 1 }, TypeError],
    ['x', { ...ROOMY, endEvent: {} }, TypeError],
    ['x', { ...ROOMY, endEvent: 'x' }, RangeError],
    ['x', { ...ROOMY, errorEvent: 'x' }, RangeError],
    ['x', { ...ROOMY, errorEvent: 'e', endEvent: 'e' }, RangeError],
  ] as const) {
    t.throws(
      () => fromEmitter(emitter, event as never, options as never),
      { instanceOf: kind },
      JSON.stringify(options),
    )
  }
  // One whose second listener is refused.
  const picky = new EventEmitter()
  const failure = new Error('no more listeners')
  picky.on('newListener', (name) => {
    if (name === 'end') throw failure
  })
  t.throws(() => fromEmitter(picky, 'x', { ...ROOMY, endEvent: 'end' }), { is: failure })
  t.is(picky.listenerCount('x'), 0)
  t.is(emitter.eventNames().length, 0)
})

eachBackend(
  test,
  'Y86: a listener that is called after its removal, in the middle of emit, adds nothing',
  async (t, backend) => {
    await backend.run(async () => {
      const emitter = new EventEmitter()
      const stream = fromEmitter(emitter, 'x', ROOMY)
      emitter.prependOnceListener('x', () => stream.close())
      t.notThrows(() => emitter.emit('x', 1))
      t.is(stream.statistics().currentBufferUsed, 0)
      t.is(listeners(emitter), 0)
    })
  },
)
