/**
 * PostgreSQL's own way into TLS: eight bytes ask for it, one byte allows it, and the handshake begins in the middle of the
 * connection. Its SCRAM authentication then ties the password to this very TLS connection (channel binding), so a wrong
 * binding does not get in.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { connectTcp, createTlsContext, type SocketStream, TLSError, type TLSContextOptions } from '../../index.ts'
import { eachRealBackend } from '../support/backends.ts'
import { certificates } from '../support/certificates.ts'
import { where } from '../support/programs.ts'
import { PASSWORD, startPostgres } from '../support/servers.ts'

where('postgres', (postgres) => {
  eachRealBackend(
    test,
    'PostgreSQL: the upgrade, a log-in bound to the connection, and queries inside',
    async (t, backend) => {
      const { ca, client } = await certificates()
      const { port, program } = await startPostgres(t, postgres, 'hostssl')
      await backend.run(async () => {
        for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
          const stream = await upgraded(t, port, { ca, maxVersion, ...client })
          const binding = stream.getChannelBinding('tls-server-end-point')
          await logIn(stream, { mechanism: 'SCRAM-SHA-256-PLUS', binding })
          t.deepEqual(
            await query(stream, 'select version, cipher, client_dn from pg_stat_ssl where pid = pg_backend_pid()'),
            [[maxVersion, stream.cipher[0], '/CN=a client']],
          )
          const rows = await query(stream, 'select n, repeat(md5(n::text), 50) from generate_series(1, 2000) n')
          t.is(rows.length, 2000)
          t.is(rows[1999]?.[1], createHash('md5').update('2000').digest('hex').repeat(50))
          await stream.sendAll(message('X', ''))
          await stream[Symbol.asyncDispose]()
        }
        // A binding of another connection's, or none where one is offered, is what a relay would have.
        const stream = await upgraded(t, port, { ca })
        await t.throwsAsync(logIn(stream, { mechanism: 'SCRAM-SHA-256-PLUS', binding: randomBytes(32) }), {
          message: /channel binding/,
        })
        await stream[Symbol.asyncDispose]()
      })
      await program.stop('SIGINT')
    },
  )

  eachRealBackend(test, 'PostgreSQL: a server that is not the one we trust gets no password', async (t, backend) => {
    const { selfSigned } = await certificates()
    const { port, program } = await startPostgres(t, postgres, 'hostssl')
    await backend.run(async () => {
      const error = await t.throwsAsync(upgraded(t, port, { ca: selfSigned.cert }), { instanceOf: TLSError })
      t.is(error.reason, 'certificate-unknown-issuer')
      t.regex(error.message, new RegExp(`^TLS handshake with the server 127\\.0\\.0\\.1:${port}: `))
    })
    await program.stop('SIGINT')
  })
})

/** A connection that has been allowed to begin TLS, and has. */
async function upgraded(t: ExecutionContext, port: number, options: TLSContextOptions): Promise<SocketStream> {
  const stream = await connectTcp('127.0.0.1', port)
  const request = Buffer.alloc(8)
  request.writeInt32BE(8)
  request.writeInt32BE(80877103, 4)
  await stream.sendAll(request)
  t.is((await stream.receiveExactly(1)).toString(), 'S')
  await stream.startTls(createTlsContext(options))
  return stream
}

interface Scram {
  readonly mechanism: 'SCRAM-SHA-256-PLUS'
  readonly binding: Buffer
}

/** RFC 5802, as the server asks for it. */
async function logIn(stream: SocketStream, { mechanism, binding }: Scram): Promise<void> {
  const parameters = Buffer.from('user\0postgres\0database\0postgres\0\0')
  const head = Buffer.alloc(8)
  head.writeInt32BE(8 + parameters.length)
  head.writeInt32BE(196608, 4)
  await stream.sendMany([head, parameters])
  const offered = await receive(stream, 'R')
  if (!offered.includes(mechanism)) throw new Error(`not offered: ${offered.toString()}`)

  const gs2 = 'p=tls-server-end-point,,'
  const own = `n=,r=${randomBytes(18).toString('base64')}`
  const initial = Buffer.from(gs2 + own)
  const length = Buffer.alloc(4)
  length.writeInt32BE(initial.length)
  await stream.sendAll(message('p', Buffer.concat([Buffer.from(`${mechanism}\0`), length, initial])))

  const challenge = (await receive(stream, 'R')).subarray(4).toString()
  const [, nonce, salt, rounds] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(challenge)!
  const salted = pbkdf2Sync(PASSWORD, Buffer.from(salt!, 'base64'), Number(rounds), 32, 'sha256')
  const bound = Buffer.concat([Buffer.from(gs2), binding]).toString('base64')
  const final = `c=${bound},r=${nonce}`
  const clientKey = hmac(salted, 'Client Key')
  const signature = hmac(createHash('sha256').update(clientKey).digest(), `${own},${challenge},${final}`)
  const proof = Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]!)).toString('base64')
  await stream.sendAll(message('p', `${final},p=${proof}`))
  await receive(stream, 'R')
  while ((await next(stream)).type !== 'Z');
}

async function query(stream: SocketStream, text: string): Promise<string[][]> {
  await stream.sendAll(message('Q', `${text}\0`))
  const rows: string[][] = []
  for (;;) {
    const { type, body } = await next(stream)
    if (type === 'D') rows.push(columns(body))
    if (type === 'Z') return rows
  }
}

function columns(row: Buffer): string[] {
  const values: string[] = []
  for (let at = 2; at < row.length;) {
    const length = row.readInt32BE(at)
    values.push(row.toString('utf8', at + 4, at + 4 + length))
    at += 4 + length
  }
  return values
}

/** The body of the next message, of that type. */
async function receive(stream: SocketStream, wanted: string): Promise<Buffer> {
  const { type, body } = await next(stream)
  if (type !== wanted) throw new Error(`${type} instead of ${wanted}: ${body.toString()}`)
  return body
}

async function next(stream: SocketStream): Promise<{ type: string; body: Buffer }> {
  const head = await stream.receiveExactly(5)
  const body = await stream.receiveExactly(head.readInt32BE(1) - 4)
  const type = head.toString('latin1', 0, 1)
  if (type === 'E') throw new Error(`the server says: ${body.toString().replaceAll('\0', ' ')}`)
  return { type, body }
}

function message(type: string, body: string | Buffer): Buffer {
  const bytes = Buffer.from(body as string)
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeInt32BE(bytes.length + 4, 1)
  return Buffer.concat([head, bytes])
}

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
