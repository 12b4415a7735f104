/**
 * Every async operation is a checkpoint (GENERAL-7): each one of the public API, on every backend. What there is, the
 * public types say; an operation that is neither in the table nor among the exceptions fails the first test.
 */
import assert from 'node:assert/strict'
import test from 'ava'
import { CancelScope, checkpoint } from '../../index.ts'
import { assertCheckpoints } from '../../src/testing/index.ts'
import type { Check } from '../support/async-calls/calls.ts'
import { checkpoints, featureOf, operationsOf } from '../support/async-calls/catalogue.ts'
import { type BackendTest, eachBackend } from '../support/backends.ts'
import { eachBackendWith } from '../support/datagrams.ts'

const BODY = 'runs a body, which goes on to its first checkpoint in a cancelled scope too (S4, G3)'
const exceptions: Record<string, string> = {
  run: 'begins a tree of its own, outside of every scope',
  finalize: `${BODY}; closing is its disposer`,
  openCancelScope: BODY,
  moveOnAfter: BODY,
  moveOnAt: BODY,
  failAfter: BODY,
  failAt: BODY,
  'CancelScope.run': BODY,
  createTaskGroup: `${BODY}; leaving a group is a schedule point (§3)`,
  createSupervisor: `${BODY}; leaving a group is a schedule point (§3)`,
  gather: `${BODY}; leaving a group is a schedule point (§3)`,
  mapConcurrent: `${BODY}; leaving a group is a schedule point (§3)`,
  raceTasks: `${BODY}; leaving a group is a schedule point (§3)`,
  'TaskGroup.start': 'a schedule point (§3)',
  cancelShieldedCheckpoint: 'never throws a cancellation, by its name',
}

test('every async operation of the public API is in the table, or an exception with its reason', (t) => {
  const operations = operationsOf('index')
  t.true(operations.length > 50)
  const known = [...Object.keys(checkpoints), ...Object.keys(exceptions)]
  t.deepEqual(
    operations.filter((name) => !known.includes(name)),
    [],
    'not in the table',
  )
  t.deepEqual(
    known.filter((name) => !operations.includes(name)),
    [],
    'in the table, and not in the public API',
  )
})

for (const [name, row] of Object.entries(checkpoints)) {
  const closing = name.endsWith('.close') || name.endsWith('.[Symbol.asyncDispose]')
  const title = closing ? `${name} raises no cancellation` : `${name} is a checkpoint`
  const body: BackendTest = async (t, backend) => {
    await t.notThrowsAsync(backend.run(() => row(closing ? closes : assertCheckpoints)))
  }
  const feature = featureOf(name)
  if (feature === undefined) eachBackend(test, title, body)
  else eachBackendWith(feature, test, title, body)
}

/** Closing is no checkpoint: it works in a cancelled scope, and the next checkpoint raises. */
const closes: Check = async (close) => {
  const scope = new CancelScope()
  let closed: unknown
  await scope.run(async () => {
    scope.cancel()
    closed = await close()
    await checkpoint()
  })
  assert(scope.cancelledCaught, 'the checkpoint after the close did not raise')
  return closed as never
}
