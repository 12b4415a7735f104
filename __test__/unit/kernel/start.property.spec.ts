/**
 * `TaskGroup.start` against a small model: the child belongs to its caller until it is ready, then to the group,
 * whatever is cancelled, shielded or finished in between.
 */
import test from 'ava'
import fc from 'fast-check'
import { Cancelled, ExceptionGroup, UsageError } from '../../../src/errors.ts'
import { CancelScope, checkpointIfCancelled } from '../../../src/scopes.ts'
import { type TaskGroup, type TaskStatus, createTaskGroup } from '../../../src/task-groups.ts'
import { microtasks, runBare } from '../../support/kernel-run.ts'

type Step = 'cancel caller' | 'cancel group' | 'ready' | 'return' | 'fail' | 'give way'
const steps = fc.array(fc.constantFrom<Step>('cancel caller', 'cancel group', 'ready', 'return', 'fail', 'give way'), {
  maxLength: 8,
  size: 'max',
})

const boom = new Error('boom')

/** What `start` and the group come to. */
interface Outcome {
  start: string | undefined
  group: string
}

/** The rules of `start` for one child (TASK-6), as a machine of three facts. */
function expected(script: readonly Step[]): Outcome {
  let callerCancelled = false
  let groupCancelled = false
  let moved = false
  let signalled = false
  let start: string | undefined
  let group = 'value'
  for (const step of script) {
    if (step === 'cancel caller') callerCancelled = true
    else if (step === 'cancel group') groupCancelled = true
    else if (step === 'ready') {
      if (signalled) continue
      signalled = true
      if (callerCancelled) continue
      moved = true
      start = 'ready'
    } else if (
      step === 'return' ||
      step === 'fail' ||
      (step === 'give way' && (moved ? groupCancelled : callerCancelled))
    ) {
      if (moved) group = step === 'fail' ? 'boom' : 'value'
      else if (step === 'fail') start = 'boom'
      else if (signalled && step === 'return') start = 'ready'
      else start = callerCancelled ? 'Cancelled' : 'UsageError'
      break
    }
  }
  return { start, group }
}

async function actual(script: readonly Step[]): Promise<Outcome> {
  return runBare(async () => {
    let group: TaskGroup | undefined
    let close = (): void => undefined
    const caller = new CancelScope()
    let start: string | undefined
    const child = new Child()
    const grouped = createTaskGroup((tg) => {
      group = tg
      return new Promise<string>((resolve) => {
        close = () => resolve('value')
      })
    })
    const called = caller.run(async () => {
      const value = group!.start((status: TaskStatus<string>) => child.run(status))
      await value.then(
        (v) => (start = String(v)),
        (error: unknown) => (start = nameOf(error)),
      )
    })
    await microtasks()
    for (const step of script) {
      if (step === 'cancel caller') caller.cancel()
      else if (step === 'cancel group') group!.cancelScope.cancel()
      else child.tell(step)
      await microtasks()
    }
    const result = start
    child.tell('return')
    await microtasks()
    close()
    await called
    const outcome = await grouped.catch((error: unknown) => nameOf((error as ExceptionGroup).errors[0]))
    return { start: result, group: String(outcome) }
  })
}

/** A child that follows the commands of the script. */
class Child {
  #commands: Step[] = []
  #wake: () => void = () => undefined

  tell(step: Step): void {
    this.#commands.push(step)
    this.#wake()
  }

  async run(status: TaskStatus<string>): Promise<void> {
    let signalled = false
    for (;;) {
      const command = this.#commands.shift()
      if (command === undefined) await new Promise<void>((resolve) => (this.#wake = resolve))
      else if (command === 'ready' && !signalled) {
        signalled = true
        status.started('ready')
      } else if (command === 'give way') await checkpointIfCancelled()
      else if (command === 'fail') throw boom
      else if (command === 'return') return
    }
  }
}

function nameOf(error: unknown): string {
  if (error === boom) return 'boom'
  return error instanceof Cancelled ? 'Cancelled' : error instanceof UsageError ? 'UsageError' : String(error)
}

test('property: start behaves as the model says', async (t) => {
  await t.notThrowsAsync(
    fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const found = JSON.stringify(await actual(script))
        const wanted = JSON.stringify(expected(script))
        if (found !== wanted) throw new Error(`${found}, should be ${wanted}`)
      }),
      { numRuns: 500 },
    ),
  )
})
