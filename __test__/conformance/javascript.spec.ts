/** The cases R1 to R10 that need no socket, on every backend. */
import { EventEmitter, once } from 'node:events'
import test from 'ava'
import { Cancelled, TimeoutError, UsageError } from '../../src/errors.ts'
import { finalize } from '../../src/finalize.ts'
import { type Frame, requireFrame } from '../../src/kernel/context.ts'
import { Resource } from '../../src/kernel/resources.ts'
import {
  CancelScope,
  abandonOnCancel,
  cancelShieldedCheckpoint,
  checkpoint,
  failAfter,
  moveOnAfter,
  openCancelScope,
  sleep,
  sleepForever,
} from '../../src/scopes.ts'
import { createTaskGroup } from '../../src/task-groups.ts'
import { eachBackend, eachBackendWithClock } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

eachBackend(test, 'R1: the loser of a Promise.race has ended when its scope has', async (t, backend) => {
  await backend.run(async () => {
    let abandoned = false
    const loser = new Promise<string>(() => undefined)
    let cancelled: unknown
    const value = await openCancelScope(async () => {
      const waiting = abandonOnCancel(loser).catch((error: unknown) => {
        cancelled = error
        abandoned = true
        throw error
      })
      return Promise.race([waiting, checkpoint().then(() => 'winner')])
    })
    t.is(value, 'winner')
    t.true(abandoned)
    t.true(cancelled instanceof Cancelled)
  })
})

eachBackendWithClock(
  test,
  'R2: the AbortError of events.once with scope.signal counts as the cancellation of its scope',
  async (t, backend, clock) => {
    const main = async (): Promise<void> => {
      const emitter = new EventEmitter()
      const wait = (scope: Pick<CancelScope, 'signal'>): Promise<unknown> =>
        once(emitter, 'x', { signal: scope.signal })
      t.is(await moveOnAfter(10, wait), undefined)
      await t.throwsAsync(failAfter(10, wait), { instanceOf: TimeoutError, code: 'ERR_TIMEOUT' })
      t.is(emitter.listenerCount('x'), 0)
    }
    await Promise.all([backend.run(main), clock.advance(20)])
  },
)

eachBackend(
  test,
  'R3: a promise shared by two tasks whose maker is cancelled is a usage error in the other',
  async (t, backend) => {
    await backend.run(async () => {
      let memo: Promise<void> | undefined
      const work = (): Promise<void> => (memo ??= sleepForever())
      const group = await rejection(
        createTaskGroup(async (tg) => {
          const first = tg.spawn(() => work())
          tg.spawn(() => work())
          await checkpoint()
          first.cancel()
        }),
      )
      const [error] = (group as AggregateError).errors as Error[]
      t.true(error instanceof UsageError)
      t.true(error?.cause instanceof Cancelled)
    })
  },
)

class FakeStream extends Resource {
  open = true

  constructor(frame: Frame) {
    super()
    this.register(frame, 'fake stream')
  }

  describeResource(): string {
    return 'fake stream'
  }

  closeForRun(): Promise<void> {
    return this[Symbol.asyncDispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.open = false
    this.unregister()
    return Promise.resolve()
  }
}

eachBackend(
  test,
  'R8: a resource opened with await using in a scope that is cancelled is closed, and the scope ends quietly',
  async (t, backend) => {
    await backend.run(async () => {
      let stream: FakeStream | undefined
      const value = await openCancelScope(async (scope) => {
        await using opened = new FakeStream(requireFrame('test'))
        stream = opened
        scope.cancel()
        await sleep(1000)
        return 'not reached'
      })
      t.is(value, undefined)
      t.false(stream?.open)
    })
  },
)

eachBackend(
  test,
  'R9: an error thrown in a body comes out of await using and of finalize in a cancelled scope',
  async (t, backend) => {
    await backend.run(async () => {
      const thrown = new Error('thrown')
      const closing = { close: () => checkpoint() }
      const bodies: Record<string, (scope: CancelScope) => Promise<unknown>> = {
        'await using': async () => {
          await using _stream = new FakeStream(requireFrame('test'))
          throw thrown
        },
        'await using finalize': async () => {
          await using _resource = finalize({ close: closing.close })
          throw thrown
        },
        finalize: () =>
          finalize(closing, () => {
            throw thrown
          }),
      }
      for (const [form, body] of Object.entries(bodies)) {
        const error = await rejection(
          openCancelScope((scope) => {
            scope.cancel()
            return body(scope)
          }),
        )
        t.is(error, thrown, form)
      }
    })
  },
)

eachBackend(
  test,
  'R10: what a child leaves un-awaited is cancelled, and has ended before the child counts as finished',
  async (t, backend) => {
    await backend.run(async () => {
      const steps: string[] = []
      await createTaskGroup(async (tg) => {
        const child = tg.spawn(() => {
          void (async () => {
            try {
              await sleepForever()
            } catch (error) {
              steps.push(error instanceof Cancelled ? 'operation cancelled' : 'operation failed')
              await cancelShieldedCheckpoint()
              steps.push('operation cleaned up')
            }
          })()
          void sleepForever()
          return 'value'
        })
        t.is(await child.value(), 'value')
        steps.push(`child ${child.status}`)
      })
      t.deepEqual(steps, ['operation cancelled', 'operation cleaned up', 'child finished'])
    })
  },
)
