/**
 * Plays a forgetful program against the library, and reports each step to the model. Its outside acts only when nothing goes on by
 * itself any more, so the model knows the order of everything without knowing a turn of the event loop.
 *
 * Over 500 lines because each statement of a program has its few lines here, and all of them share one state.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setImmediate as iteration } from 'node:timers/promises'
import {
  abandonOnCancel,
  Cancelled,
  type CancelScope,
  createEvent,
  createMemoryObjectStream,
  createSemaphore,
  createTaskGroup,
  failAfter,
  getCurrentTask,
  getRunningTasks,
  moveOnAfter,
  openCancelScope,
  raceTasks,
  run,
  type RunOptions,
  type ScopeEvent,
  sleep,
  sleepForever,
  type TaskEvent,
  type TaskGroup,
  type TaskHandle,
  UsageError,
} from '../../../index.ts'
import { deadlines, installClock } from '../../../src/kernel/deadlines.ts'
import { countOnly, spendBudget } from '../../../src/kernel/turn.ts'
import { StepClock } from '../step-clock.ts'
import { ABORT, exactly, type Fiber, Model, type ModelScope, type ModelWait, type Outcome, USAGE } from './model.ts'
import { EVENTS, FOREIGN, type Program, type Statement, type Step, type Wait } from './programs.ts'

/** Where code of the program runs. */
interface Place {
  readonly scope: ModelScope
  /** The scopes around it, outermost first. */
  readonly chain: readonly ModelScope[]
  readonly group: OpenGroup | undefined
  readonly fiber: Fiber
}

interface OpenGroup {
  readonly scope: ModelScope
  lib: TaskGroup | undefined
}

/** A promise of the world outside. */
class Foreign {
  readonly promise: Promise<unknown>
  #settle!: (outcome: Outcome) => void
  outcome: Outcome | undefined

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#settle = (outcome) => ('value' in outcome ? resolve(outcome.value) : reject(outcome.error))
    })
    this.promise.catch(nothing)
  }

  settle(outcome: Outcome): void {
    this.outcome = outcome
    this.#settle(outcome)
  }
}

/** What was found, or undefined. */
export async function play(program: Program, options: RunOptions = { backend: 'node' }): Promise<string | undefined> {
  const clock = new StepClock()
  const uninstall = installClock(clock)
  const recount = program.busy ? countOnly() : nothing
  const player = new Player(program, clock)
  const stop = player.listen()
  try {
    return await player.play(options)
  } finally {
    stop()
    recount()
    uninstall()
  }
}

/** Iterations of the event loop without an event after which nothing goes on by itself. */
const QUIET = 6
/** More events between two steps are a loop. */
const MOST = 20_000

class Player {
  readonly #program: Program
  readonly #clock: StepClock
  readonly #model: Model
  readonly #foreign = Array.from({ length: FOREIGN }, () => new Foreign())
  readonly #events = Array.from({ length: EVENTS }, () => createEvent())
  readonly #place = createSemaphore(0)
  readonly #stream = createMemoryObjectStream(0)
  readonly #waitsOf = new Map<object, Set<ModelWait>>()
  readonly #tasks = new Map<number, ModelScope>()
  readonly #handles: { readonly scope: ModelScope; readonly handle: TaskHandle<unknown> }[] = []
  readonly #kept: Promise<unknown>[] = []
  readonly #scopes = new Map<ModelScope, CancelScope>()
  readonly #models = new Map<CancelScope, ModelScope>()
  readonly #fibers: Fiber[] = []
  /** Errors with which the library refuses a call. */
  readonly #refusals = new WeakSet<object>()
  #entering: ModelScope | undefined
  readonly #othersTasks = getRunningTasks().length
  #activity = 0
  #tokens = 0

  constructor(program: Program, clock: StepClock) {
    this.#program = program
    this.#clock = clock
    this.#model = new Model(program.abandon)
  }

  listen(): () => void {
    const onScope = (message: unknown): void => this.#onScope(message as ScopeEvent)
    const onTask = (message: unknown): void => this.#onTask(message as TaskEvent)
    const onUnhandled = (reason: unknown): void => this.#model.find(`unhandled: ${String(reason)}`)
    subscribe('structio:scope', onScope)
    subscribe('structio:task', onTask)
    process.on('unhandledRejection', onUnhandled)
    process.on('uncaughtException', onUnhandled)
    return () => {
      unsubscribe('structio:scope', onScope)
      unsubscribe('structio:task', onTask)
      process.off('unhandledRejection', onUnhandled)
      process.off('uncaughtException', onUnhandled)
    }
  }

  async play(options: RunOptions): Promise<string | undefined> {
    const { root } = this.#model
    const abort = new AbortController()
    const running = run(() => this.#task(root, undefined, [], this.#program.main), {
      ...options,
      abandon: this.#program.abandon,
      signal: abort.signal,
      overdueAfter: Infinity,
    })
    this.#observe(running, root)
    await this.#settle()
    for (const step of this.#program.steps) if (!(await this.#act(step, abort))) break
    if (this.#model.findings.length === 0) await this.#finish(abort)
    const [finding] = this.#model.findings
    if (finding !== undefined) await this.#clear(abort)
    return finding
  }

  /** Something was found: the next program begins with nothing left of this one, as far as that goes. */
  async #clear(abort: AbortController): Promise<void> {
    abort.abort(ABORT)
    for (const foreign of this.#foreign) foreign.settle({ value: 0 })
    for (const event of this.#events) event.set()
    for (let round = 0; round < 8; round++) {
      for (const scope of this.#scopes.values()) scope.cancel()
      for (const { handle } of this.#handles) handle.cancel()
      for (let pass = 0; pass < QUIET; pass++) await iteration()
      this.#clock.advance(100)
    }
  }

  /** Everything ends: what waits for the library when the run is cancelled, what waits for the world when that answers. */
  async #finish(abort: AbortController): Promise<void> {
    const model = this.#model
    await this.#act({ do: 'abort' }, abort)
    for (let round = 0; round < 60 && model.findings.length === 0; round++) {
      const which = this.#foreign.findIndex(({ outcome }) => outcome === undefined)
      if (which >= 0) await this.#act({ do: 'settle', which, fails: false }, abort)
      // Clean-up in shields.
      else if (model.nextTime !== undefined) await this.#act({ do: 'time' }, abort)
      else if (!this.#events[0]!.isSet() || !this.#events[1]!.isSet())
        await this.#act({ do: 'set', which: this.#events[0]!.isSet() ? 1 : 0 }, abort)
      else {
        const which = this.#live().findIndex(({ reason }) => reason === undefined)
        if (which < 0) break
        await this.#act({ do: 'cancel', which }, abort)
      }
    }
    if (model.findings.length > 0) return
    if (model.root.outcome === undefined) model.find('the run has not settled')
    for (const scope of model.scopes) if (scope.state !== 'ended') model.find(`${scope.label} is left`)
    for (const fiber of this.#fibers)
      if (fiber.state !== 'done' && fiber.state !== 'foreign')
        model.find(`a function in ${fiber.scope.label} is left: ${fiber.state}`)
    const length = getRunningTasks().length - this.#othersTasks
    if (length > 0) model.find(`${length} tasks are left`)
    const waiting = [...this.#events, this.#place].reduce((sum, each) => sum + each.statistics().tasksWaiting, 0)
    if (waiting > 0) model.find(`${waiting} waits are left`)
    const { tasksWaitingReceive } = this.#stream[1].statistics()
    if (tasksWaitingReceive > 0) model.find(`${tasksWaitingReceive} receives are left`)
  }

  /** False when something was found. */
  async #act(step: Step, abort: AbortController): Promise<boolean> {
    const model = this.#model
    if (model.findings.length > 0) return false
    if (this.#isIdle(step)) return true
    if (this.#program.busy) while (spendBudget());
    switch (step.do) {
      case 'time': {
        const next = model.nextTime!
        model.advance(next)
        this.#clock.advance(next - this.#clock.time)
        // A backend may take its time to settle the I/O that goes before a deadline.
        await new Promise<void>((resolve) => deadlines.deliverDue(resolve))
        break
      }
      case 'settle':
        this.#settleForeign(this.#foreign[step.which % FOREIGN]!, step.fails)
        break
      case 'set':
        this.#set(step.which)
        break
      case 'cancel': {
        const live = this.#live()
        this.#cancel(live[step.which % live.length]!)
        break
      }
      case 'abort':
        model.cancel(model.root, 'signal')
        abort.abort(ABORT)
        break
    }
    await this.#settle()
    return model.findings.length === 0
  }

  /** Whether nothing can come of it. */
  #isIdle(step: Step): boolean {
    switch (step.do) {
      case 'time':
        return this.#model.nextTime === undefined
      case 'settle':
        return this.#foreign[step.which % FOREIGN]!.outcome !== undefined
      case 'set':
        return this.#events[step.which % EVENTS]!.isSet()
      case 'cancel':
        return this.#live().length === 0
      case 'abort':
        return this.#model.root.reason !== undefined
    }
  }

  /** Until nothing goes on by itself. */
  async #settle(): Promise<void> {
    const begun = this.#activity
    for (let quiet = 0; quiet < QUIET; quiet++) {
      const before = this.#activity
      await iteration()
      if (this.#activity !== before) quiet = 0
      if (this.#activity - begun > MOST) {
        this.#model.find('it never comes to rest')
        return
      }
    }
    this.#model.check()
    this.#compareScopes()
  }

  #compareScopes(): void {
    for (const [model, scope] of this.#scopes) {
      const same = (what: string, found: unknown, expected: unknown): void => {
        if (found !== expected)
          this.#model.find(`${model.label}: ${what} is ${String(found)}, expected ${String(expected)}`)
      }
      same('reason', scope.cancelReason?.kind, model.reason)
      if (model.state === 'ended') same('cancelledCaught', scope.cancelledCaught, model.caught)
    }
    const live = this.#model.scopes.filter(({ shape, state }) => shape.form === 'task' && state !== 'ended')
    const length = getRunningTasks().length - this.#othersTasks
    if (length !== live.length) this.#model.find(`${length} tasks run, expected ${live.length}`)
  }

  // What the library says

  #onScope({ event, scope }: ScopeEvent): void {
    this.#activity++
    if (event === 'entered') {
      const model = this.#entering
      if (model === undefined) this.#model.find('an unexpected scope was entered')
      else {
        this.#entering = undefined
        this.#scopes.set(model, scope)
        this.#models.set(scope, model)
      }
    } else if (event === 'ended') {
      const model = this.#models.get(scope)
      if (model !== undefined) this.#model.ended(model)
    }
  }

  #onTask({ event, task, status, error }: TaskEvent): void {
    this.#activity++
    if (event !== 'ended') return
    const scope = this.#tasks.get(task.id)
    if (scope === undefined) {
      this.#model.find(`task ${task.id} ended before its first step`)
      return
    }
    this.#model.ended(scope)
    const { kind } = scope.verdict!
    const expected = kind === 'value' ? 'finished' : kind === 'failed' ? 'failed' : 'cancelled'
    if (status !== expected) this.#model.find(`${scope.label} is ${status}, expected ${expected}`)
    if (scope.verdict!.kind === 'failed' && !scope.verdict!.expected.matches({ error }))
      this.#model.find(`${scope.label} failed with ${String(error)}, expected ${scope.verdict!.expected.text}`)
    const waits = this.#waitsOf.get(scope) ?? []
    for (const wait of waits) this.#model.answerSoon(wait, this.#model.joined(scope, wait.what === 'value'))
  }

  #observe(promise: Promise<unknown>, scope: ModelScope): void {
    promise.then(
      (value) => this.#told(() => this.#model.settled(scope, { value })),
      (error: unknown) => this.#told(() => this.#model.settled(scope, { error })),
    )
  }

  #told(fact: () => void): void {
    this.#activity++
    fact()
  }

  // The outside, and what the program does to others

  #live(): ModelScope[] {
    return this.#model.scopes.filter(
      (scope) => scope.state !== 'ended' && scope !== this.#model.root && this.#cancelOf(scope) !== undefined,
    )
  }

  #cancelOf(scope: ModelScope): (() => void) | undefined {
    if (scope.shape.form !== 'task') {
      const lib = this.#scopes.get(scope)
      return lib === undefined ? undefined : () => lib.cancel()
    }
    const handle = this.#handles.find((each) => each.scope === scope)?.handle
    return handle === undefined ? undefined : () => handle.cancel()
  }

  #cancel(scope: ModelScope): void {
    const cancel = this.#cancelOf(scope)
    // The one of an ended task does nothing.
    if (cancel === undefined || (scope.shape.form === 'task' && scope.state === 'ended')) return
    this.#model.cancel(scope, 'explicit')
    cancel()
  }

  #set(which: number): void {
    const event = this.#events[which % EVENTS]!
    for (const wait of this.#waitsOf.get(event) ?? []) this.#model.answer(wait, { value: true })
    event.set()
  }

  #settleForeign(foreign: Foreign, fails: boolean): void {
    if (foreign.outcome !== undefined) return
    const outcome: Outcome = fails ? { error: new Error(`foreign ${this.#token()}`) } : { value: this.#token() }
    foreign.settle(outcome)
    for (const wait of this.#waitsOf.get(foreign) ?? []) this.#model.answerSoon(wait, exactly(outcome))
  }

  #token(): number {
    return ++this.#tokens
  }

  // The program

  #task(
    scope: ModelScope,
    group: OpenGroup | undefined,
    chain: readonly ModelScope[],
    body: readonly Statement[],
  ): Promise<unknown> {
    this.#tasks.set(getCurrentTask().id, scope)
    scope.started = true
    return this.#body(scope, group, chain, body)
  }

  /** Of a scope or task. The model gets its end right before the library does. */
  #body(
    scope: ModelScope,
    group: OpenGroup | undefined,
    chain: readonly ModelScope[],
    body: readonly Statement[],
  ): Promise<unknown> {
    const promise = this.#call({ scope, chain: [...chain, scope], group }, body)
    promise.then(
      (value) => this.#told(() => this.#model.bodySettled(scope, { value })),
      (error: unknown) => this.#told(() => this.#model.bodySettled(scope, { error })),
    )
    return promise
  }

  /** One function. */
  async #call(where: Omit<Place, 'fiber'>, body: readonly Statement[]): Promise<unknown> {
    const fiber: Fiber = { scope: where.scope, state: 'running', on: undefined }
    where.scope.fibers.add(fiber)
    this.#fibers.push(fiber)
    try {
      return (await this.#statements({ ...where, fiber }, body))?.value ?? this.#token()
    } finally {
      this.#activity++
      fiber.state = 'done'
      where.scope.fibers.delete(fiber)
    }
  }

  async #statements(at: Place, body: readonly Statement[]): Promise<{ value: unknown } | undefined> {
    for (const statement of body) {
      this.#activity++
      const returned = await this.#statement(at, statement)
      if (returned !== undefined) return returned
    }
    return undefined
  }

  async #statement(at: Place, statement: Statement): Promise<{ value: unknown } | undefined> {
    switch (statement.do) {
      case 'wait':
        await this.#wait(at, statement)
        return undefined
      case 'foreign':
        await this.#awaits(at, this.#foreign[statement.which % FOREIGN]!.promise)
        return undefined
      case 'microtask':
        await null
        return undefined
      case 'scope':
        await this.#scope(at, statement)
        return undefined
      case 'group':
        await this.#group(at, statement)
        return undefined
      case 'race-tasks':
        await this.#raceTasks(at, statement.branches)
        return undefined
      case 'spawn':
        if (at.group !== undefined) this.#spawn(at, at.group, statement.body)
        return undefined
      case 'drop':
        void this.#dropped(at, statement.body)
        return undefined
      case 'drop-wait':
        this.#dropWait(at, statement.wait)
        return undefined
      case 'keep': {
        const { promise } = this.#begin(at, statement.wait, false)
        promise.catch(nothing)
        this.#kept.push(promise)
        return undefined
      }
      case 'await-kept':
        if (this.#kept.length > 0) await this.#awaits(at, this.#kept[statement.which % this.#kept.length]!)
        return undefined
      case 'swallow':
        for (let time = 0; time < statement.times; time++) {
          try {
            return await this.#statements(at, statement.body)
          } catch {
            // Tries again.
          }
        }
        return undefined
      case 'try':
        try {
          return await this.#statements(at, statement.body)
        } finally {
          await this.#statements(at, statement.cleanUp)
        }
      case 'combine':
        await this.#combine(at, statement.how, statement.branches)
        return undefined
      case 'throw':
        throw new Error(`own ${this.#token()}`)
      case 'return':
        return { value: this.#token() }
      case 'cancel':
        this.#cancel(at.chain[Math.max(0, at.chain.length - 1 - statement.up)]!)
        return undefined
      case 'set':
        this.#set(statement.which)
        return undefined
    }
  }

  async #awaits(at: Place, promise: Promise<unknown>): Promise<void> {
    at.fiber.state = 'foreign'
    try {
      await promise
    } finally {
      this.#activity++
      at.fiber.state = 'running'
    }
  }

  async #library(
    at: Place,
    on: ModelScope | ModelWait | undefined,
    promise: Promise<unknown>,
    layers = 0,
  ): Promise<void> {
    at.fiber.state = 'library'
    at.fiber.on = on
    try {
      await layered(promise, layers)
    } finally {
      this.#activity++
      at.fiber.state = 'running'
      at.fiber.on = undefined
    }
  }

  /** Only refusals leave it: any other error that is dropped is the program's own fault. */
  async #dropped(at: Place, body: readonly Statement[]): Promise<void> {
    try {
      await this.#call(at, body)
    } catch (error) {
      if (error instanceof Cancelled || this.#refusals.has(error as object)) throw error
    }
  }

  async #combine(
    at: Place,
    how: 'race' | 'all' | 'any' | 'allSettled',
    branches: readonly (readonly Statement[])[],
  ): Promise<void> {
    const { fiber } = at
    let [fulfilled, rejected, over] = [0, 0, false]
    const decided = (): boolean => {
      const done = fulfilled + rejected
      if (how === 'race') return done > 0
      if (how === 'all') return rejected > 0 || done === branches.length
      if (how === 'any') return fulfilled > 0 || done === branches.length
      return done === branches.length
    }
    const run = async (body: readonly Statement[]): Promise<unknown> => {
      try {
        const value = await this.#call(at, body)
        fulfilled++
        return value
      } catch (error) {
        rejected++
        throw error
      } finally {
        if (decided() && !over) fiber.state = 'running'
      }
    }
    fiber.state = 'joins'
    const promises = branches.map(run)
    try {
      if (how === 'race') await Promise.race(promises)
      else if (how === 'all') await Promise.all(promises)
      else if (how === 'any') await Promise.any(promises)
      else await Promise.allSettled(promises)
    } finally {
      over = true
      this.#activity++
      fiber.state = 'running'
    }
  }

  async #scope(at: Place, { mode, limit, shield, abandon, body }: Extract<Statement, { do: 'scope' }>): Promise<void> {
    const model = this.#model
    const ms = mode === 'open' ? Infinity : limit <= 0 ? limit : model.freeTime(limit) - model.now
    const scope = model.enter(at.scope, { form: 'scope', mode, shield, abandon }, model.now + ms)
    this.#entering = scope
    const inside = (): Promise<unknown> => this.#body(scope!, at.group, at.chain, body)
    const options = { shield, abandon }
    let promise: Promise<unknown>
    if (mode === 'open') promise = openCancelScope(options, inside)
    else if (mode === 'move-on') promise = moveOnAfter(ms, options, inside)
    else promise = failAfter(ms, options, inside)
    this.#entering = undefined
    await this.#entered(at, scope, promise)
  }

  async #group(at: Place, { shield, abandon, children, body }: Extract<Statement, { do: 'group' }>): Promise<void> {
    const scope = this.#model.enter(at.scope, { form: 'group', shield, abandon })
    this.#entering = scope
    const promise = createTaskGroup({ shield, abandon }, (lib) => {
      const group: OpenGroup = { scope: scope!, lib }
      for (const child of children) this.#spawn(at, group, child)
      return this.#body(scope!, group, at.chain, body)
    })
    this.#entering = undefined
    await this.#entered(at, scope, promise)
  }

  async #raceTasks(at: Place, branches: readonly (readonly Statement[])[]): Promise<void> {
    const model = this.#model
    const refusal = model.refusal(at.scope)
    const scope = refusal === undefined ? model.enter(at.scope, { form: 'race' }) : undefined
    const wait = refusal === undefined ? undefined : model.begin(at.scope, 'raceTasks', false)
    const tasks = scope === undefined ? [] : branches.map(() => model.enter(scope, { form: 'task' })!)
    this.#entering = scope
    const promise = raceTasks(branches.map((body, n) => () => this.#task(tasks[n]!, undefined, at.chain, body)))
    this.#entering = undefined
    if (wait !== undefined) {
      this.#observeWait(wait, promise)
      await this.#library(at, wait, promise)
      return
    }
    model.bodySettled(scope!, { value: undefined })
    await this.#entered(at, scope, promise)
  }

  async #entered(at: Place, scope: ModelScope | undefined, promise: Promise<unknown>): Promise<void> {
    if (scope !== undefined) {
      this.#observe(promise, scope)
      await this.#library(at, scope, promise)
      return
    }
    const wait = this.#model.begin(at.scope, 'a scope', false)
    this.#observeWait(wait, promise)
    await this.#library(at, wait, promise)
  }

  #spawn(at: Place, group: OpenGroup, body: readonly Statement[]): void {
    const scope = this.#model.enter(group.scope, { form: 'task' })
    try {
      const handle = group.lib!.spawn(() => this.#task(scope!, group, [...at.chain, group.scope], body))
      if (scope !== undefined) this.#handles.push({ scope, handle })
      else this.#model.find('a task was spawned into a group that has ended')
    } catch (error) {
      if (scope !== undefined || !(error instanceof UsageError)) this.#model.find(`spawn threw ${String(error)}`)
      throw error
    }
  }

  async #wait(at: Place, wait: Wait): Promise<void> {
    const { promise, model } = this.#begin(at, wait, false)
    await this.#library(at, model, promise, wait.layers)
  }

  #dropWait(at: Place, wait: Wait): void {
    const { promise } = this.#begin(at, wait, true)
    // These may fail by themselves, which is the program's to handle.
    if (wait.kind === 'abandonable' || wait.kind === 'value') promise.catch(nothing)
  }

  #begin(at: Place, { kind, which }: Wait, unseen: boolean): { promise: Promise<unknown>; model: ModelWait } {
    const model = this.#model.begin(at.scope, kind, unseen)
    const promise = this.#beginOf(at, kind, which, model)
    if (!unseen) this.#observeWait(model, promise)
    return { promise, model }
  }

  #beginOf(at: Place, kind: Wait['kind'], which: number, model: ModelWait): Promise<unknown> {
    switch (kind) {
      case 'sleep': {
        const time = this.#model.freeTime(1 + which)
        this.#model.sleepUntil(model, time)
        return sleep(time - this.#model.now)
      }
      case 'forever':
        return sleepForever()
      case 'yield':
        this.#model.answerSoon(model, exactly({ value: undefined }))
        return sleep(0)
      case 'event': {
        const event = this.#events[which % EVENTS]!
        if (event.isSet()) this.#model.answer(model, { value: true })
        this.#link(event, model)
        return event.wait()
      }
      case 'place':
        return this.#place.acquire()
      case 'receive':
        return this.#stream[1].receive()
      case 'abandonable': {
        const foreign = this.#foreign[which % FOREIGN]!
        if (foreign.outcome !== undefined) this.#model.answerSoon(model, exactly(foreign.outcome))
        this.#link(foreign, model)
        return abandonOnCancel(foreign.promise)
      }
      case 'join':
      case 'value':
        return this.#join(at, kind === 'value', which, model)
    }
  }

  #join(at: Place, wantsValue: boolean, which: number, model: ModelWait): Promise<unknown> {
    if (this.#handles.length === 0) return sleepForever()
    const { scope, handle } = this.#handles[which % this.#handles.length]!
    if (scope.state === 'ended') this.#model.answerSoon(model, this.#model.joined(scope, wantsValue))
    else if (wantsValue && [...at.chain].reverse().find(({ shape }) => shape.form === 'task') === scope)
      this.#model.answerSoon(model, USAGE)
    else this.#link(scope, model)
    return wantsValue ? handle.value() : handle.wait()
  }

  /** What `about` answers. */
  #link(about: object, wait: ModelWait): void {
    const waits = this.#waitsOf.get(about)
    if (waits === undefined) this.#waitsOf.set(about, new Set([wait]))
    else waits.add(wait)
  }

  #observeWait(wait: ModelWait, promise: Promise<unknown>): void {
    const refused = wait.expected !== undefined
    promise.then(
      (value) => this.#told(() => this.#model.waitSettled(wait, { value })),
      (error: unknown) => {
        if (refused && error instanceof Error) this.#refusals.add(error)
        this.#told(() => this.#model.waitSettled(wait, { error }))
      },
    )
  }
}

async function layered(promise: Promise<unknown>, layers: number): Promise<unknown> {
  return layers === 0 ? promise : await layered(promise, layers - 1)
}

function nothing(): void {}
