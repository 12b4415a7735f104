/**
 * Foreign work: promises that no scope can cancel, signals, and the errors of libraries whose requests were aborted.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { getEventListeners } from 'node:events'
import test from 'ava'
import {
  abandonOnCancel,
  Cancelled,
  CancelScope,
  createEvent,
  createLock,
  createTaskGroup,
  currentSignal,
  ExceptionGroup,
  failAfter,
  isCancelled,
  moveOnAfter,
  openCancelScope,
  type ScopeEvent,
  sleep,
  sleepForever,
  TimeoutError,
  UsageError,
} from '../../index.ts'
import { countOnly, spendBudget } from '../../src/kernel/turn.ts'
import { eachBackend, eachBackendWithClock } from '../support/backends.ts'
import { iterations } from '../support/kernel-run.ts'
import { rejection } from '../support/rejection.ts'

/** Foreign work, and the function that ends it. */
function foreign<T>(): { promise: Promise<T>; settle: (value: T) => void; fail: (error: unknown) => void } {
  let settle!: (value: T) => void
  let fail!: (error: unknown) => void
  const promise = new Promise<T>((resolve, reject) => {
    settle = resolve
    fail = reject
  })
  return { promise, settle, fail }
}

/** Error shapes of libraries whose requests were aborted, without a cause. */
const ABORTS: Record<string, () => Error> = {
  'an AbortError of fetch': () => new DOMException('This operation was aborted', 'AbortError'),
  'an AbortError of node-fetch': () => Object.assign(new Error('aborted'), { name: 'AbortError', type: 'aborted' }),
  'a CanceledError of axios': () =>
    Object.assign(new Error('canceled'), { name: 'CanceledError', code: 'ERR_CANCELED' }),
  'an error with the code ABORT_ERR': () => Object.assign(new Error('aborted'), { code: 'ABORT_ERR' }),
}

eachBackend(
  test,
  'S35: abandon leaves a foreign body behind: undefined, TimeoutError, the own value of one that ends',
  async (t, backend) => {
    const works: ReturnType<typeof foreign<string>>[] = []
    const work = (): Promise<string> => {
      works.push(foreign<string>())
      return works.at(-1)!.promise
    }
    await backend.run(async () => {
      t.is(await moveOnAfter(-1, { abandon: true }, work), undefined)
      t.true((await rejection(failAfter(-1, { abandon: true }, work))) instanceof TimeoutError)
      t.is(await failAfter(1000, { abandon: true }, () => 'in time'), 'in time')
      const scope = new CancelScope({ abandon: true })
      const running = scope.run(work)
      scope.cancel()
      t.is(await running, undefined)
      t.true(scope.cancelledCaught)
      t.is(
        await createTaskGroup({ abandon: true }, (tg) => {
          tg.spawn(work)
          tg.cancelScope.cancel()
          return work()
        }),
        undefined,
      )
    })
    // What comes late is discarded, whatever it is.
    works[0]!.settle('late')
    for (const { fail } of works.slice(1)) fail(new Error('late'))
    await iterations(1)
  },
)

eachBackend(
  test,
  'S36: inner scopes, groups and uses with nothing but foreign work are left behind together',
  async (t, backend) => {
    const { promise, settle } = foreign<string>()
    const lock = createLock()
    const seen: unknown[] = []
    await backend.run(async () => {
      const value = await moveOnAfter(-1, { abandon: true }, async () => {
        await openCancelScope({ shield: true }, () =>
          createTaskGroup(async (tg) => {
            tg.spawn(() => promise)
            await promise
          }),
        )
        seen.push(await rejection(sleep(1)))
      })
      t.is(value, undefined)
      t.is(
        await moveOnAfter(-1, { abandon: true }, () =>
          openCancelScope({ shield: true }, () => lock.use(() => promise)),
        ),
        undefined,
      )
      t.true(lock.locked(), 'what its body still uses is not given to others')
      settle('late')
      await lock.use(() => undefined)
      await iterations(3)
    })
    t.true(seen[0] instanceof UsageError, 'what the body begins later is refused')
  },
)

eachBackendWithClock(test, 'S37: abandon waits for clean-up of the library first', async (t, backend, clock) => {
  const log: string[] = []
  const { promise } = foreign<string>()
  await backend.run(async () => {
    const ended = moveOnAfter(10, { abandon: true }, async () => {
      try {
        await sleepForever()
      } finally {
        await openCancelScope({ shield: true }, () => sleep(50))
        log.push('cleaned up')
        await promise
      }
    }).then(() => log.push('ended'))
    await clock.advance(10)
    await iterations(4)
    log.push('cancelled')
    await clock.advance(50)
    await ended
  })
  t.deepEqual(log, ['cancelled', 'cleaned up', 'ended'])
})

eachBackend(test, 'S38: a run with abandon settles though its main waits for ever', async (t, backend) => {
  const controller = new AbortController()
  const running = backend.run(() => new Promise(() => undefined), { abandon: true, signal: controller.signal })
  controller.abort(new Error('enough'))
  t.is(((await rejection(running)) as Error).message, 'enough')
})

for (const [what, make] of Object.entries(ABORTS)) {
  eachBackend(
    test,
    `S41: ${what} counts where the signal was handed out, and is an error elsewhere`,
    async (t, backend) => {
      await backend.run(async () => {
        const fetchWith = (signal: AbortSignal): Promise<never> =>
          new Promise((_, reject) => {
            if (signal.aborted) reject(make())
            else signal.addEventListener('abort', () => reject(make()))
          })
        t.is(await moveOnAfter(-1, (scope) => fetchWith(scope.signal)), undefined)
        t.is(await moveOnAfter(1, () => fetchWith(currentSignal())), undefined)
        t.true((await rejection(failAfter(1, (scope) => fetchWith(scope.signal)))) instanceof TimeoutError)
        // An inner scope handed it out: the outer one takes it as well.
        const outer = await openCancelScope(async (scope) => {
          scope.cancel()
          await openCancelScope((inner) => fetchWith(inner.signal))
        })
        t.is(outer, undefined)
        t.is(
          await openCancelScope(async (scope) => {
            void scope.signal
            scope.cancel()
            try {
              throw make()
            } catch (error) {
              t.true(isCancelled(error))
              throw error
            }
          }),
          undefined,
        )
        const error = make()
        t.is(
          await rejection(
            openCancelScope((scope) => {
              void scope.signal
              throw error
            }),
          ),
          error,
          'not cancelled',
        )
        t.is(
          await rejection(
            openCancelScope((scope) => {
              scope.cancel()
              throw error
            }),
          ),
          error,
          'never handed out',
        )
        t.false(isCancelled(error))
      })
    },
  )
}

eachBackend(
  test,
  'S42: a scope with the signal of another task’s scope says so when that is cancelled',
  async (t, backend) => {
    await backend.run(async () => {
      const other = new CancelScope()
      const group = await rejection(
        createTaskGroup((tg) => {
          tg.spawn(() => other.run(() => sleepForever()))
          tg.spawn(() => openCancelScope({ signal: other.signal }, () => sleepForever()))
          other.cancel()
        }),
      )
      const [error] = (group as ExceptionGroup).errors as Error[]
      t.true(error instanceof UsageError)
      t.regex(error!.message, /`signal` of another scope/)
      t.true(error!.cause instanceof Cancelled)
    })
  },
)

eachBackend(test, 'S43: scopes that wait on one signal share one listener', async (t, backend) => {
  const { signal } = new AbortController()
  await backend.run(() =>
    createTaskGroup(async (tg) => {
      const over = createEvent()
      for (let index = 0; index < 20; index++) tg.spawn(() => openCancelScope({ signal }, () => over.wait()))
      await sleep(0)
      t.is(getEventListeners(signal, 'abort').length, 1)
      over.set()
    }),
  )
  t.is(getEventListeners(signal, 'abort').length, 0)
})

eachBackend(
  test,
  'S44: each of many waits on one foreign promise gets its value; one that left has it discarded',
  async (t, backend) => {
    await backend.run(async () => {
      const { promise, settle } = foreign<number>()
      const discarded: number[] = []
      for (let wait = 0; wait < 3; wait++)
        await moveOnAfter(-1, () => abandonOnCancel(promise, { discard: (value) => void discarded.push(value) }))
      await createTaskGroup(async (tg) => {
        const left = new CancelScope()
        const leaving = left.run(() => abandonOnCancel(promise, { discard: (value) => void discarded.push(value) }))
        const handles = [1, 2, 3].map((plus) => tg.spawn(async () => (await abandonOnCancel(promise)) + plus))
        await sleep(0)
        left.cancel()
        t.is(await leaving, undefined)
        settle(10)
        t.deepEqual(await Promise.all(handles.map((handle) => handle.value())), [11, 12, 13])
        t.is(await abandonOnCancel(promise), 10)
      })
      t.deepEqual(discarded, [10, 10, 10, 10])
    })
  },
)

eachBackend(
  test,
  'a group whose body has settled is left behind with the scope around it, with the budget of the turn spent',
  async (t, backend) => {
    for (const busy of [false, true]) {
      const { promise, settle } = foreign<string>()
      let group!: CancelScope
      const undo = busy ? countOnly() : (): void => undefined
      await backend.run(async () => {
        const scope = new CancelScope({ abandon: true })
        const running = scope.run(() =>
          createTaskGroup({ shield: true }, (tg) => {
            group = tg.cancelScope
            tg.spawn(() => promise)
          }),
        )
        await sleep(0)
        scope.cancel()
        while (busy && spendBudget());
        t.is(await running, undefined)
        t.is(group.cancelReason, undefined, 'it was not cancelled, it was left')
        settle('late')
      })
      undo()
    }
  },
)

eachBackend(
  test,
  'the channel gets the end of a scope before that of the scopes around it, also where they are left behind',
  async (t, backend) => {
    const ended: unknown[] = []
    const onScope = (message: unknown): void => {
      const { event, scope } = message as ScopeEvent
      if (event === 'ended') ended.push(scope)
    }
    subscribe('structio:scope', onScope)
    try {
      await backend.run(async () => {
        const [outer, middle, inner] = [new CancelScope({ abandon: true }), new CancelScope(), new CancelScope()]
        const running = outer.run(() =>
          middle.run(() => {
            // The body of the scope in the middle has settled; what it left over waits for the world outside.
            void inner.run(() => new Promise(() => undefined))
          }),
        )
        outer.cancel()
        await running
        await iterations(3)
        t.deepEqual(
          ended.map((scope) => [outer, middle, inner].indexOf(scope as CancelScope)),
          [2, 1, 0],
        )
      })
    } finally {
      unsubscribe('structio:scope', onScope)
    }
  },
)
