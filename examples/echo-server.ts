// An echo server. Ctrl+C ends it gracefully: open connections are closed, and the process exits with 0.
//
//   node server.mjs [port]
import { createTcpServer, finalize, run } from 'structio'

const port = Number(process.argv[2] ?? 7000)

async function main() {
  const server = await createTcpServer(port)
  console.log(`listening on port ${server.port}`)
  // Closes the server however this ends. (From Node 24, and in TypeScript, `await using server = …` does the same.)
  await finalize(server, () =>
    server.serve(async (stream) => {
      for await (const chunk of stream) {
        await stream.sendAll(chunk)
      }
    }),
  )
}

await run(main, { shutdownSignals: ['SIGINT', 'SIGTERM'] })
console.log('closed')
