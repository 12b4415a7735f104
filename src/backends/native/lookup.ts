/** Name look-ups on the pool of the addon. */
import { domainToASCII } from 'node:url'
import type { Abandon, Answer, SocketAddress } from '../backend.ts'
import { lookupError } from './errors.ts'
import type { NativeEventLoop } from './event-loop.ts'

export function lookup(
  loop: NativeEventLoop,
  host: string,
  family: 0 | 4 | 6,
  answer: Answer<SocketAddress[]>,
): Abandon {
  let wanted = true
  const request = loop.binding.lookup(domainToASCII(host) || host, family)
  loop.hold(1)
  loop.awaitLookup(request, () => {
    const found = loop.binding.takeLookup(request)
    if (!wanted) return
    wanted = false
    loop.hold(-1)
    if (typeof found === 'string') answer(lookupError(found, host))
    else answer(undefined, found.map(socketAddress))
  })
  return () => {
    if (!wanted) return
    // Abandoned: the resolver's thread goes on, and no longer keeps the process alive.
    wanted = false
    loop.hold(-1)
  }
}

function socketAddress(address: string): SocketAddress {
  return { address, port: 0, family: address.includes(':') ? 'IPv6' : 'IPv4' }
}
