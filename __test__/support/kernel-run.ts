/** A run on a host that settles its I/O at once: the kernel alone, with no backend behind it. */
import type { Host } from '../../src/kernel/deadlines.ts'
import { type RootOptions, startRun } from '../../src/kernel/root.ts'
import { resetBudget } from '../../src/kernel/turn.ts'

export const bareHost: Host = { name: 'bare', settleIo: (deliver) => deliver() }

export function runBare<T>(
  main: () => T | PromiseLike<T>,
  options: Partial<RootOptions> = {},
  host: Host = bareHost,
): Promise<T> {
  return startRun(host, main, { keepAlive: true, traceResources: false, traceTasks: false, ...options })
    .promise as Promise<T>
}

/** Waits until `count` iterations of the event loop have begun, from one `setImmediate` to the next. */
export async function iterations(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve))
}

/** Lets the microtasks run out, so that whatever was settled has been heard of. */
export async function microtasks(): Promise<void> {
  // Without this, what completes at once would now and then be put off to the next turn.
  resetBudget()
  for (let n = 0; n < 40; n++) await null
}
