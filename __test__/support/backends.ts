/**
 * One test for every backend: `eachBackend(test, 'S3: …', async (t, backend) => …)` registers it for `node`, for `virtual`
 * and, where the binary loads, for `native` in both of its modes. After each of them no task is left and no rejection went
 * unhandled.
 */
import type { ExecutionContext, TestFn } from 'ava'
import { getRunningTasks } from '../../src/introspection.ts'
import { type RunOptions, getAvailableBackends, run } from '../../src/run.ts'
import { type ManualClock, VirtualManualClock, withManualClock } from './manual-clock.ts'

export interface TestBackend {
  readonly label: string
  /** Its time and its network are simulated: nothing of it can be reached from outside. */
  readonly simulated: boolean
  /** Whose TLS library it has: a simulated network has that of the best backend that works here. */
  readonly tls: 'node' | 'native'
  readonly options: RunOptions
  run<T>(main: () => T | PromiseLike<T>, options?: RunOptions): Promise<T>
}

export type BackendTest = (t: ExecutionContext, backend: TestBackend) => Promise<void>
export type ClockTest = (t: ExecutionContext, backend: TestBackend, clock: ManualClock) => Promise<void>

export function eachBackend(
  test: TestFn,
  title: string,
  body: BackendTest,
  backends: readonly TestBackend[] = testBackends,
): void {
  for (const backend of backends) {
    // Serial: the clock, the list of tasks and the rejections belong to the process.
    test.serial(`${title} [${backend.label}]`, async (t) => {
      await leavingNothing(t, () => body(t, backend))
    })
  }
}

/** The same for those with real sockets: where the other side is a program that nobody here wrote. */
export function eachRealBackend(test: TestFn, title: string, body: BackendTest): void {
  eachBackend(test, title, body, realBackends)
}

/** The same with a manual clock, given to the kernel before the run starts; a simulated backend is given its own kind. */
export function eachBackendWithClock(test: TestFn, title: string, body: ClockTest): void {
  eachBackend(test, title, async (t, backend) => {
    if (!backend.simulated) return withManualClock((clock) => body(t, backend, clock))
    const clock = new VirtualManualClock()
    return body(t, backendOf(backend.label, { backend: 'virtual', backendOptions: { clock: clock.clock } }), clock)
  })
}

/** The same for those with real sockets alone: something else than the library has the other one. */
export function eachRealBackendWithClock(test: TestFn, title: string, body: ClockTest): void {
  eachBackend(test, title, (t, backend) => withManualClock((clock) => body(t, backend, clock)), realBackends)
}

export const testBackends: readonly TestBackend[] = findBackends()

/** Those with real sockets, for tests whose other side is not the library's. */
export const realBackends: readonly TestBackend[] = testBackends.filter(({ simulated }) => !simulated)

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

function backendOf(label: string, options: RunOptions): TestBackend {
  return {
    label,
    simulated: options.backend === 'virtual',
    tls: options.backend !== 'node' && getAvailableBackends().includes('native') ? 'native' : 'node',
    options,
    // A test that can never end says so, instead of timing out.
    run: (main, more) => run(main, { detectDeadlocks: true, ...options, ...more }) as never,
  }
}

function findBackends(): TestBackend[] {
  const found = [backendOf('node', { backend: 'node' }), backendOf('virtual', { backend: 'virtual' })]
  if (getAvailableBackends().includes('native')) {
    found.push(backendOf('native, nested', { backend: 'native', backendOptions: { driver: 'nested' } }))
    found.push(backendOf('native, thread', { backend: 'native', backendOptions: { driver: 'thread' } }))
  }
  return found
}
