/**
 * Handshakes that fail: each is a `TLSError` that says what was wrong and on whose side; the connection is closed, and
 * whoever else the server serves does not notice (the issue's "bad days").
 */
import test from 'ava'
import {
  createTcpServer,
  createTlsContext,
  TLSEOFError,
  TLSError,
  type TLSErrorReason,
  type TLSContextOptions,
} from '../../index.ts'
import { type Certificates, certificates, type Identity } from '../support/certificates.ts'
import { eachBackendWithSockets, eachBackendWithRealSockets } from '../support/net.ts'
import { rejection } from '../support/rejection.ts'
import {
  failedHandshake,
  isTlsError,
  type PairOptions,
  Proxy,
  TlsPeerServer,
  tlsConnect,
  tlsPeerFailure,
  withTlsPair,
} from '../support/tls.ts'

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

/** What is wrong with a server's certificate, what the client says to it, and with what alert it leaves. */
const BAD_SERVERS: readonly {
  readonly title: string
  readonly identity: (all: Certificates) => Identity
  readonly reason: TLSErrorReason
  readonly text: RegExp
}[] = [
  {
    title: 'has expired',
    identity: (all) => all.expired,
    reason: 'certificate-expired',
    text: /the server's certificate has expired/,
  },
  {
    title: 'is not valid yet',
    identity: (all) => all.notYetValid,
    reason: 'certificate-not-yet-valid',
    text: /the server's certificate is not valid yet/,
  },
  {
    title: 'is for another name',
    identity: (all) => all.otherName,
    reason: 'certificate-wrong-name',
    text: /the server's certificate is for another name/,
  },
  {
    title: 'vouches for itself',
    identity: (all) => all.selfSigned,
    reason: 'certificate-unknown-issuer',
    text: /the server's certificate was issued by an authority that this side does not trust/,
  },
  {
    title: 'vouches for itself and says that it is an authority (openssl req -x509)',
    identity: (all) => all.selfSignedAuthority,
    reason: 'certificate-unknown-issuer',
    text: /the server's certificate was issued by an authority that this side does not trust$/,
  },
  {
    title: 'comes from an unknown authority',
    identity: (all) => all.unknownAuthority,
    reason: 'certificate-unknown-issuer',
    text: /the server's certificate was issued by an authority that this side does not trust/,
  },
  {
    title: 'lacks the one between it and the authority',
    identity: (all) => all.incomplete,
    reason: 'certificate-unknown-issuer',
    text: /the server's certificate was issued by an authority that this side does not trust/,
  },
  {
    title: 'is not meant for a server',
    identity: (all) => all.wrongPurpose,
    reason: 'certificate-wrong-purpose',
    text: /the server's certificate is not meant for a TLS server/,
  },
  {
    title: 'is forged',
    identity: (all) => all.forged,
    reason: 'certificate-bad-signature',
    text: /the signature of the server's certificate is wrong/,
  },
]

for (const { title, identity, reason, text } of BAD_SERVERS) {
  eachBackendWithSockets(test, `a server’s certificate that ${title}`, async (t, backend) => {
    const server = identity(await certificates())
    for (const version of VERSIONS) {
      const failed = await failedHandshake(t, backend, { server, client: { maxVersion: version } })
      const { message } = isTlsError(t, failed.client, reason, text)
      t.regex(message, /^TLS handshake with the server 127\.0\.0\.1:\d+: /)
      isTlsError(t, failed.server, 'alert', /^TLS handshake with the client 127\.0\.0\.1:\d+: the client refused/)
      t.is(failed.address?.address, '127.0.0.1')
    }
  })
}

/** What is wrong with what a client shows, to a server that requires a certificate. */
const BAD_CLIENTS: readonly {
  readonly title: string
  readonly identity: (all: Certificates) => Identity | undefined
  readonly reason: TLSErrorReason
  readonly text: RegExp
}[] = [
  {
    title: 'none',
    identity: () => undefined,
    reason: 'certificate-missing',
    text: /the client sent no certificate, and this side requires one/,
  },
  {
    title: 'one from an unknown authority',
    identity: (all) => all.unknownClient,
    reason: 'certificate-unknown-issuer',
    text: /the client's certificate was issued by an authority that this side does not trust/,
  },
  {
    title: 'one that is not meant for a client',
    identity: (all) => all.wrongPurposeClient,
    reason: 'certificate-wrong-purpose',
    text: /the client's certificate is not meant for a TLS client/,
  },
]

for (const { title, identity, reason, text } of BAD_CLIENTS) {
  eachBackendWithSockets(test, `a client’s certificate is required: ${title}`, async (t, backend) => {
    const { ca, client, server: own } = await certificates()
    const shown = identity(await certificates())
    for (const version of VERSIONS) {
      const failed = await failedHandshake(t, backend, {
        server: { ...own, ca, requestClientCert: true },
        client: { ...shown, maxVersion: version },
        bystander: client,
      })
      isTlsError(t, failed.server, reason, text)
      // node:tls judges a certificate when its handshake is done: a server of TLS 1.3 can but end the connection then.
      if (backend.label === 'node' && version === 'TLSv1.3' && shown !== undefined) {
        t.true(failed.client instanceof TLSEOFError)
      } else isTlsError(t, failed.client, 'alert', /the server refused with the alert/)
    }
  })
}

eachBackendWithSockets(test, 'a client’s certificate that is good is shown to the server', async (t, backend) => {
  const { ca, client: identity, server: own } = await certificates()
  for (const version of VERSIONS) {
    for (const requestClientCert of [true, 'optional'] as const) {
      await withTlsPair(
        backend,
        async (client, server) => {
          await Promise.all([client.sendAll('x'), server.receiveExactly(1)])
          t.true(server.getpeercert(true)!.equals(identity.der))
          t.is(server.getpeercert()!.subject.CN, 'a client')
          t.is(client.getpeercert()!.subject.CN, 'localhost')
        },
        { server: { ...own, ca, requestClientCert }, client: { ...identity, maxVersion: version } },
      )
    }
  }
})

eachBackendWithSockets(
  test,
  'a certificate that is asked for may be missing; what is sent must be good, unless nothing is verified',
  async (t, backend) => {
    const { ca, unknownClient, server: own } = await certificates()
    const server: TLSContextOptions = { ...own, ca, requestClientCert: 'optional' }
    await withTlsPair(
      backend,
      async (client, accepted) => {
        await Promise.all([client.sendAll('x'), accepted.receiveExactly(1)])
        t.is(accepted.getpeercert(), null)
      },
      { server },
    )
    const failed = await failedHandshake(t, backend, { server, client: unknownClient })
    isTlsError(t, failed.server, 'certificate-unknown-issuer', /the client's certificate/)
    await withTlsPair(
      backend,
      async (client, accepted) => {
        await Promise.all([client.sendAll('x'), accepted.receiveExactly(1)])
        t.true(accepted.getpeercert(true)!.equals(unknownClient.der))
      },
      { server: { ...server, verify: false }, client: unknownClient },
    )
  },
)

/** What the two sides offer, when it has nothing in common. */
const NOTHING_IN_COMMON: readonly (PairOptions & {
  readonly title: string
  readonly reason: TLSErrorReason
  readonly text: RegExp
  readonly alert: RegExp
  readonly bystander?: TLSContextOptions
})[] = [
  {
    title: 'no TLS version: the client’s is older',
    server: { minVersion: 'TLSv1.3' },
    client: { maxVersion: 'TLSv1.2' },
    reason: 'no-common-version',
    text: /both sides have no TLS version in common/,
    alert: /protocol_version.*no TLS version in common/,
  },
  {
    title: 'no TLS version: the server’s is older',
    server: { maxVersion: 'TLSv1.2' },
    client: { minVersion: 'TLSv1.3' },
    reason: 'no-common-version',
    text: /both sides have no TLS version in common/,
    alert: /protocol_version.*no TLS version in common/,
  },
  {
    title: 'no cipher suite of TLS 1.3',
    server: { cipherSuites: ['TLS_AES_256_GCM_SHA384'] },
    client: { cipherSuites: ['TLS_CHACHA20_POLY1305_SHA256'] },
    reason: 'no-common-cipher',
    text: /both sides have no cipher suite/,
    alert: /handshake_failure/,
  },
  {
    title: 'no cipher suite of TLS 1.2',
    server: { cipherSuites: ['ECDHE-ECDSA-AES256-GCM-SHA384'] },
    client: { cipherSuites: ['ECDHE-ECDSA-AES128-GCM-SHA256'] },
    bystander: { cipherSuites: ['ECDHE-ECDSA-AES256-GCM-SHA384'] },
    reason: 'no-common-cipher',
    text: /both sides have no cipher suite/,
    alert: /handshake_failure/,
  },
  {
    title: 'no cipher suite for the server’s certificate',
    client: { cipherSuites: ['ECDHE-RSA-AES128-GCM-SHA256'] },
    reason: 'no-common-cipher',
    text: /both sides have no cipher suite/,
    alert: /handshake_failure/,
  },
]

for (const { title, reason, text, alert, ...options } of NOTHING_IN_COMMON) {
  eachBackendWithSockets(test, `nothing in common: ${title}`, async (t, backend) => {
    const { server: own } = await certificates()
    const { client, server } = await failedHandshake(t, backend, { ...options, server: { ...own, ...options.server } })
    isTlsError(t, server, reason, text)
    isTlsError(t, client, 'alert', alert)
  })
}

eachBackendWithRealSockets(test, 'node:tls as the other side hears of it, too', async (t, backend) => {
  const { server: own, ca } = await certificates()
  let seen = ''
  const hear = async (port: number): Promise<undefined> => {
    seen = (await tlsPeerFailure(port, { ALPNProtocols: ['a'] })).message
  }
  const alpn = await failedHandshake(t, backend, { server: { ...own, alpnProtocols: ['b'] } }, hear)
  isTlsError(t, alpn.server, 'no-common-protocol')
  t.regex(seen, /no application protocol/)

  const unnamed = async (port: number): Promise<undefined> => {
    seen = (await tlsPeerFailure(port)).message
  }
  const required = { ...own, ca, requestClientCert: true }
  const { client: identity } = await certificates()
  const missing = await failedHandshake(t, backend, { server: required, bystander: identity }, unnamed)
  isTlsError(t, missing.server, 'certificate-missing')
  t.regex(seen, /certificate required/)
})

eachBackendWithRealSockets(test, 'our client refuses a server of node:tls’s, which hears why', async (t, backend) => {
  const { expired } = await certificates()
  const peers = await TlsPeerServer.listen(t, expired)
  await backend.run(async () => {
    isTlsError(t, await rejection(tlsConnect(peers.port)), 'certificate-expired', /has expired/)
    while (peers.failures.length === 0) await new Promise((resolve) => setImmediate(resolve))
    t.regex(peers.failures[0]!.message, /certificate expired/)
  })
  peers.close()
})

eachBackendWithRealSockets(test, 'a server’s certificate that cannot be read is malformed', async (t, backend) => {
  const { server: own } = await certificates()
  // TLS 1.2 sends certificates in the clear: one byte on the way makes a length of the certificate's wrong.
  const peers = await TlsPeerServer.listen(t, { maxVersion: 'TLSv1.2' })
  const proxy = await Proxy.listen(t, peers.port, {
    toClient: (bytes) => {
      const at = bytes.indexOf(own.der.subarray(0, 64))
      if (at >= 0) bytes[at + 5] = 0xff
      return bytes
    },
  })
  await backend.run(async () => {
    const { message } = isTlsError(
      t,
      await rejection(tlsConnect(proxy.port)),
      'certificate-malformed',
      /the server's certificate is malformed/,
    )
    t.regex(message, new RegExp(`^TLS handshake with the server 127\\.0\\.0\\.1:${proxy.port}: `))
  })
  proxy.close()
  peers.close()
})

eachBackendWithSockets(test, 'a server without a certificate is refused before it listens', async (t, backend) => {
  await backend.run(async () => {
    const error = await rejection(createTcpServer(0, { tls: createTlsContext() }))
    t.true(error instanceof TLSError)
    isTlsError(t, error, 'no-settings', /needs a certificate/)
  })
})
