/** A relay between curl and nginx, neither of which knows of it: what a proxy meets in real life. */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import {
  connectTcp,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  createUnixServer,
  relay,
  type SocketAddress,
  type SocketStream,
  type SocketStreamServer,
} from '../../index.ts'
import { eachRealBackend } from '../support/backends.ts'
import { certificates } from '../support/certificates.ts'
import { startNginx } from '../support/nginx.ts'
import { file, folder, Running, where } from '../support/programs.ts'
import { LOCAL } from '../support/tls.ts'

where('nginx', (nginx) => {
  where('curl', (curl) => {
    for (const version of ['1.2', '1.3'] as const) {
      eachRealBackend(test, `curl speaks TLS ${version} to a relay, and nginx plain TCP`, async (t, backend) => {
        const { server: identity, ca } = await certificates()
        const behind = await startNginx(t, nginx)
        const content = randomBytes(5_000_000)
        behind.put('large', content)
        behind.put('page', 'a page\n'.repeat(100))
        await backend.run(async () => {
          const tls = createTlsContext({
            cert: identity.cert,
            key: identity.key,
            alpnProtocols: ['http/1.1', 'http/1.0'],
          })
          await using server = await createTcpServer(0, { ...LOCAL, tls, tlsStandardCompatible: false })
          await proxying(
            server,
            () => connectTcp('127.0.0.1', behind.port),
            async () => {
              const trust = ['--cacert', file(folder(t), 'ca.pem', ca), '--tls-max', version, `--tlsv${version}`]
              const at = `https://localhost:${server.port}`
              // Two requests over one connection.
              t.is(await ask(t, curl, [...trust, `${at}/page`, `${at}/page`]), 'a page\n'.repeat(200))
              const saved = await download(t, curl, [...trust, `${at}/large`])
              t.is(saved, digest(content))
              // An answer without a length: its end is that of the connection, which nginx says first.
              t.is(await ask(t, curl, [...trust, '--http1.0', `${at}/until-close/page`]), 'a page\n'.repeat(100))
            },
          )
        })
        await behind.program.stop()
      })
    }

    eachRealBackend(test, 'curl speaks plain TCP to a relay, and nginx TLS', async (t, backend) => {
      const { server: identity, ca } = await certificates()
      const behind = await startNginx(t, nginx, { cert: identity.cert, key: identity.key })
      const content = randomBytes(3_000_000)
      behind.put('large', content)
      await backend.run(async () => {
        const tls = createTlsContext({ ca })
        await using server = await createTcpServer(0, LOCAL)
        const connect = (): Promise<SocketStream> =>
          connectTcp('127.0.0.1', behind.port, { tls, autostartTls: true, tlsStandardCompatible: false })
        await proxying(server, connect, async () => {
          t.is(await download(t, curl, [`http://127.0.0.1:${server.port}/large`]), digest(content))
        })
      })
      await behind.program.stop()
    })

    eachRealBackend(test, 'curl asks at a UNIX socket, and nginx answers over TCP', async (t, backend) => {
      const behind = await startNginx(t, nginx)
      behind.put('page', 'from a distance\n')
      await backend.run(async () => {
        const path = join(folder(t), 'relay.sock')
        await using server = await createUnixServer(path)
        await proxying(
          server,
          () => connectTcp('127.0.0.1', behind.port),
          async () => {
            t.is(await ask(t, curl, ['--unix-socket', path, 'http://localhost/page']), 'from a distance\n')
          },
        )
      })
      await behind.program.stop()
    })
  })
})

/** Relays whatever the server accepts, while `body` runs. */
async function proxying<A extends SocketAddress | string>(
  server: SocketStreamServer<A>,
  connect: () => Promise<SocketStream>,
  body: () => Promise<void>,
): Promise<void> {
  await createTaskGroup(async (tg) => {
    tg.spawn(() =>
      server.serve(async (client) => {
        await using backend = await connect()
        await relay(client, backend, { idleTimeout: 30_000 })
      }),
    )
    await body()
    await server.close()
  })
}

async function ask(t: ExecutionContext, curl: string, args: readonly string[]): Promise<string> {
  const client = new Running(t, curl, ['-sS', '--max-time', '60', ...args])
  const answer = await client.done()
  t.is(client.code, 0, answer)
  return answer
}

/** The digest of what was downloaded. */
async function download(t: ExecutionContext, curl: string, args: readonly string[]): Promise<string> {
  const path = join(folder(t), 'saved')
  await ask(t, curl, [...args, '-o', path])
  return digest(readFileSync(path))
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
