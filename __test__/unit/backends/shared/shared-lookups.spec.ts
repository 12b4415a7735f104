/** Look-ups that share one call of the resolver: the rules, and that the backends go by them. */
import test from 'ava'
import dns from 'node:dns'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { connectTcp, createTaskGroup, createUdpSocket, getAddrInfo, getNameInfo } from '../../../../index.ts'
import type { Answer } from '../../../../src/backends/contract/backend.ts'
import { SharedLookups } from '../../../../src/backends/shared/shared-lookups.ts'
import { realBackends } from '../../../support/backends.ts'

/** A resolver that answers when it is told to. */
function resolver(): {
  calls: Answer<string>[]
  start: (answer: Answer<string>) => void
  held: number[]
  lookups: SharedLookups
} {
  const calls: Answer<string>[] = []
  const held: number[] = []
  return {
    calls,
    held,
    start: (answer) => void calls.push(answer),
    lookups: new SharedLookups((change) => held.push(change)),
  }
}

/** Keeps what it is told. */
function listener(): { heard: unknown[]; answer: Answer<string> } {
  const heard: unknown[] = []
  return { heard, answer: (error, value) => void heard.push(error ?? value) }
}

test('equal questions under way share a call, others do not, and one that is over is not shared', (t) => {
  const { calls, start, lookups, held } = resolver()
  const all = [listener(), listener(), listener()]
  lookups.ask('a', start, all[0]!.answer)
  lookups.ask('a', start, all[1]!.answer)
  lookups.ask('b', start, all[2]!.answer)
  t.is(calls.length, 2)
  calls[0]!(undefined, 'of a')
  t.deepEqual(
    all.map(({ heard }) => heard),
    [['of a'], ['of a'], []],
  )
  lookups.ask('a', start, all[0]!.answer)
  t.is(calls.length, 3)
  const failure = new Error('of the resolver')
  calls[2]!(failure)
  t.deepEqual(all[0]!.heard, ['of a', failure])
  calls[1]!(undefined, 'of b')
  t.is(
    held.reduce((sum, change) => sum + change, 0),
    0,
  )
})

test('who leaves, leaves alone', (t) => {
  const { calls, start, lookups, held } = resolver()
  const [leaving, staying] = [listener(), listener()]
  const leave = lookups.ask('a', start, leaving.answer)
  lookups.ask('a', start, staying.answer)
  leave()
  leave()
  t.deepEqual(held, [1])
  calls[0]!(undefined, 'x')
  t.deepEqual([leaving.heard, staying.heard], [[], ['x']])
  leave()
  t.deepEqual(held, [1, -1])
})

test('a call that everybody has left is joined by the next one', (t) => {
  const { calls, start, lookups, held } = resolver()
  const late = listener()
  lookups.ask('a', start, listener().answer)()
  t.deepEqual(held, [1, -1])
  lookups.ask('a', start, late.answer)
  t.is(calls.length, 1)
  t.deepEqual(held, [1, -1, 1])
  calls[0]!(undefined, 'x')
  t.deepEqual(late.heard, ['x'])
  t.deepEqual(held, [1, -1, 1, -1])
})

test('one that is answered may abandon another, and ask again', (t) => {
  const { calls, start, lookups } = resolver()
  const heard: string[] = []
  let leave = (): void => {}
  lookups.ask('a', start, () => {
    heard.push('first')
    leave()
    lookups.ask('a', start, () => heard.push('again'))
  })
  leave = lookups.ask('a', start, () => heard.push('second'))
  calls[0]!(undefined, 'x')
  t.is(calls.length, 2)
  calls[1]!(undefined, 'x')
  t.deepEqual(heard, ['first', 'again'])
})

for (const { label, run } of realBackends) {
  test.serial(`equal look-ups of many tasks are one call of the resolver [${label}]`, async (t) => {
    const count = label === 'node' ? countNode(t) : countNative(t)
    await run(async () => {
      await using socket = await createUdpSocket({ interface: '127.0.0.1' })
      await createTaskGroup((tg) => {
        for (let task = 0; task < 50; task++) tg.spawn(() => getAddrInfo('localhost', 80, { family: 4 }))
      })
      t.is(count(), 1)
      await createTaskGroup((tg) => {
        for (let task = 0; task < 50; task++) tg.spawn(() => getNameInfo({ address: '127.0.0.1', port: 80 }))
      })
      t.is(count(), 1)
      await createTaskGroup((tg) => {
        for (let task = 0; task < 20; task++) tg.spawn(() => connectTcp('localhost', 1).catch(() => {}))
      })
      t.is(count(), 1)
      // A call of many datagrams resolves a name once.
      await socket.sendBatch(Array.from({ length: 20 }, () => ['x', { address: 'localhost', port: 9, family: 'IPv4' }]))
      t.is(count(), 1)
    })
  })
}

interface Teardown {
  teardown(fn: () => void): void
}

/** Replaces functions of `object` by ones that count; the function gives how often they were called since the last time. */
function counting<T extends object>(t: Teardown, object: T, names: readonly (keyof T)[]): () => number {
  let calls = 0
  for (const name of names) {
    const original = object[name] as (...given: unknown[]) => unknown
    Object.assign(object, {
      [name](this: unknown, ...given: unknown[]) {
        calls++
        return original.apply(this, given)
      },
    })
    t.teardown(() => Object.assign(object, { [name]: original }))
  }
  return () => {
    const so = calls
    calls = 0
    return so
  }
}

/** Calls of Node's resolver. */
function countNode(t: Teardown): () => number {
  const count = counting(t, dns, ['lookup', 'lookupService'])
  t.teardown(syncBuiltinESMExports)
  syncBuiltinESMExports()
  return count
}

/** Those of the addon's. */
function countNative(t: Teardown): () => number {
  const binding = createRequire(import.meta.url)('../../../../src/native/binding.cjs') as Binding
  return counting(t, binding.EventLoop.prototype, ['lookup', 'getAddrInfo', 'getNameInfo'])
}

type Binding = typeof import('../../../../src/native/binding.cjs')
