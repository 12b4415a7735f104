/** `Sequencer`: steps of different tasks in the order of their positions, and what breaks it. */
import test from 'ava'
import {
  Cancelled,
  CancelScope,
  checkpoint,
  createTaskGroup,
  ExceptionGroup,
  gather,
  NotRunningError,
  openCancelScope,
  run,
  sleepForever,
  UsageError,
} from '../../../index.ts'
import { assertCheckpoints, Sequencer } from '../../../src/testing/index.ts'
import { rejection } from '../../support/rejection.ts'

test('steps begin in the order of their positions, whoever comes first, and one ends before the next', async (t) => {
  const log: string[] = []
  await run(() =>
    createTaskGroup((tg) => {
      const order = new Sequencer()
      for (const position of [3, 1, 0, 2]) {
        tg.spawn(() =>
          order.use(position, async () => {
            log.push(`begin ${position}`)
            await checkpoint()
            log.push(`end ${position}`)
          }),
        )
      }
    }),
  )
  t.deepEqual(
    log,
    [0, 1, 2, 3].flatMap((position) => [`begin ${position}`, `end ${position}`]),
  )
})

test('use has the value of its body; a grant lets the next step go when it is released, once', async (t) => {
  await run(async () => {
    const order = new Sequencer()
    t.is(await order.use(0, () => 'value'), 'value')
    const grant = await order.acquire(1)
    const waiting = order.use(2, () => 'third')
    const after = order.use(3, () => 'fourth')
    let began = false
    void waiting.then(() => (began = true))
    await checkpoint()
    t.false(began)
    grant.release()
    grant.release()
    t.deepEqual(await Promise.all([waiting, after]), ['third', 'fourth'])
    {
      await using _ = await order.acquire(4)
    }
    t.is(await order.use(5, async () => 'sixth'), 'sixth')
  })
})

test('a position is used once', async (t) => {
  await run(async () => {
    const order = new Sequencer()
    await order.use(0, () => {})
    const waiting = gather([() => order.use(2, () => 'c'), () => order.use(1, () => 'b')])
    for (const position of [0, 2]) {
      await t.throwsAsync(
        order.use(position, () => {}),
        { instanceOf: UsageError, message: new RegExp(`position ${position} .* used already`) },
      )
    }
    t.deepEqual(await waiting, ['c', 'b'])
  })
})

test('a waiter that is cancelled breaks the sequence for those behind it, and for nobody else', async (t) => {
  await run(async () => {
    const order = new Sequencer()
    const scope = new CancelScope()
    const [first, , third, late] = await gather([
      () =>
        order.use(0, async () => {
          await checkpoint()
          scope.cancel()
          return 'done'
        }),
      () => scope.run(() => order.use(1, () => t.fail('ran'))),
      () => rejection(order.use(2, () => t.fail('ran'))),
      async () => {
        while (!scope.cancelledCaught) await checkpoint()
        return rejection(order.use(3, () => t.fail('ran')))
      },
    ])
    t.is(first, 'done')
    t.true(scope.cancelledCaught)
    for (const error of [third, late]) {
      t.true(error instanceof UsageError)
      t.regex((error as Error).message, /the sequence is broken before position [23]: position 1 was given up/)
    }
  })
})

test('a body that fails breaks the sequence; in a task group its error is all there is to say', async (t) => {
  const failure = new Error('step 0')
  const error = await rejection(
    run(() =>
      createTaskGroup((tg) => {
        const order = new Sequencer()
        for (const position of [3, 2, 1]) tg.spawn(() => order.use(position, () => t.fail('ran')))
        tg.spawn(() => order.use(0, () => Promise.reject(failure)))
      }),
    ),
  )
  t.true(error instanceof ExceptionGroup)
  t.deepEqual((error as ExceptionGroup).errors, [failure])

  await run(async () => {
    const order = new Sequencer()
    const outcomes = await Promise.allSettled([
      order.use(0, () => {
        throw failure
      }),
      order.use(1, () => t.fail('ran')),
    ])
    t.is((outcomes[0] as PromiseRejectedResult).reason, failure)
    const { message } = (outcomes[1] as PromiseRejectedResult).reason as Error
    t.regex(message, /broken before position 1: the body of position 0 failed/)
  })
})

test('a step that was granted and cancelled in the same turn has not begun', async (t) => {
  await run(async () => {
    const order = new Sequencer()
    const grant = await order.acquire(0)
    const scope = new CancelScope()
    const waiting = scope.run(() => order.use(1, () => t.fail('ran')))
    await checkpoint()
    grant.release()
    scope.cancel()
    await waiting
    t.true(scope.cancelledCaught)
    await t.throwsAsync(
      order.use(2, () => {}),
      { instanceOf: UsageError, message: /position 1 was given up/ },
    )
  })
})

test('in a cancelled scope no step begins', async (t) => {
  await run(async () => {
    const order = new Sequencer()
    await openCancelScope(async (scope) => {
      scope.cancel()
      t.true((await rejection(order.use(0, () => t.fail('ran')))) instanceof Cancelled)
    })
    await t.throwsAsync(order.acquire(1), { instanceOf: UsageError, message: /broken before position 1/ })
  })
})

test('a step is a checkpoint', async (t) => {
  await run(async () => {
    const orders = [new Sequencer(), new Sequencer()]
    let calls = 0
    t.is(await assertCheckpoints(() => orders[calls++]!.use(0, () => 'value')), 'value')
    t.is(calls, 2)
  })
})

test('what is no position is refused, and does not spend one', async (t) => {
  await run(async () => {
    const order = new Sequencer()
    for (const position of [-1, 0.5, NaN]) await t.throwsAsync(order.acquire(position), { instanceOf: RangeError })
    await t.throwsAsync(order.acquire('0' as never), { instanceOf: TypeError })
    await t.throwsAsync(order.use(0, 5 as never), { instanceOf: TypeError })
    t.is(await order.use(0, () => 'first'), 'first')
  })
  await t.throwsAsync(new Sequencer().acquire(0), { instanceOf: NotRunningError })
})

test('a step that nobody awaits ends with its scope, and no rejection goes unhandled', async (t) => {
  const order = new Sequencer()
  await run(async () => {
    await openCancelScope(() => {
      void order.use(0, () => sleepForever())
      void order.use(1, () => t.fail('ran'))
    })
    t.pass()
  })
})
