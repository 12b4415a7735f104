/** The state of one `run`: its host, its tree of tasks, its open resources. */
import type { DeadlineQueue, Host } from './deadlines.ts'
import { deadlines } from './deadlines.ts'
import { ResourceList } from './resources.ts'
import type { Scheduler } from './schedule.ts'
import type { Task } from './task.ts'

export type { Host } from './deadlines.ts'

export interface RunSetup {
  readonly name?: string | undefined
  readonly traceResources: boolean
  readonly traceTasks: boolean
  /**
   * Milliseconds after which a cancelled scope that does not end gives a warning. Default: `Infinity`, never.
   */
  readonly overdueAfter?: number | undefined
}

export class RunState {
  readonly id: number
  readonly host: Host
  readonly name: string | undefined
  readonly traceResources: boolean
  /** Keeps the line that spawned each task. */
  readonly traceTasks: boolean
  readonly overdueAfter: number
  readonly resources: ResourceList = new ResourceList()
  /** The deadlines of this run. */
  readonly deadlines: DeadlineQueue
  readonly scheduler: Scheduler | undefined
  /** The task of `main`. */
  root: Task | undefined
  settled = false
  /** A signal of the process may cancel the run at any time. */
  listens = false
  /** Number of open portals: other threads may call at any time. */
  portals = 0
  /** @internal Of quiet.ts: number of the last change in this run. */
  stirredAt = 0
  /** @internal of draw.ts: the state of its generator */
  drawn = 0
  /** Failure of the run as a whole: it rejects with this, whatever the outcome of its tasks. */
  failure: Error | undefined
  /** Called when the run has settled. */
  readonly atEnd: (() => void)[] = []

  constructor(host: Host, { name, traceResources, traceTasks, overdueAfter = Infinity }: RunSetup) {
    this.id = ++runs
    this.host = host
    this.deadlines = host.deadlines ?? deadlines
    this.scheduler = host.scheduler
    this.name = name
    this.traceResources = traceResources
    this.traceTasks = traceTasks
    this.overdueAfter = overdueAfter
  }

  /** Shown in texts. */
  get label(): string {
    return this.name === undefined ? `run ${this.id}` : `run "${this.name}"`
  }
}

let runs = 0

/** The runs of this thread that have not settled. */
export const activeRuns: Set<RunState> = new Set()
