/** A stream of a user's own: four methods written, everything else derived, and the rules of streams kept for it. */
import test from 'ava'
import { Cancelled, ClosedResourceError, IncompleteRead, ResourceBusyError } from '../../../src/errors.ts'
import { run as runOn } from '../../../src/run.ts'
import { checkpoint, moveOnAfter, openCancelScope, sleep } from '../../../src/scopes.ts'
import { Stream } from '../../../src/streams/stream.ts'
import { createTaskGroup } from '../../../src/task-groups.ts'
import { ChunkStream, ManualStream } from '../../support/streams.ts'

const run = <T>(main: () => Promise<T>): Promise<T> => runOn(main, { backend: 'node' })

test('receiveSome gives what framing has read ahead before it asks the stream’s own', async (t) => {
  await run(async () => {
    const stream = new ChunkStream(['one\ntwo', ' three'])
    t.is((await stream.receiveUntil('\n', 10)).toString(), 'one\n')
    t.is((await stream.receiveSome()).toString(), 'two')
    t.is((await stream.receiveSome()).toString(), ' three')
    t.is((await stream.receiveSome()).length, 0)
  })
})

test('the same for methods that are fields', async (t) => {
  class FieldStream extends Stream {
    #chunks = ['one\ntwo', ' three']
    receiveSome = async (): Promise<Buffer> => Buffer.from(this.#chunks.shift() ?? '')
    sendAll = async (): Promise<void> => {}
    sendEof = async (): Promise<void> => {}
    close = async (): Promise<void> => {}
  }
  await run(async () => {
    const stream = new FieldStream()
    t.is((await stream.receiveUntil('\n', 10)).toString(), 'one\n')
    t.is((await stream.receiveSome()).toString(), 'two')
    await t.throwsAsync(stream.receiveExactly(10), { instanceOf: IncompleteRead })
    await stream.close()
    await t.throwsAsync(stream.receiveSome(), { instanceOf: ClosedResourceError })
  })
})

test('a subclass of a subclass calls super.receiveSome as it likes', async (t) => {
  class Shouting extends ChunkStream {
    override async receiveSome(maxBytes?: number): Promise<Buffer> {
      return Buffer.from((await super.receiveSome(maxBytes)).toString().toUpperCase())
    }
  }
  await run(async () => {
    const stream = new Shouting(['a b', 'c\nd'])
    t.is((await stream.receiveUntil('\n', 10)).toString(), 'A BC\n')
    t.is((await stream.receiveSome()).toString(), 'D')
  })
})

test('two tasks: the second receive is refused, the first undisturbed', async (t) => {
  await run(async () => {
    const stream = new ManualStream()
    await createTaskGroup(async (group) => {
      const first = group.spawn(() => stream.receiveExactly(4))
      await checkpoint()
      await t.throwsAsync(stream.receiveSome(), { instanceOf: ResourceBusyError })
      stream.give('ab')
      await checkpoint()
      await t.throwsAsync(stream.receiveUntil('\n', 5), { instanceOf: ResourceBusyError })
      stream.give('cd')
      t.is((await first.value()).toString(), 'abcd')
    })
    t.is(stream.calls, 2)
  })
})

test('a cancelled receive leaves a call that cannot be cancelled, and the next one gets its bytes', async (t) => {
  await run(async () => {
    const stream = new ManualStream()
    await moveOnAfter(0, () => stream.receiveExactly(1))
    await openCancelScope(async (scope) => {
      const waiting = stream.receiveExactly(5)
      scope.cancel()
      await t.throwsAsync(waiting, { instanceOf: Cancelled })
    })
    await createTaskGroup(async (group) => {
      const next = group.spawn(() => stream.receiveExactly(5))
      await checkpoint()
      t.is(stream.calls, 1, 'the call under way is waited for, not doubled')
      stream.give('abc')
      while (!stream.waiting) await sleep(0)
      stream.give('de')
      t.is((await next.value()).toString(), 'abcde')
    })
  })
})

test('bytes that come while nobody receives wait in the buffer', async (t) => {
  await run(async () => {
    const stream = new ManualStream()
    await openCancelScope(async (scope) => {
      const waiting = stream.receiveSome()
      scope.cancel()
      await waiting
    })
    stream.give('late')
    await checkpoint()
    t.is(stream.bufferedData.toString(), 'late')
    t.is((await stream.receiveSome()).toString(), 'late')
  })
})

test('the failure of an abandoned call is the next receive’s', async (t) => {
  await run(async () => {
    const stream = new ManualStream()
    await openCancelScope(async (scope) => {
      const waiting = stream.receiveSome()
      scope.cancel()
      await waiting
    })
    stream.fail(new TypeError('lost'))
    await checkpoint()
    await t.throwsAsync(stream.receiveSome(), { instanceOf: TypeError, message: 'lost' })
  })
})

test('a receiveSome that is cancelled by its own scope is asked anew by the next receive', async (t) => {
  class Sleeper extends ManualStream {
    slept = 0
    override async receiveSome(): Promise<Buffer> {
      this.slept++
      if (this.slept === 1) await sleep(1e9)
      return Buffer.from('awake')
    }
  }
  await run(async () => {
    const stream = new Sleeper()
    await openCancelScope(async (scope) => {
      const waiting = stream.receiveExactly(5)
      scope.cancel()
      await waiting
    })
    t.is((await stream.receiveExactly(5)).toString(), 'awake')
  })
})

test('close wakes the receive that waits, and what was read ahead is gone', async (t) => {
  await run(async () => {
    const stream = new ManualStream()
    await createTaskGroup(async (group) => {
      group.spawn(async () => {
        await t.throwsAsync(stream.receiveExactly(2), { instanceOf: ClosedResourceError })
      })
      await checkpoint()
      stream.give('x')
      await checkpoint()
      await stream.close()
    })
    await t.throwsAsync(stream.receiveSome(), { instanceOf: ClosedResourceError })
    await t.throwsAsync(stream.receiveChunks().next(), { instanceOf: ClosedResourceError })
    t.is(stream.bufferedData.length, 0)
  })
})

test('an error of the own receiveSome comes out as it is; so does a throw, and an answer that is no Buffer is a TypeError', async (t) => {
  await run(async () => {
    const failing = new ChunkStream([new RangeError('mine'), 'more'])
    await t.throwsAsync(failing.receiveExactly(2), { message: 'mine' })
    t.is((await failing.receiveExactly(2)).toString(), 'mo')
    const throwing = new ManualStream()
    throwing.receiveSome = () => {
      throw new Error('at once')
    }
    await t.throwsAsync(throwing.receiveExactly(1), { message: 'at once' })
    const wrong = new ManualStream()
    wrong.receiveSome = async () => 'text' as unknown as Buffer
    await t.throwsAsync(wrong.receiveExactly(1), { code: 'ERR_INVALID_ARG_TYPE' })
    const plain = new ManualStream()
    plain.receiveSome = async () => new Uint8Array([65, 66]) as Buffer
    const received = await plain.receiveExactly(2)
    t.true(Buffer.isBuffer(received))
    t.is(received.toString(), 'AB')
  })
})

test('sendMany is one sendAll; asyncDispose closes and raises no cancellation', async (t) => {
  await run(async () => {
    const stream = new ChunkStream([])
    await stream.sendMany(['a', Buffer.from('b'), 'é'])
    t.deepEqual(stream.sent, ['abé'])
    await openCancelScope(async (scope) => {
      scope.cancel()
      await stream[Symbol.asyncDispose]()
    })
    t.is(stream.closed, 1)
  })
})

test('receiveInto fills the caller’s memory', async (t) => {
  await run(async () => {
    const stream = new ChunkStream(['abcdef'])
    const view = new Uint8Array(4)
    t.is(await stream.receiveInto(view), 4)
    t.is(Buffer.from(view).toString(), 'abcd')
    t.is((await stream.receiveUntil('f', 5)).toString(), 'ef')
    t.is(await stream.receiveInto(view), 0)
  })
})
