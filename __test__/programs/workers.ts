/** Worker threads share a port, each in its own run. The main thread connects until both have answered. */
import { once } from 'node:events'
import * as net from 'node:net'
import { isMainThread, parentPort, threadId, Worker, workerData } from 'node:worker_threads'
import { run, type RunOptions } from '../../src/run.ts'
import { createTcpServer } from '../../src/sockets.ts'

interface Order {
  readonly options: RunOptions
  readonly port: number
}

/** A worker does not inherit the TypeScript loader on every Node. */
const BOOT = `import('tsx/esm/api').then(({ register }) => {
  register()
  return import(require('node:worker_threads').workerData.path)
})`

if (isMainThread) {
  const options = JSON.parse(process.argv[2]!) as RunOptions
  const first = await start({ options, port: 0 })
  const second = await start({ options, port: first.port })
  const answered = new Set<string>()
  while (answered.size < 2) {
    const socket = net.connect(first.port, '127.0.0.1')
    const [data] = (await once(socket, 'data')) as [Buffer]
    answered.add(data.toString())
    socket.destroy()
  }
  console.log(`answered by ${answered.size}`)
  const workers = [first.worker, second.worker]
  const gone = Promise.all(workers.map((worker) => once(worker, 'exit')))
  for (const worker of workers) worker.postMessage('stop')
  console.log(`exit codes ${(await gone).map(([code]) => code as number).join(' ')}`)
} else {
  const { options, port } = workerData as Order
  await run(async () => {
    await using server = await createTcpServer(port, { interface: '127.0.0.1', reusePort: true })
    parentPort!.once('message', () => void server.close().catch(() => {}))
    parentPort!.postMessage(server.port)
    await server.serve((stream) => stream.sendAll(`thread ${threadId}`))
  }, options)
}

async function start(order: Order): Promise<{ worker: Worker; port: number }> {
  const worker = new Worker(BOOT, { eval: true, workerData: { ...order, path: import.meta.url }, execArgv: [] })
  const [port] = (await once(worker, 'message')) as [number]
  return { worker, port }
}
