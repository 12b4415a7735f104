/** `run` and its options (RUN-1 to RUN-6). Cases that need a process of their own are in run-process.spec.ts. */
import { Worker } from 'node:worker_threads'
import test from 'ava'
import { BackendNotFoundError, Cancelled, NotRunningError, RunFinishedError, UsageError } from '../../../src/errors.ts'
import { getCurrentTask, getRunningTasks } from '../../../src/introspection.ts'
import { type Frame, requireFrame } from '../../../src/kernel/context.ts'
import { Resource } from '../../../src/kernel/resources.ts'
import { type RunOptions, getAllBackends, getAvailableBackends, run } from '../../../src/run.ts'
import {
  checkpoint,
  currentTime,
  failAfter,
  openCancelScope,
  sleep,
  sleepForever,
  sleepUntil,
} from '../../../src/scopes.ts'
import { createTaskGroup } from '../../../src/task-groups.ts'
import { eachBackend } from '../../support/backends.ts'
import { rejection } from '../../support/rejection.ts'

eachBackend(test, 'run gives the value of main, a promise or not', async (t, backend) => {
  t.is(await backend.run(() => 5), 5)
  t.is(await backend.run(async () => (await checkpoint(), 'later')), 'later')
})

eachBackend(test, 'run rejects with the very value that main throws', async (t, backend) => {
  for (const thrown of [new Error('boom'), undefined, 0]) {
    t.is(await rejection(backend.run(() => Promise.reject(thrown as Error))), thrown)
    const throwing = (): never => {
      throw thrown
    }
    t.is(await rejection(backend.run(throwing)), thrown)
  }
})

eachBackend(test, 'run inside a task is a usage error that says to use tg.spawn', async (t, backend) => {
  const usage = { instanceOf: UsageError, message: /tg\.spawn/ }
  await backend.run(async () => {
    await t.throwsAsync(
      backend.run(() => t.fail('it ran')),
      usage,
    )
    await openCancelScope(() =>
      t.throwsAsync(
        run(() => t.fail('it ran')),
        usage,
      ),
    )
  })
})

eachBackend(test, 'run may be called where a task or a run has been', async (t, backend) => {
  let later: Promise<unknown> | undefined
  const gate = new Promise((resolve) => setTimeout(resolve, 10))
  await backend.run(() => {
    later = gate.then(() => backend.run(() => getCurrentTask().name, { name: 'second' }))
  })
  t.is(await later, 'second')
})

eachBackend(test, 'several runs are active in one thread, each a tree of its own', async (t, backend) => {
  const trees = await Promise.all(
    ['one', 'two'].map((name) =>
      backend.run(
        () =>
          createTaskGroup(async (tg) => {
            tg.spawn({ name: `${name}'s child` }, () => checkpoint())
            await checkpoint()
            return getRunningTasks().map((task) => task.name)
          }),
        { name },
      ),
    ),
  )
  for (const [index, name] of ['one', 'two'].entries()) t.true(trees[index]?.every((task) => task.startsWith(name)))
})

test('getRunningTasks outside every task lists those of all runs', async (t) => {
  let open = (): void => undefined
  const gate = new Promise<void>((resolve) => (open = resolve))
  const runs = ['one', 'two'].map((name) => run(() => gate, { name, backend: 'node' }))
  const names = getRunningTasks().map((task) => task.name)
  t.true(names.includes('one') && names.includes('two'))
  open()
  await Promise.all(runs)
})

test('a promise given for main is a type error that says to pass a function', async (t) => {
  const error = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
  await t.throwsAsync(run(Promise.resolve() as never), { ...error, message: /pass a function/ })
  await t.throwsAsync(run(undefined as never), error)
})

test('options are checked before anything is started', async (t) => {
  const main = (): void => t.fail('main was called')
  const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
  for (const options of [
    5,
    null,
    [],
    { name: 5 },
    { backend: 5 },
    { backendOptions: 5 },
    { signal: {} },
    { keepAlive: 1 },
    { traceResources: 'yes' },
    { shutdownSignals: 'SIGINT' },
    { shutdownSignals: [2] },
  ]) {
    await t.throwsAsync(run(main, options as RunOptions), type, JSON.stringify(options))
  }
  for (const signal of ['SIGNIFICANT', 'SIGKILL', 'SIGSTOP']) {
    await t.throwsAsync(
      run(main, { shutdownSignals: [signal as NodeJS.Signals] }),
      { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' },
      signal,
    )
  }
})

test('an unknown backend is an error that names those there are', async (t) => {
  const error = { instanceOf: BackendNotFoundError, code: 'ERR_BACKEND_NOT_FOUND' }
  const unknown = run(() => t.fail('main was called'), { backend: 'curio' as 'node' })
  const { message } = await t.throwsAsync(unknown, error)
  for (const name of getAllBackends()) t.true(message.includes(name))
  t.true(getAllBackends().includes('node') && getAvailableBackends().includes('node'))
})

eachBackend(test, 'outside every run an operation says to call run', async (t) => {
  for (const call of [
    checkpoint,
    () => sleep(1),
    () => openCancelScope(() => undefined),
    () => createTaskGroup(() => undefined),
  ]) {
    await t.throwsAsync(call(), { instanceOf: NotRunningError, code: 'ERR_NOT_RUNNING', message: /run\(main\)/ })
  }
})

eachBackend(test, 'in the frame of a run that has settled an operation says so', async (t, backend) => {
  let late: Promise<unknown> | undefined
  const gate = new Promise((resolve) => setTimeout(resolve, 10))
  await backend.run(() => {
    late = gate.then(() => checkpoint())
  })
  await t.throwsAsync(late!, { instanceOf: RunFinishedError, code: 'ERR_RUN_FINISHED' })
})

eachBackend(
  test,
  'a call that main does not await is cancelled, and has ended when run settles',
  async (t, backend) => {
    const steps: string[] = []
    const value = await backend.run(() => {
      void (async () => {
        const error = await rejection(sleepForever())
        await openCancelScope({ shield: true }, () => checkpoint())
        steps.push(error instanceof Cancelled ? 'cancelled' : 'failed')
      })()
      return 'value'
    })
    steps.push('settled')
    t.is(value, 'value')
    t.deepEqual(steps, ['cancelled', 'settled'])
  },
)

// signal

eachBackend(
  test,
  'the signal aborts the root scope, and run rejects with its reason after everything has unwound',
  async (t, backend) => {
    const controller = new AbortController()
    const reason = new Error('stop')
    const steps: string[] = []
    const main = (): Promise<unknown> =>
      createTaskGroup(async (tg) => {
        tg.spawn(async () => {
          await rejection(sleepForever())
          steps.push('child unwound')
          await checkpoint()
        })
        setImmediate(() => controller.abort(reason))
        await sleepForever()
      })
    t.is(await rejection(backend.run(main, { signal: controller.signal })), reason)
    t.deepEqual(steps, ['child unwound'])
  },
)

eachBackend(
  test,
  'a signal aborted before lets main run to its first checkpoint; a value wins, an error too',
  async (t, backend) => {
    const reason = new Error('stop')
    const options = { signal: AbortSignal.abort(reason) }
    let ran = false
    const main = async (): Promise<void> => {
      ran = true
      await checkpoint()
      t.fail('passed a checkpoint')
    }
    t.is(await rejection(backend.run(main, options)), reason)
    t.true(ran)
    t.is(await backend.run(() => 'value', options), 'value')
    const boom = new Error('boom')
    t.is(await rejection(backend.run(() => Promise.reject(boom), options)), boom)
  },
)

// Resources

class Left extends Resource {
  closed = 0

  constructor(frame: Frame) {
    super()
    this.register(frame, 'thing')
  }

  close(): void {
    this.unregister()
    this.unregister()
  }

  describeResource(): string {
    return 'thing 127.0.0.1:80'
  }

  closeForRun(): Promise<void> {
    this.closed++
    this.unregister()
    return Promise.resolve()
  }
}

async function warningsOf(body: () => Promise<unknown>): Promise<Error[]> {
  const warnings: Error[] = []
  // Node's own listener prints; the warnings of this test are expected.
  const printers = process.listeners('warning')
  process.removeAllListeners('warning')
  const listener = (warning: Error): void => void warnings.push(warning)
  process.on('warning', listener)
  await body()
  await new Promise((resolve) => setImmediate(resolve))
  process.removeListener('warning', listener)
  for (const printer of printers) process.on('warning', printer)
  return warnings
}

eachBackend(
  test,
  'a resource left open is closed when its run settles, with a warning that names its task',
  async (t, backend) => {
    const resources: Left[] = []
    const warnings = await warningsOf(() =>
      backend.run(() =>
        createTaskGroup((tg) => {
          tg.spawn({ name: 'forgetful' }, () => {
            resources.push(
              new Left(requireFrame('test')),
              new Left(requireFrame('test')),
              new Left(requireFrame('test')),
            )
            resources[1]!.close()
          })
        }),
      ),
    )
    t.deepEqual(
      resources.map(({ closed }) => closed),
      [1, 0, 1],
    )
    t.is(warnings.length, 2)
    const [warning] = warnings as (Error & { detail?: string })[]
    t.regex(warning!.message, /thing 127\.0\.0\.1:80.*"forgetful"/)
    t.is(warning!.name, 'StructioWarning')
    t.is(warning!.detail, undefined)
  },
)

eachBackend(test, 'traceResources keeps the stack that made it', async (t, backend) => {
  const warnings = await warningsOf(() =>
    backend.run(
      () => {
        new Left(requireFrame('test'))
      },
      { traceResources: true },
    ),
  )
  t.regex((warnings[0] as Error & { detail?: string }).detail ?? '', /run\.spec/)
})

// Threads and deadlines

test('shutdownSignals in a worker are unsupported, a run there is not', async (t) => {
  const worker = new Worker(new URL('../../programs/kernel/in-worker.mjs', import.meta.url))
  const message = await new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  t.deepEqual(message, { value: 'ran', refused: 'ERR_UNSUPPORTED' })
  await worker.terminate()
})

eachBackend(test, 'real timers fire, in order, and not before their time', async (t, backend) => {
  await backend.run(async () => {
    const woken: number[] = []
    const begun = currentTime()
    await Promise.all(
      [12, 4, 8].map(async (ms) => {
        // Of one beginning: a process that is held up between two calls would order them differently.
        await sleepUntil(begun + ms)
        t.true(currentTime() >= begun + ms)
        woken.push(ms)
      }),
    )
    t.deepEqual(woken, [4, 8, 12])
    await t.throwsAsync(
      failAfter(5, () => sleepForever()),
      { code: 'ERR_TIMEOUT' },
    )
  })
})
