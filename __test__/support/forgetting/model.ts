/**
 * A model of scopes, groups and tasks for forgetful programs, written independently of the kernel: a tree and rules over it, with no
 * cached bits, lists or turns. It gets the steps of the program in their order, says what must come out, and
 * collects what does not.
 *
 * 1. A wait that is begun in a cancelled or closing frame is refused; one that is pending there is cancelled.
 * 2. A scope ends after everything begun in it has ended, and after the code behind its leftovers has had its turn.
 * 3. What leaves a scope follows from the tree at the moment when its body settles.
 * 4. When nothing goes on by itself, everything that can have ended has ended.
 *
 * Over 500 lines because the rules refer to one another, and are read together.
 */
import { Cancelled, ExceptionGroup, TaskCancelled, TaskFailed, TimeoutError, UsageError } from '../../../src/errors.ts'
import type { CancelReason } from '../../../src/scopes.ts'

export type Outcome = { readonly value: unknown } | { readonly error: unknown }

/** What a promise must give. */
interface Expected {
  readonly text: string
  matches(outcome: Outcome): boolean
}

type Kind = CancelReason['kind']

/** The code of one function that runs. */
export interface Fiber {
  readonly scope: ModelScope
  state: 'running' | 'library' | 'foreign' | 'joins' | 'done'
  /** What it awaits, of the library. */
  on: ModelWait | ModelScope | undefined
}

export interface ScopeShape {
  readonly form: 'scope' | 'group' | 'race' | 'task'
  readonly mode?: 'open' | 'move-on' | 'fail'
  readonly shield?: boolean
  readonly abandon?: boolean
}

export class ModelScope {
  readonly id: number
  readonly parent: ModelScope | undefined
  readonly shape: ScopeShape
  reason: Kind | undefined
  state: 'open' | 'closing' | 'ended' = 'open'
  caught = false
  /** A task: its function was called. */
  started = false
  hadLeftovers = false
  /** Its body was left behind. */
  left = false
  /** How its body ended. */
  body: Outcome | undefined
  verdict: Verdict | undefined
  expected: Expected | undefined
  outcome: Outcome | undefined
  readonly children = new Set<ModelScope>()
  readonly waits = new Set<ModelWait>()
  readonly fibers = new Set<Fiber>()
  /** Of a group. */
  readonly errors: Expected[] = []
  waited = false
  first: Expected | undefined

  constructor(id: number, parent: ModelScope | undefined, shape: ScopeShape) {
    this.id = id
    this.parent = parent
    this.shape = shape
  }

  get effective(): boolean {
    return this.reason !== undefined || this.parentCancels
  }

  get parentCancels(): boolean {
    return this.shape.shield !== true && this.parent !== undefined && this.parent.effective
  }

  get label(): string {
    return `${this.shape.form} ${this.id}`
  }

  isWithin(other: ModelScope): boolean {
    for (let scope: ModelScope | undefined = this; scope !== undefined; scope = scope.parent)
      if (scope === other) return true
    return false
  }

  *subtree(): Generator<ModelScope> {
    yield this
    for (const child of this.children) yield* child.subtree()
  }
}

export class ModelWait {
  readonly what: string
  readonly scope: ModelScope
  expected: Expected | undefined
  /** Its value is on the way, and a cancellation may still come first. */
  soon: Expected | undefined
  settled = false
  /** When it was begun. */
  refused = false
  /** The program dropped its promise. */
  readonly unseen: boolean

  constructor(what: string, scope: ModelScope, unseen: boolean) {
    this.what = what
    this.scope = scope
    this.unseen = unseen
  }

  get pending(): boolean {
    return this.expected === undefined && this.soon === undefined
  }
}

type Verdict =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly expected: Expected }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'caught' }

interface Timer {
  readonly at: number
  due(): void
}

export class Model {
  now = 0
  readonly findings: string[] = []
  readonly root: ModelScope
  readonly scopes: ModelScope[] = []
  readonly waits: ModelWait[] = []
  readonly #timers = new Set<Timer>()
  /** Which scope raised it. */
  readonly #raised = new WeakMap<object, ModelScope>()
  readonly #times = new Set<number>()

  constructor(abandon: boolean) {
    this.root = this.#add(undefined, { form: 'task', abandon })
    this.root.started = true
  }

  find(what: string): void {
    this.findings.push(what)
  }

  // Time

  /** A point in time about `ms` from now that nothing else waits for: sums of them are exact. */
  freeTime(ms: number): number {
    let at = this.now + ms
    while (this.#times.has(at)) at += 2 ** -20
    this.#times.add(at)
    return at
  }

  /** The next point in time that something waits for. */
  get nextTime(): number | undefined {
    let next: number | undefined
    for (const { at } of this.#timers) if (next === undefined || at < next) next = at
    return next
  }

  advance(at: number): void {
    this.now = at
    for (const timer of this.#timers) if (timer.at === at) this.#fire(timer)
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer)
    timer.due()
  }

  // Scopes

  /** Undefined where the frame has ended: the call must fail. */
  enter(parent: ModelScope, shape: ScopeShape, deadline = Infinity): ModelScope | undefined {
    if (parent.state === 'ended') return undefined
    const scope = this.#add(parent, shape)
    if (parent.state === 'closing' && shape.form !== 'task') {
      parent.hadLeftovers = true
      if (shape.shield !== true) this.cancel(scope, 'scope-ended')
    }
    if (deadline <= this.now) this.cancel(scope, 'deadline')
    else if (deadline !== Infinity && scope.reason === undefined) {
      const timer: Timer = { at: deadline, due: () => this.cancel(scope, 'deadline') }
      this.#timers.add(timer)
      scopeTimers.set(scope, timer)
    }
    return scope
  }

  cancel(scope: ModelScope, kind: Kind): void {
    if (scope.reason !== undefined) return
    scope.reason = kind
    this.#disarm(scope)
    for (const inner of scope.subtree())
      if (inner.effective) for (const wait of inner.waits) if (wait.pending) wait.expected = CANCELLED
  }

  bodySettled(scope: ModelScope, outcome: Outcome): void {
    if (scope.body !== undefined) this.find(`${scope.label}: its body settled twice`)
    scope.body = outcome
    if (scope.left) {
      // Its promise, where it has not settled, tells of this.
      if (scope.outcome === undefined && scope.expected === undefined) scope.expected = exactly(outcome)
      return
    }
    this.#leaveBody(
      scope,
      'value' in outcome ? { kind: 'value', value: outcome.value } : this.#judge(scope, outcome.error),
    )
  }

  /** The library says that it is over. */
  ended(scope: ModelScope): void {
    if (scope.state === 'ended') this.find(`${scope.label} ended twice`)
    if (scope.state === 'open') this.#abandoned(scope)
    for (const child of scope.children) this.find(`${scope.label} ended before ${child.label}, which is in it`)
    for (const wait of scope.waits)
      if (wait.pending) this.find(`${scope.label} ended before a wait in it: ${wait.what}`)
    if (scope.hadLeftovers && this.#abandonedWith(scope) === undefined) {
      for (const { state, on } of scope.fibers) {
        // A loop that is refused again and again holds no scope: its later refusals may come after the end.
        const retries = on instanceof ModelWait && on.refused && !on.settled
        if (state === 'running' || (state === 'library' && !retries))
          this.find(`${scope.label} ended before the code of a leftover had its turn`)
      }
    }
    scope.state = 'ended'
    this.#disarm(scope)
    const abandoned = scope.left && scope.body === undefined
    // Whether the promise of an abandoned scope settles at once depends on which of several around it was left first.
    if (!abandoned || scope.shape.abandon === true || scope === this.root) scope.expected = this.#conclude(scope)
    scope.parent?.children.delete(scope)
    const { parent } = scope
    if (scope.shape.form === 'task' && parent !== undefined) this.#taskEnded(scope, parent)
  }

  /** The promise of the scope has settled. */
  settled(scope: ModelScope, outcome: Outcome): void {
    scope.outcome = outcome
    if ('error' in outcome) this.#noteRaised(outcome.error, scope)
    if (scope.state !== 'ended') this.find(`${scope.label}: its promise settled before it ended`)
    const expected = scope.left && scope.body !== undefined ? [scope.expected, exactly(scope.body)] : [scope.expected]
    if (!expected.some((one) => one?.matches(outcome) === true))
      this.find(`${scope.label} gave ${show(outcome)}, expected ${expected.map((one) => one?.text).join(' or ')}`)
  }

  /** What `raceTasks` and a wait say in a frame where nothing may begin. */
  refusal(scope: ModelScope): Expected | undefined {
    if (scope.state === 'ended') return USAGE
    return scope.state === 'closing' || scope.effective ? CANCELLED : undefined
  }

  // Waits

  begin(scope: ModelScope, what: string, unseen: boolean): ModelWait {
    const wait = new ModelWait(what, scope, unseen)
    wait.expected = this.refusal(scope)
    wait.refused = wait.expected !== undefined
    if (!wait.refused) scope.waits.add(wait)
    this.waits.push(wait)
    return wait
  }

  sleepUntil(wait: ModelWait, at: number): void {
    if (wait.pending) this.#timers.add({ at, due: () => this.answer(wait, { value: undefined }) })
  }

  /** For certain, from now on. */
  answer(wait: ModelWait, outcome: Outcome): void {
    if (wait.pending) wait.expected = exactly(outcome)
  }

  /** Unless it is cancelled on the way. */
  answerSoon(wait: ModelWait, expected: Expected): void {
    if (wait.pending) wait.soon = expected
  }

  waitSettled(wait: ModelWait, outcome: Outcome): void {
    wait.settled = true
    wait.scope.waits.delete(wait)
    if ('error' in outcome) this.#noteRaised(outcome.error, wait.scope)
    const { expected, soon, scope } = wait
    const fits =
      expected?.matches(outcome) === true ||
      soon?.matches(outcome) === true ||
      (soon !== undefined && (scope.effective || scope.state !== 'open') && CANCELLED.matches(outcome))
    if (!fits)
      this.find(
        `${wait.what} in ${scope.label} gave ${show(outcome)}, expected ${(expected ?? soon)?.text ?? 'nothing yet'}`,
      )
  }

  /** What the end of a task gives to those who wait for it. */
  joined(task: ModelScope, wantsValue: boolean): Expected {
    if (!wantsValue) return exactly({ value: undefined })
    const { verdict } = task
    if (verdict?.kind === 'value') return exactly({ value: verdict.value })
    if (verdict?.kind === 'failed')
      return {
        text: `TaskFailed of ${verdict.expected.text}`,
        matches: (outcome) =>
          'error' in outcome &&
          outcome.error instanceof TaskFailed &&
          verdict.expected.matches({ error: outcome.error.cause }),
      }
    return anError('TaskCancelled', (error) => error instanceof TaskCancelled)
  }

  // Nothing goes on by itself

  check(): void {
    for (const wait of this.waits) {
      if (wait.unseen) continue
      if (!wait.pending && !wait.settled)
        this.find(`${wait.what} in ${wait.scope.label} is pending, expected ${(wait.expected ?? wait.soon)!.text}`)
    }
    for (const scope of this.scopes) this.#checkScope(scope)
  }

  #checkScope(scope: ModelScope): void {
    if (scope.state === 'closing' && scope.children.size === 0) this.find(`${scope.label} has not ended`)
    if (scope.shape.abandon === true && scope.state !== 'ended' && scope.effective && !this.#waitsForLibrary(scope))
      this.find(`${scope.label} was not abandoned`)
    if (scope.state === 'ended' && scope.outcome === undefined && scope.expected !== undefined && !isMere(scope))
      if (!scope.left || scope.body !== undefined) this.find(`${scope.label} ended, and its promise is pending`)
    for (const fiber of scope.fibers) {
      if (fiber.state === 'running') this.find(`a function in ${scope.label} does not run on`)
      if (fiber.state !== 'library') continue
      const { on } = fiber
      if (on instanceof ModelWait ? on.settled : on?.outcome !== undefined)
        this.find(`a function in ${scope.label} does not run on after ${on instanceof ModelWait ? on.what : on!.label}`)
    }
  }

  // Helpers

  #add(parent: ModelScope | undefined, shape: ScopeShape): ModelScope {
    const scope = new ModelScope(this.scopes.length, parent, shape)
    this.scopes.push(scope)
    parent?.children.add(scope)
    return scope
  }

  #disarm(scope: ModelScope): void {
    this.#timers.delete(scopeTimers.get(scope)!)
  }

  #leaveBody(scope: ModelScope, verdict: Verdict): void {
    const { form } = scope.shape
    scope.verdict = verdict
    scope.caught = verdict.kind === 'caught'
    if (form === 'group' || form === 'race') {
      if (verdict.kind === 'failed') {
        scope.errors.push(verdict.expected)
        this.cancel(scope, 'task-failed')
      } else if (verdict.kind === 'cancelled' && !scope.effective) this.cancel(scope, 'explicit')
      for (const child of scope.children) if (child.shape.form === 'task') scope.waited = true
    }
    if (form === 'task' && verdict.kind === 'failed') this.#taskFailed(scope, verdict.expected)
    scope.state = 'closing'
    for (const wait of scope.waits) {
      // A refusal or an answer that is on its way is a leftover as well, one that was told is not.
      if (!wait.settled) scope.hadLeftovers ||= wait.pending
      if (wait.pending) wait.expected = CANCELLED
    }
    for (const child of scope.children) {
      if (child.shape.form === 'task') continue
      scope.hadLeftovers = true
      this.cancel(child, 'scope-ended')
    }
  }

  #taskFailed(task: ModelScope, error: Expected): void {
    const { parent } = task
    if (parent?.shape.form === 'race') {
      parent.first ??= error
      this.cancel(parent, 'explicit')
    } else if (parent !== undefined) this.cancel(parent, 'task-failed')
  }

  #taskEnded(task: ModelScope, group: ModelScope): void {
    if (group.shape.form === 'race') {
      if (task.verdict?.kind !== 'value') return
      group.first ??= exactly({ value: task.verdict.value })
      this.cancel(group, 'explicit')
    } else if (task.verdict?.kind === 'failed') group.errors.push(task.verdict.expected)
  }

  /** It ended though its body has not settled: some scope around it must have been abandoned. */
  #abandoned(scope: ModelScope): void {
    if (this.#abandonedWith(scope) === undefined)
      this.find(`${scope.label} ended before its body, and may not be abandoned`)
    scope.left = true
    this.#leaveBody(scope, this.#judgeLeaves(scope, [undefined], undefined))
  }

  /** The scope around it that may be abandoned now. */
  #abandonedWith(scope: ModelScope): ModelScope | undefined {
    for (let top: ModelScope | undefined = scope; top !== undefined; top = top.parent)
      if (top.shape.abandon === true && top.effective && !this.#waitsForLibrary(top)) return top
    return undefined
  }

  #waitsForLibrary(top: ModelScope): boolean {
    for (const scope of top.subtree()) {
      if (scope.shape.form === 'task' && !scope.started) return true
      for (const wait of scope.waits) if (wait.pending) return true
    }
    return false
  }

  #judge(scope: ModelScope, error: unknown): Verdict {
    const leaves = [...leavesOf(error)]
    const cancelled = leaves.filter((leaf) => leaf instanceof Cancelled)
    if (cancelled.length === 0) return { kind: 'failed', expected: exactly({ error }) }
    if (cancelled.length < leaves.length)
      return { kind: 'failed', expected: leavesAre(leaves.filter((leaf) => !(leaf instanceof Cancelled))) }
    return this.#judgeLeaves(scope, cancelled, error)
  }

  /** @param cancelled - `undefined` for one that is raised by the scope itself */
  #judgeLeaves(scope: ModelScope, cancelled: readonly (Cancelled | undefined)[], error: unknown): Verdict {
    if (scope.effective && !scope.parentCancels) return { kind: 'caught' }
    if (!scope.effective) {
      const foreign = cancelled.find((one) => one !== undefined && this.#raised.get(one)?.isWithin(scope) !== true)
      if (foreign !== undefined) return { kind: 'failed', expected: usageOf(foreign) }
    }
    if (scope.shape.form === 'task' && !hasCancelled(scope)) return { kind: 'failed', expected: usageOf(error) }
    return { kind: 'cancelled' }
  }

  #conclude(scope: ModelScope): Expected {
    if (scope.first !== undefined) return scope.first
    const verdict = scope.verdict!
    if (scope.shape.form === 'group' || scope.shape.form === 'race') return this.#concludeGroup(scope, verdict)
    if (verdict.kind === 'value') return exactly({ value: verdict.value })
    if (verdict.kind === 'failed') return verdict.expected
    if (verdict.kind === 'cancelled') return CANCELLED
    if (scope === this.root && scope.reason === 'signal') return ABORTED
    if (scope.shape.mode === 'fail' && scope.reason === 'deadline') return TIMEOUT
    if (scope.shape.mode === 'fail' && scope.reason === 'scope-ended') return CANCELLED
    return exactly({ value: undefined })
  }

  #concludeGroup(scope: ModelScope, verdict: Verdict): Expected {
    if (scope.errors.length > 0) return aGroupOf(scope.errors)
    if (verdict.kind === 'cancelled') return CANCELLED
    if (scope.caught || (scope.waited && scope.effective)) {
      scope.caught = !scope.parentCancels
      if (scope.parentCancels) return CANCELLED
      if (scope.shape.form === 'race' && scope.reason === 'scope-ended') return CANCELLED
    }
    return exactly({ value: verdict.kind === 'value' ? verdict.value : undefined })
  }

  #noteRaised(error: unknown, scope: ModelScope): void {
    if (error instanceof Cancelled && !this.#raised.has(error)) this.#raised.set(error, scope)
  }
}

/** The reason of the signal of the run. */
export const ABORT = new Error('aborted')

const scopeTimers = new WeakMap<ModelScope, Timer>()

/** Where the library has a task, whose outcome is in the message of a channel. */
function isMere(scope: ModelScope): boolean {
  return scope.shape.form === 'task' && scope.parent !== undefined
}

function hasCancelled(scope: ModelScope): boolean {
  for (let around: ModelScope | undefined = scope; around !== undefined; around = around.parent)
    if (around.reason !== undefined) return true
  return false
}

function* leavesOf(error: unknown): Generator<unknown> {
  if (error instanceof AggregateError) for (const leaf of error.errors as unknown[]) yield* leavesOf(leaf)
  else yield error
}

function anError(text: string, is: (error: unknown) => boolean): Expected {
  return { text, matches: (outcome) => 'error' in outcome && is(outcome.error) }
}

const CANCELLED: Expected = anError('Cancelled', (error) => error instanceof Cancelled)
export const USAGE: Expected = anError('UsageError', (error) => error instanceof UsageError)
const TIMEOUT: Expected = anError('TimeoutError', (error) => error instanceof TimeoutError)
const ABORTED: Expected = anError('the reason of the signal', (error) => error === ABORT)

export function exactly(outcome: Outcome): Expected {
  return {
    text: show(outcome),
    matches: (given) =>
      'value' in outcome
        ? 'value' in given && given.value === outcome.value
        : 'error' in given && given.error === outcome.error,
  }
}

function usageOf(cause: unknown): Expected {
  return anError(
    `UsageError because of ${String(cause)}`,
    (error) => error instanceof UsageError && error.cause instanceof Cancelled,
  )
}

function leavesAre(leaves: readonly unknown[]): Expected {
  return anError(`an aggregate of ${leaves.join(', ')}`, (error) => {
    const found = [...leavesOf(error)]
    return (
      error instanceof AggregateError && found.length === leaves.length && found.every((leaf, n) => leaf === leaves[n])
    )
  })
}

function aGroupOf(errors: readonly Expected[]): Expected {
  return anError(`ExceptionGroup(${errors.map((one) => one.text).join(', ')})`, (error) => {
    if (!(error instanceof ExceptionGroup) || error.errors.length !== errors.length) return false
    return errors.every((one, n) => one.matches({ error: error.errors[n] }))
  })
}

export function show(outcome: Outcome): string {
  return 'value' in outcome ? `the value ${String(outcome.value)}` : `the error ${String(outcome.error)}`
}
