/**
 * The virtual backend's network: programs written against the public API, under what may happen to a connection. Times are
 * exact: nothing else takes any.
 */
import test from 'ava'
import {
  BrokenResourceError,
  ConnectionFailed,
  connectTcp,
  connectUnix,
  createEvent,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  createUdpSocket,
  createUnixServer,
  currentTime,
  failAfter,
  moveOnAfter,
  openCancelScope,
  sleep,
  type SocketStream,
  TimeoutError,
} from '../../index.ts'
import { certificates } from '../support/certificates.ts'
import { virtualWorld } from '../support/virtual.ts'

const delays = { happyEyeballsDelay: 250 }

/** A name with three addresses, which take so long to connect to; `undefined`: nobody listens there. */
function threeAddresses(times: readonly [ms: number, listens: boolean][]) {
  const world = virtualWorld()
  const hosts = times.map(([ms], index) => {
    const host = world.network.host(`h${index}`, { addresses: [`10.2.0.${index + 1}`] })
    world.network.link('localhost', host, { latency: ms / 2 })
    return host
  })
  world.network.alias(
    'service.test',
    hosts.flatMap((host) => host.addresses),
  )
  return {
    ...world,
    hosts,
    listen: async (): Promise<AsyncDisposable> => {
      const servers = hosts.map((host, index) => (times[index]![1] ? host.run(() => createTcpServer(80)) : undefined))
      const listening = await Promise.all(servers)
      return { [Symbol.asyncDispose]: async () => void (await Promise.all(listening.map((server) => server?.close()))) }
    },
    syns: (): unknown[] => world.network.record.filter(({ kind }) => kind === 'syn').map(({ to, time }) => [to, time]),
  }
}

test('N9: the second address wins at 350 ms, the third is never tried', async (t) => {
  const world = threeAddresses([
    [1000, true],
    [100, true],
    [200, true],
  ])
  await world.run(async () => {
    await using _listeners = await world.listen()
    const stream = await connectTcp('service.test', 80, delays)
    t.is(currentTime(), 350)
    t.is(stream.remoteAddress.address, '10.2.0.2')
    t.is(world.network.host('localhost').openSockets, 1)
    await stream.close()
  })
  t.deepEqual(world.syns(), [
    ['h0', 0],
    ['h1', 250],
  ])
})

test('N9: an attempt that fails starts the next one at once', async (t) => {
  const world = threeAddresses([
    [50, false],
    [100, true],
    [200, true],
  ])
  await world.run(async () => {
    await using _listeners = await world.listen()
    await using stream = await connectTcp('service.test', 80, delays)
    t.is(currentTime(), 150)
    t.is(stream.remoteAddress.address, '10.2.0.2')
  })
  t.deepEqual(world.syns(), [
    ['h0', 0],
    ['h1', 50],
  ])
})

test('N9: all attempts fail: one error with all of them inside', async (t) => {
  const world = threeAddresses([
    [50, false],
    [400, false],
    [20, false],
  ])
  await world.run(async () => {
    const error = await t.throwsAsync(connectTcp('service.test', 80, delays), { instanceOf: ConnectionFailed })
    t.deepEqual(
      error.errors.map(({ code, address, port }: NodeJS.ErrnoException & { address: string; port: number }) => [
        code,
        address,
        port,
      ]),
      [1, 2, 3].map((last) => ['ECONNREFUSED', `10.2.0.${last}`, 80]),
    )
    t.is(currentTime(), 450)
  })
})

test('N9: cancelled from outside, no socket is left', async (t) => {
  const world = threeAddresses([
    [1000, true],
    [1000, true],
    [1000, true],
  ])
  await world.run(async () => {
    await using _listeners = await world.listen()
    t.is(await moveOnAfter(600, () => connectTcp('service.test', 80, delays)), undefined)
    t.is(world.network.host('localhost').openSockets, 0)
    await sleep(5000)
    t.deepEqual(
      world.hosts.map((host) => host.openSockets),
      [1, 1, 1],
      'the listeners, and nothing in their queues',
    )
  })
  t.is(world.syns().length, 3)
})

test('R1: the loser of a race with an event is not receiving any more, and has taken no bytes', async (t) => {
  const world = virtualWorld({ latency: 10 })
  const server = world.network.host('server', { addresses: ['10.3.0.1'] })
  await world.run(async () => {
    await using listener = await server.run(() => createTcpServer(80))
    await using client = await connectTcp('server', 80)
    await using accepted = await listener.accept()
    const event = createEvent()
    await createTaskGroup(async (group) => {
      group.spawn(async () => {
        await sleep(5)
        event.set()
        await accepted.sendAll('next')
      })
      await openCancelScope(() => Promise.race([client.receiveSome(), event.wait()]))
    })
    t.is((await client.receiveSome()).toString(), 'next')
  })
})

async function echo(stream: SocketStream): Promise<void> {
  for await (const chunk of stream) await stream.sendAll(chunk)
}

test('several hosts: each has its own ports, and is localhost to itself', async (t) => {
  const world = virtualWorld()
  const hosts = ['a', 'b', 'c'].map((name) => world.network.host(name))
  await world.run(() =>
    createTaskGroup(async (group) => {
      const servers = await Promise.all(hosts.map((host) => host.run(() => createTcpServer(80))))
      for (const [index, server] of servers.entries())
        group.spawn(() => server.serve((stream) => stream.sendAll(hosts[index]!.name)))
      for (const host of hosts) {
        const said = async (target: string): Promise<string> => {
          await using stream = await host.run(() => connectTcp(target, 80))
          return (await stream.receiveSome()).toString()
        }
        t.is(await said('localhost'), host.name)
        t.deepEqual(await Promise.all(hosts.map(({ name }) => said(name))), ['a', 'b', 'c'])
      }
      // A task is on the host that its spawner was on.
      await hosts[1]!.run(async () => {
        const one = group.spawn(() => connectTcp('localhost', 80))
        const stream = await one.value()
        t.is((await stream.receiveSome()).toString(), 'b')
        await stream.close()
      })
      await t.throwsAsync(connectTcp('127.0.0.1', 80), { code: 'ECONNREFUSED' })
      await t.throwsAsync(connectTcp('nobody', 80), { code: 'ENOTFOUND', message: 'getaddrinfo ENOTFOUND nobody' })
      for (const server of servers) await server.close()
    }),
  )
  t.deepEqual(
    hosts.map((host) => host.openSockets),
    [0, 0, 0],
  )
})

for (const seed of [undefined, 5]) {
  test(`TLS: a handshake, data and goodbye take round trips, no more (seed ${seed})`, async (t) => {
    const { ca, server: identity } = await certificates()
    const world = virtualWorld({ latency: 100 })
    const server = world.network.host('server', { addresses: ['10.4.0.1'] })
    const context = createTlsContext({ cert: identity.cert, key: identity.key, minVersion: 'TLSv1.3' })
    await world.run(
      () =>
        createTaskGroup(async (group) => {
          const listener = await server.run(() => createTcpServer(443, { tls: context }))
          group.spawn(() => listener.serve(echo))
          const stream = await connectTcp('server', 443, {
            tls: createTlsContext({ ca }),
            autostartTls: true,
            tlsHostname: 'localhost',
          })
          t.is(currentTime(), 400, 'TCP and TLS 1.3, a round trip each')
          t.is(stream.tlsVersion, 'TLSv1.3')
          await stream.sendAll('secret')
          t.is((await stream.receiveExactly(6)).toString(), 'secret')
          t.is(currentTime(), 600)
          await stream.close()
          t.is(currentTime(), 800, 'goodbye, and back')
          await listener.close()
        }),
      { seed },
    )
  })
}

test('a client that retries gets through once a partition is healed', async (t) => {
  const world = virtualWorld({ latency: 20, connectTimeout: 60_000 })
  const server = world.network.host('server', { addresses: ['10.5.0.1'] })
  await world.run(() =>
    createTaskGroup(async (group) => {
      const listener = await server.run(() => createTcpServer(80))
      group.spawn(() => listener.serve(echo))
      world.network.partition([server])
      group.spawn(async () => {
        await sleep(12_000)
        world.network.heal()
      })
      const attempts: number[] = []
      for (;;) {
        attempts.push(currentTime())
        const stream = await failAfter(5000, () => connectTcp('server', 80)).catch((error: unknown) => {
          if (!(error instanceof TimeoutError)) throw error
        })
        if (stream === undefined) continue
        await stream.sendAll('at last')
        t.is((await stream.receiveExactly(7)).toString(), 'at last')
        await stream.close()
        break
      }
      t.deepEqual(attempts, [0, 5000, 10_000])
      t.is(currentTime(), 12_080)
      await listener.close()
    }),
  )
})

test('a half-open peer is found by a deadline', async (t) => {
  const world = virtualWorld({ latency: 20 })
  const client = world.network.host('client')
  const server = world.network.host('server', { addresses: ['10.6.0.1'] })
  const dropped: number[] = []
  await world.run(() =>
    createTaskGroup(async (group) => {
      const listener = await server.run(() => createTcpServer(80))
      group.spawn(() =>
        listener.serve(async (stream) => {
          while ((await moveOnAfter(30_000, () => stream.receiveSome())) !== undefined);
          dropped.push(currentTime())
        }),
      )
      const stream = await client.run(() => connectTcp('server', 80))
      for (let beat = 0; beat < 3; beat++) {
        await sleep(10_000)
        await stream.sendAll('beat')
      }
      await sleep(1000)
      client.crash()
      await sleep(60_000)
      t.deepEqual(dropped, [60_060])
      t.is(server.openSockets, 1, 'the listener')
      await stream.close()
      await listener.close()
    }),
  )
})

test('what serve and the run close by themselves waits closeTimeout for a peer that is gone', async (t) => {
  const { ca, server: identity } = await certificates()
  const world = virtualWorld()
  const server = world.network.host('server', { addresses: ['10.7.0.1'] })
  await world.run(() =>
    createTaskGroup(async (group) => {
      const listener = await server.run(() =>
        createTcpServer(443, { tls: createTlsContext({ cert: identity.cert, key: identity.key }), closeTimeout: 1234 }),
      )
      group.spawn(async () => {
        await listener.serve(async (stream) => {
          await stream.sendAll('hello')
          await sleep(10)
          world.network.partition([server])
          await listener.close()
        })
        t.is(currentTime(), 10 + 1234)
      })
      const stream = await connectTcp('server', 443, {
        tls: createTlsContext({ ca }),
        autostartTls: true,
        tlsHostname: 'localhost',
      })
      t.is((await stream.receiveExactly(5)).toString(), 'hello')
    }),
  )
  t.is(world.clock.now, 10 + 1234 + 5000)
})

test('errors look as they do elsewhere', async (t) => {
  await virtualWorld().run(async () => {
    await using server = await createTcpServer(8080)
    t.deepEqual(server.address, { address: '::', port: 8080, family: 'IPv6' })
    t.like(await t.throwsAsync(createTcpServer(8080, { interface: '127.0.0.1' })), {
      message: 'listen EADDRINUSE: address already in use 127.0.0.1:8080',
      code: 'EADDRINUSE',
      errno: -98,
      syscall: 'listen',
      address: '127.0.0.1',
      port: 8080,
    })
    t.like(await t.throwsAsync(createTcpServer(0, { interface: '192.0.2.1' })), { code: 'EADDRNOTAVAIL' })
    t.like(await t.throwsAsync(connectTcp('127.0.0.1', 81)), {
      message: 'connect ECONNREFUSED 127.0.0.1:81',
      code: 'ECONNREFUSED',
      errno: -111,
      syscall: 'connect',
      address: '127.0.0.1',
      port: 81,
    })
    await using six = await createTcpServer(0, { interface: '::' })
    t.like(await t.throwsAsync(connectTcp('127.0.0.1', six.port)), { code: 'ECONNREFUSED' })
    await using client = await connectTcp('::1', six.port)
    t.throws(() => client.getsockopt(6, 9999), { code: 'ENOPROTOOPT' })
    t.throws(() => client.getsockopt('SOL_SOCKET', 'SO_NO_SUCH'), { code: 'ERR_OUT_OF_RANGE' })
    client.setsockopt('IPPROTO_TCP', 'TCP_NODELAY', false)
    t.is(client.getsockopt(6, 1), 0)
  })
})

test('a failed write is kept for the next send, and what was received stays readable', async (t) => {
  const world = virtualWorld({ latency: 10 })
  const server = world.network.host('server', { addresses: ['10.8.0.1'] })
  await world.run(async () => {
    await using listener = await server.run(() => createTcpServer(80))
    const client = await connectTcp('server', 80)
    const accepted = await listener.accept()
    await accepted.sendAll('answer')
    await accepted.close()
    await sleep(20)
    await client.sendAll('nobody is there any more')
    await sleep(20)
    await client.sendAll('the write that fails')
    t.is((await client.receiveSome()).toString(), 'answer')
    t.is((await client.receiveSome()).length, 0)
    const error = await t.throwsAsync(client.sendAll('again'), { instanceOf: BrokenResourceError })
    t.like(error.cause, { code: 'EPIPE', syscall: 'write', errno: -32 })
    await client.close()
    t.is(world.network.host('localhost').openSockets, 0)
  })
})

test('UNIX names belong to a host; a stale one is replaced', async (t) => {
  const world = virtualWorld()
  const [a, b] = [world.network.host('a'), world.network.host('b')]
  await world.run(async () => {
    await using server = await a.run(() => createUnixServer('/run/service'))
    await t.throwsAsync(
      b.run(() => connectUnix('/run/service')),
      { code: 'ENOENT' },
    )
    await t.throwsAsync(
      a.run(() => createUnixServer('/run/service')),
      { code: 'EADDRINUSE' },
    )
    await using client = await a.run(() => connectUnix('/run/service'))
    await using accepted = await server.accept()
    await client.sendAll('here')
    t.is((await accepted.receiveSome()).toString(), 'here')
    a.crash()
    a.restart()
    await t.throwsAsync(
      a.run(() => connectUnix('/run/service')),
      { code: 'ECONNREFUSED' },
    )
    await using again = await a.run(() => createUnixServer('/run/service'))
    t.is(again.address, '/run/service')
  })
  t.deepEqual(world.network.record, [])
})

test('a connected UDP socket hears after a round trip that nobody is there', async (t) => {
  const world = virtualWorld({ latency: 15 })
  world.network.host('server', { addresses: ['10.7.7.1'] })
  await world.run(async () => {
    await using socket = await createUdpSocket({ targetHost: 'server', targetPort: 7 })
    await socket.send('hello')
    const error = await t.throwsAsync(socket.receive(10))
    t.is(
      ((error as Error & { cause?: unknown }).cause as { code?: string } | undefined)?.code ??
        (error as { code?: string }).code,
      'ECONNREFUSED',
    )
    t.is(currentTime(), 30)
    t.is(await moveOnAfter(100, () => socket.receive(10)), undefined, 'once')
  })
})

test('one network serves several runs, at once and one after the other', async (t) => {
  const world = virtualWorld({ latency: 1 })
  const server = world.network.host('server', { addresses: ['10.9.0.1'] })
  const ready = createEvent()
  const serving = world.run(async () => {
    const listener = await server.run(() => createTcpServer(80))
    ready.set()
    await listener.serve(async (stream) => {
      await echo(stream)
      await listener.close()
    })
  })
  await world.run(async () => {
    await ready.wait()
    await using stream = await connectTcp('server', 80)
    await stream.sendAll('over there')
    t.is((await stream.receiveExactly(10)).toString(), 'over there')
  })
  await serving
  await world.run(async () => {
    await t.throwsAsync(connectTcp('server', 80), { code: 'ECONNREFUSED' })
    await using again = await server.run(() => createTcpServer(80))
    t.is(again.port, 80)
  })
  t.is(server.openSockets, 0)
})
