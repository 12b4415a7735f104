/** UDP when something is wrong: arguments, names, families, sizes, refusals, and more than anybody reads. */
import test from 'ava'
import {
  Cancelled,
  createUdpSocket,
  moveOnAfter,
  openCancelScope,
  type UDPSocket,
  type UDPSocketOptions,
  UnsupportedError,
  UsageError,
} from '../../index.ts'
import { DatagramPeer, eachBackendWith, freeUdpPort } from '../support/datagrams.ts'
import { rejection } from '../support/rejection.ts'

const LOCAL = { interface: '127.0.0.1' } as const

type Call = () => Promise<unknown>

const text = async (socket: UDPSocket): Promise<string> => (await socket.receive(100))[0].toString()

eachBackendWith(
  'udp',
  test,
  'a target is needed once: UsageError without one, and for a second one',
  async (t, backend) => {
    await backend.run(async () => {
      await using server = await createUdpSocket(LOCAL)
      await t.throwsAsync(server.send('x'), { instanceOf: UsageError })
      await t.throwsAsync(server.sendBatch([['x']]), { instanceOf: UsageError })
      const target = { targetHost: 'localhost', targetPort: server.port }
      await using client = await createUdpSocket({ ...LOCAL, ...target })
      const { address, port } = server.address
      for (const call of [
        () => client.send('x', '127.0.0.2', port),
        () => client.send('x', address, port === 9 ? 10 : 9),
        () => client.sendBatch([['x'], ['y', { ...server.address, port: 9 }]]),
      ])
        await t.throwsAsync(call(), { instanceOf: UsageError })
      // The own one may be said again: as a port of a program that always did.
      await client.send('by address', address, port)
      t.is(await text(server), 'by address')
      await client.send('by name', 'localhost', port)
      t.is(await text(server), 'by name')
    })
  },
)

eachBackendWith('udp', test, 'a connected socket hears of nobody else', async (t, backend) => {
  await backend.run(async () => {
    await using server = await createUdpSocket(LOCAL)
    await using stranger = await createUdpSocket(LOCAL)
    await using client = await createUdpSocket({ ...LOCAL, targetHost: '127.0.0.1', targetPort: server.port })
    await stranger.send('from a stranger', client.address).catch(() => {})
    await server.send('from the server', client.address)
    t.is(await text(client), 'from the server')
  })
})

eachBackendWith('udp', test, 'bad arguments are refused before anything starts', async (t, backend) => {
  await backend.run(async () => {
    const wrongType = { code: 'ERR_INVALID_ARG_TYPE' }
    const wrongValue = { code: 'ERR_OUT_OF_RANGE' }
    const open =
      (options: unknown): Call =>
      () =>
        createUdpSocket(options as UDPSocketOptions)
    for (const call of [
      open(null),
      open({ interface: 1 }),
      open({ port: '1' }),
      open({ targetHost: 'localhost' }),
      open({ targetPort: 1 }),
      open({ reusePort: 1 }),
    ])
      await t.throwsAsync(call(), wrongType)
    for (const call of [
      open({ interface: '' }),
      open({ port: -1 }),
      open({ port: 65_536 }),
      open({ targetHost: '', targetPort: 1 }),
      open({ targetHost: 'localhost', targetPort: 0 }),
    ])
      await t.throwsAsync(call(), wrongValue)

    await using socket = await createUdpSocket(LOCAL)
    const shared = new Uint8Array(new SharedArrayBuffer(4))
    for (const call of [
      () => socket.send(1 as never, '127.0.0.1', 1),
      () => socket.send(shared, '127.0.0.1', 1),
      () => socket.send('x', '127.0.0.1', undefined as never),
      () => socket.send('x', 7 as never, 1),
      () => socket.send('x', { address: 1, port: 1 } as never),
      () => socket.sendBatch('x' as never),
      () => socket.sendBatch(['x'] as never),
      () => socket.sendBatch([[1]] as never),
      () => socket.receive('1' as never),
      () => socket.receive(undefined as never),
      () => socket.receiveBatch('1' as never),
    ])
      await t.throwsAsync(call(), wrongType)
    for (const call of [
      () => socket.send('x', '', 1),
      () => socket.send('x', '127.0.0.1', 0),
      () => socket.send('x', '127.0.0.1', 65_536),
      () => socket.sendBatch([['x', { ...socket.address, port: 0 }]]),
      () => socket.receive(0),
      () => socket.receiveBatch(0),
    ])
      await t.throwsAsync(call(), wrongValue)
    t.throws(() => socket.receivePackets(0), wrongValue)
    t.throws(() => socket.getsockopt(null as never, 1), wrongType)
    t.throws(() => socket.setsockopt('SOL_SOCKET', 'SO_RCVBUF', 'big' as never), wrongType)
    // A bad one in a list: nothing of it has left.
    await t.throwsAsync(
      socket.sendBatch([
        ['good', socket.address],
        [1 as never, socket.address],
      ]),
      wrongType,
    )
    await socket.send('after', socket.address)
    t.is(await text(socket), 'after')
  })
})

eachBackendWith(
  'udp',
  test,
  'names: looked up for the call, once for a batch; one that is unknown is the bare error',
  async (t, backend) => {
    await backend.run(async () => {
      await using server = await createUdpSocket(LOCAL)
      await using client = await createUdpSocket(LOCAL)
      await client.send('one', 'localhost', server.port)
      t.is(await text(server), 'one')
      const byName = { address: 'localhost', port: server.port, family: 'IPv4' } as const
      await client.sendBatch([
        ['two', byName],
        ['three', server.address],
        ['four', byName],
      ])
      for (const word of ['two', 'three', 'four']) t.is(await text(server), word)

      const unknown = 'does-not-exist.invalid'
      for (const call of [
        () => client.send('x', unknown, 1),
        () =>
          client.sendBatch([
            ['x', server.address],
            ['y', { ...server.address, address: unknown }],
          ]),
        () => createUdpSocket({ interface: unknown }),
        () => createUdpSocket({ targetHost: unknown, targetPort: 1 }),
      ]) {
        const error = (await rejection(call())) as NodeJS.ErrnoException
        t.regex(error.code!, /^(ENOTFOUND|EAI_AGAIN)$/)
        t.like(error, { syscall: 'getaddrinfo', hostname: unknown })
      }
      // Nothing of that batch has left, and the socket is as good as before.
      await client.send('after', server.address)
      t.is(await text(server), 'after')
    })
  },
)

eachBackendWith(
  'udp',
  test,
  'a look-up is abandoned on cancellation, and its datagram does not leave',
  async (t, backend) => {
    await backend.run(async () => {
      await using server = await createUdpSocket(LOCAL)
      await using client = await createUdpSocket(LOCAL)
      await openCancelScope(async (scope) => {
        const sending = client.send('cancelled', 'localhost', server.port)
        scope.cancel()
        await t.throwsAsync(sending, { instanceOf: Cancelled })
      })
      await client.send('sent', 'localhost', server.port)
      t.is(await text(server), 'sent')
    })
  },
)

eachBackendWith(
  'udp',
  test,
  'too long a datagram: EMSGSIZE by the very call, and the socket is as good as before',
  async (t, backend) => {
    await backend.run(async () => {
      await using server = await createUdpSocket(LOCAL)
      await using client = await createUdpSocket({ targetHost: '127.0.0.1', targetPort: server.port })
      const tooLong = Buffer.alloc(65_508)
      await t.throwsAsync(client.send(tooLong), { code: 'EMSGSIZE' })
      await t.throwsAsync(server.send(tooLong, client.address), { code: 'EMSGSIZE' })
      // Those before it have left, those after it have not.
      await t.throwsAsync(client.sendBatch([['one'], ['two'], [tooLong], ['three']]), { code: 'EMSGSIZE' })
      await client.send('four')
      for (const word of ['one', 'two', 'four']) t.is(await text(server), word)
    })
  },
)

eachBackendWith(
  'udpPeers',
  test,
  'an ICMP refusal is ECONNREFUSED, once, to a waiting receive or the next call; then all is well',
  async (t, backend) => {
    const port = await freeUdpPort(t)
    await backend.run(async () => {
      await using socket = await createUdpSocket({ targetHost: '127.0.0.1', targetPort: port })
      const waiting = rejection(socket.receive(10))
      await socket.send('anybody there?')
      t.like(await waiting, { code: 'ECONNREFUSED', errno: -111 })

      const packets = socket.receivePackets(10)
      const next = rejection(packets.next())
      await socket.send('and now?')
      t.like(await next, { code: 'ECONNREFUSED' })

      // The refusal is the next call's, whichever it is, where nobody waits.
      await socket.send('once more')
      const refused = await rejection(
        (async () => {
          // The first one may leave before the refusal of the one above has come.
          for (let n = 0; n < 100; n++) await socket.send('still nobody?')
        })(),
      )
      t.like(refused, { code: 'ECONNREFUSED' })

      const peer = await DatagramPeer.bind(t, { port })
      // One more may be on its way from the sends above.
      while ((await socket.send('hello').catch(() => 'refused')) === 'refused');
      while ((await peer.text()) !== 'hello');
      await peer.send('here I am', socket.port)
      for (;;) {
        const got = await packets.next().catch(() => undefined)
        if (got === undefined) continue
        t.is((got.value as [Buffer])[0].toString(), 'here I am')
        break
      }
      peer.close()
    })
  },
)

eachBackendWith('udp', test, 'families that do not match: EAFNOSUPPORT', async (t, backend) => {
  await backend.run(async () => {
    await using four = await createUdpSocket(LOCAL)
    await using six = await createUdpSocket({ interface: '::1' })
    t.is(six.address.family, 'IPv6')
    await t.throwsAsync(four.send('x', '::1', six.port), { code: 'EAFNOSUPPORT' })
    await t.throwsAsync(six.send('x', '127.0.0.1', four.port), { code: 'EAFNOSUPPORT' })
    await t.throwsAsync(createUdpSocket({ ...LOCAL, targetHost: '::1', targetPort: 9 }), { code: 'EAFNOSUPPORT' })
    // Within one family all is well.
    await six.send('six', six.address)
    const [data, from] = await six.receive(10)
    t.is(data.toString(), 'six')
    t.like(from, { address: '::1', port: six.port, family: 'IPv6' })
  })
})

eachBackendWith(
  'udp',
  test,
  'no interface: both families on one port, each in its own form; :: is IPv6 alone',
  async (t, backend) => {
    await backend.run(async () => {
      await using both = await createUdpSocket()
      await using four = await createUdpSocket(LOCAL)
      await using six = await createUdpSocket({ interface: '::1' })
      for (const [socket, host, family] of [
        [four, '127.0.0.1', 'IPv4'],
        [six, '::1', 'IPv6'],
      ] as const) {
        await socket.send('hello', host, both.port)
        const [, from] = await both.receive(10)
        t.like(from, { address: host, port: socket.port, family })
        await both.send('as it is', from)
        t.is(await text(socket), 'as it is')
        await both.send('by its parts', host, socket.port)
        t.is(await text(socket), 'by its parts')
      }
      await using alone = await createUdpSocket({ interface: '::', port: 0 })
      t.like(alone.address, { address: '::', family: 'IPv6' })
      await t.throwsAsync(alone.send('x', '127.0.0.1', four.port), { code: 'EAFNOSUPPORT' })
    })
  },
)

eachBackendWith(
  'udp',
  test,
  'what cannot be bound is the bare system error, and leaves nothing',
  async (t, backend) => {
    await backend.run(async () => {
      await using socket = await createUdpSocket(LOCAL)
      const again = createUdpSocket({ ...LOCAL, port: socket.port })
      await t.throwsAsync(again, { code: 'EADDRINUSE' })
      await t.throwsAsync(createUdpSocket({ interface: '192.0.2.1' }), { code: 'EADDRNOTAVAIL' })
    })
  },
)

eachBackendWith(
  'udpPeers',
  test,
  'more than anybody reads: the kept are few, in order, and the socket lives',
  async (t, backend) => {
    const peer = await DatagramPeer.bind(t)
    await backend.run(async () => {
      await using socket = await createUdpSocket(LOCAL)
      const body = Buffer.alloc(1000)
      const count = 4000
      for (let n = 0; n < count; n++) {
        body.writeUInt32BE(n)
        await peer.send(body, socket.port)
      }
      const numbers: number[] = []
      const read = async (): Promise<boolean> => {
        const batch = await socket.receiveBatch()
        numbers.push(...batch.filter(([data]) => data.length === body.length).map(([data]) => data.readUInt32BE()))
        return batch.some(([data]) => data.length === 3)
      }
      await read()
      // There is room for one more, and it is behind all that were kept. A full buffer may still drop it: say it until heard.
      for (let ended = false; !ended;) {
        await peer.send('end', socket.port)
        ended =
          (await moveOnAfter(20, async () => {
            while (!(await read()));
            return true
          })) ?? false
      }
      t.is(numbers[0], 0)
      t.true(numbers.length < count, `${numbers.length} were kept`)
      t.deepEqual(
        numbers,
        [...numbers].sort((a, b) => a - b),
      )
    })
    peer.close()
  },
)

eachBackendWith(
  'udpPeers',
  test,
  'options: by name and by number, and what is broadcast needs one',
  async (t, backend) => {
    await backend.run(async () => {
      await using socket = await createUdpSocket({ interface: '0.0.0.0' })
      socket.setsockopt('SOL_SOCKET', 'SO_RCVBUF', 50_000)
      // Linux keeps twice as much, for its own bookkeeping.
      t.true(socket.getsockopt('SOL_SOCKET', 'SO_RCVBUF') >= 50_000)
      t.is(socket.getsockopt('SOL_SOCKET', 'SO_BROADCAST'), 0)
      await t.throwsAsync(socket.send('to all', '255.255.255.255', 9), { code: 'EACCES' })
      socket.setsockopt('SOL_SOCKET', 'SO_BROADCAST', true)
      t.is(socket.getsockopt('SOL_SOCKET', 'SO_BROADCAST'), 1)
      // A machine without a network has nowhere to send it; that is not the permission.
      const sent = await socket.send('to all', '255.255.255.255', 9).catch((error: NodeJS.ErrnoException) => error.code)
      t.not(sent, 'EACCES')
      socket.setsockopt('IPPROTO_IP', 'IP_MULTICAST_TTL', 3)
      t.is(socket.getsockopt('IPPROTO_IP', 'IP_MULTICAST_TTL'), 3)
      t.is(socket.getsockopt('IPPROTO_IP', 'IP_MULTICAST_LOOP'), 1)
      if (process.platform === 'linux') t.is(socket.getsockopt(0, 33), 3)
    })
  },
)

eachBackendWith(
  'udpPeers',
  test,
  'multicast: a group is joined by its structure, and left again',
  async (t, backend) => {
    const group = '239.255.7.9'
    const request = Buffer.from([239, 255, 7, 9, 127, 0, 0, 1])
    await backend.run(async () => {
      await using member = await createUdpSocket({ interface: '0.0.0.0' })
      await using sender = await createUdpSocket({ interface: '0.0.0.0' })
      sender.setsockopt('IPPROTO_IP', 'IP_MULTICAST_IF', Buffer.from([127, 0, 0, 1]))
      sender.setsockopt('IPPROTO_IP', 'IP_MULTICAST_LOOP', true)
      member.setsockopt('IPPROTO_IP', 'IP_ADD_MEMBERSHIP', request)
      await sender.send('to the group', group, member.port)
      t.is(await text(member), 'to the group')
      member.setsockopt('IPPROTO_IP', 'IP_DROP_MEMBERSHIP', request)
      // Left: a second time there is nothing to leave.
      t.throws(() => member.setsockopt('IPPROTO_IP', 'IP_DROP_MEMBERSHIP', request), { code: 'EADDRNOTAVAIL' })
      await sender.send('alone', '127.0.0.1', member.port)
      t.is(await text(member), 'alone')
    })
  },
)

eachBackendWith(
  'udpPeers',
  test,
  'reusePort: two sockets have one port, or the error says which Node can',
  async (t, backend) => {
    await backend.run(async () => {
      const options = { ...LOCAL, reusePort: true }
      const first = await createUdpSocket(options).catch((error: unknown) => error as Error)
      if (first instanceof Error) {
        t.true(first instanceof UnsupportedError)
        t.regex(first.message, /Node 22\.12.*native/)
        return
      }
      await using second = await createUdpSocket({ ...options, port: first.port })
      t.is(second.port, first.port)
      await first.close()
      await second.send('to the one that is left', second.address)
      t.is(await text(second), 'to the one that is left')
    })
  },
)
