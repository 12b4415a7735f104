/** UDP: what is sent arrives, and who waits for it is told what happens to the socket. */
import { inspect } from 'node:util'
import test from 'ava'
import {
  Cancelled,
  ClosedResourceError,
  createTaskGroup,
  createUdpSocket,
  moveOnAfter,
  openCancelScope,
  type Packet,
  ResourceBusyError,
  sleep,
  UDPSocket,
} from '../../index.ts'
import type { TestBackend } from '../support/backends.ts'
import { DatagramPeer, eachBackendWith, python, warnings } from '../support/datagrams.ts'
import { rejection } from '../support/rejection.ts'

const LOCAL = { interface: '127.0.0.1' } as const

/** A bound socket, and one that is connected to it. */
async function withPair(backend: TestBackend, body: (client: UDPSocket, server: UDPSocket) => unknown): Promise<void> {
  await backend.run(async () => {
    await using server = await createUdpSocket(LOCAL)
    await using client = await createUdpSocket({ targetHost: '127.0.0.1', targetPort: server.port })
    await body(client, server)
  })
}

/** The next `count` datagrams, however they are bundled. */
async function take(socket: UDPSocket, count: number): Promise<Packet[]> {
  const packets: Packet[] = []
  while (packets.length < count) packets.push(...(await socket.receiveBatch(count - packets.length)))
  return packets
}

const texts = (packets: readonly Packet[]): string[] => packets.map(([data]) => data.toString())

eachBackendWith('udpPeers', test, 'datagrams go to and come from a socket of node:dgram', async (t, backend) => {
  const peer = await DatagramPeer.bind(t)
  await backend.run(async () => {
    await using socket = await createUdpSocket({ interface: '127.0.0.1' })
    t.true(socket instanceof UDPSocket)
    t.is(socket.port, socket.address.port)
    t.deepEqual(socket.address, { address: '127.0.0.1', port: socket.port, family: 'IPv4' })
    await socket.send('to you', '127.0.0.1', peer.port)
    const { data, from } = await peer.next()
    t.is(data.toString(), 'to you')
    t.is(from.port, socket.port)
    await peer.send('to me', socket.port)
    const [answer, whom] = await socket.receive(100)
    t.is(answer.toString(), 'to me')
    t.true(Buffer.isBuffer(answer))
    t.like(whom, { address: '127.0.0.1', port: peer.port, family: 'IPv4' })
  })
  peer.close()
})

eachBackendWith('udpPeers', test, 'Python echoes bytes of every length', async (t, backend) => {
  const program = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.1', 0))
print(s.getsockname()[1])
while True:
    data, sender = s.recvfrom(65536)
    s.sendto(data[::-1], sender)
`
  const echo = python(t, program)
  const port = Number(await echo.line())
  await backend.run(async () => {
    await using socket = await createUdpSocket({ targetHost: '127.0.0.1', targetPort: port })
    for (const length of [0, 1, 1400, 9000, 65_507]) {
      const data = Buffer.alloc(length, 'abc')
      await socket.send(data)
      const [echoed, from] = await socket.receive(65_536)
      t.deepEqual(echoed, Buffer.from(data).reverse())
      t.is(from.port, port)
    }
  })
  await echo.stop()
})

eachBackendWith(
  'udp',
  test,
  'where a datagram came from can be looked at, printed, and sent to as it is',
  async (t, backend) => {
    await withPair(backend, async (client, server) => {
      await client.send('question')
      const [data, from] = await server.receive(100)
      t.is(data.toString(), 'question')
      // Before anybody has looked at it.
      await server.send('answer', from)
      const plain = { address: '127.0.0.1', port: client.port, family: 'IPv4' }
      t.deepEqual(JSON.parse(JSON.stringify(from)), plain)
      t.deepEqual({ address: from.address, port: from.port, family: from.family }, plain as never)
      t.true(inspect(from).includes(`port: ${client.port}`))
      const [answer, whom] = await client.receive(100)
      t.is(answer.toString(), 'answer')
      t.is(whom.port, server.port)
      // A connected socket answers what it heard of in the same words.
      await client.send('again', whom)
      t.deepEqual(texts(await take(server, 1)), ['again'])
      // And an address of one's own making is as good.
      await server.send('by hand', { address: '127.0.0.1', port: client.port, family: 'IPv4' })
      t.deepEqual(texts(await take(client, 1)), ['by hand'])
    })
  },
)

eachBackendWith(
  'udp',
  test,
  'a datagram longer than asked for is cut, and the next one is whole',
  async (t, backend) => {
    await withPair(backend, async (client, server) => {
      await client.sendBatch([['0123456789'], ['abc'], ['0123456789'], ['abc']])
      t.is((await server.receive(4))[0].toString(), '0123')
      t.is((await server.receive(4))[0].toString(), 'abc')
      const packets = server.receivePackets(2)
      t.is((await packets.next()).value?.[0].toString(), '01')
      t.is((await packets.next()).value?.[0].toString(), 'ab')
    })
  },
)

eachBackendWith(
  'udp',
  test,
  'N10: a datagram of no bytes is delivered in an iteration, which goes on; close from another task ends it',
  async (t, backend) => {
    await withPair(backend, async (client, server) => {
      const got: string[] = []
      await createTaskGroup(async (tg) => {
        tg.spawn(async () => {
          for await (const [data, from] of server.receivePackets(100)) {
            got.push(data.toString())
            await server.send('', from)
          }
          got.push('end')
        })
        for (const text of ['first', '', 'last']) {
          await client.send(text)
          const [nothing] = await client.receive(1)
          t.is(nothing.length, 0)
        }
        await server.close()
      })
      t.deepEqual(got, ['first', '', 'last', 'end'])
      // Closed is the end for an iteration that begins later, too.
      t.deepEqual(await server.receivePackets(10).next(), { done: true, value: undefined })
    })
  },
)

eachBackendWith(
  'udp',
  test,
  'a batch is what is there, in order and up to a number; the rest stays',
  async (t, backend) => {
    await withPair(backend, async (client, server) => {
      await client.sendBatch(Array.from({ length: 40 }, (_, n): [string] => [`number ${n}`]))
      t.deepEqual(texts(await take(server, 1)), ['number 0'])
      const batch = await server.receiveBatch(5)
      t.true(batch.length >= 1 && batch.length <= 5)
      const more = await take(server, 39 - batch.length)
      t.deepEqual(
        texts([...batch, ...more]),
        Array.from({ length: 39 }, (_, n) => `number ${n + 1}`),
      )
      // None is no work.
      await client.sendBatch([])
      // Each to its own target.
      const [[, from]] = (await (async () => {
        await client.send('who')
        return take(server, 1)
      })()) as [Packet]
      await server.sendBatch([
        ['one', from],
        [Buffer.from('two'), { address: '127.0.0.1', port: client.port, family: 'IPv4' }],
        ['', from],
      ])
      t.deepEqual(texts(await take(client, 3)), ['one', 'two', ''])
    })
  },
)

eachBackendWith(
  'udp',
  test,
  'a cancelled receive has lost nothing, and an iteration survives it',
  async (t, backend) => {
    await withPair(backend, async (client, server) => {
      t.is(await moveOnAfter(5, () => server.receive(10)), undefined)
      await client.send('one')
      t.is((await server.receive(10))[0].toString(), 'one')
      const packets = server.receivePackets(10)
      await openCancelScope(async (scope) => {
        const waiting = packets.next()
        scope.cancel()
        await t.throwsAsync(waiting, { instanceOf: Cancelled })
      })
      await client.send('two')
      t.is((await packets.next()).value?.[0].toString(), 'two')
      // `break` ends the iterator only.
      await client.send('three')
      for await (const [data] of server.receivePackets(10)) {
        t.is(data.toString(), 'three')
        break
      }
      await client.send('four')
      t.is((await server.receive(10))[0].toString(), 'four')
    })
  },
)

eachBackendWith(
  'udp',
  test,
  'what is at hand is not lost by a receive that is cancelled at entry',
  async (t, backend) => {
    await withPair(backend, async (client, server) => {
      await client.sendBatch([['a'], ['b'], ['c']])
      t.deepEqual(texts(await take(server, 1)), ['a'])
      await openCancelScope(async (scope) => {
        scope.cancel()
        await t.throwsAsync(server.receive(10), { instanceOf: Cancelled })
        await t.throwsAsync(server.receiveBatch(), { instanceOf: Cancelled })
      })
      t.deepEqual(texts(await take(server, 2)), ['b', 'c'])
    })
  },
)

eachBackendWith(
  'udp',
  test,
  'two tasks in one direction: the second is refused, the first undisturbed',
  async (t, backend) => {
    await withPair(backend, async (client, server) => {
      const waiting = server.receive(10)
      for (const second of [
        () => server.receive(10),
        () => server.receiveBatch(),
        () => server.receivePackets(10).next(),
      ])
        await t.throwsAsync(second(), { instanceOf: ResourceBusyError })
      // The other direction is free.
      await server.send('out', '127.0.0.1', client.port)
      await client.send('in')
      t.is((await waiting)[0].toString(), 'in')
      t.is((await client.receive(10))[0].toString(), 'out')
      // The look-up of a name belongs to the send.
      const sending = server.send('by name', 'localhost', client.port)
      await t.throwsAsync(server.send('second', '127.0.0.1', client.port), { instanceOf: ResourceBusyError })
      await t.throwsAsync(server.sendBatch([['second', client.address]]), { instanceOf: ResourceBusyError })
      await sending
      t.is((await client.receive(10))[0].toString(), 'by name')
    })
  },
)

eachBackendWith(
  'udp',
  test,
  'own close wakes who waits, and everything after it is ClosedResourceError',
  async (t, backend) => {
    await withPair(backend, async (client, server) => {
      const receiving = rejection(server.receive(10))
      const sending = rejection(server.send('x', 'localhost', client.port))
      await server.close()
      t.true((await receiving) instanceof ClosedResourceError)
      t.true((await sending) instanceof ClosedResourceError)
      await server.close()
      for (const call of [
        () => server.receive(1),
        () => server.receiveBatch(),
        () => server.send('x', '127.0.0.1', client.port),
        () => server.send('x', 'localhost', client.port),
        () => server.sendBatch([['x', client.address]]),
      ])
        await t.throwsAsync(call(), { instanceOf: ClosedResourceError })
      t.throws(() => server.getsockopt('SOL_SOCKET', 'SO_RCVBUF'), { instanceOf: ClosedResourceError })
      t.throws(() => server.setsockopt('SOL_SOCKET', 'SO_RCVBUF', 4096), { instanceOf: ClosedResourceError })
      // What it was stays known.
      t.true(server.port > 0)
    })
  },
)

eachBackendWith(
  'udp',
  test,
  'close and the disposer close in a cancelled scope, and raise no cancellation',
  async (t, backend) => {
    await backend.run(async () => {
      const first = await createUdpSocket(LOCAL)
      const second = await createUdpSocket(LOCAL)
      await openCancelScope(async (scope) => {
        scope.cancel()
        await t.notThrowsAsync(first.close())
        await second[Symbol.asyncDispose]()
      })
      for (const socket of [first, second]) await t.throwsAsync(socket.receive(1), { instanceOf: ClosedResourceError })
    })
  },
)

eachBackendWith(
  'udp',
  test,
  'in a cancelled scope everything throws Cancelled, and nothing leaves',
  async (t, backend) => {
    await withPair(backend, async (client, server) => {
      await client.send('at hand')
      const [, from] = await server.receive(10)
      await openCancelScope(async (scope) => {
        scope.cancel()
        for (const call of [
          () => server.receive(10),
          () => server.receiveBatch(),
          () => server.receivePackets(10).next(),
          () => server.send('x', from),
          () => server.send('x', 'localhost', client.port),
          () => server.sendBatch([['x', from]]),
          () => server.sendBatch([]),
          () => createUdpSocket(),
          () => createUdpSocket({ targetHost: 'localhost', targetPort: 9 }),
        ])
          await t.throwsAsync(call(), { instanceOf: Cancelled })
      })
      await server.send('the first', from)
      t.is((await client.receive(10))[0].toString(), 'the first')
    })
  },
)

eachBackendWith(
  // Not on virtual: there, time stands still while anything goes on.
  'udpPeers',
  test,
  'a loop over datagrams that are always there lets timers and others run',
  async (t, backend) => {
    await backend.run(async () => {
      await using socket = await createUdpSocket(LOCAL)
      let sent = 0
      await createTaskGroup(async (tg) => {
        tg.spawn(async () => {
          await sleep(1)
          tg.cancelScope.cancel()
        })
        for (;;) {
          await socket.send('to myself', socket.address)
          await socket.receive(100)
          sent++
        }
      })
      t.true(sent > 0)
    })
  },
)

eachBackendWith('udp', test, 'a call nobody awaited leaves no socket behind', async (t, backend) => {
  const warned = warnings(t)
  await backend.run(async () => {
    await openCancelScope(async () => {
      void createUdpSocket()
      void createUdpSocket({ targetHost: 'localhost', targetPort: 9 })
    })
  })
  // Cancelled, or done before its scope could end: then the run closes it, and says so.
  for (const warning of await warned())
    t.regex((warning as { code?: string }).code ?? '', /^STRUCTIO_LEFT_(OPEN|BEHIND)$/)
})

eachBackendWith(
  'udp',
  test,
  'a socket still open when its run ends is closed, with a warning that names it',
  async (t, backend) => {
    const warned = warnings(t)
    let port = 0
    await backend.run(async () => {
      const socket = await createUdpSocket(LOCAL)
      port = socket.port
    })
    const [warning, ...others] = await warned()
    t.like(warning, { code: 'STRUCTIO_LEFT_OPEN' } as never)
    t.true(warning!.message.startsWith(`UDP socket 127.0.0.1:${port} was still open`))
    t.deepEqual(others, [])
  },
)
