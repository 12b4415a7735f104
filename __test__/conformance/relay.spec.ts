/** `relay`: what is carried, in which order, and what is left of it when it ends well. */
import test from 'ava'
import {
  ClosedResourceError,
  createTaskGroup,
  relay,
  ResourceBusyError,
  SocketStream,
  sleep,
  Stream,
  type TaskHandle,
} from '../../index.ts'
import { eachBackend } from '../support/backends.ts'
import { eachBackendWithSockets } from '../support/net.ts'
import { rejection } from '../support/rejection.ts'
import { all, counted, eachLink, tcp, tls12, withLinks } from '../support/relaying.ts'

eachLink(
  test,
  'the end of one side is passed on, and the other direction goes on',
  async (t, { left, a, b, right }) => {
    await createTaskGroup(async (tg) => {
      const relaying = tg.spawn(() => relay(a, b))
      await left.sendAll('question')
      await left.sendEof()
      t.is((await all(right)).toString(), 'question')
      // Turns in which a relay that had ended with the first direction would have settled.
      for (let turn = 0; turn < 10; turn++) await sleep(0)
      t.is(relaying.status, 'running')
      await right.sendAll('answer')
      await right.sendEof()
      t.is((await all(left)).toString(), 'answer')
      t.deepEqual(await relaying.value(), { aToB: 8, bToA: 6 })
    })
    // Neither is closed, and both know where they stand.
    t.is((await a.receiveSome()).length, 0)
    t.is((await b.receiveSome()).length, 0)
    if (a instanceof SocketStream) await t.throwsAsync(a.sendAll('x'), { instanceOf: ClosedResourceError })
    await a.close()
    await b.close()
  },
)

eachLink(test, 'what has been read ahead goes first, and is counted', async (t, { left, a, b, right }) => {
  await left.sendAll('first line\nbehind it')
  await right.sendAll('greeting\nand more')
  t.is((await a.receiveUntil('\n', 100)).toString(), 'first line\n')
  t.is((await b.receiveUntil('\n', 100)).toString(), 'greeting\n')
  await createTaskGroup(async (tg) => {
    const relaying = tg.spawn(() => relay(a, b))
    await left.sendAll(', and after')
    t.is((await right.receiveExactly(20)).toString(), 'behind it, and after')
    t.is((await left.receiveExactly(8)).toString(), 'and more')
    t.is(a.bufferedData.length + b.bufferedData.length, 0)
    await Promise.all([left.sendEof(), right.sendEof()])
    t.deepEqual(await relaying.value(), { aToB: 20, bToA: 8 })
  })
})

eachLink(test, 'what the streams have taken leaves before', async (t, { left, a, b, right }) => {
  await left.sendAll('relayed')
  // In one turn: nothing of it has left when the relay begins.
  const sent = [b.sendAll('from b, '), a.sendAll('from a, ')]
  const relaying = relay(a, b)
  await Promise.all(sent)
  await right.sendAll('back')
  t.is((await right.receiveExactly(15)).toString(), 'from b, relayed')
  t.is((await left.receiveExactly(12)).toString(), 'from a, back')
  await Promise.all([left.sendEof(), right.sendEof()])
  t.deepEqual(await relaying, { aToB: 7, bToA: 4 })
})

eachLink(test, 'megabytes go both ways at once, in chunks of any size', async (t, { left, a, b, right }, backend) => {
  const size = backend.simulated ? 300_000 : 3_000_000
  const [there, back] = [counted(size, 1), counted(size + 12_345, 2)]
  await createTaskGroup(async (tg) => {
    const relaying = tg.spawn(() => relay(a, b))
    tg.spawn(send, left, there, 50_000)
    tg.spawn(send, right, back, 777)
    const [arrivedThere, arrivedBack] = await Promise.all([all(right), all(left)])
    t.true(arrivedThere.equals(there))
    t.true(arrivedBack.equals(back))
    t.deepEqual(await relaying.value(), { aToB: there.length, bToA: back.length })
  })
})

async function send(stream: Stream, data: Buffer, size: number): Promise<void> {
  for (let at = 0; at < data.length; at += size) await stream.sendAll(data.subarray(at, at + size))
  await stream.sendEof()
}

eachLink(test, 'both streams are its own while it lasts', async (t, { left, a, b, right }) => {
  await createTaskGroup(async (tg) => {
    const relaying = tg.spawn(() => relay(a, b))
    await left.sendAll('x')
    await right.receiveExactly(1)
    for (const stream of [a, b]) {
      t.true((await rejection(stream.receiveSome())) instanceof ResourceBusyError)
      t.true((await rejection(stream.receiveExactly(1))) instanceof ResourceBusyError)
      // What an own stream's sendAll does is its own business.
      if (!(stream instanceof SocketStream)) continue
      t.true((await rejection(stream.sendAll('x'))) instanceof ResourceBusyError)
      t.true((await rejection(stream.sendEof())) instanceof ResourceBusyError)
    }
    t.true((await rejection(relay(a, b))) instanceof ResourceBusyError)
    t.true((await rejection(relay(b, left))) instanceof ResourceBusyError)
    // The one that was refused has left nothing occupied.
    await right.sendAll('y')
    t.is((await left.receiveExactly(1)).toString(), 'y')
    await Promise.all([left.sendEof(), right.sendEof()])
    t.deepEqual(await relaying.value(), { aToB: 1, bToA: 1 })
  })
})

eachBackendWithSockets(test, 'a receive or a startTls that waits makes the relay busy', async (t, backend) => {
  await withLinks(t, backend, [tcp, tcp], async ({ left, a, b, right }) => {
    await createTaskGroup(async (tg) => {
      const receiving = tg.spawn(() => b.receiveExactly(4))
      await sleep(0)
      t.true((await rejection(relay(a, b))) instanceof ResourceBusyError)
      t.true((await rejection(relay(b, a))) instanceof ResourceBusyError)
      await right.sendAll('mine')
      t.is((await receiving.value()).toString(), 'mine')
      // And nothing stayed occupied.
      await left.sendAll('free')
      t.is((await a.receiveExactly(4)).toString(), 'free')
      await a.sendAll('free')
    })
  })
})

eachBackendWithSockets(test, 'a second relay goes on where the first one ended', async (t, backend) => {
  await withLinks(t, backend, [tcp, tcp], async ({ left, a, b, right }) => {
    await createTaskGroup(async (tg) => {
      const first = tg.spawn(() => relay(a, b))
      await left.sendAll('one')
      await right.receiveExactly(3)
      first.cancel()
      await first.wait()
      const second: TaskHandle<unknown> = tg.spawn(() => relay(b, a))
      await left.sendAll('two')
      await left.sendEof()
      t.is((await all(right)).toString(), 'two')
      await right.sendEof()
      t.deepEqual(await second.value(), { aToB: 0, bToA: 3 })
    })
    // Of two streams that have ended both ways there is nothing left to carry.
    t.deepEqual(await relay(a, b), { aToB: 0, bToA: 0 })
  })
})

eachBackendWithSockets(
  test,
  'of TLS 1.2 the end is a close_notify, and the other direction goes on',
  async (t, backend) => {
    await withLinks(t, backend, [tls12, tcp], async ({ left, a, b, right }) => {
      t.is((a as SocketStream).tlsVersion, 'TLSv1.2')
      await createTaskGroup(async (tg) => {
        const relaying = tg.spawn(() => relay(a, b))
        await right.sendAll('all there is')
        await right.sendEof()
        // The client reads the end of the data, as that of a response without a length.
        t.is((await all(left)).toString(), 'all there is')
        await left.sendAll('still here')
        t.is((await right.receiveExactly(10)).toString(), 'still here')
        await left.close()
        t.is((await all(right)).length, 0)
        t.deepEqual(await relaying.value(), { aToB: 10, bToA: 12 })
      })
    })
  },
)

eachBackend(test, 'bad arguments are told before anything is begun', async (t, backend) => {
  await withLinks(t, backend, [tcp, tcp], async ({ left, a, b, right }) => {
    const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
    const range = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }
    const wrong = (...args: unknown[]): Promise<unknown> => relay(...(args as [Stream, Stream]))
    await t.throwsAsync(wrong(a), { ...type, message: /"b"/ })
    await t.throwsAsync(wrong(undefined, b), { ...type, message: /"a"/ })
    await t.throwsAsync(wrong({}, b), type)
    await t.throwsAsync(wrong(a, a), { ...range, message: /another stream/ })
    await t.throwsAsync(wrong(a, b, 5), type)
    await t.throwsAsync(wrong(a, b, null), type)
    await t.throwsAsync(wrong(a, b, { idleTimeout: '5' }), type)
    await t.throwsAsync(wrong(a, b, { idleTimeout: NaN }), range)
    await left.sendAll('a')
    t.is((await a.receiveExactly(1)).toString(), 'a')
    await b.sendAll('b')
    t.is((await right.receiveExactly(1)).toString(), 'b')
    await Promise.all([left.sendEof(), right.sendEof()])
    t.deepEqual(await relay(a, b, { idleTimeout: undefined }), { aToB: 0, bToA: 0 })
    await a.close()
    await t.throwsAsync(relay(a, b), { instanceOf: ClosedResourceError })
    await t.throwsAsync(relay(b, a), { instanceOf: ClosedResourceError })
  })
})
