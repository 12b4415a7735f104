// A good reaction to SIGTERM: the server accepts no new connections, closes idle ones at once, and first answers
// requests that have begun, within their own time limit. A second signal ends the process at once.
//
//   node --import=tsx examples/graceful-shutdown.ts [port]
import { createTcpServer, moveOnAfter, run, sleep, type SocketStream } from 'structio'

const REQUEST_LIMIT_MS = 5000

async function main(): Promise<void> {
  await using server = await createTcpServer(Number(process.argv[2] ?? 7002), { interface: '127.0.0.1' })
  console.log(`listening on port ${server.port}`)
  await server.serve(handle)
}

async function handle(stream: SocketStream): Promise<void> {
  // The shutdown may interrupt the wait for a request …
  for await (const request of stream.receiveDelimitedChunks('\n', 1024)) {
    console.log(`request: ${request.toString()}`)
    // … but not the answer: the shield delays the shutdown, and the limit ends the shield.
    await moveOnAfter(REQUEST_LIMIT_MS, { shield: true }, async () => {
      const result = await work(request.toString())
      await stream.sendAll(`${result}\n`)
    })
  }
}

async function work(request: string): Promise<string> {
  await sleep(300)
  return `done: ${request}`
}

await run(main, { shutdownSignals: ['SIGTERM', 'SIGINT'] })
console.log('shut down')
