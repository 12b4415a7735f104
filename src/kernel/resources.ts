/**
 * What a run opened and has to give back: streams, servers, files, processes. Each links itself into its run's list
 * while it is open; whatever is left there when the run settles is closed, with a process warning that says who left
 * it.
 */
import { append, collect, unlink } from './links.ts'
import type { FrameNode, ResourceNodes, RunNode, ScopeNode } from './tree.ts'
import { warn } from './warnings.ts'

export abstract class Resource {
  /** @internal */
  _previous: Resource | null = null
  /** @internal */
  _next: Resource | null = null
  #run: RunNode | undefined
  /** Where it was opened. */
  #scope: ScopeNode | undefined
  #kind = ''
  #taskName = ''
  #made: Error | undefined

  /**
   * Enters the run's list. `frame` is that of the task that opens the resource. `made` is where it asked for it
   * (`traceOpening`), for what is opened only when an answer comes; otherwise the stack of this call is kept.
   */
  protected register(frame: FrameNode, kind: string, made: Error | undefined = traceOpening(frame, kind)): void {
    const { run, name } = frame.task
    this.#run = run
    this.#scope = frame.scope
    this.#kind = kind
    this.#taskName = name
    this.#made = made
    run.resources.add(this)
  }

  /** Leaves the list: the resource is closed. Idempotent. */
  protected unregister(): void {
    this.#run?.resources.delete(this)
    this.#run = this.#scope = undefined
    this.#made = undefined
  }

  /** With the addresses, for people: 'TCP stream 127.0.0.1:1 → 127.0.0.1:2'. */
  abstract describeResource(): string

  /** Closes within a bound of its own. Called outside every frame, and must not throw a cancellation. */
  abstract closeForRun(): Promise<void>

  /** @internal */
  _warn(): void {
    warnLeftOpen(this.describeResource(), this.#taskName, this.#made?.stack)
  }

  /** @internal */
  _wasOpenedIn(scope: ScopeNode): boolean {
    return this.#scope?._isWithin(scope) === true
  }

  get resourceKind(): string {
    return this.#kind
  }
}

/** Says who left what open, for those who have to be closed with the run. */
export function warnLeftOpen(what: string, taskName: string, detail?: string): void {
  const text = `${what} was still open when its run ended; task "${taskName}" opened it and nobody closed it`
  warn('STRUCTIO_LEFT_OPEN', text, detail)
}

/** The stack of whoever opens a resource now, where the run keeps those (`traceResources`). */
export function traceOpening(frame: FrameNode, kind: string): Error | undefined {
  return frame.task.run.traceResources ? new Error(`${kind} was opened here`) : undefined
}

/**
 * Closes what was opened in `scope` and is still open: the body of the scope was left behind, and has settled now.
 * Where that was after the end of its run, the run has closed it.
 */
export function closeOpenedIn(scope: ScopeNode): void {
  scope._task!.run.resources.closeOpenedIn(scope)
}

/** The open resources of one run, oldest first. */
export class ResourceList implements ResourceNodes {
  #first: Resource | null = null

  add(resource: Resource): void {
    this.#first = append(this.#first, resource)
  }

  delete(resource: Resource): void {
    if (resource._previous !== null) this.#first = unlink(this.#first, resource)
  }

  closeOpenedIn(scope: ScopeNode): void {
    for (const resource of collect(this.#first)) {
      if (!resource._wasOpenedIn(scope)) continue
      this.delete(resource)
      // It closes within a bound of its own, and its failure interests no caller any more.
      closeQuietly(resource).catch(nothing)
    }
  }

  /** Closes everything, with a warning for each; also what is opened while that goes on. */
  async closeAll(): Promise<void> {
    while (this.#first !== null) {
      const closing: Promise<void>[] = []
      for (let resource = this.#first as Resource | null; resource !== null;) {
        const next: Resource | null = resource._next
        this.delete(resource)
        closing.push(closeLeftOpen(resource))
        resource = next
      }
      await Promise.allSettled(closing)
    }
  }
}

async function closeQuietly(resource: Resource): Promise<void> {
  await resource.closeForRun()
}

/** Begins at once. A failure, also one that is thrown synchronously, concerns this resource alone. */
async function closeLeftOpen(resource: Resource): Promise<void> {
  resource._warn()
  await resource.closeForRun()
}

function nothing(): void {}
