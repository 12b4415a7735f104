/** api.md §2, rule by rule and sentence by sentence, beyond the numbered cases of scopes.spec.ts. On every backend. */
import { setTimeout as abortableTimeout } from 'node:timers/promises'
import test from 'ava'
import { Cancelled, TimeoutError, UsageError } from '../../src/errors.ts'
import {
  CancelScope,
  abandonOnCancel,
  cancelShieldedCheckpoint,
  checkpoint,
  checkpointIfCancelled,
  currentEffectiveDeadline,
  currentTime,
  failAfter,
  failAt,
  getCancelledExcClass,
  moveOnAfter,
  moveOnAt,
  openCancelScope,
  sleep,
  sleepForever,
  sleepUntil,
} from '../../src/scopes.ts'
import { createTaskGroup } from '../../src/task-groups.ts'
import { eachBackend, eachBackendWithClock } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

// The faces: values, types of results, arguments

eachBackend(test, 'every form of scope passes the value of its body on, be it a promise or not', async (t, backend) => {
  await backend.run(async () => {
    t.is(await openCancelScope(() => 1), 1)
    t.is(await openCancelScope({ name: 'named' }, async () => 2), 2)
    t.is(await moveOnAfter(1000, () => 3), 3)
    t.is(await moveOnAfter(null, { shield: true }, async () => 4), 4)
    t.is(await moveOnAt(currentTime() + 1000, () => 5), 5)
    t.is(await failAfter(1000, async () => 6), 6)
    t.is(await failAfter(null, () => 7), 7)
    t.is(await failAt(Infinity, { name: 'named' }, () => 8), 8)
    t.is(await new CancelScope().run(() => 9), 9)
    t.is(await openCancelScope(() => ({ then: (resolve: (value: number) => void) => resolve(10) }) as PromiseLike<number>), 10)
  })
})

eachBackend(test, 'a body receives its scope, and what it throws comes out as it is, whatever it is', async (t, backend) => {
  await backend.run(async () => {
    await openCancelScope((scope) => t.true(scope instanceof CancelScope))
    for (const thrown of [new Error('boom'), undefined, 0, null]) {
      t.is(await rejection(openCancelScope(() => Promise.reject(thrown as Error))), thrown)
      t.is(
        await rejection(
          failAfter(1000, () => {
            throw thrown
          }),
        ),
        thrown,
      )
    }
  })
})

eachBackend(test, 'bad arguments are rejections with a code, before anything is started', async (t, backend) => {
  await backend.run(async () => {
    const never = (): void => t.fail('the body was called')
    const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
    const range = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }
    const bad = (call: (...args: any[]) => Promise<unknown>, ...args: unknown[]) => call(...args)
    await t.throwsAsync(bad(moveOnAfter, '10', never), type)
    await t.throwsAsync(bad(moveOnAfter, undefined, never), type)
    await t.throwsAsync(bad(moveOnAfter, NaN, never), range)
    await t.throwsAsync(bad(moveOnAt, null, never), type)
    await t.throwsAsync(bad(failAfter, NaN, never), range)
    await t.throwsAsync(bad(failAt, NaN, never), range)
    await t.throwsAsync(bad(openCancelScope, { deadline: '1' }, never), type)
    await t.throwsAsync(bad(openCancelScope, { deadline: NaN }, never), range)
    await t.throwsAsync(bad(openCancelScope, { shield: 1 }, never), type)
    await t.throwsAsync(bad(openCancelScope, { signal: {} }, never), type)
    await t.throwsAsync(bad(openCancelScope, { name: 1 }, never), type)
    await t.throwsAsync(bad(openCancelScope, 5, never), type)
    await t.throwsAsync(bad(openCancelScope), type)
    await t.throwsAsync(bad(openCancelScope, Promise.resolve()), { ...type, message: /pass a function/ })
    await t.throwsAsync(bad(moveOnAfter, 10, Promise.resolve()), { ...type, message: /pass a function/ })
    await t.throwsAsync(bad((body) => new CancelScope().run(body), 5), type)
    await t.throwsAsync(bad(sleep, NaN), range)
    await t.throwsAsync(bad(sleep, '5'), type)
    await t.throwsAsync(bad(sleepUntil, NaN), range)
    await t.throwsAsync(bad(abandonOnCancel, 5), type)
    await t.throwsAsync(bad(abandonOnCancel, Promise.resolve(), { discard: 5 }), type)
    await openCancelScope((scope) => {
      t.throws(() => (scope.deadline = NaN), range)
      t.throws(() => (scope.deadline = '5' as never), type)
      t.throws(() => (scope.shield = 1 as never), type)
      t.is(scope.deadline, Infinity)
    })
    t.throws(() => new CancelScope({ deadline: NaN }), range)
  })
})

eachBackend(test, 'a negative delay is already due, and -Infinity is already cancelled', async (t, backend) => {
  await backend.run(async () => {
    await sleep(-5)
    await sleepUntil(-Infinity)
    t.is(await moveOnAfter(-5, () => checkpoint().then(() => 'passed')), undefined)
    t.is(await moveOnAt(-Infinity, () => checkpoint().then(() => 'passed')), undefined)
    await t.throwsAsync(failAfter(-5, () => checkpoint()), { instanceOf: TimeoutError })
    await openCancelScope({ deadline: -Infinity }, (scope) => {
      t.true(scope.cancelCalled)
      t.is(currentEffectiveDeadline(), -Infinity)
    })
  })
})

eachBackend(test, 'the class of cancellation errors has a name and a stable code', async (t, backend) => {
  await backend.run(async () => {
    await openCancelScope(async (scope) => {
      scope.cancel()
      const error = (await rejection(checkpoint())) as Cancelled
      t.true(error instanceof getCancelledExcClass())
      t.is(error.name, 'Cancelled')
      t.is(error.code, 'ERR_CANCELLED')
    })
  })
})

// Rule 1: level-triggered; and "every async operation is a checkpoint" (§0)

eachBackend(test, 'rule 1: every operation throws in a cancelled scope, even where it would not have to wait', async (t, backend) => {
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
})

eachBackend(test, 'an always-ready loop of operations lets timers and other tasks run', async (t, backend) => {
  await backend.run(async () => {
    const loops: Record<string, () => Promise<unknown>> = {
      checkpoint,
      checkpointIfCancelled,
      cancelShieldedCheckpoint,
      'sleep(0)': () => sleep(0),
      abandonOnCancel: () => abandonOnCancel(Promise.resolve()),
      'an empty scope': () => openCancelScope(() => undefined),
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

eachBackendWithClock(test, 'a deadline that passed while the program was busy is seen by the next checkpoint', async (t, backend, clock) => {
  await backend.run(async () => {
    const value = await moveOnAfter(10, async () => {
      clock.hold(20)
      await checkpoint()
      return 'passed'
    })
    t.is(value, undefined)
  })
})

// Rule 2: the scope travels with the async context

eachBackend(test, 'rule 2: two branches of one Promise.all are each in a scope of their own', async (t, backend) => {
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

// Rule 3: deadlines

eachBackendWithClock(test, 'rule 3: the timer of a scope starts when it is entered', async (t, backend, clock) => {
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

eachBackendWithClock(test, 'rule 3: a deadline that fired never un-fires', async (t, backend, clock) => {
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

eachBackendWithClock(test, 'rule 3: the outermost cancelled scope catches', async (t, backend, clock) => {
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

eachBackendWithClock(test, 'a deadline moved from any callback takes effect at once, nearer and further', async (t, backend, clock) => {
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
})

eachBackend(test, 'a shield set and taken away from any callback takes effect at once, also in child tasks', async (t, backend) => {
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
})

eachBackendWithClock(test, 'a timeout of months does not fire at once', async (t, backend, clock) => {
  const month = 30 * 24 * 3600 * 1000
  const main = () => moveOnAfter(3 * month, () => sleep(2 * month).then(() => 'slept'))
  const [value] = await Promise.all([backend.run(main), clock.advance(2 * month)])
  t.is(value, 'slept')
})

// Rule 4: failAfter decides by the first cause

eachBackendWithClock(test, 'rule 4: a body that returned its value is no timeout, however late', async (t, backend, clock) => {
  const main = () =>
    failAfter(10, async () => {
      await openCancelScope({ shield: true }, () => sleep(100))
      return 'late'
    })
  const [value] = await Promise.all([backend.run(main), clock.advance(100)])
  t.is(value, 'late')
})

eachBackendWithClock(test, 'rule 4: after the deadline an explicit cancel changes nothing', async (t, backend, clock) => {
  const main = () =>
    failAfter(10, async (scope) => {
      try {
        await sleepForever()
      } finally {
        scope.cancel()
      }
    })
  const [error] = await Promise.all([rejection(backend.run(main)), clock.advance(10)])
  t.true(error instanceof TimeoutError)
})

eachBackendWithClock(test, 'rule 4: an error of the body comes out in place of the timeout', async (t, backend, clock) => {
  const boom = new Error('boom')
  const main = () =>
    failAfter(10, async () => {
      await rejection(sleepForever())
      throw boom
    })
  const [error] = await Promise.all([rejection(backend.run(main)), clock.advance(10)])
  t.is(error, boom)
})

// Rule 5: the foreign signal

eachBackend(test, 'rule 5: a foreign abort cancels the scope and rejects with its reason', async (t, backend) => {
  await backend.run(async () => {
    for (const open of [openCancelScope, (o: object, b: () => Promise<never>) => moveOnAfter(null, o, b), (o: object, b: () => Promise<never>) => failAfter(1e6, o, b)]) {
      const controller = new AbortController()
      const reason = new Error('foreign')
      setImmediate(() => controller.abort(reason))
      t.is(await rejection(open({ signal: controller.signal }, () => sleepForever())), reason)
    }
  })
})

eachBackend(test, 'rule 5: a signal that was aborted before cancels at the first checkpoint', async (t, backend) => {
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

eachBackend(test, 'rule 5: the first cause decides, a value wins, and no listener is left', async (t, backend) => {
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

// Rule 6

eachBackend(test, 'rule 6: no stack is captured for a waiter', async (t, backend) => {
  await backend.run(async () => {
    await openCancelScope(async (scope) => {
      scope.cancel()
      const { stack } = (await rejection(sleepForever())) as Error
      t.notRegex(String(stack), /\n\s+at /)
      t.regex(String(new Error('ordinary').stack), /\n\s+at /)
    })
  })
})

// Rule 7: a scope ends only when everything begun in its frame has ended

eachBackend(test, 'rule 7: an un-awaited operation is cancelled when the body settles, and the outcome stays the body’s', async (t, backend) => {
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
})

eachBackend(test, 'rule 7: a pending scope is cancelled even if shielded; a shield deeper inside still holds', async (t, backend) => {
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
})

eachBackend(test, 'rule 7: what fails after the body has settled is nobody’s unhandled rejection', async (t, backend) => {
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

eachBackend(test, 'rule 7: code that outlived its body finds every further operation cancelled, and is waited for', async (t, backend) => {
  await backend.run(async () => {
    const steps: string[] = []
    await openCancelScope(() => {
      void (async () => {
        await rejection(sleepForever())
        await openCancelScope({ shield: true }, () => checkpoint())
        steps.push('cleaned up under a shield')
        const begun = await rejection(openCancelScope(() => sleepForever().then(() => 'slept')).then((value) => Promise.reject(value)))
        steps.push(`a new scope ends at once: ${String(begun)}`)
        steps.push((await rejection(checkpoint())) instanceof Cancelled ? 'still cancelled' : 'revived')
      })()
    })
    steps.push('left')
    t.deepEqual(steps, ['cleaned up under a shield', 'a new scope ends at once: undefined', 'still cancelled', 'left'])
  })
})

eachBackend(test, 'rule 7: an operation begun in an ended frame is a usage error that asks for the missing await', async (t, backend) => {
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
})

eachBackend(test, 'rule 7: an operation nobody awaited that failed by itself stays Node’s', async (t, backend) => {
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
})

eachBackend(test, 'a promise of a scope that nobody awaits and that is cancelled is handled', async (t, backend) => {
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
})

// Rule 8: classification

eachBackend(test, 'rule 8: what JavaScript makes of a cancellation counts as the cancellation', async (t, backend) => {
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
})

eachBackend(test, 'rule 8: of a mixture the ordinary errors come out', async (t, backend) => {
  await backend.run(async () => {
    const boom = new Error('boom')
    const inCancelled = (make: (cancelled: unknown) => unknown): Promise<unknown> =>
      rejection(
        openCancelScope(async (scope) => {
          scope.cancel()
          throw make(await rejection(checkpoint()))
        }),
      )
    const aggregate = (await inCancelled((cancelled) => new AggregateError([cancelled, boom, cancelled], 'text'))) as AggregateError
    t.deepEqual(aggregate.errors, [boom])
    t.is(aggregate.message, 'text')
    const suppressed = (first: unknown, last: unknown): Error => Object.assign(new Error('x'), { name: 'SuppressedError', error: last, suppressed: first })
    t.is(await inCancelled((cancelled) => suppressed(boom, cancelled)), boom)
    t.is(await inCancelled((cancelled) => suppressed(cancelled, boom)), boom)
    const unrelated = Object.assign(new Error('not ours'), { name: 'AbortError' })
    t.is(await inCancelled(() => unrelated), unrelated)
    const empty = new AggregateError([])
    t.is(await inCancelled(() => empty), empty)
  })
})

// Rule 9: foreign cancellation

eachBackend(test, 'rule 9: a cancellation raised by a scope outside, in one that is not cancelled, is a usage error', async (t, backend) => {
  await backend.run(async () => {
    await openCancelScope(async (outer) => {
      outer.cancel()
      const raised = await rejection(checkpoint())
      const error = (await rejection(openCancelScope({ shield: true }, () => Promise.reject(raised as Error)))) as Error
      t.true(error instanceof UsageError)
      t.is(error.cause, raised)
    })
  })
})

eachBackend(test, 'rule 9: a cancellation raised inside may pass a scope that is not cancelled any more', async (t, backend) => {
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
})

eachBackend(test, 'rule 9: a cancellation made by hand belongs to no scope', async (t, backend) => {
  await backend.run(async () => {
    const made = new Cancelled('by hand')
    const error = (await rejection(openCancelScope(() => Promise.reject(made)))) as Error
    t.true(error instanceof UsageError)
    t.is(error.cause, made)
  })
})

// cancel, reason, signal

eachBackend(test, 'cancel is idempotent: the first reason stays, and anything may be a reason', async (t, backend) => {
  await backend.run(async () => {
    const scope = new CancelScope()
    t.is(scope.cancelReason, undefined)
    scope.cancel('first')
    scope.cancel('second')
    t.deepEqual(scope.cancelReason, { kind: 'explicit', scope, detail: 'first' })
    const plain = new CancelScope()
    plain.cancel()
    t.deepEqual(plain.cancelReason, { kind: 'explicit', scope: plain })
  })
})

eachBackend(test, 'cancel works from any callback, also outside every task', async (t, backend) => {
  const scope = new CancelScope()
  setImmediate(() => scope.cancel('from outside'))
  t.is(await backend.run(() => scope.run(() => sleepForever())), undefined)
  t.is(scope.cancelReason?.detail, 'from outside')
})

eachBackend(test, 'scope.signal aborts when the scope is effectively cancelled, with a Cancelled, and stays so', async (t, backend) => {
  await backend.run(async () => {
    await openCancelScope(async (outer) => {
      await openCancelScope({ shield: true }, async (inner) => {
        const { signal } = inner
        t.is(inner.signal, signal)
        outer.cancel()
        t.false(signal.aborted)
        let heard = 0
        signal.addEventListener('abort', () => heard++)
        inner.shield = false
        t.true(signal.aborted)
        t.true(signal.reason instanceof Cancelled)
        inner.shield = true
        t.true(signal.aborted)
        t.is(heard, 1)
      })
    })
    const before = new CancelScope()
    before.cancel()
    t.true(before.signal.aborted)
    const unused = new CancelScope()
    await unused.run(() => undefined)
    t.false(unused.signal.aborted)
  })
})

eachBackend(test, 'an abort listener finds the tree consistent, and may change it', async (t, backend) => {
  await backend.run(async () => {
    const other = new CancelScope()
    await Promise.all([
      other.run(() => sleepForever()),
      openCancelScope(async (outer) => {
        await openCancelScope(async (inner) => {
          outer.signal.addEventListener('abort', () => {
            t.true(inner.signal.aborted || outer.cancelCalled)
            other.cancel()
          })
          outer.cancel()
          await checkpoint()
        })
      }),
    ])
    t.true(other.cancelledCaught)
  })
})

// Completion beats cancellation

eachBackend(test, 'an operation that had completed returns its value though it is cancelled in the same turn', async (t, backend) => {
  await backend.run(async () => {
    await createTaskGroup(async (tg) => {
      let finish = (): void => undefined
      const working = tg.spawn(() => abandonOnCancel(new Promise<void>((resolve) => (finish = resolve))))
      await openCancelScope(async (scope) => {
        const waiting = working.wait()
        await checkpoint()
        finish()
        // The task ends, and with it the wait, in microtasks that are ahead of this one.
        for (let n = 0; n < 20; n++) await null
        scope.cancel()
        await t.notThrowsAsync(waiting)
        t.true((await rejection(checkpoint())) instanceof Cancelled)
      })
    })
  })
})

// abandonOnCancel

eachBackend(test, 'abandonOnCancel passes the outcome on, and on cancellation leaves at once', async (t, backend) => {
  await backend.run(async () => {
    t.is(await abandonOnCancel(Promise.resolve('value')), 'value')
    const boom = new Error('boom')
    t.is(await rejection(abandonOnCancel(Promise.reject(boom))), boom)
    const discarded: string[] = []
    let arrive = (_: string): void => undefined
    const foreign = new Promise<string>((resolve) => (arrive = resolve))
    await moveOnAfter(0, () => abandonOnCancel(foreign, { discard: (value) => discarded.push(value) }))
    await openCancelScope(async (scope) => {
      setImmediate(() => scope.cancel())
      await abandonOnCancel(foreign, { discard: (value) => discarded.push(value) })
    })
    t.deepEqual(discarded, [])
    arrive('late')
    await checkpoint()
    t.deepEqual(discarded, ['late', 'late'])
  })
})

eachBackend(test, 'the failure of abandoned work is nobody’s', async (t, backend) => {
  await backend.run(async () => {
    let fail = (_: Error): void => undefined
    const foreign = new Promise<string>((_, reject) => (fail = reject))
    await openCancelScope(async (scope) => {
      setImmediate(() => scope.cancel())
      await abandonOnCancel(foreign, { discard: () => t.fail('there is no value') })
    })
    fail(new Error('late'))
    await checkpoint()
    t.pass()
  })
})

// currentTime, currentEffectiveDeadline

eachBackend(test, 'currentTime is monotonic and works outside a run', async (t, backend) => {
  const before = currentTime()
  await backend.run(async () => {
    const inside = currentTime()
    t.true(inside >= before)
    await sleep(2)
    t.true(currentTime() - inside >= 1)
  })
})
