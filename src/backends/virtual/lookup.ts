/** Name look-ups: the names of the network, and nobody else's. */
import type { Abandon, Answer, SocketAddress } from '../backend.ts'
import { familyOf, socketAddress } from './addresses.ts'
import { notFound } from './errors.ts'
import type { Fabric } from './fabric.ts'

export function lookup(fabric: Fabric, host: string, family: 0 | 4 | 6, answer: Answer<SocketAddress[]>): Abandon {
  let wanted = true
  fabric.timeline.soon(() => {
    if (!wanted) return
    const addresses = (fabric.resolve(host) ?? []).filter((each) => family === 0 || familyOf(each) === family)
    if (addresses.length === 0) answer(notFound(host))
    else
      answer(
        undefined,
        addresses.map((address) => socketAddress(address, 0)),
      )
  })
  return () => {
    wanted = false
  }
}
