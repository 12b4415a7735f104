/**
 * The examples do what their first lines say. Each runs to its exit code in its own process, over real sockets, against peers
 * of plain node:net where possible.
 */
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { getAvailableBackends } from '../index.ts'
import { certificates } from './support/certificates.ts'
import { fifoPath } from './support/descriptors.ts'
import { startNginx } from './support/nginx.ts'
import { start, type Program } from './support/program.ts'
import { file, folder, Running, where } from './support/programs.ts'

const text = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

const portOf = async (server: Program): Promise<number> => Number((await server.line(/^listening on port (\d+)$/))[1])

async function dial(t: ExecutionContext, port: number): Promise<{ socket: Socket; next: () => Promise<string> }> {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  const lines = createInterface(socket)[Symbol.asyncIterator]()
  return { socket, next: async () => String((await lines.next()).value) }
}

test('the echo server and its client talk, and Ctrl+C ends the server with an open connection', async (t) => {
  const server = start(t, 'examples/echo-server.ts', ['0'])
  const port = await portOf(server)
  const client = start(t, 'examples/echo-client.ts', [String(port), 'localhost', 'one', 'two'])
  t.like(await client.ended, { code: 0, stdout: 'echo: one\necho: two\n', stderr: '' })

  const { socket, next } = await dial(t, port)
  socket.write('still here\n')
  t.is(await next(), 'still here')
  const closed = once(socket.resume(), 'close')
  server.signal('SIGINT')
  t.like(await server.ended, { code: 0, stdout: `listening on port ${port}\nclosed\n`, stderr: '' })
  await closed
})

test('the echo client reports a refused connection and exits with 1', async (t) => {
  const server = start(t, 'examples/echo-server.ts', ['0'])
  const port = await portOf(server)
  server.signal('SIGTERM')
  await server.ended
  // The port has no listener any more.
  const { code, stderr } = await start(t, 'examples/echo-client.ts', [String(port), '127.0.0.1']).ended
  t.is(code, 1)
  t.regex(stderr, new RegExp(`ECONNREFUSED.*127\\.0\\.0\\.1:${port}`))
})

test('the UDP echo server sends every datagram back, one without bytes too, and Ctrl+C ends it', async (t) => {
  const server = start(t, 'examples/udp-echo-server.ts', ['0', 'node'])
  const port = await portOf(server)
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  for (const text of ['one', '', 'two']) {
    const answer = once(socket, 'message')
    socket.send(text, port, '127.0.0.1')
    t.is(String((await answer)[0]), text)
  }
  server.signal('SIGINT')
  t.like(await server.ended, { code: 0, stderr: '' })
})

test('the key-value server answers pipelined lines in order, and refuses a line that is too long', async (t) => {
  const server = start(t, 'examples/key-value-server.ts', ['0'])
  const port = await portOf(server)
  const { socket, next } = await dial(t, port)
  socket.write('set colour blue\nget colour\nget shape\nsing\nget col')
  t.deepEqual(
    [await next(), await next(), await next(), await next()],
    ['ok', 'blue', 'none', 'error: no such command: sing'],
  )
  socket.write('our\nquit\n')
  t.deepEqual([await next(), await next()], ['blue', 'bye'])

  const rude = await dial(t, port)
  rude.socket.write('x'.repeat(2000))
  t.is(await rude.next(), 'error: a line is at most 1024 bytes')

  server.signal('SIGTERM')
  t.like(await server.ended, { code: 0, stderr: '' })
})

test('the time limits of the example work as its comments say', async (t) => {
  const { code, stdout, stderr } = await start(t, 'examples/timeouts.ts').ended
  t.deepEqual(stdout.trimEnd().split('\n'), [
    'moveOnAfter: nothing yet',
    'failAfter: TimeoutError',
    'raceTasks: a default',
    'moving the deadline: 3 steps',
  ])
  t.is(stderr, '')
  t.is(code, 0)
})

test('a shutdown closes idle connections at once and answers the request that has begun', async (t) => {
  const server = start(t, 'examples/graceful-shutdown.ts', ['0'])
  const port = await portOf(server)
  const idle = await dial(t, port)
  const busy = await dial(t, port)
  busy.socket.write('a report\n')
  await server.line(/^request: a report$/)

  const order: string[] = []
  const idleClosed = once(idle.socket.resume(), 'close').then(() => order.push('idle closed'))
  server.signal('SIGTERM')
  order.push(await busy.next())
  await Promise.all([idleClosed, turn()])
  t.deepEqual(order, ['idle closed', 'done: a report'])
  t.like(await server.ended, { code: 0, stderr: '' })
})

test('the TLS echo server serves openssl s_client, and logs clients that do not speak TLS', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'structio-example-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const { server: identity, ca } = await certificates()
  const [cert, key, authority] = ['cert.pem', 'key.pem', 'ca.pem'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  await Promise.all([writeFile(cert, identity.cert), writeFile(key, identity.key), writeFile(authority, ca)])
  const server = start(t, 'examples/tls-echo-server.ts', [cert, key, '0'])
  const port = await portOf(server)

  const garbage = await dial(t, port)
  const dropped = once(garbage.socket.resume(), 'close')
  garbage.socket.write('GET / HTTP/1.1\r\n\r\n')
  await dropped

  const openssl = ['s_client', '-quiet', '-verify_return_error', '-CAfile', authority, '-connect', `localhost:${port}`]
  const client = spawn('openssl', openssl, { stdio: ['pipe', 'pipe', 'ignore'] })
  t.teardown(() => client.kill('SIGKILL'))
  client.stdin.write('through TLS\n')
  const lines = createInterface(client.stdout)[Symbol.asyncIterator]()
  t.is(String((await lines.next()).value), 'through TLS')
  client.stdin.end()

  server.signal('SIGINT')
  const { code, stderr } = await server.ended
  t.is(code, 0)
  t.regex(stderr, /^(::ffff:)?127\.0\.0\.1: TLS handshake with the client .* does not speak TLS here/)
})

where('nginx', (nginx) => {
  where('curl', (curl) => {
    test('the TLS proxy stands between curl and nginx, and says how much went through', async (t) => {
      const { server: identity, ca } = await certificates()
      const at = folder(t)
      const [cert, key, authority] = [
        file(at, 'cert.pem', identity.cert),
        file(at, 'key.pem', identity.key),
        file(at, 'ca.pem', ca),
      ]
      const behind = await startNginx(t, nginx)
      behind.put('page', 'behind the proxy\n'.repeat(10_000))
      const proxy = start(t, 'examples/tls-proxy.ts', [cert, key, `127.0.0.1:${behind.port}`, '0'])
      const port = await portOf(proxy)
      const client = new Running(t, curl, ['-sS', '--cacert', authority, `https://localhost:${port}/page`])
      t.is(await client.done(), 'behind the proxy\n'.repeat(10_000))
      t.is(client.code, 0)
      t.true(Number((await proxy.line(/^\d+ bytes there, (\d+) bytes back$/))[1]) > 170_000)
      await behind.program.stop()
      const refused = new Running(t, curl, ['-sS', '--cacert', authority, `https://localhost:${port}/page`])
      t.regex(await refused.done(), /curl: \(\d+\)/)
      proxy.signal('SIGTERM')
      const { code, stderr } = await proxy.ended
      t.is(code, 0)
      t.regex(stderr, /ECONNREFUSED/)
    })
  })
})

test('the name server answers the resolver of Node', async (t) => {
  const server = start(t, 'examples/dns-server.ts', ['0', 'one.test=10.0.0.1', 'two.test=10.0.0.2'])
  const resolver = new Resolver()
  resolver.setServers([`127.0.0.1:${await portOf(server)}`])
  t.deepEqual(await Promise.all(['one.test', 'TWO.test'].map((name) => resolver.resolve4(name))), [
    ['10.0.0.1'],
    ['10.0.0.2'],
  ])
  await t.throwsAsync(resolver.resolve4('nobody.test'), { code: 'ENOTFOUND' })
  await t.throwsAsync(resolver.resolve6('one.test'), { code: 'ENODATA' })
  server.signal('SIGTERM')
  t.like(await server.ended, { code: 0, stderr: '' })
})

test('the example that waits for a descriptor reads a fifo, to its end or until it is silent', async (t) => {
  if (!getAvailableBackends().includes('native') || process.platform !== 'linux') return t.pass()
  const path = fifoPath(t)
  const [reader, silent] = [start(t, 'examples/wait-for-descriptor.ts', [path]), fifoPath(t)]
  await reader.line(/^open$/)
  const writer = openSync(path, 'w')
  writeSync(writer, 'one\n')
  await reader.line(/^> one$/)
  writeSync(writer, 'two\n')
  await reader.line(/^> two$/)
  closeSync(writer)
  t.like(await reader.ended, { code: 0, stdout: 'open\n> one\n> two\nend\n', stderr: '' })
  // A fifo that a writer has open without writing is not at its end.
  const held = openSync(silent, 'r+')
  const waiting = start(t, 'examples/wait-for-descriptor.ts', [silent, '50'])
  t.like(await waiting.ended, { code: 0, stdout: 'open\nsilent\n', stderr: '' })
  closeSync(held)
})

test('the partition test passes in all its worlds, the same ones each time', async (t) => {
  const runs = [start(t, 'examples/partition-test.ts'), start(t, 'examples/partition-test.ts')]
  const [first, second] = await Promise.all(runs.map((program) => program.ended))
  t.like(first, { code: 0, stderr: '' })
  t.regex(first!.stdout, /^every order was booked once, with \d+ attempts in \d+ simulated seconds\n$/)
  t.is(second!.stdout, first!.stdout)
})

test('without its lock the ledger of examples/retrying-client.ts books twice, and the partition test finds the seed', async (t) => {
  const folder = await mkdtemp(fileURLToPath(new URL('../target/tmp-example-', import.meta.url)))
  t.teardown(() => rm(folder, { recursive: true }))
  const sound = text('examples/retrying-client.ts')
  const broken = sound.replace('return this.#lock.use(async () => {', 'return Promise.resolve().then(async () => {')
  t.not(broken, sound)
  await Promise.all([
    writeFile(join(folder, 'retrying-client.ts'), broken),
    writeFile(join(folder, 'partition-test.ts'), text('examples/partition-test.ts')),
  ])
  const { code, stderr } = await start(t, join(folder, 'partition-test.ts')).ended
  t.is(code, 1)
  t.regex(stderr, /seed \d+ failed \(STRUCTIO_SEED=\d+ in the environment runs it alone\)/)
})

test('every example is run by a test of this file, or of the one for programs of several processes', (t) => {
  const tests = text('__test__/examples.spec.ts') + text('__test__/programs/cluster-restart.spec.ts')
  const examples = readdirSync(new URL('../examples/', import.meta.url)).filter((name) => name.endsWith('.ts'))
  t.deepEqual(
    examples.filter((name) => !tests.includes(`'examples/${name}'`)),
    [],
  )
})

test('the example in the README is the echo server, line by line', (t) => {
  t.true(text('README.md').includes(`\`\`\`ts\n${text('examples/echo-server.ts')}\`\`\`\n`))
})
