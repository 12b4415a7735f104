/** A run that cannot begin leaves the process as it was. */
import test from 'ava'
import { nodeBackend } from '../../../src/backends/node/index.ts'
import type { Host } from '../../../src/kernel/deadlines.ts'
import { activeRuns } from '../../../src/kernel/run-state.ts'
import { schedulers } from '../../../src/kernel/schedule.ts'
import { run } from '../../../src/run.ts'
import { bareHost, runBare } from '../../support/kernel-run.ts'
import { rejection } from '../../support/rejection.ts'

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
