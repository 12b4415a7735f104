/**
 * One test for every backend: `eachBackend(test, 'S3: …', async (t, backend) => …)` registers it for `node` and, where the
 * binary loads, for `native` in both of its modes. After each of them no task is left and no rejection went unhandled.
 */
import type { ExecutionContext, TestFn } from 'ava'
import { getRunningTasks } from '../../src/introspection.ts'
import { type RunOptions, getAvailableBackends, run } from '../../src/run.ts'
import { type ManualClock, withManualClock } from './manual-clock.ts'

export interface TestBackend {
  readonly label: string
  readonly options: RunOptions
  run<T>(main: () => T | PromiseLike<T>, options?: RunOptions): Promise<T>
}

export type BackendTest = (t: ExecutionContext, backend: TestBackend) => Promise<void>
export type ClockTest = (t: ExecutionContext, backend: TestBackend, clock: ManualClock) => Promise<void>

export function eachBackend(test: TestFn, title: string, body: BackendTest): void {
  for (const backend of testBackends) {
    // Serial: the clock, the list of tasks and the rejections belong to the process.
    test.serial(`${title} [${backend.label}]`, async (t) => {
      await leavingNothing(t, () => body(t, backend))
    })
  }
}

/** The same with a manual clock, given to the kernel before the run starts. */
export function eachBackendWithClock(test: TestFn, title: string, body: ClockTest): void {
  eachBackend(test, title, (t, backend) => withManualClock((clock) => body(t, backend, clock)))
}

export const testBackends: readonly TestBackend[] = findBackends()

async function leavingNothing(t: ExecutionContext, body: () => Promise<void>): Promise<void> {
  const before = getRunningTasks().length
  const unhandled: unknown[] = []
  const listener = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', listener)
  try {
    await body()
    // Node reports once the microtasks of a turn are done.
    await new Promise((resolve) => setImmediate(resolve))
  } finally {
    process.removeListener('unhandledRejection', listener)
  }
  t.deepEqual(unhandled, [], 'a rejection went unhandled')
  t.is(getRunningTasks().length, before, 'a task is left')
}

function findBackends(): TestBackend[] {
  const make = (label: string, options: RunOptions): TestBackend => ({
    label,
    options,
    run: (main, more) => run(main, { ...options, ...more }) as never,
  })
  const found = [make('node', { backend: 'node' })]
  if (getAvailableBackends().includes('native')) {
    found.push(make('native, nested', { backend: 'native', backendOptions: { driver: 'nested' } }))
    found.push(make('native, thread', { backend: 'native', backendOptions: { driver: 'thread' } }))
  }
  return found
}
