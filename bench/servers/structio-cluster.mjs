// The HTTP application of structio.mjs in workers of node:cluster, each with a listening socket of its own on one port. The process
// that the harness knows is the primary, which does nothing: what counts here is the throughput.
//
//   --workers N

import cluster from 'node:cluster'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createNetServer } from 'node:net'

import { announce, onStop, pickWorks, readFlags } from './control.mjs'
import { greeting } from './http-application.mjs'

const LOOPBACK = '127.0.0.1'

const flags = readFlags({ workers: '2' })
if (cluster.isPrimary) await primary()
else await worker()

async function primary() {
  const ports = {}
  for (const [name] of pickWorks(flags.works, { http: true })) {
    ports[name] = await freePort()
    const workers = Array.from({ length: Number(flags.workers) }, () => cluster.fork({ PORT: String(ports[name]) }))
    await Promise.all(workers.map((one) => once(one, 'message')))
  }
  announce(ports)
  onStop(() => {
    for (const one of Object.values(cluster.workers)) one.process.kill('SIGKILL')
    process.exit(0)
  })
}

async function worker() {
  const { createTcpServer, run } = await import('structio')
  const { serveHttp } = await import('structio/node')
  process.once('disconnect', () => process.exit(0))
  await run(async () => {
    const server = await createTcpServer(Number(process.env.PORT), { interface: LOOPBACK, backlog: 4096 })
    process.send('listening')
    await serveHttp(server, createServer(greeting))
  })
}

/** The workers have to be told the same one. */
async function freePort() {
  const server = createNetServer().listen(0, LOOPBACK)
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
