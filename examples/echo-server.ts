// An echo server. Ctrl+C ends it gracefully: open connections are closed, and the process exits with 0.
//
//   node --import=tsx examples/echo-server.ts [port]
import { createTcpServer, run } from 'structio'

const port = Number(process.argv[2] ?? 7000)

async function main(): Promise<void> {
  await using server = await createTcpServer(port)
  console.log(`listening on port ${server.port}`)
  await server.serve(async (stream) => {
    for await (const chunk of stream) {
      await stream.sendAll(chunk)
    }
  })
}

await run(main, { shutdownSignals: ['SIGINT', 'SIGTERM'] })
console.log('closed')
