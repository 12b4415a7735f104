/** isCancelled, currentSignal, and the text of a TimeoutError. */
import { once, EventEmitter } from 'node:events'
import test from 'ava'
import { Cancelled, ExceptionGroup, NotRunningError } from '../../src/errors.ts'
import {
  currentSignal,
  currentTime,
  failAfter,
  failAt,
  isCancelled,
  moveOnAfter,
  openCancelScope,
  sleepForever,
} from '../../src/scopes.ts'
import { createTaskGroup } from '../../src/task-groups.ts'
import { eachBackend } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

eachBackend(test, 'R50: isCancelled knows a cancellation that JavaScript has wrapped', async (t, backend) => {
  const caught: Record<string, unknown> = {}
  await backend.run(() =>
    openCancelScope(async (scope) => {
      const emitter = new EventEmitter()
      const waits: Record<string, () => Promise<unknown>> = {
        bare: () => sleepForever(),
        once: () => once(emitter, 'x', { signal: scope.signal }),
        any: () => Promise.any([sleepForever(), once(emitter, 'x', { signal: scope.signal })]),
      }
      scope.cancel()
      for (const [name, wait] of Object.entries(waits)) caught[name] = await rejection(wait())
    }),
  )
  const bare = caught['bare'] as Cancelled
  t.true(bare instanceof Cancelled)
  const suppressed = (error: unknown, suppressed: unknown) =>
    Object.assign(new Error('x'), { name: 'SuppressedError', error, suppressed })
  const yes = [...Object.values(caught), new ExceptionGroup([bare, new ExceptionGroup([bare])]), suppressed(bare, bare)]
  for (const error of yes) t.true(isCancelled(error), String(error))
  const no = [
    undefined,
    null,
    'Cancelled',
    new Error('x'),
    new Error('x', { cause: bare }),
    Object.assign(new Error('x'), { name: 'AbortError' }),
    new ExceptionGroup([]),
    new ExceptionGroup([bare, new Error('x')]),
    suppressed(bare, new Error('x')),
  ]
  for (const error of no) t.false(isCancelled(error), String(error))
})

eachBackend(test, 'R51: currentSignal is that of the innermost scope, in tasks as well', async (t, backend) => {
  await backend.run(async () => {
    const root = currentSignal()
    t.is(currentSignal(), root)
    await openCancelScope(async (scope) => {
      t.is(currentSignal(), scope.signal)
      t.not(currentSignal(), root)
      await createTaskGroup(async (tg) => {
        t.is(currentSignal(), tg.cancelScope.signal)
        const ofTask = await tg.spawn(() => Promise.resolve(currentSignal())).value()
        t.not(ofTask, root)
      })
      const signal = currentSignal()
      scope.cancel()
      t.true(signal.aborted && isCancelled(signal.reason))
    })
    t.false(root.aborted)
  })
})

test('R51: currentSignal outside every run is a NotRunningError', (t) => {
  t.throws(() => currentSignal(), { instanceOf: NotRunningError })
})

eachBackend(test, 'R52: a TimeoutError says which limit it was, and how long', async (t, backend) => {
  await backend.run(async () => {
    const texts: [() => Promise<unknown>, RegExp][] = [
      [() => failAfter(5, () => sleepForever()), /^failAfter\(5 ms\): the deadline passed$/],
      [
        () => failAfter(0.5, { name: 'load' }, () => sleepForever()),
        /^failAfter\(0\.5 ms\): the deadline of scope "load" passed$/,
      ],
      [() => failAfter(-1, () => sleepForever()), /^failAfter\(-1 ms\): the deadline passed$/],
      [() => failAt(currentTime() + 1, () => sleepForever()), /^the deadline passed, at [\d.]+ of currentTime\(\)$/],
      [
        () => failAt(-Infinity, { name: 'x' }, () => sleepForever()),
        /^the deadline of scope "x" passed, at -Infinity of/,
      ],
      [
        () => failAfter(null, (scope) => ((scope.deadline = 0), sleepForever())),
        /^the deadline passed, at 0 of currentTime\(\)$/,
      ],
    ]
    for (const [call, text] of texts) t.regex(((await rejection(call())) as Error).message, text)
    t.is(await moveOnAfter(1, () => sleepForever()), undefined)
  })
})
