/** Descriptors that travel over UNIX streams: `sendFds`, `receiveFds`. */
import test, { type ExecutionContext } from 'ava'
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import {
  ClosedResourceError,
  connectTcp,
  connectUnix,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  createUnixServer,
  moveOnAfter,
  ResourceBusyError,
  type SocketStream,
  UnsupportedError,
  waitAllTasksBlocked,
} from '../../index.ts'
import type { TestBackend } from '../support/backends.ts'
import { certificates } from '../support/certificates.ts'
import { eachBackendWith, python, socketFolder } from '../support/datagrams.ts'
import { someFifo } from '../support/descriptors.ts'
import { rejection } from '../support/rejection.ts'
import { LOCAL } from '../support/tls.ts'

type UnixStream = SocketStream<string>

eachBackendWith('descriptors', test, 'a file arrives with its bytes, and is the receiver’s own', async (t, backend) => {
  const file = socketFolder(t)('file')
  writeFileSync(file, 'content')
  await withPair(t, backend, async (client, server) => {
    const fd = openSync(file, 'r')
    await client.sendFds('here it is', [fd])
    closeSync(fd)
    const { data, fds } = await server.receiveFds(100, 5)
    t.is(fds.length, 1)
    const rest = await server.receiveExactly('here it is'.length - data.length)
    t.is(data.toString() + rest.toString(), 'here it is')
    t.is(readFileSync(fds[0]!, 'utf8'), 'content')
    t.is(descriptorFlags(fds[0]!) & CLOEXEC, CLOEXEC, 'no child gets it')
    closeSync(fds[0]!)
  })
})

eachBackendWith(
  'descriptors',
  test,
  'many at a time, in their order; more than asked for are closed',
  async (t, backend) => {
    await withPair(t, backend, async (client, server) => {
      const fifos = [someFifo(t), someFifo(t), someFifo(t)]
      await client.sendFds(Buffer.from('x'), fifos)
      const { fds } = await server.receiveFds(1, 253)
      t.is(fds.length, 3)
      for (const [index, fd] of fds.entries()) {
        writeSync(fifos[index]!, `to ${index}`)
        const buffer = Buffer.alloc(10)
        t.is(buffer.toString('utf8', 0, readSync(fd, buffer)), `to ${index}`)
        closeSync(fd)
      }
      const copies = (): number => fifos.reduce((sum, fifo) => sum + copiesOf(fifo), 0)
      t.is(copies(), 3)
      await client.sendFds('y', fifos)
      const { fds: one } = await server.receiveFds(1, 1)
      t.is(one.length, 1)
      t.is(copies(), 4)
      closeSync(one[0]!)
      // One that asks for bytes alone gets them alone.
      await client.sendFds('z', fifos)
      t.is((await server.receiveSome()).toString(), 'z')
      t.is(copies(), 3)
    })
  },
)

eachBackendWith('descriptors', test, 'they stand between the bytes where they were sent', async (t, backend) => {
  await withPair(t, backend, async (client, server) => {
    const fifo = someFifo(t)
    await client.sendAll('before ')
    await client.sendFds('with', [fifo])
    await client.sendAll(' after')
    let text = ''
    let where: number | undefined
    while (text.length < 17) {
      const { data, fds } = await server.receiveFds(100, 1)
      if (fds.length > 0) where = text.length
      for (const fd of fds) closeSync(fd)
      text += data.toString()
    }
    t.is(text, 'before with after')
    t.true(where !== undefined && where <= 7)
  })
})

eachBackendWith('descriptors', test, 'bytes that were read ahead come first, and without any', async (t, backend) => {
  await withPair(t, backend, async (client, server) => {
    await client.sendAll('line\nrest')
    await server.receiveUntil('\n', 10)
    await client.sendFds('x', [someFifo(t)])
    const first = await server.receiveFds(100, 1)
    t.deepEqual([first.data.toString(), first.fds], ['rest', []])
    const second = await server.receiveFds(100, 1)
    t.is(second.fds.length, 1)
    closeSync(second.fds[0]!)
  })
})

eachBackendWith(
  'descriptors',
  test,
  'much data: the descriptors with its first byte, the rest as in any send',
  async (t, backend) => {
    await withPair(t, backend, (client, server) =>
      createTaskGroup(async (tg) => {
        const data = Buffer.alloc(1_000_000, 'abc')
        tg.spawn(() => client.sendFds(data, [someFifo(t)]))
        const first = await server.receiveFds(10, 1)
        t.is(first.fds.length, 1)
        closeSync(first.fds[0]!)
        const rest = await server.receiveExactly(data.length - first.data.length)
        t.true(Buffer.concat([first.data, rest]).equals(data))
      }),
    )
  },
)

eachBackendWith('descriptors', test, 'the end, and a task in the same direction', async (t, backend) => {
  await withPair(t, backend, async (client, server) => {
    await createTaskGroup(async (tg) => {
      const waiting = tg.spawn(() => server.receiveFds(10, 1))
      await waitAllTasksBlocked()
      t.true((await rejection(server.receiveSome())) instanceof ResourceBusyError)
      waiting.cancel()
      await waiting.wait()
      const again = tg.spawn(() => server.receiveFds(10, 1))
      await waitAllTasksBlocked()
      await client.sendEof()
      const { data, fds } = await again.value()
      t.deepEqual([data.length, fds], [0, []])
    })
    await client.close()
    t.true((await rejection(client.sendFds('x', [0]))) instanceof ClosedResourceError)
    t.true((await rejection(client.receiveFds(1, 1))) instanceof ClosedResourceError)
  })
})

eachBackendWith(
  'descriptors',
  test,
  'cancelled while it waits, nothing of it is sent, and nothing is kept',
  async (t, backend) => {
    await withPair(t, backend, async (client, server) => {
      // Fill the way, so that it has to wait: several sends that do not end.
      const filler = Buffer.alloc(400_000)
      for (let stuck = 0; stuck < 3;) {
        const sent = await moveOnAfter(20, async () => (await client.sendAll(filler), true))
        stuck = sent === true ? 0 : stuck + 1
      }
      const fifo = someFifo(t)
      t.is(await moveOnAfter(5, () => client.sendFds('never', [fifo])), undefined)
      await createTaskGroup(async (tg) => {
        const reading = tg.spawn(async () => {
          let count = 0
          let fds = 0
          for (;;) {
            const received = await server.receiveFds(65_536, 10)
            if (received.data.length === 0) return { fds, clean: count > 0 }
            t.false(received.data.includes('never'))
            count += received.data.length
            fds += received.fds.length
          }
        })
        await client.sendEof()
        t.deepEqual(await reading.value(), { fds: 0, clean: true })
      })
      t.is(copiesOf(fifo), 1)
    })
  },
)

eachBackendWith(
  'descriptors',
  test,
  'what is no descriptor is EBADF, and the stream as good as before',
  async (t, backend) => {
    await withPair(t, backend, async (client, server) => {
      t.like(await rejection(client.sendFds('x', [2 ** 31 - 1])), { code: 'EBADF', syscall: 'sendmsg' })
      await client.sendFds('y', [someFifo(t)])
      const { data, fds } = await server.receiveFds(10, 1)
      t.is(data.toString(), 'y')
      closeSync(fds[0]!)
    })
  },
)

eachBackendWith('descriptors', test, 'neither TCP nor TLS carries any', async (t, backend) => {
  const { ca, server: own } = await certificates()
  await withPair(t, backend, async (client, server) => {
    await createTaskGroup(async (tg) => {
      tg.spawn(() => server.startTls(createTlsContext({ cert: own.cert, key: own.key })))
      await client.startTls(createTlsContext({ ca }), { hostname: 'server.test' })
    })
    t.true((await rejection(client.sendFds('x', [0]))) instanceof UnsupportedError)
    t.true((await rejection(client.receiveFds(1, 1))) instanceof UnsupportedError)
    await Promise.all([client.close(), server.close()])
    await using listener = await createTcpServer(0, LOCAL)
    await using stream = await connectTcp('127.0.0.1', listener.port)
    t.true((await rejection(stream.sendFds('x', [0]))) instanceof UnsupportedError)
  })
})

eachBackendWith('descriptors', test, 'Python passes one on, and gets one', async (t, backend) => {
  const place = socketFolder(t)
  writeFileSync(place('file'), 'from the file')
  const program = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.bind(sys.argv[1])
s.listen()
print("ready")
c, _ = s.accept()
data, fds, flags, address = socket.recv_fds(c, 100, 1)
print(data.decode(), os.read(fds[0], 100).decode())
fd = os.open(sys.argv[2], os.O_RDONLY)
os.lseek(fd, 5, 0)
socket.send_fds(c, [b"b"], [fd])
c.recv(1)
`
  const peer = python(t, program, place('python'), place('file'))
  t.is(await peer.line(), 'ready')
  await backend.run(async () => {
    await using stream = await connectUnix(place('python'))
    const fd = openSync(place('file'), 'r')
    await stream.sendFds('t', [fd])
    closeSync(fd)
    t.is(await peer.line(), 't from the file')
    const { data, fds } = await stream.receiveFds(100, 1)
    t.is(data.toString(), 'b')
    t.is(readFileSync(fds[0]!, 'utf8'), 'the file')
    closeSync(fds[0]!)
  })
  await peer.stop()
})

const CLOEXEC = 0o2000000

/** What the kernel says of a descriptor. */
function descriptorFlags(fd: number): number {
  return parseInt(/^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))![1]!, 8)
}

/** How many descriptors of this process have that fifo open. */
function copiesOf(fifo: number): number {
  const file = readlinkSync(`/proc/self/fd/${fifo}`)
  const linked = (fd: string): string | undefined => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      // That of the list itself.
      return undefined
    }
  }
  return readdirSync('/proc/self/fd').filter((fd) => linked(fd) === file).length
}

/** Both ends of a connection. */
async function withPair(
  t: ExecutionContext,
  backend: TestBackend,
  body: (client: UnixStream, server: UnixStream) => Promise<unknown>,
): Promise<void> {
  const path = socketFolder(t)('pair')
  await backend.run(async () => {
    await using listener = await createUnixServer(path)
    await using client = await connectUnix(path)
    await using server = await listener.accept()
    await body(client, server)
  })
}
