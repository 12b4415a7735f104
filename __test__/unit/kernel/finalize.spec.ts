/** `finalize`, in both of its forms. */
import test from 'ava'
import { finalize } from '../../../src/finalize.ts'
import { checkpoint, openCancelScope } from '../../../src/scopes.ts'
import { runBare } from '../../support/kernel-run.ts'
import { rejection } from '../../support/rejection.ts'

test('it closes by aclose, close or return, whichever there is, after the body', async (t) => {
  for (const method of ['aclose', 'close', 'return']) {
    const steps: string[] = []
    const resource = {
      [method](this: unknown) {
        t.is(this, resource)
        steps.push(method)
      },
    }
    const value = await finalize(resource, async (given) => {
      t.is(given, resource)
      steps.push('body')
      return 'value'
    })
    t.is(value, 'value')
    t.deepEqual(steps, ['body', method])
    {
      await using same = finalize(resource)
      t.is(same, resource as typeof same)
    }
    t.deepEqual(steps, ['body', method, method])
  }
})

test('an async generator that was not read to its end runs its finally', async (t) => {
  const steps: string[] = []
  async function* numbers(): AsyncGenerator<number> {
    try {
      yield 1
      yield 2
    } finally {
      await Promise.resolve()
      steps.push('closed')
    }
  }
  await finalize(numbers(), async (all) => {
    t.deepEqual(await all.next(), { done: false, value: 1 })
  })
  await (async () => {
    await using all = finalize(numbers())
    await all.next()
    steps.push('left early')
  })()
  t.deepEqual(steps, ['closed', 'left early', 'closed'])
})

test('the error of the body comes out; when closing fails as well, a SuppressedError has both', async (t) => {
  const boom = new Error('boom')
  const closing = new Error('closing')
  const fail = (): Promise<never> => Promise.reject(boom)
  t.is(await rejection(finalize({ close: () => undefined }, fail)), boom)
  t.is(await rejection(finalize({ close: () => Promise.reject(closing) }, () => 'value')), closing)
  const both = (await rejection(finalize({ close: () => Promise.reject(closing) }, fail))) as Error & {
    error: unknown
    suppressed: unknown
  }
  t.is(both.name, 'SuppressedError')
  t.is(both.error, closing)
  t.is(both.suppressed, boom)
})

test('closing raises no cancellation: the next checkpoint does', async (t) => {
  await runBare(async () => {
    const steps: string[] = []
    await openCancelScope(async (scope) => {
      scope.cancel()
      steps.push(await finalize({ close: () => checkpoint() }, () => 'value'))
      await checkpoint()
      steps.push('passed the next checkpoint')
    })
    t.deepEqual(steps, ['value'])
  })
})

test('bad arguments', async (t) => {
  const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
  t.throws(() => finalize({}), type)
  t.throws(() => finalize(5 as never), type)
  await t.throwsAsync(
    finalize({}, () => undefined),
    type,
  )
  await t.throwsAsync(finalize({ close: () => t.fail('closed') }, 5 as never), type)
})
