/** What becomes of a call when its thread dies, and how errors cross. */
import { once } from 'node:events'
import test from 'ava'
import {
  BrokenResourceError,
  createCapacityLimiter,
  ExceptionGroup,
  runInThread,
  TimeoutError,
  UsageError,
} from '../../index.ts'
import { eachBackend } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'
import { task } from '../support/threads.ts'

const failing = (kind: string): Promise<unknown> => rejection(runInThread(task('fail'), kind))

eachBackend(test, 'errors cross with class name, message, stack, fields and causes', async (t, backend) => {
  await backend.run(async () => {
    const own = (await failing('own')) as Error & { after: unknown }
    t.true(own instanceof RangeError)
    t.is(own.name, 'RetryLater')
    t.is(own.constructor.name, 'RetryLater')
    t.is(own.message, 'busy')
    t.deepEqual(own.after, { seconds: 3 })
    t.false('retry' in own)
    t.regex(own.stack!, /thread-work\.ts/)
    t.true(own.cause instanceof TypeError)
    t.is((own.cause as Error).cause, 'deep')

    t.true((await failing('library')) instanceof TimeoutError)
    const aggregate = (await failing('aggregate')) as AggregateError
    t.true(aggregate instanceof AggregateError)
    t.true(aggregate.errors[0] instanceof RangeError)
    t.is(aggregate.errors[1], 2)
    const circle = (await failing('circle')) as Error
    t.is((circle.cause as Error).cause, circle)
    t.like(await failing('system'), { code: 'ENOENT', errno: -2, syscall: 'open', path: 'x' })
    t.is(await failing('zero'), 0)
    t.is(await failing('undefined'), undefined)
    t.is(((await failing('dom')) as Error).name, 'AbortError')
    // A thrown function: the error says what it was.
    const odd = (await failing('function')) as Error
    t.is(odd.name, 'DataCloneError')
    t.regex(odd.message, /what the function threw/)
    t.is(((await rejection(runInThread(task('returnFunction')))) as Error).name, 'DataCloneError')
  })
})

eachBackend(test, 'a group crosses as a group, with methods that work', async (t, backend) => {
  await backend.run(async () => {
    const caught = await rejection(
      runInThread(async () => {
        const { createTaskGroup, run } = await import('structio')
        await run(
          () =>
            createTaskGroup((tg) => {
              tg.spawn(() => Promise.reject(new RangeError('in a run of its own')))
            }),
          { backend: 'node' },
        )
      }),
    )
    t.true(caught instanceof ExceptionGroup)
    const [leaf] = [...(caught as ExceptionGroup).leaves()]
    t.true(leaf instanceof RangeError)
    t.truthy((caught as ExceptionGroup).split((error) => error instanceof RangeError)[0])
  })
})

eachBackend(
  test,
  'a thread that exits, or dies of what it left running, fails its call; the pool heals',
  async (t, backend) => {
    const limiter = createCapacityLimiter(1)
    await backend.run(async () => {
      const exited = await rejection(runInThread({ limiter }, task('exitWith'), 3))
      t.true(exited instanceof BrokenResourceError)
      t.regex((exited as Error).message, /exit code 3/)
      const died = (await rejection(runInThread({ limiter }, task('throwFromTimer')))) as Error
      t.true(died instanceof BrokenResourceError)
      t.is((died.cause as Error).message, 'nobody waits for this')
      t.is(limiter.borrowedTokens, 0)
      t.is(await runInThread({ limiter }, task('add'), 1, 1), 2)
    })
  },
)

eachBackend(test, 'a thread that dies while its caller has left gives the token back', async (t, backend) => {
  const limiter = createCapacityLimiter(1)
  await backend.run(async () => {
    const { abandonOnCancel, openCancelScope } = await import('../../index.ts')
    const words = new Int32Array(new SharedArrayBuffer(8))
    await openCancelScope(async (scope) => {
      const call = runInThread(
        { limiter, abandonOnCancel: true },
        (shared: Int32Array) => {
          Atomics.store(shared, 0, 1)
          Atomics.notify(shared, 0)
          Atomics.wait(shared, 1, 0)
          process.exit(1)
        },
        words,
      )
      while (Atomics.load(words, 0) === 0) await new Promise((resolve) => setImmediate(resolve))
      scope.cancel()
      await call
    })
    Atomics.store(words, 1, 1)
    Atomics.notify(words, 1)
    await abandonOnCancel(Promise.resolve())
    t.is(await runInThread({ limiter }, task('add'), 1, 1), 2)
  })
})

test.serial('what a function leaves behind and kills its idle thread is told in a warning', async (t) => {
  const { run } = await import('../../index.ts')
  const warned = once(process, 'warning')
  await run(async () => {
    t.is(await runInThread(task('leaveBomb')), 1)
    const [warning] = (await warned) as [Error & { code: string }]
    t.is(warning.code, 'STRUCTIO_THREAD_DIED')
    t.regex(warning.message, /left behind/)
    t.is(await runInThread(task('add'), 1, 1), 2)
  })
})

eachBackend(
  test,
  'a module or an export that is not there fails the call, and says what there is',
  async (t, backend) => {
    const { threadTask } = await import('../../index.ts')
    await backend.run(async () => {
      const here = new URL('../support/thread-work.ts', import.meta.url)
      for (const name of ['nothing', 'noFunction']) {
        const error = (await rejection(runInThread(threadTask(here, name)))) as Error
        t.true(error instanceof UsageError)
        t.regex(error.message, new RegExp(`no function "${name}": it exports .*add`))
      }
      const missing = (await rejection(runInThread(threadTask(new URL('./none.js', import.meta.url), 'x')))) as {
        code?: string
      }
      t.is(missing.code, 'ERR_MODULE_NOT_FOUND')
    })
  },
)
