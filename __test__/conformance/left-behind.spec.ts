/**
 * Every async call of the public API, left behind in every way: what its promise does, on each backend. The catalogue
 * has a row for each call, docs/reference/async-calls.md shows the outcome. `UPDATE=1` writes that page.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import {
  completing,
  featureOf,
  operationsOf,
  runBodies,
  waitingCalls,
  withoutRow,
} from '../support/async-calls/catalogue.ts'
import type { Row } from '../support/async-calls/calls.ts'
import * as made from '../support/async-calls/observe.ts'
import { allows, type Cell, cellsOf, tablePage } from '../support/async-calls/table.ts'
import { type BackendTest, eachBackend } from '../support/backends.ts'
import { eachBackendWith } from '../support/datagrams.ts'
import { iterations } from '../support/kernel-run.ts'

const LEFT_BEHIND = 'STRUCTIO_LEFT_BEHIND'

/** A child that fails at once is a task of its own, which shares no count with the next one. */
const UNBOUNDED = ['TaskGroup.start']

const PAGE = new URL('../../docs/reference/async-calls.md', import.meta.url)

test('R60: every async function and method of the public API has a row, and every row is of one', (t) => {
  const operations = (['index', 'node', 'testing'] as const).flatMap(operationsOf)
  t.true(operations.length > 150)
  const known = [...Object.keys(completing), ...Object.keys(withoutRow)]
  t.deepEqual(
    operations.filter((name) => !known.includes(name)),
    [],
    'no row',
  )
  t.deepEqual(
    known.filter((name) => !operations.includes(name)),
    [],
    'not in the public API',
  )
  t.deepEqual(
    Object.keys(waitingCalls).filter((name) => !(name in completing)),
    [],
    'no such row',
  )
})

for (const name of Object.keys(completing)) {
  eachHaving(
    name,
    `R61: ${name}, left behind or cancelled, settles as docs/reference/async-calls.md says`,
    async (t, backend) => {
      const cells = cellsOf(name)
      const settles = (cell: Cell, how: string, outcome: made.Outcome, afterRun?: boolean): void =>
        void t.true(allows(cell, outcome, afterRun), `${how}: ${outcome}, and not ${cell}`)
      // Threads, pools and the backend itself are made by the first call.
      settles(cells.after, 'after', await made.observe(backend, completes(name), made.cancelledAfter))
      await withoutLeaks(t, async () => {
        settles(cells.dropped, 'dropped by a scope', await made.observe(backend, waits(name), made.dropped))
        settles(cells.dropped, 'dropped by a task', await made.observe(backend, waits(name), made.droppedByTask))
        settles(cells.raced, 'raced', await made.observe(backend, waits(name), made.raced))
        const body = runBodies.includes(name) ? waits(name) : completes(name)
        settles(cells.before, 'before', await made.observe(backend, body, made.cancelledBefore))
        const pending = waitingCalls[name] !== undefined
        settles(cells.while, 'while', await made.observe(backend, waits(name), made.cancelledWhile(pending)))
        settles(cells.late, 'in an ended scope', await made.observe(backend, completes(name), made.lateInScope))
        settles(cells.late, 'in an ended task', await made.observe(backend, completes(name), made.lateInTask))
        settles(cells.late, 'after the run', await made.observeAfterRun(backend, completes(name)), true)
      })
    },
  )

  eachHaving(name, `R62: ${name}, dropped and never looked at, is no unhandled rejection`, async (t, backend) => {
    const codes: string[] = []
    const listener = (warning: Error & { code?: string }): void =>
      void codes.push(String(warning.code ?? warning.message))
    process.on('warning', listener)
    try {
      await made.forget(backend, waits(name))
      await iterations(2)
    } finally {
      process.removeListener('warning', listener)
    }
    // What a call has given by then is the caller's, who has forgotten it.
    const expected = cellsOf(name).dropped === 'cancelled' ? [LEFT_BEHIND] : [LEFT_BEHIND, 'STRUCTIO_LEFT_OPEN']
    t.deepEqual(
      codes.filter((code) => !expected.includes(code)),
      [],
    )
  })

  if (UNBOUNDED.includes(name)) continue
  eachHaving(
    name,
    `R63: a loop that swallows the failures of ${name} leaves the event loop its turns`,
    async (t, backend) => {
      const row = runBodies.includes(name) ? waits(name) : completes(name)
      for (const { refused, iterations: begun } of await made.loops(backend, row)) {
        // One iteration may have begun before the first call, and one may be beginning when the last one fails.
        t.true(refused <= 64 * (begun + 2), `${refused} failures in ${begun} iterations`)
      }
    },
  )
}

test('R64: the table of the reference is the one that these tests check', (t) => {
  const page = tablePage()
  if (process.env['UPDATE'] === '1') writeFileSync(PAGE, page)
  t.is(readFileSync(PAGE, 'utf8'), page, 'run UPDATE=1 npx ava __test__/conformance/left-behind.spec.ts')
})

function completes(name: string): Row {
  return completing[name]!
}

function waits(name: string): Row {
  return waitingCalls[name] ?? completing[name]!
}

function eachHaving(name: string, title: string, body: BackendTest): void {
  const feature = featureOf(name)
  if (feature === undefined) eachBackend(test, title, body)
  else eachBackendWith(feature, test, title, body)
}

/** Descriptors are back to their number: a native one is closed a moment later than the call says. */
async function withoutLeaks(t: ExecutionContext, body: () => Promise<void>): Promise<void> {
  const before = openDescriptors()
  await body()
  for (let turn = 0; turn < 500 && openDescriptors() > before; turn++) await iterations(1)
  t.true(openDescriptors() <= before, 'a descriptor is left open')
}

function openDescriptors(): number {
  return existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0
}
