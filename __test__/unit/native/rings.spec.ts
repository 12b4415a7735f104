/** Calls of JavaScript between an event in the addon and the delivery of its completion. */
import test from 'ava'
import net from 'node:net'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { ClosedResourceError } from '../../../src/errors.ts'
import { moveOnAfter } from '../../../src/scopes.ts'
import { connectTcp, createTcpServer } from '../../../src/sockets.ts'
import type { SocketStreamServer } from '../../../src/streams/socket-stream-server.ts'
import type { SocketStream } from '../../../src/streams/socket-stream.ts'
import { createUdpSocket } from '../../../src/udp.ts'
import { eachBackend, realBackends, testBackends } from '../../support/backends.ts'

const native = testBackends.filter(({ label }) => label.startsWith('native'))
const PIECE = 7500
const PIECES = 8
/** The most that a stream takes at once, in pieces that go through the slab. */
const pieces = Array.from({ length: PIECES }, () => Buffer.alloc(PIECE, 7))

/** A server, a stream to it with a tiny send buffer in the kernel, and the stream's other end. */
async function narrow(): Promise<{ server: SocketStreamServer; ours: SocketStream; theirs: SocketStream }> {
  const server = await createTcpServer(0, { interface: '127.0.0.1' })
  server.setsockopt('SOL_SOCKET', 'SO_RCVBUF', 2048)
  const ours = await connectTcp('127.0.0.1', server.port)
  ours.setsockopt('SOL_SOCKET', 'SO_SNDBUF', 2048)
  return { server, ours, theirs: await server.accept() }
}

/** Returns in a turn of the driver, with `count - 1` more bytes ready. */
async function inTurn(server: SocketStreamServer, count = 1): Promise<() => Promise<void>> {
  const [there, here] = [await connectTcp('127.0.0.1', server.port), await server.accept()]
  setTimeout(() => void there.sendAll(Buffer.alloc(count)), 1)
  for (let i = 0; i < count; i++) await here.receiveSome(1)
  return async () => {
    await there.close()
    await here.close()
  }
}

async function receiveAll(stream: SocketStream): Promise<number> {
  let count = 0
  for (;;) {
    const { length } = await stream.receiveSome()
    if (length === 0) return count
    count += length
  }
}

eachBackend(
  test,
  'close() waits for bytes taken before the send slab overflowed in the middle of a turn',
  async (t, backend) => {
    await backend.run(async () => {
      const { server, ours, theirs } = await narrow()
      const others: SocketStream[] = []
      for (let i = 0; i < 24; i++) others.push(await connectTcp('127.0.0.1', server.port), await server.accept())
      const side = await createTcpServer(0, { interface: '127.0.0.1' })
      const end = await inTurn(side)
      void ours.sendMany(pieces)
      const sending = others.map((other) => other.sendMany(pieces))
      const closing = ours.close()
      t.is(await receiveAll(theirs), PIECE * PIECES)
      await closing
      for (const other of others) other._reset()
      await Promise.allSettled(sending)
      await end()
      for (const each of [theirs, server, side]) await each.close()
    })
  },
  native,
)

for (const rounds of [1, 7, 8, 9]) {
  eachBackend(
    test,
    `close() waits for bytes taken in round ${rounds} of a turn`,
    async (t, backend) => {
      await backend.run(async () => {
        const { server, ours, theirs } = await narrow()
        const side = await createTcpServer(0, { interface: '127.0.0.1' })
        const end = await inTurn(side, rounds)
        void ours.sendMany(pieces)
        await new Promise((resolve) => setImmediate(resolve))
        const closing = ours.close()
        t.is(await receiveAll(theirs), PIECE * PIECES)
        await closing
        await end()
        for (const each of [theirs, server, side]) await each.close()
      })
    },
    native,
  )
}

eachBackend(
  test,
  'a connection accepted in the middle of a turn is closed when its listener closes before the completion is delivered',
  async (t, backend) => {
    await backend.run(async () => {
      const side = await createTcpServer(0, { interface: '127.0.0.1' })
      const server = await createTcpServer(0, { interface: '127.0.0.1' })
      const others: SocketStream[] = []
      for (let i = 0; i < 12; i++) others.push(await connectTcp('127.0.0.1', side.port), await side.accept())
      const client = net.connect(server.port, '127.0.0.1').on('error', () => {})
      const gone = once(client.resume(), 'close')
      await once(client, 'connect')
      const end = await inTurn(side)
      const accepting = server.accept()
      const sending = others.map((other) => other.sendMany(pieces))
      await server.close()
      await t.throwsAsync(accepting, { instanceOf: ClosedResourceError })
      await gone
      for (const other of others) other._reset()
      await Promise.allSettled(sending)
      await end()
      await side.close()
    })
    t.pass()
  },
  native,
)

eachBackend(
  test,
  'with an unread error queue, a waiting send can be cancelled and loses no byte',
  async (t, backend) => {
    if (process.platform !== 'linux') {
      t.pass()
      return
    }
    await backend.run(async () => {
      const { server, ours, theirs } = await narrow()
      // SO_TIMESTAMPING with SOF_TIMESTAMPING_TX_SOFTWARE and _SOFTWARE: the kernel queues a message for each packet
      // sent.
      ours.setsockopt('SOL_SOCKET', 37, 2 | 16)
      let sent = 0
      await moveOnAfter(50, async () => {
        for (;;) {
          await ours.sendAll(Buffer.alloc(60_000))
          sent += 60_000
        }
      })
      const received = receiveAll(theirs)
      await ours.close()
      const count = await received
      t.true(count >= sent && count <= sent + 60_000, `${count} of ${sent}`)
      await theirs.close()
      await server.close()
    })
  },
  native,
)

const linkLocal = Object.entries(networkInterfaces())
  .flatMap(([name, addresses]) => (addresses ?? []).map((each) => ({ name, address: each.address })))
  .find(({ address }) => address.startsWith('fe80:'))

eachBackend(
  test,
  'an IPv6 zone may be an interface name, and addresses keep it',
  async (t, backend) => {
    if (linkLocal === undefined) {
      t.log('no interface here has a link-local address')
      t.pass()
      return
    }
    const zone = `${linkLocal.address}%${linkLocal.name}`
    await backend.run(async () => {
      await using server = await createTcpServer(0, { interface: zone })
      t.is((server.address as net.AddressInfo).address, zone)
      await using client = await connectTcp(zone, server.port)
      await using stream = await server.accept()
      for (const { localAddress, remoteAddress } of [client, stream]) {
        t.deepEqual([localAddress.address, remoteAddress.address], [zone, zone])
      }
      await using receiver = await createUdpSocket({ interface: zone })
      t.is(receiver.address.address, zone)
      await using sender = await createUdpSocket({ targetHost: zone, targetPort: receiver.address.port })
      await sender.send('x')
      const [, from] = await receiver.receive(1)
      t.is(from.address, zone)
    })
  },
  realBackends,
)
