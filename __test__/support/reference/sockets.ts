/** Uses of the reference: sockets and streams, and what they raise. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import {
  ClosedResourceError,
  connectTcp,
  connectUnix,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  createUdpSocket,
  createUnixServer,
  DelimiterNotFound,
  IncompleteRead,
  notifySocketClose,
  ResourceBusyError,
  SocketStream,
  SocketStreamServer,
  Stream,
  TLSEOFError,
  TLSRequired,
  UDPSocket,
  UsageError,
  waitAllTasksBlocked,
  waitSocketReadable,
  waitSocketWritable,
} from '../../../index.ts'
import type { TestBackend } from '../backends.ts'
import { certificates } from '../certificates.ts'
import { rejection } from '../rejection.ts'
import { closeBoth, LOCAL, tlsConnect, tlsServer } from '../tls.ts'
import { type Entry, functions, members, type Use } from './use.ts'

/** A connection, and its other end. */
async function withTcp(body: (stream: SocketStream, peer: SocketStream) => Promise<unknown>): Promise<void> {
  await using listener = await createTcpServer(0, LOCAL)
  await using peer = await connectTcp('127.0.0.1', listener.port)
  await using stream = await listener.accept()
  await body(stream, peer)
}

/** With TLS; the client is the first. */
async function withTls(body: (client: SocketStream, server: SocketStream) => unknown): Promise<void> {
  const { ca, server: own } = await certificates()
  const both = { alpnProtocols: ['one', 'two'] }
  const { client, server } = { client: { ca, ...both }, server: { cert: own.cert, key: own.key, ...both } }
  await using listener = await tlsServer({ server, listen: {} })
  const connect = { tlsHostname: 'server.test' }
  const ends = await Promise.all([tlsConnect(listener.port, { client, connect }), listener.accept()])
  try {
    await body(...ends)
  } finally {
    await closeBoth(...ends)
  }
}

function socketPath(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'structio-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'socket')
}

const notNative = ({ options }: TestBackend): boolean => options.backend !== 'native'
const isNode = ({ options }: TestBackend): boolean => options.backend === 'node'

const makers = functions({
  async connect_tcp(t) {
    await using listener = await createTcpServer(0, LOCAL)
    await using stream = await connectTcp('127.0.0.1', listener.port, { bindHost: '127.0.0.1' })
    await using accepted = await listener.accept()
    t.is(stream.localAddress.port, accepted.remoteAddress.port)
  },
  async connect_unix(t) {
    const path = socketPath(t)
    await using listener = await createUnixServer(path)
    await using stream = await connectUnix(path)
    await using accepted = await listener.accept()
    await accepted.sendAll('hello')
    t.is((await stream.receiveExactly(5)).toString(), 'hello')
  },
  async create_tcp_server(t) {
    await using listener = await createTcpServer(0, LOCAL)
    t.true(listener.port > 0)
    t.is(listener.address.address, '127.0.0.1')
  },
  async create_unix_server(t, backend) {
    const path = socketPath(t)
    await using listener = await createUnixServer(path, { mode: 0o600 })
    t.is(listener.address, path)
    if (!backend.simulated) t.is(statSync(path).mode & 0o777, 0o600)
  },
  async create_udp_socket(t) {
    await using socket = await createUdpSocket(LOCAL)
    await using other = await createUdpSocket({ targetHost: '127.0.0.1', targetPort: socket.port })
    await other.send('x')
    t.is((await socket.receive(1))[0].toString(), 'x')
  },
  wait_socket_readable: {
    unsupported: notNative,
    async use(t) {
      await using socket = await createUdpSocket(LOCAL)
      await createTaskGroup(async (tg) => {
        const waiting = tg.spawn(() => waitSocketReadable(socket))
        await waitAllTasksBlocked()
        t.is(waiting.status, 'running')
        await socket.send('x', socket.address)
        await waiting.value()
      })
    },
  },
  wait_socket_writable: {
    unsupported: notNative,
    async use(t) {
      await withTcp(async (stream) => {
        await waitSocketWritable(stream)
        t.pass()
      })
    },
  },
  notify_socket_close: {
    unsupported: notNative,
    async use(t) {
      await using socket = await createUdpSocket(LOCAL)
      await createTaskGroup(async (tg) => {
        const waiting = tg.spawn(() => rejection(waitSocketReadable(socket)))
        await waitAllTasksBlocked()
        notifySocketClose(socket)
        t.true((await waiting.value()) instanceof ClosedResourceError)
      })
    },
  },
})

const stream = members('Stream', [Stream, SocketStream], {
  async buffered_data(t) {
    await withTcp(async (stream, peer) => {
      await peer.sendAll('line\nrest')
      await stream.receiveUntil('\n', 10)
      t.is(stream.bufferedData.toString(), 'rest')
    })
  },
  async close(t) {
    await withTcp(async (stream, peer) => {
      await stream.close()
      t.is((await peer.receiveSome()).length, 0)
      t.true((await rejection(stream.sendAll('x'))) instanceof ClosedResourceError)
    })
  },
  async receive_chunks(t) {
    await withTcp(async (stream, peer) => {
      await peer.sendAll('all of it')
      await peer.sendEof()
      const chunks: Buffer[] = []
      for await (const chunk of stream.receiveChunks(4)) chunks.push(chunk)
      t.is(Buffer.concat(chunks).toString(), 'all of it')
      t.true(chunks.every(({ length }) => length <= 4))
    })
  },
  async receive_delimited_chunks(t) {
    await withTcp(async (stream, peer) => {
      await peer.sendAll('a\nbc\n')
      await peer.sendEof()
      const lines: string[] = []
      for await (const line of stream.receiveDelimitedChunks('\n', 10)) lines.push(line.toString())
      t.deepEqual(lines, ['a', 'bc'])
    })
  },
  async receive_exactly(t) {
    await withTcp(async (stream, peer) => {
      await peer.sendAll('abcdef')
      t.is((await stream.receiveExactly(4)).toString(), 'abcd')
    })
  },
  async receive_some(t) {
    await withTcp(async (stream, peer) => {
      await peer.sendAll('abc')
      t.is((await stream.receiveSome(2)).toString(), 'ab')
    })
  },
  async receive_until(t) {
    await withTcp(async (stream, peer) => {
      await peer.sendAll('line\n')
      t.is((await stream.receiveUntil('\n', 10)).toString(), 'line\n')
    })
  },
  async send_all(t) {
    await withTcp(async (stream, peer) => {
      await stream.sendAll(Buffer.from('sent'))
      t.is((await peer.receiveExactly(4)).toString(), 'sent')
    })
  },
})

const socketStream = members('SocketStream', [SocketStream], {
  alpn_protocol: (t) =>
    withTls((client, server) => t.deepEqual([client.alpnProtocol, server.alpnProtocol], ['one', 'one'])),
  cipher: (t) =>
    withTls((client) => {
      const [name, version, bits] = client.cipher
      t.regex(name, /^TLS_/)
      t.is(version, 'TLSv1.3')
      t.true(bits >= 128)
    }),
  get_channel_binding: (t) =>
    withTls((client, server) => {
      t.is(client.getChannelBinding().length, 32)
      t.deepEqual(client.getChannelBinding(), server.getChannelBinding())
    }),
  getpeercert: (t) =>
    withTls((client) => {
      t.regex(String(client.getpeercert()?.subjectaltname), /server\.test/)
      t.true(Buffer.isBuffer(client.getpeercert(true)))
    }),
  getsockopt: (t) =>
    withTcp(async (stream) => {
      t.is(await Promise.resolve(stream.getsockopt('IPPROTO_TCP', 'TCP_NODELAY')), 1)
    }),
  server_hostname: (t) =>
    withTls((client, server) => {
      t.is(client.serverHostname, 'server.test')
      t.is(server.serverHostname, 'server.test')
    }),
  server_side: (t) => withTls((client, server) => t.deepEqual([client.serverSide, server.serverSide], [false, true])),
  setsockopt: (t) =>
    withTcp(async (stream) => {
      stream.setsockopt('IPPROTO_TCP', 'TCP_NODELAY', false)
      t.is(await Promise.resolve(stream.getsockopt('IPPROTO_TCP', 'TCP_NODELAY')), 0)
    }),
  shared_ciphers: {
    // A simulated network borrows its TLS.
    unsupported: ({ tls }) => tls === 'node',
    use: (t) =>
      withTls((client, server) => {
        t.is(client.sharedCiphers, null)
        t.true(server.sharedCiphers!.some(([name]) => name === server.cipher[0]))
      }),
  },
  async start_tls(t) {
    const { ca, server: own } = await certificates()
    await withTcp(async (server, client) => {
      await createTaskGroup(async (tg) => {
        tg.spawn(() => server.startTls(createTlsContext({ cert: own.cert, key: own.key })))
        await client.startTls(createTlsContext({ ca }), { hostname: 'server.test' })
      })
      t.is(client.tlsVersion, 'TLSv1.3')
      await closeBoth(client, server)
    })
  },
  tls_version: async (t) => {
    await withTcp(async (stream) => t.is(await Promise.resolve(stream.tlsVersion), null))
    await withTls((client) => t.is(client.tlsVersion, 'TLSv1.3'))
  },
})

const withServer = (use: (t: ExecutionContext, server: SocketStreamServer) => unknown): Use => {
  return async (t) => {
    await using server = await createTcpServer(0, LOCAL)
    await use(t, server)
  }
}

const server = members('SocketStreamServer', [SocketStreamServer], {
  accept: withServer(async (t, server) => {
    await using client = await connectTcp('127.0.0.1', server.port)
    await using accepted = await server.accept()
    t.is(accepted.remoteAddress.port, client.localAddress.port)
  }),
  accept_connections: withServer(async (t, server) => {
    await using client = await connectTcp('127.0.0.1', server.port)
    for await (const accepted of server.acceptConnections()) {
      t.is(accepted.remoteAddress.port, client.localAddress.port)
      await accepted.close()
      break
    }
  }),
  address: withServer((t, server) => t.like(server.address, { address: '127.0.0.1', family: 'IPv4' })),
  close: withServer(async (t, server) => {
    const { port } = server
    await server.close()
    t.like(await rejection(connectTcp('127.0.0.1', port)), { code: 'ECONNREFUSED' })
  }),
  getsockopt: {
    unsupported: isNode,
    use: withServer((t, server) => t.true(server.getsockopt('SOL_SOCKET', 'SO_RCVBUF') > 0)),
  },
  port: withServer(async (t, server) => {
    t.is(server.port, server.address.port)
    await using unix = await createUnixServer(socketPath(t))
    t.throws(() => unix.port, { instanceOf: UsageError })
  }),
  setsockopt: {
    unsupported: isNode,
    use: withServer((t, server) => {
      server.setsockopt('SOL_SOCKET', 'SO_RCVBUF', 65_536)
      t.true(server.getsockopt('SOL_SOCKET', 'SO_RCVBUF') >= 65_536)
    }),
  },
})

const withUdp = (use: (t: ExecutionContext, socket: UDPSocket) => unknown): Use => {
  return async (t) => {
    await using socket = await createUdpSocket(LOCAL)
    await use(t, socket)
  }
}

const udp = members('UDPSocket', [UDPSocket, Object.getPrototypeOf(UDPSocket) as typeof UDPSocket], {
  address: withUdp((t, socket) => t.like(socket.address, { address: '127.0.0.1', family: 'IPv4' })),
  close: withUdp(async (t, socket) => {
    await socket.close()
    t.true((await rejection(socket.receive(1))) instanceof ClosedResourceError)
  }),
  getsockopt: withUdp((t, socket) => t.is(socket.getsockopt('SOL_SOCKET', 'SO_BROADCAST'), 0)),
  port: withUdp((t, socket) => t.is(socket.port, socket.address.port)),
  receive: withUdp(async (t, socket) => {
    await socket.send('longer', socket.address)
    const [data, from] = await socket.receive(4)
    t.is(data.toString(), 'long')
    t.like(from, socket.address)
  }),
  receive_packets: withUdp(async (t, socket) => {
    await socket.send('', socket.address)
    await socket.send('last', socket.address)
    const received: string[] = []
    for await (const [data] of socket.receivePackets(10)) {
      received.push(data.toString())
      if (received.length === 2) await socket.close()
    }
    t.deepEqual(received, ['', 'last'])
  }),
  send: withUdp(async (t, socket) => {
    await socket.send('by name', 'localhost', socket.port)
    t.is((await socket.receive(10))[0].toString(), 'by name')
  }),
  setsockopt: withUdp((t, socket) => {
    socket.setsockopt('SOL_SOCKET', 'SO_BROADCAST', true)
    t.is(socket.getsockopt('SOL_SOCKET', 'SO_BROADCAST'), 1)
  }),
})

const raised: Record<string, Entry> = {
  ValueError: {
    calls: 'createUnixServer',
    async use(t) {
      // "if the socket is not a TCP socket"
      await using server = await createUnixServer(socketPath(t))
      t.throws(() => server.port, { instanceOf: UsageError })
    },
  },
  'ssl.SSLEOFError': {
    calls: 'receiveSome',
    async use(t) {
      await using listener = await tlsServer()
      // Ours speaks TLS, and ends without a word.
      const connect = { tlsStandardCompatible: false }
      const [client, server] = await Promise.all([tlsConnect(listener.port, { connect }), listener.accept()])
      await client.close()
      t.true((await rejection(server.receiveSome())) instanceof TLSEOFError)
      await server[Symbol.asyncDispose]()
    },
  },
  ClosedResourceError: {
    calls: 'receiveSome',
    async use(t) {
      await withTcp((stream) =>
        createTaskGroup(async (tg) => {
          const waiting = tg.spawn(() => rejection(stream.receiveSome()))
          await waitAllTasksBlocked()
          await stream.close()
          t.true((await waiting.value()) instanceof ClosedResourceError)
        }),
      )
    },
  },
  ResourceBusyError: {
    calls: 'receiveSome',
    async use(t) {
      await withTcp((stream) =>
        createTaskGroup(async (tg) => {
          tg.spawn(() => stream.receiveSome())
          await waitAllTasksBlocked()
          t.true((await rejection(stream.receiveSome())) instanceof ResourceBusyError)
          tg.cancelScope.cancel()
        }),
      )
    },
  },
  IncompleteRead: {
    calls: 'receiveExactly',
    async use(t) {
      await withTcp(async (stream, peer) => {
        await peer.sendAll('abc')
        await peer.sendEof()
        t.true((await rejection(stream.receiveExactly(5))) instanceof IncompleteRead)
        t.is(stream.bufferedData.toString(), 'abc')
      })
    },
  },
  DelimiterNotFound: {
    calls: 'receiveUntil',
    async use(t) {
      await withTcp(async (stream, peer) => {
        await peer.sendAll('too long a line')
        t.true((await rejection(stream.receiveUntil('\n', 4))) instanceof DelimiterNotFound)
      })
    },
  },
  TLSRequired: {
    calls: 'withTcp',
    async use(t) {
      await withTcp(async (stream) => {
        t.throws(() => stream.cipher, { instanceOf: TLSRequired })
        t.is(await Promise.resolve(stream.tlsVersion), null)
      })
    },
  },
}

export const socketUses: Record<string, Entry> = {
  ...makers,
  ...stream,
  ...socketStream,
  ...server,
  ...udp,
  ...raised,
}
