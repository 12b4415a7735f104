/**
 * What a scanner of TLS servers looks for, done with OpenSSL's tools: nothing old, weak or half-standard is spoken, and what
 * is refused is refused with the right alert. And the clients' side of renegotiation, which only a server can ask for.
 */
import { once } from 'node:events'
import * as net from 'node:net'
import test, { type ExecutionContext } from 'ava'
import {
  connectTcp,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  sleep,
  type SocketStream,
  TLSError,
  type TLSContextOptions,
} from '../../index.ts'
import { eachRealBackend, type TestBackend } from '../support/backends.ts'
import { certificates } from '../support/certificates.ts'
import { file, folder, Running, where } from '../support/programs.ts'
import { rejection } from '../support/rejection.ts'
import { Proxy } from '../support/tls.ts'

/** OpenSSL offers what it no longer believes in only when told that security is of no concern. */
const ANYTHING = '@SECLEVEL=0'

/** Records on the wire. */
const ALERT = 21
const HANDSHAKE = 22

/** Ciphers without forward secrecy, without authentication, without encryption, or broken. */
const WEAK = [
  'AES128-SHA',
  'AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES256-SHA384',
  'DHE-RSA-AES128-GCM-SHA256',
  'CAMELLIA128-SHA',
  'ARIA128-GCM-SHA256',
  'ECDHE-ECDSA-AES128-CCM',
  'ADH-AES128-SHA',
  'AECDH-AES128-SHA',
  'NULL-SHA256',
]

where('openssl', (openssl) => {
  /** What s_client says of a connection that it does not get, or gets and ends. */
  const scan = async (t: ExecutionContext, port: number, args: readonly string[]): Promise<string> => {
    const client = new Running(t, openssl, ['s_client', '-connect', `127.0.0.1:${port}`, ...args])
    client.end()
    return client.done()
  }

  eachRealBackend(test, 'TLS 1.0 and 1.1 are refused', async (t, backend) => {
    const errors = await serving(backend, {}, async (port) => {
      for (const flag of ['-tls1', '-tls1_1']) {
        const output = await scan(t, port, [flag, '-cipher', `ALL:${ANYTHING}`])
        // What these lack (signature algorithms) may be noticed before their version is.
        t.regex(output, /alert protocol version|alert handshake failure/, flag)
        t.regex(output, /Cipher is \(NONE\)/)
      }
    })
    t.deepEqual(
      errors.map((error) => error.reason),
      ['no-common-version', 'no-common-version'],
    )
  })

  eachRealBackend(test, 'SSL 3.0 and SSL 2.0 are refused', async (t, backend) => {
    // OpenSSL does not have them any more: the greetings, by hand.
    const ssl3 = Buffer.from([22, 3, 0, 0, 45, 1, 0, 0, 41, 3, 0, ...Array<number>(32).fill(7), 0, 0, 2, 0, 0x2f, 1, 0])
    const ssl2 = Buffer.from([
      0x80,
      0x1f,
      1,
      0,
      2,
      0,
      6,
      0,
      0,
      0,
      16,
      1,
      0,
      0x80,
      2,
      0,
      0x80,
      ...Array<number>(16).fill(7),
    ])
    const errors = await serving(backend, {}, async (port) => {
      for (const hello of [ssl3, ssl2]) {
        const answer = await exchange(port, hello)
        // An alert at most, which is fatal; no ServerHello.
        t.true(answer.length === 0 || (answer[0] === 21 && answer[5] === 2), answer.toString('hex'))
      }
    })
    t.is(errors.length, 2)
    t.true(errors.every((error) => error instanceof TLSError))
  })

  for (const [kind, pick] of [
    ['an ECDSA', 'server'],
    ['an RSA', 'rsa'],
  ] as const) {
    eachRealBackend(test, `weak ciphers are refused by a server with ${kind} certificate`, async (t, backend) => {
      const identity = (await certificates())[pick]
      const errors = await serving(backend, identity, async (port) => {
        for (const cipher of WEAK) {
          const output = await scan(t, port, ['-tls1_2', '-cipher', `${cipher}:${ANYTHING}`])
          t.regex(output, /alert handshake failure/, cipher)
          t.regex(output, /Cipher is \(NONE\)/)
        }
        const good = await scan(t, port, ['-tls1_2', '-cipher', `ALL:${ANYTHING}`])
        t.regex(good, /Cipher is ECDHE-(ECDSA|RSA)-AES128-GCM-SHA256/)
      })
      t.is(errors.length, WEAK.length)
      t.true(errors.every(({ reason }) => reason === 'no-common-cipher'))
    })
  }

  eachRealBackend(test, 'no compression, no early data, forward secrecy, secure renegotiation', async (t, backend) => {
    await serving(backend, {}, async (port) => {
      for (const flag of ['-tls1_2', '-tls1_3']) {
        const output = await scan(t, port, [flag, '-comp'])
        t.regex(output, /Compression: NONE/)
        t.regex(output, /Server Temp Key: X25519/)
        if (flag === '-tls1_2') t.regex(output, /Secure Renegotiation IS supported/)
        else t.regex(output, /Early data was not sent/)
      }
    })
  })

  eachRealBackend(test, 'weak groups and signatures are refused', async (t, backend) => {
    const errors = await serving(backend, {}, async (port) => {
      for (const args of [
        ['-tls1_2', '-curves', 'sect163k1', '-cipher', `ALL:${ANYTHING}`],
        ['-tls1_2', '-curves', 'prime192v1', '-cipher', `ALL:${ANYTHING}`],
        ['-tls1_3', '-sigalgs', 'RSA+SHA256'],
        ['-tls1_2', '-sigalgs', 'ECDSA+SHA1', '-cipher', `ALL:${ANYTHING}`],
      ]) {
        const output = await scan(t, port, args)
        t.regex(output, /alert handshake failure/, args.join(' '))
      }
    })
    t.is(errors.length, 4)
    t.true(errors.every(({ reason }) => reason === 'no-common-cipher'))
  })

  eachRealBackend(test, 'the alert of an ALPN without overlap', async (t, backend) => {
    await serving(backend, { alpnProtocols: ['h2'] }, async (port) => {
      for (const flag of ['-tls1_2', '-tls1_3']) {
        t.regex(await scan(t, port, [flag, '-alpn', 'spdy/1']), /alert no application protocol/)
        t.regex(await scan(t, port, [flag, '-alpn', 'spdy/1,h2']), /ALPN protocol: h2/)
      }
    })
  })

  eachRealBackend(test, 'the chain is in order, and without the root', async (t, backend) => {
    const { authority } = await certificates()
    const upper = await authority.intermediate('Upper')
    const lower = await upper.intermediate('Lower')
    const identity = await lower.issue({ names: ['server.test'] })
    await serving(backend, identity, async (port) => {
      const output = await scan(t, port, ['-showcerts'])
      t.deepEqual(
        [...output.matchAll(/^ \d s:CN = (.*)$/gm)].map(([, name]) => name),
        ['server.test', 'Lower', 'Upper'],
      )
    })
  })

  eachRealBackend(test, 's_client’s request to renegotiate is refused with no_renegotiation', async (t, backend) => {
    await serving(backend, {}, async (port) => {
      const client = new Running(t, openssl, ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_2', '-msg'])
      await client.printed(/Verify return code/)
      client.write('R\n')
      await client.printed(/warning no_renegotiation/)
      client.end()
      await client.done()
    })
  })

  eachRealBackend(
    test,
    'our client refuses to renegotiate; a server that asks again and again is dropped',
    async (t, backend) => {
      const { ca, server: identity } = await certificates()
      await backend.run(async () => {
        const at = folder(t)
        const own = ['-cert', file(at, 'cert.pem', identity.cert), '-key', file(at, 'key.pem', identity.key)]
        const args = ['s_server', '-accept', '127.0.0.1:0', '-tls1_2', ...own]
        const server = new Running(t, openssl, args)
        const [, port] = await server.printed(/ACCEPT 127\.0\.0\.1:(\d+)/)
        // OpenSSL gives up when it hears the refusal. It must not hear it, to ask again.
        let deaf = false
        let asked = 0
        let refusals = 0
        const proxy = await Proxy.listen(t, Number(port), {
          toServer: (bytes) => {
            if (!deaf) return bytes
            if (bytes[0] === ALERT) refusals++
            return undefined
          },
          toClient: (bytes) => {
            if (deaf && bytes[0] === HANDSHAKE) asked++
            return bytes
          },
        })
        const stream = await connectTcp('127.0.0.1', proxy.port, { tls: createTlsContext({ ca }), autostartTls: true })
        await stream.sendAll('hello\n')
        await server.printed(/hello\n/)
        deaf = true
        const heard: string[] = []
        const failing = rejection(drained(stream, heard))
        for (let n = 1; n <= 10 && !proxy.lines[0]!.client.readableEnded; n++) {
          server.write('R\n')
          while (asked < n) await sleep(0)
          if (n === 1) {
            while (refusals === 0) await sleep(0)
            // Refused, and the stream goes on.
            server.write('still here\n')
            while (!heard.join('').includes('still here')) await sleep(0)
          }
        }
        const error = await failing
        t.true(error instanceof TLSError, String(error))
        t.is((error as TLSError).reason, 'renegotiation')
        t.regex((error as TLSError).message, /the server asked to renegotiate again and again/)
        t.true(refusals > 0)
        await stream[Symbol.asyncDispose]().catch(() => {})
        proxy.close()
        await server.stop()
      })
    },
  )
})

/** Notes what it reads, until something ends it. */
async function drained(stream: SocketStream, heard: string[]): Promise<never> {
  for await (const chunk of stream) heard.push(chunk.toString())
  throw new Error('the end')
}

/** Runs `client` beside a server that echoes, and answers with the errors of its handshakes. */
async function serving(
  backend: TestBackend,
  options: TLSContextOptions,
  client: (port: number) => Promise<void>,
): Promise<TLSError[]> {
  const { server: own } = await certificates()
  const errors: TLSError[] = []
  await backend.run(() =>
    createTaskGroup(async (group) => {
      const server = await createTcpServer(0, {
        interface: '127.0.0.1',
        tls: createTlsContext({ ...own, ...options }),
        onTlsError: (error) => errors.push(error),
      })
      group.spawn(() =>
        server.serve(async (stream) => {
          for await (const chunk of stream) await stream.sendAll(chunk)
        }),
      )
      await client(server.port)
      await server.close()
    }),
  )
  return errors
}

/** All that comes back. */
async function exchange(port: number, bytes: Buffer): Promise<Buffer> {
  const socket = net.connect({ port, host: '127.0.0.1' })
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => {})
  socket.write(bytes)
  await once(socket, 'close')
  return Buffer.concat(chunks)
}
