/** `npm start -- --serve`: an echo server that Ctrl+C ends gracefully, every connection closed. */
import { createTcpServer, run, type SocketStream } from 'structio'

export interface ServeOptions {
  readonly port: number
  readonly backend: 'native' | 'node'
}

export async function serve({ port, backend }: ServeOptions): Promise<void> {
  const counts = { accepted: 0, open: 0, bytes: 0 }
  const began = performance.now()

  async function echo(stream: SocketStream): Promise<void> {
    counts.accepted += 1
    counts.open += 1
    try {
      for await (const data of stream) {
        counts.bytes += data.length
        await stream.sendAll(data)
      }
    } finally {
      counts.open -= 1
    }
  }

  await run(
    async () => {
      const server = await createTcpServer(port)
      console.log(
        `Echoing on port ${server.port}, IPv4 and IPv6 (backend: ${backend}). Try: nc localhost ${server.port}`,
      )
      console.log('Ctrl+C ends it.')
      try {
        await server.serve(echo)
      } finally {
        await server.close()
      }
    },
    { backend, name: 'echo server', shutdownSignals: ['SIGINT', 'SIGTERM'] },
  )

  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.log(
    `\nEnded after ${seconds} s: ${counts.accepted} connections, ${counts.bytes} bytes echoed, ${counts.open} left open.`,
  )
}
