/**
 * The tree of scopes against a small model: random scripts of opening, waiting, cancelling, shielding, moving deadlines
 * and leaving, checked after every step. The model knows no registration, no cached bits and no lists: it computes.
 * What forgetful programs do to scopes, groups and tasks has a model of its own:
 * `__test__/support/forgetting/model.ts`.
 */
import { AsyncResource } from 'node:async_hooks'
import test from 'ava'
import fc from 'fast-check'
import { Cancelled } from '../../../src/errors.ts'
import { installClock } from '../../../src/kernel/deadlines.ts'
import {
  type CancelReason,
  CancelScope,
  checkpointIfCancelled,
  currentEffectiveDeadline,
  sleepForever,
} from '../../../src/scopes.ts'
import { iterations, microtasks, runBare } from '../../support/kernel-run.ts'
import { rejection } from '../../support/rejection.ts'
import { StepClock } from '../../support/step-clock.ts'

/** What should be true of one scope. */
class Model {
  readonly parent: Model | undefined
  readonly children: Model[] = []
  shield: boolean
  deadline: number
  reason: CancelReason['kind'] | undefined
  closing = false
  signalled = false
  outcome: 'value' | 'nothing' | 'cancelled' | undefined
  caught = false

  constructor(parent: Model | undefined, shield: boolean, deadline: number) {
    this.parent = parent
    this.shield = shield
    this.deadline = deadline
    parent?.children.push(this)
  }

  get effective(): boolean {
    return this.reason !== undefined || this.parentCancels
  }

  get parentCancels(): boolean {
    return !this.shield && this.parent !== undefined && this.parent.effective
  }

  get ended(): boolean {
    return this.closing && this.children.every((child) => child.ended)
  }

  get effectiveDeadline(): number {
    if (this.effective) return -Infinity
    return this.shield || this.parent === undefined
      ? this.deadline
      : Math.min(this.deadline, this.parent.effectiveDeadline)
  }

  cancel(kind: CancelReason['kind']): void {
    this.reason ??= kind
  }

  passDeadline(now: number): void {
    if (!this.ended && this.deadline <= now) this.cancel('deadline')
  }

  leave(throwing: boolean): void {
    if (!throwing || !this.effective) this.outcome = 'value'
    else if (this.parentCancels) this.outcome = 'cancelled'
    else {
      this.outcome = 'nothing'
      this.caught = true
    }
    this.closing = true
    for (const child of this.children) if (!child.ended) child.cancel('scope-ended')
  }
}

/** One scope of the real tree, with a hand in its frame. */
class Actual {
  readonly scope: CancelScope
  waiting = 0
  waited = 0
  outcome: Model['outcome']
  run!: <T>(fn: () => T) => T
  leave!: (throwing: boolean) => void

  constructor(shield: boolean, deadline: number) {
    this.scope = new CancelScope({ shield, deadline })
  }

  enter(): void {
    void this.scope
      .run(() => {
        this.run = AsyncResource.bind(<T>(fn: () => T): T => fn())
        return new Promise<string>((resolve, reject) => {
          this.leave = (throwing) => {
            if (throwing) void this.run(checkpointIfCancelled).then(() => resolve('value'), reject)
            else resolve('value')
          }
        })
      })
      .then(
        (value) => (this.outcome = value === undefined ? 'nothing' : 'value'),
        (error: unknown) => (this.outcome = error instanceof Cancelled ? 'cancelled' : undefined),
      )
  }

  wait(): void {
    this.waiting++
    const ended = (): void => {
      this.waiting--
      this.waited++
    }
    this.run(sleepForever).then(ended, ended)
  }
}

type Step =
  | { do: 'open'; at: number; shield: boolean; deadline: number | undefined }
  | { do: 'wait' | 'cancel' | 'leave' | 'throw' | 'signal'; at: number }
  | { do: 'shield'; at: number; on: boolean }
  | { do: 'deadline'; at: number; in: number }
  | { do: 'advance'; by: number }

const at = fc.nat(9)
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('open' as const),
        at,
        shield: fc.boolean(),
        deadline: fc.option(fc.integer({ min: -2, max: 20 }), { nil: undefined }),
      }),
    },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('wait' as const), at }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('cancel', 'cancel', 'signal'), at }) },
    // Seldom: what has left takes no further part in the script.
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('leave', 'throw'), at }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('shield' as const), at, on: fc.boolean() }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('deadline' as const), at, in: fc.integer({ min: -2, max: 20 }) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), by: fc.nat(10) }) },
  ),
  { maxLength: 40, size: 'max' },
)

async function play(script: readonly Step[]): Promise<void> {
  const clock = new StepClock()
  const uninstall = installClock(clock)
  try {
    await runBare(async () => {
      const models: Model[] = []
      const actuals: Actual[] = []
      const add = (parent: number | undefined, shield: boolean, deadline: number): void => {
        const actual = new Actual(shield, deadline)
        models.push(new Model(parent === undefined ? undefined : models[parent], shield, deadline))
        models.at(-1)!.passDeadline(clock.time)
        actuals.push(actual)
        if (parent === undefined) actual.enter()
        else actuals[parent]!.run(() => actual.enter())
      }
      add(undefined, false, Infinity)
      for (const step of script) {
        if (step.do === 'advance') {
          clock.advance(step.by)
          for (const model of models) model.passDeadline(clock.time)
        } else {
          const index = step.at % models.length
          const model = models[index]!
          const actual = actuals[index]!
          // What a frame refuses once its body has settled is another test's business.
          if (model.closing && ['open', 'wait', 'leave', 'throw'].includes(step.do)) continue
          perform(step, index, model, actual, add, clock)
        }
        await microtasks()
        if (step.do === 'leave' || step.do === 'throw') await iterations(2 * models.length + 2)
        check(models, actuals, step)
      }
      for (let index = models.length - 1; index >= 0; index--) {
        if (models[index]!.closing) continue
        models[index]!.leave(false)
        actuals[index]!.leave(false)
        await iterations(2 * models.length + 2)
      }
      check(models, actuals, { do: 'advance', by: 0 })
    })
  } finally {
    uninstall()
  }
}

function perform(
  step: Exclude<Step, { do: 'advance' }>,
  index: number,
  model: Model,
  actual: Actual,
  add: (parent: number, shield: boolean, deadline: number) => void,
  clock: StepClock,
): void {
  switch (step.do) {
    case 'open':
      add(index, step.shield, step.deadline === undefined ? Infinity : clock.time + step.deadline)
      break
    case 'wait':
      actual.wait()
      break
    case 'cancel':
      model.cancel('explicit')
      actual.scope.cancel()
      break
    case 'signal':
      model.signalled = true
      void actual.scope.signal
      break
    case 'shield':
      model.shield = step.on
      actual.scope.shield = step.on
      break
    case 'deadline':
      model.deadline = clock.time + step.in
      model.passDeadline(clock.time)
      actual.scope.deadline = clock.time + step.in
      break
    case 'leave':
    case 'throw':
      model.leave(step.do === 'throw')
      actual.leave(step.do === 'throw')
      break
  }
}

function check(models: readonly Model[], actuals: readonly Actual[], step: Step): void {
  models.forEach((model, index) => {
    const actual = actuals[index]!
    const same = (what: string, found: unknown, expected: unknown): void => {
      if (!Object.is(found, expected))
        throw new Error(
          `scope ${index}, ${what}: ${String(found)}, should be ${String(expected)}, after ${JSON.stringify(step)}`,
        )
    }
    same('reason', actual.scope.cancelReason?.kind, model.reason)
    same('cancelCalled', actual.scope.cancelCalled, model.reason !== undefined)
    same('outcome', actual.outcome, model.ended ? model.outcome : undefined)
    same('cancelledCaught', actual.scope.cancelledCaught, model.caught)
    if (model.closing) same('waiting', actual.waiting, 0)
    else {
      if (model.effective) same('waiting', actual.waiting, 0)
      same('effective deadline', actual.run(currentEffectiveDeadline), model.effectiveDeadline)
    }
  })
}

test.serial('property: the tree of scopes behaves as the model says, after every step', async (t) => {
  await t.notThrowsAsync(fc.assert(fc.asyncProperty(steps, play), { numRuns: 400 }))
})

test.serial('a wait is pending exactly as long as nothing cancels it', async (t) => {
  await runBare(async () => {
    const actual = new Actual(false, Infinity)
    actual.enter()
    actual.wait()
    await microtasks()
    t.is(actual.waiting, 1)
    actual.scope.cancel()
    await microtasks()
    t.is(actual.waiting, 0)
    t.true((await rejection(actual.run(checkpointIfCancelled))) instanceof Cancelled)
    actual.leave(true)
  })
})
