/** SCOPE-7 to SCOPE-9: when a scope ends, and with which outcome. On every backend. */
import { setTimeout as abortableTimeout } from 'node:timers/promises'
import test from 'ava'
import { Cancelled, UsageError } from '../../src/errors.ts'
import { CancelScope, abandonOnCancel, checkpoint, openCancelScope, sleep, sleepForever } from '../../src/scopes.ts'
import { createTaskGroup } from '../../src/task-groups.ts'
import { eachBackend } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

// SCOPE-7: a scope ends only when everything begun in its frame has ended

eachBackend(
  test,
  'SCOPE-7: an un-awaited operation is cancelled when the body settles, and the outcome stays the body’s',
  async (t, backend) => {
    await backend.run(async () => {
      const boom = new Error('boom')
      const leave = (): void => {
        void sleepForever()
        void openCancelScope(() => sleepForever())
        void createTaskGroup((tg) => void tg.spawn(() => sleepForever()))
      }
      const value = openCancelScope((scope) => {
        leave()
        return scope
      })
      const scope = await value
      t.false(scope?.cancelCalled)
      t.false(scope?.cancelledCaught)
      const failing = openCancelScope(() => {
        leave()
        throw boom
      })
      t.is(await rejection(failing), boom)
    })
  },
)

eachBackend(
  test,
  'SCOPE-7: a pending scope is cancelled even if shielded; a shield deeper inside still holds',
  async (t, backend) => {
    await backend.run(async () => {
      const steps: string[] = []
      const pending = new CancelScope({ shield: true })
      await openCancelScope(async () => {
        void pending.run(async () => {
          await openCancelScope({ shield: true }, async () => {
            await checkpoint()
            await checkpoint()
            steps.push('deeper shield held')
          })
          await checkpoint()
          steps.push('not reached')
        })
        await checkpoint()
      })
      steps.push('left')
      t.deepEqual(steps, ['deeper shield held', 'left'])
      t.is(pending.cancelReason?.kind, 'scope-ended')
    })
  },
)

eachBackend(test, 'SCOPE-7: a failure after the body has settled is no unhandled rejection', async (t, backend) => {
  await backend.run(async () => {
    await openCancelScope(() => {
      void openCancelScope(async () => {
        await rejection(sleepForever())
        throw new Error('while being cancelled')
      })
    })
    t.pass()
  })
})

eachBackend(
  test,
  'SCOPE-7: code that outlived its body finds every later operation cancelled, and the scope waits for it',
  async (t, backend) => {
    await backend.run(async () => {
      const steps: string[] = []
      await openCancelScope(() => {
        void (async () => {
          await rejection(sleepForever())
          const cleanup = openCancelScope({ shield: true }, () => checkpoint().then(() => 'cleaned up under a shield'))
          steps.push(String(await cleanup))
          const begun = await rejection(
            openCancelScope(() => sleepForever().then(() => 'slept')).then((value) => Promise.reject(value)),
          )
          steps.push(`a new scope ends at once: ${String(begun)}`)
          steps.push((await rejection(checkpoint())) instanceof Cancelled ? 'still cancelled' : 'revived')
        })()
      })
      steps.push('left')
      t.deepEqual(steps, [
        'cleaned up under a shield',
        'a new scope ends at once: undefined',
        'still cancelled',
        'left',
      ])
    })
  },
)

eachBackend(
  test,
  'SCOPE-7: an operation begun in an ended frame is a usage error that asks for the missing await',
  async (t, backend) => {
    await backend.run(async () => {
      const usage = { instanceOf: UsageError, code: 'ERR_USAGE', message: /was a promise not awaited\?/ }
      let late: Promise<unknown> | undefined
      const gate = new Promise<void>((resolve) => setImmediate(resolve))
      await openCancelScope(() => {
        late = gate.then(() => sleep(1))
      })
      await t.throwsAsync(late!, usage)
      await createTaskGroup(async (tg) => {
        const child = tg.spawn({ name: 'short-lived' }, () => {
          late = new Promise<void>((resolve) => setImmediate(resolve)).then(() => sleep(1))
        })
        await child.wait()
        await t.throwsAsync(late!, { ...usage, message: /short-lived.*was a promise not awaited\?/ })
      })
    })
  },
)

eachBackend(
  test,
  'SCOPE-7: an operation that was not awaited and failed by itself is an unhandled rejection',
  async (t, backend) => {
    const seen: unknown[] = []
    const listeners = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    process.on('unhandledRejection', (reason) => seen.push(reason))
    const boom = new Error('failed by itself')
    await backend.run(async () => {
      void abandonOnCancel(Promise.reject(boom))
      await checkpoint()
      await checkpoint()
    })
    process.removeAllListeners('unhandledRejection')
    for (const listener of listeners) process.on('unhandledRejection', listener)
    t.deepEqual(seen, [boom])
  },
)

eachBackend(
  test,
  'the cancelled promise of a scope that is not awaited is no unhandled rejection',
  async (t, backend) => {
    await backend.run(async () => {
      await openCancelScope(async (outer) => {
        void sleepForever()
        void openCancelScope(() => sleepForever())
        outer.cancel()
        void checkpoint()
        void sleep(5)
        await new Promise((resolve) => setImmediate(resolve))
      })
      t.pass()
    })
  },
)

// SCOPE-8: classification

eachBackend(
  test,
  'SCOPE-8: a cancellation that JavaScript has wrapped counts as the cancellation',
  async (t, backend) => {
    await backend.run(async () => {
      const forms: Record<string, (scope: CancelScope) => Promise<unknown>> = {
        'timers/promises': (scope) => abortableTimeout(1e6, undefined, { signal: scope.signal }),
        'signal.throwIfAborted': async (scope) => scope.signal.throwIfAborted(),
        'Promise.any': () => Promise.any([sleepForever(), checkpoint()]),
        'an AbortError of an AbortError': async (scope) => {
          const inner = Object.assign(new Error('x', { cause: scope.signal.reason }), { name: 'AbortError' })
          throw Object.assign(new Error('y', { cause: inner }), { name: 'AbortError' })
        },
        'a SuppressedError of two': async () => {
          const [error, suppressed] = [await rejection(checkpoint()), await rejection(checkpoint())]
          throw Object.assign(new Error('both'), { name: 'SuppressedError', error, suppressed })
        },
      }
      for (const [name, body] of Object.entries(forms)) {
        const scope = new CancelScope()
        const value = await scope.run((self) => {
          self.cancel()
          return body(self)
        })
        t.is(value, undefined, name)
        t.true(scope.cancelledCaught, name)
      }
    })
  },
)

eachBackend(test, 'SCOPE-8: from a mixture, the ordinary errors come out', async (t, backend) => {
  await backend.run(async () => {
    const boom = new Error('boom')
    const inCancelled = (make: (cancelled: unknown) => unknown): Promise<unknown> =>
      rejection(
        openCancelScope(async (scope) => {
          scope.cancel()
          throw make(await rejection(checkpoint()))
        }),
      )
    const aggregate = (await inCancelled(
      (cancelled) => new AggregateError([cancelled, boom, cancelled], 'text'),
    )) as AggregateError
    t.deepEqual(aggregate.errors, [boom])
    t.is(aggregate.message, 'text')
    const suppressed = (first: unknown, last: unknown): Error =>
      Object.assign(new Error('x'), { name: 'SuppressedError', error: last, suppressed: first })
    t.is(await inCancelled((cancelled) => suppressed(boom, cancelled)), boom)
    t.is(await inCancelled((cancelled) => suppressed(cancelled, boom)), boom)
    const unrelated = Object.assign(new Error('not ours'), { name: 'AbortError' })
    t.is(await inCancelled(() => unrelated), unrelated)
    const empty = new AggregateError([])
    t.is(await inCancelled(() => empty), empty)
  })
})

// SCOPE-9: foreign cancellation

eachBackend(
  test,
  'SCOPE-9: a cancellation raised by a scope outside, in one that is not cancelled, is a usage error',
  async (t, backend) => {
    await backend.run(async () => {
      await openCancelScope(async (outer) => {
        outer.cancel()
        const raised = await rejection(checkpoint())
        const error = (await rejection(
          openCancelScope({ shield: true }, () => Promise.reject(raised as Error)),
        )) as Error
        t.true(error instanceof UsageError)
        t.is(error.cause, raised)
      })
    })
  },
)

eachBackend(
  test,
  'SCOPE-9: a cancellation raised inside may pass a scope that is not cancelled any more',
  async (t, backend) => {
    await backend.run(async () => {
      const outer = new CancelScope()
      await outer.run(async () => {
        const error = await rejection(
          openCancelScope(async (inner) => {
            outer.cancel()
            try {
              await checkpoint()
            } finally {
              inner.shield = true
            }
          }),
        )
        t.true(error instanceof Cancelled)
        throw error
      })
      t.true(outer.cancelledCaught)
    })
  },
)

eachBackend(test, 'SCOPE-9: a cancellation made by hand belongs to no scope', async (t, backend) => {
  await backend.run(async () => {
    const made = new Cancelled('by hand')
    const error = (await rejection(openCancelScope(() => Promise.reject(made)))) as Error
    t.true(error instanceof UsageError)
    t.is(error.cause, made)
  })
})
