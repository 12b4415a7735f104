/** The invariants of operations that their subclasses rely on. */
import test from 'ava'
import { Cancelled, NotRunningError, RunFinishedError, UsageError } from '../../../src/errors.ts'
import { currentFrame, enterOperation, enterUncancelled, type Frame } from '../../../src/kernel/context.ts'
import { Operation, rejected } from '../../../src/kernel/operation.ts'
import { CancelScope, cancelShieldedCheckpoint, checkpoint, openCancelScope } from '../../../src/scopes.ts'
import { createTaskGroup } from '../../../src/task-groups.ts'
import { microtasks, runBare } from '../../support/kernel-run.ts'
import { rejection } from '../../support/rejection.ts'

/** Drops its interest at once, as a socket does. */
class Prompt extends Operation<string> {
  told = 0

  wait(): Promise<string> {
    try {
      return this.begin(enterOperation('prompt'))
    } catch (error) {
      return rejected(error)
    }
  }

  override describe(): string {
    return 'a prompt operation'
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.told++
    this.reject(cancelled())
  }
}

/** Lets go later, as a file does. */
class Acknowledged extends Prompt {
  cancelled: (() => Cancelled) | undefined

  protected override onCancel(cancelled: () => Cancelled): void {
    this.told++
    this.cancelled = cancelled
  }
}

test('an operation settles once, and can be begun again', async (t) => {
  await runBare(async () => {
    const operation = new Prompt()
    t.false(operation.pending)
    t.false(operation.resolve('nothing waits'))
    for (const value of ['first', 'second']) {
      const promise = operation.wait()
      t.true(operation.pending)
      t.true(operation.resolve(value))
      t.false(operation.pending)
      t.false(operation.resolve('late'))
      t.false(operation.reject(new Error('late')))
      t.is(await promise, value)
    }
    t.is(operation.told, 0)
  })
})

test('an operation can be begun again by its own continuation', async (t) => {
  await runBare(async () => {
    const operation = new Prompt()
    const loop = (async () => [await operation.wait(), await operation.wait()])()
    operation.resolve('a')
    await microtasks()
    operation.resolve('b')
    t.deepEqual(await loop, ['a', 'b'])
  })
})

test('a pending operation is cancelled once; a completed one is not', async (t) => {
  await runBare(async () => {
    const operations = [new Prompt(), new Prompt(), new Acknowledged()] as const
    const [settled, waiting, acknowledged] = operations
    await openCancelScope(async (scope) => {
      const promises = operations.map((operation) => operation.wait())
      settled.resolve('completed')
      scope.cancel()
      t.is(await promises[0], 'completed')
      t.regex(String(await rejection(promises[1]!)), /a prompt operation was cancelled/)
      scope.shield = true
      t.true(acknowledged.pending)
      acknowledged.reject(acknowledged.cancelled!())
      t.true((await rejection(promises[2]!)) instanceof Cancelled)
    })
    t.deepEqual([settled.told, waiting.told, acknowledged.told], [0, 1, 1])
  })
})

test('a scope waits for an acknowledged operation that it has cancelled, also one that is not awaited', async (t) => {
  await runBare(async () => {
    const operation = new Acknowledged()
    let left = false
    const scope = openCancelScope(() => {
      void operation.wait()
      return 'value'
    }).then((value) => {
      left = true
      return value
    })
    await microtasks()
    t.is(operation.told, 1)
    t.false(left)
    operation.reject(new Error('the system says no'))
    t.is(await scope, 'value')
  })
})

test('an operation that completes after its cancellation keeps its value', async (t) => {
  await runBare(async () => {
    const operation = new Acknowledged()
    const steps: string[] = []
    await openCancelScope(async (scope) => {
      const promise = operation.wait()
      scope.cancel()
      operation.resolve('written after all')
      steps.push(await promise)
      await checkpoint()
      steps.push('passed the next checkpoint')
    })
    t.deepEqual(steps, ['written after all'])
  })
})

test('enterOperation and enterUncancelled refuse calls with a text that names the mistake', async (t) => {
  const enter = {
    operation: () => enterOperation('the operation'),
    uncancelled: () => enterUncancelled('the operation'),
  }
  for (const door of Object.values(enter)) {
    t.throws(door, { instanceOf: NotRunningError, message: /the operation.*run\(main\)/ })
  }
  let endedRun: (() => Frame | undefined) | undefined
  let late: Promise<void> | undefined
  let runOver!: () => void
  const afterwards = new Promise<void>((resolve) => (runOver = resolve))
  await runBare(
    async () => {
      await openCancelScope((scope) => {
        scope.cancel()
        t.throws(enter.operation, { instanceOf: Cancelled })
        const entered = enter.uncancelled()
        t.is(entered, scope)
      })
      endedRun = currentFrame
      late = afterwards.then(() => {
        for (const door of Object.values(enter))
          t.throws(door, { instanceOf: RunFinishedError, message: /the operation.*run "short"/ })
      })
    },
    { name: 'short' },
  )
  runOver()
  t.is(endedRun?.(), undefined)
  await late
})

test('the text of a cancellation says what was cancelled, why, and the scope by name', async (t) => {
  await runBare(async () => {
    await openCancelScope({ name: 'request' }, async (scope) => {
      scope.cancel()
      t.is(
        String(await rejection(checkpoint())),
        'Cancelled: checkpoint was cancelled: cancel() was called (scope "request")',
      )
    })
  })
})

test('a scope, a task and a group print as one line, not as the tree', async (t) => {
  const { inspect } = await import('node:util')
  await runBare(() =>
    createTaskGroup(async (tg) => {
      const handle = tg.spawn({ name: 'child' }, () => undefined)
      await handle.wait()
      const scope = new CancelScope({ name: 'mine', shield: true, deadline: 5 })
      scope.cancel()
      t.is(inspect(scope), 'CancelScope { "mine", deadline 5, shield, cancelled (explicit), not entered }')
      t.is(inspect(handle), `TaskHandle { "child", finished }`)
      t.is(inspect(tg), 'TaskGroup { host "main", CancelScope {} }')
      await cancelShieldedCheckpoint()
    }),
  )
})

test('an ended scope refuses with the name of its task', async (t) => {
  await runBare(
    async () => {
      let late: Promise<unknown> | undefined
      await openCancelScope(() => {
        late = new Promise((resolve) => setImmediate(resolve)).then(() => checkpoint())
      })
      await t.throwsAsync(late!, { instanceOf: UsageError, message: /scope of task "host" that has ended/ })
    },
    { name: 'host' },
  )
})
