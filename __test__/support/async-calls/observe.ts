/**
 * What becomes of the promise of a call that is dropped, loses a race, or meets a cancelled scope or an ended frame.
 */
import { AsyncResource } from 'node:async_hooks'
import { abandonOnCancel, Cancelled, CancelScope, createTaskGroup, openCancelScope } from '../../../index.ts'
import type { TestBackend } from '../backends.ts'
import { iterations } from '../kernel-run.ts'
import type { Row } from './calls.ts'

/**
 * `value`: it was fulfilled with something else than `undefined`, or with what the same call gives without a
 * cancellation.
 */
export type Outcome = 'value' | 'undefined' | 'Cancelled' | (string & {})

type Call = () => unknown

/** Makes the call under certain circumstances. */
type Circumstance = (call: Call) => Promise<Settled>

type Settled = { readonly value: unknown } | { readonly error: unknown }

/** The frame ends without waiting for the call: that of a scope, and that of a task. */
export const dropped: Circumstance = async (call) => {
  let settled!: Promise<Settled>
  await openCancelScope(() => void (settled = settle(call)))
  return settled
}

export const droppedByTask: Circumstance = async (call) => {
  let settled!: Promise<Settled>
  await createTaskGroup((tg) => void tg.spawn(() => void (settled = settle(call))))
  return settled
}

/** The scope ends because another promise won. */
export const raced: Circumstance = async (call) => {
  let settled!: Promise<Settled>
  await openCancelScope(() => Promise.race([(settled = settle(call)), Promise.resolve('winner')]))
  return settled
}

export const cancelledBefore: Circumstance = (call) =>
  inScope((scope) => {
    scope.cancel()
    return call()
  })

/** @param waits - the call waits until it is cancelled, so that it can be given time to begin */
export function cancelledWhile(waits: boolean): Circumstance {
  return (call) =>
    inScope(async (scope) => {
      const promise = call()
      // Looked after, whatever happens while this waits.
      Promise.resolve(promise).catch(() => {})
      if (waits) await abandonOnCancel(iterations(3))
      scope.cancel()
      return promise
    })
}

export const cancelledAfter: Circumstance = (call) =>
  inScope(async (scope) => {
    const promise = call()
    await promise
    scope.cancel()
    return promise
  })

export const lateInScope: Circumstance = async (call) => {
  let late!: Call
  await openCancelScope(() => void (late = AsyncResource.bind(call)))
  return settle(late)
}

export const lateInTask: Circumstance = async (call) => {
  let late!: Call
  await createTaskGroup((tg) => void tg.spawn(() => void (late = AsyncResource.bind(call))))
  return settle(late)
}

/** The outcome of the call of `row` under `circumstance`. Everything that the row has opened is closed afterwards. */
export async function observe(backend: TestBackend, row: Row, circumstance: Circumstance): Promise<Outcome> {
  let settled: Settled | undefined
  await inRun(backend, row, async (call) => (settled = await circumstance(call)))
  return outcome(settled!)
}

/** The outcome of a call in the frame of a run that has ended. */
export async function observeAfterRun(backend: TestBackend, row: Row): Promise<Outcome> {
  let late!: Call
  await inRun(backend, row, async (call) => {
    late = AsyncResource.bind(call)
    throw new Enough()
  })
  return outcome(await settle(late))
}

/** Makes the call and looks at it no more, in a scope and in a task that ends. */
export async function forget(backend: TestBackend, row: Row): Promise<void> {
  await inRun(backend, row, async (call) => {
    await openCancelScope(() => void call())
    throw new Enough()
  })
  await inRun(backend, row, async (call) => {
    await createTaskGroup((tg) => void tg.spawn(() => void call()))
    throw new Enough()
  })
}

/** What a loop that swallows every failure of the call leaves of the event loop. */
export interface Loop {
  /** How many calls were refused. */
  readonly refused: number
  /** How many iterations of the event loop began meanwhile. */
  readonly iterations: number
}

/** The loop in a cancelled scope, and in frames that have ended. It ends when the call is not refused. */
export async function loops(backend: TestBackend, row: Row): Promise<Loop[]> {
  const found: Loop[] = []
  await inRun(backend, row, async (call) => {
    await openCancelScope(async (scope) => {
      scope.cancel()
      found.push(await swallow(call))
    })
    throw new Enough()
  })
  await inRun(backend, row, async (call) => {
    let late!: Call
    await openCancelScope(() => void (late = AsyncResource.bind(call)))
    found.push(await swallow(late))
    throw new Enough()
  })
  let afterRun!: Call
  await inRun(backend, row, async (call) => {
    afterRun = AsyncResource.bind(call)
    throw new Enough()
  })
  found.push(await swallow(afterRun))
  return found
}

async function swallow(call: Call): Promise<Loop> {
  let seen = 0
  let immediate: NodeJS.Immediate
  const next = (): void => {
    seen++
    immediate = setImmediate(next)
  }
  immediate = setImmediate(next)
  let refused = 0
  while (refused < ROUNDS) {
    try {
      await call()
      break
    } catch {
      refused++
    }
  }
  clearImmediate(immediate)
  return { refused, iterations: seen }
}

const ROUNDS = 200

/** Thrown into a row that need not go on. */
class Enough extends Error {}

async function inRun(backend: TestBackend, row: Row, probe: (call: Call) => Promise<Settled>): Promise<void> {
  let probed = false
  await backend.run(async () => {
    try {
      await row(async (call) => {
        const settled = await probe(call).finally(() => (probed = true))
        if ('value' in settled) return settled.value as never
        throw new Enough()
      })
    } catch (error) {
      // What was cancelled half-way may be of no use any more, so that closing it fails.
      if (!probed) throw error
    }
  })
}

/** Lets the cancellation out of the scope, as a program does. */
async function inScope(body: (scope: CancelScope) => unknown): Promise<Settled> {
  let settled!: Settled
  const scope = new CancelScope()
  await scope
    .run(async () => {
      settled = await settle(() => body(scope))
      if ('error' in settled) throw settled.error
    })
    .catch(() => {})
  if ('error' in settled && settled.error instanceof Cancelled && !scope.cancelledCaught)
    throw new Error('the cancellation did not end at its scope')
  return settled
}

async function settle(call: Call): Promise<Settled> {
  try {
    return { value: await call() }
  } catch (error) {
    return { error }
  }
}

function outcome(settled: Settled): Outcome {
  if ('value' in settled) return settled.value === undefined ? 'undefined' : 'value'
  const { error } = settled
  return error instanceof Error ? error.constructor.name : String(error)
}
