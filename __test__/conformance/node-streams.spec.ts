/** `fromDuplex` and `toWebStreams`: a Duplex keeps the rules of streams, and a stream those of the web. */
import { once } from 'node:events'
import * as net from 'node:net'
import { Duplex, PassThrough } from 'node:stream'
import test from 'ava'
import {
  connectTcp,
  createTaskGroup,
  createTcpServer,
  type Stream,
  BrokenResourceError,
  ClosedResourceError,
  openCancelScope,
  sleepForever,
  waitAllTasksBlocked,
} from '../../index.ts'
import { fromDuplex, toDuplex, toWebStreams } from '../../src/node/index.ts'
import { checkStream, lockstepStreamPair } from '../../src/testing/index.ts'
import { eachBackend } from '../support/backends.ts'
import { eachBackendWithRealSockets, eachBackendWithSockets, withPair, withPeer } from '../support/net.ts'
import { ChunkStream } from '../support/streams.ts'
import { LOCAL } from '../support/tls.ts'

eachBackendWithSockets(test, 'a Duplex over a stream is a stream that keeps the rules', async (t, backend) => {
  await t.notThrowsAsync(
    backend.run(async () => {
      await using listener = await createTcpServer(0, LOCAL)
      const pair = async (): Promise<[Stream, Stream]> => {
        const client = await connectTcp('127.0.0.1', listener.port)
        const server = await listener.accept()
        return [fromDuplex(toDuplex(client)), fromDuplex(toDuplex(server))]
      }
      await checkStream(pair, { name: 'there and back' })
    }),
  )
})

eachBackendWithRealSockets(test, 'sockets of node:net are streams that keep the rules', async (t, backend) => {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  const pair = async (): Promise<[Stream, Stream]> => {
    const accepted = once(server, 'connection') as Promise<[net.Socket]>
    const client = net.connect(port, '127.0.0.1')
    await once(client, 'connect')
    const [socket] = await accepted
    const stream = fromDuplex(client)
    t.deepEqual(stream.remoteAddress, { address: '127.0.0.1', port, family: 'IPv4' })
    const other = fromDuplex(socket)
    t.deepEqual(stream.localAddress, other.remoteAddress)
    return [stream, other]
  }
  await t.notThrowsAsync(
    backend.run(async () => {
      await checkStream(pair, { name: 'node:net' })
    }),
  )
  server.close()
})

eachBackend(test, 'fromDuplex: an error of the Duplex belongs to the call that meets it', async (t, backend) => {
  await backend.run(async () => {
    const own = new Error('my own')
    const duplex = new PassThrough()
    const stream = fromDuplex(duplex)
    const receiving = t.throwsAsync(stream.receiveSome(), { instanceOf: BrokenResourceError })
    duplex.destroy(own)
    t.is((await receiving).cause, own)
    t.is((await t.throwsAsync(stream.sendAll('x'), { instanceOf: BrokenResourceError })).cause, own)
    await stream.close()
    await t.throwsAsync(stream.receiveSome(), { instanceOf: ClosedResourceError })
  })
})

eachBackend(test, 'fromDuplex: a Duplex that is cut off is no end of data', async (t, backend) => {
  await backend.run(async () => {
    const duplex = new PassThrough()
    const stream = fromDuplex(duplex)
    duplex.write('half a mess')
    t.is((await stream.receiveSome()).toString(), 'half a mess')
    duplex.destroy()
    const error = await t.throwsAsync(stream.receiveSome(), { instanceOf: BrokenResourceError })
    t.is((error.cause as NodeJS.ErrnoException).code, 'ERR_STREAM_PREMATURE_CLOSE')
    await stream.close().catch(() => {})
  })
})

eachBackend(test, 'fromDuplex: the caller’s memory is its own again once a send has resolved', async (t, backend) => {
  await backend.run(async () => {
    const kept: Buffer[] = []
    const slow = new Duplex({
      read() {},
      write(chunk: Buffer, _, callback) {
        setImmediate(() => {
          kept.push(chunk)
          callback()
        })
      },
    })
    const stream = fromDuplex(slow)
    const memory = Buffer.from('first')
    await stream.sendAll(memory)
    memory.write('other')
    await stream.sendAll(memory)
    await stream.sendEof()
    t.deepEqual(kept.map(String), ['first', 'other'])
    await stream.close()
    t.true(slow.destroyed)
  })
})

eachBackend(test, 'fromDuplex: what is none is refused', async (t, backend) => {
  await backend.run(() => {
    t.throws(() => fromDuplex({} as Duplex), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => fromDuplex(new PassThrough({ objectMode: true })), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => toWebStreams({} as Stream), { code: 'ERR_INVALID_ARG_TYPE' })
  })
  t.throws(() => fromDuplex(new PassThrough()), { code: 'ERR_NOT_RUNNING' })
  t.throws(() => toWebStreams(new ChunkStream([])), { code: 'ERR_NOT_RUNNING' })
})

eachBackendWithSockets(test, 'toWebStreams: data both ways, and the ends of both halves', async (t, backend) => {
  await withPeer(t, backend, async (stream, peer) => {
    const { readable, writable } = toWebStreams(stream)
    const writer = writable.getWriter()
    await writer.write('text, ')
    await writer.write(Buffer.from('and bytes'))
    t.is(await peer.text(15), 'text, and bytes')
    await writer.close()
    t.is((await peer.rest()).length, 0)
    await peer.write('an answer')
    await peer.end()
    let text = ''
    for await (const bytes of readable) text += Buffer.from(bytes).toString()
    t.is(text, 'an answer')
    await t.throwsAsync(stream.receiveSome(), { instanceOf: ClosedResourceError })
  })
})

eachBackendWithSockets(test, 'toWebStreams: a reader may bring its own memory', async (t, backend) => {
  await withPeer(t, backend, async (stream, peer) => {
    const { readable, writable } = toWebStreams(stream)
    await peer.write('into this')
    await peer.end()
    const reader = readable.getReader({ mode: 'byob' })
    const { value } = await reader.read(new Uint8Array(100))
    t.is(Buffer.from(value!).toString(), 'into this')
    t.is(value!.buffer.byteLength, 100)
    t.true((await reader.read(new Uint8Array(100))).done)
    await writable.close()
    await peer.gone()
  })
})

eachBackend(
  test,
  'toWebStreams: nothing is received before somebody reads, and a slow peer holds up the writer',
  async (t, backend) => {
    await backend.run(async () => {
      const [own, other] = lockstepStreamPair()
      const { readable, writable } = toWebStreams(own)
      const writer = writable.getWriter()
      const written = writer.write('held up')
      t.is(writer.desiredSize, 0)
      t.is((await other.receiveExactly(7)).toString(), 'held up')
      await written
      let taken = false
      await createTaskGroup(async (group) => {
        group.spawn(async () => {
          await other.sendAll('wanted')
          taken = true
        })
        await waitAllTasksBlocked()
        t.false(taken)
        const { value } = await readable.getReader().read()
        t.is(Buffer.from(value!).toString(), 'wanted')
      })
      t.true(taken)
      await writer.abort()
      await other[Symbol.asyncDispose]()
    })
  },
)

eachBackendWithSockets(
  test,
  'toWebStreams: a cancelled scope fails both, and closes the stream',
  async (t, backend) => {
    await withPair(backend, async (client) => {
      const failures: unknown[] = []
      await openCancelScope(async (scope) => {
        const { readable, writable } = toWebStreams(client)
        const reading = readable.getReader().read()
        reading.catch((error: unknown) => failures.push(error))
        writable.getWriter().closed.catch((error: unknown) => failures.push(error))
        scope.cancel()
        await sleepForever()
      })
      t.deepEqual(
        failures.map((error) => (error as Error).name),
        ['AbortError', 'AbortError'],
      )
      await t.throwsAsync(client.receiveSome(), { instanceOf: ClosedResourceError })
    })
  },
)

eachBackendWithSockets(
  test,
  'toWebStreams: an abort of the writer and an AbortSignal close everything',
  async (t, backend) => {
    await withPair(backend, async (client, server) => {
      const { readable, writable } = toWebStreams(client)
      const reason = new Error('enough')
      await writable.abort(reason)
      t.is(
        await readable
          .getReader()
          .read()
          .catch((error: unknown) => error),
        reason,
      )
      await server.receiveSome().catch(() => {})
    })
    await withPair(backend, async (client) => {
      const controller = new AbortController()
      const { readable } = toWebStreams(client, { signal: controller.signal })
      const reading = readable.getReader().read()
      controller.abort('enough')
      t.is((await t.throwsAsync(reading)).cause, 'enough')
    })
  },
)
