// A UDP echo server: every datagram goes back to where it came from. Ctrl+C ends it.
//
//   node --import=tsx examples/udp-echo-server.ts [port] [backend]
import { createUdpSocket, getCancelledExcClass, run, type RunOptions } from 'structio'

const [port = '7000', backend] = process.argv.slice(2)
const options: RunOptions = { shutdownSignals: ['SIGINT', 'SIGTERM'] }
if (backend === 'node' || backend === 'native') options.backend = backend

await run(async () => {
  await using socket = await createUdpSocket({ port: Number(port) })
  console.log(`listening on port ${socket.port}`)
  // `data` may have no bytes, and `from` is never decoded.
  for await (const [data, from] of socket.receivePackets(65_535)) {
    try {
      await socket.send(data, from)
    } catch (error) {
      // The sender caused an address that cannot be reached. It did not cause a cancellation.
      if (error instanceof getCancelledExcClass()) throw error
      console.error(String(error))
    }
  }
}, options)
