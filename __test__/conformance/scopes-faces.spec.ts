/** The functions and properties of scopes: values, arguments, reasons, signals. On every backend. */
import test from 'ava'
import { Cancelled, TimeoutError } from '../../src/errors.ts'
import {
  CancelScope,
  abandonOnCancel,
  checkpoint,
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
import { eachBackend } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

// The faces: values, types of results, arguments

eachBackend(test, 'every form of scope returns the value of its body, a promise or not', async (t, backend) => {
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
    t.is(
      await openCancelScope(() => ({ then: (resolve: (value: number) => void) => resolve(10) }) as PromiseLike<number>),
      10,
    )
  })
})

eachBackend(test, 'a body receives its scope, and any value that it throws comes out unchanged', async (t, backend) => {
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
    await t.throwsAsync(
      bad((body) => new CancelScope().run(body), 5),
      type,
    )
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
    await t.throwsAsync(
      failAfter(-5, () => checkpoint()),
      { instanceOf: TimeoutError },
    )
    await openCancelScope({ deadline: -Infinity }, (scope) => {
      t.true(scope.cancelCalled)
      t.is(currentEffectiveDeadline(), -Infinity)
    })
  })
})

eachBackend(
  test,
  'the text of a TimeoutError says which limit it was and how long, and the name of the scope',
  async (t, backend) => {
    await backend.run(async () => {
      const text = async (call: Promise<unknown>): Promise<string> =>
        (await t.throwsAsync(call, { instanceOf: TimeoutError })).message
      t.is(await text(failAfter(0.5, () => sleepForever())), 'failAfter(0.5 ms): the deadline passed')
      t.is(
        await text(failAfter(1, { name: 'query' }, () => sleepForever())),
        'failAfter(1 ms): the deadline of scope "query" passed',
      )
      const at = Math.round(currentTime())
      t.is(await text(failAt(at, () => sleepForever())), `the deadline passed, at ${at} of currentTime()`)
    })
  },
)

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

eachBackend(
  test,
  'scope.signal aborts when the scope is effectively cancelled, with a Cancelled, and stays so',
  async (t, backend) => {
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
  },
)

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

eachBackend(
  test,
  'an operation that had completed returns its value though it is cancelled in the same turn',
  async (t, backend) => {
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
  },
)

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

eachBackend(test, 'the failure of abandoned work is dropped', async (t, backend) => {
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
    // A simulated time has its own beginning.
    t.true(inside >= before || backend.simulated)
    await sleep(2)
    t.true(currentTime() - inside >= 1)
  })
})
