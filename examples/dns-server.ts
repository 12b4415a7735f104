// A small name server over UDP: it knows the names it was started with, and their IPv4 addresses. Ctrl+C ends it.
//
//   node --import=tsx examples/dns-server.ts 5300 one.test=10.0.0.1 two.test=10.0.0.2
//   dig @127.0.0.1 -p 5300 one.test
import { createUdpSocket, getCancelledExcClass, run } from 'structio'

const [port = '5300', ...entries] = process.argv.slice(2)
const known = new Map(entries.map((entry) => entry.toLowerCase().split('=') as [string, string]))

await run(
  async () => {
    await using socket = await createUdpSocket({ interface: '127.0.0.1', port: Number(port) })
    console.log(`listening on port ${socket.port}`)
    // Takes all queries that have arrived, and answers them in one step.
    for (;;) {
      const packets = await socket.receiveBatch()
      try {
        await socket.sendBatch(
          packets.flatMap(([query, from]) => {
            const reply = answer(query)
            return reply === undefined ? [] : [[reply, from] as const]
          }),
        )
      } catch (error) {
        // The sender caused an address that cannot be reached. It did not cause a cancellation.
        if (error instanceof getCancelledExcClass()) throw error
        console.error(String(error))
      }
    }
  },
  { shutdownSignals: ['SIGINT', 'SIGTERM'] },
)
console.log('closed')

/** The reply to a query with one question (RFC 1035); `undefined` if it is no query. */
function answer(query: Buffer): Buffer | undefined {
  if (query.length < 17 || query[2]! >= 0x80 || query.readUInt16BE(4) !== 1) return undefined
  const labels: string[] = []
  let at = 12
  while (query[at] !== 0) {
    const length = query[at++]
    if (length === undefined || length > 63) return undefined
    labels.push(query.toString('latin1', at, (at += length)))
  }
  const end = at + 5
  if (query.length < end) return undefined
  const address = known.get(labels.join('.').toLowerCase())
  const [A, IN] = [1, 1]
  const asked = query.readUInt16BE(at + 1) === A && query.readUInt16BE(at + 3) === IN
  // A pointer to the name in the question; 60 seconds to live; four bytes of data.
  const record = Buffer.from([0xc0, 12, 0, A, 0, IN, 0, 0, 0, 60, 0, 4, ...(address ?? '').split('.').map(Number)])
  const records = asked && address !== undefined ? [record] : []

  const header = Buffer.alloc(12)
  query.copy(header, 0, 0, 2)
  // An authoritative answer, with the client's flag for recursion. Code 3: the name does not exist.
  header[2] = 0x84 | (query[2]! & 1)
  header[3] = address === undefined ? 3 : 0
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(records.length, 6)
  return Buffer.concat([header, query.subarray(12, end), ...records])
}
