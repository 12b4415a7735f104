/** What belongs to one `run`: its host, its tree of tasks, its open resources. */
import type { DeadlineQueue, Host } from './deadlines.ts'
import { deadlines } from './deadlines.ts'
import { ResourceList } from './resources.ts'
import type { Task } from './task.ts'

export type { Host } from './deadlines.ts'

export class RunState {
  readonly id: number
  readonly host: Host
  readonly name: string | undefined
  readonly traceResources: boolean
  readonly resources: ResourceList = new ResourceList()
  /** Where this run's timeouts wait. */
  readonly deadlines: DeadlineQueue = deadlines
  /** The task of `main`. */
  root: Task | undefined
  settled = false

  constructor(host: Host, name: string | undefined, traceResources: boolean) {
    this.id = ++runs
    this.host = host
    this.name = name
    this.traceResources = traceResources
  }

  /** For texts. */
  get label(): string {
    return this.name === undefined ? `run ${this.id}` : `run "${this.name}"`
  }
}

let runs = 0

/** The runs of this thread that have not settled. */
export const activeRuns: Set<RunState> = new Set()
