/**
 * The tree of scopes, as seen by the modules that walk or describe it. They depend on these interfaces and not on the
 * classes behind them (`CancelScope`, `Operation`, `Task`, `RunState`, `Frame`), which import those modules in turn.
 * Types only.
 *
 * ```text
 *   RunNode ── root: TaskNode ── _scope: ScopeNode ──┬── _scopes: ScopeNode …       linked by _next
 *                                                    └── _operations: OperationNode … linked by _next
 * ```
 */
import type { Cancelled } from '../errors.ts'
import type { TaskInfo } from './task-info.ts'

export interface ScopeNode {
  _flags: number
  readonly _parent: ScopeNode | null
  readonly _next: ScopeNode | null
  /** First of the scopes begun in this one's frame. */
  readonly _scopes: ScopeNode | null
  /** First of the pending operations begun in this one's frame. */
  readonly _operations: OperationNode | null
  /** `null` until the scope is entered. */
  readonly _task: TaskNode | null
  readonly _name: string | undefined
  /** Shown in warnings: 'scope "load" in task "main"'. */
  readonly _label: string
  /** The user's function that runs in the scope. */
  readonly _body: AnyFunction | undefined
  /** The scope that will catch the cancellation. */
  readonly _cause: ScopeNode | null
  readonly _parentCancels: boolean
  readonly _listens: boolean
  readonly _hasSignal: boolean
  readonly deadline: number
  readonly cancelReason: { readonly kind: string; readonly detail?: unknown } | undefined
  _isWithin(ancestor: ScopeNode): boolean
  _cancelled(what: string, begun?: object): Cancelled
  _noteDelivered(): void
  _abortSignal(): void
  _leave(settles: boolean): void
}

export interface OperationNode {
  readonly _next: OperationNode | null
  /** Bits of waits.ts. */
  readonly _waits: number
  /** The `use` whose body the operation runs. */
  readonly _holding: HoldingNode | undefined
  _cancel(): void
  _effective(cancelled: boolean): void
}

export interface TaskNode {
  readonly name: string
  readonly fn: AnyFunction
  readonly info: TaskInfo
  readonly run: RunNode
  readonly ended: boolean
  readonly _scope: ScopeNode
  readonly _state: string
  readonly _endState: string
  readonly _outcome: unknown
  /** What the task waits for without an operation: bits of waits.ts. */
  readonly _ownWaits: number
}

export interface RunNode {
  readonly root: TaskNode | undefined
  readonly settled: boolean
  readonly host: { busy?(): boolean }
  readonly deadlines: { now(): number }
  readonly resources: ResourceNodes
  readonly overdueAfter: number
  readonly traceResources: boolean
  readonly listens: boolean
  readonly portals: number
  /** @internal of quiet.ts */
  stirredAt: number
}

/** The open resources of a run. */
export interface ResourceNodes {
  add(resource: object): void
  delete(resource: object): void
  closeOpenedIn(scope: ScopeNode): void
}

export interface FrameNode {
  readonly task: TaskNode
  readonly scope: ScopeNode
}

/** A `use` of a primitive, which the frame of its body carries. */
export interface HoldingNode {
  readonly outer: HoldingNode | undefined
}

type AnyFunction = (...args: never[]) => unknown
