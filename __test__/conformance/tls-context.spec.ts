/** TLS contexts: what they take, what they refuse, and the sni callback. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import test from 'ava'
import { createTlsContext, type TLSContext, type TLSContextOptions } from '../../index.ts'
import { certificates, encrypted, toPem, traditional } from '../support/certificates.ts'
import { eachBackendWithSockets, nextTurn } from '../support/net.ts'
import { failedHandshake, isTlsError, type PairOptions, withTlsPair } from '../support/tls.ts'

test('bad credentials are a TLSError that says which option is bad, and how', async (t) => {
  const { server, client, rsa, chained, ca } = await certificates()
  const { cert, key } = server
  const cases: readonly [options: TLSContextOptions, text: RegExp][] = [
    [{ cert: '', key }, /options\.cert/],
    [{ cert, key: '' }, /options\.key/],
    [{ cert: Buffer.alloc(0), key }, /options\.cert is empty/],
    [{ cert: 'not PEM\nat all\n', key }, /options\.cert holds no PEM block/],
    [{ cert: key, key }, /options\.cert holds no certificate/],
    [{ cert, key: cert }, /options\.key holds no private key/],
    [{ cert: toPem('CERTIFICATE', Buffer.from('garbage')), key }, /options\.cert holds a malformed certificate/],
    [{ cert: Buffer.from('garbage'), key }, /options\.cert holds a malformed certificate/],
    [{ cert: server.der.subarray(0, 200), key }, /options\.cert holds a malformed certificate/],
    [{ cert, key: toPem('PRIVATE KEY', Buffer.from('garbage')) }, /options\.key holds a malformed private key/],
    [{ cert, key: Buffer.from('garbage') }, /options\.key holds no private key/],
    [{ cert, key: encrypted(key, 'secret') }, /options\.key is encrypted; decrypt it first/],
    [{ cert, key: traditional(key, 'secret') }, /options\.key is encrypted; decrypt it first/],
    [{ cert, key: client.key }, /options\.key does not match the certificate in options\.cert \(CN=localhost\)/],
    [{ cert, key: rsa.key }, /options\.key does not match the certificate/],
    [{ cert }, /options\.cert needs its private key/],
    [{ key }, /options\.key needs its certificate, options\.cert/],
    [{ cert: [], key }, /options\.cert holds no certificate/],
    [{ cert: [cert, ''], key }, /options\.cert\[1\]/],
    [{ cert: [ca, chained.cert], key: chained.key }, /options\.cert must begin with the certificate that options\.key/],
    [{ ca: '' }, /options\.ca/],
    [{ ca: [ca, key] }, /options\.ca\[1\] holds no certificate/],
    [{ cert, key: dsaKey() }, /options\.key is a key of type dsa/],
  ]
  for (const [options, text] of cases) {
    isTlsError(
      t,
      t.throws(() => createTlsContext(options)),
      'bad-credentials',
      text,
    )
  }
})

function dsaKey(): string {
  const { privateKey } = generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 })
  return String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
}

test('arguments of the wrong type or value are refused, before anything is read', (t) => {
  const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
  const range = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }
  const wrong =
    (options: unknown): (() => TLSContext) =>
    () =>
      createTlsContext(options as TLSContextOptions)
  for (const options of [
    'cert',
    null,
    { cert: 5, key: 'x' },
    { ca: [5] },
    { verify: 'yes' },
    { systemCa: 1 },
    { sessionTickets: 0 },
    { requestClientCert: 'required' },
    { sni: 'name' },
    { keyLog: 5 },
    { alpnProtocols: 'h2' },
    { alpnProtocols: [5] },
    { cipherSuites: 'TLS_AES_128_GCM_SHA256' },
    { minVersion: 1.2 },
  ]) {
    t.throws(wrong(options), type, JSON.stringify(options))
  }
  for (const options of [
    { minVersion: 'TLSv1.1' },
    { maxVersion: 'SSLv3' },
    { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' },
    { alpnProtocols: [''] },
    { alpnProtocols: ['x'.repeat(256)] },
    { cipherSuites: [] },
    { cipherSuites: ['AES128-SHA'] },
    { cipherSuites: ['DHE-RSA-AES128-GCM-SHA256'] },
    { cipherSuites: ['TLS_AES_128_GCM_SHA256'], maxVersion: 'TLSv1.2' },
  ]) {
    t.throws(wrong(options), range, JSON.stringify(options))
  }
  // A file that is not there is the system's error.
  t.throws(wrong({ ca: 'there/is/no.such.file' }), { code: 'ENOENT' })
})

test('a context is immutable, and shows no key when it is printed', async (t) => {
  const { server, ca } = await certificates()
  const alpnProtocols = ['a']
  const context = createTlsContext({ ...server, ca, alpnProtocols })
  t.deepEqual(Object.keys(context), [])
  t.false(JSON.stringify(context).includes('BEGIN'))
})

/** The same certificate and key, in every form that is taken. */
const FORMS: readonly [string, (folder: string) => Promise<TLSContextOptions>][] = [
  ['PEM in strings', async () => (await certificates()).server],
  [
    'PEM in buffers',
    async () => {
      const { cert, key } = (await certificates()).server
      return { cert: Buffer.from(cert), key: Buffer.from(key) }
    },
  ],
  [
    'DER, the key as PKCS #8',
    async () => {
      const { der, key } = (await certificates()).server
      return { cert: der, key: createPrivateKey(key).export({ type: 'pkcs8', format: 'der' }) }
    },
  ],
  [
    'DER, the key as SEC 1',
    async () => {
      const { der, key } = (await certificates()).server
      return { cert: der, key: createPrivateKey(key).export({ type: 'sec1', format: 'der' }) }
    },
  ],
  [
    'OpenSSL’s older form of an EC key',
    async () => {
      const { cert, key } = (await certificates()).server
      return { cert, key: traditional(key) }
    },
  ],
  [
    'OpenSSL’s older form of an RSA key',
    async () => {
      const { cert, key } = (await certificates()).rsa
      return { cert, key: traditional(key) }
    },
  ],
  [
    'paths',
    async (folder) => {
      const { cert, key } = (await certificates()).server
      writeFileSync(join(folder, 'cert.pem'), cert)
      writeFileSync(join(folder, 'key.pem'), key)
      return { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
    },
  ],
  [
    'URLs, of a PEM and of a DER file',
    async (folder) => {
      const { der, key } = (await certificates()).server
      writeFileSync(join(folder, 'cert.der'), der)
      writeFileSync(join(folder, 'key.pem'), key)
      return { cert: pathToFileURL(join(folder, 'cert.der')), key: pathToFileURL(join(folder, 'key.pem')) }
    },
  ],
  [
    'one text with the key, a comment and the chain in it',
    async () => {
      const { cert, key } = (await certificates()).chained
      const text = `${key}\nA comment.\n${cert}`
      return { cert: text, key: text }
    },
  ],
  [
    'a list: the own certificate, then the one above it',
    async () => {
      const { cert, key } = (await certificates()).chained
      const [own, above] = cert.split(/(?=-----BEGIN)/)
      return { cert: [own!, Buffer.from(above!)], key }
    },
  ],
]

for (const [form, make] of FORMS) {
  eachBackendWithSockets(test, `certificate and key as ${form}`, async (t, backend) => {
    const folder = mkdtempSync(join(tmpdir(), 'structio-test-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    const server = await make(folder)
    await withTlsPair(
      backend,
      async (client, accepted) => {
        await Promise.all([client.sendAll('x'), accepted.receiveExactly(1)])
        t.is(client.getpeercert()?.subject.CN, 'localhost')
      },
      { server },
    )
  })
}

eachBackendWithSockets(test, 'files are read when the context is made, and never again', async (t, backend) => {
  const { server, ca } = await certificates()
  const folder = mkdtempSync(join(tmpdir(), 'structio-test-'))
  const paths = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), ca: join(folder, 'ca.pem') }
  writeFileSync(paths.cert, server.cert)
  writeFileSync(paths.key, server.key)
  writeFileSync(paths.ca, ca)
  const given = { ca: [paths.ca], alpnProtocols: ['a'] }
  const contexts = { server: createTlsContext(paths), client: createTlsContext(given) }
  rmSync(folder, { recursive: true })
  given.alpnProtocols.push('b')
  given.ca.length = 0
  await withTlsPair(backend, (client) => t.is(client.tlsVersion, 'TLSv1.3'), {
    listen: { tls: contexts.server },
    connect: { tls: contexts.client },
  })
})

eachBackendWithSockets(
  test,
  'ca replaces the platform’s store, systemCa adds it, and neither knows our authority by itself',
  async (t, backend) => {
    const { ca, unknownAuthority, authority } = await certificates()
    const refused = async (client: TLSContextOptions): Promise<void> => {
      const failed = await failedHandshake(t, backend, { connect: { tls: createTlsContext(client) } })
      isTlsError(t, failed.client, 'certificate-unknown-issuer')
    }
    await refused({})
    await refused({ systemCa: true })
    await refused({ ca: unknownAuthority.cert })
    await refused({ ca: unknownAuthority.cert, systemCa: true })
    for (const client of [{ ca }, { ca, systemCa: true }, { ca: [unknownAuthority.cert, authority.root] }]) {
      await withTlsPair(backend, (stream) => t.is(stream.tlsVersion, 'TLSv1.3'), {
        connect: { tls: createTlsContext(client) },
      })
    }
    // Nobody to trust at all, said without a file.
    await refused({ ca: unknownAuthority.cert, systemCa: false })
  },
)

eachBackendWithSockets(
  test,
  'a client without a context trusts what the platform trusts, which our server is not',
  async (t, backend) => {
    const failed = await failedHandshake(t, backend, { connect: { tls: undefined } })
    isTlsError(t, failed.client, 'certificate-unknown-issuer', /issued by an authority that this side does not trust/)
  },
)

eachBackendWithSockets(test, 'a certificate that is trusted itself needs no authority', async (t, backend) => {
  const { selfSigned } = await certificates()
  await withTlsPair(backend, (client) => t.is(client.getpeercert()?.subject.CN, 'localhost'), {
    server: selfSigned,
    client: { ca: selfSigned.cert },
  })
})

for (const [version, bounds] of [
  ['TLSv1.2', { maxVersion: 'TLSv1.2' }],
  ['TLSv1.3', { minVersion: 'TLSv1.3' }],
] as const) {
  eachBackendWithSockets(test, `bounds that leave ${version}, on either side`, async (t, backend) => {
    const check = (client: { tlsVersion: string | null }): void => void t.is(client.tlsVersion, version)
    await withTlsPair(backend, check, { server: bounds })
    await withTlsPair(backend, check, { client: bounds })
    await withTlsPair(backend, check, { client: bounds, server: bounds })
  })
}

eachBackendWithSockets(test, 'every cipher suite is spoken, under its name', async (t, backend) => {
  const { rsa, server } = await certificates()
  const suites: readonly [string, TLSContextOptions, number][] = [
    ['TLS_AES_256_GCM_SHA384', server, 256],
    ['TLS_AES_128_GCM_SHA256', server, 128],
    ['TLS_CHACHA20_POLY1305_SHA256', rsa, 256],
    ['ECDHE-ECDSA-AES256-GCM-SHA384', server, 256],
    ['ECDHE-ECDSA-AES128-GCM-SHA256', server, 128],
    ['ECDHE-ECDSA-CHACHA20-POLY1305', server, 256],
    ['ECDHE-RSA-AES256-GCM-SHA384', rsa, 256],
    ['ECDHE-RSA-AES128-GCM-SHA256', rsa, 128],
    ['ECDHE-RSA-CHACHA20-POLY1305', rsa, 256],
  ]
  for (const [name, identity, bits] of suites) {
    await withTlsPair(
      backend,
      async (client, accepted) => {
        await Promise.all([client.sendAll('x'), accepted.receiveExactly(1)])
        const version = name.startsWith('TLS_') ? 'TLSv1.3' : 'TLSv1.2'
        t.deepEqual([...client.cipher], [name, version, bits])
        t.deepEqual([...accepted.cipher], [name, version, bits])
        t.is(client.tlsVersion, version)
      },
      { server: identity, client: { cipherSuites: [name] } },
    )
  }
})

eachBackendWithSockets(test, 'keyLog gets the same secrets on both sides, line by line', async (t, backend) => {
  const logs = { client: [] as string[], server: [] as string[] }
  const folder = mkdtempSync(join(tmpdir(), 'structio-test-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'keys.log')
  for (const [maxVersion, label, count] of [
    ['TLSv1.3', 'CLIENT_TRAFFIC_SECRET_0', 4],
    ['TLSv1.2', 'CLIENT_RANDOM', 1],
  ] as const) {
    logs.client.length = logs.server.length = 0
    rmSync(path, { force: true })
    await withTlsPair(
      backend,
      async (client, server) => {
        // In TLS 1.3 the server has its last secret when the client is done.
        await Promise.all([client.sendAll('x'), server.receiveExactly(1)])
      },
      {
        client: { maxVersion, keyLog: (line) => void logs.client.push(line) },
        server: { keyLog: (line) => void logs.server.push(line) },
      },
    )
    t.true(logs.client.length >= count)
    for (const line of [...logs.client, ...logs.server]) t.regex(line, /^[A-Z0-9_]+ [0-9a-f]{64} [0-9a-f]{64,96}$/)
    t.true(logs.client.some((line) => line.startsWith(`${label} `)))
    t.deepEqual([...logs.client].sort(), [...logs.server].sort())

    await withTlsPair(backend, (client, server) => Promise.all([client.sendAll('x'), server.receiveExactly(1)]), {
      client: { maxVersion, keyLog: path },
    })
    const written = readFileSync(path, 'utf8').trimEnd().split('\n')
    t.is(written.length, logs.client.length)
    t.true(written.some((line) => line.startsWith(`${label} `)))
    // It holds secrets.
    t.is(statSync(path).mode & 0o077, 0)
  }
  t.true(existsSync(path))
})

/** Two servers in one: which one a client gets is up to the name it asks for. */
async function bySni(sni: NonNullable<TLSContextOptions['sni']>): Promise<PairOptions> {
  const { server } = await certificates()
  return { server: { ...server, sni }, connect: { tlsHostname: 'other.test' } }
}

for (const [title, answer] of [
  ['at once', (context: TLSContext) => context],
  [
    'later',
    async (context: TLSContext) => {
      await nextTurn()
      return context
    },
  ],
] as const) {
  eachBackendWithSockets(test, `sni gives another context, ${title}; it replaces everything`, async (t, backend) => {
    const { otherName } = await certificates()
    const asked: string[] = []
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const other = createTlsContext({ ...otherName, alpnProtocols: ['b'], maxVersion })
      const options = await bySni((name) => {
        asked.push(name)
        return answer(other)
      })
      await withTlsPair(
        backend,
        async (client, server) => {
          await Promise.all([client.sendAll('x'), server.receiveExactly(1)])
          t.is(client.getpeercert()?.subject.CN, 'other.test')
          t.is(client.alpnProtocol, 'b')
          t.is(server.alpnProtocol, 'b')
          t.is(client.tlsVersion, maxVersion)
          const endPoint = client.getChannelBinding('tls-server-end-point')
          t.deepEqual(server.getChannelBinding('tls-server-end-point'), endPoint)
        },
        { ...options, client: { alpnProtocols: ['a', 'b'] } },
      )
    }
    // Once for each handshake.
    t.deepEqual(asked, ['other.test', 'other.test'])
  })
}

eachBackendWithSockets(
  test,
  'sni that gives nothing keeps the server’s own context; a client that sends no name is not asked about',
  async (t, backend) => {
    const asked: string[] = []
    const none = await bySni((name) => void asked.push(name))
    await withTlsPair(backend, (client) => t.is(client.getpeercert()?.subject.CN, 'localhost'), {
      ...none,
      connect: { tlsHostname: 'server.test' },
    })
    const later = await bySni(async (name) => {
      asked.push(name)
      await nextTurn()
      return undefined
    })
    await withTlsPair(backend, (client) => t.is(client.getpeercert()?.subject.CN, 'localhost'), {
      ...later,
      connect: { tlsHostname: 'server.test' },
    })
    t.deepEqual(asked, ['server.test', 'server.test'])
    await withTlsPair(backend, (client) => t.is(client.getpeercert()?.subject.CN, 'localhost'), {
      ...none,
      connect: {},
    })
    t.is(asked.length, 2)
  },
)

eachBackendWithSockets(test, 'a server that has a certificate for some names only', async (t, backend) => {
  const { otherName } = await certificates()
  const other = createTlsContext(otherName)
  const listen = { tls: createTlsContext({ sni: (name) => (name === 'other.test' ? other : undefined) }) }
  await withTlsPair(backend, (client) => t.is(client.getpeercert()?.subject.CN, 'other.test'), {
    listen,
    connect: { tlsHostname: 'other.test' },
  })
  const failed = await failedHandshake(t, backend, {
    listen,
    connect: { tlsHostname: 'server.test' },
    beside: { tlsHostname: 'other.test' },
  })
  isTlsError(t, failed.server, 'no-settings', /this side has no certificate for the client/)
  isTlsError(t, failed.client, 'alert')
})

for (const [title, fail] of [
  [
    'throws',
    (error: Error) => {
      throw error
    },
  ],
  ['rejects', (error: Error) => Promise.reject(error)],
] as const) {
  eachBackendWithSockets(test, `sni that ${title} refuses the client, with the error as cause`, async (t, backend) => {
    const mistake = new Error('the table of names is gone')
    const options = await bySni((name) => (name === 'other.test' ? fail(mistake) : undefined))
    const failed = await failedHandshake(t, backend, options)
    t.is(isTlsError(t, failed.server, 'no-settings').cause, mistake)
    isTlsError(t, failed.client, 'alert', /the server refused with the alert/)
  })
}

eachBackendWithSockets(test, 'sni that gives something else than a context is refused', async (t, backend) => {
  const options = await bySni((name) => (name === 'other.test' ? ({} as TLSContext) : undefined))
  const failed = await failedHandshake(t, backend, options)
  t.true(isTlsError(t, failed.server, 'no-settings').cause instanceof TypeError)
})
