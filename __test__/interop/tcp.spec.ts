/** Peers that nobody here wrote: Python's sockets and its line server, and curl. */
import test from 'ava'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { connectTcp, createTaskGroup, createTcpServer, type SocketStream } from '../../index.ts'
import { eachRealBackend } from '../support/backends.ts'

const execute = promisify(execFile)

/** A line server of Python's standard library: answers each line in upper case. */
const LINE_SERVER = `
import socketserver
class Lines(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.upper())
server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Lines)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
`

/** Sends a megabyte in odd pieces, half-closes, and prints what comes back until the end. */
const HALF_CLOSER = `
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as sock:
    data = bytes(range(256)) * 4096
    at = 0
    step = 1
    while at < len(data):
        sock.sendall(data[at:at + step])
        at += step
        step = step * 7 % 9973 + 1
    sock.shutdown(socket.SHUT_WR)
    answer = b""
    while chunk := sock.recv(4096):
        answer += chunk
    print(answer.decode())
`

eachRealBackend(test, "our client and Python's line server understand each other", async (t, backend) => {
  const server = spawn('python3', ['-c', LINE_SERVER], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const port = await portOf(server)
    await backend.run(async () => {
      const stream = await connectTcp('127.0.0.1', port)
      await stream.sendMany(['one\n', 'two\nthr', 'ee\n'])
      const lines: string[] = []
      for await (const line of stream.receiveDelimitedChunks('\n', 100)) {
        if (lines.push(line.toString()) === 3) break
      }
      t.deepEqual(lines, ['ONE', 'TWO', 'THREE'])
      await stream.sendAll('last\n')
      await stream.sendEof()
      t.is((await stream.receiveUntil('\n', 100)).toString(), 'LAST\n')
      t.is((await stream.receiveSome()).length, 0)
      await stream.close()
    })
  } finally {
    server.kill()
    await once(server, 'exit')
  }
})

eachRealBackend(test, "a Python client that half-closes gets our server's answer", async (t, backend) => {
  await backend.run(() =>
    serving(
      async (stream) => {
        let count = 0
        for await (const chunk of stream.receiveChunks()) count += chunk.length
        await stream.sendAll(`received ${count} bytes`)
      },
      async (port) => {
        const { stdout } = await execute('python3', ['-c', HALF_CLOSER, String(port)])
        t.is(stdout.trim(), 'received 1048576 bytes')
      },
    ),
  )
})

eachRealBackend(
  test,
  'curl keeps a connection alive over two requests to a server of twenty lines',
  async (t, backend) => {
    let connections = 0
    await backend.run(() =>
      serving(
        async (stream) => {
          connections++
          for (;;) {
            const head = (await stream.receiveUntil('\r\n\r\n', 8192)).toString()
            const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
            const body = length > 0 ? await stream.receiveExactly(length) : Buffer.alloc(0)
            const text = `${head.split(' ')[0]} with ${body.length} bytes\n`
            await stream.sendMany([`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n`, text])
          }
        },
        async (port) => {
          const url = `http://127.0.0.1:${port}/`
          const body = 'x'.repeat(100_000)
          const { stdout } = await execute('curl', ['-sS', '-H', 'Expect:', '--data', body, url, '--next', '-sS', url])
          t.is(stdout, 'POST with 100000 bytes\nGET with 0 bytes\n')
        },
      ),
    )
    t.is(connections, 1)
  },
)

/** Runs `client` beside a server, which is closed when it is done. */
async function serving(
  handler: (stream: SocketStream) => unknown,
  client: (port: number) => Promise<void>,
): Promise<void> {
  await createTaskGroup(async (tg) => {
    const server = await createTcpServer(0, { interface: '127.0.0.1' })
    tg.spawn(() => server.serve(handler))
    await client(server.port)
    await server.close()
  })
}

async function portOf(server: ChildProcess): Promise<number> {
  const [chunk] = (await once(server.stdout!, 'data')) as [Buffer]
  return Number(chunk.toString())
}
