/** The cases S1 to S22, on every backend. */
import test from 'ava'
import { Cancelled, TimeoutError, UsageError } from '../../src/errors.ts'
import {
  CancelScope,
  cancelShieldedCheckpoint,
  checkpoint,
  currentEffectiveDeadline,
  currentTime,
  failAfter,
  openCancelScope,
  sleep,
  sleepForever,
  type FailScope,
} from '../../src/scopes.ts'
import { createTaskGroup } from '../../src/task-groups.ts'
import { eachBackend, eachBackendWithClock } from '../support/backends.ts'

eachBackend(
  test,
  'S1: a scope cancelled from inside ends at its next checkpoint, and no error escapes',
  async (t, backend) => {
    await backend.run(async () => {
      const steps: string[] = []
      const scope = new CancelScope()
      const value = await scope.run(async () => {
        steps.push('before')
        scope.cancel()
        steps.push('cancelled')
        await checkpoint()
        steps.push('after')
        return 'finished'
      })
      t.deepEqual(steps, ['before', 'cancelled'])
      t.is(value, undefined)
      t.true(scope.cancelCalled)
      t.true(scope.cancelledCaught)
    })
  },
)

eachBackend(
  test,
  'S2: a cancelled scope whose block performs no checkpoint completes, and nothing is left to raise',
  async (t, backend) => {
    await backend.run(async () => {
      const scope = new CancelScope()
      const value = await scope.run((self) => {
        self.cancel()
        return 'finished'
      })
      t.is(value, 'finished')
      t.true(scope.cancelCalled)
      t.false(scope.cancelledCaught)
      await t.notThrowsAsync(checkpoint())
    })
  },
)

eachBackend(test, 'S3: a cancellation swallowed three times is raised by every new wait', async (t, backend) => {
  await backend.run(async () => {
    let raised = 0
    await openCancelScope(async (scope) => {
      scope.cancel()
      for (let attempt = 0; attempt < 3; attempt++) {
        try {
          await sleepForever()
        } catch (error) {
          t.true(error instanceof Cancelled)
          raised++
        }
      }
    })
    t.is(raised, 3)
  })
})

eachBackend(
  test,
  'S4: a scope cancelled before it is entered runs its code until the first checkpoint',
  async (t, backend) => {
    await backend.run(async () => {
      const steps: string[] = []
      const scope = new CancelScope()
      scope.cancel()
      await scope.run(async () => {
        steps.push('ran')
        await Promise.resolve()
        steps.push('ran on')
        await sleep(0)
        steps.push('passed a checkpoint')
      })
      t.deepEqual(steps, ['ran', 'ran on'])
      t.true(scope.cancelledCaught)
    })
  },
)

eachBackend(
  test,
  'S5: a scope is entered once: not again when finished, not twice, not by another task',
  async (t, backend) => {
    await backend.run(async () => {
      const usage = { instanceOf: UsageError, code: 'ERR_USAGE' }
      const finished = new CancelScope()
      await finished.run(() => undefined)
      await t.throwsAsync(
        finished.run(() => t.fail('entered again')),
        usage,
      )

      const active = new CancelScope()
      await createTaskGroup(async (tg) => {
        const value = await active.run(async () => {
          await t.throwsAsync(
            active.run(() => t.fail('entered twice')),
            usage,
          )
          const other = tg.spawn(async () => {
            await t.throwsAsync(
              active.run(() => t.fail('entered by another task')),
              usage,
            )
          })
          await other.value()
          t.false(active.cancelCalled)
          await checkpoint()
          return 'undisturbed'
        })
        t.is(value, 'undisturbed')
      })
    })
  },
)

eachBackendWithClock(
  test,
  'S10: a shielded sleep in a cancelled scope is complete, and the first checkpoint after it raises',
  async (t, backend, clock) => {
    const steps: string[] = []
    const main = async (): Promise<void> => {
      await openCancelScope(async (outer) => {
        outer.cancel()
        await openCancelScope({ shield: true }, async () => {
          const begun = currentTime()
          await sleep(1000)
          steps.push(`slept ${currentTime() - begun}`)
        })
        steps.push('left the shield')
        await checkpoint()
        steps.push('passed a checkpoint')
      })
    }
    await Promise.all([backend.run(main), clock.advance(1000)])
    t.deepEqual(steps, ['slept 1000', 'left the shield'])
  },
)

eachBackendWithClock(
  test,
  'S12: a shielded scope in a cancelled one ends by its own deadline',
  async (t, backend, clock) => {
    const begun = clock.now()
    const inner = new CancelScope({ shield: true, deadline: begun + 1000 })
    const steps: string[] = []
    const main = async (): Promise<void> => {
      await openCancelScope(async (outer) => {
        outer.cancel()
        await inner.run(() => sleepForever())
        steps.push(`left after ${currentTime() - begun}`)
        await checkpoint()
        steps.push('passed a checkpoint')
      })
    }
    await Promise.all([backend.run(main), clock.advance(1000)])
    t.deepEqual(steps, ['left after 1000'])
    t.true(inner.cancelledCaught)
    t.is(inner.cancelReason?.kind, 'deadline')
  },
)

eachBackendWithClock(
  test,
  'S13: the effective deadline is the nearest one up to the first shield',
  async (t, backend, clock) => {
    const now = clock.now()
    await backend.run(async () => {
      t.is(currentEffectiveDeadline(), Infinity)
      await openCancelScope({ deadline: now + 5 }, (outer) =>
        openCancelScope({ deadline: now + 10 }, async (inner) => {
          t.is(currentEffectiveDeadline(), now + 5)
          inner.deadline = now + 3
          t.is(currentEffectiveDeadline(), now + 3)
          inner.deadline = now + 10
          inner.shield = true
          t.is(currentEffectiveDeadline(), now + 10)
          inner.shield = false
          outer.cancel()
          t.is(currentEffectiveDeadline(), -Infinity)
        }),
      )
      t.is(currentEffectiveDeadline(), Infinity)
    })
  },
)

eachBackendWithClock(
  test,
  'S16: failAfter that is cancelled explicitly ends quietly, also when it takes its time',
  async (t, backend, clock) => {
    const main = async (): Promise<void> => {
      let ended = false
      const value = await failAfter(1000, async (scope) => {
        try {
          await sleep(500)
          cancel(scope)
          await sleepForever()
        } finally {
          // Beyond the deadline: it is the first cause that decides.
          await openCancelScope({ shield: true }, () => sleep(2000))
          ended = true
        }
      })
      t.true(ended)
      t.is(value, undefined)
    }
    await Promise.all([backend.run(main), clock.advance(3000)])
  },
)

eachBackendWithClock(
  test,
  'S19: an outer cancellation passes a failAfter that has not expired as a plain one',
  async (t, backend, clock) => {
    const main = async (): Promise<void> => {
      const outer = new CancelScope({ deadline: currentTime() + 500 })
      await outer.run(async () => {
        const error = await t.throwsAsync(failAfter(1000, () => sleepForever()))
        t.true(error instanceof Cancelled)
        t.false(error instanceof TimeoutError)
        throw error
      })
      t.true(outer.cancelledCaught)
    }
    await Promise.all([backend.run(main), clock.advance(500)])
  },
)

eachBackend(
  test,
  'S21: a scope inside that outlives the body is cancelled with scope-ended, and awaited first',
  async (t, backend) => {
    await backend.run(async () => {
      const steps: string[] = []
      const inner = new CancelScope()
      const value = await openCancelScope(async () => {
        void inner.run(async () => {
          try {
            await sleepForever()
          } finally {
            await cancelShieldedCheckpoint()
            steps.push('inner cleaned up')
          }
        })
        await checkpoint()
        return 'outer value'
      })
      steps.push('outer left')
      t.deepEqual(steps, ['inner cleaned up', 'outer left'])
      t.is(value, 'outer value')
      t.is(inner.cancelReason?.kind, 'scope-ended')
      t.is(inner.cancelReason?.scope, inner)
      t.true(inner.cancelledCaught)
    })
  },
)

eachBackendWithClock(test, 'S21: sibling scopes of one Promise.all leave in any order', async (t, backend, clock) => {
  const left: number[] = []
  const branch = (ms: number) => async (): Promise<void> => {
    await openCancelScope(() => sleep(ms))
    left.push(ms)
  }
  const main = () => Promise.all([30, 10, 20].map((ms) => branch(ms)()))
  await Promise.all([backend.run(main), clock.advance(30)])
  t.deepEqual(left, [10, 20, 30])
})

eachBackend(
  test,
  'S22: ten thousand cancelled tasks, one of them shielded for two seconds, cost nothing while it goes on',
  async (t, backend) => {
    await backend.run(async () => {
      let cancelled = 0
      const wait = async (): Promise<void> => {
        try {
          await sleepForever()
        } finally {
          cancelled++
        }
      }
      await openCancelScope(async (outer) => {
        await createTaskGroup(async (tg) => {
          for (let n = 1; n < 10_000; n++) tg.spawn(wait)
          tg.spawn(async () => {
            await openCancelScope({ shield: true }, async () => {
              while (cancelled < 9_999) await checkpoint()
              const before = process.cpuUsage()
              await sleep(2000)
              const { user, system } = process.cpuUsage(before)
              // Polling at any useful rate would show as hundreds of milliseconds; a garbage collection does not.
              t.true((user + system) / 1000 < 300, `${(user + system) / 1000} ms of CPU time`)
            })
          })
          await checkpoint()
          outer.cancel()
        })
      })
      t.is(cancelled, 9_999)
    })
  },
)

/** The type of the scope has no `cancel`; the object has. */
function cancel(scope: FailScope): void {
  ;(scope as CancelScope).cancel()
}
