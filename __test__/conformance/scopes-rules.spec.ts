/** SCOPE-1 to SCOPE-6, beyond the cases of scopes.spec.ts. On every backend. */
import test from 'ava'
import { Cancelled, TimeoutError } from '../../src/errors.ts'
import {
  CancelScope,
  abandonOnCancel,
  cancelShieldedCheckpoint,
  checkpoint,
  checkpointIfCancelled,
  failAfter,
  moveOnAfter,
  openCancelScope,
  sleep,
  sleepForever,
  sleepUntil,
  type FailScope,
} from '../../src/scopes.ts'
import { createTaskGroup, gather, mapConcurrent, raceTasks } from '../../src/task-groups.ts'
import { eachBackend, eachBackendWithClock } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

// SCOPE-1: level-triggered; and "every async operation is a checkpoint" (§0)

eachBackend(
  test,
  'SCOPE-1: every operation throws in a cancelled scope, even where it would not have to wait',
  async (t, backend) => {
    await backend.run(async () => {
      await createTaskGroup(async (tg) => {
        const finished = tg.spawn(() => 'value')
        await finished.wait()
        const operations: Record<string, () => Promise<unknown>> = {
          checkpoint,
          checkpointIfCancelled,
          sleepForever,
          'sleep(0)': () => sleep(0),
          'sleepUntil, in the past': () => sleepUntil(0),
          abandonOnCancel: () => abandonOnCancel(Promise.resolve()),
          'value() of a finished task': () => finished.value(),
          'wait() for a finished task': () => finished.wait(),
          'gather of nothing': () => gather([]),
          gather: () => gather([() => t.fail('it was called')]),
          mapConcurrent: () => mapConcurrent([1], () => t.fail('it was called'), { limit: 1 }),
          raceTasks: () => raceTasks([() => t.fail('it was called')]),
        }
        await openCancelScope(async (scope) => {
          scope.cancel()
          for (const [name, operation] of Object.entries(operations)) {
            t.true((await rejection(operation())) instanceof Cancelled, name)
            t.true((await rejection(operation())) instanceof Cancelled, `${name}, again`)
          }
          await t.notThrowsAsync(cancelShieldedCheckpoint())
        })
      })
    })
  },
)

eachBackend(test, 'an always-ready loop of operations lets timers and other tasks run', async (t, backend) => {
  await backend.run(async () => {
    const loops: Record<string, () => Promise<unknown>> = {
      checkpoint,
      checkpointIfCancelled,
      cancelShieldedCheckpoint,
      'sleep(0)': () => sleep(0),
      abandonOnCancel: () => abandonOnCancel(Promise.resolve()),
      'an empty scope': () => openCancelScope(() => undefined),
      'gather of nothing': () => gather([]),
      mapConcurrent: () => mapConcurrent([1, 2], (n) => n, { limit: 1 }),
      raceTasks: () => raceTasks([() => undefined, () => undefined]),
      'an empty group': () => createTaskGroup(() => undefined),
      'spawn and join': () => createTaskGroup((tg) => tg.spawn(() => undefined).value()),
      'start of what is ready at once': () => createTaskGroup((tg) => tg.start((status) => status.started())),
    }
    for (const [name, operation] of Object.entries(loops)) {
      let timerFired = false
      let otherRan = false
      await createTaskGroup(async (tg) => {
        setTimeout(() => {
          timerFired = true
        }, 1)
        tg.spawn(async () => {
          await sleep(0)
          otherRan = true
        })
        while (!timerFired || !otherRan) await operation()
      })
      t.pass(name)
    }
  })
})

eachBackendWithClock(
  test,
  'a deadline that passed while the program was busy is seen by the next checkpoint',
  async (t, backend, clock) => {
    await backend.run(async () => {
      const value = await moveOnAfter(10, async () => {
        clock.hold(20)
        await checkpoint()
        return 'passed'
      })
      t.is(value, undefined)
    })
  },
)

// SCOPE-2: the scope travels with the async context

eachBackend(test, 'SCOPE-2: two branches of one Promise.all are each in a scope of their own', async (t, backend) => {
  await backend.run(async () => {
    const [left, right] = await Promise.all([
      openCancelScope(async (scope) => {
        await checkpoint()
        scope.cancel()
        await checkpoint()
        return 'left'
      }),
      openCancelScope(async () => {
        await checkpoint()
        await checkpoint()
        return 'right'
      }),
    ])
    t.is(left, undefined)
    t.is(right, 'right')
  })
})

// SCOPE-3: deadlines

eachBackendWithClock(test, 'SCOPE-3: the timer of a scope starts when it is entered', async (t, backend, clock) => {
  const main = async (): Promise<void> => {
    const scope = new CancelScope({ deadline: clock.now() + 10 })
    await sleep(50)
    t.false(scope.cancelCalled)
    const value = await scope.run(async () => {
      t.true(scope.cancelCalled)
      await checkpoint()
      return 'passed'
    })
    t.is(value, undefined)
  }
  await Promise.all([backend.run(main), clock.advance(50)])
})

eachBackendWithClock(test, 'SCOPE-3: a deadline that fired stays fired', async (t, backend, clock) => {
  const main = async (): Promise<void> => {
    await openCancelScope({ deadline: clock.now() + 10 }, async (scope) => {
      await rejection(sleepForever())
      scope.deadline = Infinity
      t.true(scope.cancelCalled)
      t.is(scope.cancelReason?.kind, 'deadline')
      t.true((await rejection(checkpoint())) instanceof Cancelled)
    })
  }
  await Promise.all([backend.run(main), clock.advance(10)])
})

eachBackendWithClock(test, 'SCOPE-3: the outermost cancelled scope catches', async (t, backend, clock) => {
  const main = async (): Promise<void> => {
    const outer = new CancelScope({ deadline: clock.now() + 10 })
    const inner = new CancelScope({ deadline: clock.now() + 10 })
    let reached = false
    await outer.run(async () => {
      await inner.run(() => sleepForever())
      reached = true
    })
    t.true(inner.cancelCalled)
    t.false(inner.cancelledCaught)
    t.true(outer.cancelledCaught)
    t.false(reached)
  }
  await Promise.all([backend.run(main), clock.advance(10)])
})

eachBackendWithClock(
  test,
  'a deadline moved from any callback takes effect at once, nearer and further',
  async (t, backend, clock) => {
    const ended: [string, number][] = []
    const begun = clock.now()
    const nearer = new CancelScope({ deadline: begun + 1000 })
    const further = new CancelScope({ deadline: begun + 100 })
    const past = new CancelScope()
    const main = async (): Promise<void> => {
      const branch = async (name: string, scope: CancelScope): Promise<void> => {
        await scope.run(() => sleepForever())
        ended.push([name, clock.now() - begun])
      }
      await Promise.all([branch('nearer', nearer), branch('further', further), branch('past', past)])
    }
    const fromOutside = async (): Promise<void> => {
      await clock.advance(10)
      nearer.deadline = begun + 50
      further.deadline = begun + 200
      past.deadline = begun
      t.true(past.cancelCalled)
      await clock.advance(500)
    }
    await Promise.all([backend.run(main), fromOutside()])
    t.deepEqual(ended, [
      ['past', 10],
      ['nearer', 50],
      ['further', 200],
    ])
  },
)

eachBackend(
  test,
  'a shield set and taken away from any callback takes effect at once, also in child tasks',
  async (t, backend) => {
    await backend.run(async () => {
      const steps: string[] = []
      await openCancelScope(async (outer) => {
        await openCancelScope({ shield: true }, async (inner) => {
          await createTaskGroup(async (tg) => {
            tg.spawn(async () => {
              try {
                await sleepForever()
              } catch (error) {
                steps.push('child cancelled')
                throw error
              }
            })
            await checkpoint()
            outer.cancel()
            await checkpoint()
            inner.shield = false
            t.true((await rejection(checkpoint())) instanceof Cancelled)
            inner.shield = true
            await t.notThrowsAsync(checkpoint())
            steps.push('shielded again')
          })
        })
        await checkpoint()
        t.fail('the outer scope is cancelled')
      })
      t.deepEqual(steps, ['child cancelled', 'shielded again'])
    })
  },
)

eachBackendWithClock(test, 'a timeout of months does not fire at once', async (t, backend, clock) => {
  const month = 30 * 24 * 3600 * 1000
  const main = () => moveOnAfter(3 * month, () => sleep(2 * month).then(() => 'slept'))
  const [value] = await Promise.all([backend.run(main), clock.advance(2 * month)])
  t.is(value, 'slept')
})

// SCOPE-4: failAfter decides by the first cause

eachBackendWithClock(
  test,
  'SCOPE-4: a body that returned its value is no timeout, however late',
  async (t, backend, clock) => {
    const main = () =>
      failAfter(10, async () => {
        await openCancelScope({ shield: true }, () => sleep(100))
        return 'late'
      })
    const [value] = await Promise.all([backend.run(main), clock.advance(100)])
    t.is(value, 'late')
  },
)

eachBackendWithClock(
  test,
  'SCOPE-4: after the deadline an explicit cancel changes nothing',
  async (t, backend, clock) => {
    const main = () =>
      failAfter(10, async (scope) => {
        try {
          await sleepForever()
        } finally {
          cancel(scope)
        }
      })
    const [error] = await Promise.all([rejection(backend.run(main)), clock.advance(10)])
    t.true(error instanceof TimeoutError)
  },
)

eachBackendWithClock(
  test,
  'SCOPE-4: an error of the body comes out in place of the timeout',
  async (t, backend, clock) => {
    const boom = new Error('boom')
    const main = () =>
      failAfter(10, async () => {
        await rejection(sleepForever())
        throw boom
      })
    const [error] = await Promise.all([rejection(backend.run(main)), clock.advance(10)])
    t.is(error, boom)
  },
)

// SCOPE-5: the foreign signal

eachBackend(test, 'SCOPE-5: a foreign abort cancels the scope and rejects with its reason', async (t, backend) => {
  await backend.run(async () => {
    for (const open of [
      openCancelScope,
      (o: object, b: () => Promise<never>) => moveOnAfter(null, o, b),
      (o: object, b: () => Promise<never>) => failAfter(1e6, o, b),
    ]) {
      const controller = new AbortController()
      const reason = new Error('foreign')
      setImmediate(() => controller.abort(reason))
      t.is(await rejection(open({ signal: controller.signal }, () => sleepForever())), reason)
    }
  })
})

eachBackend(test, 'SCOPE-5: a signal that was aborted before cancels at the first checkpoint', async (t, backend) => {
  await backend.run(async () => {
    let ran = false
    const reason = { any: 'value' }
    const scope = new CancelScope({ signal: AbortSignal.abort(reason) })
    t.is(
      await rejection(
        scope.run(async () => {
          ran = true
          await checkpoint()
          t.fail('passed a checkpoint')
        }),
      ),
      reason,
    )
    t.true(ran)
    t.deepEqual(scope.cancelReason, { kind: 'signal', scope, detail: reason })
  })
})

eachBackend(test, 'SCOPE-5: the first cause decides, a value wins, and no listener is left', async (t, backend) => {
  await backend.run(async () => {
    const controller = new AbortController()
    const { signal } = controller
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args))
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args))

    t.is(await openCancelScope({ signal }, () => 'value'), 'value')
    t.is(listeners, 0)
    const explicit = openCancelScope({ signal }, async (scope) => {
      t.is(listeners, 1)
      scope.cancel()
      controller.abort()
      await checkpoint()
    })
    t.is(await explicit, undefined)
    t.is(listeners, 0)
    t.is(await openCancelScope({ signal }, () => 'value'), 'value')
  })
})

// SCOPE-6

eachBackend(test, 'SCOPE-6: no stack is captured for a waiter', async (t, backend) => {
  await backend.run(async () => {
    await openCancelScope(async (scope) => {
      scope.cancel()
      const { stack } = (await rejection(sleepForever())) as Error
      t.notRegex(String(stack), /\n\s+at /)
      t.regex(String(new Error('ordinary').stack), /\n\s+at /)
    })
  })
})

/** The type of the scope has no `cancel`; the object has. */
function cancel(scope: FailScope): void {
  ;(scope as CancelScope).cancel()
}
