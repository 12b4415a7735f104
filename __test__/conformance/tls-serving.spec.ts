/** TLS servers: handshakes run beside each other, slow clients are dropped, and their errors are reported. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import test from 'ava'
import {
  connectTcp,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  ExceptionGroup,
  moveOnAfter,
  openCancelScope,
  sleep,
  type SocketAddress,
  type SocketStream,
  TLSEOFError,
  TLSError,
} from '../../index.ts'
import { eachBackendWithClock, eachRealBackendWithClock } from '../support/backends.ts'
import { certificates } from '../support/certificates.ts'
import { eachBackendWithSockets, nextTurn, type Peer, peerTo, eachBackendWithRealSockets } from '../support/net.ts'
import { rejection } from '../support/rejection.ts'
import { echo, isTlsError, LOCAL, Proxy, say, tlsConnect, tlsPeerTo, tlsServer } from '../support/tls.ts'

eachBackendWithClock(
  test,
  'L5: a client that sends nothing is dropped at handshakeTimeout, and one that stops in the middle; others are served',
  async (t, backend, clock) => {
    const errors: [unknown, SocketAddress][] = []
    const onTlsError = (error: TLSError, address: SocketAddress): void => void errors.push([error, address])
    let silent: Peer | undefined
    let slow: Peer | undefined
    let served = 0
    let finish = (): void => {}
    const finished = new Promise<void>((resolve) => (finish = resolve))
    const running = backend.run(async () => {
      await using listener = await tlsServer({ listen: { handshakeTimeout: 1000, onTlsError } })
      await createTaskGroup(async (group) => {
        group.spawn(() => listener.serve(echo))
        silent = await peerTo(listener)
        slow = await peerTo(listener)
        // The beginning of a ClientHello.
        await slow.write(Buffer.from([22, 3, 1, 2, 0, 1, 0]))
        while (listener.statistics().handshaking < 2) await sleep(0)
        const client = await tlsConnect(listener.port)
        await say(t, client, 'while they wait')
        served = 1
        await silent.gone()
        await slow.gone()
        await say(t, client, 'and after')
        t.like(listener.statistics(), { accepted: 1, handshaking: 0, tlsErrors: 2 })
        await client.close()
        await listener.close()
        finish()
      })
    })
    while (served === 0) await nextTurn()
    await clock.advance(999)
    t.false(silent!.closed || silent!.ended || slow!.closed || slow!.ended)
    t.is(errors.length, 0)
    await clock.advance(1)
    await finished
    await running
    t.is(errors.length, 2)
    for (const [error] of errors) isTlsError(t, error, 'timed-out', /client .* not done within 1000 ms/)
    t.deepEqual(errors.map(([, address]) => address.port).sort(), [silent!.port, slow!.port].sort())
    silent!.socket.destroy()
    slow!.socket.destroy()
  },
)

eachBackendWithClock(test, 'handshakeTimeout is thirty seconds by default', async (t, backend, clock) => {
  let silent: Peer | undefined
  let waiting = false
  const running = backend.run(async () => {
    await using listener = await tlsServer()
    await createTaskGroup(async (group) => {
      group.spawn(() => listener.serve(echo))
      silent = await peerTo(listener)
      while (listener.statistics().handshaking === 0) await sleep(0)
      waiting = true
      await silent.gone()
      await listener.close()
    })
  })
  while (!waiting) await nextTurn()
  await clock.advance(29_999)
  t.false(silent!.ended || silent!.closed)
  await clock.advance(1)
  await running
  silent!.socket.destroy()
})

eachBackendWithClock(
  test,
  'an sni callback that never answers is under handshakeTimeout, too',
  async (t, backend, clock) => {
    const errors: TLSError[] = []
    const { server } = await certificates()
    const tls = createTlsContext({ ...server, sni: () => new Promise<undefined>(() => {}) })
    let asked = false
    let failure: unknown
    const running = backend.run(async () => {
      const onTlsError = (error: TLSError): void => void errors.push(error)
      await using listener = await createTcpServer(0, { ...LOCAL, tls, handshakeTimeout: 100, onTlsError })
      await createTaskGroup(async (group) => {
        group.spawn(() => listener.serve(echo))
        const connecting = rejection(tlsConnect(listener.port, { connect: { tlsHostname: 'server.test' } }))
        while (listener.statistics().handshaking === 0) await sleep(0)
        asked = true
        failure = await connecting
        await listener.close()
      })
    })
    while (!asked) await nextTurn()
    for (let turn = 0; turn < 100; turn++) await nextTurn()
    await clock.advance(100)
    await running
    isTlsError(t, errors[0], 'timed-out')
    isTlsError(t, failure, 'closed')
  },
)

eachBackendWithSockets(
  test,
  'maxHandshakes bounds those under way; the others wait in the kernel’s queue and get their turn',
  async (t, backend) => {
    await backend.run(async () => {
      await using listener = await tlsServer({ listen: { maxHandshakes: 2 } })
      await createTaskGroup(async (group) => {
        group.spawn(() => listener.serve(echo))
        const silent = [await peerTo(listener), await peerTo(listener), await peerTo(listener)]
        while (listener.statistics().handshaking < 2) await sleep(0)
        let connected = false
        const connecting = tlsConnect(listener.port).then((client) => {
          connected = true
          return client
        })
        for (let turn = 0; turn < 200; turn++) await sleep(0)
        t.is(listener.statistics().handshaking, 2)
        t.false(connected)
        // One leaves, and the third comes in; with the second gone there is a place for the client.
        for (const peer of silent) peer.socket.destroy()
        const client = await connecting
        await say(t, client, 'at last')
        t.like(listener.statistics(), { accepted: 1, tlsErrors: 3 })
        await client.close()
        await listener.close()
      })
    })
  },
)

eachBackendWithSockets(
  test,
  'connections whose handshake is done wait for accept, within the same bound',
  async (t, backend) => {
    await backend.run(async () => {
      await using listener = await tlsServer({ listen: { maxHandshakes: 3 } })
      const clients = [1, 2, 3, 4, 5].map(() => tlsConnect(listener.port))
      const first = await listener.accept()
      t.is(first.tlsVersion, 'TLSv1.3')
      for (let turn = 0; turn < 50; turn++) await sleep(0)
      const accepted = [first]
      while (accepted.length < 5) accepted.push(await listener.accept())
      const streams = await Promise.all(clients)
      await Promise.all([...streams, ...accepted].map((stream) => stream.close()))
      t.is(listener.statistics().accepted, 5)
    })
  },
)

eachBackendWithSockets(test, 'closing a server ends its handshakes, without a word', async (t, backend) => {
  const errors: unknown[] = []
  await backend.run(async () => {
    const listener = await tlsServer({ listen: { onTlsError: (error) => errors.push(error) } })
    await createTaskGroup(async (group) => {
      group.spawn(() => listener.serve(echo))
      const peer = await peerTo(listener)
      while (listener.statistics().handshaking === 0) await sleep(0)
      await listener.close()
      await peer.gone()
      peer.socket.destroy()
    })
  })
  t.deepEqual(errors, [])
})

eachBackendWithSockets(test, 'a cancelled serve leaves the server able to accept again', async (t, backend) => {
  await backend.run(async () => {
    await using listener = await tlsServer()
    let silent: Peer | undefined
    await openCancelScope(async (scope) => {
      await createTaskGroup(async (group) => {
        group.spawn(() => listener.serve(echo))
        silent = await peerTo(listener)
        while (listener.statistics().handshaking === 0) await sleep(0)
        scope.cancel()
      })
    })
    const [server, client] = await Promise.all([listener.accept(), tlsConnect(listener.port)])
    await Promise.all([client.sendAll('again'), server.receiveExactly(5)])
    await Promise.all([client.close(), server.close()])
    await listener.close()
    silent!.socket.destroy()
  })
})

eachBackendWithSockets(
  test,
  'onTlsError runs in the context of who made the server; what it throws ends the server',
  async (t, backend) => {
    const storage = new AsyncLocalStorage<string>()
    const seen: (string | undefined)[] = []
    const mistake = new Error('of the callback')
    await backend.run(async () => {
      const listener = await storage.run('of the server', () =>
        tlsServer({
          listen: {
            onTlsError: () => {
              seen.push(storage.getStore())
              if (seen.length === 2) throw mistake
            },
          },
        }),
      )
      const failing = rejection(listener.serve(echo))
      for (let n = 0; n < 2; n++) {
        const peer = await peerTo(listener)
        await peer.write('garbage, not TLS\r\n')
        await peer.gone()
        peer.socket.destroy()
      }
      const error = await failing
      t.deepEqual([...(error as ExceptionGroup).leaves()], [mistake])
      await listener.close()
    })
    t.deepEqual(seen, ['of the server', 'of the server'])
  },
)

eachBackendWithRealSockets(
  test,
  'what TLS fails with in a handler is dropped, like every end of its own connection, and the channel shows it',
  async (t, backend) => {
    const shown: { error: unknown; stream: SocketStream }[] = []
    const listen = (message: unknown): void => void shown.push(message as (typeof shown)[0])
    subscribe('structio:connection-error', listen)
    t.teardown(() => unsubscribe('structio:connection-error', listen))
    await backend.run(async () => {
      await using listener = await tlsServer()
      const proxy = await Proxy.listen(t, listener.port)
      await createTaskGroup(async (group) => {
        group.spawn(() => listener.serve(echo, { onError: () => t.fail('not an error of the server’s') }))
        const first = await tlsConnect(proxy.port)
        await say(t, first, 'fine so far')
        proxy.lines[0]!.server.write(Buffer.from([23, 3, 3, 0, 30, ...Buffer.alloc(30)]))
        while (shown.length === 0) await sleep(0)
        await first[Symbol.asyncDispose]()

        const second = await tlsConnect(proxy.port)
        await say(t, second, 'fine so far')
        proxy.lines[1]!.server.end()
        while (!shown.some(({ error }) => error instanceof TLSEOFError)) await sleep(0)
        proxy.close()
        await second[Symbol.asyncDispose]()
        await listener.close()
      })
    })
    isTlsError(t, shown[0]?.error, 'bad-record', /the client sent a record that does not decrypt/)
    t.is(shown[0]?.stream.remoteAddress.address, '127.0.0.1')
  },
)

eachBackendWithSockets(
  test,
  "a TLS error of another stream is none of the connection’s own, and ends the server with onError 'throw'",
  async (t, backend) => {
    await backend.run(async () => {
      await using upstream = await tlsServer()
      await using listener = await tlsServer()
      const serving = rejection(
        listener.serve(
          async () => {
            await tlsConnect(upstream.port, { connect: { tlsHostname: 'wrong.test' } })
          },
          { onError: 'throw' },
        ),
      )
      const failed = new Promise<void>((resolve) => {
        void rejection(upstream.accept()).then(() => resolve())
      })
      const client = await tlsConnect(listener.port)
      const error = await serving
      t.true(error instanceof ExceptionGroup)
      const [leaf] = [...(error as ExceptionGroup).leaves()]
      isTlsError(t, leaf, 'certificate-wrong-name')
      await client[Symbol.asyncDispose]()
      await upstream.close()
      await failed
    })
  },
)

eachRealBackendWithClock(
  test,
  'closeTimeout bounds how long serve waits for a client that never says goodbye',
  async (t, backend, clock) => {
    let told = false
    let ended = false
    let peer: Peer | undefined
    const running = backend.run(async () => {
      await using listener = await tlsServer({ listen: { closeTimeout: 1234 } })
      await createTaskGroup(async (group) => {
        group.spawn(async () => {
          await listener.serve(async (stream) => {
            await stream.sendAll('bye')
          })
          ended = true
        })
        // Half-open: node:tls does not answer the server's close_notify by itself.
        peer = await tlsPeerTo(listener.port)
        await peer.bytes(3)
        told = true
        await listener.close()
      })
    })
    while (peer === undefined || !told) await nextTurn()
    // It has said its own; only the client's is missing.
    await peer.rest()
    await clock.advance(1233)
    t.false(ended)
    await clock.advance(1)
    t.true(ended)
    await running
    peer.socket.destroy()
  },
)

eachRealBackendWithClock(
  test,
  'a TLS stream left open when the run settles is closed in five seconds, with a warning',
  async (t, backend, clock) => {
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
    let ended = false
    let left: SocketStream | undefined
    let peer: Peer | undefined
    const running = backend.run(async () => {
      await using listener = await tlsServer()
      const [stream, other] = await Promise.all([listener.accept(), tlsPeerTo(listener.port)])
      left = stream
      peer = other
      await stream.sendAll('last words')
    })
    void running.then(() => (ended = true))
    const warning = await warned
    t.regex(warning.message, /TCP stream 127\.0\.0\.1:\d+ → 127\.0\.0\.1:\d+ .*task "/)
    t.is((await peer!.rest()).toString(), 'last words')
    await clock.advance(4999)
    t.false(ended)
    await clock.advance(1)
    await running
    t.throws(() => left!.getChannelBinding())
    peer!.socket.destroy()
  },
)

eachBackendWithSockets(test, 'many clients at once, with a crowd of silent ones between them', async (t, backend) => {
  await backend.run(async () => {
    await using listener = await tlsServer()
    await createTaskGroup(async (group) => {
      group.spawn(() => listener.serve(echo))
      const silent = await Promise.all(Array.from({ length: 30 }, () => peerTo(listener)))
      await createTaskGroup((clients) => {
        for (let n = 0; n < 30; n++) {
          clients.spawn(async () => {
            const client = await tlsConnect(listener.port)
            await say(t, client, `client ${n}`)
            await client.close()
          })
        }
      })
      t.like(listener.statistics(), { accepted: 30, tlsErrors: 0, handshaking: 30 })
      for (const peer of silent) peer.socket.destroy()
      await listener.close()
    })
  })
})

eachBackendWithSockets(test, 'a cancelled connectTcp leaves nothing of its handshake', async (t, backend) => {
  await backend.run(async () => {
    const { ca } = await certificates()
    await using listener = await createTcpServer(0, LOCAL)
    const tls = createTlsContext({ ca })
    const connecting = moveOnAfter(20, () => connectTcp('127.0.0.1', listener.port, { tls, autostartTls: true }))
    const accepted = await listener.accept()
    // Its ClientHello has come, and then its end.
    t.is((await accepted.receiveExactly(1))[0], 22)
    t.is(await connecting, undefined)
    const rest = await rejection(drained(accepted))
    t.true(rest === undefined || rest instanceof Error)
    await accepted[Symbol.asyncDispose]()
  })
})

eachBackendWithSockets(
  test,
  'a connectTcp that is cancelled between the connection and its handshake leaves nothing',
  async (t, backend) => {
    await backend.run(async () => {
      const { ca } = await certificates()
      await using listener = await createTcpServer(0, LOCAL)
      const tls = createTlsContext({ ca })
      // However many microtasks lie between the two: the cancellation comes after each number of them.
      for (let steps = 0; steps < 24; steps++) {
        await openCancelScope(async (scope) => {
          const connecting = connectTcp('127.0.0.1', listener.port, { tls, autostartTls: true })
          const accepted = await listener.accept()
          for (let step = 0; step < steps; step++) await Promise.resolve()
          scope.cancel()
          accepted._reset()
          await connecting
        })
      }
      t.pass()
    })
  },
)

async function drained(stream: SocketStream): Promise<never> {
  while ((await stream.receiveSome()).length > 0);
  throw new Error('ended')
}
