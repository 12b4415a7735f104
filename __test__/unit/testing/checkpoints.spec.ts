/** `assertCheckpoints` and `assertNoCheckpoints`: what they let pass, what they find, and what they leave behind. */
import { AssertionError } from 'node:assert'
import test from 'ava'
import {
  cancelShieldedCheckpoint,
  Cancelled,
  checkpoint,
  checkpointIfCancelled,
  createEvent,
  createTaskGroup,
  getRunningTasks,
  moveOnAfter,
  NotRunningError,
  openCancelScope,
  run,
  sleep,
  sleepForever,
} from '../../../index.ts'
import { assertCheckpoints, assertNoCheckpoints } from '../../../src/testing/index.ts'
import { withManualClock } from '../../support/manual-clock.ts'
import { rejection } from '../../support/rejection.ts'

/** Looks, and never gives way. */
async function onlyLooks(): Promise<void> {
  let failure: unknown
  checkpointIfCancelled().catch((error: unknown) => (failure = error))
  for (let microtask = 0; microtask < 5; microtask++) await null
  if (failure !== undefined) throw failure
}

test('what looks for a cancellation and gives way passes, with its value', async (t) => {
  await run(async () => {
    t.is(await assertCheckpoints(() => checkpoint().then(() => 'value')), 'value')
    await assertCheckpoints(() => checkpointIfCancelled())
    await assertCheckpoints(() => sleep(1))
    const event = createEvent()
    event.set()
    t.true(await assertCheckpoints(() => event.wait()))
    let calls = 0
    await assertCheckpoints(async () => {
      calls++
      await checkpoint()
    })
    t.is(calls, 2)
  })
})

test('what completes in a cancelled scope is found', async (t) => {
  await run(async () => {
    for (const operation of [
      () => 5,
      async () => {},
      () => cancelShieldedCheckpoint(),
      () => new Promise((resolve) => setImmediate(resolve)),
      () => checkpoint().catch(() => {}),
    ]) {
      const error = (await rejection(assertCheckpoints(operation as never))) as Error
      t.true(error instanceof AssertionError)
      t.regex(error.message, /not a checkpoint: in a cancelled scope it completed/)
    }
  })
})

test('what throws something else in a cancelled scope is found, with its error as the cause', async (t) => {
  await run(async () => {
    const own = new Error('mine')
    const error = (await rejection(assertCheckpoints(() => Promise.reject(own)))) as Error
    t.true(error instanceof AssertionError)
    t.regex(error.message, /in a cancelled scope it threw Error: mine, and not Cancelled/)
    t.is(error.cause, own)
  })
})

test('what never gives way is found', async (t) => {
  await run(async () => {
    const error = (await rejection(assertCheckpoints(onlyLooks))) as Error
    t.true(error instanceof AssertionError)
    t.regex(error.message, /not a checkpoint: it let no other code run/)
  })
})

test('what hangs in a cancelled scope is found when its time is up, and is left behind', async (t) => {
  await withManualClock(async (clock) => {
    await run(async () => {
      const error = rejection(assertCheckpoints(() => new Promise(() => {})))
      await checkpoint()
      await clock.advance(10_000)
      t.true((await error) instanceof AssertionError)
      t.regex(String(await error), /did not settle within 10000 ms/)
    })
  })
})

test('what the operation throws of its own comes out as it is', async (t) => {
  await run(async () => {
    const own = new Error('mine')
    const error = await rejection(
      assertCheckpoints(async () => {
        await checkpoint()
        throw own
      }),
    )
    t.is(error, own)
  })
})

test('a check that is cancelled is cancelled, and leaves nothing running', async (t) => {
  await run(async () => {
    await createTaskGroup(async (tg) => {
      await openCancelScope(async (scope) => {
        tg.spawn(async () => {
          await checkpoint()
          scope.cancel()
        })
        t.true((await rejection(assertCheckpoints(() => sleepForever()))) instanceof Cancelled)
      })
    })
    t.is(getRunningTasks().length, 1)
    await openCancelScope(async (scope) => {
      scope.cancel()
      t.true((await rejection(assertCheckpoints(() => t.fail('called')))) instanceof Cancelled)
      t.true((await rejection(assertNoCheckpoints(() => t.fail('called')))) instanceof Cancelled)
    })
  })
})

test('assertNoCheckpoints calls once, and gives the value of what neither looks nor gives way', async (t) => {
  await run(async () => {
    let calls = 0
    t.is(await assertNoCheckpoints(() => ++calls), 1)
    t.is(
      await assertNoCheckpoints(async () => {
        await null
        return 'value'
      }),
      'value',
    )
    const own = new Error('mine')
    t.is(await rejection(assertNoCheckpoints(() => Promise.reject(own))), own)
  })
})

test('assertNoCheckpoints finds a look, and a turn that was given', async (t) => {
  await run(async () => {
    const looked = (await rejection(assertNoCheckpoints(() => checkpoint()))) as Error
    t.true(looked instanceof AssertionError)
    t.regex(looked.message, /^a checkpoint: it was cancelled/)
    t.true(looked.cause instanceof Cancelled)
    for (const body of [
      () => cancelShieldedCheckpoint(),
      () => new Promise((resolve) => setImmediate(resolve)),
      () => openCancelScope(() => {}),
    ]) {
      const turned = (await rejection(assertNoCheckpoints<unknown>(body))) as Error
      t.true(turned instanceof AssertionError)
      t.regex(turned.message, /^a checkpoint: it let others run/)
    }
  })
})

test('outside of a run, and without a function, they say so', async (t) => {
  await t.throwsAsync(
    assertCheckpoints(() => {}),
    { instanceOf: NotRunningError },
  )
  await t.throwsAsync(
    assertNoCheckpoints(() => {}),
    { instanceOf: NotRunningError },
  )
  await run(async () => {
    await t.throwsAsync(assertCheckpoints(checkpoint() as never), { instanceOf: TypeError, message: /pass a function/ })
    await t.throwsAsync(assertNoCheckpoints(5 as never), { instanceOf: TypeError })
    await moveOnAfter(0, () => {})
  })
})
