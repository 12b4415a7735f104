/** `wrapTls`: TLS over any stream, a user's own and one that speaks TLS already. */
import { randomBytes } from 'node:crypto'
import test from 'ava'
import {
  Cancelled,
  ClosedResourceError,
  createTaskGroup,
  createTlsContext,
  openCancelScope,
  type SocketStream,
  type TLSContext,
  type TLSContextOptions,
  TLSEOFError,
  TLSRequired,
  UsageError,
  wrapTls,
} from '../../index.ts'
import { sleep } from '../../src/scopes.ts'
import { Stream } from '../../src/streams/stream.ts'
import { eachBackend, type TestBackend } from '../support/backends.ts'
import { certificates } from '../support/certificates.ts'
import { eachBackendWithSockets, withPair } from '../support/net.ts'
import { rejection } from '../support/rejection.ts'
import { closeBoth, isTlsError, withTlsPair } from '../support/tls.ts'
import { PipeEnd, pipe } from '../support/pipe.ts'

interface Both {
  readonly ours: TLSContext
  readonly theirs: TLSContext
}

async function contexts(client: TLSContextOptions = {}, server: TLSContextOptions = {}): Promise<Both> {
  const { ca, server: identity } = await certificates()
  return { ours: createTlsContext({ ca, ...client }), theirs: createTlsContext({ ...identity, ...server }) }
}

/** Both ends of a pipe without buffers, wrapped. */
async function withWrapped(
  backend: TestBackend,
  body: (client: SocketStream, server: SocketStream, ends: readonly [PipeEnd, PipeEnd]) => unknown,
  client: TLSContextOptions = {},
): Promise<void> {
  const { ours, theirs } = await contexts(client)
  await backend.run(async () => {
    const ends = pipe()
    const [here, there] = await Promise.all([
      wrapTls(ends[0], ours, { hostname: 'server.test' }),
      wrapTls(ends[1], theirs, { serverSide: true }),
    ])
    try {
      await body(here, there, ends)
    } finally {
      await closeBoth(here, there)
    }
  })
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  eachBackend(
    test,
    `L7: ${version}: a megabyte each way at once over a stream without buffering`,
    async (t, backend) => {
      const data = [randomBytes(2 ** 20), randomBytes(2 ** 20)] as const
      await withWrapped(
        backend,
        async (client, server) => {
          await createTaskGroup((group) => {
            group.spawn(() => client.sendAll(data[0]))
            group.spawn(() => server.sendAll(data[1]))
            group.spawn(async () => t.true((await server.receiveExactly(data[0].length)).equals(data[0])))
            group.spawn(async () => t.true((await client.receiveExactly(data[1].length)).equals(data[1])))
          })
        },
        { maxVersion: version },
      )
    },
  )
}

eachBackend(test, 'a wrapped stream has the members of a TLS stream, and closes what is below', async (t, backend) => {
  await withWrapped(backend, async (client, server, ends) => {
    t.is(client.tlsVersion, 'TLSv1.3')
    t.is(client.serverSide, false)
    t.is(server.serverSide, true)
    t.is(client.serverHostname, 'server.test')
    t.is(client.getpeercert()?.subject.CN, 'localhost')
    t.deepEqual(client.getChannelBinding(), server.getChannelBinding())
    await client.sendAll('hello\n')
    t.is((await server.receiveUntil('\n', 100)).toString(), 'hello\n')
    await Promise.all([client.close(), server.close()])
    t.deepEqual(
      ends.map((end) => end.closed),
      [true, true],
    )
    await t.throwsAsync(client.receiveSome(), { instanceOf: ClosedResourceError })
  })
})

eachBackend(test, 'nothing of the plaintext passes through the stream below', async (t, backend) => {
  await withWrapped(backend, async (client, server, ends) => {
    const secret = 'the secret that must not be seen'
    await client.sendAll(secret)
    t.is((await server.receiveExactly(secret.length)).toString(), secret)
    t.true(ends[0].passed.length > 200)
    t.false(ends[0].passed.includes(secret))
  })
})

eachBackendWithSockets(test, 'over a socket: its name is the default, and its address stays', async (t, backend) => {
  const { ours, theirs } = await contexts()
  await withPair(backend, async (client, server) => {
    const [here, there] = await Promise.all([wrapTls(client, ours), wrapTls(server, theirs, { serverSide: true })])
    t.is(here.tlsVersion, 'TLSv1.3')
    t.deepEqual(here.remoteAddress, client.remoteAddress)
    t.deepEqual(there.localAddress, server.localAddress)
    // The stream below stays what it was.
    t.is(client.tlsVersion, null)
    t.throws(() => client.cipher, { instanceOf: TLSRequired })
    await Promise.all([here.sendAll('x'), there.receiveExactly(1)])
    await closeBoth(here, there)
    await t.throwsAsync(client.receiveSome(), { instanceOf: ClosedResourceError })
  })
})

eachBackendWithSockets(test, 'TLS in TLS, and once more', async (t, backend) => {
  const { ours, theirs } = await contexts()
  await withTlsPair(backend, async (client, server) => {
    let here = client
    let there = server
    for (let depth = 2; depth <= 3; depth++) {
      ;[here, there] = await Promise.all([
        wrapTls(here, ours, { hostname: 'server.test' }),
        wrapTls(there, theirs, { serverSide: true }),
      ])
    }
    t.notDeepEqual(here.getChannelBinding(), client.getChannelBinding())
    t.deepEqual(here.getChannelBinding(), there.getChannelBinding())
    const data = randomBytes(300_000)
    await createTaskGroup((group) => {
      group.spawn(() => here.sendAll(data))
      group.spawn(() => there.sendAll(data))
      group.spawn(async () => t.true((await there.receiveExactly(data.length)).equals(data)))
      group.spawn(async () => t.true((await here.receiveExactly(data.length)).equals(data)))
    })
    // Closing the outermost one closes them all.
    await closeBoth(here, there)
    await t.throwsAsync(client.receiveSome(), { instanceOf: ClosedResourceError })
    await t.throwsAsync(server.sendAll('x'), { instanceOf: ClosedResourceError })
  })
})

eachBackend(test, 'a handshake that fails closes the streams below, and says whose fault it is', async (t, backend) => {
  const { ours, theirs } = await contexts()
  await backend.run(async () => {
    const ends = pipe()
    const [here, there] = await Promise.all([
      rejection(wrapTls(ends[0], ours, { hostname: 'wrong.test' })),
      rejection(wrapTls(ends[1], theirs, { serverSide: true })),
    ])
    isTlsError(t, here, 'certificate-wrong-name', /^TLS handshake with the server over PipeEnd: /)
    isTlsError(t, there, 'alert', /^TLS handshake with the client over PipeEnd: the client refused/)
    while (!ends[0].closed || !ends[1].closed) await sleep(0)
    t.pass()
  })
})

eachBackend(test, 'a cancelled handshake closes the stream below', async (t, backend) => {
  const { ours } = await contexts()
  await backend.run(async () => {
    const ends = pipe()
    await openCancelScope(async (scope) => {
      const wrapping = wrapTls(ends[0], ours, { hostname: 'server.test' })
      // Its ClientHello has come; there will be no answer.
      t.is((await ends[1].receiveSome())[0], 22)
      scope.cancel()
      await t.throwsAsync(wrapping, { instanceOf: Cancelled })
    })
    while (!ends[0].closed) await sleep(0)
    t.is((await ends[1].receiveSome()).length, 0)
    await ends[1].close()
  })
})

eachBackend(test, 'a cancelled send and a cancelled receive leave the session whole', async (t, backend) => {
  await withWrapped(backend, async (client, server) => {
    const data = randomBytes(500_000)
    await openCancelScope(async (scope) => {
      const sending = client.sendAll(data)
      const receiving = rejection(client.receiveSome())
      for (let turn = 0; turn < 20; turn++) await sleep(0)
      scope.cancel()
      await t.throwsAsync(sending, { instanceOf: Cancelled })
      t.true((await receiving) instanceof Cancelled)
    })
    await createTaskGroup(async (group) => {
      group.spawn(async () => {
        await client.sendAll('END')
        await client.sendEof()
      })
      const chunks: Buffer[] = []
      for await (const chunk of server) chunks.push(chunk)
      const received = Buffer.concat(chunks)
      t.true(received.length < data.length)
      t.is(received.subarray(-3).toString(), 'END')
      t.true(received.subarray(0, -3).equals(data.subarray(0, received.length - 3)))
      await server.sendAll('answer')
    }).catch((error: unknown) => t.fail(String(error)))
    t.is((await client.receiveExactly(6)).toString(), 'answer')
  })
})

eachBackend(test, 'a stream below that ends without close_notify, or fails', async (t, backend) => {
  await withWrapped(backend, async (client, _, ends) => {
    await ends[1].sendEof()
    await t.throwsAsync(client.receiveSome(), { instanceOf: TLSEOFError, message: /over PipeEnd/ })
  })
  await withWrapped(backend, async (client, _, ends) => {
    const failure = new Error('the cable is gone')
    ends[0].fail(failure)
    const error = await rejection(client.receiveSome())
    t.true(error === failure || (error as Error).cause === failure, String(error))
  })
})

eachBackend(test, 'what wrapTls refuses before anything is started', async (t, backend) => {
  const { ours, theirs } = await contexts()
  await backend.run(async () => {
    const [end, other] = pipe()
    const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
    await t.throwsAsync(wrapTls({} as Stream, ours, { hostname: 'x' }), type)
    await t.throwsAsync(wrapTls(end, {} as TLSContext, { hostname: 'x' }), type)
    await t.throwsAsync(wrapTls(end, ours, { hostname: 5 } as never), type)
    await t.throwsAsync(wrapTls(end, ours, { serverSide: 'yes' } as never), type)
    await t.throwsAsync(wrapTls(end, ours), { instanceOf: UsageError, message: /hostname/ })
    isTlsError(t, await rejection(wrapTls(end, ours, { serverSide: true })), 'no-settings')
    t.false(end.closed)
    // Nothing to verify, no name needed.
    const [here, there] = await Promise.all([
      wrapTls(end, createTlsContext({ verify: false })),
      wrapTls(other, theirs, { serverSide: true }),
    ])
    t.is(there.tlsVersion, 'TLSv1.3')
    await closeBoth(here, there)
  })
})

eachBackend(test, 'a user’s own stream gets one call at a time in each direction', async (t, backend) => {
  await withWrapped(backend, async (client, server, ends) => {
    await createTaskGroup((group) => {
      for (let n = 0; n < 50; n++) {
        group.spawn(async () => {
          await sleep(0)
        })
      }
      group.spawn(async () => {
        for (let n = 0; n < 200; n++) await client.sendAll(`message ${n}\n`)
      })
      group.spawn(async () => {
        let n = 0
        for await (const line of server.receiveDelimitedChunks('\n', 100)) {
          t.is(line.toString(), `message ${n++}`)
          if (n === 200) break
        }
      })
    })
    t.deepEqual(
      ends.map((end) => end.overlaps),
      [0, 0],
    )
  })
})
