/**
 * No peer can end an example server. Each server runs in its own process and gets resets, garbage, lines that are too long,
 * hang-ups at every byte and silent connections. Then it still serves a good client.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import * as http from 'node:http'
import * as net from 'node:net'
import { join } from 'node:path'
import * as tls from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { certificates } from './support/certificates.ts'
import { type Program, start } from './support/program.ts'
import { folder } from './support/programs.ts'

const portOf = async (server: Program): Promise<number> => Number((await server.line(/^listening on port (\d+)$/))[1])

const GARBAGE = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * 97 + 13) % 256))

/** A connection that sends `data` and is then reset, ended, or left as it is. */
async function visit(
  t: ExecutionContext,
  port: number,
  data: Uint8Array,
  how: 'reset' | 'end' | 'stay',
): Promise<void> {
  const socket = net.connect(port, '127.0.0.1').on('error', () => {})
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  socket.resume()
  await new Promise((resolve) => socket.write(data, resolve))
  if (how === 'stay') return
  // Not `once`, which fails when the server resets the connection.
  const closed = new Promise((resolve) => socket.on('close', resolve))
  if (how === 'reset') socket.resetAndDestroy()
  else socket.end()
  if (how === 'end') setTimeout(() => socket.destroy(), 1000).unref()
  await closed
}

/** Every kind of bad client; `message` is the request of a good one. */
async function molest(t: ExecutionContext, port: number, message: Uint8Array): Promise<void> {
  for (let bytes = 0; bytes <= message.length; bytes += Math.max(1, Math.floor(message.length / 60))) {
    for (const how of ['reset', 'end'] as const) await visit(t, port, message.subarray(0, bytes), how)
  }
  for (const how of ['reset', 'end', 'stay'] as const) {
    await visit(t, port, GARBAGE, how)
    await visit(t, port, Buffer.alloc(200_000, 'x'), how)
    await visit(t, port, Buffer.alloc(0), how)
  }
}

/** Ends the server as its user does, and asserts that it had no error. */
async function ends(t: ExecutionContext, server: Program, allowed = /^$/): Promise<void> {
  server.signal('SIGTERM')
  const { code, stderr } = await server.ended
  t.is(code, 0, stderr)
  t.regex(stderr, allowed)
}

async function ask(socket: net.Socket, text: string, length = text.length): Promise<string> {
  socket.on('error', () => {})
  socket.write(text)
  let answer = ''
  for await (const chunk of socket) {
    answer += String(chunk)
    if (answer.length >= length) break
  }
  return answer
}

const connect = (port: number): net.Socket => net.connect(port, '127.0.0.1')

test('the echo server survives its peers', async (t) => {
  const server = start(t, 'examples/echo-server.ts', ['0'])
  const port = await portOf(server)
  await molest(t, port, Buffer.from('hello, is anybody there?\n'))
  t.is(await ask(connect(port), 'good'), 'good')
  await ends(t, server)
})

test('the key-value server survives its peers', async (t) => {
  const server = start(t, 'examples/key-value-server.ts', ['0'])
  const port = await portOf(server)
  await molest(t, port, Buffer.from('set a b\nget a\nquit\n'))
  t.is(await ask(connect(port), 'set good client\nget good\n', 10), 'ok\nclient\n')
  await ends(t, server)
})

test('the TLS servers survive their peers, and a backend that refuses and resets', async (t) => {
  const { ca, server: own } = await certificates()
  const place = folder(t)
  const [cert, key] = [join(place, 'cert.pem'), join(place, 'key.pem')]
  await Promise.all([writeFile(cert, own.cert), writeFile(key, own.key)])
  const secure = (port: number): tls.TLSSocket =>
    tls.connect({ port, host: '127.0.0.1', ca, checkServerIdentity: () => undefined }).on('error', () => {})

  // A ClientHello, to be cut at many places.
  const hello = await new Promise<Buffer>((resolve) => {
    const catcher = net.createServer((socket) => {
      socket.once('data', (data) => {
        resolve(data)
        socket.destroy()
        catcher.close()
      })
    })
    catcher.listen(0, '127.0.0.1', () => secure((catcher.address() as net.AddressInfo).port))
  })

  const echo = start(t, 'examples/tls-echo-server.ts', [cert, key, '0'])
  const echoPort = await portOf(echo)
  await molest(t, echoPort, hello)
  t.is(await ask(secure(echoPort), 'good'), 'good')
  await ends(t, echo, /^((::ffff:)?127\.0\.0\.1: TLS handshake .*\n)*$/)

  let mood: 'good' | 'reset' = 'reset'
  const backend = net.createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (data) => (mood === 'reset' ? socket.resetAndDestroy() : socket.end(data)))
  })
  backend.listen(0, '127.0.0.1')
  await once(backend, 'listening')
  t.teardown(() => backend.close())
  const target = `127.0.0.1:${(backend.address() as net.AddressInfo).port}`
  const proxy = start(t, 'examples/tls-proxy.ts', [cert, key, target, '0'])
  const proxyPort = await portOf(proxy)
  await molest(t, proxyPort, hello)
  for (let i = 0; i < 10; i++) await ask(secure(proxyPort), 'bad').catch(() => {})
  mood = 'good'
  t.is(await ask(secure(proxyPort), 'good'), 'good')
  proxy.signal('SIGTERM')
  t.is((await proxy.ended).code, 0)
})

for (const [name, args, query, answers] of [
  ['udp-echo-server', ['0'], Buffer.from('good'), (answer: Buffer) => String(answer) === 'good'],
  [
    'dns-server',
    ['0', 'one.test=10.0.0.1'],
    Buffer.from('000101000001000000000000036f6e6504746573740000010001', 'hex'),
    (answer: Buffer) => answer.subarray(-4).equals(Buffer.from([10, 0, 0, 1])),
  ],
] as const) {
  test(`the ${name} survives its peers`, async (t) => {
    const server = start(t, `examples/${name}.ts`, args)
    const port = await portOf(server)
    for (let bytes = 0; bytes <= query.length; bytes++) {
      // Closed before the answer arrives: the system then sends ICMP.
      const rude = createSocket('udp4')
      await new Promise((resolve) => rude.send(query.subarray(0, bytes), port, '127.0.0.1', resolve))
      await new Promise((resolve) => rude.send(GARBAGE.subarray(bytes), port, '127.0.0.1', resolve))
      rude.close()
    }
    const good = createSocket('udp4')
    t.teardown(() => good.close())
    const answer = once(good, 'message')
    good.send(query, port, '127.0.0.1')
    t.true(answers((await answer)[0] as Buffer))
    await ends(t, server)
  })
}

test('the cluster server survives its peers: no worker ends', async (t) => {
  const server = start(t, 'examples/cluster-server.ts', ['0', '2'])
  const port = await portOf(server)
  await molest(t, port, Buffer.from('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'))
  // Hangs up while the server prepares the answer.
  for (let i = 0; i < 50; i++) await visit(t, port, Buffer.from('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'), 'reset')
  for (let i = 0; i < 4; i++) {
    const [response] = (await once(http.get({ port, host: '127.0.0.1', agent: false }), 'response')) as [
      http.IncomingMessage,
    ]
    t.is(response.statusCode, 200)
    response.resume()
  }
  server.signal('SIGTERM')
  const { code, stderr, stdout } = await server.ended
  t.is(code, 0, stderr)
  t.is(stderr, '')
  t.is(stdout.match(/requests begun/g)?.length, 2)
})
