/**
 * Peers that do not speak TLS, speak it badly, or stop in the middle: garbage, silence, records that are too large or do not
 * decrypt, renegotiation, and a connection cut at every byte of a handshake, in both roles.
 */
import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import {
  BrokenResourceError,
  createTaskGroup,
  sleep,
  type SocketStream,
  TLSError,
  type TLSErrorReason,
} from '../../index.ts'
import { eachBackendWithSockets, peerTo, PeerServer, eachBackendWithRealSockets } from '../support/net.ts'
import { rejection } from '../support/rejection.ts'
import { RawClient, RECORD } from '../support/raw-tls.ts'
import {
  echo,
  failedHandshake,
  isTlsError,
  type Line,
  Proxy,
  say,
  tlsConnect,
  tlsPeerFailure,
  tlsServer,
  TlsPeerServer,
} from '../support/tls.ts'

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

/** A record's header: of its type, of TLS 1.2 (as TLS 1.3 says, too), and with a length. */
const header = (type: number, length: number): Buffer => Buffer.from([type, 3, 3, length >> 8, length & 0xff])

/** What is sent to a TLS port instead of a ClientHello. */
const NO_HELLO: readonly [title: string, bytes: Buffer, reason: TLSErrorReason, text: RegExp][] = [
  [
    'an HTTP request',
    Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    'not-tls',
    /the client does not speak TLS here/,
  ],
  ['an SMTP greeting', Buffer.from('EHLO there.test\r\n'), 'not-tls', /the client does not speak TLS here/],
  ['zeros', Buffer.alloc(100), 'not-tls', /the client does not speak TLS here/],
  [
    'a record that is too large',
    Buffer.concat([header(22, 0xffff), Buffer.alloc(100, 1)]),
    'record-too-large',
    /the client sent a record that is too large/,
  ],
]

for (const [title, bytes, reason, text] of NO_HELLO) {
  eachBackendWithSockets(test, `L5: a TLS server gets ${title}, and drops who sent it`, async (t, backend) => {
    const { server } = await failedHandshake(t, backend, {}, async (port) => {
      const peer = await peerTo({ port })
      await peer.write(bytes)
      await peer.gone()
      peer.socket.destroy()
    })
    isTlsError(t, server, reason, text)
  })
}

eachBackendWithSockets(test, 'L5: random bytes are dropped, whatever they look like', async (t, backend) => {
  await backend.run(async () => {
    const errors: TLSError[] = []
    await using listener = await tlsServer({ listen: { onTlsError: (error) => errors.push(error) } })
    await createTaskGroup(async (group) => {
      group.spawn(() => listener.serve(echo))
      const other = await tlsConnect(listener.port)
      for (let n = 0; n < 50; n++) {
        const peer = await peerTo(listener)
        // Some begin like a record, so that they get further than the first byte.
        const bytes = randomBytes(600)
        if (n % 2 === 0) header(22, 300).copy(bytes)
        if (n % 4 === 0) Buffer.from([1, 0, 0, 200, 3, 3]).copy(bytes, 5)
        await peer.write(bytes)
        await peer.end()
        await peer.gone()
        peer.socket.destroy()
        await say(t, other, `still here ${n}`)
      }
      while (errors.length < 50) await sleep(0)
      t.true(errors.every((error) => error instanceof TLSError && /client/.test(error.message)))
      t.like(listener.statistics(), { tlsErrors: 50, handshaking: 0, accepted: 1 })
      await other.close()
      await listener.close()
    })
  })
})

eachBackendWithRealSockets(
  test,
  'a TLS client that gets plaintext says that the server speaks none',
  async (t, backend) => {
    for (const greeting of ['220 mail.test ESMTP\r\n', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'SSH-2.0-OpenSSH_9.2\r\n']) {
      const peers = await PeerServer.listen(t)
      await backend.run(async () => {
        const connecting = rejection(tlsConnect(peers.port))
        const peer = await peers.peer()
        await peer.write(greeting)
        isTlsError(
          t,
          await connecting,
          'not-tls',
          /^TLS handshake with the server .*: the server does not speak TLS here/,
        )
        await peer.gone()
        peer.socket.destroy()
      })
      peers.close()
    }
  },
)

eachBackendWithRealSockets(test, 'a TLS client on a plaintext port that hangs up or resets', async (t, backend) => {
  const peers = await PeerServer.listen(t)
  await backend.run(async () => {
    const ended = rejection(tlsConnect(peers.port))
    const first = await peers.peer()
    await first.bytes(5)
    await first.end()
    isTlsError(t, await ended, 'closed', /the server closed the connection before the handshake was done/)
    const reset = rejection(tlsConnect(peers.port))
    const second = await peers.peer()
    await second.bytes(5)
    second.reset()
    const error = isTlsError(t, await reset, 'closed', /the server closed the connection/)
    t.is((error.cause as NodeJS.ErrnoException).code, 'ECONNRESET')
    first.socket.destroy()
  })
  peers.close()
})

eachBackendWithRealSockets(
  test,
  'a server’s record that is too large ends the client’s handshake',
  async (t, backend) => {
    const peers = await PeerServer.listen(t)
    await backend.run(async () => {
      const connecting = rejection(tlsConnect(peers.port))
      const peer = await peers.peer()
      await peer.bytes(5)
      await peer.write(Buffer.concat([header(22, 0x5000), Buffer.alloc(100, 2)]))
      isTlsError(t, await connecting, 'record-too-large', /the server sent a record that is too large/)
      peer.socket.destroy()
    })
    peers.close()
  },
)

/** What a stream gets after its handshake, in place of a record. */
const BAD_RECORDS: readonly [title: string, bytes: Buffer, reason: TLSErrorReason, text: RegExp][] = [
  [
    'a record that is too large',
    Buffer.concat([header(23, 0x5000), Buffer.alloc(0x5000)]),
    'record-too-large',
    /TLS with the server .*: the server sent a record that is too large/,
  ],
  [
    'a record that does not decrypt',
    Buffer.concat([header(23, 100), Buffer.alloc(100, 7)]),
    'bad-record',
    /TLS with the server .*: the server sent a record that does not decrypt/,
  ],
]

for (const [title, bytes, reason, text] of BAD_RECORDS) {
  eachBackendWithRealSockets(
    test,
    `after the handshake, ${title}: what came before it is received, then both directions have failed`,
    async (t, backend) => {
      const peers = await TlsPeerServer.listen(t)
      const proxy = await Proxy.listen(t, peers.port)
      await backend.run(async () => {
        const stream = await tlsConnect(proxy.port)
        const peer = await peers.peer()
        await peer.write('before')
        t.is((await stream.receiveExactly(6)).toString(), 'before')
        proxy.lines[0]!.client.write(bytes)
        isTlsError(t, await rejection(stream.receiveSome()), reason, text)
        isTlsError(t, await rejection(stream.receiveSome()), reason, text)
        isTlsError(t, await rejection(stream.sendAll('more')), reason, text)
        await stream.close()
        await peer.gone()
        peer.socket.destroy()
      })
      proxy.close()
      peers.close()
    },
  )
}

eachBackendWithRealSockets(test, 'after the handshake, plaintext is an error of the server’s', async (t, backend) => {
  const peers = await TlsPeerServer.listen(t)
  const proxy = await Proxy.listen(t, peers.port)
  await backend.run(async () => {
    const stream = await tlsConnect(proxy.port)
    const peer = await peers.peer()
    proxy.lines[0]!.client.write('HTTP/1.1 200 OK\r\n\r\n')
    const error = await t.throwsAsync(stream.receiveSome(), {
      instanceOf: TLSError,
      message: /TLS with the server .*: the server /,
    })
    // Either is true of it.
    t.true(error.reason === 'not-tls' || error.reason === 'misbehaved', error.reason)
    await stream[Symbol.asyncDispose]().catch(() => {})
    peer.socket.destroy()
  })
  proxy.close()
  peers.close()
})

eachBackendWithRealSockets(test, 'a reset after the handshake is a broken connection, not TLS', async (t, backend) => {
  const peers = await TlsPeerServer.listen(t)
  const proxy = await Proxy.listen(t, peers.port)
  await backend.run(async () => {
    const stream = await tlsConnect(proxy.port)
    const peer = await peers.peer()
    await peer.write('before')
    t.is((await stream.receiveExactly(6)).toString(), 'before')
    proxy.lines[0]!.client.resetAndDestroy()
    const error = await t.throwsAsync(stream.receiveSome(), { instanceOf: BrokenResourceError })
    t.is((error.cause as NodeJS.ErrnoException).code, 'ECONNRESET')
    await stream[Symbol.asyncDispose]()
    peer.socket.destroy()
  })
  proxy.close()
  peers.close()
})

/** Passes on so many bytes of a connection in one direction, then ends it there. */
class Cut {
  #left = 0
  readonly #victim: 'client' | 'server'

  constructor(victim: 'client' | 'server') {
    this.#victim = victim
  }

  /** For the next connection. */
  after(count: number): void {
    this.#left = count
  }

  meddle = (bytes: Buffer, line: Line): Buffer => {
    const passed = bytes.subarray(0, this.#left)
    this.#left -= passed.length
    // Once these have been passed on. The other side must not wait for a handshake that nobody goes on with.
    if (passed.length < bytes.length || this.#left === 0) {
      queueMicrotask(() => {
        line[this.#victim].end()
        line[this.#victim === 'client' ? 'server' : 'client'].resetAndDestroy()
      })
    }
    return passed
  }
}

for (const version of VERSIONS) {
  eachBackendWithRealSockets(
    test,
    `${version}: a server that hangs up after any number of bytes of a handshake`,
    async (t, backend) => {
      const peers = await TlsPeerServer.listen(t, { maxVersion: version })
      const cut = new Cut('client')
      const proxy = await Proxy.listen(t, peers.port, { toClient: cut.meddle })
      await backend.run(async () => {
        const options = { client: { sessionTickets: false } }
        let offset = 0
        for (; ; offset++) {
          cut.after(offset)
          const outcome: unknown = await tlsConnect(proxy.port, options).catch((error: unknown) => error)
          proxy.hangUp()
          if (!(outcome instanceof Error)) {
            // All of it has passed: what is missing now is the end.
            await (outcome as SocketStream)[Symbol.asyncDispose]().catch(() => {})
            break
          }
          if (!hangsUp(t, outcome, 'server', offset)) break
        }
        // Not without the certificate, at least.
        t.true(offset > 500, `a handshake of ${offset} bytes`)
      })
      proxy.close()
      peers.close()
    },
  )

  eachBackendWithRealSockets(
    test,
    `${version}: a client that hangs up after any number of bytes of a handshake; others are served`,
    async (t, backend) => {
      await backend.run(async () => {
        const errors: TLSError[] = []
        const onTlsError = (error: TLSError): void => void errors.push(error)
        await using listener = await tlsServer({ listen: { onTlsError } })
        const cut = new Cut('server')
        const proxy = await Proxy.listen(t, listener.port, { toServer: cut.meddle })
        await createTaskGroup(async (group) => {
          group.spawn(() => listener.serve(echo))
          const other = await tlsConnect(listener.port)
          await say(t, other, 'before')
          let offset = 0
          for (; ; offset++) {
            cut.after(offset)
            const failing = tlsPeerFailure(proxy.port, { maxVersion: version }).catch(() => {})
            while (errors.length === offset && listener.statistics().accepted === 1) await sleep(0)
            proxy.hangUp()
            await failing
            if (listener.statistics().accepted > 1) break
            if (!hangsUp(t, errors[offset], 'client', offset)) break
            if (offset % 50 === 0) await say(t, other, `still here ${offset}`)
          }
          t.true(offset > 200, `a handshake of ${offset} bytes`)
          t.like(listener.statistics(), { tlsErrors: offset, handshaking: 0 })
          await other.close()
          await listener.close()
        })
        proxy.close()
      })
    },
  )
}

/** One assertion for each offset would be thousands. */
function hangsUp(t: ExecutionContext, error: unknown, who: 'client' | 'server', offset: number): boolean {
  const text = `the ${who} closed the connection before the handshake was done`
  const good = error instanceof TLSError && error.reason === 'closed' && error.message.includes(text)
  if (!good) t.fail(`after ${offset} bytes: ${String(error)}`)
  return good
}

eachBackendWithRealSockets(
  test,
  'a client that asks to renegotiate is refused; one that asks again and again is dropped',
  async (t, backend) => {
    await backend.run(async () => {
      const errors: unknown[] = []
      await using listener = await tlsServer()
      await createTaskGroup(async (group) => {
        group.spawn(() =>
          listener.serve(async (stream) => {
            try {
              await echo(stream)
            } catch (error) {
              errors.push(error)
            }
          }),
        )
        const other = await tlsConnect(listener.port)
        const client = await RawClient.connect(listener.port)
        client.send(RECORD.data, Buffer.from('before'))
        t.is((await client.receive())?.body.toString(), 'before')

        client.send(RECORD.handshake, RawClient.hello())
        const alert = await client.receive()
        t.is(alert?.type, RECORD.alert)
        // A warning: no_renegotiation.
        t.deepEqual(alert?.body, Buffer.from([1, 100]))
        client.send(RECORD.data, Buffer.from('after'))
        t.is((await client.receive())?.body.toString(), 'after')

        for (let n = 0; n < 10; n++) client.send(RECORD.handshake, RawClient.hello())
        let answer = await client.receive()
        while (answer?.type === RECORD.alert && answer.body[0] === 1) answer = await client.receive()
        // A fatal alert, or the end at once.
        t.true(answer === undefined || answer.type === RECORD.alert, `a record of type ${answer?.type}`)
        while (errors.length === 0) await sleep(0)
        isTlsError(
          t,
          errors[0],
          'renegotiation',
          /TLS with the client .*: the client asked to renegotiate again and again/,
        )
        await say(t, other, 'still here')
        client.socket.destroy()
        await other.close()
        await listener.close()
      })
    })
  },
)
