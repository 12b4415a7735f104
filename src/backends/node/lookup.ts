/** Name look-ups by `dns.lookup`: the system's resolver, on libuv's thread pool. */
import * as dns from 'node:dns'
import type { Abandon, Answer, SocketAddress } from '../backend.ts'
import { soon } from './turn.ts'

export function lookup(host: string, family: 0 | 4 | 6, answer: Answer<SocketAddress[]>): Abandon {
  let wanted = true
  const give: Answer<SocketAddress[]> = (error, found) => {
    if (wanted) answer(error, found)
  }
  try {
    dns.lookup(host, { all: true, family, verbatim: true }, (error, found) => {
      if (error !== null) give(error)
      else
        give(
          undefined,
          found.map(({ address, family: number }) => ({ address, port: 0, family: number === 6 ? 'IPv6' : 'IPv4' })),
        )
    })
  } catch (error) {
    // A host that Node does not even ask about.
    soon(() => give(error as Error))
  }
  return () => {
    wanted = false
  }
}
