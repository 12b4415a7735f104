/** Quiet, deadlocks and dumps at odd moments: each of these has been a defect. */
import { inspect } from 'node:util'
import test from 'ava'
import {
  type CancelScope,
  checkpoint,
  createCapacityLimiter,
  createEvent,
  createTaskGroup,
  dumpTasks,
  moveOnAfter,
  openCancelScope,
  run,
  sleep,
  sleepForever,
  UsageError,
  waitAllTasksBlocked,
} from '../../index.ts'
import { eachBackend, eachBackendWithClock } from '../support/backends.ts'

eachBackend(
  test,
  'another run of the thread that never rests does not keep a run from being quiet',
  async (t, backend) => {
    let over = false
    const restless = run(
      async () => {
        while (!over) await sleep(0)
      },
      { backend: 'node' },
    )
    await backend.run(() =>
      createTaskGroup(async (tg) => {
        tg.spawn(sleepForever)
        await waitAllTasksBlocked()
        tg.cancelScope.cancel()
      }),
    )
    await run(() => sleep(3_600_000), { backend: 'virtual' })
    over = true
    await restless
    t.pass()
  },
)

eachBackendWithClock(
  test,
  'a deadline that cancels a scope without operations does not end the watching',
  async (t, backend, clock) => {
    await backend.run(() =>
      createTaskGroup(async (tg) => {
        const event = createEvent()
        tg.spawn(() => moveOnAfter(20, () => openCancelScope({ shield: true }, () => event.wait())))
        await checkpoint()
        // The deadline has passed and is not delivered yet when everybody is looked at.
        clock.hold(20)
        const blocked = tg.spawn(waitAllTasksBlocked)
        await checkpoint()
        await clock.advance(0)
        await blocked.wait()
        event.set()
      }),
    )
    t.pass()
  },
)

eachBackendWithClock(
  test,
  'a deadlock behind a shield is found when the last deadline has passed',
  async (t, backend, clock) => {
    const running = t.throwsAsync(
      backend.run(
        () => moveOnAfter(20, () => openCancelScope({ shield: true }, () => createEvent().wait())) as Promise<void>,
      ),
      { instanceOf: UsageError, message: /deadlock/ },
    )
    await clock.advance(20)
    await running
  },
)

eachBackend(test, 'a run that a signal of the process may end is in no deadlock', async (t, backend) => {
  const event = createEvent()
  const running = backend.run(() => event.wait(), { shutdownSignals: ['SIGUSR2'] })
  for (let pass = 0; pass < 20; pass++) await new Promise((resolve) => setImmediate(resolve))
  event.set()
  t.true(await running)
})

eachBackend(
  test,
  'R5 with foreign work: a task that waits for a token of a working body is in no deadlock',
  async (t, backend) => {
    const limiter = createCapacityLimiter(1)
    let settle = (): void => {}
    const values = backend.run(() =>
      Promise.all(
        [1, 2, 3].map((n) =>
          limiter.use(async () => {
            await new Promise<void>((resolve) => (settle = resolve))
            return n
          }),
        ),
      ),
    )
    for (let pass = 0; pass < 60; pass++) {
      await new Promise((resolve) => setImmediate(resolve))
      if (pass % 20 === 19) settle()
    }
    t.deepEqual(await values, [1, 2, 3])
  },
)

eachBackend(test, 'R5 without foreign work: bodies that wait for each other are in a deadlock', async (t, backend) => {
  const limiter = createCapacityLimiter(1)
  const event = createEvent()
  await t.throwsAsync(
    backend.run(() => Promise.all([1, 2].map(() => limiter.use(() => event.wait())))) as Promise<unknown>,
    { message: /deadlock/ },
  )
})

eachBackend(
  test,
  'a dump shows what it can of names, reasons and functions that throw, each on one line',
  async (t, backend) => {
    await backend.run(() =>
      createTaskGroup(async (tg) => {
        let shielded: CancelScope | undefined
        const reason = {
          [inspect.custom]() {
            throw new Error('not to be shown')
          },
        }
        const nameless = Object.defineProperty(() => sleepForever(), 'name', {
          get() {
            throw new Error('no name')
          },
        })
        tg.spawn({ name: 'a\n      task 99 "forged" is running' }, sleepForever)
        tg.spawn(nameless)
        const cancelled = tg.spawn({ name: 'cancelled' }, () =>
          openCancelScope({ shield: true }, async (scope) => {
            shielded = scope
            await sleepForever()
          }),
        )
        const early = tg.spawn({ name: 'early' }, () => {})
        early.cancel()
        t.regex(dumpTasks(), /"early" \(cancelling\) is about to start/)
        await waitAllTasksBlocked()
        cancelled.cancel(reason)
        const lines = dumpTasks().split('\n')
        shielded!.cancel()
        tg.cancelScope.cancel()
        t.is(lines.length, 7)
        t.regex(lines[3]!, /task \d+ "a\\n {6}task 99 \\"forged\\" is running" waits for/)
        t.is(lines.filter((line) => line.includes('cannot be shown')).length, 2)
      }),
    )
  },
)

test('after forty days a dump still says since when', async (t) => {
  await run(
    () =>
      createTaskGroup(async (tg) => {
        await sleep(40 * 86_400_000)
        tg.spawn({ name: 'late' }, () => createEvent().wait())
        await sleep(10)
        t.regex(dumpTasks(), /"late" waits for an event, since 3456000000 \(10 ms\)/)
        tg.cancelScope.cancel()
      }),
    { backend: 'virtual' },
  )
})

test('the error of a deadlock shows some hundred tasks and counts the others', async (t) => {
  const error = await t.throwsAsync(
    run(
      () =>
        createTaskGroup((tg) => {
          for (let n = 0; n < 1000; n++) tg.spawn(() => createEvent().wait())
        }),
      { backend: 'node', detectDeadlocks: true },
    ),
  )
  t.regex(error.message, /: 1001 tasks\n/)
  t.regex(error.message, /and \d+ more tasks and scopes$/)
  t.true(error.message.split('\n').length < 300)
})
