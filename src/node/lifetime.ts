/**
 * How long something of Node's world (a Duplex, a pair of web streams) lives inside a run. It belongs to the scope that
 * made it, and its I/O runs in a scope of its own (`kernel/service.ts` has the diagram).
 *
 * What must stay true:
 * 1. The I/O is cancelled only when the tenant itself ends. A send that stopped in the middle would leave a gap in the
 *    data.
 * 2. Cancellation alone does not reach the tenant: the clean-up of the cancelled body may still send through it.
 * 3. A cancelled scope in which the tenant was made ends after the tenant has closed its stream.
 * 4. A tenant outlives a scope that merely ends, as a stream does (a pool keeps what one request has opened), and never
 *    its run.
 */
import type { Cancelled } from '../errors.ts'
import { type RunState, Service, warnLeftOpen } from '../kernel/index.ts'

export interface Tenant {
  /** For people: 'a NodeSocket 127.0.0.1:1 → 127.0.0.1:2'. */
  describe(): string
  /**
   * The scope that it belongs to was cancelled, and its body has settled: it closes, and calls `end` when that is done.
   */
  cancelled(reason: Cancelled): void
  /**
   * The run ends, and waits for `end`. `warn` is for one that is open without a reason; that of a cancelled run has
   * one.
   */
  runEnded(warn: () => void, reason: Cancelled | undefined): void
}

export class Lifetime {
  readonly #service: Service

  /**
   * @param what - the call that makes the tenant. @throws NotRunningError outside every run, and as every operation
   * does
   */
  constructor(what: string, tenant: Tenant) {
    const service = new Service(what, 'an adapter', {
      describe: () => tenant.describe(),
      cancelled: (reason) => tenant.cancelled(reason),
      runEnded: (reason) => tenant.runEnded(() => warnLeftOpen(tenant.describe(), service.task.name), reason),
    })
    this.#service = service
  }

  get run(): RunState {
    return this.#service.task.run
  }

  /** Calls `fn` where the I/O of the tenant belongs. */
  within<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
    return this.#service.within(fn, ...args)
  }

  /** The I/O that is under way ends now. */
  interrupt(): void {
    this.#service.interrupt()
  }

  /** The tenant is closed. Idempotent. */
  end(): void {
    this.#service.end()
  }
}
