/** Waiting for the sockets of the library: through the registration they have, and along with what they have read ahead. */
import test from 'ava'
import { closeSync } from 'node:fs'
import {
  ClosedResourceError,
  connectTcp,
  connectUnix,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  createUdpSocket,
  createUnixDatagramSocket,
  createUnixServer,
  dumpTasks,
  moveOnAfter,
  notifySocketClose,
  ResourceBusyError,
  type SocketStream,
  UnsupportedError,
  UsageError,
  waitAllTasksBlocked,
  waitSocketReadable,
  waitSocketWritable,
  wrapTls,
} from '../../index.ts'
import { memoryStreamPair } from '../../src/testing/index.ts'
import { certificates } from '../support/certificates.ts'
import { eachBackendWith, socketFolder } from '../support/datagrams.ts'
import { rejection } from '../support/rejection.ts'
import { LOCAL } from '../support/tls.ts'

eachBackendWith('waits', test, 'an end and a reset are something to be read', async (t, backend) => {
  await backend.run(() =>
    withTcp(async (stream, peer) => {
      await createTaskGroup(async (tg) => {
        tg.spawn(() => waitSocketReadable(stream))
        await waitAllTasksBlocked()
        await peer.sendEof()
      })
      await waitSocketReadable(stream)
      t.is((await stream.receiveSome()).length, 0)
      await waitSocketReadable(stream)
      await waitSocketWritable(stream)
      t.pass()
    }),
  )
})

eachBackendWith('waits', test, 'of a stream: nothing is taken, and what is read ahead counts', async (t, backend) => {
  await backend.run(() =>
    withTcp(async (stream, peer) => {
      await waitSocketWritable(stream)
      await createTaskGroup(async (tg) => {
        const waiting = tg.spawn(() => waitSocketReadable(stream))
        await waitAllTasksBlocked()
        t.regex(dumpTasks(), /waitSocketReadable from 127\.0\.0\.1/)
        await peer.sendAll('four')
        await waiting.value()
      })
      t.is(stream.bufferedData.length, 0)
      // All of it, exactly: the reactor does not learn from such a read that there is no more.
      t.is((await stream.receiveSome(4)).toString(), 'four')
      await createTaskGroup(async (tg) => {
        const waiting = tg.spawn(() => waitSocketReadable(stream))
        await waitAllTasksBlocked()
        t.is(waiting.status, 'running')
        await peer.sendAll('line\nmore')
        await waiting.value()
      })
      await stream.receiveUntil('\n', 10)
      t.is(stream.bufferedData.toString(), 'more')
      await waitSocketReadable(stream)
      t.is((await stream.receiveSome()).toString(), 'more')
    }),
  )
})

eachBackendWith('waits', test, 'of a TLS stream: plaintext, and the socket below', async (t, backend) => {
  const { ca, server } = await certificates()
  await backend.run(() =>
    withTcp(async (stream, peer) => {
      await createTaskGroup(async (tg) => {
        tg.spawn(() => peer.startTls(createTlsContext({ ca }), { hostname: 'server.test' }))
        await stream.startTls(createTlsContext({ cert: server.cert, key: server.key }))
      })
      await peer.sendAll('in one record')
      await waitSocketReadable(stream)
      t.is((await stream.receiveExactly(2)).toString(), 'in')
      await waitSocketReadable(stream)
      await waitSocketWritable(stream)
      t.is((await stream.receiveExactly(11)).toString(), ' one record')
    }),
  )
})

eachBackendWith('waits', test, 'TLS over another stream has no descriptor', async (t, backend) => {
  const { ca, server } = await certificates()
  await backend.run(async () => {
    const [here, there] = memoryStreamPair()
    await createTaskGroup(async (tg) => {
      const theirs = tg.spawn(() =>
        wrapTls(there, createTlsContext({ cert: server.cert, key: server.key }), { serverSide: true }),
      )
      const ours = await wrapTls(here, createTlsContext({ ca }), { hostname: 'server.test' })
      t.true((await rejection(waitSocketReadable(ours))) instanceof UnsupportedError)
      t.true((await rejection(waitSocketReadable(here))) instanceof TypeError)
      await Promise.all([ours.close(), theirs.value().then((stream) => stream.close())])
    })
  })
})

eachBackendWith('waits', test, 'descriptors on their way stay with their bytes', async (t, backend) => {
  const path = socketFolder(t)('socket')
  await backend.run(async () => {
    await using server = await createUnixServer(path)
    await using client = await connectUnix(path)
    await using accepted = await server.accept()
    await client.sendFds('x', [0])
    await waitSocketReadable(accepted)
    const { data, fds } = await accepted.receiveFds(10, 1)
    t.is(data.toString(), 'x')
    t.is(fds.length, 1)
    closeSync(fds[0]!)
  })
})

eachBackendWith(
  'waits',
  test,
  'of a server: until there is a connection, which accept then gets',
  async (t, backend) => {
    await backend.run(async () => {
      await using server = await createTcpServer(0, LOCAL)
      await createTaskGroup(async (tg) => {
        const waiting = tg.spawn(() => waitSocketReadable(server))
        await waitAllTasksBlocked()
        t.true((await rejection(server.accept())) instanceof ResourceBusyError)
        t.true((await rejection(waitSocketReadable(server))) instanceof ResourceBusyError)
        await using client = await connectTcp('127.0.0.1', server.port)
        await waiting.value()
        await waitSocketReadable(server)
        t.is(server.statistics().accepted, 0)
        await using accepted = await server.accept()
        t.is(accepted.remoteAddress.port, client.localAddress.port)
        t.is(await moveOnAfter(1, () => waitSocketReadable(server)), undefined)
        t.true((await rejection(waitSocketWritable(server))) instanceof UsageError)
      })
      // One that waits there when the server is closed is closed with it, and serve takes what lies ready.
      const client = await connectTcp('127.0.0.1', server.port)
      await waitSocketReadable(server)
      await createTaskGroup(async (tg) => {
        tg.spawn(() => server.serve((stream) => stream.sendAll('served')))
        t.is((await client.receiveExactly(6)).toString(), 'served')
        await client.close()
        tg.cancelScope.cancel()
      })
      const last = await connectTcp('127.0.0.1', server.port)
      await waitSocketReadable(server)
      await server.close()
      t.is((await last.receiveSome().catch(() => Buffer.alloc(0))).length, 0)
      await last.close()
      t.true((await rejection(waitSocketReadable(server))) instanceof ClosedResourceError)
    })
  },
)

eachBackendWith('waits', test, 'of a TLS server: until a handshake is done', async (t, backend) => {
  const { ca, server: own } = await certificates()
  await backend.run(async () => {
    const context = createTlsContext({ cert: own.cert, key: own.key })
    await using server = await createTcpServer(0, { ...LOCAL, tls: context })
    await createTaskGroup(async (tg) => {
      const waiting = tg.spawn(() => waitSocketReadable(server))
      const options = { tls: createTlsContext({ ca }), autostartTls: true, tlsHostname: 'server.test' }
      const client = await connectTcp('127.0.0.1', server.port, options)
      await waiting.value()
      const accepted = await server.accept()
      t.is(accepted.tlsVersion, 'TLSv1.3')
      await Promise.all([client.close(), accepted.close()])
    })
  })
})

eachBackendWith(
  'waits',
  test,
  'of datagram sockets: until there is one, which receive then gets',
  async (t, backend) => {
    const path = socketFolder(t)('socket')
    await backend.run(async () => {
      await using udp = await createUdpSocket(LOCAL)
      await using unix = await createUnixDatagramSocket({ path })
      await using sender = await createUnixDatagramSocket({ remotePath: path })
      for (const [socket, send] of [
        [udp, () => udp.send('first', udp.address)],
        [unix, () => sender.send('first')],
      ] as const) {
        await waitSocketWritable(socket)
        await createTaskGroup(async (tg) => {
          const waiting = tg.spawn(() => waitSocketReadable(socket))
          await waitAllTasksBlocked()
          t.true((await rejection(socket.receive(1))) instanceof ResourceBusyError)
          await send()
          await waiting.value()
        })
        await waitSocketReadable(socket)
        t.is((await socket.receive(100))[0].toString(), 'first')
        t.is(await moveOnAfter(1, () => waitSocketReadable(socket)), undefined)
      }
    })
  },
)

eachBackendWith('waits', test, 'of a stream, a wait and a receive are busy with one another', async (t, backend) => {
  await backend.run(() =>
    withTcp((stream, peer) =>
      createTaskGroup(async (tg) => {
        const waiting = tg.spawn(() => waitSocketReadable(stream))
        await waitAllTasksBlocked()
        t.true((await rejection(stream.receiveSome())) instanceof ResourceBusyError)
        await peer.sendAll('x')
        await waiting.value()
        await stream.receiveSome()
        const receiving = tg.spawn(() => stream.receiveSome())
        await waitAllTasksBlocked()
        t.true((await rejection(waitSocketReadable(stream))) instanceof ResourceBusyError)
        await peer.sendAll('y')
        t.is((await receiving.value()).toString(), 'y')
      }),
    ),
  )
})

eachBackendWith('waits', test, 'the library’s own sockets: notified, or closed', async (t, backend) => {
  await backend.run(() =>
    withTcp(async (stream, peer) => {
      await using server = await createTcpServer(0, LOCAL)
      await using udp = await createUdpSocket(LOCAL)
      const all = [stream, server, udp]
      for (const end of [notifySocketClose, (socket: (typeof all)[number]) => void socket[Symbol.asyncDispose]()]) {
        await createTaskGroup(async (tg) => {
          const waiting = all.map((socket) => tg.spawn(() => rejection(waitSocketReadable(socket))))
          await waitAllTasksBlocked()
          for (const socket of all) end(socket)
          for (const handle of waiting) t.true((await handle.value()) instanceof ClosedResourceError)
        })
        if (end === notifySocketClose) {
          // It is only said: they are as good as before.
          await peer.sendAll('x')
          t.is((await stream.receiveSome()).toString(), 'x')
        }
      }
      for (const socket of all) {
        t.true((await rejection(waitSocketReadable(socket))) instanceof ClosedResourceError)
        notifySocketClose(socket)
      }
    }),
  )
})

eachBackendWith('waits', test, 'notifySocketClose leaves a waiting receive alone', async (t, backend) => {
  await backend.run(() =>
    withTcp((stream, peer) =>
      createTaskGroup(async (tg) => {
        const receiving = tg.spawn(() => stream.receiveSome())
        await waitAllTasksBlocked()
        notifySocketClose(stream)
        await peer.sendAll('x')
        t.is((await receiving.value()).toString(), 'x')
      }),
    ),
  )
})

async function withTcp(body: (stream: SocketStream, peer: SocketStream) => Promise<unknown>): Promise<void> {
  await using listener = await createTcpServer(0, LOCAL)
  const peer = await connectTcp('127.0.0.1', listener.port)
  const stream = await listener.accept()
  try {
    await body(stream, peer)
  } finally {
    await Promise.all([peer[Symbol.asyncDispose](), stream[Symbol.asyncDispose]()])
  }
}
