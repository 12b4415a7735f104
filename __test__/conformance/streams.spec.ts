/** Streams and sockets: cases N1 to N10, and the R cases about streams. */
import test from 'ava'
import {
  BrokenResourceError,
  Cancelled,
  ClosedResourceError,
  DelimiterNotFound,
  IncompleteRead,
  ResourceBusyError,
} from '../../src/errors.ts'
import { checkpoint, moveOnAfter, openCancelScope, sleep, sleepForever } from '../../src/scopes.ts'
import { connectTcp, createTcpServer } from '../../src/sockets.ts'
import { createTaskGroup } from '../../src/task-groups.ts'
import {
  eachBackendWithSockets,
  nextTurn,
  openSockets,
  PeerServer,
  peerTo,
  withPair,
  withPeer,
  eachBackendWithRealSockets,
} from '../support/net.ts'

eachBackendWithSockets(
  test,
  'N1: three bytes and an end are no five bytes, and stay in the buffer',
  async (t, backend) => {
    await withPeer(t, backend, async (stream, peer) => {
      await peer.write('abc')
      await peer.end()
      await t.throwsAsync(stream.receiveExactly(5), { instanceOf: IncompleteRead })
      t.is(stream.bufferedData.toString(), 'abc')
      t.is((await stream.receiveSome()).toString(), 'abc')
      t.is((await stream.receiveSome()).length, 0)
    })
  },
)

eachBackendWithSockets(test, 'N2: a delimiter split over two packets is found', async (t, backend) => {
  await withPeer(t, backend, async (stream, peer) => {
    await createTaskGroup(async (group) => {
      const line = group.spawn(() => stream.receiveUntil('\r\n', 100))
      await peer.write('hello\r')
      // The first packet is there before the second is sent.
      while (stream.bufferedData.length < 6) await sleep(0)
      await peer.write('\nrest')
      t.is((await line.value()).toString(), 'hello\r\n')
    })
    t.is((await stream.receiveSome()).toString(), 'rest')
  })
})

eachBackendWithSockets(
  test,
  'N2: the limit without a delimiter is an error that names it and keeps the data',
  async (t, backend) => {
    await withPeer(t, backend, async (stream, peer) => {
      await peer.write('12345678901')
      await t.throwsAsync(stream.receiveUntil('\r\n', 10), { instanceOf: DelimiterNotFound, message: /\b10\b/ })
      t.is(stream.bufferedData.toString(), '12345678901')
      await peer.write('\r\n')
      t.is((await stream.receiveUntil('\r\n', 11)).toString(), '12345678901\r\n')
    })
  },
)

eachBackendWithSockets(
  test,
  'N3: a close in another task wakes a receive with ClosedResourceError',
  async (t, backend) => {
    await withPeer(t, backend, async (stream) => {
      await createTaskGroup(async (group) => {
        group.spawn(async () => {
          await t.throwsAsync(stream.receiveSome(), { instanceOf: ClosedResourceError })
        })
        await checkpoint()
        await stream.close()
      })
      await stream.close()
      await t.throwsAsync(stream.sendAll(''), { instanceOf: ClosedResourceError })
      await t.throwsAsync(stream.sendAll(new Uint8Array(0)), { instanceOf: ClosedResourceError })
      await t.throwsAsync(stream.sendMany([]), { instanceOf: ClosedResourceError })
    })
  },
)

eachBackendWithSockets(
  test,
  'N4: a reset is a broken stream with the system error as cause; after the own close it is a closed one',
  async (t, backend) => {
    await withPeer(t, backend, async (stream, peer) => {
      peer.reset()
      const error = await t.throwsAsync(stream.receiveSome(), { instanceOf: BrokenResourceError })
      t.is((error.cause as NodeJS.ErrnoException).code, 'ECONNRESET')
      t.is((error.cause as NodeJS.ErrnoException).syscall, 'read')
      await t.throwsAsync(
        stream.receiveSome(),
        { instanceOf: BrokenResourceError },
        'a reset does not turn into an orderly end',
      )
      await stream.close().catch(() => {})
      await t.throwsAsync(stream.receiveSome(), { instanceOf: ClosedResourceError })
      await t.throwsAsync(stream.sendAll('x'), { instanceOf: ClosedResourceError })
    })
  },
)

eachBackendWithSockets(test, 'N4: a reset wakes a receive that waits', async (t, backend) => {
  await withPeer(t, backend, async (stream, peer) => {
    await createTaskGroup(async (group) => {
      group.spawn(async () => {
        const error = await t.throwsAsync(stream.receiveExactly(1), { instanceOf: BrokenResourceError })
        t.is((error.cause as NodeJS.ErrnoException).code, 'ECONNRESET')
      })
      await checkpoint()
      peer.reset()
    })
  })
})

eachBackendWithSockets(
  test,
  'N5: of two receives the second is refused and the first undisturbed; a send meanwhile is fine',
  async (t, backend) => {
    await withPeer(t, backend, async (stream, peer) => {
      await createTaskGroup(async (group) => {
        const first = group.spawn(() => stream.receiveSome())
        await checkpoint()
        await t.throwsAsync(stream.receiveSome(), { instanceOf: ResourceBusyError })
        await t.throwsAsync(stream.receiveExactly(1), { instanceOf: ResourceBusyError })
        await t.throwsAsync(stream.receiveInto(new Uint8Array(1)), { instanceOf: ResourceBusyError })
        await t.throwsAsync(stream.receiveChunks().next(), { instanceOf: ResourceBusyError })
        await stream.sendAll('ping')
        t.is(await peer.text(4), 'ping')
        await peer.write('pong')
        t.is((await first.value()).toString(), 'pong')
      })
    })
  },
)

eachBackendWithSockets(
  test,
  'N7: the answer to a half-closed stream arrives; a second half-close is harmless, a send is not',
  async (t, backend) => {
    await withPeer(t, backend, async (stream, peer) => {
      await stream.sendAll('question')
      await stream.sendEof()
      t.is((await peer.rest()).toString(), 'question')
      await peer.write('answer')
      await peer.end()
      t.is((await stream.receiveExactly(6)).toString(), 'answer')
      await stream.sendEof()
      await t.throwsAsync(stream.sendAll('more'), { instanceOf: ClosedResourceError })
      await t.throwsAsync(stream.sendAll(''), { instanceOf: ClosedResourceError })
      t.is((await stream.receiveSome()).length, 0)
    })
  },
)

eachBackendWithSockets(
  test,
  'N8: close in a cancelled scope closes really and resolves; the next checkpoint raises',
  async (t, backend) => {
    await backend.run(async () => {
      const server = await createTcpServer(0, { interface: '127.0.0.1' })
      const { port } = server
      const stream = await connectTcp('127.0.0.1', port)
      const accepted = await server.accept()
      await openCancelScope(async (scope) => {
        scope.cancel()
        await t.notThrowsAsync(stream.close())
        await t.notThrowsAsync(accepted.close())
        await t.notThrowsAsync(server.close())
        await t.throwsAsync(checkpoint(), { instanceOf: Cancelled })
      })
      const again = await createTcpServer(port, { interface: '127.0.0.1' })
      t.is(again.port, port)
      await again.close()
    })
  },
)

eachBackendWithSockets(
  test,
  'R1: the loser of a race is not receiving any more, and has taken no bytes',
  async (t, backend) => {
    await withPeer(t, backend, async (stream, peer) => {
      await openCancelScope(async () => {
        await Promise.race([stream.receiveSome(), checkpoint()])
      })
      await peer.write('next')
      t.is((await stream.receiveSome()).toString(), 'next')
    })
  },
)

eachBackendWithSockets(
  test,
  'R6: a failed write is told to the next send, and the answer is still received',
  async (t, backend) => {
    await withPeer(
      t,
      backend,
      async (stream, peer) => {
        await peer.write('the answer')
        // Closing with unread data resets the connection: what we send now fails, what was answered is in our kernel.
        await stream.sendAll('question')
        await peer.until(() => peer.socket.readableLength === 0)
        for (let turn = 0; turn < 5; turn++) await nextTurn()
        peer.socket.destroy()
        for (let turn = 0; turn < 5; turn++) await nextTurn()
        await stream.sendAll('too late').catch(() => {})
        for (let turn = 0; turn < 5; turn++) await nextTurn()
        t.is((await stream.receiveExactly(10)).toString(), 'the answer')
        let failure: unknown
        for (let send = 0; send < 10 && failure === undefined; send++) {
          await stream.sendAll('x').catch((error: unknown) => (failure = error))
          await nextTurn()
        }
        t.true(failure instanceof BrokenResourceError)
        t.regex(((failure as Error).cause as NodeJS.ErrnoException).code!, /^(EPIPE|ECONNRESET)$/)
      },
      { reading: false },
    )
  },
)

eachBackendWithSockets(
  test,
  'R7: next() cancelled by a timeout goes on afterwards, and loses nothing',
  async (t, backend) => {
    await withPeer(t, backend, async (stream, peer) => {
      const lines = stream.receiveDelimitedChunks('\n', 100)
      await peer.write('one\ntw')
      t.is((await lines.next()).value!.toString(), 'one')
      await moveOnAfter(0, () => lines.next())
      await moveOnAfter(5, () => lines.next())
      await peer.write('o\nthree\n')
      t.is((await lines.next()).value!.toString(), 'two')
      t.is((await lines.next()).value!.toString(), 'three')
      await peer.end()
      t.true((await lines.next()).done)
    })
  },
)

eachBackendWithRealSockets(
  test,
  'R8: a stream opened with await using in a cancelled scope: a quiet end and a closed descriptor',
  async (t, backend) => {
    const peers = await PeerServer.listen(t)
    await backend.run(async () => {
      const before = openSockets()
      await openCancelScope(async (scope) => {
        await using stream = await connectTcp('127.0.0.1', peers.port)
        t.is(stream.remoteAddress.port, peers.port)
        scope.cancel()
        await sleepForever()
      })
      const peer = await peers.peer()
      peer.socket.destroy()
      while (openSockets() !== before) await sleep(0)
    })
    peers.close()
    t.pass()
  },
)

eachBackendWithSockets(test, 'echo: what goes through a pair of streams comes back', async (t, backend) => {
  await withPair(backend, async (client, server) => {
    await createTaskGroup(async (group) => {
      group.spawn(async () => {
        for await (const chunk of server) await server.sendAll(chunk)
        await server.sendEof()
      })
      const sent = Buffer.alloc(1_000_000, 'structio ')
      group.spawn(async () => {
        await client.sendAll(sent)
        await client.sendEof()
      })
      const back = await client.receiveExactly(sent.length)
      t.true(back.equals(sent))
      t.is((await client.receiveSome()).length, 0)
    })
  })
})

eachBackendWithSockets(test, 'an accepted stream and its client know each other’s addresses', async (t, backend) => {
  await backend.run(async () => {
    await using server = await createTcpServer(0, { interface: '127.0.0.1' })
    const peer = await peerTo(server)
    await using stream = await server.accept()
    t.deepEqual(stream.localAddress, { address: '127.0.0.1', port: server.port, family: 'IPv4' })
    t.is(stream.remoteAddress.port, peer.port)
    await stream.close()
    t.is(stream.remoteAddress.port, peer.port)
    peer.socket.destroy()
  })
})

eachBackendWithSockets(
  test,
  'L61: addresses can be read after close(), also where they were never asked for before',
  async (t, backend) => {
    await backend.run(async () => {
      for (const listen of ['127.0.0.1', undefined]) {
        await using server = await createTcpServer(0, { interface: listen })
        const client = await connectTcp('127.0.0.1', server.port)
        const accepted = await server.accept()
        await Promise.all([client.close(), accepted.close()])
        t.is(client.remoteAddress.port, server.port)
        t.is(accepted.localAddress.port, server.port)
        t.regex(accepted.localAddress.address, /127\.0\.0\.1$/)
        t.is(accepted.remoteAddress.port, client.localAddress.port)
        t.throws(() => client.getsockopt('SOL_SOCKET', 'SO_RCVBUF'), { instanceOf: ClosedResourceError })
      }
    })
  },
)

test('outside of every run, connecting is a usage error', async (t) => {
  await t.throwsAsync(connectTcp('127.0.0.1', 1), { code: 'ERR_NOT_RUNNING' })
  await t.throwsAsync(createTcpServer(), { code: 'ERR_NOT_RUNNING' })
})
