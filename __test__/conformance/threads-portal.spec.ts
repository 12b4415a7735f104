/** `BlockingPortal`: calls from threads that the library did not start (case T5). */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import test, { type ExecutionContext } from 'ava'
import {
  abandonOnCancel,
  BlockingPortal,
  Cancelled,
  createBlockingPortal,
  createEvent,
  openCancelScope,
  type PortalHandle,
  run,
  sleep,
  sleepForever,
  UsageError,
} from '../../index.ts'
import { eachBackend } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

interface Said {
  readonly value?: unknown
  readonly error?: { readonly name: string; readonly code?: string; readonly message: string }
}

class Stranger {
  readonly words = new Int32Array(new SharedArrayBuffer(4))
  readonly #worker: Worker

  constructor(t: ExecutionContext, handle: PortalHandle) {
    const program = new URL('../support/portal-worker.mjs', import.meta.url)
    this.#worker = new Worker(program, { workerData: { handle, words: this.words }, execArgv: [] })
    t.teardown(() => this.#worker.terminate())
  }

  async does(...act: unknown[]): Promise<Said> {
    const said = once(this.#worker, 'message') as Promise<[Said]>
    this.#worker.postMessage(act)
    return (await said)[0]
  }
}

eachBackend(test, 'a thread that the library did not start calls functions of the run', async (t, backend) => {
  await backend.run(async () => {
    const expose = {
      double: async (x: number) => {
        await sleep(0)
        return 2 * x
      },
      fail: () => Promise.reject(new RangeError('too far')),
      function: () => () => 1,
      forever: () => sleepForever(),
    }
    await using portal = await createBlockingPortal({ expose })
    const stranger = new Stranger(t, portal.handle)
    const does = (...act: unknown[]): Promise<Said> => abandonOnCancel(stranger.does(...act))
    t.deepEqual(await does('call', 'double', 21), { value: 42 })
    t.like((await does('call', 'fail')).error, { name: 'RangeError', message: 'too far' })
    t.like((await does('call', 'nothing')).error, { name: 'UsageError' })
    t.like((await does('call', 'function')).error, { name: 'DataCloneError' })
    t.deepEqual(await does('soon', 'double'), { value: [6, 4, 2] })
    t.like((await does('cancel', 'forever')).error, { code: 'ERR_TASK_CANCELLED' })
    // Several threads may use one handle.
    const other = new Stranger(t, portal.handle)
    const both = await abandonOnCancel(
      Promise.all([stranger.does('call', 'double', 1), other.does('call', 'double', 2)]),
    )
    t.deepEqual(both, [{ value: 2 }, { value: 4 }])
  })
})

eachBackend(test, 'the functions run under the scope in which the portal was made', async (t, backend) => {
  await backend.run(async () => {
    let inFunction: unknown
    let said: Promise<Said> | undefined
    await openCancelScope(async (scope) => {
      const expose = {
        wait: async () => {
          scope.cancel()
          inFunction = await rejection(sleepForever())
          throw inFunction
        },
      }
      await using portal = await createBlockingPortal({ expose })
      said = new Stranger(t, portal.handle).does('call', 'wait')
      await abandonOnCancel(said)
    })
    t.true(inFunction instanceof Cancelled)
    const { error } = await abandonOnCancel(said!)
    // Either is true of it: whoever comes first says so.
    t.true(['ERR_CANCELLED', 'ERR_CLOSED_RESOURCE'].includes(error!.code!))
  })
})

eachBackend(test, 'close wakes whoever waits, ends what runs, and refuses what comes', async (t, backend) => {
  await backend.run(async () => {
    const running = createEvent()
    let ended = false
    const expose = {
      wait: async () => {
        running.set()
        try {
          await sleepForever()
        } finally {
          ended = true
        }
      },
    }
    const portal = await createBlockingPortal({ expose })
    const stranger = new Stranger(t, portal.handle)
    const said = stranger.does('call', 'wait')
    await running.wait()
    await portal.close()
    t.true(ended)
    t.like((await abandonOnCancel(said)).error, { code: 'ERR_CLOSED_RESOURCE' })
    t.like((await abandonOnCancel(stranger.does('call', 'wait'))).error, { code: 'ERR_CLOSED_RESOURCE' })
    const late = new Stranger(t, portal.handle)
    t.like((await abandonOnCancel(late.does('soon', 'wait'))).error, { code: 'ERR_CLOSED_RESOURCE' })
    await portal.close()
  })
})

eachBackend(test, 'close in a cancelled scope closes, and raises no cancellation', async (t, backend) => {
  await backend.run(async () => {
    const portal = await createBlockingPortal({ expose: {} })
    await openCancelScope(async (scope) => {
      scope.cancel()
      await t.notThrowsAsync(portal.close())
    })
    const said = await abandonOnCancel(new Stranger(t, portal.handle).does('call', 'x'))
    t.is(said.error!.code, 'ERR_CLOSED_RESOURCE')
  })
})

test.serial(
  'T5: a portal left open is closed with a warning; callers get RunFinishedError, waiting or late',
  async (t) => {
    const warned = once(process, 'warning')
    const strangers: Stranger[] = []
    const said: Promise<Said>[] = []
    await run(async () => {
      const running = createEvent()
      const expose = {
        wait: () => {
          running.set()
          return sleepForever()
        },
      }
      const portal = await createBlockingPortal({ expose })
      strangers.push(new Stranger(t, portal.handle), new Stranger(t, portal.handle))
      said.push(strangers[0]!.does('forever', 'wait'), strangers[1]!.does('late', 'wait'))
      await running.wait()
    })
    const [warning] = (await warned) as [Error & { code: string }]
    t.is(warning.code, 'STRUCTIO_LEFT_OPEN')
    t.regex(warning.message, /blocking portal/)
    Atomics.store(strangers[1]!.words, 0, 1)
    Atomics.notify(strangers[1]!.words, 0)
    t.is((await said[1]!).error!.code, 'ERR_RUN_FINISHED')
    t.true(['ERR_RUN_FINISHED', 'ERR_CANCELLED', 'ERR_USAGE'].includes((await said[0]!).error!.code!))
  },
)

eachBackend(test, 'T5: on the event-loop thread a portal refuses to block', async (t, backend) => {
  await backend.run(async () => {
    await using portal = await createBlockingPortal({ expose: { f: () => 1 } })
    const here = BlockingPortal.attach(portal.handle)
    for (const call of [() => here.call('f'), () => here.startTaskSoon('f')]) {
      t.throws(call, { instanceOf: UsageError })
    }
  })
})

eachBackend(test, 'bad input to a portal', async (t, backend) => {
  const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
  await backend.run(async () => {
    for (const bad of [undefined, null, {}, { expose: 1 }, { expose: { f: 1 } }]) {
      await t.throwsAsync(createBlockingPortal(bad as never), type)
    }
  })
  for (const bad of [undefined, null, {}, 'x', { structioPortal: 'x' }]) {
    t.throws(() => BlockingPortal.attach(bad as never), type)
  }
})
