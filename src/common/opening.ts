/**
 * What every call that opens a socket has in common: it is made of several waits (a look-up, attempts, a bind), and it
 * knows where it was called from.
 */

import type { Backend, SocketAddress } from '../backends/contract/backend.ts'
import { CancelScope, rejected, traceOpening } from '../kernel/index.ts'
import { checkInteger, checkString, outOfRange } from './validate.ts'
import { familyOf } from './addresses.ts'
import { ask, type Context, enterBackend } from './ask.ts'
import { callSite, withCallSite } from './call-site.ts'

/** What opens a resource, and where it was asked to, for the warning that it was left open. */
export interface Opening extends Context {
  readonly made: Error | undefined
}

/** A call that opens something: as `inOneScope`, and its errors have the frames of the caller. */
export function asOneOperation<T>(what: string, kind: string, body: (context: Opening) => Promise<T>): Promise<T> {
  const site = callSite(asOneOperation)
  return inOneScope(what, kind, async (context) => {
    try {
      return await body(context)
    } catch (error) {
      throw withCallSite(site, error)
    }
  })
}

/**
 * Runs in a scope of its own, so that a call that is not awaited is cancelled and awaited as one operation (SCOPE-7).
 */
export function inOneScope<T>(what: string, kind: string, body: (context: Opening) => Promise<T>): Promise<T> {
  try {
    const { backend, frame } = enterBackend(what)
    const context = { backend, frame, made: traceOpening(frame, kind) }
    return CancelScope._operation(what, () => body(context))
  } catch (error) {
    return rejected(error)
  }
}

export function checkHost(name: string, host: unknown): asserts host is string {
  checkString(name, host)
  if (host === '') throw outOfRange(name, 'a name or an address', host)
  const bare = /^\[(.*)\]$/.exec(host)?.[1]
  if (bare !== undefined)
    throw outOfRange(name, `an address without the brackets that URLs put around it ('${bare}')`, host)
}

export function checkPort(name: string, port: unknown): void {
  checkInteger(name, port, 0, 65535)
}

/** A numeric address needs no resolver, and no thread. */
export async function resolve(
  backend: Backend,
  host: string,
  family: 0 | 4 | 6 = 0,
): Promise<readonly SocketAddress[]> {
  const numeric = familyOf(host)
  if (numeric !== 0) return [{ address: host, port: 0, family: numeric === 6 ? 'IPv6' : 'IPv4' }]
  return ask<SocketAddress[]>(`look-up of ${host}`, (answer) => backend.lookup(host, family, answer))
}
