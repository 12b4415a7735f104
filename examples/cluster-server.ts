// An HTTP server on every core: workers of node:cluster that share one port. When the primary gets SIGHUP (for a new version,
// say), it replaces them one by one, without a pause and without losing a request that has begun.
//
//   node --import=tsx examples/cluster-server.ts [port] [workers]
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createNetServer, type AddressInfo } from 'node:net'
import { availableParallelism } from 'node:os'
import { createTcpServer, run, sleep } from 'structio'
import { serveHttp } from 'structio/node'

if (cluster.isPrimary) await primary()
else await worker()

async function primary(): Promise<void> {
  const port = await choosePort(Number(process.argv[2] ?? 7010))
  let workers = await Promise.all(
    Array.from({ length: Number(process.argv[3] ?? availableParallelism()) }, () => start(port)),
  )
  console.log(`listening on port ${port}`)
  let generation = 1
  let restarting = Promise.resolve()
  process.on('SIGHUP', () => {
    restarting = restarting.then(async () => {
      const before = workers
      workers = []
      for (const old of before) {
        // The new worker first, so that there is always one that listens.
        workers.push(await start(port))
        await stop(old)
      }
      console.log(`restarted: generation ${++generation}`)
    })
  })
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
  await restarting
  await Promise.all(workers.map(stop))
  process.exit()
}

async function start(port: number): Promise<Worker> {
  const worker = cluster.fork({ PORT: String(port) })
  await once(worker, 'message')
  return worker
}

async function stop(worker: Worker): Promise<void> {
  worker.on('message', (text) => console.log(`worker ${worker.id}: ${text as string}`))
  const gone = once(worker, 'exit')
  worker.send('stop')
  await gone
}

async function worker(): Promise<void> {
  let begun = 0
  let answered = 0
  // An async listener: `serveHttp` handles its promise, and cancels it when the client disconnects.
  // eslint-disable-next-line @typescript-eslint/no-misused-promises -- the library takes the promise, not node:http
  const httpServer = createServer(async (_, response) => {
    begun++
    response.on('finish', () => answered++)
    response.end(await answer())
  })
  await run(async () => {
    // In a worker `reusePort` is the default: each has its own socket, and the kernel distributes the connections.
    const server = await createTcpServer(Number(process.env['PORT']), { interface: '127.0.0.1' })
    process.once('message', () => {
      // Drains: accepts no more connections, and `serveHttp` returns when every request is answered.
      server.close().catch(() => {})
    })
    process.send!('listening')
    await serveHttp(server, httpServer)
  })
  await new Promise((sent) => process.send!(`${begun} requests begun, ${answered} answered`, undefined, {}, sent))
  process.disconnect()
}

async function answer(): Promise<string> {
  await sleep(2)
  return `worker ${cluster.worker!.id}\n`
}

/** For 0, finds a free port: all workers need the same one. */
async function choosePort(wanted: number): Promise<number> {
  if (wanted !== 0) return wanted
  const server = createNetServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
