/** A run that cannot begin leaves the process as it was; one that cannot end properly settles all the same. */
import { channel } from 'node:diagnostics_channel'
import test from 'ava'
import { nodeBackend } from '../../../src/backends/node/index.ts'
import type { Host } from '../../../src/kernel/deadlines.ts'
import { requireFrame } from '../../../src/kernel/context.ts'
import { activeRuns } from '../../../src/kernel/run-state.ts'
import { Resource } from '../../../src/kernel/resources.ts'
import { schedulers } from '../../../src/kernel/schedule.ts'
import { run } from '../../../src/run.ts'
import { checkpoint } from '../../../src/scopes.ts'
import { bareHost, iterations, runBare } from '../../support/kernel-run.ts'
import { rejection } from '../../support/rejection.ts'
import { collectWarnings } from '../../support/warnings.ts'

const failure = new Error('the host refuses the run')

function refuse(): never {
  throw failure
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
}

test.serial('a run that its host refuses is no active run, has no scheduler and no handle', (t) => {
  const host: Host = { ...bareHost, runStarted: refuse, scheduler: { add: (resume) => resume() } }
  const before = timers()
  t.throws(() => runBare(() => t.fail('it ran'), {}, host), { is: failure })
  t.is(timers(), before)
  t.is(activeRuns.size, 0)
  t.is(schedulers, 0)
})

test.serial('a run that its host refuses listens for no signals', async (t) => {
  const before = process.rawListeners('SIGUSR2')
  const host: Host = nodeBackend
  host.runStarted = refuse
  try {
    const refused = run(() => t.fail('it ran'), { backend: 'node', shutdownSignals: ['SIGUSR2'] })
    t.is(await rejection(refused), failure)
  } finally {
    delete host.runStarted
  }
  t.deepEqual(process.rawListeners('SIGUSR2'), before)
  t.is(await run(() => 'next', { backend: 'node' }), 'next')
})

test.serial('a run that cannot listen for one of its signals listens for none of them', async (t) => {
  const before = process.rawListeners('SIGUSR2')
  const onListener = (name: string | symbol): void => {
    if (name === 'SIGHUP') refuse()
  }
  process.on('newListener', onListener)
  try {
    const refused = run(() => t.fail('it ran'), { backend: 'node', shutdownSignals: ['SIGUSR2', 'SIGHUP'] })
    t.is(await rejection(refused), failure)
  } finally {
    process.off('newListener', onListener)
  }
  t.deepEqual(process.rawListeners('SIGUSR2'), before)
})

const badEnd: Host = { ...bareHost, runEnded: refuse }

test.serial('a run whose host fails at its end rejects with that error, and leaves nothing', async (t) => {
  const before = timers()
  t.is(await rejection(runBare(() => 'value', {}, badEnd)), failure)
  t.is(timers(), before)
  t.is(activeRuns.size, 0)
  const signal = AbortSignal.abort('reason')
  t.is(await rejection(runBare(() => checkpoint(), { signal }, badEnd)), 'reason', 'its own failure comes first')
})

test.serial('every callback at the end of a run is called; later errors go to a channel', async (t) => {
  const called: string[] = []
  const [own, second] = [new Error('own'), new Error('second')]
  const told: unknown[] = []
  const listener = (message: unknown): void => void told.push((message as { error: unknown }).error)
  channel('structio:suppressed-error').subscribe(listener)
  try {
    const ending = (): void => {
      const { atEnd } = requireFrame('test').task.run
      atEnd.push(
        () => {
          called.push('first')
          throw second
        },
        () => void called.push('last'),
      )
    }
    t.is(await rejection(runBare(ending, {}, badEnd)), failure)
    t.deepEqual(called, ['first', 'last'])
    t.deepEqual(told, [second])
    const failing = (): never => {
      ending()
      throw own
    }
    t.is(await rejection(runBare(failing)), own)
    t.deepEqual(told, [second, second])
  } finally {
    channel('structio:suppressed-error').unsubscribe(listener)
  }
})

class Unclosable extends Resource {
  constructor(onClose: () => void) {
    super()
    this.register(requireFrame('test'), 'thing')
    this.closeForRun = () => {
      onClose()
      return Promise.resolve()
    }
  }

  describeResource(): string {
    return 'a thing'
  }

  declare closeForRun: () => Promise<void>
}

test.serial('a resource that throws when it is closed neither holds its run nor keeps others open', async (t) => {
  const warnings = collectWarnings()
  const closed: string[] = []
  const value = await runBare(() => {
    new Unclosable(refuse)
    new Unclosable(() => closed.push('the next one'))
    return 'value'
  })
  await iterations(1)
  warnings.stop()
  t.is(value, 'value')
  t.deepEqual(closed, ['the next one'])
  t.is(warnings.of('STRUCTIO_LEFT_OPEN').length, 2)
})
