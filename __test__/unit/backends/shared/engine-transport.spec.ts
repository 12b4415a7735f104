/** TLS over any transport, with an engine that encrypts nothing: what is tested is who waits for whom. */
import { AsyncLocalStorage } from 'node:async_hooks'
import test from 'ava'
import { setImmediate as turn } from 'node:timers/promises'
import type { StreamTransport, TlsStart } from '../../../../src/backends/contract/backend.ts'
import { startEngine } from '../../../../src/backends/shared/engine-transport.ts'
import { TLSEOFError, TLSError } from '../../../../src/errors.ts'
import { FakeEngine, record } from '../fake-engine.ts'
import { PipeEnd, User } from '../pipe.ts'

const START: Omit<TlsStart, 'side'> = {
  settings: {} as TlsStart['settings'],
  hostname: undefined,
  standardCompatible: true,
  ahead: Buffer.alloc(0),
  peer: '127.0.0.1:1',
}

interface Side {
  readonly user: User
  readonly transport: StreamTransport
  readonly lower: PipeEnd
  readonly engine: FakeEngine
}

function begin(lower: PipeEnd, side: TlsStart['side'], more: Partial<TlsStart> = {}) {
  let engine: FakeEngine | undefined
  let abandon = (): void => {}
  const made = new Promise<StreamTransport>((resolve, reject) => {
    let inside = true
    abandon = startEngine(
      lower,
      { ...START, side, ...more },
      (start, sink) => (engine = new FakeEngine(start, sink)),
      (error, transport) => {
        if (inside) throw new Error('answered inside the call that asked')
        if (error === undefined) resolve(transport as StreamTransport)
        else reject(error)
      },
    )
    inside = false
  })
  return { made, abandon, engine: engine as unknown as FakeEngine }
}

async function secured(lower: PipeEnd, side: TlsStart['side'], more?: Partial<TlsStart>): Promise<Side> {
  const { made, engine } = begin(lower, side, more)
  const transport = await made
  return { user: new User(transport), transport, lower, engine }
}

async function pair(room?: number, more?: Partial<TlsStart>): Promise<[Side, Side]> {
  const [a, b] = PipeEnd.pair(room)
  return Promise.all([secured(a, 'client', more), secured(b, 'server', more)])
}

const bytes = (length: number, seed: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 7 + seed + (i >> 8)) & 255))

test('a handshake, and bytes both ways; what the transport is asked goes to the lower one', async (t) => {
  const [a, b] = await pair()
  t.is(a.transport.tls?.version, 'TLSv1.3')
  t.true(a.transport.saysGoodbye)
  a.transport.send(Buffer.from('to b'))
  b.transport.send(Buffer.from('to a'))
  t.is((await b.user.receive()).toString(), 'to b')
  t.is((await a.user.receive(2)).toString(), 'to')
  t.is((await a.user.receive(2)).toString(), ' a')
  t.is(a.transport.remoteAddress, a.lower.remoteAddress)
  t.is(a.transport.localAddress, a.lower.localAddress)
  t.is(a.transport.getsockopt(1, 2), 7)
  a.transport.setsockopt(1, 2, 3)
  a.transport.ref()
  a.transport.unref()
  a.transport.reset()
  t.deepEqual(a.lower.calls.slice(-4), ['setsockopt', 'ref', 'unref', 'reset'])
  t.true(a.engine.destroyed)
})

test('bytes that were read before the handshake are its first ones', async (t) => {
  const [a, b] = PipeEnd.pair()
  const { transport } = await secured(a, 'server', {
    ahead: Buffer.concat([record('H'), record('D', Buffer.from('x'))]),
  })
  t.is((await new User(transport).receive()).toString(), 'x')
  t.deepEqual(Buffer.concat(a.sent), record('H'))
  b.destroy()
})

test('the lower transport is read only while somebody waits', async (t) => {
  const [a, b] = await pair()
  await turn()
  const before = b.lower.receives
  t.false(b.lower.pending)
  a.transport.send(Buffer.from('unasked'))
  await turn()
  t.is(b.lower.receives, before)
  t.is((await b.user.receive()).toString(), 'unasked')
  t.false(b.lower.pending)
})

test('a receive that is cancelled in the middle of a record loses nothing', async (t) => {
  const [a] = await pair()
  const data = record('D', Buffer.from('whole'))
  const abandoned = a.user.receive()
  a.lower.arrive(data.subarray(0, 5))
  await turn()
  a.transport.cancelReceive()
  t.false(a.lower.pending)
  a.lower.arrive(data.subarray(5))
  await turn()
  t.is(await Promise.race([abandoned, Promise.resolve('nothing')]), 'nothing')
  t.is((await a.user.receive()).toString(), 'whole')
})

test('what was decrypted and not asked for is at hand, joined as far as it was asked for', async (t) => {
  const [a] = await pair()
  a.lower.arrive(Buffer.concat(['one', 'two', 'three'].map((text) => record('D', Buffer.from(text)))))
  t.is((await a.user.receive(1)).toString(), 'o')
  const reads = a.lower.receives
  t.is((await a.user.receive(6)).toString(), 'netwot')
  t.is((await a.user.receive()).toString(), 'hree')
  t.is(a.lower.receives, reads)
})

test('what is sent in one tick shares a record; what fills records by itself does not wait', async (t) => {
  const [a, b] = await pair()
  a.engine.sends.length = 0
  for (const part of ['a', 'b', 'c']) a.transport.send(Buffer.from(part))
  t.deepEqual(a.engine.sends, [])
  t.is(a.transport.unsent, 3)
  a.transport.send(bytes(20_000, 1))
  t.deepEqual(a.engine.sends, [3, 20_000])
  t.deepEqual(await b.user.bytes(20_003), Buffer.concat([Buffer.from('abc'), bytes(20_000, 1)]))
})

test('the caller may change what it has sent', async (t) => {
  const [a, b] = await pair()
  const small = Buffer.from('small')
  const large = bytes(30_000, 3)
  a.transport.send(small)
  a.transport.send(large)
  small.fill(0)
  large.fill(0)
  t.deepEqual(await b.user.bytes(30_005), Buffer.concat([Buffer.from('small'), bytes(30_000, 3)]))
})

for (const room of [0, 1, 1000, 1 << 20]) {
  test(`L7: much data both ways at once, over a transport with room for ${room} bytes`, async (t) => {
    const [a, b] = await pair(room)
    const size = room === 1 ? 20_000 : 1 << 20
    const [toB, toA] = [bytes(size, 11), bytes(size, 12)]
    const [atB, atA] = await Promise.all([b.user.bytes(size), a.user.bytes(size), a.user.send(toB), b.user.send(toA)])
    t.true(atB.equals(toB))
    t.true(atA.equals(toA))
  })
}

test('of a peer that never reads 64 KiB are taken, then sending waits; all of it arrives when it reads', async (t) => {
  const [a, b] = await pair(1000)
  const data = bytes(200_000, 5)
  let sent = 0
  // Until the lower transport has what it takes, which shows after a turn.
  for (let taken = -1; taken !== 0; await turn()) {
    taken = a.transport.send(data.subarray(sent, sent + 10_000))
    sent += taken
  }
  // Each record has a head of its own.
  t.true(sent >= 65_536 && a.transport.unsent <= 65_536 + 100, `${sent} taken, ${a.transport.unsent} unsent`)
  const waiting = a.user.wait('writable')
  await turn()
  t.is(await Promise.race([waiting, Promise.resolve('waits')]), 'waits')
  const received = b.user.bytes(data.length)
  t.is(await waiting, undefined)
  await a.user.send(data.subarray(sent))
  t.true((await received).equals(data))
  t.is(await a.user.wait('flushed'), undefined)
  t.is(a.transport.unsent, 0)
})

test('what the lower transport holds counts as unsent', async (t) => {
  const [a] = await pair()
  a.lower.unsent = 65_536
  t.is(a.transport.unsent, 65_536)
  t.is(a.transport.send(Buffer.from('x')), 0)
  const waiting = a.user.wait('writable')
  await turn()
  t.is(await Promise.race([waiting, Promise.resolve('waits')]), 'waits')
  a.lower.unsent = 0
  a.lower.waitSend('flushed')
  t.is(await waiting, undefined)
  t.is(a.transport.send(Buffer.from('x')), 1)
})

test('an engine that is busy is asked again when it says so', async (t) => {
  const [a, b] = await pair()
  a.engine.busy = true
  a.transport.send(Buffer.from('later'))
  const flushed = a.user.wait('flushed')
  await turn()
  t.is(a.transport.unsent, 5)
  t.is(await Promise.race([flushed, Promise.resolve('waits')]), 'waits')
  a.engine.ready()
  t.is(await flushed, undefined)
  t.is((await b.user.receive()).toString(), 'later')
})

test('a wait that is cancelled is not answered; what was taken leaves', async (t) => {
  const [a, b] = await pair(4)
  t.is(a.transport.send(Buffer.from('a few bytes')), 11)
  const waiting = a.user.wait('flushed')
  await turn()
  a.transport.cancelSend()
  t.is((await b.user.bytes(11)).toString(), 'a few bytes')
  await turn()
  t.is(await Promise.race([waiting, Promise.resolve('nothing')]), 'nothing')
})

test('close_notify is the end, and stays it; data before it comes first', async (t) => {
  const [a, b] = await pair()
  a.transport.send(Buffer.from('last'))
  t.is(await a.user.wait('shutdown'), undefined)
  t.is((await b.user.rest()).toString(), 'last')
  t.is((await b.user.receive()).length, 0)
  t.true(b.transport.saysGoodbye)
  b.transport.send(Buffer.from('answer'))
  t.is((await a.user.receive()).toString(), 'answer')
  t.is(await a.user.wait('shutdown'), undefined)
  t.deepEqual(a.lower.sent.at(-1), record('C'))
  t.is(a.lower.calls.filter((call) => call === 'shutdown').length, 1)
})

test('an end without close_notify is a truncation, or the end where that is not asked for', async (t) => {
  for (const standardCompatible of [true, false]) {
    const [a, b] = await pair(undefined, { standardCompatible })
    a.transport.send(Buffer.from('x'))
    a.transport.destroy()
    t.is((await b.user.receive()).toString(), 'x')
    for (let time = 0; time < 2; time++) {
      if (standardCompatible) await t.throwsAsync(b.user.receive(), { instanceOf: TLSEOFError })
      else t.is((await b.user.receive()).length, 0)
    }
    t.false(b.transport.saysGoodbye)
    // Sending is another matter.
    t.is(b.transport.takeSendError(), undefined)
  }
})

test('a goodbye flushes, says close_notify, and waits for the end of the peer, dropping what comes before it', async (t) => {
  const [a, b] = await pair(100)
  a.transport.send(bytes(1000, 1))
  const goodbye = a.user.wait('goodbye')
  const arrived = b.user.rest()
  await b.user.send(bytes(5000, 2))
  t.is((await arrived).length, 1000)
  await turn()
  t.is(await Promise.race([goodbye, Promise.resolve('waits')]), 'waits')
  t.is(await b.user.wait('goodbye'), undefined)
  t.is(await goodbye, undefined)
  t.deepEqual(a.lower.sent.at(-1), record('C'))
})

test('whatever the end of the peer is, it is no error of a goodbye', async (t) => {
  const ends: ((lower: PipeEnd) => void)[] = [
    (lower) => lower.end(),
    (lower) => lower.failToReceive(new Error('reset')),
    (lower) => lower.arrive(record('A')),
    (lower) => lower.arrive(record('C')),
  ]
  for (const end of ends) {
    const [a] = await pair()
    const goodbye = a.user.wait('goodbye')
    await turn()
    end(a.lower)
    t.is(await goodbye, undefined)
  }
  // Its close_notify cannot be sent any more: nobody misses it.
  const [a] = await pair()
  a.lower.failToSend(new Error('gone'))
  a.lower.end()
  t.is(await a.user.wait('goodbye'), undefined)
})

test('what was sent before a goodbye and does not leave is an error of it', async (t) => {
  const [a] = await pair(4)
  a.transport.send(Buffer.from('too much'))
  const goodbye = a.user.wait('goodbye')
  await turn()
  const error = new Error('gone')
  a.lower.failToSend(error)
  t.is(await goodbye, error)
})

test('a failed write is told once, to the sending side; what the peer has said is received', async (t) => {
  const [a, b] = await pair()
  b.transport.send(Buffer.from('still there'))
  await turn()
  const error = new Error('gone')
  a.lower.failToSend(error)
  a.transport.send(Buffer.from('x'))
  t.is(await a.user.wait('shutdown'), error)
  t.is(a.transport.takeSendError(), undefined)
  t.is(a.transport.send(bytes(100_000, 1)), 100_000)
  t.is(a.transport.unsent, 0)
  t.false(a.transport.saysGoodbye)
  t.is((await a.user.receive()).toString(), 'still there')
})

test('a failed read is told to the receiving side, as it is', async (t) => {
  const [a] = await pair()
  const error = new Error('reset')
  a.lower.failToReceive(error)
  for (let time = 0; time < 2; time++) t.is(await t.throwsAsync(a.user.receive()), error)
  t.is(a.transport.takeSendError(), undefined)
})

test('an engine that fails ends both directions; its alert leaves', async (t) => {
  const [a] = await pair()
  a.lower.arrive(Buffer.concat([record('D', Buffer.from('before')), record('A')]))
  t.is((await a.user.receive()).toString(), 'before')
  const error = await t.throwsAsync(a.user.receive(), { instanceOf: TLSError })
  t.is(error.reason, 'bad-record')
  t.is(await t.throwsAsync(a.user.receive()), error)
  t.is(a.transport.takeSendError(), error)
  t.is(a.transport.takeSendError(), undefined)
  t.is(a.transport.send(Buffer.from('nowhere')), 7)
  t.deepEqual(a.lower.sent.at(-1), record('A'))
})

test('a handshake that fails lets its alert go, destroys the transport, and then answers', async (t) => {
  for (const room of [0, 1 << 20]) {
    const [a, b] = PipeEnd.pair(room)
    const { made, engine } = begin(a, 'server')
    a.arrive(record('A'))
    b.receive(10)
    b.sink = { received() {}, receivedEnd() {}, receiveFailed() {}, readable() {}, sendSettled() {} }
    const error = await t.throwsAsync(made, { instanceOf: TLSError })
    t.is(error.reason, 'bad-record')
    t.true(a.destroyed)
    t.true(engine.destroyed)
    t.deepEqual(Buffer.concat(a.sent), record('A'))
  }
})

test('a handshake does not wait for a peer that takes no alert', async (t) => {
  const [a] = PipeEnd.pair(0)
  const { made } = begin(a, 'server')
  a.arrive(record('A'))
  await t.throwsAsync(made, { instanceOf: TLSError })
  t.true(a.destroyed)
})

test('a handshake that fails at its first bytes answers later all the same', async (t) => {
  const [a] = PipeEnd.pair()
  const error = await t.throwsAsync(begin(a, 'server', { ahead: record('A') }).made, { instanceOf: TLSError })
  t.is(error.reason, 'bad-record')
})

test('a peer that goes away during the handshake has closed it, also by a reset', async (t) => {
  const [a] = PipeEnd.pair()
  const ended = begin(a, 'client')
  a.end()
  t.is((await t.throwsAsync(ended.made, { instanceOf: TLSError })).reason, 'closed')
  const [b] = PipeEnd.pair()
  const reset = begin(b, 'client')
  const cause = new Error('reset')
  b.failToReceive(cause)
  const error = await t.throwsAsync(reset.made, { instanceOf: TLSError })
  t.is(error.reason, 'closed')
  t.is(error.cause, cause)
  t.true(b.destroyed)
})

test('a handshake that is given up destroys the transport at once, and answers nothing', async (t) => {
  const [a, b] = PipeEnd.pair()
  const { made, abandon, engine } = begin(a, 'client')
  abandon()
  t.true(a.destroyed && engine.destroyed)
  a.arrive(record('H'))
  await turn()
  t.is(await Promise.race([made, Promise.resolve('nothing')]), 'nothing')
  abandon()
  b.destroy()
})

test('destroy tries what was taken, and then the sink hears nothing', async (t) => {
  const [a, b] = await pair()
  const receiving = a.user.receive()
  const waiting = a.user.wait('flushed')
  a.transport.send(Buffer.from('last words'))
  a.transport.destroy()
  a.lower.arrive(record('D', Buffer.from('x')))
  t.is((await b.user.receive()).toString(), 'last words')
  await turn()
  t.is(await Promise.race([receiving, waiting, Promise.resolve('nothing')]), 'nothing')
  a.transport.destroy()
  t.is(a.lower.calls.filter((call) => call === 'destroy').length, 1)
})

test('the lower transport is asked in the async context of who asked', async (t) => {
  const who = new AsyncLocalStorage<string>()
  const [a, b] = await pair()
  const asked: unknown[] = []
  const receive = a.lower.receive.bind(a.lower)
  a.lower.receive = (most) => {
    asked.push(who.getStore())
    receive(most)
  }
  const send = a.lower.send.bind(a.lower)
  a.lower.send = (data) => {
    asked.push(who.getStore())
    return send(data)
  }
  const taken = who.run('reader', () => a.user.bytes(8))
  await turn()
  who.run('writer', () => a.transport.send(Buffer.from('x')))
  await b.user.receive()
  who.exit(() => a.lower.arrive(record('D', Buffer.from('half'))))
  await turn()
  t.deepEqual(asked.slice(0, 2), ['reader', 'writer'])
  a.lower.arrive(record('D', Buffer.from('full')))
  t.is((await taken).toString(), 'halffull')
})

test('many receives of bytes at hand let the event loop turn', async (t) => {
  const [a] = await pair()
  a.lower.arrive(record('D', bytes(1000, 1)))
  let turned = false
  setImmediate(() => (turned = true))
  for (let count = 0; count < 500; count++) await a.user.receive(1)
  t.true(turned)
})
