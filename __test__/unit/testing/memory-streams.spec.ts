/** Streams in memory, beyond the rules of all streams (conformance/stream-kit.spec.ts). */
import test from 'ava'
import {
  BrokenResourceError,
  CancelScope,
  checkpoint,
  ClosedResourceError,
  NotRunningError,
  run,
  Stream,
} from '../../../index.ts'
import { lockstepStreamPair, memoryStreamPair } from '../../../src/testing/index.ts'
import { rejection } from '../../support/rejection.ts'

test('a lockstep send resolves when the last byte has been received, and not before', async (t) => {
  await run(async () => {
    const [here, there] = lockstepStreamPair()
    t.true(here instanceof Stream)
    let sent = false
    const sending = here.sendAll('abc').then(() => (sent = true))
    t.is((await there.receiveSome(2)).toString(), 'ab')
    for (let turn = 0; turn < 5; turn++) await checkpoint()
    t.false(sent)
    t.is((await there.receiveSome(2)).toString(), 'c')
    await sending
    t.true(sent)
  })
})

test('a lockstep send gives a waiting receiver what it asked for, and waits with the rest', async (t) => {
  await run(async () => {
    const [here, there] = lockstepStreamPair()
    const receiving = there.receiveSome(2)
    const sending = here.sendAll('abc')
    t.is((await receiving).toString(), 'ab')
    t.is((await there.receiveSome()).toString(), 'c')
    await sending
  })
})

test('a lockstep send that is cancelled has sent what was received by then', async (t) => {
  await run(async () => {
    const [here, there] = lockstepStreamPair()
    const scope = new CancelScope()
    const sending = scope.run(() => here.sendAll('abcdef'))
    t.is((await there.receiveSome(4)).toString(), 'abcd')
    scope.cancel()
    await sending
    t.true(scope.cancelledCaught)
    const next = here.sendAll('next')
    t.is((await there.receiveSome()).toString(), 'next')
    await next
  })
})

test('a memory stream takes whatever is sent, and gives it in the largest pieces asked for', async (t) => {
  await run(async () => {
    const [here, there] = memoryStreamPair()
    for (let n = 0; n < 1000; n++) await here.sendAll(`line ${n}\n`)
    await here.sendEof()
    const parts: Buffer[] = []
    for await (const part of there) parts.push(part)
    t.is(parts.length, 1)
    t.is(Buffer.concat(parts).toString().split('\n').length, 1001)
  })
})

test('after the peer’s close what it sent is still received, and a send is broken', async (t) => {
  await run(async () => {
    const [here, there] = memoryStreamPair()
    await there.sendAll('last words')
    await there.close()
    const error = await rejection(here.sendAll('hello?'))
    t.true(error instanceof BrokenResourceError)
    t.is((await here.receiveSome()).toString(), 'last words')
    t.is((await here.receiveSome()).length, 0)
    await here.close()
    t.true((await rejection(here.sendAll('x'))) instanceof ClosedResourceError)
  })
})

test('they belong to no run: what one has sent, another receives', async (t) => {
  const [here, there] = memoryStreamPair()
  await run(() => here.sendAll('across'), { backend: 'node' })
  t.is((await run(() => there.receiveSome(), { backend: 'node' })).toString(), 'across')
  await t.throwsAsync(here.sendAll('x'), { instanceOf: NotRunningError })
  // Closing works everywhere.
  await here.close()
  t.is((await run(() => there.receiveSome(), { backend: 'node' })).length, 0)
})
