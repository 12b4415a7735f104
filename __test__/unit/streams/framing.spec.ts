/** Framing over arbitrary chunkings, against a model that has all the bytes at once. */
import test from 'ava'
import fc from 'fast-check'
import { DelimiterNotFound, IncompleteRead } from '../../../src/errors.ts'
import { run } from '../../../src/run.ts'
import { ChunkStream } from '../../support/streams.ts'

// Few different bytes, so that delimiters and their beginnings are everywhere.
const bytes = fc.array(fc.constantFrom(0x61, 0x62, 0x0d, 0x0a), { maxLength: 60 }).map((list) => Buffer.from(list))
const delimiter = fc.constantFrom('\n', '\r\n', '\r\r\n', 'aab', 'abab', '\n\n').map((text) => Buffer.from(text))
const cuts = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 30 })

/** The bytes in pieces of the given lengths, over and over. */
function chunked(data: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0, i = 0; at < data.length; i++) {
    const end = at + lengths[i % lengths.length]!
    chunks.push(data.subarray(at, end))
    at = end
  }
  return chunks
}

interface Expected {
  frames: string[]
  /** How the iteration ends: the class of its error. */
  error: 'DelimiterNotFound' | 'IncompleteRead' | undefined
  /** What stays in the buffer, where that does not depend on the chunking. */
  rest: string
}

function model(data: Buffer, delim: Buffer, limit: number, include: boolean): Expected {
  const frames: string[] = []
  let at = 0
  for (;;) {
    const found = data.indexOf(delim, at)
    const length = (found === -1 ? data.length : found) - at
    if (found === -1 && length === 0) return { frames, error: undefined, rest: '' }
    if (length > limit) {
      // Without the delimiter the data may go on as its beginning right where the limit is.
      const tail = found === -1 && beginsDelimiterWithin(data.subarray(at), delim, limit)
      return {
        frames,
        error: tail ? 'IncompleteRead' : 'DelimiterNotFound',
        rest: data.subarray(at).toString('latin1'),
      }
    }
    if (found === -1) return { frames, error: 'IncompleteRead', rest: data.subarray(at).toString('latin1') }
    frames.push(data.subarray(at, include ? found + delim.length : found).toString('latin1'))
    at = found + delim.length
  }
}

function beginsDelimiterWithin(data: Buffer, delim: Buffer, limit: number): boolean {
  for (let at = Math.max(0, data.length - delim.length + 1); at <= Math.min(limit, data.length - 1); at++) {
    if (data.subarray(at).equals(delim.subarray(0, data.length - at))) return true
  }
  return false
}

test('receiveDelimitedChunks finds what the model finds, however the bytes arrive', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      bytes,
      delimiter,
      cuts,
      fc.integer({ min: 0, max: 20 }),
      fc.boolean(),
      async (data, delim, lengths, limit, include) => {
        const expected = model(data, delim, limit, include)
        await run(
          async () => {
            const stream = new ChunkStream(chunked(data, lengths))
            const frames: string[] = []
            const error = await collect(
              stream.receiveDelimitedChunks(delim, limit, { includeDelimiter: include }),
              (frame) => {
                frames.push(frame.toString('latin1'))
              },
            )
            t.deepEqual({ frames, error }, { frames: expected.frames, error: expected.error })
            const rest = await drain(stream)
            t.is(rest, expected.rest, 'nothing is lost')
          },
          { backend: 'node' },
        )
      },
    ),
    { numRuns: 400 },
  )
})

test('receiveDelimitedBatches gives the same frames in the same order, and the error after them', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      bytes,
      delimiter,
      cuts,
      fc.integer({ min: 0, max: 20 }),
      fc.boolean(),
      async (data, delim, lengths, limit, include) => {
        const expected = model(data, delim, limit, include)
        await run(
          async () => {
            const stream = new ChunkStream(chunked(data, lengths))
            const frames: string[] = []
            const error = await collect(
              stream.receiveDelimitedBatches(delim, limit, { includeDelimiter: include }),
              (batch) => {
                t.true(batch.length > 0)
                frames.push(...batch.map((frame) => frame.toString('latin1')))
              },
            )
            t.deepEqual({ frames, error }, { frames: expected.frames, error: expected.error })
            t.is(await drain(stream), expected.rest)
          },
          { backend: 'node' },
        )
      },
    ),
    { numRuns: 400 },
  )
})

test('any mixture of calls takes each byte once and in order', async (t) => {
  const call = fc.oneof(
    fc.record({ kind: fc.constant('some' as const), size: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ kind: fc.constant('exactly' as const), size: fc.integer({ min: 0, max: 9 }) }),
    fc.record({ kind: fc.constant('into' as const), size: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ kind: fc.constant('until' as const), size: fc.integer({ min: 0, max: 9 }) }),
    fc.record({ kind: fc.constant('chunk' as const), size: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ kind: fc.constant('lines' as const), size: fc.integer({ min: 0, max: 9 }) }),
  )
  await fc.assert(
    fc.asyncProperty(bytes, cuts, fc.array(call, { maxLength: 20 }), async (data, lengths, calls) => {
      await run(
        async () => {
          const stream = new ChunkStream(chunked(data, lengths))
          let taken = ''
          for (const { kind, size } of calls) {
            try {
              taken += await callOne(stream, kind, size)
            } catch (error) {
              t.true(error instanceof IncompleteRead || error instanceof DelimiterNotFound, String(error))
            }
          }
          taken += await drain(stream)
          t.is(taken, data.toString('latin1'))
        },
        { backend: 'node' },
      )
    }),
    { numRuns: 400 },
  )
})

test('exactly the limit is accepted, one byte more is not, with and without a look at the rest', async (t) => {
  await run(
    async () => {
      for (const delim of ['\n', '\r\n']) {
        t.is((await new ChunkStream([`12345${delim}`]).receiveUntil(delim, 5)).toString(), `12345${delim}`)
        await t.throwsAsync(new ChunkStream([`123456${delim}`]).receiveUntil(delim, 5), {
          instanceOf: DelimiterNotFound,
          message: /5 bytes/,
        })
        // One byte more than the limit and no delimiter in sight: known before anything else arrives.
        const stream = new ChunkStream(['123456', 'unread'])
        await t.throwsAsync(stream.receiveUntil(delim, 5), { instanceOf: DelimiterNotFound })
        t.is(stream.asked.length, 1)
        // The delimiter's first byte right behind the limit may still be the delimiter.
        t.is((await new ChunkStream(['12345', ...delim]).receiveUntil(delim, 5)).toString(), `12345${delim}`)
        t.is((await new ChunkStream([delim]).receiveUntil(delim, 0, { includeDelimiter: false })).toString(), '')
      }
    },
    { backend: 'node' },
  )
})

test('frames at hand are handed out without asking the source', async (t) => {
  await run(
    async () => {
      const stream = new ChunkStream(['a\nb\nc\nrest'])
      const lines = stream.receiveDelimitedChunks('\n', 10)
      t.is((await lines.next()).value!.toString(), 'a')
      t.is((await stream.receiveUntil('\n', 10)).toString(), 'b\n')
      t.is((await stream.receiveExactly(2)).toString(), 'c\n')
      t.is((await stream.receiveSome(2)).toString(), 're')
      t.is(stream.asked.length, 1)
      t.is(stream.bufferedData.toString(), 'st')
    },
    { backend: 'node' },
  )
})

test('bufferedData is a copy', async (t) => {
  await run(
    async () => {
      const stream = new ChunkStream(['abc'])
      await t.throwsAsync(stream.receiveExactly(5), { instanceOf: IncompleteRead })
      stream.bufferedData.fill(0)
      t.is(stream.bufferedData.toString(), 'abc')
    },
    { backend: 'node' },
  )
})

test('an early end says how much was there, and a clean end that nothing was', async (t) => {
  await run(
    async () => {
      const text = async (chunks: string[], receive: (stream: ChunkStream) => Promise<unknown>): Promise<string> =>
        (await t.throwsAsync(receive(new ChunkStream(chunks)), { instanceOf: IncompleteRead })).message
      const exactly = (stream: ChunkStream): Promise<unknown> => stream.receiveExactly(5)
      const until = (stream: ChunkStream): Promise<unknown> => stream.receiveUntil('\n', 10)
      t.is(await text([], exactly), 'The data ended before the first of 5 bytes')
      t.is(await text(['ab'], exactly), 'The data ended after 2 of 5 bytes; they stay in bufferedData')
      t.is(await text([], until), 'The data ended before a frame began')
      t.regex(await text(['ab'], until), /^The data ended 2 bytes into a frame, before its delimiter; /)
    },
    { backend: 'node' },
  )
})

test('a frame that arrives byte by byte is searched once, not once for each byte', async (t) => {
  await run(
    async () => {
      // 100,000 one-byte reads; a search from the start each time would look at 5 × 10⁹ bytes and take minutes.
      const line = Buffer.alloc(100_000, 'x')
      const stream = new ChunkStream([...Array.from({ length: line.length }, () => 'x'), '\r\n'])
      const received = await stream.receiveUntil('\r\n', line.length, { includeDelimiter: false })
      t.true(received.equals(line))
    },
    { backend: 'node' },
  )
})

test('what was handed out is never written again', async (t) => {
  await run(
    async () => {
      const text = Array.from({ length: 500 }, (_, i) => `line number ${i}`)
      const stream = new ChunkStream(chunked(Buffer.from(`${text.join('\n')}\n`), [1, 2, 30, 5, 90, 13]))
      const kept: Buffer[] = []
      for await (const line of stream.receiveDelimitedChunks('\n', 100)) kept.push(line)
      t.deepEqual(kept.map(String), text)
    },
    { backend: 'node' },
  )
})

async function collect<T>(iterable: AsyncIterable<T>, take: (item: T) => void): Promise<string | undefined> {
  try {
    for await (const item of iterable) take(item)
  } catch (error) {
    if (error instanceof DelimiterNotFound || error instanceof IncompleteRead) return error.name
    throw error
  }
  return undefined
}

async function drain(stream: ChunkStream): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk.toString('latin1')
  return text
}

async function callOne(stream: ChunkStream, kind: string, size: number): Promise<string> {
  switch (kind) {
    case 'some':
      return (await stream.receiveSome(size)).toString('latin1')
    case 'exactly':
      return (await stream.receiveExactly(size)).toString('latin1')
    case 'until':
      return (await stream.receiveUntil('ab', size)).toString('latin1')
    case 'into': {
      const view = Buffer.alloc(size)
      return view.subarray(0, await stream.receiveInto(view)).toString('latin1')
    }
    case 'chunk':
      return ((await stream.receiveChunks(size).next()).value as Buffer | undefined)?.toString('latin1') ?? ''
    default: {
      const { value } = await stream.receiveDelimitedBatches('\n', size, { includeDelimiter: true }).next()
      return Buffer.concat((value as Buffer[] | undefined) ?? []).toString('latin1')
    }
  }
}
