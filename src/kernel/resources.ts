/**
 * The open resources of a run: streams, servers, files, processes. Each is in its run's list while it is open. When the
 * run settles, those left in the list are closed, with a process warning that names the task that opened them
 * (CLOSE-4).
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
  /** The scope that opened it. */
  #scope: ScopeNode | undefined
  #kind = ''
  #taskName = ''
  #made: Error | undefined

  /**
   * Enters the run's list. @param frame - that of the task that opens the resource @param made - the stack of the call
   * that opens it (`traceOpening`), if the resource is made later than that call
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

  /** Shown in warnings, with addresses: 'TCP stream 127.0.0.1:1 → 127.0.0.1:2'. */
  abstract describeResource(): string

  /** Closes within a time limit of its own. Called outside every frame. Must not throw a cancellation. */
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

/** Warns about a resource that was left open and has to be closed with the run. */
export function warnLeftOpen(what: string, taskName: string, detail?: string): void {
  const text = `${what} was still open when its run ended; task "${taskName}" opened it and did not close it`
  warn('STRUCTIO_LEFT_OPEN', text, detail)
}

/** The stack of the current call, if the run keeps those (`traceResources`). */
export function traceOpening(frame: FrameNode, kind: string): Error | undefined {
  return frame.task.run.traceResources ? new Error(`${kind} was opened here`) : undefined
}

/**
 * Closes the open resources of `scope`, whose body was left behind and has settled now (FORGET-3). If the run has
 * ended, it has closed them.
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
      // It has a time limit of its own, and no caller waits for its failure.
      closeQuietly(resource).catch(nothing)
    }
  }

  /** Closes all resources, with a warning for each, also those opened meanwhile. */
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

/** Begins at once. Async, so that a synchronous failure concerns this resource alone. */
async function closeLeftOpen(resource: Resource): Promise<void> {
  resource._warn()
  await resource.closeForRun()
}

function nothing(): void {}
