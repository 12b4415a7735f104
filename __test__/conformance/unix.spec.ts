/** UNIX streams and servers: everything a TCP stream does, at a path. */
import { existsSync, lstatSync, readdirSync, writeFileSync } from 'node:fs'
import * as net from 'node:net'
import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import {
  BrokenResourceError,
  Cancelled,
  ClosedResourceError,
  connectUnix,
  createTaskGroup,
  createTlsContext,
  createUnixServer,
  moveOnAfter,
  openCancelScope,
  ResourceBusyError,
  type SocketStream,
  SocketStreamServer,
  UnsupportedError,
  UsageError,
  wrapTls,
} from '../../index.ts'
import type { TestBackend } from '../support/backends.ts'
import { certificates } from '../support/certificates.ts'
import { eachBackendWith, eachBackendWithout, python, socketFolder, warnings } from '../support/datagrams.ts'
import { Peer } from '../support/net.ts'
import { rejection } from '../support/rejection.ts'

/** Both ends of a connection, and where they met. */
async function withPair(
  t: ExecutionContext,
  backend: TestBackend,
  body: (client: SocketStream<string>, server: SocketStream<string>, path: string) => unknown,
): Promise<void> {
  const path = socketFolder(t)('pair')
  await backend.run(async () => {
    await using listener = await createUnixServer(path)
    await using client = await connectUnix(path)
    await using server = await listener.accept()
    await body(client, server, path)
  })
}

eachBackendWith('unixPeers', test, 'a client by node:net is served', async (t, backend) => {
  const path = socketFolder(t)('served')
  await backend.run(async () => {
    await using server = await createUnixServer(path)
    t.true(server instanceof SocketStreamServer)
    t.is(server.address, path)
    t.throws(() => server.port, { instanceOf: UsageError, message: /UNIX/ })
    t.true(lstatSync(path).isSocket())
    const socket = net.connect({ path, allowHalfOpen: true })
    await once(socket, 'connect')
    const peer = new Peer(socket)
    const stream = await server.accept()
    t.deepEqual([stream.localAddress, stream.remoteAddress], [path, ''])
    await peer.write('line\nrest')
    t.is((await stream.receiveUntil('\n', 100)).toString(), 'line\n')
    await stream.sendAll('answer')
    t.is(await peer.text(6), 'answer')
    await peer.end()
    t.is((await stream.receiveExactly(4)).toString(), 'rest')
    t.is((await stream.receiveSome()).length, 0)
    await stream.sendAll('last')
    await stream.close()
    t.is((await peer.rest()).toString(), 'last')
    socket.destroy()
  })
})

eachBackendWith('unixPeers', test, 'a server by node:net, and one by Python, are connected to', async (t, backend) => {
  const place = socketFolder(t)
  const ours = net.createServer((socket) => socket.pipe(socket)).listen(place('node'))
  await once(ours, 'listening')
  const program = `
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
print('listening')
while True:
    c, _ = s.accept()
    while data := c.recv(65536):
        c.sendall(data)
    c.close()
`
  const theirs = python(t, program, place('python'))
  t.is(await theirs.line(), 'listening')
  await backend.run(async () => {
    for (const name of ['node', 'python']) {
      await using stream = await connectUnix(place(name))
      t.deepEqual([stream.localAddress, stream.remoteAddress], ['', place(name)])
      const data = Buffer.alloc(300_000, name)
      await createTaskGroup(async (tg) => {
        tg.spawn(async () => {
          await stream.sendAll(data)
          await stream.sendEof()
        })
        t.deepEqual(await stream.receiveExactly(data.length), data)
        t.is((await stream.receiveSome()).length, 0)
      })
    }
  })
  ours.close()
  await theirs.stop()
})

eachBackendWith('unixPeers', test, 'a server whose queue is full is waited for', async (t, backend) => {
  const place = socketFolder(t)
  const program = `
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(0)
print('listening')
while not os.path.exists(sys.argv[2]):
    time.sleep(0.005)
clients = [s.accept()[0] for _ in range(4)]
for c in clients:
    c.sendall(b'welcome')
    c.close()
`
  const server = python(t, program, place('full'), place('go'))
  t.is(await server.line(), 'listening')
  await backend.run(async () => {
    await createTaskGroup(async (tg) => {
      const clients = Array.from({ length: 4 }, () => tg.spawn(connectUnix, place('full')))
      const first = await Promise.race(clients.map((client) => client.value()))
      t.is(first.remoteAddress, place('full'))
      // The queue is full: who is cancelled leaves at once.
      t.is(await moveOnAfter(5, () => connectUnix(place('full'))), undefined)
      writeFileSync(place('go'), '')
      for (const client of clients) {
        await using stream = await client.value()
        t.is((await stream.receiveExactly(7)).toString(), 'welcome')
      }
    })
  })
  await server.stop()
})

eachBackendWith(
  'unix',
  test,
  'streams: half-close, framing, back-pressure, addresses and options',
  async (t, backend) => {
    await withPair(t, backend, async (client, server, path) => {
      t.deepEqual([client.localAddress, client.remoteAddress], ['', path])
      t.deepEqual([server.localAddress, server.remoteAddress], [path, ''])
      t.is(client.tlsVersion, null)
      await client.sendMany(['one\n', 'two\n', 'thr'])
      const lines = server.receiveDelimitedChunks('\n', 10)
      t.is((await lines.next()).value?.toString(), 'one')
      t.is((await lines.next()).value?.toString(), 'two')
      // Nobody reads there: it is taken until the buffers are full, and a cancelled send leaves the rest.
      const much = Buffer.alloc(4_000_000, 'x')
      t.is(await moveOnAfter(10, () => server.sendAll(much)), undefined)
      await client.sendAll('ee\n')
      await client.sendEof()
      t.is((await lines.next()).value?.toString(), 'three')
      t.deepEqual(await lines.next(), { done: true, value: undefined })
      // What was taken leaves when the stream is closed, and nothing behind it.
      await createTaskGroup(async (tg) => {
        const reading = tg.spawn(async () => {
          let got = 0
          for await (const chunk of client) got += chunk.length
          return got
        })
        await server.close()
        const got = await reading.value()
        t.true(got > 0 && got < much.length, `${got} bytes`)
      })
    })
  },
)

eachBackendWith('unix', test, 'two tasks in one direction, own close, and a peer that is gone', async (t, backend) => {
  await withPair(t, backend, async (client, server, path) => {
    t.is(server.localAddress, path)
    const waiting = rejection(server.receiveSome())
    await t.throwsAsync(server.receiveSome(), { instanceOf: ResourceBusyError })
    await server.close()
    const closed = await waiting
    t.true(closed instanceof ClosedResourceError)
    await t.throwsAsync(server.sendAll('x'), { instanceOf: ClosedResourceError })
    t.is((await client.receiveSome()).length, 0)
    // A write that the peer can no longer take is reported by a later call of the sending side.
    const failed = await rejection(
      (async () => {
        for (let n = 0; n < 100; n++) {
          await client.sendAll('into the void')
          await new Promise((resolve) => setImmediate(resolve))
        }
      })(),
    )
    t.true(failed instanceof BrokenResourceError)
    t.like((failed as Error).cause, { code: 'EPIPE' })
    // Stays known.
    t.is(server.localAddress, path)
  })
})

eachBackendWith('unix', test, 'serve and acceptConnections; close ends both', async (t, backend) => {
  const path = socketFolder(t)('serve')
  await backend.run(async () => {
    const server = await createUnixServer(path, { backlog: 10, closeTimeout: 1000 })
    await createTaskGroup(async (tg) => {
      tg.spawn(() =>
        server.serve(async (stream) => {
          t.is(stream.localAddress, path)
          for await (const chunk of stream) await stream.sendAll(chunk)
        }),
      )
      const clients = await Promise.all(Array.from({ length: 5 }, () => connectUnix(path)))
      for (const [index, client] of clients.entries()) {
        await client.sendAll(`client ${index}`)
        t.is((await client.receiveExactly(8)).toString(), `client ${index}`)
        await client.close()
      }
      await server.close()
    })
    t.is(server.statistics().accepted, 5)
    t.false(existsSync(path))
  })
  await backend.run(async () => {
    const server = await createUnixServer(path)
    await createTaskGroup(async (tg) => {
      tg.spawn(async () => {
        for await (const stream of server.acceptConnections()) await stream.close()
      })
      await using client = await connectUnix(path)
      t.is((await client.receiveSome()).length, 0)
      await server.close()
    })
  })
})

eachBackendWith('unixPeers', test, 'TLS begins in mid conversation, for a name that is said', async (t, backend) => {
  const { ca, server: identity } = await certificates()
  await withPair(t, backend, async (client, server) => {
    await t.throwsAsync(client.startTls(createTlsContext({ ca })), { instanceOf: UsageError, message: /hostname/ })
    await client.sendAll('STARTTLS\n')
    t.is((await server.receiveUntil('\n', 100)).toString(), 'STARTTLS\n')
    await Promise.all([
      client.startTls(createTlsContext({ ca }), { hostname: 'localhost' }),
      server.startTls(createTlsContext(identity)),
    ])
    t.is(client.tlsVersion, 'TLSv1.3')
    await server.sendAll('secret')
    t.is((await client.receiveExactly(6)).toString(), 'secret')
    await t.throwsAsync(client.sendFds('x', [0]), { instanceOf: UnsupportedError })
    await Promise.all([client.close(), server.close()])
  })
  await withPair(t, backend, async (client, server, path) => {
    const [ours, theirs] = await Promise.all([
      wrapTls(client, createTlsContext({ ca }), { hostname: 'localhost' }),
      wrapTls(server, createTlsContext(identity), { serverSide: true }),
    ])
    t.is(ours.remoteAddress, path)
    await ours.sendAll('wrapped')
    t.is((await theirs.receiveExactly(7)).toString(), 'wrapped')
    await Promise.all([ours.close(), theirs.close()])
  })
})

eachBackendWith(
  'unix',
  test,
  'in a cancelled scope nothing is opened, and an unawaited call leaves nothing',
  async (t, backend) => {
    const warned = warnings(t)
    const place = socketFolder(t)
    await backend.run(async () => {
      await using server = await createUnixServer(place('there'))
      await openCancelScope(async (scope) => {
        scope.cancel()
        await t.throwsAsync(connectUnix(place('there')), { instanceOf: Cancelled })
        await t.throwsAsync(createUnixServer(place('other')), { instanceOf: Cancelled })
        await t.notThrowsAsync(server.close())
      })
      await t.throwsAsync(server.accept(), { instanceOf: ClosedResourceError })
      await openCancelScope(async () => {
        void createUnixServer(place('third'))
        void connectUnix(place('nobody'))
      })
    })
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    // Cancelled, or done before its scope could end: then the run closes it, and says so.
    for (const warning of await warned())
      t.regex((warning as { code?: string }).code ?? '', /^STRUCTIO_LEFT_(OPEN|BEHIND)$/)
    if (!backend.simulated) t.deepEqual(readdirSync(place('.')), [])
  },
)

eachBackendWith(
  'unix',
  test,
  'what is still open when the run ends is closed, with warnings that name it',
  async (t, backend) => {
    const warned = warnings(t)
    const path = socketFolder(t)('left')
    await backend.run(async () => {
      const server = await createUnixServer(path)
      await connectUnix(path)
      await server.accept()
    })
    const messages = (await warned()).map(({ message }) => message.replace(/ was still open.*/, ''))
    t.deepEqual(messages, [`UNIX server ${path}`, `UNIX stream unnamed → ${path}`, `UNIX stream ${path} → unnamed`])
    t.false(existsSync(path))
  },
)

eachBackendWithout(
  'unix',
  'descriptors',
  test,
  'descriptors: UnsupportedError that names the way out',
  async (t, backend) => {
    await withPair(t, backend, async (client, server) => {
      await t.throwsAsync(client.sendFds('x', [0]), { instanceOf: UnsupportedError, message: /native/ })
      await t.throwsAsync(server.receiveFds(10, 1), { instanceOf: UnsupportedError, message: /native/ })
      // The stream is as good as before.
      await client.sendAll('hello')
      t.is((await server.receiveExactly(5)).toString(), 'hello')
    })
  },
)

eachBackendWith('unix', test, 'descriptors: bad arguments are refused before anything starts', async (t, backend) => {
  await withPair(t, backend, async (client) => {
    const call = (...args: unknown[]): Promise<unknown> => client.sendFds(...(args as [string, number[]]))
    for (const args of [
      [1, [0]],
      ['x', 0],
      ['x', ['0']],
    ])
      await t.throwsAsync(call(...args), { code: 'ERR_INVALID_ARG_TYPE' })
    for (const args of [
      ['', [0]],
      ['x', []],
      ['x', [-1]],
      ['x', Array.from({ length: 254 }, () => 0)],
    ])
      await t.throwsAsync(call(...args), { code: 'ERR_OUT_OF_RANGE' })
    await t.throwsAsync(client.receiveFds(0, 1), { code: 'ERR_OUT_OF_RANGE' })
    await t.throwsAsync(client.receiveFds(1, 0), { code: 'ERR_OUT_OF_RANGE' })
  })
})
