/** `startTls`: TLS that begins in the middle of a conversation, and nothing of the plaintext that survives it. */
import test from 'ava'
import {
  Cancelled,
  ClosedResourceError,
  connectTcp,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  moveOnAfter,
  openCancelScope,
  ResourceBusyError,
  sleep,
  type SocketStream,
  UsageError,
  wrapTls,
} from '../../index.ts'
import { Stream } from '../../src/streams/stream.ts'
import type { TestBackend } from '../support/backends.ts'
import { certificates } from '../support/certificates.ts'
import {
  eachBackendWithSockets,
  nextTurn,
  type Peer,
  peerTo,
  PeerServer,
  withPair,
  eachBackendWithRealSockets,
} from '../support/net.ts'
import { rejection } from '../support/rejection.ts'
import { isTlsError, LOCAL } from '../support/tls.ts'

/** A plaintext connection, a context for each side. */
async function withContexts(
  backend: TestBackend,
  body: (client: SocketStream, server: SocketStream, contexts: Contexts) => unknown,
): Promise<void> {
  const { ca, server: identity } = await certificates()
  const contexts = { ours: createTlsContext({ ca }), theirs: createTlsContext(identity) }
  await withPair(backend, (client, server) => body(client, server, contexts))
}

interface Contexts {
  readonly ours: ReturnType<typeof createTlsContext>
  readonly theirs: ReturnType<typeof createTlsContext>
}

eachBackendWithSockets(
  test,
  'startTls at any moment of a conversation, by either side’s initiative',
  async (t, backend) => {
    for (const starter of ['client', 'server'] as const) {
      await withContexts(backend, async (client, server, { ours, theirs }) => {
        const [first, second] = starter === 'client' ? [client, server] : [server, client]
        for (let n = 0; n < 3; n++) {
          await first.sendAll(`line ${n}\r\n`)
          t.is((await second.receiveUntil('\r\n', 100)).toString(), `line ${n}\r\n`)
        }
        await first.sendAll('STARTTLS\r\n')
        t.is((await second.receiveUntil('\r\n', 100)).toString(), 'STARTTLS\r\n')
        await second.sendAll('go ahead\r\n')
        t.is((await first.receiveUntil('\r\n', 100)).toString(), 'go ahead\r\n')
        await Promise.all([client.startTls(ours), server.startTls(theirs)])
        t.is(client.serverSide, false)
        t.is(server.serverSide, true)
        t.is(client.tlsVersion, 'TLSv1.3')
        await first.sendAll('secret\r\n')
        t.is((await second.receiveUntil('\r\n', 100)).toString(), 'secret\r\n')
        await second.sendAll('too\r\n')
        t.is((await first.receiveUntil('\r\n', 100)).toString(), 'too\r\n')
      })
    }
  },
)

eachBackendWithSockets(
  test,
  'plaintext that was there before the go-ahead is refused, and the stream is closed: it may have been injected',
  async (t, backend) => {
    await withContexts(backend, async (client, server, { theirs }) => {
      await client.sendAll('STARTTLS\r\nRSET\r\n')
      t.is((await server.receiveUntil('\r\n', 100)).toString(), 'STARTTLS\r\n')
      t.is(server.bufferedData.toString(), 'RSET\r\n')
      await server.sendAll('go ahead\r\n')
      const error = await rejection(server.startTls(theirs))
      isTlsError(t, error, 'plaintext-buffered', /the client had sent plaintext .*injected/)
      await t.throwsAsync(server.receiveSome(), { instanceOf: ClosedResourceError })
      t.is((await client.receiveUntil('\r\n', 100)).toString(), 'go ahead\r\n')
      await rejection(drained(client))
    })
  },
)

eachBackendWithSockets(
  test,
  'plaintext that is still on its way, or comes after the go-ahead, is no ClientHello, and never read as if it were secret',
  async (t, backend) => {
    const { server: identity } = await certificates()
    await backend.run(async () => {
      await using listener = await createTcpServer(0, LOCAL)
      for (const after of [false, true]) {
        const peer = await peerTo(listener)
        const server = await listener.accept()
        await peer.write('STARTTLS\r\n')
        t.is((await server.receiveUntil('\r\n', 100)).toString(), 'STARTTLS\r\n')
        if (!after) await peer.write('MAIL FROM:<attacker>\r\n')
        await server.sendAll('go ahead\r\n')
        await peer.bytes(10)
        if (after) await peer.write('MAIL FROM:<attacker>\r\n')
        isTlsError(
          t,
          await rejection(server.startTls(createTlsContext(identity))),
          'not-tls',
          /the client does not speak TLS/,
        )
        await t.throwsAsync(server.receiveSome(), { instanceOf: ClosedResourceError })
        await peer.gone()
        peer.socket.destroy()
      }
    })
  },
)

eachBackendWithRealSockets(
  test,
  'on a client, too: what the server says between its go-ahead and its handshake is refused',
  async (t, backend) => {
    const peers = await PeerServer.listen(t)
    await backend.run(async () => {
      const { ca } = await certificates()
      const stream = await connectTcp('127.0.0.1', peers.port, { tls: createTlsContext({ ca }), autostartTls: false })
      const peer = await peers.peer()
      await stream.sendAll('STARTTLS\r\n')
      await peer.bytes(10)
      await peer.write('go ahead\r\nand this is injected\r\n')
      t.is((await stream.receiveUntil('\r\n', 100)).toString(), 'go ahead\r\n')
      t.is(stream.bufferedData.toString(), 'and this is injected\r\n')
      isTlsError(t, await rejection(stream.startTls()), 'not-tls', /the server/)
      await t.throwsAsync(stream.receiveSome(), { instanceOf: ClosedResourceError })
      peer.socket.destroy()
    })
    peers.close()
  },
)

/** Puts something in front of the first bytes that are sent through it. */
class Prefixed extends Stream {
  readonly #below: Stream
  #prefix: Buffer | undefined

  constructor(below: Stream, prefix: string) {
    super()
    this.#below = below
    this.#prefix = Buffer.from(prefix)
  }

  receiveSome(maxBytes?: number): Promise<Buffer> {
    return this.#below.receiveSome(maxBytes)
  }

  sendAll(data: Uint8Array | string): Promise<void> {
    const prefix = this.#prefix ?? Buffer.alloc(0)
    this.#prefix = undefined
    return this.#below.sendAll(Buffer.concat([prefix, Buffer.from(data as string)]))
  }

  sendEof(): Promise<void> {
    return this.#below.sendEof()
  }

  close(): Promise<void> {
    return this.#below.close()
  }
}

eachBackendWithSockets(
  test,
  'a ClientHello that was read together with the last plaintext is the beginning of the handshake',
  async (t, backend) => {
    await withContexts(backend, async (client, server, { ours, theirs }) => {
      await client.sendAll('STARTTLS\r\n')
      await server.receiveUntil('\r\n', 100)
      await server.sendAll('go ahead\r\n')
      await client.receiveUntil('\r\n', 100)
      // One more line of plaintext, and the ClientHello behind it in the same segment.
      const wrapping = wrapTls(new Prefixed(client, 'OK\r\n'), ours, { hostname: 'localhost' })
      t.is((await server.receiveUntil('\r\n', 100)).toString(), 'OK\r\n')
      t.is(server.bufferedData[0], 22)
      const [wrapped] = await Promise.all([wrapping, server.startTls(theirs)])
      t.is(server.bufferedData.length, 0)
      await wrapped.sendAll('secret')
      t.is((await server.receiveExactly(6)).toString(), 'secret')
      await Promise.all([wrapped.close(), server.close()])
    })
  },
)

eachBackendWithRealSockets(test, 'what was sent before startTls leaves before it, in plaintext', async (t, backend) => {
  const peers = await PeerServer.listen(t)
  await backend.run(async () => {
    const stream = await connectTcp('127.0.0.1', peers.port)
    const peer = await peers.peer()
    await stream.sendAll('x'.repeat(50_000))
    const starting = rejection(stream.startTls(createTlsContext({ verify: false })))
    t.is(await peer.text(50_000), 'x'.repeat(50_000))
    t.is((await peer.bytes(1))[0], 22)
    peer.socket.destroy()
    isTlsError(t, await starting, 'closed')
  })
  peers.close()
})

eachBackendWithSockets(
  test,
  'startTls needs both directions for itself, and keeps them until it is done',
  async (t, backend) => {
    await withContexts(backend, async (client, server, { ours, theirs }) => {
      await createTaskGroup(async (group) => {
        const receiving = group.spawn(() => server.receiveExactly(1))
        await sleep(0)
        await t.throwsAsync(server.startTls(theirs), { instanceOf: ResourceBusyError })
        await client.sendAll('x')
        await receiving.wait()
      })
      const starting = client.startTls(ours)
      await t.throwsAsync(client.receiveSome(), { instanceOf: ResourceBusyError })
      // What is sent meanwhile waits, and goes through TLS.
      const sending = client.sendAll('x')
      const again = t.throwsAsync(client.startTls(ours), { instanceOf: UsageError, message: /wrapTls/ })
      await server.startTls(theirs)
      await starting
      await sending
      await again
      t.is((await server.receiveExactly(1)).toString(), 'x')
    })
  },
)

eachBackendWithSockets(test, 'startTls of what speaks TLS, or without a certificate', async (t, backend) => {
  await withContexts(backend, async (client, server, { ours, theirs }) => {
    await t.throwsAsync(server.startTls(), { instanceOf: UsageError, message: /context/ })
    isTlsError(t, await rejection(server.startTls(ours)), 'no-settings', /needs a certificate/)
    await t.throwsAsync(client.startTls({} as never), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
    await t.throwsAsync(client.startTls(ours, { hostname: 5 } as never), { instanceOf: TypeError })
    // None of it has done any harm.
    await Promise.all([client.startTls(ours), server.startTls(theirs)])
    await t.throwsAsync(client.startTls(ours), { instanceOf: UsageError, message: /wrapTls/ })
    await Promise.all([client.close(), server.close()])
    await t.throwsAsync(client.startTls(ours), { instanceOf: ClosedResourceError })
  })
})

eachBackendWithSockets(test, 'the name to verify may be given with startTls', async (t, backend) => {
  await withContexts(backend, async (client, server, { ours, theirs }) => {
    await Promise.all([client.startTls(ours, { hostname: 'server.test' }), server.startTls(theirs)])
    t.is(client.serverHostname, 'server.test')
    t.is(server.tlsVersion, 'TLSv1.3')
  })
  await withContexts(backend, async (client, server, { ours, theirs }) => {
    const [here, there] = await Promise.all([
      rejection(client.startTls(ours, { hostname: 'wrong.test' })),
      rejection(server.startTls(theirs)),
    ])
    isTlsError(t, here, 'certificate-wrong-name', /wrong\.test|another name/)
    isTlsError(t, there, 'alert', /the client refused/)
    for (const stream of [client, server]) await t.throwsAsync(stream.sendAll('x'), { instanceOf: ClosedResourceError })
  })
})

eachBackendWithRealSockets(
  test,
  'a cancelled handshake closes the stream: half a handshake is of no use to anybody',
  async (t, backend) => {
    const peers = await PeerServer.listen(t)
    await backend.run(async () => {
      for (const by of ['scope', 'deadline'] as const) {
        const stream = await connectTcp('127.0.0.1', peers.port)
        const peer = await peers.peer()
        const context = createTlsContext({ verify: false })
        if (by === 'scope') {
          await openCancelScope(async (scope) => {
            const starting = stream.startTls(context)
            await peer.bytes(5)
            scope.cancel()
            await t.throwsAsync(starting, { instanceOf: Cancelled })
          })
        } else {
          t.is(await moveOnAfter(10, () => stream.startTls(context).then(() => 'done')), undefined)
        }
        await peer.gone()
        await t.throwsAsync(stream.receiveSome(), { instanceOf: ClosedResourceError })
        await stream.close()
        peer.socket.destroy()
      }
    })
    peers.close()
  },
)

eachBackendWithRealSockets(test, 'closing a stream ends its handshake', async (t, backend) => {
  const peers = await PeerServer.listen(t)
  await backend.run(async () => {
    const stream = await connectTcp('127.0.0.1', peers.port)
    const peer = await peers.peer()
    const starting = rejection(stream.startTls(createTlsContext({ verify: false })))
    await peer.bytes(5)
    await stream.close()
    t.true((await starting) instanceof ClosedResourceError)
    await peer.gone()
    peer.socket.destroy()
  })
  peers.close()
})

eachBackendWithSockets(
  test,
  'startTls in a cancelled scope is not begun, and the stream stays plain',
  async (t, backend) => {
    await withContexts(backend, async (client, server, { ours, theirs }) => {
      await openCancelScope(async (scope) => {
        scope.cancel()
        await t.throwsAsync(client.startTls(ours), { instanceOf: Cancelled })
      })
      await client.sendAll('still plain')
      t.is((await server.receiveExactly(11)).toString(), 'still plain')
      await Promise.all([client.startTls(ours), server.startTls(theirs)])
      t.is(client.tlsVersion, 'TLSv1.3')
    })
  },
)

eachBackendWithSockets(test, 'a handler of serve upgrades its connection', async (t, backend) => {
  const { ca, server: identity } = await certificates()
  await backend.run(async () => {
    const tls = createTlsContext(identity)
    await using listener = await createTcpServer(0, { ...LOCAL, tls, autostartTls: false })
    await createTaskGroup(async (group) => {
      group.spawn(() =>
        listener.serve(async (stream) => {
          t.is((await stream.receiveUntil('\n', 100)).toString(), 'STARTTLS\n')
          await stream.sendAll('go\n')
          await stream.startTls()
          for await (const line of stream.receiveDelimitedChunks('\n', 100)) await stream.sendMany([line, '!\n'])
        }),
      )
      const client = await connectTcp('127.0.0.1', listener.port, {
        tls: createTlsContext({ ca }),
        autostartTls: false,
      })
      await client.sendAll('STARTTLS\n')
      await client.receiveUntil('\n', 100)
      await client.startTls()
      await client.sendAll('one\ntwo\n')
      t.is((await client.receiveExactly(10)).toString(), 'one!\ntwo!\n')
      await client.close()
      await listener.close()
    })
  })
})

eachBackendWithSockets(test, 'a peer that hangs up after the go-ahead', async (t, backend) => {
  const { server: identity } = await certificates()
  await backend.run(async () => {
    await using listener = await createTcpServer(0, LOCAL)
    const peer: Peer = await peerTo(listener)
    const server = await listener.accept()
    const starting = rejection(server.startTls(createTlsContext(identity)))
    await nextTurn()
    await peer.end()
    isTlsError(t, await starting, 'closed', /the client closed the connection before the handshake was done/)
    peer.socket.destroy()
  })
})

/** Reads until something ends it. */
async function drained(stream: SocketStream): Promise<never> {
  while ((await stream.receiveSome()).length > 0);
  throw new Error('the end')
}
