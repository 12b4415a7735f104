/** Which ports of a host are taken, and by whom: the rules of Linux for binding a socket. */
import { familyOf, isWildcard } from './addresses.ts'
import type { Code } from './errors.ts'

/** What is bound. */
export interface Bound {
  /** `undefined`: every address of both families; `'::'` and `'0.0.0.0'`: of one. */
  readonly boundTo: string | undefined
  readonly port: number
  /** Shares its port with others that do (`SO_REUSEPORT`). */
  readonly shared: boolean
}

const FIRST_EPHEMERAL = 49_152
const LAST_PORT = 65_535

export class PortTable<B extends Bound> {
  readonly #bound = new Map<number, B[]>()
  #next = FIRST_EPHEMERAL
  /** For those who share a port: their turn. */
  #turns = 0

  /** A port for this address: the one asked for, or for 0 a free one. A code where there is none. */
  choose(boundTo: string | undefined, port: number, shared: boolean): number | Code {
    if (port !== 0) return this.#isFree({ boundTo, port, shared }) ? port : 'EADDRINUSE'
    for (let tried = FIRST_EPHEMERAL; tried <= LAST_PORT; tried++) {
      const candidate = this.#next
      this.#next = candidate === LAST_PORT ? FIRST_EPHEMERAL : candidate + 1
      if (!this.#bound.has(candidate)) return candidate
    }
    return 'EADDRINUSE'
  }

  add(bound: B): void {
    const { port } = bound
    this.#bound.set(port, [...(this.#bound.get(port) ?? []), bound])
  }

  delete(bound: B): void {
    const { port } = bound
    const left = this.#bound.get(port)?.filter((other) => other !== bound) ?? []
    if (left.length > 0) this.#bound.set(port, left)
    else this.#bound.delete(port)
  }

  clear(): void {
    this.#bound.clear()
  }

  /** The receiver of a packet to this address: the closest match. Equal matches take turns. */
  find(address: string, port: number, accepts: (bound: B) => boolean = () => true): B | undefined {
    const bound = (this.#bound.get(port) ?? []).filter((each) => covers(each.boundTo, address) && accepts(each))
    const closest = Math.max(...bound.map(closeness))
    const best = bound.filter((each) => closeness(each) === closest)
    return best.length > 1 ? best[this.#turns++ % best.length] : best[0]
  }

  #isFree(wanted: Bound): boolean {
    return (this.#bound.get(wanted.port) ?? []).every(
      (other) => (wanted.shared && other.shared) || !overlap(wanted.boundTo, other.boundTo),
    )
  }
}

function closeness({ boundTo }: Bound): number {
  return boundTo === undefined ? 0 : isWildcard(boundTo) ? 1 : 2
}

function covers(bound: string | undefined, address: string): boolean {
  if (bound === undefined || bound === address) return true
  return isWildcard(bound) && familyOf(bound) === familyOf(address)
}

function overlap(a: string | undefined, b: string | undefined): boolean {
  return a === undefined || b === undefined || covers(a, b) || covers(b, a)
}
