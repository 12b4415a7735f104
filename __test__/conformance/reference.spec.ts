/**
 * The whole reference, closed: every item of it has a row in the porting table, and is *used* on every backend, or fails there
 * with an `UnsupportedError`. That a name exists is no pass: its call has to be reached, and something asserted of what comes
 * of it.
 */
import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { UnsupportedError } from '../../index.ts'
import { eachBackend, type TestBackend } from '../support/backends.ts'
import { fileUses } from '../support/reference/files.ts'
import { runningUses } from '../support/reference/running.ts'
import { socketUses } from '../support/reference/sockets.ts'
import { synchronisationUses } from '../support/reference/synchronisation.ts'
import { items, missingRows, rowsOf } from '../support/reference/table.ts'
import { type Entry, reaching } from '../support/reference/use.ts'
import { rejection } from '../support/rejection.ts'

const table = readFileSync(new URL('../../docs/porting-from-anyio.md', import.meta.url), 'utf8')

const uses: Readonly<Record<string, Entry>> = { ...runningUses, ...synchronisationUses, ...fileUses, ...socketUses }

test('every item of the reference has a row in the porting table, and nothing is planned any more', (t) => {
  t.true(items.length > 120)
  t.is(new Set(items).size, items.length)
  t.deepEqual(missingRows(table), [])
  const rows = new Map(rowsOf(table).map(({ item, here }) => [item, here]))
  t.deepEqual(
    items.filter((item) => rows.get(item) !== true),
    [],
  )
})

test('every item of the reference has a use, and every use is of an item', (t) => {
  t.deepEqual(withoutUse(uses), [])
  t.deepEqual(
    Object.keys(uses).filter((item) => !items.includes(item)),
    [],
  )
})

for (const item of items) {
  const entry = uses[item]
  if (entry === undefined) continue
  eachBackend(test, `${item} is used`, (t, backend) => used(t, backend, entry))
}

test('a planted missing row is found', (t) => {
  const line = table.split('\n').find((text) => text.startsWith('| `Queue`:'))!
  t.deepEqual(
    missingRows(table.replace(line, '')),
    ['empty', 'full', 'get', 'put', 'qsize'].map((name) => `Queue.${name}`),
  )
  const single = table.split('\n').find((text) => text.startsWith('| `Stream.send_all'))!
  t.deepEqual(missingRows(table.replace(single, '')), ['Stream.send_all'])
})

test('a planted missing use is found', (t) => {
  const { sleep: _, ...others } = uses
  t.deepEqual(withoutUse(others), ['sleep'])
})

eachBackend(test, 'a planted use that only looks is found, and one that fails is', async (t, backend) => {
  const { reaches } = uses['Queue.qsize']!
  const looks: Entry = { reaches: reaches!, use: (inner) => inner.pass() }
  t.is(await complaint(t, backend, looks), 'the use does not reach Queue.qsize')
  const named: Entry = { calls: 'sleep', use: (inner) => inner.pass() }
  t.is(await complaint(t, backend, named), 'the use does not call sleep')
  const supported: Entry = { calls: 'pass', unsupported: () => true, use: (inner) => inner.pass() }
  t.is(await complaint(t, backend, supported), 'expected an UnsupportedError')
})

function withoutUse(given: Readonly<Record<string, Entry>>): string[] {
  return items.filter((item) => !(item in given))
}

/** What is wrong with a use. */
async function complaint(t: ExecutionContext, backend: TestBackend, entry: Entry): Promise<string> {
  return ((await rejection(used(t, backend, entry))) as Error).message
}

async function used(t: ExecutionContext, backend: TestBackend, entry: Entry): Promise<void> {
  const { use, outside = false, unsupported, reaches = [], calls } = entry
  const body = async (): Promise<unknown> => (outside ? use(t, backend) : backend.run(() => use(t, backend)))
  if (unsupported?.(backend) === true) {
    let failure: unknown
    await body().catch((error: unknown) => (failure = error))
    if (!includesUnsupported(failure)) throw new Error('expected an UnsupportedError')
    t.pass()
    return
  }
  const text = String(use)
  if (calls !== undefined && !text.includes(`${calls}(`)) throw new Error(`the use does not call ${calls}`)
  // A field of an object is read; a member of a class is reached, whoever calls it.
  const onClass = reaches.filter(({ of, member }) => Object.hasOwn(of.prototype, member))
  const reached = await reaching(onClass, body)
  const [first] = reaches
  if (first === undefined) return
  const read = onClass.length === 0 && text.includes(`.${String(first.member)}`)
  if (!reached && !read) throw new Error(`the use does not reach ${first.of.name}.${String(first.member)}`)
}

/** By itself, or inside the groups of the tasks that it passed through. */
function includesUnsupported(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(includesUnsupported)
  return error instanceof UnsupportedError
}
