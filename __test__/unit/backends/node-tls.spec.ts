/** `startTls` of the node backend under the contract of `backend.ts`, without tasks or scopes above it. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import * as net from 'node:net'
import * as tls from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import type { SocketAddress, StreamTransport, TlsSettings, TlsStart } from '../../../src/backends/contract/backend.ts'
import { nodeBackend } from '../../../src/backends/node/index.ts'
import { RecordWatch } from '../../../src/backends/node/record-watch.ts'
import { TLSEOFError, TLSError, UnsupportedError } from '../../../src/errors.ts'
import { certificates, type Identity } from '../../support/certificates.ts'
import { PipeEnd, User } from './pipe.ts'

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

const SUITES = ['AES256-GCM-SHA384', 'AES128-GCM-SHA256', 'CHACHA20-POLY1305'].flatMap((suite) => [
  `ECDHE-ECDSA-${suite}`,
  `ECDHE-RSA-${suite}`,
])

const PLAIN: TlsSettings = {
  certificates: [],
  key: undefined,
  ca: [],
  systemCa: false,
  alpnProtocols: [],
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  cipherSuites: ['TLS_AES_256_GCM_SHA384', 'TLS_AES_128_GCM_SHA256', 'TLS_CHACHA20_POLY1305_SHA256', ...SUITES],
  verify: true,
  clientCertificate: 'none',
  chooseByName: undefined,
  sessionTickets: true,
  keyLog: undefined,
}

const { ca, server: serverIdentity, rsa, client: clientIdentity, unknownClient, otherName } = await certificates()

const trusting = (more: Partial<TlsSettings> = {}): TlsSettings => ({
  ...PLAIN,
  ca: [new X509Certificate(ca).raw],
  ...more,
})

const showing = ({ cert, key }: Identity, more: Partial<TlsSettings> = {}): TlsSettings => ({
  ...PLAIN,
  certificates: [new X509Certificate(cert).raw],
  key: createPrivateKey(key).export({ type: 'pkcs8', format: 'der' }),
  ...more,
})

function start(lower: StreamTransport, one: Pick<TlsStart, 'side' | 'settings'> & Partial<TlsStart>) {
  const whole = { hostname: undefined, standardCompatible: true, ahead: Buffer.alloc(0), peer: 'peer:1', ...one }
  return new Promise<User>((resolve, reject) => {
    nodeBackend.startTls(lower, whole, (error, transport) => {
      if (transport === undefined) reject(error)
      else resolve(new User(transport))
    })
  })
}

interface Options {
  readonly client?: TlsSettings
  readonly server?: TlsSettings
  readonly more?: Partial<TlsStart>
  readonly hostname?: string
}

type Outcome = readonly [client: User | TLSError, server: User | TLSError]

/** Both sides over two transports. */
async function both([a, b]: readonly [StreamTransport, StreamTransport], options: Options = {}): Promise<Outcome> {
  const { client = trusting(), server = showing(serverIdentity), more, hostname = 'localhost' } = options
  return Promise.all([
    start(a, { side: 'client', settings: client, hostname, ...more }).catch((error: TLSError) => error),
    start(b, { side: 'server', settings: server, ...more }).catch((error: TLSError) => error),
  ])
}

async function secured(options?: Options): Promise<[client: User, server: User]> {
  const outcome = await both(PipeEnd.pair(), options)
  for (const side of outcome) if (side instanceof Error) throw side
  return outcome as never
}

/** Two transports of the backend's own, connected over the loopback. */
async function connected(t: ExecutionContext): Promise<[StreamTransport, StreamTransport]> {
  const options = { address: '127.0.0.1', noDelay: true, keepAlive: false } as const
  const listener = await new Promise<Parameters<Parameters<typeof nodeBackend.listenTcp>[1]>[1]>((resolve, reject) =>
    nodeBackend.listenTcp({ ...options, port: 0, backlog: 1, reusePort: undefined }, (error, listening) =>
      error === undefined ? resolve(listening) : reject(error),
    ),
  )
  if (listener === undefined) throw new Error('no listener')
  const accepted = new Promise<StreamTransport>((resolve, reject) => {
    listener.sink = { accepted: resolve, acceptFailed: reject }
    listener.accept(1)
  })
  const client = await new Promise<StreamTransport>((resolve, reject) =>
    nodeBackend.connectTcp(
      { ...options, port: (listener.address as SocketAddress).port, family: 4 },
      (error, transport) => (transport === undefined ? reject(error) : resolve(transport)),
    ),
  )
  const server = await accepted
  listener.destroy()
  t.teardown(() => [client, server].forEach((transport) => transport.destroy()))
  return [client, server]
}

function isError(t: ExecutionContext, error: unknown, reason: TLSError['reason'], text: RegExp): void {
  t.true(error instanceof TLSError, String(error))
  t.is((error as TLSError).reason, reason, (error as TLSError).message)
  t.regex((error as TLSError).message, text)
}

for (const version of VERSIONS) {
  const only = { minVersion: version, maxVersion: version }
  const settings = (more: Partial<TlsSettings> = {}): Options => ({
    client: trusting({ ...only, ...more }),
    server: showing(serverIdentity, { ...only, ...more }),
  })

  test(`${version}: over the loopback, much data both ways, and goodbye`, async (t) => {
    const [client, server] = (await both(await connected(t), settings())) as [User, User]
    const data = Buffer.alloc(1 << 20, 'data')
    const [atServer, atClient] = await Promise.all([
      server.bytes(data.length),
      client.bytes(data.length),
      client.send(data),
      server.send(data),
    ])
    t.true(atServer.equals(data) && atClient.equals(data))
    t.deepEqual(await Promise.all([client.wait('goodbye'), server.wait('goodbye')]), [undefined, undefined])
    t.is(client.transport.unsent, 0)
  })

  test(`${version}: L7: over a transport without room`, async (t) => {
    const [client, server] = (await both(PipeEnd.pair(0), settings())) as [User, User]
    const data = Buffer.alloc(1 << 20, 'data')
    const [atServer, atClient] = await Promise.all([
      server.bytes(data.length),
      client.bytes(data.length),
      client.send(data),
      server.send(data),
    ])
    t.true(atServer.equals(data) && atClient.equals(data))
  })

  test(`${version}: what was agreed on is the same on both sides, also when a session is resumed`, async (t) => {
    const options = settings({ alpnProtocols: ['b', 'c'] })
    const client = { ...options.client, alpnProtocols: ['a', 'b'] } as TlsSettings
    for (let time = 0; time < 3; time++) {
      const sides = await secured({ ...options, client })
      const [atClient, atServer] = sides.map(({ transport }) => transport.tls!)
      for (const session of [atClient!, atServer!]) {
        t.like(session, { version, alpnProtocol: 'b', serverName: 'localhost' })
        t.true(SUITES.includes(session.cipher) === (version === 'TLSv1.2'))
      }
      t.deepEqual([atClient!.serverSide, atServer!.serverSide], [false, true])
      t.deepEqual(atClient!.peerCertificate(), serverIdentity.der)
      t.deepEqual(atServer!.ownCertificate(), serverIdentity.der)
      t.is(atServer!.peerCertificate(), undefined)
      const [material, same] = [atClient!, atServer!].map((side) => side.exportKeyingMaterial(32, 'EXPORTER-Test'))
      t.deepEqual(material, same)
      if (version === 'TLSv1.2') t.deepEqual(atClient!.tlsUnique(), atServer!.tlsUnique())
      else t.throws(() => atClient!.tlsUnique(), { instanceOf: UnsupportedError, message: /tls-exporter/ })
      t.throws(() => atServer!.sharedCiphers(), { instanceOf: UnsupportedError, message: /native/ })
      // Tickets come with the first data.
      sides[1].transport.send(Buffer.from('x'))
      await sides[0].receive()
      for (const { transport } of sides) transport.destroy()
    }
  })

  test(`${version}: a session is resumed where both sides keep tickets, and not otherwise`, async (t) => {
    for (const sessionTickets of [true, false]) {
      const server = tls.createServer({ cert: serverIdentity.cert, key: serverIdentity.key, maxVersion: version })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as net.AddressInfo
      const resumed: boolean[] = []
      server.on('secureConnection', (socket) => {
        resumed.push(socket.isSessionReused())
        socket.on('error', () => {})
        // At once, node:tls would end before it has sent its tickets, and say no close_notify.
        socket.on('data', () => socket.end('x'))
      })
      const context = trusting({ ...only, sessionTickets })
      for (let time = 0; time < 3; time++) {
        const lower = await new Promise<StreamTransport>((resolve, reject) =>
          nodeBackend.connectTcp(
            { address: '127.0.0.1', port, family: 4, noDelay: true, keepAlive: false },
            (error, transport) => (transport === undefined ? reject(error) : resolve(transport)),
          ),
        )
        const client = await start(lower, { side: 'client', settings: context, hostname: 'localhost' })
        client.transport.send(Buffer.from('?'))
        t.is((await client.rest()).toString(), 'x')
        await client.wait('goodbye')
        client.transport.destroy()
      }
      server.close()
      t.deepEqual(resumed, [false, sessionTickets, sessionTickets])
    }
  })

  test(`${version}: data that ends without close_notify is truncated`, async (t) => {
    const [client, server] = await secured(settings())
    client.transport.send(Buffer.from('cut'))
    await client.wait('flushed')
    client.transport.destroy()
    t.is((await server.receive()).toString(), 'cut')
    await t.throwsAsync(server.receive(), { instanceOf: TLSEOFError, message: /the client ended .* close_notify/ })
    t.false(server.transport.saysGoodbye)
  })

  test(`${version}: garbage after the handshake ends both directions, and an alert says so`, async (t) => {
    const lower = PipeEnd.pair()
    const [client, server] = (await both(lower, settings())) as [User, User]
    lower[1].arrive(Buffer.from([23, 3, 3, 0, 60, ...Buffer.alloc(60, 7)]))
    const error = await t.throwsAsync(server.receive(), { instanceOf: TLSError })
    isError(t, error, 'bad-record', /^TLS with the client peer:1: the client sent a record that does not decrypt/)
    t.is(server.transport.takeSendError(), error)
    isError(t, await t.throwsAsync(client.receive()), 'alert', /the server refused with the alert bad_record_mac/)
  })

  for (const [cut, whole] of [
    ['client', 'server'],
    ['server', 'client'],
  ] as const) {
    test(`${version}: a ${whole} that hangs up after any number of bytes`, async (t) => {
      // How many there are is known when one of the handshakes succeeds.
      let offset = 0
      for (; ; offset++) {
        const lower = PipeEnd.pair()
        lower[cut === 'client' ? 0 : 1].cutAfter = offset === 0 ? -1 : offset
        if (offset === 0) lower[cut === 'client' ? 0 : 1].end()
        const [client, server] = await both(lower, settings({ sessionTickets: false }))
        const outcome = cut === 'client' ? client : server
        for (const side of [client, server]) if (side instanceof User) side.transport.destroy()
        if (outcome instanceof User) break
        isError(t, outcome, 'closed', new RegExp(`the ${whole} closed the connection before the handshake was done`))
      }
      t.true(offset > 50, `${offset} bytes`)
    })
  }
}

test('garbage instead of a handshake is not TLS, on either side', async (t) => {
  for (const side of ['client', 'server'] as const) {
    for (const garbage of ['GET / HTTP/1.1\r\n\r\n', '\0'.repeat(100), 'SSH-2.0-x\r\n', '220 mail.test ESMTP\r\n']) {
      const [lower] = PipeEnd.pair()
      const settings = side === 'client' ? trusting() : showing(serverIdentity)
      const started = start(lower, { side, settings, ...(side === 'client' && { hostname: 'localhost' }) })
      lower.arrive(Buffer.from(garbage))
      const other = side === 'client' ? 'server' : 'client'
      isError(t, await t.throwsAsync(started), 'not-tls', new RegExp(`the ${other} does not speak TLS here`))
      t.true(lower.destroyed)
    }
  }
})

test('an alert of the peer is named', async (t) => {
  const [lower] = PipeEnd.pair()
  const started = start(lower, { side: 'client', settings: trusting(), hostname: 'localhost' })
  lower.arrive(Buffer.from([21, 3, 3, 0, 2, 2, 80]))
  isError(t, await t.throwsAsync(started), 'alert', /the server refused with the alert internal_error/)
})

test('a certificate is refused before the handshake is complete, and the peer hears why', async (t) => {
  for (const version of VERSIONS) {
    const only = { minVersion: version, maxVersion: version }
    const [client, server] = await both(PipeEnd.pair(), {
      client: trusting(only),
      server: showing(otherName, only),
    })
    isError(t, client, 'certificate-wrong-name', /other\.test.* should be for localhost/)
    isError(t, server, 'alert', /the client refused with the alert bad_certificate/)
  }
})

test('a client’s certificate that nobody trusts: a server of TLS 1.2 says why, one of 1.3 only hangs up', async (t) => {
  for (const version of VERSIONS) {
    const only = { minVersion: version, maxVersion: version } as const
    const [client, server] = await both(PipeEnd.pair(), {
      client: { ...showing(unknownClient, only), ca: trusting().ca },
      server: { ...showing(serverIdentity, only), clientCertificate: 'required', ca: trusting().ca },
    })
    isError(
      t,
      server,
      'certificate-unknown-issuer',
      /the client's certificate was issued by an authority that this side does not trust/,
    )
    if (client instanceof User) {
      t.is(version, 'TLSv1.3')
      await t.throwsAsync(client.receive(), { instanceOf: TLSEOFError })
    } else isError(t, client, 'alert', /unknown_ca/)
  }
})

test('a client’s certificate reaches the server', async (t) => {
  const [, server] = await secured({
    client: { ...showing(clientIdentity), ca: trusting().ca },
    server: { ...showing(serverIdentity), clientCertificate: 'required', ca: trusting().ca },
  })
  t.deepEqual(server.transport.tls?.peerCertificate(), clientIdentity.der)
})

test('the name of the client chooses all of the settings, at once or later', async (t) => {
  const chosen = showing(rsa, { alpnProtocols: ['b'], maxVersion: 'TLSv1.2' })
  const names: string[] = []
  for (const choose of [() => chosen, () => Promise.resolve(chosen)]) {
    const server: TlsSettings = {
      ...showing(serverIdentity, { alpnProtocols: ['a'] }),
      chooseByName: (name) => {
        names.push(name)
        return choose()
      },
    }
    const client = trusting({ alpnProtocols: ['a', 'b'] })
    const [atClient] = await secured({ client, server, hostname: 'Server.Test' })
    t.like(atClient.transport.tls, { alpnProtocol: 'b', version: 'TLSv1.2', serverName: 'Server.Test' })
    t.deepEqual(atClient.transport.tls?.peerCertificate(), rsa.der)
    // An address is no name: the server's own settings.
    const [other] = await secured({ client, server, hostname: '127.0.0.1' })
    t.like(other.transport.tls, { alpnProtocol: 'a', version: 'TLSv1.3', serverName: '127.0.0.1' })
  }
  t.deepEqual(names, ['server.test', 'server.test'])
})

test('a ClientHello in single bytes, and in small records, is understood', async (t) => {
  const [a, b] = PipeEnd.pair()
  const [c, d] = PipeEnd.pair()
  let hello: Buffer | undefined
  // What the client says is passed on byte by byte, its first record in records of ten bytes.
  const pass = (bytes: Buffer): void => {
    let sent = bytes
    if (hello === undefined) {
      hello = bytes
      const body = bytes.subarray(5)
      const records: Buffer[] = []
      for (let at = 0; at < body.length; at += 10) {
        const part = body.subarray(at, at + 10)
        records.push(Buffer.from([22, 3, 1, 0, part.length]), part)
      }
      sent = Buffer.concat(records)
    }
    for (const byte of sent) d.send(Buffer.from([byte]))
  }
  const relay = (from: PipeEnd, to: (bytes: Buffer) => void): void => {
    const user = new User(from)
    void (async () => {
      for (let bytes = await user.receive(); bytes.length > 0; bytes = await user.receive()) to(bytes)
    })()
  }
  relay(b, pass)
  relay(d, (bytes) => void b.send(bytes))
  const names: string[] = []
  const choosing = { ...showing(serverIdentity), chooseByName: (name: string) => void names.push(name) }
  await both([a, c], { server: choosing })
  t.deepEqual(names, ['localhost'])
})

test('choosing that fails, or ends after the handshake was given up, harms nobody', async (t) => {
  const failure = new Error('no such name')
  for (const fail of [
    () => {
      throw failure
    },
    () => Promise.reject(failure),
  ]) {
    const [client, server] = await both(PipeEnd.pair(), { server: { ...showing(serverIdentity), chooseByName: fail } })
    isError(t, server, 'no-settings', /no such name/)
    t.is((server as TLSError).cause, failure)
    isError(t, client, 'alert', /unrecognized_name/)
  }
})

test('a handshake that is given up while its settings are being chosen is over', async (t) => {
  const [a, b] = PipeEnd.pair()
  const client = start(a, { side: 'client', settings: trusting(), hostname: 'localhost' })
  let choose = (_settings: TlsSettings): void => {}
  const asked = new Promise<() => void>((resolve) => {
    const chooseByName = (): Promise<TlsSettings> => {
      resolve(abandon)
      return new Promise((chosen) => (choose = chosen))
    }
    const settings = { ...showing(serverIdentity), chooseByName }
    const whole = { side: 'server', settings, hostname: undefined, standardCompatible: true, peer: '' } as const
    const abandon = nodeBackend.startTls(b, { ...whole, ahead: Buffer.alloc(0) }, () => t.fail('it was answered'))
  })
  const abandon = await asked
  abandon()
  t.true(b.destroyed)
  choose(showing(serverIdentity))
  isError(t, await t.throwsAsync(client), 'closed', /the server closed/)
})

test('a request to renegotiate is refused', async (t) => {
  const [a, b] = PipeEnd.pair()
  const serving = start(b, { side: 'server', settings: showing(serverIdentity) })
  // node:tls wants a connection of its own kind: one that passes everything on.
  const passing = net.createServer((socket) => {
    socket.on('data', (bytes) => void a.send(bytes))
    const user = new User(a)
    void (async () => {
      for (let bytes = await user.receive(); bytes.length > 0; bytes = await user.receive()) socket.write(bytes)
    })()
  })
  passing.listen(0, '127.0.0.1')
  await once(passing, 'listening')
  const { port } = passing.address() as net.AddressInfo
  const client = tls.connect({ port, host: '127.0.0.1', ca, maxVersion: 'TLSv1.2' })
  await once(client, 'secureConnect')
  const server = await serving
  // What asks for it and does not get it gives up by itself.
  const givenUp = once(client, 'error') as Promise<[NodeJS.ErrnoException]>
  const received = server.receive()
  client.renegotiate({}, () => {})
  const [error] = await givenUp
  t.regex(String(error.code), /NO_RENEGOTIATION/)
  // The server takes no harm: what comes next is data, or the alert of the client.
  isError(t, await received.then(String, (failure: unknown) => failure), 'alert', /no_renegotiation|handshake_failure/)
  client.destroy()
  passing.close()
})

test('requests to renegotiate are counted in the records after the handshake, however they are cut', (t) => {
  const record = (type: number, length: number): Buffer => Buffer.from([type, 3, 3, 0, length, ...Buffer.alloc(length)])
  const handshake = [record(22, 100), record(20, 1), record(22, 40)]
  for (const size of [1, 3, 7, 1000]) {
    const watch = new RecordWatch()
    const passing = (bytes: Buffer): boolean => {
      let tooMany = false
      for (let at = 0; at < bytes.length; at += size) tooMany = watch.passing(bytes.subarray(at, at + size))
      return tooMany
    }
    t.false(passing(Buffer.concat(handshake)))
    t.true(watch.sensible)
    watch.watch()
    t.false(passing(Buffer.concat([record(23, 22), record(21, 22), record(23, 200)])))
    t.false(passing(record(22, 30)), 'one is refused, and that is that')
    t.false(passing(record(23, 22)))
    t.true(passing(record(22, 30)), 'a second one is one too many')
  }
})

test('the key log has the lines of both sides', async (t) => {
  const lines: Record<string, string[]> = { client: [], server: [] }
  await secured({
    client: trusting({ keyLog: (line) => void lines['client']!.push(line) }),
    server: showing(serverIdentity, { keyLog: (line) => void lines['server']!.push(line) }),
  })
  t.deepEqual([...lines['client']!].sort(), [...lines['server']!].sort())
  for (const line of lines['client']!) t.regex(line, /^[A-Z_0-9]+ [0-9a-f]{64} [0-9a-f]+$/)
  t.true(lines['client']!.some((line) => line.startsWith('CLIENT_TRAFFIC_SECRET_0 ')))
})

test('of settings that OpenSSL does not take, the handshake says so', async (t) => {
  const broken = { ...showing(serverIdentity), key: Buffer.from('no key') }
  const [client, server] = await both(PipeEnd.pair(), { server: broken })
  isError(t, server, 'failed', /it failed on this side/)
  isError(t, client, 'closed', /the server closed/)
})

test('TLS inside TLS', async (t) => {
  const [client, server] = await secured()
  const [inner, other] = (await both([client.transport, server.transport])) as [User, User]
  inner.transport.send(Buffer.from('inside'))
  t.is((await other.receive()).toString(), 'inside')
  t.deepEqual(await Promise.all([inner.wait('goodbye'), other.wait('goodbye')]), [undefined, undefined])
})
