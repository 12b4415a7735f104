/** The kit sees: each defect that is planted is found, by the rule that is meant for it, and nothing makes the kit hang. */
import { AssertionError } from 'node:assert'
import test from 'ava'
import { Cancelled, openCancelScope, run } from '../../../index.ts'
import { RULES } from '../../../src/testing/check-stream.ts'
import { checkStream, lockstepStreamPair } from '../../../src/testing/index.ts'
import { planted } from '../../support/planted-defects.ts'
import { rejection } from '../../support/rejection.ts'

for (const [defect, { rule, make, text = /./, options }] of Object.entries(planted)) {
  // On simulated time: what takes until its time is up takes no time.
  test(`found: ${defect}`, async (t) => {
    const error = await rejection(
      run(() => checkStream(make, { capacity: 0, timeout: 1000, name: 'this kind', ...options }), {
        backend: 'virtual',
      }),
    )
    t.true(error instanceof AssertionError, String(error))
    const { message } = error as AssertionError
    t.regex(message, /^this kind: the (first|second) stream: "/)
    t.true(message.includes(`"${rule}"`), message)
    t.regex(message, text)
  })
}

test('there is a defect for every rule', (t) => {
  const found = new Set(Object.values(planted).map(({ rule }) => rule))
  t.deepEqual(
    RULES.map(({ name }) => name).filter((name) => !found.has(name)),
    [],
  )
})

test('a pair that cannot be made, or is none, is an error that says so', async (t) => {
  const failure = new Error('no pair today')
  const failed = (await rejection(run(() => checkStream(() => Promise.reject(failure))))) as Error
  t.true(failed instanceof AssertionError)
  t.regex(failed.message, /makePair\(\) threw Error: no pair today/)
  t.is(failed.cause, failure)
  const never = (await rejection(run(() => checkStream(() => new Promise(() => {}), { timeout: 10 })))) as Error
  t.regex(never.message, /hung: 10 ms were not enough, and it waited for makePair\(\)/)
  await t.throwsAsync(
    run(() => checkStream(() => [lockstepStreamPair()[0]] as never)),
    { instanceOf: TypeError },
  )
})

test('bad options are refused before a pair is made', async (t) => {
  const make = (): never => t.fail('a pair was made')
  await run(async () => {
    await t.throwsAsync(checkStream(undefined as never), { instanceOf: TypeError })
    for (const options of [{ halfClose: 1 }, { name: 1 }, { capacity: '1' }, { timeout: '1' }, { seed: '1' }, 5]) {
      await t.throwsAsync(checkStream(make, options as never), { instanceOf: TypeError }, JSON.stringify(options))
    }
    for (const options of [{ capacity: -1 }, { timeout: NaN }, { seed: 0.5 }]) {
      await t.throwsAsync(checkStream(make, options), { instanceOf: RangeError }, JSON.stringify(options))
    }
  })
})

test('a check that is cancelled is cancelled, and is no failure', async (t) => {
  const caught = await run(() =>
    openCancelScope(async (scope) => {
      const [here] = lockstepStreamPair()
      const error = await rejection(
        checkStream(() => {
          scope.cancel()
          return [here, here]
        }),
      )
      t.true(error instanceof Cancelled)
      return 'not before this'
    }),
  )
  t.is(caught, 'not before this')
})
