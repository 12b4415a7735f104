/** The simulated network: what links, partitions and crashes do, to the millisecond. */
import test from 'ava'
import {
  BrokenResourceError,
  connectTcp,
  createTaskGroup,
  createTcpServer,
  createUdpSocket,
  currentTime,
  moveOnAfter,
  sleep,
  type SocketStream,
  type SocketStreamServer,
} from '../../../index.ts'
import { VirtualNetwork } from '../../../src/backends/virtual/network.ts'
import type { TrafficRecord } from '../../../src/backends/virtual/traffic.ts'
import { type VirtualWorld, virtualWorld } from '../../support/virtual.ts'

/** A connection between the hosts 'client' and 'server', which have an IPv4 address each. */
async function withConnection(
  world: VirtualWorld,
  body: (client: SocketStream, server: SocketStream, listener: SocketStreamServer) => unknown,
  seed?: number,
): Promise<void> {
  const { network } = world
  const client = network.host('client')
  const server = network.host('server')
  await world.run(
    async () => {
      await using listener = await server.run(() => createTcpServer(80))
      await using near = await client.run(() => connectTcp(server.addresses[0]!, 80))
      await using far = await server.run(() => listener.accept())
      await body(near, far, listener)
    },
    { seed },
  )
}

function twoHosts(options = {}): VirtualWorld {
  const world = virtualWorld(options)
  world.network.host('client')
  world.network.host('server')
  return world
}

test('latency: connecting takes one round trip, data one way', async (t) => {
  const world = twoHosts({ latency: 50 })
  await withConnection(world, async (client, server) => {
    const start = currentTime()
    await client.sendAll('ping')
    t.is((await server.receiveExactly(4)).toString(), 'ping')
    t.is(currentTime() - start, 50)
  })
  const [syn, greeting] = world.network.record
  t.like(syn, { kind: 'syn', from: 'client', to: 'server', time: 0, arrived: 50, toPort: 80 })
  t.like(greeting, { kind: 'syn-ack', from: 'server', to: 'client', time: 50, arrived: 100 })
})

test('a link of its own, in one direction, set while a connection stands', async (t) => {
  const world = twoHosts()
  await withConnection(world, async (client, server) => {
    world.network.link('client', 'server', { latency: 30, oneWay: true })
    await client.sendAll('a')
    await server.receiveExactly(1)
    t.is(currentTime(), 30)
    await server.sendAll('b')
    await client.receiveExactly(1)
    t.is(currentTime(), 30)
  })
})

test('bandwidth: bytes take their time, and share the wire', async (t) => {
  const world = twoHosts({ bandwidth: 1000 })
  await withConnection(world, async (client, server) => {
    const start = currentTime()
    await client.sendAll(Buffer.alloc(5000))
    await server.receiveExactly(5000)
    t.is(Math.round(currentTime() - start), 5000)
  })
})

test('a receiver that does not read stops the sender: window and 64 KiB, and not a byte more', async (t) => {
  await withConnection(twoHosts({ latency: 10 }), async (client, server) => {
    let taken = 0
    await moveOnAfter(60_000, async () => {
      for (;;) {
        await client.sendAll(Buffer.alloc(1024))
        taken += 1024
      }
    })
    t.is(taken, 262_144 + 65_536)
    await server.receiveExactly(taken)
    t.pass('all of it arrived')
  })
})

test('loss delays TCP, and neither loses nor disorders anything', async (t) => {
  const world = twoHosts({ latency: 5, jitter: 20, loss: 0.2 })
  const sent = Buffer.from(Array.from({ length: 50_000 }, (_, index) => index % 251))
  await withConnection(world, async (client, server) => {
    await createTaskGroup((group) => {
      group.spawn(() => client.sendAll(sent))
      group.spawn(async () => t.deepEqual(await server.receiveExactly(sent.length), sent))
    })
  })
  const again = world.network.record.filter((packet) => packet.retransmissions > 0)
  t.true(again.length > 0)
  t.true(again.every(({ outcome }) => outcome === 'delivered'))
})

test('what is sent into a partition arrives in order when it is healed', async (t) => {
  const world = twoHosts({ latency: 10 })
  await withConnection(world, async (client, server) => {
    await client.sendAll('under way ')
    world.network.partition(['server'])
    await client.sendAll('held back')
    t.is(await moveOnAfter(5000, () => server.receiveSome()), undefined)
    t.true(world.network.record.some(({ outcome }) => outcome === 'held'))
    world.network.heal()
    const start = currentTime()
    t.is((await server.receiveExactly(19)).toString(), 'under way held back')
    t.is(currentTime() - start, 10)
  })
})

test('a partition divides two sides, and leaves the others alone', async (t) => {
  const world = virtualWorld({ latency: 1, connectTimeout: 3000 })
  const [a, b, c] = ['a', 'b', 'c'].map((name) =>
    world.network.host(name, { addresses: [`10.9.9.${name.charCodeAt(0)}`] }),
  )
  await world.run(async () => {
    await using server = await c!.run(() => createTcpServer(80))
    world.network.partition([a!], ['c'])
    await using fromB = await b!.run(() => connectTcp('c', 80))
    t.is(fromB.remoteAddress.port, server.port)
    await t.throwsAsync(
      a!.run(() => connectTcp('c', 80)),
      { code: 'ETIMEDOUT' },
    )
    t.is(currentTime(), 3002)
  })
})

test('a connection attempt gives up after two minutes, or is answered once a partition is healed', async (t) => {
  const world = twoHosts({ latency: 10 })
  const { network } = world
  const client = network.host('client')
  await world.run(async () => {
    await using server = await network.host('server').run(() => createTcpServer(80))
    network.partition(['client'])
    const connect = (): Promise<SocketStream> =>
      client.run(() => connectTcp(network.host('server').addresses[0]!, server.port))
    const error = await t.throwsAsync(connect())
    t.like(error, { code: 'ETIMEDOUT', errno: -110, syscall: 'connect', port: 80 })
    t.is(currentTime(), 127_000)
    const syns = network.record.filter(({ kind }) => kind === 'syn').map(({ time }) => time / 1000)
    t.deepEqual(syns, [0, 1, 3, 7, 15, 31, 63])
    await createTaskGroup((group) => {
      group.spawn(async () => {
        await using stream = await connect()
        t.is(currentTime(), 128_020)
        t.truthy(stream.localAddress)
      })
      group.spawn(async () => {
        await sleep(1000)
        network.heal()
      })
    })
  })
  t.is(client.openSockets, 0)
})

test('data that nobody acknowledges breaks the connection after a quarter of an hour', async (t) => {
  const world = twoHosts()
  await withConnection(world, async (client) => {
    world.network.partition(['server'])
    await client.sendAll('is anybody there?')
    const error = await t.throwsAsync(client.receiveSome(), { instanceOf: BrokenResourceError })
    t.like(error.cause, { code: 'ETIMEDOUT', syscall: 'read' })
    t.is(currentTime(), 924_600)
  })
})

test('a host that crashes says nothing; once it is back, it answers old connections with a reset', async (t) => {
  const world = twoHosts({ latency: 10 })
  const server = world.network.host('server')
  await withConnection(world, async (client) => {
    server.crash()
    t.is(server.openSockets, 0)
    t.is(await moveOnAfter(3_600_000, () => client.receiveSome()), undefined, 'half-open')
    await client.sendAll('hello?')
    t.is(await moveOnAfter(1000, () => client.receiveSome()), undefined)
    const start = currentTime()
    server.restart()
    const error = await t.throwsAsync(client.receiveSome(), { instanceOf: BrokenResourceError })
    t.like(error.cause, { code: 'ECONNRESET', syscall: 'read', errno: -104 })
    t.is(currentTime() - start, 20)
    await t.throwsAsync(
      world.network.host('client').run(() => connectTcp(server.addresses[0]!, 80)),
      { code: 'ECONNREFUSED' },
      'its servers are gone',
    )
  })
})

test('reset: both ends hear of it', async (t) => {
  const world = twoHosts()
  await withConnection(world, async (client, server) => {
    world.network.reset('server', 'client')
    for (const end of [client, server]) {
      const error = await t.throwsAsync(end.receiveSome(), { instanceOf: BrokenResourceError })
      t.like(error.cause, { code: 'ECONNRESET' })
    }
  })
})

test('closing with data that nobody read resets the connection, and without is an orderly end', async (t) => {
  const world = twoHosts()
  await withConnection(world, async (client, server) => {
    await client.sendAll('nobody reads this')
    await sleep(1)
    await server.sendAll('this is read')
    await server.close()
    t.is((await client.receiveSome()).toString(), 'this is read')
    const error = await t.throwsAsync(client.receiveSome(), { instanceOf: BrokenResourceError })
    t.like(error.cause, { code: 'ECONNRESET' })
  })
  await withConnection(twoHosts(), async (client, server) => {
    await server.sendAll('the last word')
    await server.close()
    t.is((await client.receiveSome()).toString(), 'the last word')
    t.is((await client.receiveSome()).length, 0)
  })
})

test('the queue of a listener is bounded: who comes too late knocks again', async (t) => {
  const world = virtualWorld()
  await world.run(async () => {
    await using server = await createTcpServer(80, { backlog: 1, interface: '127.0.0.1' })
    await createTaskGroup((group) => {
      for (let client = 0; client < 3; client++) {
        group.spawn(async () => {
          await using stream = await connectTcp('127.0.0.1', 80)
          t.is(stream.remoteAddress.port, 80)
          t.is(currentTime(), client < 2 ? 0 : 1000)
          await sleep(2000)
        })
      }
      group.spawn(async () => {
        await sleep(500)
        for (let client = 0; client < 3; client++) {
          const accepted = await server.accept()
          group.spawn(async () => {
            await accepted.receiveSome()
            await accepted.close()
          })
        }
      })
    })
  })
})

test('datagrams are lost, doubled and overtaken, as often as the link says', async (t) => {
  const world = twoHosts({ latency: 10, loss: 0.2, duplicate: 0.2, reorder: 0.3 })
  const { network } = world
  const got: number[] = []
  await world.run(async () => {
    await using server = await network.host('server').run(() => createUdpSocket({ port: 53 }))
    await using client = await network.host('client').run(() => createUdpSocket())
    for (let index = 0; index < 200; index++) {
      await client.send(Buffer.from([index]), network.host('server').addresses[0]!, 53)
      await sleep(1)
    }
    await moveOnAfter(1000, async () => {
      for (;;) got.push((await server.receive(10))[0][0]!)
    })
  })
  const sent = network.record.filter(({ kind }) => kind === 'datagram')
  const lost = sent.filter(({ outcome }) => outcome === 'lost').length
  const doubled = sent.filter(({ duplicated }) => duplicated).length
  t.is(sent.length, 200)
  t.is(got.length, 200 - lost + doubled)
  t.is(new Set(got).size, 200 - lost)
  t.true(lost > 20 && lost < 60, String(lost))
  t.true(doubled > 10 && doubled < 60, String(doubled))
  t.notDeepEqual(
    got,
    [...got].sort((a, b) => a - b),
  )
})

/** What happens on a bad network, with a seed: everything that was sent. */
async function traffic(seed: number): Promise<readonly TrafficRecord[]> {
  const world = twoHosts({ latency: 5, jitter: 10, loss: 0.1 })
  await withConnection(
    world,
    async (client, server) => {
      await createTaskGroup((group) => {
        for (let task = 0; task < 5; task++) {
          group.spawn(async () => {
            await using socket = await createUdpSocket()
            for (let index = 0; index < 5; index++) {
              await socket.send(`${task}.${index}`, world.network.host('server').addresses[0]!, 7)
              await sleep(task + index)
            }
          })
        }
        group.spawn(() => client.sendAll(Buffer.alloc(20_000)))
        group.spawn(() => server.receiveExactly(20_000))
      })
    },
    seed,
  )
  return world.network.record
}

// Serial: the turns of the event loop are shared by all runs of a thread.
test.serial('the same seed sends the same bytes at the same times, another one does not', async (t) => {
  const first = await traffic(7)
  t.true(first.length > 30)
  t.deepEqual(await traffic(7), first)
  for (const seed of [8, 9, -1, 2 ** 40]) t.notDeepEqual(await traffic(seed), first)
})

test('bad arguments are refused', (t) => {
  const network = new VirtualNetwork()
  network.host('a', { addresses: ['10.7.0.1'] })
  const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
  const range = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }
  t.throws(() => new VirtualNetwork({ latency: '1' as never }), type)
  t.throws(() => new VirtualNetwork({ latency: -1 }), range)
  t.throws(() => new VirtualNetwork({ loss: 1.5 }), range)
  t.throws(() => new VirtualNetwork({ bandwidth: 0 }), range)
  t.throws(() => new VirtualNetwork({ connectTimeout: 0 }), range)
  t.throws(() => network.host(7 as never), type)
  t.throws(() => network.host('two words'), range)
  t.throws(() => network.host('127.0.0.1'), range)
  t.throws(() => network.host('b', { addresses: ['name'] }), range)
  t.throws(() => network.host('b', { addresses: ['10.7.0.1'] }), range)
  t.throws(() => network.host('a', { addresses: ['10.7.0.2'] }), range)
  t.throws(() => network.alias('a', []), range)
  t.throws(() => network.link('a', 'nobody', {}), range)
  t.throws(() => network.link('a', 1 as never, {}), type)
  t.throws(() => network.link('a', 'a', { jitter: Infinity }), range)
  t.throws(() => network.partition('a' as never), type)
  t.throws(() => network.partition([new VirtualNetwork().host('a')]), range)
  t.throws(() => network.host('a').run(undefined as never), type)
})
