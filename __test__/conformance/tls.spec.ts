/** TLS streams: what a handshake agrees on, and what the members of a stream tell of it. */
import { createHash, X509Certificate } from 'node:crypto'
import type * as tls from 'node:tls'
import test from 'ava'
import {
  connectTcp,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  type SocketStream,
  TLSRequired,
  UnsupportedError,
} from '../../index.ts'
import { certificates, NAMES } from '../support/certificates.ts'
import { eachBackendWithSockets, PeerServer, withPair, eachBackendWithRealSockets } from '../support/net.ts'
import {
  echo,
  failedHandshake,
  isTlsError,
  LOCAL,
  say,
  tlsConnect,
  tlsPeerTo,
  tlsServer,
  withTlsPair,
  withTlsPeer,
} from '../support/tls.ts'

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

const MEMBERS = [
  (stream: SocketStream) => stream.alpnProtocol,
  (stream: SocketStream) => stream.cipher,
  (stream: SocketStream) => stream.serverHostname,
  (stream: SocketStream) => stream.serverSide,
  (stream: SocketStream) => stream.sharedCiphers,
  (stream: SocketStream) => stream.getChannelBinding(),
  (stream: SocketStream) => stream.getpeercert(),
  (stream: SocketStream) => stream.getpeercert(true),
]

eachBackendWithSockets(test, 'L1: client [a, b] and server [b, c] both see b', async (t, backend) => {
  await withTlsPair(
    backend,
    (client, server) => {
      t.is(client.alpnProtocol, 'b')
      t.is(server.alpnProtocol, 'b')
    },
    { client: { alpnProtocols: ['a', 'b'] }, server: { alpnProtocols: ['b', 'c'] } },
  )
})

eachBackendWithSockets(
  test,
  'L1: application protocols without overlap fail the handshake on both sides with a TLS error',
  async (t, backend) => {
    for (const version of VERSIONS) {
      const { client, server } = await failedHandshake(t, backend, {
        client: { alpnProtocols: ['a'], maxVersion: version },
        server: { alpnProtocols: ['b', 'c'] },
      })
      isTlsError(t, server, 'no-common-protocol', /^TLS handshake with the client .*ALPN/)
      isTlsError(t, client, 'alert', /the server refused with the alert no_application_protocol.*ALPN/)
    }
  },
)

eachBackendWithSockets(
  test,
  'where one side has no application protocols, none is agreed on and nothing fails',
  async (t, backend) => {
    const check = (client: SocketStream, server: SocketStream): void => {
      t.is(client.alpnProtocol, null)
      t.is(server.alpnProtocol, null)
    }
    await withTlsPair(backend, check, { client: { alpnProtocols: ['a'] } })
    await withTlsPair(backend, check, { server: { alpnProtocols: ['a'] } })
  },
)

eachBackendWithSockets(test, 'of the protocols in common the server’s first one is taken', async (t, backend) => {
  await withTlsPair(
    backend,
    (client, server) => {
      t.is(client.alpnProtocol, 'h2')
      t.is(server.alpnProtocol, 'h2')
    },
    { client: { alpnProtocols: ['http/1.1', 'h2'] }, server: { alpnProtocols: ['h2', 'http/1.1'] } },
  )
})

eachBackendWithSockets(
  test,
  'L6: before a handshake the version is null, and everything else about TLS is TLSRequired',
  async (t, backend) => {
    await withPair(backend, (client, server) => {
      for (const stream of [client, server]) {
        t.is(stream.tlsVersion, null)
        for (const member of MEMBERS)
          t.throws(() => member(stream), { instanceOf: TLSRequired, code: 'ERR_TLS_REQUIRED' })
      }
    })
  },
)

eachBackendWithSockets(
  test,
  'L6: a certificate for another name fails the handshake, and the connection is closed',
  async (t, backend) => {
    const { client, server } = await failedHandshake(t, backend, { connect: { tlsHostname: 'wrong.test' } })
    isTlsError(t, client, 'certificate-wrong-name', /the server's certificate is for another name/)
    isTlsError(t, server, 'alert', /the client refused with the alert/)
  },
)

for (const version of VERSIONS) {
  eachBackendWithSockets(test, `the members of a ${version} stream, on both sides`, async (t, backend) => {
    await withTlsPair(
      backend,
      (client, server) => {
        t.is(client.serverSide, false)
        t.is(server.serverSide, true)
        for (const stream of [client, server]) {
          t.is(stream.tlsVersion, version)
          t.is(stream.alpnProtocol, null)
          t.is(stream.cipher.length, 3)
          t.deepEqual(stream.cipher, client.cipher)
        }
        t.deepEqual(
          [...client.cipher],
          version === 'TLSv1.3'
            ? ['TLS_AES_128_GCM_SHA256', 'TLSv1.3', 128]
            : ['ECDHE-ECDSA-AES128-GCM-SHA256', 'TLSv1.2', 128],
        )
        t.is(client.sharedCiphers, null)
        t.is(client.serverHostname, 'server.test')
        t.is(server.serverHostname, 'server.test')
      },
      { client: { maxVersion: version }, connect: { tlsHostname: 'server.test' } },
    )
  })

  eachBackendWithSockets(
    test,
    `${version}: channel bindings are equal on both ends and different in each connection`,
    async (t, backend) => {
      const { server: identity } = await certificates()
      const seen = new Set<string>()
      for (let n = 0; n < 2; n++) {
        await withTlsPair(
          backend,
          (client, server) => {
            const exporter = client.getChannelBinding('tls-exporter')
            t.is(exporter.length, 32)
            t.deepEqual(server.getChannelBinding('tls-exporter'), exporter)
            t.deepEqual(client.getChannelBinding(), exporter)
            seen.add(exporter.toString('hex'))
            const endPoint = createHash('sha256').update(identity.der).digest()
            t.deepEqual(client.getChannelBinding('tls-server-end-point'), endPoint)
            t.deepEqual(server.getChannelBinding('tls-server-end-point'), endPoint)
            t.throws(() => client.getChannelBinding('tls-nothing' as never), { instanceOf: RangeError })
          },
          { client: { minVersion: version, maxVersion: version } },
        )
      }
      t.is(seen.size, 2)
    },
  )
}

eachBackendWithSockets(
  test,
  'tls-unique is unsupported in TLS 1.3, and where it is not in TLS 1.2 both ends have the same',
  async (t, backend) => {
    const unsupported = { instanceOf: UnsupportedError, message: /tls-exporter/ }
    await withTlsPair(backend, (client, server) => {
      for (const stream of [client, server]) t.throws(() => stream.getChannelBinding('tls-unique'), unsupported)
    })
    await withTlsPair(
      backend,
      (client, server) => {
        const unique = (stream: SocketStream): Buffer => stream.getChannelBinding('tls-unique')
        if (backend.tls === 'node') {
          t.true(unique(client).length > 0)
          t.deepEqual(unique(server), unique(client))
        } else {
          for (const stream of [client, server]) t.throws(() => unique(stream), unsupported)
        }
      },
      { client: { maxVersion: 'TLSv1.2' } },
    )
  },
)

eachBackendWithSockets(
  test,
  'sharedCiphers lists what both sides offered, or is unsupported where the backend cannot tell',
  async (t, backend) => {
    await withTlsPair(
      backend,
      (_, server) => {
        if (backend.tls === 'node') {
          t.throws(() => server.sharedCiphers, { instanceOf: UnsupportedError })
        } else {
          t.deepEqual(
            server.sharedCiphers?.map((cipher) => [...cipher]),
            [
              ['TLS_CHACHA20_POLY1305_SHA256', 'TLSv1.3', 256],
              ['TLS_AES_128_GCM_SHA256', 'TLSv1.3', 128],
            ],
          )
        }
      },
      {
        client: { cipherSuites: ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384'] },
        server: { cipherSuites: ['TLS_AES_128_GCM_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'] },
      },
    )
  },
)

eachBackendWithSockets(test, 'the server’s order of cipher suites counts', async (t, backend) => {
  for (const [first, second] of [
    ['TLS_AES_128_GCM_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'],
    ['ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ] as const) {
    await withTlsPair(
      backend,
      (client, server) => {
        t.is(client.cipher[0], first)
        t.is(server.cipher[0], first)
      },
      { client: { cipherSuites: [second, first] }, server: { cipherSuites: [first, second] } },
    )
  }
})

eachBackendWithRealSockets(
  test,
  'getpeercert() has what node:tls shows of the same certificate',
  async (t, backend) => {
    const { server: identity } = await certificates()
    let expected: tls.PeerCertificate | undefined
    await backend.run(async () => {
      await using listener = await tlsServer()
      const [server, peer] = await Promise.all([listener.accept(), tlsPeerTo(listener.port)])
      expected = (peer.socket as tls.TLSSocket).getPeerCertificate()
      peer.socket.destroy()
      await server[Symbol.asyncDispose]().catch(() => {})
    })
    const wanted = JSON.parse(JSON.stringify(expected)) as Record<string, unknown>
    await withTlsPair(backend, (client, server) => {
      const shown = JSON.parse(JSON.stringify(client.getpeercert())) as Record<string, unknown>
      for (const field of [
        'subject',
        'issuer',
        'subjectaltname',
        'valid_from',
        'valid_to',
        'serialNumber',
        'fingerprint',
        'fingerprint256',
        'fingerprint512',
        'ext_key_usage',
      ]) {
        t.truthy(wanted[field], field)
        t.deepEqual(shown[field], wanted[field], field)
      }
      for (const name of NAMES.slice(0, 2)) t.true(String(shown.subjectaltname).includes(`DNS:${name}`))
      t.true(client.getpeercert(true)!.equals(identity.der))
      t.is(new X509Certificate(client.getpeercert(true)!).fingerprint256, String(wanted.fingerprint256))
      // No client certificate has been asked for.
      t.is(server.getpeercert(), null)
      t.is(server.getpeercert(true), null)
    })
  },
)

eachBackendWithSockets(
  test,
  'the name to verify is the one connected to, unless tlsHostname is another one; a name is sent, an address is not',
  async (t, backend) => {
    const asked: string[] = []
    const server = { sni: (name: string) => void asked.push(name) }
    await withTlsPair(backend, (client) => t.is(client.serverHostname, '127.0.0.1'), { server })
    t.deepEqual(asked, [])
    await withTlsPair(backend, (client) => t.is(client.serverHostname, 'server.test'), {
      server,
      connect: { tlsHostname: 'server.test' },
    })
    t.deepEqual(asked, ['server.test'])
    await backend.run(async () => {
      await using listener = await tlsServer({ server })
      const { ca } = await certificates()
      const [accepted, client] = await Promise.all([
        listener.accept(),
        connectTcp('localhost', listener.port, { tls: createTlsContext({ ca }), autostartTls: true }),
      ])
      t.is(client.serverHostname, 'localhost')
      await Promise.all([client.close(), accepted.close()])
    })
    t.deepEqual(asked, ['server.test', 'localhost'])
  },
)

eachBackendWithSockets(
  test,
  'a context of one backend serves the others, and any number of connections at a time',
  async (t, backend) => {
    const { ca, server: identity } = await certificates()
    const context = createTlsContext({ ...identity, ca })
    for (let round = 0; round < 2; round++) {
      await backend.run(async () => {
        await using listener = await createTcpServer(0, { ...LOCAL, tls: context })
        const connect = (): Promise<SocketStream> =>
          connectTcp('127.0.0.1', listener.port, { tls: context, autostartTls: true })
        const clients = Promise.all(Array.from({ length: 20 }, connect))
        const servers: SocketStream[] = []
        for await (const stream of listener.acceptConnections()) if (servers.push(stream) === 20) break
        const open = [...(await clients), ...servers]
        t.true(open.every((stream) => stream.tlsVersion === 'TLSv1.3'))
        await Promise.all(open.map((stream) => stream.close()))
      })
    }
  },
)

eachBackendWithRealSockets(
  test,
  'the traffic is not readable: nothing of what is said is on the wire',
  async (t, backend) => {
    const peers = await PeerServer.listen(t)
    await backend.run(async () => {
      const connecting = connectTcp('127.0.0.1', peers.port, {
        tls: createTlsContext({ verify: false }),
        autostartTls: false,
      })
      const [stream, peer] = await Promise.all([connecting, peers.peer()])
      await stream.sendAll('plain')
      t.is(await peer.text(5), 'plain')
      const starting = stream.startTls().catch((error: unknown) => error)
      // A ClientHello: a handshake record, whose body has its length in front.
      const hello = await peer.bytes(9)
      t.is(hello[0], 22)
      t.is(hello[5], 1)
      peer.socket.destroy()
      isTlsError(t, await starting, 'closed')
    })
    peers.close()
  },
)

eachBackendWithRealSockets(test, 'bytes go both ways, against node:tls in both roles', async (t, backend) => {
  for (const version of VERSIONS) {
    await withTlsPeer(
      t,
      backend,
      async (stream, peer) => {
        t.is(stream.tlsVersion, version)
        await stream.sendAll('hello from the client')
        t.is(await peer.text(21), 'hello from the client')
        await peer.write('hello from the server')
        t.is((await stream.receiveExactly(21)).toString(), 'hello from the server')
      },
      { server: { maxVersion: version } },
    )
    await backend.run(async () => {
      await using listener = await tlsServer()
      const connecting = tlsPeerTo(listener.port, { maxVersion: version })
      const [stream, peer] = await Promise.all([listener.accept(), connecting])
      t.is(stream.tlsVersion, version)
      await stream.sendAll('hello from the server')
      t.is(await peer.text(21), 'hello from the server')
      await peer.write('hello from the client')
      t.is((await stream.receiveExactly(21)).toString(), 'hello from the client')
      peer.socket.end()
      await stream.close()
      peer.socket.destroy()
    })
  }
})

eachBackendWithSockets(test, 'an IPv6 address is verified as an address', async (t, backend) => {
  await backend.run(async () => {
    await using listener = await tlsServer({ listen: { interface: '::1' } })
    const { ca } = await certificates()
    const options = { tls: createTlsContext({ ca }), autostartTls: true }
    await createTaskGroup(async (group) => {
      group.spawn(() => listener.serve(echo))
      const client = await connectTcp('::1', listener.port, options)
      await say(t, client, 'six')
      await client.close()
      // The certificate is not for this one.
      const error = await t.throwsAsync(connectTcp('::1', listener.port, { ...options, tlsHostname: '::2' }))
      isTlsError(t, error, 'certificate-wrong-name', /another name/)
      await listener.close()
    })
  })
})

eachBackendWithSockets(test, 'verify: false takes any certificate, for whatever name', async (t, backend) => {
  const { expired, selfSigned, unknownAuthority, wrongPurpose } = await certificates()
  for (const server of [expired, selfSigned, unknownAuthority, wrongPurpose]) {
    await withTlsPair(
      backend,
      async (client, accepted) => {
        await Promise.all([client.sendAll('x'), accepted.receiveExactly(1)])
        t.true(client.getpeercert(true)!.equals(server.der))
      },
      { server, client: { verify: false }, connect: { tlsHostname: 'anything.test' } },
    )
  }
})

eachBackendWithSockets(test, 'a server serves TLS streams to its handlers', async (t, backend) => {
  await backend.run(async () => {
    await using listener = await tlsServer()
    const serving = listener.serve(async (stream) => {
      t.is(stream.tlsVersion, 'TLSv1.3')
      for await (const chunk of stream) await stream.sendAll(chunk)
    })
    const clients = await Promise.all([1, 2, 3].map(() => tlsConnect(listener.port)))
    for (const [i, client] of clients.entries()) await say(t, client, `hello ${i}`)
    t.like(listener.statistics(), { accepted: 3, handling: 3, handshaking: 0, tlsErrors: 0 })
    await Promise.all(clients.map((client) => client.close()))
    await listener.close()
    await serving
  })
})
