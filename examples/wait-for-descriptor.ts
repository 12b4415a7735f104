// Waits for a descriptor that is not structio's: reads a device or a fifo with plain system calls when data arrives, and reports
// when it stays silent. Ends with its input, or with Ctrl+C.
//
//   mkfifo /tmp/events && node --import=tsx examples/wait-for-descriptor.ts /tmp/events
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { failAfter, notifySocketClose, run, TimeoutError, waitSocketReadable } from 'structio'

const [path, patience = '60000'] = process.argv.slice(2)
if (path === undefined) throw new Error('which device or fifo?')

async function follow(fd: number): Promise<void> {
  const buffer = Buffer.alloc(4096)
  for (;;) {
    await failAfter(Number(patience), () => waitSocketReadable(fd))
    const count = readSync(fd, buffer)
    if (count === 0) return
    process.stdout.write(`> ${buffer.toString('utf8', 0, count)}`)
  }
}

await run(
  async () => {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    console.log('open')
    try {
      await follow(fd)
      console.log('end')
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error
      console.log('silent')
    } finally {
      // Wakes other waits for this descriptor before its number can be used again.
      notifySocketClose(fd)
      closeSync(fd)
    }
  },
  { backend: 'native', shutdownSignals: ['SIGINT', 'SIGTERM'] },
)
