/** Random programs in which ordinary JavaScript forgets things: what they are made of, and how they are drawn. */
import fc from 'fast-check'

/** Kinds of waits that the library can cancel. */
export type WaitKind = 'sleep' | 'forever' | 'yield' | 'event' | 'place' | 'receive' | 'abandonable' | 'join' | 'value'

export interface Wait {
  readonly do: 'wait'
  readonly kind: WaitKind
  /** Which event, foreign promise or task; for `sleep` the milliseconds. */
  readonly which: number
  /** Layers of `async` between the wait and the code behind it. */
  readonly layers: number
}

export type Statement =
  | Wait
  /** Awaits a promise that no scope reaches. */
  | { readonly do: 'foreign'; readonly which: number }
  /** Lets the microtasks of others run. */
  | { readonly do: 'microtask' }
  | {
      readonly do: 'scope'
      readonly mode: 'open' | 'move-on' | 'fail'
      readonly limit: number
      readonly shield: boolean
      readonly abandon: boolean
      readonly body: readonly Statement[]
    }
  | {
      readonly do: 'group'
      readonly shield: boolean
      readonly abandon: boolean
      readonly children: readonly (readonly Statement[])[]
      readonly body: readonly Statement[]
    }
  /** Into the group around it, which may have ended. */
  | { readonly do: 'spawn'; readonly body: readonly Statement[] }
  /** `void call()`. */
  | { readonly do: 'drop'; readonly body: readonly Statement[] }
  /** `void sleep(5)`. */
  | { readonly do: 'drop-wait'; readonly wait: Wait }
  /** Begins a wait whose promise another function may await, and awaits such a promise. */
  | { readonly do: 'keep'; readonly wait: Wait }
  | { readonly do: 'await-kept'; readonly which: number }
  /** Tries again after every error. */
  | { readonly do: 'swallow'; readonly times: number; readonly body: readonly Statement[] }
  | { readonly do: 'try'; readonly body: readonly Statement[]; readonly cleanUp: readonly Statement[] }
  | {
      readonly do: 'combine'
      readonly how: 'race' | 'all' | 'any' | 'allSettled'
      readonly branches: readonly (readonly Statement[])[]
    }
  | { readonly do: 'race-tasks'; readonly branches: readonly (readonly Statement[])[] }
  | { readonly do: 'throw' }
  | { readonly do: 'return' }
  /** A scope around it, by its distance. */
  | { readonly do: 'cancel'; readonly up: number }
  | { readonly do: 'set'; readonly which: number }

/** What happens from outside, when nothing goes on by itself any more. */
export type Step =
  /** The clock moves to the next point in time that something waits for. */
  | { readonly do: 'time' }
  | { readonly do: 'settle'; readonly which: number; readonly fails: boolean }
  | { readonly do: 'set'; readonly which: number }
  /** One of the scopes and tasks that have not ended. */
  | { readonly do: 'cancel'; readonly which: number }
  /** The signal of the run. */
  | { readonly do: 'abort' }

export interface Program {
  readonly main: readonly Statement[]
  readonly steps: readonly Step[]
  /** The option of the run. */
  readonly abandon: boolean
  /** The budget of the turn is spent at every step. */
  readonly busy: boolean
}

/** Foreign promises, and events, of each program. */
export const FOREIGN = 4
export const EVENTS = 2

const which = fc.nat(11)
const seldom = fc.nat(3).map((drawn) => drawn === 0)

const wait: fc.Arbitrary<Wait> = fc.record({
  do: fc.constant('wait' as const),
  kind: fc.constantFrom<WaitKind[]>(
    'sleep',
    'sleep',
    'sleep',
    'forever',
    'yield',
    'event',
    'place',
    'receive',
    'abandonable',
    'join',
    'value',
  ),
  which,
  layers: fc.constantFrom(0, 0, 0, 1, 8, 40),
})

const { statement } = fc.letrec<{ statement: Statement; body: Statement[]; bodies: Statement[][] }>((tie) => ({
  body: fc.array(tie('statement'), { maxLength: 4, depthIdentifier: 'program', size: 'max' }),
  bodies: fc.array(tie('body'), { minLength: 1, maxLength: 3, depthIdentifier: 'program', size: 'max' }),
  statement: fc.oneof(
    { depthIdentifier: 'program', maxDepth: 4, depthSize: 'small' },
    { weight: 6, arbitrary: wait },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('foreign' as const), which }) },
    { weight: 1, arbitrary: fc.constant({ do: 'microtask' as const }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('drop-wait' as const), wait }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('keep' as const), wait }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('await-kept' as const), which }) },
    { weight: 1, arbitrary: fc.constantFrom({ do: 'throw' as const }, { do: 'return' as const }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), up: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('set' as const), which }) },
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('scope' as const),
        mode: fc.constantFrom('open' as const, 'move-on' as const, 'fail' as const),
        limit: fc.integer({ min: -1, max: 12 }),
        shield: seldom,
        abandon: seldom,
        body: tie('body'),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('group' as const),
        shield: seldom,
        abandon: seldom,
        children: tie('bodies'),
        body: tie('body'),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('spawn' as const), body: tie('body') }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('drop' as const), body: tie('body') }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('swallow' as const),
        times: fc.constantFrom(1, 2, 5, 70),
        // The retries of one inside another would multiply.
        body: fc.tuple(wait),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('try' as const), body: tie('body'), cleanUp: tie('body') }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('combine' as const),
        how: fc.constantFrom('race' as const, 'all' as const, 'any' as const, 'allSettled' as const),
        branches: tie('bodies'),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('race-tasks' as const), branches: tie('bodies') }) },
  ),
}))

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ do: 'time' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('settle' as const), which, fails: seldom }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('set' as const), which }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('cancel' as const), which }) },
  { weight: 1, arbitrary: fc.constant({ do: 'abort' as const }) },
)

export const programs: fc.Arbitrary<Program> = fc.record({
  main: fc.array(statement, { minLength: 1, maxLength: 5, size: 'max' }),
  steps: fc.array(step, { maxLength: 8, size: 'max' }),
  abandon: fc.boolean(),
  busy: seldom,
})
