/** `toDuplex` and `NodeSocket` as a Duplex: data and its end, back-pressure, and the bad days. On every backend. */
import { once } from 'node:events'
import * as net from 'node:net'
import { Duplex, type Readable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import test from 'ava'
import { connectTcp, createTcpServer, type Stream } from '../../index.ts'
import { NodeSocket, toDuplex } from '../../src/node/index.ts'
import { eachBackend } from '../support/backends.ts'
import { eachBackendWithSockets, nextTurn, withPair, withPeer } from '../support/net.ts'
import { ChunkStream } from '../support/streams.ts'

eachBackendWithSockets(test, 'toDuplex: bytes go both ways, and either half ends by itself', async (t, backend) => {
  await withPeer(t, backend, async (stream, peer) => {
    const duplex = toDuplex(stream)
    t.true(duplex instanceof Duplex)
    t.true(duplex instanceof NodeSocket)
    duplex.write('to the peer')
    t.is(await peer.text(11), 'to the peer')
    await peer.write('from the peer')
    t.is(String((await once(duplex, 'data'))[0]), 'from the peer')
    // The own half first: what the peer says after that still arrives.
    duplex.end('the last')
    t.is(String(await peer.rest()), 'the last')
    const rest = text(duplex)
    await peer.write('an answer')
    await peer.end()
    t.is(await rest, 'an answer')
    t.true(duplex.destroyed)
  })
})

eachBackendWithSockets(
  test,
  'toDuplex: as with net.Socket, the end of the peer ends the own half',
  async (t, backend) => {
    await withPeer(t, backend, async (stream, peer) => {
      const duplex = toDuplex(stream)
      const events: string[] = []
      for (const name of ['end', 'finish', 'error', 'close']) duplex.on(name, () => events.push(name))
      const gone = once(duplex, 'close') as Promise<[boolean]>
      duplex.resume()
      await peer.end()
      const [hadError] = await gone
      t.false(hadError)
      t.deepEqual(events, ['end', 'finish', 'close'])
      await peer.gone()
    })
  },
)

eachBackendWithSockets(test, 'toDuplex: allowHalfOpen leaves it open for an answer', async (t, backend) => {
  await withPeer(t, backend, async (stream, peer) => {
    const duplex = toDuplex(stream, { allowHalfOpen: true })
    const ended = once(duplex, 'end')
    duplex.resume()
    await peer.write('a question')
    await peer.end()
    await ended
    t.is(duplex.readyState, 'writeOnly')
    await nextTurn()
    duplex.end('an answer')
    t.is(String(await peer.rest()), 'an answer')
    await closed(duplex)
    t.is(duplex.readyState, 'closed')
  })
})

eachBackendWithSockets(test, 'toDuplex: nothing is received before somebody reads', async (t, backend) => {
  await withPeer(t, backend, async (stream, peer) => {
    const duplex = toDuplex(stream)
    await peer.write('early')
    for (let turn = 0; turn < 5; turn++) await nextTurn()
    t.is(duplex.bytesRead, 0)
    const [bytes] = (await once(duplex, 'data')) as [Buffer]
    t.is(String(bytes), 'early')
    t.is(duplex.bytesRead, 5)
    duplex.destroy()
  })
})

eachBackendWithSockets(test, 'toDuplex: a paused reader holds up the sender, and loses nothing', async (t, backend) => {
  await withPair(backend, async (client, server) => {
    const duplex = toDuplex(client)
    const total = 20_000_000
    let sent = 0
    const sending = (async () => {
      const piece = Buffer.alloc(100_000, 'x')
      for (; sent < total; sent += piece.length) await server.sendAll(piece)
      await server.sendEof()
    })()
    await once(duplex, 'readable')
    duplex.pause()
    for (let turn = 0; turn < 20; turn++) await nextTurn()
    t.true(sent < total)
    t.true(duplex.readableLength < 1_000_000)
    let received = 0
    for await (const bytes of duplex) received += (bytes as Buffer).length
    t.is(received, total)
    await sending
  })
})

eachBackendWithSockets(test, 'toDuplex: a peer that does not read holds up the writer', async (t, backend) => {
  await withPair(backend, async (client, server) => {
    const duplex = toDuplex(client)
    const piece = Buffer.alloc(1_000_000, 'x')
    let written = 0
    let acknowledged = 0
    while (duplex.write(piece, () => acknowledged++) || written < 20) written++
    t.true(duplex.writableNeedDrain)
    for (let turn = 0; turn < 20; turn++) await nextTurn()
    t.true(acknowledged < written)
    const drained = once(duplex, 'drain')
    duplex.on('drain', () => duplex.end())
    let received = 0
    for await (const bytes of server) received += bytes.length
    await drained
    t.is(received, (written + 1) * piece.length)
    duplex.resume()
    await server.close()
    await closed(duplex)
  })
})

eachBackend(test, 'toDuplex: what is corked leaves as one gathered write', async (t, backend) => {
  await backend.run(async () => {
    const calls: string[] = []
    const stream = new ChunkStream([])
    stream.sendMany = async (parts) => void calls.push(parts.map((part) => String(part)).join('|'))
    stream.sendAll = async (data) => void calls.push(String(data))
    const duplex = toDuplex(stream)
    duplex.cork()
    for (const part of ['a', 'b', Buffer.from('c')]) duplex.write(part)
    duplex.write('64', 'hex')
    process.nextTick(() => duplex.uncork())
    duplex.resume()
    await finished(duplex)
    t.deepEqual(calls, ['a|b|c|d'])
    t.is(stream.closed, 1)
  })
})

eachBackendWithSockets(
  test,
  'toDuplex: piped into itself it is an echo, and ends with its peer',
  async (t, backend) => {
    await withPeer(t, backend, async (stream, peer) => {
      const duplex = toDuplex(stream)
      duplex.pipe(duplex)
      await peer.write('there and back')
      t.is(await peer.text(14), 'there and back')
      await peer.end()
      await closed(duplex)
      t.is((await peer.rest()).length, 0)
    })
  },
)

eachBackendWithSockets(test, 'toDuplex: a pipeline of it into itself ends, too', async (t, backend) => {
  await withPair(backend, async (client, server) => {
    const echo = toDuplex(server, { allowHalfOpen: true })
    const done = pipeline(echo, echo as Readable as Duplex)
    const sent = Buffer.alloc(3_000_000, 'there and back ')
    const sending = client.sendAll(sent).then(() => client.sendEof())
    const pieces: Buffer[] = []
    for await (const piece of client) pieces.push(piece)
    await sending
    t.true(Buffer.concat(pieces).equals(sent))
    await done
  })
})

eachBackendWithSockets(
  test,
  'toDuplex: destroyed in the middle of a write, nothing hangs and nothing is left',
  async (t, backend) => {
    await withPair(backend, async (client, server) => {
      const duplex = toDuplex(client)
      const failures: unknown[] = []
      for (let i = 0; i < 30; i++) duplex.write(Buffer.alloc(1_000_000), (error) => failures.push(error))
      await nextTurn()
      duplex.destroy()
      await closed(duplex)
      t.true(failures.length > 0)
      t.true(failures.some((error) => (error as NodeJS.ErrnoException | null)?.code === 'ERR_STREAM_DESTROYED'))
      await t.throwsAsync(client.receiveSome(), { code: 'ERR_CLOSED_RESOURCE' })
      // What had left arrives, and then the end, in whatever form.
      await (async () => {
        for await (const _ of server);
      })().catch(() => {})
    })
  },
)

eachBackendWithSockets(
  test,
  'toDuplex: destroyed while it receives, with an error of the client',
  async (t, backend) => {
    await withPair(backend, async (client) => {
      const duplex = toDuplex(client)
      duplex.resume()
      await nextTurn()
      const own = new Error('the client had enough')
      duplex.destroy(own)
      t.is(await once(duplex, 'error').then(([error]) => error as Error), own)
      await closed(duplex)
      t.true(duplex.closed)
    })
  },
)

eachBackendWithSockets(test, 'toDuplex: a reset is the ECONNRESET that clients know', async (t, backend) => {
  await withPeer(t, backend, async (stream, peer) => {
    const duplex = toDuplex(stream)
    duplex.resume()
    const failed = once(duplex, 'error')
    const gone = new Promise((resolve) => duplex.once('close', resolve))
    await nextTurn()
    peer.reset()
    const [error] = (await failed) as [NodeJS.ErrnoException]
    t.is(error.code, 'ECONNRESET')
    t.is(await gone, true)
  })
})

eachBackendWithSockets(test, 'toDuplex: resetAndDestroy resets', async (t, backend) => {
  await withPeer(t, backend, async (stream, peer) => {
    const duplex = toDuplex(stream)
    duplex.resetAndDestroy()
    await closed(duplex)
    await peer.gone()
    t.is(peer.error?.code, 'ECONNRESET')
  })
})

eachBackendWithSockets(
  test,
  'toDuplex: a stream that is closed underneath ends it without an error',
  async (t, backend) => {
    await withPair(backend, async (client) => {
      const duplex = toDuplex(client)
      duplex.resume()
      await nextTurn()
      const closed = once(duplex, 'close')
      await client.close()
      t.deepEqual(await closed, [false])
    })
  },
)

eachBackend(test, 'toDuplex: what a stream of the user fails with is the error', async (t, backend) => {
  await backend.run(async () => {
    const own = new Error('my own')
    const duplex = toDuplex(new ChunkStream(['a', own]))
    const pieces: string[] = []
    duplex.on('data', (bytes: Buffer) => pieces.push(String(bytes)))
    const [error] = (await once(duplex, 'error')) as [Error]
    t.is(error, own)
    t.deepEqual(pieces, ['a'])
  })
})

eachBackendWithSockets(
  test,
  'NodeSocket: connects by itself, and keeps what was written before',
  async (t, backend) => {
    await backend.run(async () => {
      await using server = await createTcpServer(0, { interface: '127.0.0.1' })
      const socket = new NodeSocket()
      t.true(socket.pending)
      t.is(socket.readyState, 'open', 'as that of net.Socket')
      t.is(new net.Socket().readyState, 'open')
      const events: string[] = []
      for (const name of ['connect', 'ready']) socket.on(name, () => events.push(name))
      socket.connect({ port: server.port, host: '127.0.0.1' }, () => events.push('listener'))
      t.true(socket.connecting)
      t.is(socket.readyState, 'opening')
      socket.write('early')
      socket.setNoDelay(true).setKeepAlive(true, 1000).setKeepAlive({ enable: true, interval: 2000, count: 3 })
      await using peer = await server.accept()
      t.is((await peer.receiveExactly(5)).toString(), 'early')
      t.deepEqual(events, ['connect', 'listener', 'ready'])
      t.false(socket.pending)
      t.is(socket.remotePort, server.port)
      t.is(socket.remoteFamily, 'IPv4')
      t.deepEqual(socket.address(), { ...peer.remoteAddress })
      socket.destroySoon()
      await closed(socket)
      t.is(socket.remotePort, server.port)
    })
  },
)

eachBackendWithSockets(
  test,
  'NodeSocket: the type of service is kept until the socket is connected, and checked',
  async (t, backend) => {
    await backend.run(async () => {
      await using server = await createTcpServer(0, { interface: '127.0.0.1' })
      const socket = new NodeSocket()
      t.is(socket.getTypeOfService(), 0)
      t.is(socket.setTypeOfService(0x10), socket)
      for (const wrong of [-1, 256, 1.5]) t.throws(() => socket.setTypeOfService(wrong), { code: 'ERR_OUT_OF_RANGE' })
      socket.connect(server.port, '127.0.0.1')
      await once(socket, 'connect')
      t.is(socket.getTypeOfService(), 0x10)
      t.is(socket.server, null)
      socket.destroy()
      await closed(socket)
    })
  },
)

eachBackendWithSockets(test, 'NodeSocket: a refused connection is an error event with its code', async (t, backend) => {
  await backend.run(async () => {
    const server = await createTcpServer(0, { interface: '127.0.0.1' })
    await server.close()
    const socket = new NodeSocket()
    socket.connect(server.port, '127.0.0.1')
    socket.write('never')
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
    t.is(error.code, 'ECONNREFUSED')
    t.true(socket.destroyed)
  })
})

eachBackendWithSockets(test, 'NodeSocket: destroyed while it connects, no connection is left', async (t, backend) => {
  await backend.run(async () => {
    await using server = await createTcpServer(0, { interface: '127.0.0.1' })
    const socket = new NodeSocket()
    socket.connect(server.port, '127.0.0.1')
    socket.destroy()
    await closed(socket)
    t.is(socket.readyState, 'closed')
  })
})

eachBackendWithSockets(
  test,
  'NodeSocket: whoever calls connect on a connected one is told that it is',
  async (t, backend) => {
    await withPair(backend, async (client) => {
      const duplex = toDuplex(client)
      duplex.connect(1, 'not.there.invalid')
      await once(duplex, 'connect')
      t.is(duplex.readyState, 'open')
      duplex.destroy()
    })
  },
)

/** Look-ups as clients bring them along, each for `service.test`, and what comes of them. */
const LOOKUPS: readonly (readonly [string, net.LookupFunction, string])[] = [
  ['one address', (_host, _options, found) => found(null, '127.0.0.1', 4), 'connected'],
  ['one address, without its family', (_host, _options, found) => found(null, '127.0.0.1'), 'connected'],
  [
    'several, of which the first cannot be reached',
    (_host, _options, found) =>
      setImmediate(() => {
        found(null, [
          { address: '127.0.0.2', family: 4 },
          { address: '127.0.0.1', family: 4 },
        ])
      }),
    'connected',
  ],
  [
    'an error (a filter says no)',
    (_host, _options, found) => found(Object.assign(new Error('not allowed'), { code: 'EBLOCKED' }), ''),
    'EBLOCKED',
  ],
  ['a name again', (_host, _options, found) => found(null, 'other.test', 4), 'ERR_INVALID_IP_ADDRESS'],
  ['nothing', (_host, _options, found) => found(null, []), 'ERR_INVALID_IP_ADDRESS'],
  ['a family that is none', (_host, _options, found) => found(null, '127.0.0.1', 5), 'ERR_INVALID_ADDRESS_FAMILY'],
  [
    'an exception',
    () => {
      throw Object.assign(new Error('a bug'), { code: 'EBUG' })
    },
    'EBUG',
  ],
]

for (const [title, lookup, outcome] of LOOKUPS) {
  eachBackendWithSockets(test, `N71: NodeSocket.connect with a look-up of its own: ${title}`, async (t, backend) => {
    await backend.run(async () => {
      await using server = await createTcpServer(0, { interface: '127.0.0.1' })
      const socket = new NodeSocket()
      const asked: unknown[] = []
      const told: unknown[] = []
      socket.on('lookup', (error: { code?: string } | null, address: unknown, _family: unknown, host: unknown) => {
        told.push([error?.code ?? address, host])
      })
      const own: net.LookupFunction = (host, options, found) => {
        asked.push([host, options.all])
        lookup(host, options, found)
      }
      const ended = Promise.race([
        once(socket, 'connect').then(() => 'connected'),
        new Promise((resolve) => socket.once('error', (error: { code?: string }) => resolve(error.code))),
      ])
      socket.connect({ port: server.port, host: 'service.test', lookup: own })
      t.is(await ended, outcome)
      t.deepEqual(asked, [['service.test', true]])
      if (outcome === 'connected') t.deepEqual(told.at(-1), ['127.0.0.1', 'service.test'])
      if (outcome === 'connected') await (await server.accept()).close()
      socket.destroy()
      await closed(socket)
    })
  })
}

eachBackendWithSockets(
  test,
  'N72: NodeSocket.connect: a look-up that never answers blocks no other call, and an address is not looked up',
  async (t, backend) => {
    await backend.run(async () => {
      await using server = await createTcpServer(0, { interface: '127.0.0.1' })
      const never = new NodeSocket()
      never.connect({ port: server.port, host: 'service.test', lookup: () => {} })
      await nextTurn()
      never.destroy()
      await closed(never)
      const socket = new NodeSocket()
      const lookup = (): void => t.fail('an address is looked up')
      socket.connect({ port: server.port, host: '127.0.0.1', lookup })
      await once(socket, 'connect')
      await (await server.accept()).close()
      socket.destroy()
      await closed(socket)
    })
  },
)

eachBackend(test, 'NodeSocket: what cannot be is refused before anything is started', async (t, backend) => {
  await backend.run(() => {
    t.throws(() => toDuplex({} as Stream), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => toDuplex(new ChunkStream([]), null as never), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => new NodeSocket({ allowHalfOpen: 1 as never }), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => new NodeSocket({ highWaterMark: -1 }), { code: 'ERR_OUT_OF_RANGE' })
    const socket = new NodeSocket()
    t.throws(() => socket.connect(65_536, '127.0.0.1'), { code: 'ERR_OUT_OF_RANGE' })
    t.throws(() => socket.connect({ port: 1, lookup: 1 as never }), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => socket.setTimeout(-1), { code: 'ERR_OUT_OF_RANGE' })
    t.throws(() => socket.setTimeout(1, 1 as never), { code: 'ERR_INVALID_ARG_TYPE' })
    socket.destroy()
  })
})

test('NodeSocket: outside of every run there is none', async (t) => {
  t.throws(() => toDuplex(new ChunkStream([])), { code: 'ERR_NOT_RUNNING' })
  t.throws(() => new NodeSocket(), { code: 'ERR_NOT_RUNNING' })
  await t.throwsAsync(connectTcp('127.0.0.1', 1), { code: 'ERR_NOT_RUNNING' })
})

/** It may have closed before anybody asked. */
async function closed(duplex: Duplex): Promise<void> {
  if (!duplex.closed) await new Promise((resolve) => duplex.once('close', resolve))
}

async function text(readable: Readable): Promise<string> {
  let all = ''
  for await (const bytes of readable) all += String(bytes)
  return all
}
