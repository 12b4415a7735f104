/** Clients of the guide's servers: a good one of each kind, and the hostile ones. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import * as net from 'node:net'
import * as tls from 'node:tls'
import type { Owner } from './programs.ts'

/** Where a server listens. */
export interface Place {
  readonly port: number
  /** The folder that it runs in: of UNIX sockets. */
  readonly folder: string
  /** PEM: the authority that its certificate is from. */
  readonly ca: string
}

interface Kind {
  readonly over: 'tcp' | 'tls' | 'unix' | 'udp'
  readonly request: string
  readonly answer: RegExp
}

const KINDS: Record<string, Kind> = {
  echo: { over: 'tcp', request: 'hello\n', answer: /^hello\n/ },
  lines: { over: 'tcp', request: 'hello\n', answer: /^you said hello\n/ },
  greeting: { over: 'tcp', request: '', answer: /^hello\n/ },
  http: {
    over: 'tcp',
    request: 'GET /page HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
    answer: /^HTTP\/1\.1 200 OK\r\n(.*\r\n)+.*you asked for \/page/,
  },
  'http-proxy': {
    over: 'tcp',
    request: 'GET /page HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
    answer: /^HTTP\/1\.1 200 OK\r\n(.*\r\n)+.*you asked for \/page/,
  },
  'tls-echo': { over: 'tls', request: 'hello\n', answer: /^hello\n/ },
  'unix-lines': { over: 'unix', request: 'hello\n', answer: /^hello: ok\n/ },
  'udp-echo': { over: 'udp', request: 'hello\n', answer: /^hello\n/ },
}

function kindOf(name: string): Kind {
  const kind = KINDS[name]
  if (kind === undefined) throw new Error(`guide-clients.ts has no kind of server "${name}"`)
  return kind
}

/** Sends the request of a good client, and gives the answer once it matches; throws if it does not. */
export async function ask(name: string, place: Place): Promise<string> {
  const { over, request, answer } = kindOf(name)
  if (over === 'udp') return askByDatagram(request, place.port)
  const socket = dial(over, place)
  let text = ''
  try {
    // Without a request nothing may be sent: the server of such a kind answers by itself.
    if (request !== '') socket.write(request)
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      text += chunk.toString('latin1')
      if (answer.test(text)) return text
    }
  } finally {
    socket.destroy()
  }
  throw new Error(`a good client of kind "${name}" got ${JSON.stringify(text)}`)
}

/**
 * All hostile clients: they hang up or reset after each byte of a good request, send garbage, a line that is too long, or nothing.
 * The silent client stays connected until the owner ends. Rejects when the server cannot be reached any more.
 */
export async function harass(t: Owner, name: string, place: Place): Promise<void> {
  const { over, request } = kindOf(name)
  if (over === 'udp') return harassByDatagram(place.port)
  const garbage = Buffer.from(Array.from({ length: 2000 }, (_, i) => (i * 151 + (i >> 3)) % 256))
  const tooLong = Buffer.alloc(300_000, 'x')
  const ways = over === 'tls' ? (['tcp', 'tls'] as const) : ([over] as const)
  const silent = dial(ways[0], place)
  t.teardown(() => silent.destroy())
  await opened(silent)
  silent.on('error', () => {})
  for (const way of ways) {
    const sent = [
      ...Array.from({ length: request.length + 1 }, (_, i) => Buffer.from(request.slice(0, i))),
      garbage,
      tooLong,
      Buffer.from('bad\n'),
      Buffer.from('\r\n\r\n\0\n'),
    ]
    for (const data of sent) {
      for (const leave of ['end', 'reset', 'reset after the answer'] as const)
        await visit(dial(way, place), way, data, leave)
    }
  }
}

async function visit(
  socket: net.Socket,
  way: 'tcp' | 'tls' | 'unix',
  data: Buffer,
  leave: 'end' | 'reset' | 'reset after the answer',
): Promise<void> {
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await opened(socket)
  socket.on('error', () => {})
  if (data.length > 0 && !socket.destroyed) {
    const written = new Promise((resolve) => socket.write(data, resolve))
    // A server stops reading a line that is too long.
    await Promise.race([written, once(socket, 'data').catch(() => {}), closed])
  }
  if (leave === 'reset after the answer' && data.length > 0) {
    // One turn: the answer of the server may be on its way, or not.
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (leave === 'end') {
    socket.end()
    socket.resume()
    // A server may wait for more on the other half: it does not have to close.
    await Promise.race([new Promise((resolve) => socket.once('finish', resolve)), closed])
    socket.destroy()
  } else if (way === 'tcp') socket.resetAndDestroy()
  else socket.destroy() // a UNIX socket has no reset
  await closed
}

function dial(over: 'tcp' | 'tls' | 'unix', { port, folder, ca }: Place): net.Socket {
  if (over === 'unix') return net.connect(`${folder}/control.sock`)
  if (over === 'tls') return tls.connect({ port, host: 'localhost', ca })
  return net.connect(port, 'localhost')
}

const opened = (socket: net.Socket): Promise<unknown> =>
  once(socket, socket instanceof tls.TLSSocket ? 'secureConnect' : 'connect')

async function askByDatagram(request: string, port: number): Promise<string> {
  const socket = createSocket('udp4')
  try {
    const answer = once(socket, 'message') as Promise<[Buffer]>
    socket.send(request, port, '127.0.0.1')
    return (await answer)[0].toString()
  } finally {
    socket.close()
  }
}

async function harassByDatagram(port: number): Promise<void> {
  for (const data of ['', '\0', 'x'.repeat(9000)]) {
    const socket = createSocket('udp4')
    // Closed before the answer: the server gets an error for its peer.
    await new Promise((resolve) => socket.send(data, port, '127.0.0.1', resolve))
    socket.close()
  }
}
