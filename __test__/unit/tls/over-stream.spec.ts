/** A stream as the transport below TLS: its operations outlive whoever began them, and nothing is lost in between. */
import test from 'ava'
import type { StreamSink } from '../../../src/backends/contract/backend.ts'
import { UnsupportedError } from '../../../src/errors.ts'
import { requireFrame } from '../../../src/kernel/context.ts'
import { moveOnAfter, openCancelScope, sleep, sleepForever } from '../../../src/scopes.ts'
import { run } from '../../../src/run.ts'
import { Stream } from '../../../src/streams/stream.ts'
import { OverStream } from '../../../src/tls/stream-transport.ts'

/** A stream moved by hand: receives wait for `give`, sends for `take`. */
class Slow extends Stream {
  readonly sent: Buffer[] = []
  readonly given: Buffer[] = []
  #arrived = (): void => {}
  #takes = Promise.resolve()
  open = (): void => {}
  receives = 0
  closed = false
  ended = false

  block(): void {
    this.#takes = new Promise((resolve) => (this.open = resolve))
  }

  give(text: string): void {
    this.given.push(Buffer.from(text))
    this.#arrived()
  }

  async receiveSome(): Promise<Buffer> {
    this.receives++
    while (this.given.length === 0) {
      await openCancelScope(async () => {
        const scope = requireFrame('a test').scope
        this.#arrived = () => scope.cancel()
        await sleepForever()
      })
      await sleep(0)
    }
    return this.given.shift()!
  }

  async sendAll(data: Uint8Array | string): Promise<void> {
    await sleep(0)
    await this.#takes
    this.sent.push(Buffer.from(data as Uint8Array))
  }

  async sendEof(): Promise<void> {
    this.ended = true
  }

  async close(): Promise<void> {
    this.closed = true
  }
}

/** Writes down what it hears. */
class Notes implements StreamSink {
  readonly heard: string[] = []
  #changed = (): void => {}

  received(memory: Buffer, start: number, end: number): void {
    this.#note(memory.toString('utf8', start, end))
  }
  receivedEnd(): void {
    this.#note('end')
  }
  receiveFailed(error: Error): void {
    this.#note(`failed: ${error.message}`)
  }
  readable(): void {}
  sendSettled(error: Error | undefined): void {
    this.#note(error === undefined ? 'settled' : `settled: ${error.message}`)
  }

  async next(count = 1): Promise<string[]> {
    while (this.heard.length < count) await new Promise<void>((resolve) => (this.#changed = resolve))
    return this.heard.splice(0, count)
  }

  #note(text: string): void {
    this.heard.push(text)
    this.#changed()
  }
}

function over(stream: Stream): { transport: OverStream; notes: Notes } {
  const transport = new OverStream(stream, requireFrame('a test').task.run)
  const notes = new Notes()
  transport.sink = notes
  return { transport, notes }
}

test('receives on demand, hands out no more than was asked for and keeps the rest', async (t) => {
  await run(async () => {
    const stream = new Slow()
    const { transport, notes } = over(stream)
    stream.give('abcdef')
    t.is(stream.receives, 0)
    transport.receive(4)
    t.deepEqual(notes.heard, [], 'never inside the call that asked')
    t.deepEqual(await notes.next(), ['abcd'])
    transport.receive(4)
    t.deepEqual(await notes.next(), ['ef'])
    t.is(stream.receives, 1)
  })
})

test('a receive whose scope is cancelled goes on below, and its bytes answer the next one', async (t) => {
  await run(async () => {
    const stream = new Slow()
    const { transport, notes } = over(stream)
    await moveOnAfter(0, async () => {
      transport.receive(10)
      await sleepForever()
    })
    transport.cancelReceive()
    transport.receive(10)
    await sleep(0)
    stream.give('late')
    t.deepEqual(await notes.next(), ['late'])
  })
})

test('bytes that come when nobody wants them any more answer the next receive', async (t) => {
  await run(async () => {
    const stream = new Slow()
    const { transport, notes } = over(stream)
    transport.receive(10)
    transport.cancelReceive()
    stream.give('kept')
    await sleep(0)
    await sleep(0)
    t.deepEqual(notes.heard, [])
    transport.receive(10)
    t.deepEqual(await notes.next(), ['kept'])
  })
})

test('takes 64 KiB and no more until the stream has sent them, in order', async (t) => {
  await run(async () => {
    const stream = new Slow()
    stream.block()
    const { transport, notes } = over(stream)
    t.is(transport.send(Buffer.alloc(40_000, 'a')), 40_000)
    t.is(transport.send(Buffer.alloc(40_000, 'b')), 25_536)
    t.is(transport.send(Buffer.from('c')), 0)
    t.is(transport.unsent, 65_536)
    transport.waitSend('writable')
    await sleep(0)
    t.deepEqual(notes.heard, [])
    stream.open()
    t.deepEqual(await notes.next(), ['settled'])
    transport.waitSend('flushed')
    await notes.next()
    t.is(transport.unsent, 0)
    t.is(Buffer.concat(stream.sent).toString(), 'a'.repeat(40_000) + 'b'.repeat(25_536))
  })
})

test('what was taken leaves although the scope it was sent in is cancelled', async (t) => {
  await run(async () => {
    const stream = new Slow()
    const { transport, notes } = over(stream)
    await openCancelScope(async (scope) => {
      transport.send(Buffer.from('whole record'))
      scope.cancel()
      await sleep(0)
    })
    transport.waitSend('flushed')
    t.deepEqual(await notes.next(), ['settled'])
    t.deepEqual(stream.sent.map(String), ['whole record'])
  })
})

test('a stream that cannot half-close is no failure, one that breaks is', async (t) => {
  await run(async () => {
    const stream = new Slow()
    const { transport, notes } = over(stream)
    stream.sendEof = () => Promise.reject(new UnsupportedError('not here'))
    transport.waitSend('shutdown')
    t.deepEqual(await notes.next(), ['settled'])
    stream.sendAll = () => Promise.reject(new Error('broken'))
    transport.send(Buffer.from('x'))
    transport.waitSend('flushed')
    t.deepEqual(await notes.next(), ['settled: broken'])
    t.is(transport.send(Buffer.from('swallowed')), 9)
    t.is(transport.unsent, 0)
  })
})

test('destroy closes the stream, and a write that never ends does not hold up the end of the run', async (t) => {
  const stream = new Slow()
  const stuck = new Slow()
  let cancelled = false
  stuck.sendAll = async () => {
    try {
      await sleepForever()
    } finally {
      cancelled = true
    }
  }
  await run(async () => {
    over(stream).transport.destroy()
    over(stuck).transport.send(Buffer.from('never taken'))
    await sleep(0)
  })
  t.true(stream.closed)
  t.true(cancelled)
})

test('a write that waits for what knows nothing of scopes does not hold up the end of the run either', async (t) => {
  const stream = new Slow()
  stream.sendAll = () => new Promise(() => undefined)
  await run(async () => {
    over(stream).transport.send(Buffer.from('nobody ever reads it'))
    await sleep(0)
  })
  t.deepEqual(stream.sent, [])
})
