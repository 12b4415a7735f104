/** The native datagram transport as `backend.ts` describes it, without tasks or scopes above it. */
import test, { type ExecutionContext } from 'ava'
import { setImmediate as macrotask } from 'node:timers/promises'
import { loadNativeBackend } from '../../../src/backends/native/index.ts'
import type {
  Backend,
  DatagramAddress,
  DatagramTransport,
  SocketAddress,
  UdpOptions,
  UnixDatagramOptions,
} from '../../../src/backends/contract/backend.ts'
import { socketFolder } from '../../support/datagrams.ts'

const LOOPBACK: UdpOptions = { address: '127.0.0.1', port: 0, target: undefined, reusePort: false }

interface Received {
  readonly text: string
  readonly from: DatagramAddress
}

for (const driver of ['nested', 'thread'] as const) {
  const backend = loadNativeBackend({ driver })
  const title = (text: string): string => `[${driver}] ${text}`

  test(
    title('an answer has the datagrams that are ready, up to the count; the next answer has the rest'),
    async (t) => {
      const [client, server] = await pair(t, backend)
      for (const text of ['a', 'b', 'c']) t.true(client.send(Buffer.from(text), undefined))
      t.true(
        client.sendMany(
          ['d', 'e'].map((text) => Buffer.from(text)),
          [undefined, undefined],
        ),
      )
      t.deepEqual(texts(await received(server, 2)), ['a', 'b'])
      t.deepEqual(texts(await received(server, 64)), ['c', 'd', 'e'])
    },
  )

  test(title('datagrams that exceed the room of one dispatch arrive whole'), async (t) => {
    const [client, server] = await pair(t, backend)
    server.setsockopt('SOL_SOCKET', 'SO_RCVBUF', 200_000)
    const sizes = [60_000, 1, 0, 60_000, 30_000, 7]
    const sent = sizes.map((size, index) => Buffer.alloc(size, `${index}`))
    t.true(client.sendMany(sent, Array<undefined>(sent.length).fill(undefined)))
    const got: string[] = []
    while (got.length < sent.length) got.push(...texts(await received(server, 64)))
    t.deepEqual(
      got,
      sent.map((data) => data.toString()),
    )
  })

  test(title('a batch of thousands that exceeds the slab leaves in order'), async (t) => {
    const [client, server] = await pair(t, backend)
    const count = 3000
    let next = 0
    // A few at a time: the kernel drops datagrams for which the receiver's queue has no room.
    const data = Array.from({ length: count }, (_, index) => Buffer.alloc(400, String(index).padStart(4, '0')))
    for (let from = 0; from < count; from += 50) {
      t.true(client.sendMany(data.slice(from, from + 50), Array<undefined>(50).fill(undefined)))
      while (next < from + 50) {
        for (const text of texts(await received(server, 64))) t.is(Number(text.slice(0, 4)), next++)
      }
    }
    const late = Array.from({ length: 2000 }, () => Buffer.alloc(400))
    t.true(client.sendMany(late, Array<undefined>(late.length).fill(undefined)))
  })

  test(title('a received peer can be sent to, and is decoded on first use'), async (t) => {
    for (const address of ['127.0.0.1', '::1']) {
      const server = await openUdp(t, backend, { ...LOOPBACK, address })
      const client = await openUdp(t, backend, { ...LOOPBACK, address })
      const to = server.localAddress as SocketAddress
      t.true(client.send(Buffer.from('question'), to))
      const [{ from }] = (await received(server, 1)) as [Received]
      t.true(server.send(Buffer.from('answer'), from))
      const [answer] = (await received(client, 1)) as [Received]
      t.is(answer.text, 'answer')
      t.like(answer.from, to)
      t.like(from, client.localAddress as SocketAddress)
    }
  })

  test(title('a socket for both families distinguishes them'), async (t) => {
    const both = await openUdp(t, backend, { ...LOOPBACK, address: undefined })
    t.is(both.family, 0)
    const { port } = both.localAddress as SocketAddress
    for (const [address, family] of [
      ['127.0.0.1', 'IPv4'],
      ['::1', 'IPv6'],
    ] as const) {
      const peer = await openUdp(t, backend, { ...LOOPBACK, address })
      t.true(peer.send(Buffer.from('x'), { address, port, family }))
      const [{ from }] = (await received(both, 1)) as [Received]
      t.like(from, { address, family })
      t.true(both.send(Buffer.from('y'), { ...(peer.localAddress as SocketAddress) }))
      t.deepEqual(texts(await received(peer, 1)), ['y'])
    }
  })

  test(title('a cancelled receive loses nothing, and a destroyed socket is silent'), async (t) => {
    const [client, server] = await pair(t, backend)
    server.sink = { datagram: () => t.fail('cancelled'), receiveSettled: () => t.fail('cancelled'), sendSettled() {} }
    server.receive(1)
    await macrotask()
    client.send(Buffer.from('kept'), undefined)
    server.cancelReceive()
    await macrotask()
    t.deepEqual(texts(await received(server, 1)), ['kept'])
    server.sink = { datagram: () => t.fail('destroyed'), receiveSettled: () => t.fail('destroyed'), sendSettled() {} }
    server.receive(1)
    client.send(Buffer.from('lost'), undefined)
    server.destroy()
    server.destroy()
    await macrotask()
    await macrotask()
    t.pass()
  })

  test(title('the error of a datagram fails its own call'), async (t) => {
    const [client, server] = await pair(t, backend)
    t.throws(() => client.send(Buffer.alloc(65_508), undefined), { code: 'EMSGSIZE' })
    t.throws(() => client.send(Buffer.alloc(600_000), undefined), { code: 'EMSGSIZE' })
    const list = [Buffer.from('before'), Buffer.alloc(600_000), Buffer.from('after')]
    t.throws(() => client.sendMany(list, [undefined, undefined, undefined]), { code: 'EMSGSIZE' })
    t.throws(() => server.send(Buffer.from('x'), { address: '::1', port: 9, family: 'IPv6' }), {
      code: 'EAFNOSUPPORT',
      message: 'send EAFNOSUPPORT ::1:9',
    })
    t.deepEqual(texts(await received(server, 9)), ['before'])
  })

  test(
    title('UNIX: a send waits for a full receiver, connected or not, and a cancelled wait sends nothing'),
    async (t) => {
      const path = socketFolder(t)('slow.sock')
      const slow = await openUnix(t, backend, { path, remotePath: undefined })
      t.is(slow.localAddress, path)
      for (const remotePath of [path, undefined]) {
        const sender = await openUnix(t, backend, { path: undefined, remotePath })
        const to = remotePath === undefined ? path : undefined
        let sent = 0
        const settled = new Promise<Error | undefined>((resolve) => {
          sender.sink = { datagram() {}, receiveSettled() {}, sendSettled: resolve }
        })
        while (sender.send(Buffer.from(`${sent}`), to)) sent++
        sender.cancelSend()
        // Refused again; this time the test waits.
        t.false(sender.send(Buffer.from('last'), to))
        const got: string[] = []
        while (got.at(-1) !== 'last') got.push(...texts(await received(slow, 64)))
        t.is(await settled, undefined)
        t.deepEqual(got, [...Array.from({ length: sent }, (_, index) => `${index}`), 'last'])
      }
    },
  )

  test(title('UNIX: a name may be any bytes, or missing'), async (t) => {
    const at = socketFolder(t)
    const odd = Buffer.concat([Buffer.from(at('')), Buffer.from([0xff, 0xfe])])
    const server = await openUnix(t, backend, { path: at('server'), remotePath: undefined })
    const client = await openUnix(t, backend, { path: odd, remotePath: undefined })
    const nameless = await openUnix(t, backend, { path: undefined, remotePath: at('server') })
    t.is(nameless.localAddress, '')
    client.send(Buffer.from('odd'), at('server'))
    nameless.send(Buffer.from('nameless'), undefined)
    client.send(Buffer.from('odd again'), at('server'))
    const [first, second, third] = (await received(server, 3)) as [Received, Received, Received]
    t.deepEqual(first, { text: 'odd', from: odd })
    t.deepEqual(second, { text: 'nameless', from: '' })
    t.deepEqual(third, { text: 'odd again', from: odd })
    server.send(Buffer.from('back'), first.from)
    t.deepEqual(texts(await received(client, 1)), ['back'])
  })
}

const texts = (list: readonly Received[]): string[] => list.map(({ text }) => text)

function openUdp(t: ExecutionContext, backend: Backend, options: UdpOptions): Promise<DatagramTransport> {
  return opened(t, (answer) => backend.openUdp(options, answer))
}

function openUnix(t: ExecutionContext, backend: Backend, options: UnixDatagramOptions): Promise<DatagramTransport> {
  return opened(t, (answer) => backend.openUnixDatagram(options, answer))
}

function opened(
  t: ExecutionContext,
  open: (answer: (error: Error | undefined, transport?: DatagramTransport) => void) => unknown,
): Promise<DatagramTransport> {
  return new Promise((resolve, reject) => {
    open((error, transport) => {
      if (error !== undefined) return reject(error)
      t.teardown(() => transport!.destroy())
      transport!.sink = { datagram() {}, receiveSettled() {}, sendSettled() {} }
      resolve(transport!)
    })
  })
}

/** A bound socket, and another connected to it. */
async function pair(
  t: ExecutionContext,
  backend: Backend,
): Promise<[client: DatagramTransport, server: DatagramTransport]> {
  const server = await openUdp(t, backend, LOOPBACK)
  const client = await openUdp(t, backend, { ...LOOPBACK, target: server.localAddress as SocketAddress })
  return [client, server]
}

/** One answer to `receive`, copied before it is given back. */
function received(transport: DatagramTransport, count: number): Promise<Received[]> {
  const list: Received[] = []
  const { sendSettled } = transport.sink
  return new Promise((resolve, reject) => {
    transport.sink = {
      datagram: (memory, start, end, _owned, from) => list.push({ text: memory.toString('latin1', start, end), from }),
      receiveSettled: (error) => (error === undefined ? resolve(list) : reject(error)),
      sendSettled,
    }
    transport.receive(count)
  })
}
