/** What belongs to one `run`: its host, its tree of tasks, its open resources. */
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
   * Milliseconds after which a cancelled scope that does not end is warned about; `Infinity` (the default) is never.
   */
  readonly overdueAfter?: number | undefined
}

export class RunState {
  readonly id: number
  readonly host: Host
  readonly name: string | undefined
  readonly traceResources: boolean
  /** Keeps where each task was spawned. */
  readonly traceTasks: boolean
  readonly overdueAfter: number
  readonly resources: ResourceList = new ResourceList()
  /** Where this run's timeouts wait. */
  readonly deadlines: DeadlineQueue
  readonly scheduler: Scheduler | undefined
  /** The task of `main`. */
  root: Task | undefined
  settled = false
  /** Something outside may cancel it at any time: a signal of the process. */
  listens = false
  /** Open portals: threads outside may call at any time. */
  portals = 0
  /** @internal of quiet.ts: when something began or ended in it last */
  stirredAt = 0
  /** What the run as a whole failed with: it settles with this, whatever its tasks come to. */
  failure: Error | undefined
  /** Called when it has settled. */
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

  /** For texts. */
  get label(): string {
    return this.name === undefined ? `run ${this.id}` : `run "${this.name}"`
  }
}

let runs = 0

/** The runs of this thread that have not settled. */
export const activeRuns: Set<RunState> = new Set()
