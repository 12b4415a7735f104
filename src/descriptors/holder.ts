/** Whose descriptor it is: what `waitSocketReadable` and its like are given. */

import type { Direction } from '../backends/contract/backend.ts'
import { checkInteger, invalidArgType } from '../common/validate.ts'

/** A socket of this library: it waits through the registration that it has. */
export interface OwnSocket {
  /** @internal */
  _waitReady(what: string, direction: Direction): Promise<void>
  /** @internal wakes those who wait so */
  _closeWaits(): void
}

/** What is known to hold a descriptor, and does not now: no descriptor has this number. */
export const NONE = -1

/**
 * The number of a foreign descriptor, or a socket of this library. @throws TypeError, RangeError for what is neither
 */
export function holderOf(sock: number | object): number | OwnSocket {
  if (typeof sock === 'number') {
    checkInteger('sock', sock, 0, MOST)
    return sock
  }
  const number = typeof sock === 'object' && sock !== null ? descriptorOf(sock) : undefined
  if (number === undefined) {
    throw invalidArgType('sock', 'a file descriptor, or an object that has one', sock)
  }
  return number
}

const MOST = 2 ** 31 - 1

interface Handle {
  fd?: unknown
}

function descriptorOf(sock: object): number | OwnSocket | undefined {
  if (isOwn(sock)) return sock
  const { fd, fileno } = sock as { fd?: unknown; fileno?: unknown }
  if (typeof fd === 'number') return toNumber(fd)
  if (typeof fileno === 'function') return toNumber(fileno.call(sock))
  const handle = handleOf(sock)
  // A socket of Node that is not connected yet, or closed, has no handle.
  return handle === undefined ? undefined : toNumber(handle?.fd)
}

function isOwn(sock: object): sock is OwnSocket {
  return '_waitReady' in sock && '_closeWaits' in sock
}

/**
 * What Node's sockets and servers keep their descriptor in, `null` where they have none now. There is no public way to
 * it; this one is as old as node:net. A socket of node:dgram keeps it behind a symbol, and warns of a property that it
 * used to have.
 */
function handleOf(sock: object): Handle | null | undefined {
  const state = Object.getOwnPropertySymbols(sock).find(({ description }) => description === 'state symbol')
  if (state !== undefined)
    return (sock as Record<symbol, { handle?: Handle | null } | undefined>)[state]?.handle ?? null
  if (!('_handle' in sock)) return undefined
  return (sock._handle as Handle | null | undefined) ?? null
}

function toNumber(fd: unknown): number {
  return Number.isInteger(fd) && (fd as number) >= 0 && (fd as number) <= MOST ? (fd as number) : NONE
}
