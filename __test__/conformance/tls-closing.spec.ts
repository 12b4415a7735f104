/** How a TLS stream ends: `close_notify` both ways, its absence, half-closing, and who waits for whom. */
import type * as tls from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import {
  BrokenResourceError,
  checkpoint,
  ClosedResourceError,
  createTaskGroup,
  IncompleteRead,
  moveOnAfter,
  openCancelScope,
  type SocketStream,
  TLSEOFError,
  UnsupportedError,
} from '../../index.ts'
import type { TestBackend } from '../support/backends.ts'
import { eachBackendWithSockets, nextTurn, type Peer, eachBackendWithRealSockets } from '../support/net.ts'
import { rejection } from '../support/rejection.ts'
import { type PairOptions, Proxy, TlsPeerServer, tlsConnect, withTlsPair, withTlsPeer } from '../support/tls.ts'

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const
const NOT_STANDARD = { tlsStandardCompatible: false }

/** Records' types, as seen on the wire. */
const ALERT = 21

/**
 * A client of the library's and a server of node:tls's with a proxy between them, which can end either direction without
 * TLS knowing, and sees what records pass.
 */
async function withProxy(
  t: ExecutionContext,
  backend: TestBackend,
  body: (stream: SocketStream, peer: Peer, proxy: Proxy, sent: () => number[]) => unknown,
  { client, connect, server }: Pick<PairOptions, 'client' | 'connect'> & { server?: tls.TlsOptions } = {},
): Promise<void> {
  const peers = await TlsPeerServer.listen(t, server)
  let bytes = Buffer.alloc(0)
  const proxy = await Proxy.listen(t, peers.port, {
    toServer: (passing) => {
      bytes = Buffer.concat([bytes, passing])
      return passing
    },
  })
  await backend.run(async () => {
    const stream = await tlsConnect(proxy.port, { ...(client && { client }), ...(connect && { connect }) })
    const peer = await peers.peer()
    try {
      await body(stream, peer, proxy, () => recordTypes(bytes))
    } finally {
      peer.socket.destroy()
      await stream[Symbol.asyncDispose]().catch(() => {})
    }
  })
  proxy.close()
  peers.close()
}

function recordTypes(bytes: Buffer): number[] {
  const types: number[] = []
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) types.push(bytes[at]!)
  return types
}

for (const version of VERSIONS) {
  const client = { maxVersion: version }

  eachBackendWithRealSockets(
    test,
    `L2: ${version}: a peer that drops TCP without close_notify is a TLSEOFError, which is a broken resource`,
    async (t, backend) => {
      await withProxy(
        t,
        backend,
        async (stream, peer, proxy) => {
          await peer.write('the last words')
          t.is((await stream.receiveExactly(14)).toString(), 'the last words')
          proxy.lines[0]!.client.end()
          for (let n = 0; n < 2; n++) {
            const error = await t.throwsAsync(stream.receiveSome(), { instanceOf: TLSEOFError, code: 'ERR_TLS_EOF' })
            t.true(error instanceof BrokenResourceError)
            t.regex(
              error.message,
              /TLS with the server 127\.0\.0\.1:\d+: the server ended the connection without close_notify/,
            )
          }
          await t.throwsAsync(stream.receiveInto(Buffer.alloc(10)), { instanceOf: TLSEOFError })
        },
        { client },
      )
    },
  )

  eachBackendWithRealSockets(
    test,
    `L2: ${version}: the same is the plain end of data where the stream is not standard compatible`,
    async (t, backend) => {
      await withProxy(
        t,
        backend,
        async (stream, peer, proxy) => {
          await peer.write('the last words')
          t.is((await stream.receiveExactly(14)).toString(), 'the last words')
          proxy.lines[0]!.client.end()
          t.is((await stream.receiveSome()).length, 0)
          t.is((await stream.receiveSome()).length, 0)
          t.is(await stream.receiveInto(Buffer.alloc(10)), 0)
          await stream.close()
        },
        { client, connect: NOT_STANDARD },
      )
    },
  )

  eachBackendWithRealSockets(
    test,
    `${version}: close_notify is the end of data, also inside a frame`,
    async (t, backend) => {
      for (const connect of [{}, NOT_STANDARD]) {
        await withTlsPeer(
          t,
          backend,
          async (stream, peer) => {
            await peer.write('half a frame')
            peer.socket.end()
            const error = await t.throwsAsync(stream.receiveExactly(100), { instanceOf: IncompleteRead })
            t.truthy(error)
            t.is(stream.bufferedData.toString(), 'half a frame')
            t.is((await stream.receiveSome()).toString(), 'half a frame')
            t.is((await stream.receiveSome()).length, 0)
            await stream.close()
          },
          { client, connect },
        )
      }
    },
  )

  eachBackendWithRealSockets(
    test,
    `${version}: close says goodbye and waits for the peer's; what comes before it is dropped`,
    async (t, backend) => {
      await withProxy(
        t,
        backend,
        async (stream, peer, _, sent) => {
          await stream.sendAll('mine')
          let closed = false
          const closing = stream.close().then(() => (closed = true))
          // Its own: the words, the close_notify, and the FIN.
          t.is((await peer.rest()).toString(), 'mine')
          await peer.write('not heard any more')
          for (let turn = 0; turn < 50; turn++) await nextTurn()
          t.false(closed)
          t.is(sent().at(-1), version === 'TLSv1.2' ? ALERT : 23)
          peer.socket.end()
          await closing
          t.is(peer.error, undefined)
        },
        { client },
      )
    },
  )

  eachBackendWithRealSockets(
    test,
    `${version}: without standard compatibility close sends no close_notify and waits for nobody`,
    async (t, backend) => {
      await withProxy(
        t,
        backend,
        async (stream, peer, proxy, sent) => {
          await stream.sendAll('mine')
          t.is(await peer.text(4), 'mine')
          const before = sent().length
          await stream.close()
          while (!proxy.lines[0]!.client.readableEnded) await nextTurn()
          t.is(sent().length, before)
          await peer.gone()
        },
        { client, connect: NOT_STANDARD },
      )
    },
  )
}

eachBackendWithSockets(test, 'two ends that close at the same time both do', async (t, backend) => {
  await withTlsPair(backend, async (client, server) => {
    await Promise.all([client.close(), server.close()])
    for (const stream of [client, server]) {
      await stream.close()
      await t.throwsAsync(stream.receiveSome(), { instanceOf: ClosedResourceError })
      await t.throwsAsync(stream.sendAll('x'), { instanceOf: ClosedResourceError })
    }
  })
})

eachBackendWithRealSockets(
  test,
  'whatever the peer’s end is, it is no error of close: a bare end, a reset, garbage',
  async (t, backend) => {
    for (const end of [
      (proxy: Proxy) => proxy.lines[0]!.client.end(),
      (proxy: Proxy) => proxy.lines[0]!.client.resetAndDestroy(),
      (proxy: Proxy) => proxy.lines[0]!.client.end(Buffer.from('garbage instead of a record')),
    ]) {
      await withProxy(t, backend, async (stream, peer, proxy) => {
        const closing = stream.close()
        await peer.rest()
        end(proxy)
        await closing
        await t.throwsAsync(stream.receiveSome(), { instanceOf: ClosedResourceError })
      })
    }
  },
)

eachBackendWithRealSockets(test, 'a stream whose peer has said goodbye closes at once', async (t, backend) => {
  await withTlsPeer(t, backend, async (stream, peer) => {
    peer.socket.end()
    t.is((await stream.receiveSome()).length, 0)
    await stream.close()
  })
})

eachBackendWithRealSockets(
  test,
  'close in a cancelled scope does not wait, closes all the same, and resolves',
  async (t, backend) => {
    await withTlsPeer(t, backend, async (stream, peer) => {
      await openCancelScope(async (scope) => {
        scope.cancel()
        await t.notThrowsAsync(stream.close())
      })
      await peer.gone()
    })
  },
)

eachBackendWithRealSockets(
  test,
  'a close that waits for the peer’s goodbye ends with its scope; the descriptor is closed',
  async (t, backend) => {
    await withTlsPeer(t, backend, async (stream, peer) => {
      const outcome = await moveOnAfter(20, async () => {
        await stream.close()
        await checkpoint()
        return 'closed'
      })
      t.is(outcome, undefined)
      // The goodbye has been said.
      await peer.rest()
      await t.throwsAsync(stream.receiveSome(), { instanceOf: ClosedResourceError })
    })
  },
)

eachBackendWithSockets(test, 'own close wakes a receive, which hears that it is closed', async (t, backend) => {
  await withTlsPair(backend, async (client, server) => {
    const receiving = rejection(client.receiveSome())
    await Promise.all([client.close(), server.close()])
    t.true((await receiving) instanceof ClosedResourceError)
  })
})

eachBackendWithSockets(
  test,
  'TLS 1.3: sendEof ends one direction, and the answer is received after it',
  async (t, backend) => {
    await withTlsPair(backend, async (client, server) => {
      await client.sendAll('question')
      await client.sendEof()
      await client.sendEof()
      await t.throwsAsync(client.sendAll('more'), { instanceOf: ClosedResourceError })
      t.is((await server.receiveExactly(8)).toString(), 'question')
      t.is((await server.receiveSome()).length, 0)
      await server.sendAll('a long answer '.repeat(10_000))
      const closing = server.close()
      t.is((await client.receiveExactly(140_000)).length, 140_000)
      t.is((await client.receiveSome()).length, 0)
      await Promise.all([closing, client.close()])
    })
  },
)

eachBackendWithRealSockets(
  test,
  'TLS 1.3: node:tls half-closes, and gets the answer; and so the other way round',
  async (t, backend) => {
    await withTlsPeer(t, backend, async (stream, peer) => {
      // Not `end('question')`: node:tls loses its close_notify behind a write that is still under way.
      await peer.write('question')
      peer.socket.end()
      t.is((await stream.receiveExactly(8)).toString(), 'question')
      t.is((await stream.receiveSome()).length, 0)
      await stream.sendAll('answer')
      await stream.close()
      t.is((await peer.rest()).toString(), 'answer')
    })
    await withTlsPeer(t, backend, async (stream, peer) => {
      await stream.sendAll('question')
      await stream.sendEof()
      t.is((await peer.rest()).toString(), 'question')
      await peer.write('answer')
      peer.socket.end()
      t.is((await stream.receiveExactly(6)).toString(), 'answer')
      t.is((await stream.receiveSome()).length, 0)
      await stream.close()
    })
  },
)

eachBackendWithSockets(
  test,
  'TLS 1.2 has no half-closed connections: sendEof is unsupported, says what to do, and harms nothing',
  async (t, backend) => {
    await withTlsPair(
      backend,
      async (client, server) => {
        for (const stream of [client, server]) {
          await t.throwsAsync(stream.sendEof(), { instanceOf: UnsupportedError, message: /TLS 1\.3/ })
        }
        await client.sendAll('goes on')
        t.is((await server.receiveExactly(7)).toString(), 'goes on')
      },
      { client: { maxVersion: 'TLSv1.2' } },
    )
  },
)

eachBackendWithSockets(
  test,
  'what was sent before close arrives, however much it is, and then the goodbye',
  async (t, backend) => {
    const data = Buffer.alloc(3_000_000, 'x')
    await withTlsPair(backend, async (client, server) => {
      await createTaskGroup(async (group) => {
        group.spawn(async () => {
          await client.sendAll(data)
          await client.close()
        })
        let count = 0
        for await (const chunk of server) count += chunk.length
        t.is(count, data.length)
        await server.close()
      })
    })
  },
)

eachBackendWithRealSockets(test, 'a stream that has failed says no goodbye, and closes at once', async (t, backend) => {
  await withProxy(t, backend, async (stream, _, proxy) => {
    proxy.lines[0]!.client.write(Buffer.from([23, 3, 3, 0, 40, ...Buffer.alloc(40)]))
    await t.throwsAsync(stream.receiveSome())
    await stream.close().catch(() => {})
    await t.throwsAsync(stream.receiveSome(), { instanceOf: ClosedResourceError })
  })
})
