/** `native` against `node`: the same random script of sends, receives and half-closes has the same outcome on every backend. */
import test from 'ava'
import fc from 'fast-check'
import { run, type RunOptions } from '../../src/run.ts'
import { connectTcp, createTcpServer } from '../../src/sockets.ts'
import type { SocketStream } from '../../src/streams/socket-stream.ts'
import { createTaskGroup } from '../../src/task-groups.ts'
import { testBackends } from '../support/backends.ts'
import { openSockets } from '../support/net.ts'

type Side = 'client' | 'server'
type Step =
  | { do: 'send'; by: Side; sizes: number[] }
  | { do: 'exactly'; by: Side; count: number }
  | { do: 'into'; by: Side; count: number }
  | { do: 'line'; by: Side; limit: number }
  | { do: 'eof'; by: Side }
  | { do: 'close'; by: Side }

const side = fc.constantFrom<Side>('client', 'server')
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      by: side,
      sizes: fc.array(fc.oneof(fc.nat(50), fc.constantFrom(0, 5000, 9000)), { maxLength: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('exactly' as const), by: side, count: fc.oneof(fc.nat(60), fc.nat(6000)) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('into' as const), by: side, count: fc.integer({ min: 1, max: 100 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('line' as const), by: side, limit: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('eof' as const), by: side }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const), by: side }) },
)

/** The next `size` bytes of an endless text with a line break every now and then. */
class Text {
  #at = 0
  next(size: number): Buffer {
    const bytes = Buffer.alloc(size)
    for (let i = 0; i < size; i++, this.#at++) bytes[i] = this.#at % 23 === 22 ? 0x0a : 97 + (this.#at % 26)
    return bytes
  }
}

/**
 * A receive of more than what has been sent would wait for ever: the script knows what is on its way, and such a step is
 * done only where the sending side has ended.
 */
async function play(steps: readonly Step[], options: RunOptions): Promise<string[]> {
  const log: string[] = []
  await run(async () => {
    await using listener = await createTcpServer(0, { interface: '127.0.0.1' })
    const client = await connectTcp('127.0.0.1', listener.port)
    const server = await listener.accept()
    const streams = { client, server }
    const texts = { client: new Text(), server: new Text() }
    const onWay = { client: 0, server: 0 }
    const ended = { client: false, server: false }
    const closed = { client: false, server: false }
    for (const current of steps) {
      const { by } = current
      const other = by === 'client' ? 'server' : 'client'
      // A closed peer with unread data resets: when that is noticed is up to the network.
      if (closed[other]) continue
      const available = onWay[by]
      const outcome = await attempt(async () => {
        switch (current.do) {
          case 'send': {
            const parts = current.sizes.map((size) => texts[by].next(size))
            await (parts.length === 1 ? streams[by].sendAll(parts[0]!) : streams[by].sendMany(parts))
            const sent = parts.reduce((sum, { length }) => sum + length, 0)
            onWay[other] += sent
            return `sent ${sent}`
          }
          case 'exactly': {
            if (current.count > available && !ended[other] && !closed[by]) return 'skipped'
            const bytes = await streams[by].receiveExactly(current.count)
            onWay[by] -= bytes.length
            return bytes.toString()
          }
          case 'into': {
            if (available === 0 && !ended[other] && !closed[by]) return 'skipped'
            const count = Math.min(current.count, Math.max(1, available))
            return (await receiveAllInto(streams[by], count, (got) => (onWay[by] -= got))).toString()
          }
          case 'line': {
            if (available < current.limit + 24 && !ended[other] && !closed[by]) return 'skipped'
            const bytes = await streams[by].receiveUntil('\n', current.limit)
            onWay[by] -= bytes.length
            return bytes.toString()
          }
          case 'eof':
            await streams[by].sendEof()
            ended[by] = true
            return 'eof'
          case 'close':
            closed[by] = true
            ended[by] = true
            await streams[by].close()
            return 'closed'
        }
      })
      log.push(`${by} ${current.do}: ${outcome}`)
    }
    for (const by of ['client', 'server'] as const) {
      const other = by === 'client' ? 'server' : 'client'
      if (closed[by] || closed[other]) continue
      await createTaskGroup(async (group) => {
        if (!ended[other]) group.spawn(() => streams[other].sendEof())
        const chunks: Buffer[] = []
        for await (const chunk of streams[by]) chunks.push(chunk)
        log.push(`${by} rest: ${Buffer.concat(chunks).toString()}`)
      })
    }
    await client[Symbol.asyncDispose]().catch(() => {})
    await server[Symbol.asyncDispose]().catch(() => {})
  }, options)
  return log
}

async function attempt(action: () => Promise<string>): Promise<string> {
  try {
    return await action()
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`
  }
}

/** However the bytes are cut by the network, the same number of them. */
async function receiveAllInto(stream: SocketStream, count: number, got: (count: number) => void): Promise<Buffer> {
  const view = Buffer.alloc(count)
  let filled = 0
  while (filled < count) {
    const received = await stream.receiveInto(view.subarray(filled))
    if (received === 0) break
    got(received)
    filled += received
  }
  return view.subarray(0, filled)
}

const [reference, ...others] = testBackends

test.serial('a random script has the same outcome on every backend', async (t) => {
  for (const { options } of testBackends) await run(() => {}, options)
  const before = openSockets()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const expected = await play(steps, reference!.options)
      for (const { options, label } of others) t.deepEqual(await play(steps, options), expected, label)
    }),
    { numRuns: 150 },
  )
  for (let turn = 0; turn < 200 && openSockets() !== before; turn++)
    await new Promise((resolve) => setImmediate(resolve))
  t.is(openSockets(), before)
})
