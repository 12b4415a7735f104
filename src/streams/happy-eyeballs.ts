/**
 * Happy Eyeballs (RFC 8305): several addresses are tried in an order that alternates between the families, each a
 * little after the one before or as soon as that one has failed; the first connection wins.
 *
 * ```text
 *   0 ms        250 ms        350 ms
 *   ├─ attempt 1 ─────────────┤ abandoned
 *               ├─ attempt 2 ─┤ won: the group is cancelled
 *                             └ attempt 3 (500 ms) is never started
 * ```
 *
 * The attempts are tasks of one group, so that nothing can be left behind: losers and, when the caller is cancelled,
 * all of them are abandoned by the group's end, and a connection that came too late is discarded by its own task.
 */

import type { SocketAddress } from '../backends/contract/backend.ts'
import { Cancelled, ConnectionFailed } from '../errors.ts'
import { CancelScope, enterOperation, Operation, runTaskGroup } from '../kernel/index.ts'
import { moveOnAfter } from '../scopes.ts'

export interface Attempts<T> {
  /** One attempt, as an operation of the running task. */
  connect(address: SocketAddress): Promise<T>
  /** Closes a connection that nobody needs any more. */
  discard(connection: T): void
  /** Milliseconds between the beginnings of two attempts. */
  readonly delay: number
}

/**
 * The first connection to one of `addresses`, which are not empty.
 *
 * @throws the bare error of the only attempt, or `ConnectionFailed` with one error per attempt, in their order
 */
export async function connectToFirst<T>(addresses: readonly SocketAddress[], attempts: Attempts<T>): Promise<T> {
  const { connect, discard, delay } = attempts
  const [only] = addresses
  if (addresses.length === 1 && only !== undefined) return connect(only)
  const connections: T[] = []
  const failures: unknown[] = []
  try {
    await runTaskGroup(new CancelScope(), async (group) => {
      const attempt = async (address: SocketAddress, index: number, over: Flag): Promise<void> => {
        try {
          connections.push(await connect(address))
          group.cancelScope.cancel()
        } catch (error) {
          if (error instanceof Cancelled) throw error
          failures[index] = error
          over.set()
        }
      }
      for (const [index, address] of addresses.entries()) {
        const over = new Flag()
        group.spawn({ name: `connect to ${address.address}` }, attempt, address, index, over)
        if (index + 1 < addresses.length) await over.wait(delay)
      }
    })
  } catch (error) {
    connections.forEach(discard)
    throw error
  }
  // Two can arrive in one turn: the second was made before the cancellation could reach it.
  const [winner, ...late] = connections
  late.forEach(discard)
  if (connections.length > 0) return winner as T
  throw new ConnectionFailed(
    failures,
    `All ${addresses.length} addresses failed: ${failures.map(messageOf).join('; ')}`,
  )
}

/** The families in turn, beginning with the first address's; the resolver's order within each (RFC 8305, section 4). */
export function interleave(addresses: readonly SocketAddress[]): SocketAddress[] {
  const preferred = addresses.filter(({ family }) => family === addresses[0]?.family)
  const others = addresses.filter(({ family }) => family !== addresses[0]?.family)
  const result: SocketAddress[] = []
  for (let i = 0; i < Math.max(preferred.length, others.length); i++)
    result.push(...preferred.slice(i, i + 1), ...others.slice(i, i + 1))
  return result
}

/** Set once, waited for by one task, no longer than a while. */
class Flag extends Operation<void> {
  #set = false

  set(): void {
    this.#set = true
    this.resolve()
  }

  async wait(ms: number): Promise<void> {
    if (this.#set) return
    await moveOnAfter(ms, () => this.begin(enterOperation(this.describe())))
  }

  override describe(): string {
    return 'the delay between two connection attempts'
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.reject(cancelled())
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
