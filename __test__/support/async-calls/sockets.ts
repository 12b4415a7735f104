/** Streams, servers and connections. */
import {
  connectTcp,
  connectUnix,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  createUnixServer,
  relay,
  type SocketStream,
  type Stream,
  waitAllTasksBlocked,
  wrapTls,
} from '../../../index.ts'
import { lockstepStreamPair } from '../../../src/testing/index.ts'
import { certificates } from '../certificates.ts'
import { LOCAL } from '../tls.ts'
import type { Check, Row } from './calls.ts'
import { atHand, withServer, withTcp, withPath, withUnix, withFile, closeAll } from './set-ups.ts'

/** The calls of every stream, with bytes to read where needed. */
export const ofStreams: Record<string, (check: Check, stream: Stream, peer: Stream) => Promise<unknown>> = {
  receiveSome: (check, stream, peer) => atHand(check, stream, peer, () => stream.receiveSome(1)),
  receiveInto: (check, stream, peer) => atHand(check, stream, peer, () => stream.receiveInto(new Uint8Array(1))),
  receiveExactly: (check, stream, peer) => atHand(check, stream, peer, () => stream.receiveExactly(1)),
  receiveUntil: (check, stream, peer) => atHand(check, stream, peer, () => stream.receiveUntil('\n', 10)),
  receiveChunks: (check, stream, peer) => atHand(check, stream, peer, () => stream.receiveChunks().next()),
  receiveDelimitedChunks: (check, stream, peer) =>
    atHand(check, stream, peer, () => stream.receiveDelimitedChunks('\n', 10).next()),
  receiveDelimitedBatches: (check, stream, peer) =>
    atHand(check, stream, peer, () => stream.receiveDelimitedBatches('\n', 10).next()),
  '[Symbol.asyncIterator]': (check, stream, peer) =>
    atHand(check, stream, peer, () => stream[Symbol.asyncIterator]().next()),
  waitReadable: (check, stream, peer) => atHand(check, stream, peer, () => stream.waitReadable()),
  sendAll: (check, stream) => check(() => stream.sendAll('x')),
  sendMany: (check, stream) => check(() => stream.sendMany(['x', 'y'])),
  sendEof: (check, stream) => check(() => stream.sendEof()),
  sendFile: (check, stream) => check(() => stream.sendFile(new URL(import.meta.url), { length: 10 })),
  close: (check, stream) => check(() => stream.close()),
  '[Symbol.asyncDispose]': (check, stream) => check(() => stream[Symbol.asyncDispose]()),
}

export const sockets: Record<string, Row> = {
  relay: (check) =>
    withTcp((left, a) =>
      withTcp(async (right, b) => {
        await Promise.all([left.sendEof(), right.sendEof()])
        await check(() => relay(a, b))
      }),
    ),
  'SocketStream.startTls': (check) =>
    withTcp(async (client, server) => {
      const { ca, server: own } = await certificates()
      const theirs = createTlsContext({ cert: own.cert, key: own.key })
      await createTaskGroup(async (tg) => {
        tg.spawn(() => server.startTls(theirs))
        await check(() => client.startTls(createTlsContext({ ca }), { hostname: 'server.test' }))
      })
    }),
  'SocketStream.sendFds': (check) =>
    withUnix(async (client, server) => {
      await withFile((fd) => client.sendFds('x', [fd]))
      closeAll((await server.receiveFds(1, 1)).fds)
      await withFile((fd) => check(() => client.sendFds('x', [fd])))
    }),
  'SocketStream.receiveFds': (check) =>
    withUnix(async (client, server) => {
      await withFile((fd) => client.sendFds('x', [fd]))
      closeAll((await check(() => server.receiveFds(1, 1))).fds)
    }),
  'SocketStreamServer.accept': (check) =>
    withServer(async (server) => {
      await using _ = await connectTcp('127.0.0.1', server.port)
      await using _accepted = await check(() => server.accept())
    }),
  'SocketStreamServer.acceptConnections': (check) =>
    withServer(async (server) => {
      await using _ = await connectTcp('127.0.0.1', server.port)
      const { value } = (await check(() => server.acceptConnections().next())) as { value: SocketStream }
      await value.close()
    }),
  'SocketStreamServer.waitReadable': (check) =>
    withServer(async (server) => {
      await using _ = await connectTcp('127.0.0.1', server.port)
      await check(() => server.waitReadable())
    }),
  'SocketStreamServer.serve': (check) =>
    withServer((server) =>
      createTaskGroup(async (tg) => {
        tg.spawn(async () => {
          await waitAllTasksBlocked()
          await server.close()
        })
        await check(() => server.serve(() => {}))
      }),
    ),
  'SocketStreamServer.close': (check) => withServer((server) => check(() => server.close())),
  'SocketStreamServer.[Symbol.asyncDispose]': (check) =>
    withServer((server) => check(() => server[Symbol.asyncDispose]())),
  connectTcp: (check) =>
    withServer(async (server) => {
      await using _ = await check(() => connectTcp('127.0.0.1', server.port))
    }),
  createTcpServer: async (check) => {
    await using _ = await check(() => createTcpServer(0, LOCAL))
  },
  connectUnix: (check) =>
    withPath(async (path) => {
      await using _ = await createUnixServer(path)
      await using _stream = await check(() => connectUnix(path))
    }),
  createUnixServer: (check) =>
    withPath(async (path) => {
      await using _ = await check(() => createUnixServer(path))
    }),
  wrapTls: async (check) => {
    const { ca, server } = await certificates()
    const [here, there] = lockstepStreamPair()
    await createTaskGroup(async (tg) => {
      const theirs = tg.spawn(() =>
        wrapTls(there, createTlsContext({ cert: server.cert, key: server.key }), { serverSide: true }),
      )
      const ours = await check(() => wrapTls(here, createTlsContext({ ca }), { hostname: 'server.test' }))
      await Promise.all([ours.close(), theirs.value().then((stream) => stream.close())])
    })
  },
}
