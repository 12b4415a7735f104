/** `runInProcess`: functions in child processes, which cancellation kills. */
import { existsSync, mkdtempSync, readFileSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import {
  abandonOnCancel,
  BrokenResourceError,
  Cancelled,
  createCapacityLimiter,
  openCancelScope,
  runInProcess,
  sleep,
  TimeoutError,
  UsageError,
} from '../../index.ts'
import { eachBackend } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'
import { task } from '../support/threads.ts'

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** A file that a process writes its number to, once it runs. */
function pidFile(t: ExecutionContext): { path: string; written: () => Promise<number> } {
  const folder = mkdtempSync(join(tmpdir(), 'structio-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'pid')
  const read = (): number => (existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0)
  const written = (): Promise<number> =>
    new Promise((resolve) => {
      const watcher = watch(folder, () => look())
      const look = (): void => {
        if (read() === 0) return
        watcher.close()
        resolve(read())
      }
      look()
    })
  return { path, written }
}

/** Tells its number, and computes for ever. */
const hang = async (path: string): Promise<never> => {
  const { writeFileSync, renameSync } = await import('node:fs')
  writeFileSync(`${path}.new`, String(process.pid))
  renameSync(`${path}.new`, path)
  for (;;);
}

eachBackend(
  test,
  'functions and exports run in a process of their own, and errors come out whole',
  async (t, backend) => {
    await backend.run(async () => {
      const [sum, pid, failed, library] = await Promise.all([
        runInProcess(task('add'), 1, 2),
        runInProcess(() => process.pid),
        rejection(runInProcess(task('fail'), 'own')),
        rejection(runInProcess(task('fail'), 'library')),
      ])
      t.is(sum, 3)
      t.not(pid, process.pid)
      t.is((failed as Error).name, 'RetryLater')
      t.true(failed instanceof RangeError)
      t.true(library instanceof TimeoutError)
    })
  },
)

eachBackend(test, 'a cancelled caller has the process killed, and goes on when it is gone', async (t, backend) => {
  const { path, written } = pidFile(t)
  const limiter = createCapacityLimiter(1)
  await backend.run(async () => {
    let pid = 0
    await openCancelScope(async (scope) => {
      const call = runInProcess({ limiter }, hang, path)
      pid = await Promise.race([call, written()])
      scope.cancel()
      await t.throwsAsync(call, { instanceOf: Cancelled })
    })
    t.true(pid > 0)
    t.false(isAlive(pid))
    t.is(limiter.borrowedTokens, 0)
  })
})

eachBackend(
  test,
  'with abandonOnCancel it goes on at once; the token comes back when the process is gone',
  async (t, backend) => {
    const { path, written } = pidFile(t)
    const limiter = createCapacityLimiter(1)
    await backend.run(async () => {
      let pid = 0
      await openCancelScope(async (scope) => {
        const call = runInProcess({ limiter, abandonOnCancel: true }, hang, path)
        pid = await Promise.race([call, written()])
        scope.cancel()
        await t.throwsAsync(call, { instanceOf: Cancelled })
        t.is(limiter.borrowedTokens, 1)
      })
      await limiter.use(() => t.false(isAlive(pid)))
    })
  },
)

eachBackend(test, 'a process that ends too soon, and what cannot be sent', async (t, backend) => {
  const limiter = createCapacityLimiter(3)
  await backend.run(async () => {
    const [exited, killed, missing, returned, thrown] = (await Promise.all([
      rejection(runInProcess({ limiter }, task('exitWith'), 7)),
      rejection(
        runInProcess({ limiter }, () => {
          process.kill(process.pid, 'SIGKILL')
          return new Promise(() => {})
        }),
      ),
      rejection(runInProcess({ limiter }, () => sleep(1))),
      rejection(runInProcess({ limiter }, task('returnFunction'))),
      rejection(runInProcess({ limiter }, task('fail'), 'function')),
    ])) as Error[]
    t.true(exited instanceof BrokenResourceError)
    t.regex(exited!.message, /exit code 7/)
    t.true(killed instanceof BrokenResourceError)
    t.regex(killed!.message, /SIGKILL/)
    t.true(missing instanceof UsageError)
    t.regex(missing!.message, /closes over "sleep"/)
    t.is(returned!.name, 'DataCloneError')
    t.is(thrown!.name, 'DataCloneError')
    t.is(
      (
        (await rejection(
          runInProcess(
            { limiter },
            (x: unknown) => x,
            () => 1,
          ),
        )) as Error
      ).name,
      'DataCloneError',
    )
    await abandonOnCancel(Promise.resolve())
    t.is(limiter.borrowedTokens, 0)
  })
})

eachBackend(test, 'bad input to runInProcess', async (t, backend) => {
  const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
  await backend.run(async () => {
    await t.throwsAsync(runInProcess(1 as never), type)
    await t.throwsAsync(
      runInProcess({ limiter: 1 } as never, () => 1),
      type,
    )
    await t.throwsAsync(
      runInProcess({ abandonOnCancel: 1 } as never, () => 1),
      type,
    )
    await openCancelScope(async (scope) => {
      scope.cancel()
      await t.throwsAsync(
        runInProcess(() => 1),
        { instanceOf: Cancelled },
      )
    })
  })
})
