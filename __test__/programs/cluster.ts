/**
 * Two `node:cluster` workers listen on one port. The primary connects until both have answered, prints which answered,
 * and ends them.
 */
import cluster from 'node:cluster'
import { once } from 'node:events'
import * as net from 'node:net'
import { run, type RunOptions } from '../../src/run.ts'
import { createTcpServer } from '../../src/sockets.ts'

const options = JSON.parse(process.argv[2]!) as RunOptions

if (cluster.isPrimary) {
  const port = await freePort()
  const [first, second] = [cluster.fork({ PORT: String(port) }), cluster.fork({ PORT: String(port) })]
  await Promise.all([once(first, 'message'), once(second, 'message')])
  const answered = new Set<string>()
  while (answered.size < 2) {
    const socket = net.connect(port, '127.0.0.1')
    const [data] = (await once(socket, 'data')) as [Buffer]
    answered.add(data.toString())
    socket.destroy()
  }
  console.log(`answered ${[...answered].sort().join(' ')}`)
  const gone = Promise.all([first, second].map((worker) => once(worker, 'exit')))
  for (const worker of [first, second]) worker.send('stop')
  console.log(`exit codes ${(await gone).map(([code]) => code as number).join(' ')}`)
} else {
  await run(async () => {
    await using server = await createTcpServer(Number(process.env['PORT']), { interface: '127.0.0.1' })
    process.once('message', () => {
      void server.close().catch(() => {})
      process.disconnect()
    })
    process.send!(server.port)
    await server.serve((stream) => stream.sendAll(`worker${cluster.worker!.id}`))
  }, options)
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
