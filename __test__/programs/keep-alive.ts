/**
 * A process under `keepAlive: false`: the run does not keep it alive, a pending operation may. The mode names the
 * operation that the main task waits for. Prints 'exit' when the process ends by itself.
 */
import { constants, openSync } from 'node:fs'
import { relay } from '../../src/relay.ts'
import { run, type RunOptions } from '../../src/run.ts'
import { connectTcp, createTcpServer } from '../../src/sockets.ts'
import type { SocketStream } from '../../src/streams/socket-stream.ts'
import { waitSocketReadable } from '../../src/wait-socket.ts'

const [options, mode, port] = process.argv.slice(2) as [string, string, string]
process.on('exit', () => console.log('exit'))

void run(
  async () => {
    if (mode === 'listener') {
      await createTcpServer(0, { interface: '127.0.0.1' }).then((server) => server.accept())
      return
    }
    if (mode === 'descriptor') {
      // The path of a FIFO stands in place of the port.
      const fifo = openSync(port, constants.O_RDWR | constants.O_NONBLOCK)
      console.log('waiting')
      await waitSocketReadable(fifo)
      console.log('received')
      return
    }
    const stream = await connectTcp('127.0.0.1', Number(port))
    if (mode === 'unref' || mode === 'unsent') stream.unref()
    if (mode === 'unsent') console.log(`taken ${await fill(stream)}`)
    console.log('waiting')
    if (mode === 'relay') await relay(stream, await connectTcp('127.0.0.1', Number(port)))
    else await stream.receiveSome()
    console.log('received')
    await stream.close()
  },
  { ...(JSON.parse(options) as RunOptions), keepAlive: false },
)

/** Sends until the peer, which does not read, makes a send wait; returns how much was taken before. */
async function fill(stream: SocketStream): Promise<number> {
  const data = Buffer.alloc(4096, 'x')
  for (let taken = 0; ; taken += data.length) {
    let done = false
    void stream.sendAll(data).then(() => (done = true))
    for (let turn = 0; turn < 20 && !done; turn++) await new Promise((resolve) => setImmediate(resolve))
    if (!done) return taken
  }
}
