/** STARTTLS with a real mail server, Exim: the whole way of a message from our client into a mailbox. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { connectTcp, createTlsContext, type SocketStream, TLSError } from '../../index.ts'
import { eachRealBackend } from '../support/backends.ts'
import { certificates } from '../support/certificates.ts'
import { account, file, fileSays, folder, freePort, Running, where } from '../support/programs.ts'

where('exim4', (exim) => {
  eachRealBackend(test, 'Exim takes a message after STARTTLS, and delivers it', async (t, backend) => {
    const { ca } = await certificates()
    const server = await startServer(t, exim)
    await backend.run(async () => {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        const stream = await connectTcp('127.0.0.1', server.port, {
          tls: createTlsContext({ ca, maxVersion }),
          autostartTls: false,
        })
        t.regex(await reply(stream), /^220 mail\.test/)
        t.regex(await say(stream, 'EHLO client.test'), /^250[ -]STARTTLS$/m)
        // Without TLS nobody gets in.
        t.regex(await say(stream, 'MAIL FROM:<me@client.test>'), /^250/)
        t.regex(await say(stream, 'RCPT TO:<you@mail.test>'), /^550/)
        t.regex(await say(stream, 'RSET'), /^250/)

        t.regex(await say(stream, 'STARTTLS'), /^220/)
        await stream.startTls(undefined, { hostname: 'server.test' })
        t.is(stream.tlsVersion, maxVersion)
        // The greeting starts again, and TLS is not offered inside TLS.
        t.notRegex(await say(stream, 'EHLO client.test'), /STARTTLS/)
        t.regex(await say(stream, 'MAIL FROM:<me@client.test>'), /^250/)
        t.regex(await say(stream, 'RCPT TO:<you@mail.test>'), /^250/)
        t.regex(await say(stream, 'DATA'), /^354/)
        const body = Array.from({ length: 5000 }, (_, i) => `line ${i}, sent over ${maxVersion}`)
        await stream.sendMany(['Subject: a test\r\n\r\n', body.join('\r\n'), '\r\n'])
        t.regex(await say(stream, '.'), /^250 OK/)
        t.regex(await say(stream, 'QUIT'), /^221/)
        t.is((await stream.receiveSome()).length, 0)
        await stream.close()
        await fileSays(join(server.folder, 'mailbox'), new RegExp(`line 4999, sent over ${maxVersion}`), server.program)
        const mailbox = readFileSync(join(server.folder, 'mailbox'), 'utf8')
        // Who received it wrote down how.
        t.regex(mailbox, new RegExp(`client\\.test[^]*with esmtps +\\(${maxVersion.replace('v', '')}\\)`))
        t.true(mailbox.includes(body.join('\n')))
      }
    })
    await server.program.stop()
  })

  eachRealBackend(test, 'Exim under another name than its certificate’s is refused', async (t, backend) => {
    const { ca } = await certificates()
    const server = await startServer(t, exim)
    await backend.run(async () => {
      const stream = await connectTcp('127.0.0.1', server.port, { tls: createTlsContext({ ca }), autostartTls: false })
      await reply(stream)
      await say(stream, 'EHLO client.test')
      await say(stream, 'STARTTLS')
      const starting = stream.startTls(undefined, { hostname: 'mx.test' })
      const error = await t.throwsAsync(starting, { instanceOf: TLSError })
      t.is(error.reason, 'certificate-wrong-name')
    })
    await server.program.stop()
  })
})

interface MailServer {
  readonly port: number
  readonly folder: string
  readonly program: Running
}

/** A server of the test's own: everything it reads and writes is in one folder. */
async function startServer(t: ExecutionContext, exim: string): Promise<MailServer> {
  const { server: identity } = await certificates()
  const owner = account('Debian-exim')
  const where = folder(t, owner)
  const port = await freePort()
  const settings = `
primary_hostname = mail.test
spool_directory = ${where}/spool
log_file_path = ${where}/%slog
pid_file_path = ${where}/pid
notifier_socket =
keep_environment =
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${port}
deliver_drop_privilege = true
tls_advertise_hosts = *
tls_certificate = ${file(where, 'cert.pem', identity.cert, owner)}
tls_privatekey = ${file(where, 'key.pem', identity.key, owner)}
acl_smtp_rcpt = recipient
acl_smtp_data = data

begin acl
recipient:
  accept encrypted = *
         domains = mail.test
  deny message = not here, and not in the clear
data:
  accept

begin routers
local:
  driver = accept
  domains = mail.test
  transport = mailbox

begin transports
mailbox:
  driver = appendfile
  file = ${where}/mailbox
  create_file = anywhere
`
  const program = new Running(t, exim, ['-bdf', '-C', file(where, 'exim.conf', settings, owner)], { ...owner })
  await fileSays(join(where, 'mainlog'), /daemon started/, program)
  return { port, folder: where, program }
}

async function say(stream: SocketStream, line: string): Promise<string> {
  await stream.sendAll(`${line}\r\n`)
  return reply(stream)
}

/** All lines of one. */
async function reply(stream: SocketStream): Promise<string> {
  const lines: string[] = []
  for (;;) {
    const line = (await stream.receiveUntil('\r\n', 1000, { includeDelimiter: false })).toString()
    lines.push(line)
    if (line[3] !== '-') return lines.join('\n')
  }
}
