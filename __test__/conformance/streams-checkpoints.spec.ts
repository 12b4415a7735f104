/** "Every async operation is a checkpoint", and "use after close()", for everything that streams and servers have. */
import test from 'ava'
import { Cancelled, ClosedResourceError, NotRunningError } from '../../src/errors.ts'
import { openCancelScope } from '../../src/scopes.ts'
import { connectTcp, createTcpServer } from '../../src/sockets.ts'
import type { SocketStream } from '../../src/streams/socket-stream.ts'
import type { SocketStreamServer } from '../../src/streams/socket-stream-server.ts'
import { eachBackendWithSockets, peerTo } from '../support/net.ts'

type Call = () => Promise<unknown>

const streamCalls = (stream: SocketStream): Record<string, Call> => ({
  receiveSome: () => stream.receiveSome(),
  receiveInto: () => stream.receiveInto(new Uint8Array(1)),
  receiveExactly: () => stream.receiveExactly(1),
  'receiveExactly(0)': () => stream.receiveExactly(0),
  receiveUntil: () => stream.receiveUntil('\n', 10),
  receiveChunks: () => stream.receiveChunks().next(),
  receiveDelimitedChunks: () => stream.receiveDelimitedChunks('\n', 10).next(),
  receiveDelimitedBatches: () => stream.receiveDelimitedBatches('\n', 10).next(),
  'for await': async () => {
    for await (const _ of stream) break
  },
  sendAll: () => stream.sendAll('x'),
  'sendAll of nothing': () => stream.sendAll(''),
  sendMany: () => stream.sendMany(['x', 'y']),
  'sendMany of nothing': () => stream.sendMany([]),
  sendEof: () => stream.sendEof(),
})

const serverCalls = (server: SocketStreamServer): Record<string, Call> => ({
  accept: () => server.accept(),
  serve: () => server.serve(() => {}),
})

const openingCalls = (port: number): Record<string, Call> => ({
  'connectTcp by address': () => connectTcp('127.0.0.1', port),
  'connectTcp by name': () => connectTcp('localhost', port),
  createTcpServer: () => createTcpServer(),
  'createTcpServer by name': () => createTcpServer(0, { interface: 'localhost' }),
})

eachBackendWithSockets(
  test,
  'in a cancelled scope each throws Cancelled, though it would not have to wait, and does nothing',
  async (t, backend) => {
    await backend.run(async () => {
      await using server = await createTcpServer(0, { interface: '127.0.0.1' })
      const peer = await peerTo(server)
      await using stream = await server.accept()
      await peer.write('first\nsecond\n')
      // Frames are at hand.
      t.is((await stream.receiveUntil('\n', 10)).toString(), 'first\n')
      await openCancelScope(async (scope) => {
        scope.cancel()
        const calls = {
          ...streamCalls(stream),
          ...serverCalls(server),
          acceptConnections: () => server.acceptConnections().next(),
          ...openingCalls(server.port),
        }
        for (const [name, call] of Object.entries(calls)) await t.throwsAsync(call(), { instanceOf: Cancelled }, name)
      })
      t.is((await stream.receiveUntil('\n', 10)).toString(), 'second\n')
      await stream.sendAll('only this')
      t.is(await peer.text(9), 'only this')
      peer.socket.destroy()
    })
  },
)

eachBackendWithSockets(
  test,
  'after the own close each is a ClosedResourceError; bytes read ahead are gone',
  async (t, backend) => {
    await backend.run(async () => {
      const server = await createTcpServer(0, { interface: '127.0.0.1' })
      const peer = await peerTo(server)
      const stream = await server.accept()
      await peer.write('first\nsecond\n')
      t.is((await stream.receiveUntil('\n', 10)).toString(), 'first\n')
      const chunks = stream.receiveChunks()
      await stream.close()
      await server.close()
      for (const [name, call] of Object.entries({ ...streamCalls(stream), ...serverCalls(server) })) {
        await t.throwsAsync(call(), { instanceOf: ClosedResourceError }, name)
      }
      await t.throwsAsync(chunks.next(), { instanceOf: ClosedResourceError })
      t.true((await server.acceptConnections().next()).done)
      t.is(stream.bufferedData.length, 0)
      await t.notThrowsAsync(stream.close())
      await t.notThrowsAsync(server.close())
      await t.notThrowsAsync(stream[Symbol.asyncDispose]())
      await t.notThrowsAsync(server[Symbol.asyncDispose]())
      peer.socket.destroy()
    })
  },
)

eachBackendWithSockets(
  test,
  'outside of its run each is rejected with a usage error, and none throws',
  async (t, backend) => {
    let stream!: SocketStream
    let server!: SocketStreamServer
    await backend.run(async () => {
      server = await createTcpServer(0, { interface: '127.0.0.1' })
      const client = await connectTcp('127.0.0.1', server.port)
      stream = await server.accept()
      await client.close()
      await stream.close()
      await server.close()
    })
    const calls = { ...streamCalls(stream), ...serverCalls(server), ...openingCalls(1) }
    for (const [name, call] of Object.entries(calls)) await t.throwsAsync(call(), { instanceOf: NotRunningError }, name)
    // Closing works everywhere.
    await t.notThrowsAsync(stream.close())
  },
)
