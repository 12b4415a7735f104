/** TLS of the native transport. The other side is node:tls, or a plain socket. */
import test, { type ExecutionContext } from 'ava'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { setImmediate as macrotask } from 'node:timers/promises'
import * as tls from 'node:tls'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { StreamTransport, TlsSettings, TlsStart } from '../../../src/backends/contract/backend.ts'
import { loadNativeBackend } from '../../../src/backends/native/index.ts'
import { selectBackend } from '../../../src/backends/select.ts'
import { TLSEOFError, TLSError, type TLSErrorReason } from '../../../src/errors.ts'
import { loadBinding } from '../../../src/native/load.ts'
import { certificates } from '../../support/certificates.ts'

const LOOPBACK = { address: '127.0.0.1', noDelay: true, keepAlive: false } as const

/** All failure reasons: the compiler checks that none is missing. */
const REASONS: Record<TLSErrorReason, true> = {
  'certificate-expired': true,
  'certificate-not-yet-valid': true,
  'certificate-unknown-issuer': true,
  'certificate-wrong-name': true,
  'certificate-wrong-purpose': true,
  'certificate-malformed': true,
  'certificate-bad-signature': true,
  'certificate-revoked': true,
  'certificate-invalid': true,
  'certificate-missing': true,
  'no-common-version': true,
  'no-common-cipher': true,
  'no-common-protocol': true,
  alert: true,
  'not-tls': true,
  'record-too-large': true,
  'bad-record': true,
  renegotiation: true,
  misbehaved: true,
  closed: true,
  'timed-out': true,
  'plaintext-buffered': true,
  'no-settings': true,
  'bad-credentials': true,
  failed: true,
}

test('TypeScript knows every failure reason of the addon', (t) => {
  const reasons = loadBinding().tlsFailureReasons()
  t.true(reasons.includes('truncated'))
  for (const reason of reasons) t.true(reason === 'truncated' || reason in REASONS, reason)
})

test('tlsHandshakes has two values, and any other is refused', (t) => {
  const select = (tlsHandshakes: unknown) => () => selectBackend('native', { tlsHandshakes })
  t.notThrows(select('pool'))
  t.throws(select('elsewhere'), { code: 'ERR_OUT_OF_RANGE', message: /tlsHandshakes/ })
  t.throws(select(1), { code: 'ERR_INVALID_ARG_TYPE', message: /tlsHandshakes/ })
})

for (const driver of ['nested', 'thread'] as const) {
  for (const tlsHandshakes of ['reactor', 'pool'] as const) {
    const backend = loadNativeBackend({ driver, tlsHandshakes })
    const title = (text: string): string => `[${driver}, ${tlsHandshakes}] ${text}`

    /** An accepted or connected native transport, and Node's plain socket at the other end. */
    const pair = (t: ExecutionContext): Promise<{ stream: StreamTransport; peer: Socket }> => {
      return connected(t, (port, answer) => void backend.connectTcp({ ...LOOPBACK, port, family: 4 }, answer))
    }

    const startTls = (stream: StreamTransport, start: TlsStart): Promise<StreamTransport> =>
      new Promise((resolve, reject) => {
        backend.startTls(stream, start, (error, value) => {
          if (error !== undefined) return reject(error)
          value!.sink = silent()
          resolve(value!)
        })
      })

    /** A native server and a node:tls client. */
    const secured = async (
      t: ExecutionContext,
      options: tls.ConnectionOptions = {},
      start: Partial<TlsStart> = {},
    ): Promise<{ stream: StreamTransport; peer: tls.TLSSocket; socket: Socket }> => {
      const { stream, peer: socket } = await pair(t)
      const { ca } = await certificates()
      const peer = tls.connect({ socket, ca, servername: 'server.test', ...options })
      peer.on('error', () => undefined)
      const secure = once(peer, 'secureConnect')
      const own = await serverStart(start)
      t.is(await startTls(stream, own), stream)
      await secure
      return { stream, peer, socket }
    }

    test(title('a connection is upgraded in place, and its session has what was negotiated'), async (t) => {
      const { stream, peer } = await secured(t, { ALPNProtocols: ['b', 'a'], maxVersion: 'TLSv1.2' })
      const session = stream.tls!
      t.true(session.serverSide)
      t.is(session.version, 'TLSv1.2')
      t.is(session.alpnProtocol, 'a')
      t.is(session.serverName, 'server.test')
      t.is(session.cipher, peer.getCipher().name)
      t.true(session.sharedCiphers().includes(session.cipher))
      t.is(session.peerCertificate(), undefined)
      t.deepEqual(session.ownCertificate(), peer.getPeerX509Certificate()!.raw)
      t.deepEqual(session.exportKeyingMaterial(32, 'x'), peer.exportKeyingMaterial(32, 'x', Buffer.alloc(0)))
      t.throws(() => session.tlsUnique(), { code: 'ERR_UNSUPPORTED', message: /tls-exporter.*tls-server-end-point/ })
      t.true(stream.saysGoodbye)

      peer.write('question')
      t.is((await received(stream)).toString(), 'question')
      stream.send(Buffer.from('ans'))
      stream.send(Buffer.from('wer'))
      t.is(String((await once(peer, 'data'))[0]), 'answer')
      stream.destroy()
      t.is(session.peerCertificate(), undefined)
      t.throws(() => session.exportKeyingMaterial(32, 'x'), { code: 'ERR_CLOSED_RESOURCE' })
    })

    test(title('a client is upgraded in place too, and large data passes both ways'), async (t) => {
      const { stream, peer: socket } = await pair(t)
      const { server } = await certificates()
      const peer = new tls.TLSSocket(socket, { isServer: true, cert: server.cert, key: server.key })
      peer.on('data', (data) => peer.write(data))
      const start = await clientStart()
      await startTls(stream, start)
      t.false(stream.tls!.serverSide)
      t.is(stream.tls!.version, 'TLSv1.3')
      t.is(stream.tls!.serverName, 'server.test')
      t.deepEqual(stream.tls!.peerCertificate(), server.der)
      const data = Buffer.alloc(200_000, 'The quick brown fox. ')
      const sent = sendAll(stream, data)
      t.true((await receivedAll(stream, data.length)).equals(data))
      await sent
    })

    test(title('the name that a client sends chooses the settings, at once or later'), async (t) => {
      for (const later of [false, true]) {
        const names: string[] = []
        const chosen = await serverSettings({ alpnProtocols: ['chosen'] })
        const chooseByName = (name: string): TlsSettings | Promise<TlsSettings> => {
          names.push(name)
          return later ? macrotask(chosen) : chosen
        }
        // The listener has no certificate of its own.
        const settings = { ...(await serverSettings({})), certificates: [], key: undefined, chooseByName }
        const { stream } = await secured(t, { ALPNProtocols: ['chosen'] }, { settings })
        t.deepEqual(names, ['server.test'])
        t.is(stream.tls!.alpnProtocol, 'chosen')
        t.deepEqual(stream.tls!.ownCertificate(), chosen.certificates[0])
      }
    })

    test(title('an error of the chooser is the cause, and the client gets an alert'), async (t) => {
      const { stream, peer: socket } = await pair(t)
      const cause = new Error('no such name')
      const settings = await serverSettings({ chooseByName: () => Promise.reject(cause) })
      const peer = tls.connect({ socket, servername: 'stranger.test', rejectUnauthorized: false })
      const alert = once(peer, 'error') as Promise<[NodeJS.ErrnoException]>
      const error = await t.throwsAsync(startTls(stream, await serverStart({ settings })), { instanceOf: TLSError })
      t.is(error.reason, 'no-settings')
      t.is(error.cause, cause)
      t.is((await alert)[0].code, 'ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR')
    })

    test(title('a handshake that fails answers once, and the connection is closed'), async (t) => {
      const { stream, peer } = await pair(t)
      peer.write('GET / HTTP/1.1\r\n\r\n')
      const error = await t.throwsAsync(startTls(stream, await serverStart()), { instanceOf: TLSError })
      t.is(error.reason, 'not-tls')
      const chunks: Buffer[] = await peer.toArray()
      t.is(Buffer.concat(chunks)[0], 21)
    })

    test(title('an abandoned handshake closes the connection, and never answers'), async (t) => {
      const { stream, peer } = await pair(t)
      const start = await serverStart()
      const abandon = backend.startTls(stream, start, () => t.fail('an answer after it was abandoned'))
      await macrotask()
      abandon()
      abandon()
      await once(peer.resume(), 'end')
      t.pass()
    })

    test(title('a destroyed handshake closes the connection, and never answers'), async (t) => {
      const { stream, peer } = await pair(t)
      const start = await serverStart()
      const abandon = backend.startTls(stream, start, () => t.fail('an answer after it was destroyed'))
      stream.destroy()
      abandon()
      await once(peer.resume(), 'end')
      t.pass()
    })

    test(title('an unusable context fails the handshake'), async (t) => {
      const { stream, peer } = await pair(t)
      peer.resume()
      const start = await clientStart({ hostname: 'no name at all' })
      const error = await t.throwsAsync(startTls(stream, start), { instanceOf: TLSError })
      t.is(error.reason, 'failed')
      t.regex(error.message, /"no name at all" is not a host name/)
    })

    test(title('data that ends without close_notify is truncated'), async (t) => {
      const { stream, peer, socket } = await secured(t)
      peer.write('last words')
      t.is((await received(stream)).toString(), 'last words')
      const failed = receiveFailed(stream)
      socket.end()
      t.true((await failed) instanceof TLSEOFError)
      t.false(stream.saysGoodbye)
      // The next receive fails the same way.
      t.true((await receiveFailed(stream)) instanceof TLSEOFError)
    })

    test(title('receiveInto waits, reads decrypted bytes in place, and returns 0 at the end'), async (t) => {
      const { stream, peer } = await secured(t)
      const view = new Uint8Array(4)
      t.is(stream.receiveInto!(view), -1)
      const readable = new Promise<void>((resolve) => (stream.sink.readable = resolve))
      peer.write('abcdef')
      await readable
      let text = ''
      while (text.length < 6) {
        const count = stream.receiveInto!(view)
        if (count > 0) text += Buffer.from(view.subarray(0, count)).toString()
        else await new Promise<void>((resolve) => (stream.sink.readable = resolve))
      }
      t.is(text, 'abcdef')
      peer.end()
      for (;;) {
        const count = stream.receiveInto!(view)
        if (count === 0) break
        t.is(count, -1)
        await new Promise<void>((resolve) => (stream.sink.readable = stream.sink.receivedEnd = resolve))
      }
    })

    test(title('a send to a peer that does not read takes a bounded amount, and all of it arrives'), async (t) => {
      const { stream, peer } = await secured(t)
      peer.pause()
      const chunk = Buffer.alloc(100_000, 'z')
      let sent = 0
      for (;;) {
        const taken = stream.send(chunk)
        sent += taken
        if (taken === chunk.length) continue
        t.true(stream.unsent > 0)
        await macrotask()
        if (stream.send(chunk) === 0) break
      }
      let count = 0
      peer.on('data', (data) => (count += data.length)).resume()
      await settled(stream, 'shutdown')
      await once(peer, 'end')
      t.is(count, sent)
      t.is(stream.unsent, 0)
    })

    test(
      title('a bidirectional shutdown sends close_notify, discards data, and waits for the peer’s close_notify'),
      async (t) => {
        const { stream, peer } = await secured(t)
        peer.write(Buffer.alloc(4_000_000))
        let ended = false
        peer.resume().on('end', () => {
          ended = true
          peer.end()
        })
        await settled(stream, 'goodbye')
        t.true(ended)
      },
    )
  }

  // Serial: it counts the descriptors of the process.
  test.serial(`[${driver}] unfinished handshakes leave no descriptor open, on the loop or on the pool`, async (t) => {
    const before = descriptors()
    for (const tlsHandshakes of ['reactor', 'pool'] as const) {
      const backend = loadNativeBackend({ driver, tlsHandshakes })
      const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const peers: Socket[] = []
      server.on('connection', (peer: Socket) => peers.push(peer.on('error', () => undefined)))
      const start = await clientStart()
      for (let i = 0; i < 20; i++) {
        const stream = await new Promise<StreamTransport>((resolve, reject) =>
          backend.connectTcp({ ...LOOPBACK, port: portOf(server), family: 4 }, (error, value) =>
            error ? reject(error) : resolve(value!),
          ),
        )
        const abandon = backend.startTls(stream, start, () => t.fail('an answer'))
        if (i % 2 === 0) await macrotask()
        abandon()
      }
      while (peers.length < 20) await macrotask()
      for (const peer of peers) peer.destroy()
      server.close()
      await once(server, 'close')
    }
    // The pool closes the descriptor of a handshake that it has.
    for (let turn = 0; turn < 1000 && descriptors() > before; turn++) await macrotask()
    // Fewer is fine: descriptors of earlier tests may have closed meanwhile.
    const after = descriptors()
    t.true(after <= before, `${before} before, ${after} after`)
  })
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

function portOf(server: { address(): unknown }): number {
  return (server.address() as { port: number }).port
}

async function connected(
  t: ExecutionContext,
  connectTo: (port: number, answer: (error: Error | undefined, value?: StreamTransport) => void) => void,
): Promise<{ stream: StreamTransport; peer: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const [stream, [peer]] = await Promise.all([
    new Promise<StreamTransport>((resolve, reject) =>
      connectTo(portOf(server), (error, value) => (error ? reject(error) : resolve(value!))),
    ),
    once(server, 'connection') as Promise<[Socket]>,
  ])
  stream.sink = silent()
  t.teardown(() => {
    stream.destroy()
    peer.on('error', () => undefined).destroy()
    server.close()
  })
  return { stream, peer }
}

function silent(): StreamTransport['sink'] {
  return { received() {}, receivedEnd() {}, receiveFailed() {}, readable() {}, sendSettled() {} }
}

const SUITES = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
]

const SETTINGS: TlsSettings = {
  certificates: [],
  key: undefined,
  ca: [],
  systemCa: false,
  alpnProtocols: [],
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  cipherSuites: SUITES,
  verify: true,
  clientCertificate: 'none',
  chooseByName: undefined,
  sessionTickets: true,
  keyLog: undefined,
}

async function serverSettings(more: Partial<TlsSettings>): Promise<TlsSettings> {
  const { server } = await certificates()
  const key = createPrivateKey(server.key).export({ type: 'pkcs8', format: 'der' })
  return { ...SETTINGS, certificates: [server.der], key, ...more }
}

async function serverStart(more: Partial<TlsStart> = {}): Promise<TlsStart> {
  const settings = await serverSettings({ alpnProtocols: ['a'] })
  return { ...START, side: 'server', settings, hostname: undefined, ...more }
}

async function clientStart(more: Partial<TlsStart> = {}): Promise<TlsStart> {
  const { ca } = await certificates()
  const settings = { ...SETTINGS, ca: [new X509Certificate(ca).raw] }
  return { ...START, side: 'client', settings, hostname: 'server.test', ...more }
}

const START = { standardCompatible: true, ahead: Buffer.alloc(0), peer: 'somebody' } as const

/** The bytes of the next answer to `receive`, copied before they are given back. */
function received(stream: StreamTransport): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    stream.sink.received = (memory, start, end) => resolve(Buffer.from(memory.subarray(start, end)))
    stream.sink.receivedEnd = () => resolve(Buffer.alloc(0))
    stream.sink.receiveFailed = reject
    stream.receive(65_536)
  })
}

async function receivedAll(stream: StreamTransport, length: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  for (let rest = length; rest > 0; rest -= chunks.at(-1)!.length) chunks.push(await received(stream))
  return Buffer.concat(chunks)
}

async function receiveFailed(stream: StreamTransport): Promise<unknown> {
  return received(stream).then(
    (data) => `received ${data.length}`,
    (error: unknown) => error,
  )
}

async function sendAll(stream: StreamTransport, data: Buffer): Promise<void> {
  for (let at = 0; at < data.length;) {
    const taken = stream.send(data.subarray(at))
    at += taken
    if (taken === 0) await settled(stream, 'writable')
  }
}

function settled(stream: StreamTransport, what: 'writable' | 'flushed' | 'shutdown' | 'goodbye'): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.sink.sendSettled = (error) => (error ? reject(error) : resolve())
    stream.waitSend(what)
  })
}
