/**
 * One use of a scope: the body runs in its frame, its leftovers end, the promise settles.
 */
import { Cancelled, TimeoutError } from '../errors.ts'
import { isThenable } from './arguments.ts'
import type { CancelScope } from './cancel-scope.ts'
import { Frame, callInFrame, currentFrame } from './context.ts'
import { judge, noteSignalReason } from './exit.ts'
import { rejectOwned, takeFunctions, takenFunctions } from './operation.ts'
import { closeOpenedIn } from './resources.ts'
import { CAUGHT, LEFT } from './scope-flags.ts'
import type { BodySink, ScopeOwner } from './scope-owner.ts'
import { spendBudget } from './turn.ts'

/**
 * The outcome of a cancelled scope. `move-on`: the value is `undefined`. `fail`, or the milliseconds of `failAfter`:
 * the scope's deadline is a `TimeoutError`. `operation`: the scope is the inside of one call, and only enclosing scopes
 * can cancel it. All but the first reject with `Cancelled` when the body around them has ended: their callers expect no
 * `undefined`.
 */
export type ExitMode = 'move-on' | 'fail' | 'operation' | number

/** Calls `body(...args)` in `frame`. The sink of its scope gets the outcome, at once if it is no promise. */
export function runBody(frame: Frame, body: Body, args: unknown[]): void {
  callInFrame(frame, runBodyHere, [frame.scope._sink, body, args])
}

/**
 * The same in the current frame, which is the body's. The callbacks find their sink in that frame: one pair of
 * functions serves all bodies, where closures would cost two functions and a context for each connection of a server.
 */
export function runBodyHere(sink: BodySink, body: Body, args: unknown[]): void {
  let result: unknown
  let later: boolean
  try {
    result = (body as (...args: unknown[]) => unknown)(...args)
    later = isThenable(result)
  } catch (error) {
    sink.bodyThrew(error)
    return
  }
  if (!later) sink.bodyReturned(result)
  // Promise.resolve handles thenables that call back twice or synchronously.
  else void Promise.resolve(result).then(returned, threw)
}

type Body = (...args: never[]) => unknown

function returned(value: unknown): void {
  currentFrame()!.scope._sink.bodyReturned(value)
}

function threw(error: unknown): void {
  currentFrame()!.scope._sink.bodyThrew(error)
}

export class ScopeRun<T> implements ScopeOwner, BodySink {
  readonly #scope: CancelScope
  readonly #mode: ExitMode
  readonly what: string
  readonly #promise: Promise<T | undefined>
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void
  #failed = false
  #outcome: unknown
  /** The body around has ended: a failure needs no handler. */
  #leftOver = false
  /** Set when the body has been left behind: whether the promise settles before the body does. */
  #left: undefined | 'settled' | 'unsettled'
  body: Body | undefined

  constructor(scope: CancelScope, mode: ExitMode, what: string) {
    this.#scope = scope
    this.#mode = mode
    this.what = what
    this.#promise = new Promise<T | undefined>(takeFunctions)
    const { resolve, reject } = takenFunctions()
    this.#resolve = resolve
    this.#reject = reject
  }

  start(frame: Frame, body: Body): Promise<T | undefined> {
    const scope = this.#scope
    scope._enter(frame, this)
    this.body = body
    runBody(new Frame(frame.task, scope, frame.held), body, [scope])
    return this.#promise
  }

  bodyReturned(value: unknown): void {
    if (this.#left !== undefined) {
      if (this.#left === 'unsettled') this.#resolve(value)
      closeOpenedIn(this.#scope)
    } else {
      this.#outcome = value
      this.#scope._bodyEnded(false)
    }
  }

  /** The verdict is made when the body ends: the leftovers never change it (SCOPE-7). */
  bodyThrew(error: unknown): void {
    if (this.#left !== undefined) {
      if (this.#left === 'unsettled') rejectOwned(this.#promise, this.#reject, error, true)
      closeOpenedIn(this.#scope)
    } else this.#threw(error)
  }

  #threw(error: unknown): void {
    const verdict = judge(this.#scope, error)
    if (verdict.kind === 'caught') this.#caught()
    else this.#fail(verdict.error)
    this.#scope._bodyEnded(error instanceof Cancelled)
  }

  drained(): void {
    // A scope left behind ends at once: the scopes around it follow in the same step.
    if ((this.#scope._flags & LEFT) === 0 && !spendBudget()) {
      this.#scope._drainLater()
      return
    }
    if (this.#left !== 'unsettled') {
      if (this.#failed) rejectOwned(this.#promise, this.#reject, this.#outcome, this.#leftOver)
      else this.#resolve(this.#outcome)
    }
    this.#scope._end()
  }

  disown(): void {
    this.#leftOver = true
  }

  leave(settles: boolean): void {
    this.#left = settles ? 'settled' : 'unsettled'
    this.#threw(this.#scope._cancelled(this.what))
  }

  /** The first cause decides (SCOPE-4, SCOPE-5). */
  #caught(): void {
    this.#scope._flags |= CAUGHT
    const { kind, detail } = this.#scope.cancelReason!
    if (kind === 'signal') {
      noteSignalReason(detail)
      this.#fail(detail)
    } else if (kind === 'scope-ended' && this.#mode !== 'move-on') this.#fail(this.#scope._cancelled(this.what))
    else if (kind === 'deadline' && this.#mode !== 'move-on') this.#fail(timeout(this.#scope, this.#mode))
  }

  #fail(error: unknown): void {
    this.#failed = true
    this.#outcome = error
  }
}

/**
 * Names the limit. The deadline may have been moved, so the milliseconds are those of the call.
 */
function timeout(scope: CancelScope, mode: ExitMode): TimeoutError {
  const where = scope._name === undefined ? '' : ` of scope "${scope._name}"`
  return new TimeoutError(
    typeof mode === 'number'
      ? `failAfter(${rounded(mode)} ms): the deadline${where} passed`
      : `the deadline${where} passed, at ${rounded(scope.deadline)} of currentTime()`,
  )
}

/** To three decimals. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
