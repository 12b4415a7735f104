/** TLS with OpenSSL's own client and server, which nobody here wrote: `s_client` and `s_server`, in both roles. */
import { existsSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import {
  connectTcp,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  type SocketStream,
  type TLSContext,
} from '../../index.ts'
import { eachRealBackend } from '../support/backends.ts'
import { certificates } from '../support/certificates.ts'
import { file, folder, Running, where } from '../support/programs.ts'

const LOCAL = { interface: '127.0.0.1' }
const VERSIONS = [
  ['TLSv1.2', '-tls1_2'],
  ['TLSv1.3', '-tls1_3'],
] as const
/** s_client and s_server print it. What passes through them comes between the lines of what they print by themselves. */
const EXPORTER = ['-keymatexport', 'EXPORTER-Channel-Binding', '-keymatexportlen', '32']

where('openssl', (openssl) => {
  for (const [version, flag] of VERSIONS) {
    eachRealBackend(
      test,
      `s_client speaks ${version} with our server: name, ALPN, certificate chain`,
      async (t, backend) => {
        const { authority, ca } = await certificates()
        const below = await authority.intermediate('In Between')
        const identity = await below.issue({ names: ['server.test'] })
        const context = createTlsContext({ ...identity, alpnProtocols: ['b', 'c'] })
        await backend.run(() =>
          served(context, echo, async (port, streams) => {
            const client = new Running(t, openssl, [
              ...['s_client', '-connect', `127.0.0.1:${port}`, flag, '-servername', 'server.test', '-alpn', 'a,b'],
              ...['-CAfile', file(folder(t), 'ca.pem', ca), '-verify_return_error', '-verify_hostname', 'server.test'],
            ])
            client.write('hello\n')
            await client.printed(/hello\n/)
            client.end()
            const output = await client.done()
            t.is(client.code, 0, output)
            t.regex(output, /ALPN protocol: b/)
            t.regex(output, /Verify return code: 0 \(ok\)/)
            t.regex(output, new RegExp(`New, ${version}`))
            // The server's own first, then the authority between it and the root, which is not sent.
            t.regex(output, /0 s:CN = server\.test[\s\S]* 1 s:CN = In Between/)
            t.notRegex(output, / 2 s:/)
            const [stream] = streams
            t.is(stream?.version, version)
            t.is(stream?.alpn, 'b')
            t.regex(output, new RegExp(`Cipher is ${stream?.cipher}`))
          }),
        )
      },
    )

    eachRealBackend(test, `our client speaks ${version} with s_server: ALPN, certificate, echo`, async (t, backend) => {
      const { ca } = await certificates()
      await backend.run(async () => {
        const server = await sServer(t, openssl, [flag, '-alpn', 'b,c', '-rev'])
        const stream = await connectTcp('127.0.0.1', server.port, {
          tls: createTlsContext({ ca, alpnProtocols: ['a', 'b'] }),
          autostartTls: true,
        })
        t.is(stream.tlsVersion, version)
        t.is(stream.alpnProtocol, 'b')
        t.is(stream.getpeercert()?.subject.CN, 'localhost')
        await stream.sendAll('reverse me\n')
        t.is((await stream.receiveUntil('\n', 100)).toString(), 'em esrever\n')
        await stream.close()
        await server.program.stop()
      })
    })

    eachRealBackend(test, `client certificates in ${version}, asked for by either side`, async (t, backend) => {
      const { ca, client: own, server: identity } = await certificates()
      await backend.run(async () => {
        const where = folder(t)
        const authority = file(where, 'ca.pem', ca)
        const context = createTlsContext({ ...identity, ca, requestClientCert: true })
        await served(context, echo, async (port, streams) => {
          const client = new Running(t, openssl, [
            ...['s_client', '-connect', `127.0.0.1:${port}`, flag, '-CAfile', authority],
            ...['-cert', file(where, 'cert.pem', own.cert), '-key', file(where, 'key.pem', own.key)],
          ])
          client.write('hello\n')
          await client.printed(/hello\n/)
          client.end()
          await client.done()
          t.is(streams[0]?.peer, 'a client')
        })

        const server = await sServer(t, openssl, [flag, '-CAfile', authority, '-Verify', '3', '-verify_return_error'])
        const stream = await connectTcp('127.0.0.1', server.port, {
          tls: createTlsContext({ ...own, ca }),
          autostartTls: true,
        })
        await stream.sendAll('hello\n')
        const [output] = await server.program.printed(/[\s\S]*hello\n/)
        t.regex(output, /subject=CN = a client/)
        await stream[Symbol.asyncDispose]()
        await server.program.stop()
      })
    })

    eachRealBackend(test, `sessions of ${version} are resumed, in both roles`, async (t, backend) => {
      const { ca, server: identity } = await certificates()
      await backend.run(async () => {
        const session = `${folder(t)}/session.pem`
        await served(createTlsContext(identity), echo, async (port, streams) => {
          for (const [option, expected] of [
            ['-sess_out', /^New, TLSv1/m],
            ['-sess_in', /^Reused, TLSv1/m],
          ] as const) {
            const client = new Running(t, openssl, ['s_client', '-connect', `127.0.0.1:${port}`, flag, option, session])
            client.write('hello\n')
            await client.printed(/hello\n/)
            client.end()
            t.regex(await client.done(), expected)
          }
          // What the first handshake established is known in the second one.
          t.is(streams.length, 2)
          t.is(streams[1]?.version, version)
        })

        const server = await sServer(t, openssl, [flag])
        const tls = createTlsContext({ ca })
        for (const text of ['first\n', 'second\n']) {
          const stream = await connectTcp('127.0.0.1', server.port, { tls, autostartTls: true })
          t.is(stream.getpeercert()?.subject.CN, 'localhost')
          await stream.sendAll(text)
          await server.program.printed(new RegExp(text))
          server.program.write('seen\n')
          t.is((await stream.receiveUntil('\n', 100)).toString(), 'seen\n')
          await stream[Symbol.asyncDispose]()
        }
        t.regex(server.program.output, /first\n[\s\S]*^Reused session-id[\s\S]*second\n/m)
        t.is(server.program.output.match(/^Reused session-id/gm)?.length, 1)
        await server.program.stop()
      })
    })

    eachRealBackend(test, `without session tickets nothing of ${version} is resumed`, async (t, backend) => {
      const { server: identity } = await certificates()
      await backend.run(async () => {
        const session = `${folder(t)}/session.pem`
        const context = createTlsContext({ ...identity, sessionTickets: false })
        await served(context, echo, async (port) => {
          for (let n = 0; n < 2; n++) {
            // There may be nothing to write, or a session that the server does not know again.
            const options = existsSync(session) ? ['-sess_in', session] : ['-sess_out', session]
            const client = new Running(t, openssl, ['s_client', '-connect', `127.0.0.1:${port}`, flag, ...options])
            client.write('hello\n')
            await client.printed(/hello\n/)
            client.end()
            t.regex(await client.done(), /^New, TLSv1/m)
          }
        })
      })
    })
  }

  eachRealBackend(test, 'channel bindings equal OpenSSL’s exporter, in both roles', async (t, backend) => {
    const { ca, server: identity } = await certificates()
    await backend.run(async () => {
      await served(createTlsContext(identity), echo, async (port, streams) => {
        const client = new Running(t, openssl, ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_3', ...EXPORTER])
        client.write('hello\n')
        await client.printed(/hello\n/)
        client.end()
        t.is(keyingMaterial(await client.done()), streams[0]?.binding)
      })

      const server = await sServer(t, openssl, ['-tls1_3', ...EXPORTER])
      const tls = createTlsContext({ ca })
      const stream = await connectTcp('127.0.0.1', server.port, { tls, autostartTls: true })
      await stream.sendAll('hello\n')
      await server.program.printed(/hello\n/)
      t.is(keyingMaterial(server.program.output), stream.getChannelBinding().toString('hex').toUpperCase())
      await stream[Symbol.asyncDispose]()
      await server.program.stop()
    })
  })

  eachRealBackend(
    test,
    's_client -starttls smtp upgrades a connection to a mail server of ours',
    async (t, backend) => {
      const { ca, server: identity } = await certificates()
      const tls = createTlsContext(identity)
      await backend.run(async () => {
        await createTaskGroup(async (group) => {
          const listener = await createTcpServer(0, LOCAL)
          group.spawn(() => listener.serve((stream) => mailServer(stream, tls)))
          const client = new Running(t, openssl, [
            ...['s_client', '-connect', `127.0.0.1:${listener.port}`, '-starttls', 'smtp', '-crlf'],
            ...['-CAfile', file(folder(t), 'ca.pem', ca), '-verify_return_error', '-name', 'client.test'],
          ])
          await client.printed(/^250 HELP|^250 /m)
          client.write('EHLO client.test\n')
          await client.printed(/250 hello client\.test over TLSv1\.3/)
          client.write('quit\n')
          const output = await client.done()
          t.regex(output, /221 bye/)
          t.regex(output, /Verify return code: 0 \(ok\)/)
          await listener.close()
        })
      })
    },
  )

  eachRealBackend(test, 'a megabyte each way through s_server, and through s_client', async (t, backend) => {
    const { ca, server: identity } = await certificates()
    const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i} of many, to be turned around\n`)
    const reversed = lines.map((line) => [...line.trimEnd()].reverse().join('') + '\n').join('')
    await backend.run(async () => {
      const server = await sServer(t, openssl, ['-rev'])
      const stream = await connectTcp('127.0.0.1', server.port, { tls: createTlsContext({ ca }), autostartTls: true })
      await createTaskGroup(async (group) => {
        group.spawn(() => stream.sendMany(lines))
        const answer = await stream.receiveExactly(reversed.length)
        t.true(answer.toString() === reversed)
      })
      await stream[Symbol.asyncDispose]()
      await server.program.stop()

      await served(createTlsContext(identity), echo, async (port) => {
        const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-quiet', '-verify_quiet', '-ign_eof']
        const client = new Running(t, openssl, args)
        client.write(lines.join(''))
        await client.printed(/line 19999 of many, to be turned around\n/)
        t.true(client.output.endsWith(lines.join('')))
        await client.stop()
      })
    })
  })
})

interface Seen {
  readonly version: string | null
  readonly alpn: string | null
  readonly cipher: string
  readonly binding: string
  readonly peer: string | undefined
}

/** Runs `client` beside a server, and tells what the server has seen of each connection. */
async function served(
  tls: TLSContext,
  handler: (stream: SocketStream) => Promise<void>,
  client: (port: number, streams: readonly Seen[]) => Promise<void>,
): Promise<void> {
  const streams: Seen[] = []
  await createTaskGroup(async (group) => {
    const server = await createTcpServer(0, { ...LOCAL, tls })
    group.spawn(() =>
      server.serve((stream) => {
        streams.push({
          version: stream.tlsVersion,
          alpn: stream.alpnProtocol,
          cipher: stream.cipher[0],
          binding: stream.getChannelBinding().toString('hex').toUpperCase(),
          peer: stream.getpeercert()?.subject.CN as string | undefined,
        })
        return handler(stream)
      }),
    )
    await client(server.port, streams)
    await server.close()
  })
}

async function echo(stream: SocketStream): Promise<void> {
  for await (const chunk of stream) await stream.sendAll(chunk)
}

/** As much of a mail server as a client needs to begin TLS. */
async function mailServer(stream: SocketStream, tls: TLSContext): Promise<void> {
  const line = async (): Promise<string> => (await stream.receiveUntil('\r\n', 1000)).toString().trim()
  await stream.sendAll('220 mail.test ready\r\n')
  for (;;) {
    const [verb, name] = (await line()).split(' ')
    switch (verb?.toUpperCase()) {
      case 'EHLO':
        if (stream.tlsVersion === null) await stream.sendAll('250-mail.test\r\n250-STARTTLS\r\n250 HELP\r\n')
        else await stream.sendAll(`250 hello ${name} over ${stream.tlsVersion}\r\n`)
        break
      case 'STARTTLS':
        await stream.sendAll('220 go ahead\r\n')
        await stream.startTls(tls)
        break
      case 'QUIT':
        return stream.sendAll('221 bye\r\n')
      default:
        await stream.sendAll('500 what?\r\n')
    }
  }
}

/** OpenSSL's server, with the usual certificate. */
async function sServer(
  t: ExecutionContext,
  openssl: string,
  args: readonly string[],
): Promise<{ port: number; program: Running }> {
  const { server: identity } = await certificates()
  const where = folder(t)
  const own = ['-cert', file(where, 'cert.pem', identity.cert), '-key', file(where, 'key.pem', identity.key)]
  const program = new Running(t, openssl, ['s_server', '-accept', '127.0.0.1:0', ...own, ...args])
  const [, port] = await program.printed(/ACCEPT 127\.0\.0\.1:(\d+)/)
  return { port: Number(port), program }
}

function keyingMaterial(output: string): string | undefined {
  return /Keying material: ([0-9A-F]+)/.exec(output)?.[1]
}
