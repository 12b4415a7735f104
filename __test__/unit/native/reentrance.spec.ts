/**
 * Re-entrant flushes: completions that a flush delivers may submit and send, before the call that needed the room goes
 * on. The addon is a fake that records its input and then lets the test submit. With sockets, one random script in ten
 * thousand gets there.
 */
import test from 'ava'
import { NativeEventLoop } from '../../../src/backends/native/event-loop.ts'
import { ringSizes } from '../../../src/backends/native/ring-sizes.ts'
import type { Binding } from '../../../src/native/load.ts'
import { Control, HEADER_WORDS, KIND_BITS, RECORD_WORDS, Submission } from '../../../src/native/protocol.ts'

Object.assign(ringSizes, { records: 4, receiveSlab: 8192, sendSlab: 4096 })

/** A loop, the input of its addon, and the action of its next flush. */
function loopOf(delivering: (loop: NativeEventLoop) => void): { loop: NativeEventLoop; given: string[] } {
  const given: string[] = []
  class EventLoop {
    readonly #sendSlab: Uint8Array
    readonly #submissions: Int32Array

    constructor(_receiveSlab: Uint8Array, _completions: Int32Array, sendSlab: Uint8Array, submissions: Int32Array) {
      this.#sendSlab = sendSlab
      this.#submissions = submissions
    }

    flush(): void {
      const ring = this.#submissions
      const count = ring[Control.Count]!
      if (count > ringSizes.records) throw new Error(`${count} records in a ring for ${ringSizes.records}`)
      for (let at = HEADER_WORDS; at < HEADER_WORDS + count * RECORD_WORDS; at += RECORD_WORDS) {
        const [head, , a, b] = ring.subarray(at, at + RECORD_WORDS) as unknown as [number, number, number, number]
        const index = head >>> KIND_BITS
        if ((head & ((1 << KIND_BITS) - 1)) !== Submission.Send) given.push(`${index}: receive`)
        else given.push(`${index}: ${b} bytes ${[...new Set(this.#sendSlab.subarray(a, a + b))].join()}`)
      }
      ring[Control.Count] = ring[Control.SendUsed] = 0
      delivering(loop)
    }

    datagramSender(): () => void {
      return () => {}
    }
  }
  const loop = new NativeEventLoop({ EventLoop } as unknown as Binding, { nested: true, uv: true })
  return { loop, given }
}

function once(work: (loop: NativeEventLoop) => void): (loop: NativeEventLoop) => void {
  let done = false
  return (loop) => {
    if (!done) {
      done = true
      work(loop)
    }
  }
}

const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)

test('bytes stay whole when the flush that emptied the send slab for them fills it again', (t) => {
  const { loop, given } = loopOf(once((inner) => inner.send(2, 1, bytes(2000, 2))))
  loop.send(1, 1, bytes(3000, 1))
  loop.send(3, 1, bytes(4000, 3))
  loop.binding.flush()
  t.deepEqual(given, ['1: 3000 bytes 1', '2: 2000 bytes 2', '3: 4000 bytes 3'])
})

test('bytes stay whole when the flush that made room for their record fills the ring again', (t) => {
  let flushes = 0
  const { loop, given } = loopOf((inner) => {
    flushes++
    if (flushes === 1) for (let index = 10; index < 14; index++) inner.send(index, 1, bytes(10, index))
    if (flushes === 2) inner.send(14, 1, bytes(10, 14))
  })
  for (let index = 1; index <= 5; index++) loop.send(index, 1, bytes(10, index))
  loop.send(6, 1, bytes(100, 6))
  loop.binding.flush()
  const expected = [1, 2, 3, 4, 10, 11, 12, 13, 14, 5].map((index) => `${index}: 10 bytes ${index}`)
  t.deepEqual(given, [...expected, '6: 100 bytes 6'])
})

test('a record is not lost when the flush that emptied the ring for it fills it again', (t) => {
  const receive = (loop: NativeEventLoop, index: number): void => loop.submit(Submission.Receive, index, 1, 0, 0)
  const { loop, given } = loopOf(
    once((inner) => {
      for (let index = 10; index < 14; index++) receive(inner, index)
    }),
  )
  for (let index = 1; index <= 5; index++) receive(loop, index)
  loop.binding.flush()
  const expected = [1, 2, 3, 4, 10, 11, 12, 13, 5].map((index) => `${index}: receive`)
  t.deepEqual(given, expected)
})

test('a place for datagrams lies inside the slab when the flush that made room fills it again', (t) => {
  const { loop } = loopOf(once((inner) => inner.send(2, 1, bytes(2000, 2))))
  loop.send(1, 1, bytes(3000, 1))
  t.is(loop.reserve(4000), 0)
})
