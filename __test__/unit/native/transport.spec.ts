/** The native transport as `backend.ts` describes it, without tasks or scopes above it. */
import test, { type ExecutionContext } from 'ava'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { setImmediate as macrotask } from 'node:timers/promises'
import { loadNativeBackend } from '../../../src/backends/native/index.ts'
import type {
  Backend,
  ListenerTransport,
  SocketAddress,
  StreamTransport,
} from '../../../src/backends/contract/backend.ts'

const LOOPBACK = { address: '127.0.0.1', noDelay: true, keepAlive: false } as const

for (const driver of ['nested', 'thread'] as const) {
  const backend = loadNativeBackend({ driver })
  const title = (text: string): string => `[${driver}] ${text}`

  test(title('the driver in use is the one asked for'), (t) => {
    t.is((backend as unknown as { loop: { binding: { driver: string } } }).loop.binding.driver, driver)
  })

  test(title('bytes sent in different turns arrive in order'), async (t) => {
    const { stream, peer } = await pair(t, backend)
    const received: Buffer[] = []
    peer.on('data', (chunk) => received.push(chunk))
    stream.send(Buffer.from('one '))
    stream.send(Buffer.from('two '))
    await macrotask()
    stream.send(Buffer.alloc(20_000, 'x'))
    stream.send(Buffer.from(' three'))
    await settled(stream, 'shutdown')
    await once(peer, 'end')
    t.is(Buffer.concat(received).toString(), `one two ${'x'.repeat(20_000)} three`)
  })

  test(
    title('the turn buffer takes 64 KiB for a peer that does not read, and the peer gets every byte when it reads'),
    async (t) => {
      const { stream, peer } = await pair(t, backend)
      peer.pause()
      const chunk = Buffer.alloc(1000, 'y')
      let sent = 0
      // Fills the kernel's buffers, which shows after a turn, then the stream's own.
      for (;;) {
        const taken = stream.send(chunk)
        sent += taken
        if (taken === chunk.length) continue
        await macrotask()
        if (stream.unsent > 64_000) break
      }
      t.true(stream.unsent > 0 && stream.unsent <= 65_536, `${stream.unsent} unsent`)
      let received = 0
      peer.on('data', (data) => (received += data.length)).resume()
      await settled(stream, 'shutdown')
      await once(peer, 'end')
      t.is(received, sent)
      t.is(stream.unsent, 0)
    },
  )

  test(title('a cancelled receive loses nothing'), async (t) => {
    const { stream, peer } = await pair(t, backend)
    const first = received(stream)
    stream.cancelReceive()
    peer.write('abc')
    const second = received(stream)
    t.is((await second).toString(), 'abc')
    t.is(await Promise.race([first, Promise.resolve('nothing')]), 'nothing')
  })

  test(title('receiveInto waits, reads in place, and returns 0 at the end'), async (t) => {
    const { stream, peer } = await pair(t, backend)
    const view = new Uint8Array(8)
    t.is(stream.receiveInto!(view), -1)
    const readable = new Promise<void>((resolve) => (stream.sink.readable = resolve))
    peer.write('abc')
    await readable
    t.is(stream.receiveInto!(view), 3)
    t.is(Buffer.from(view.subarray(0, 3)).toString(), 'abc')
    t.is(stream.receiveInto!(view), -1)
    const again = new Promise<void>((resolve) => (stream.sink.readable = resolve))
    peer.end()
    await again
    t.is(stream.receiveInto!(view), 0)
  })

  test(title('readable bytes are delivered before settleIo calls back'), async (t) => {
    const { stream, peer } = await pair(t, backend)
    const order: string[] = []
    stream.sink.received = () => order.push('received')
    stream.receive(10)
    await macrotask()
    peer.write('x')
    const settledIo = new Promise<void>((resolve) => backend.settleIo(() => (order.push('settled'), resolve())))
    await settledIo
    t.deepEqual(order, ['received', 'settled'])
  })

  test(title('thousands of submissions outside a turn overflow the ring and the slab without a loss'), async (t) => {
    const { stream, peer } = await pair(t, backend)
    let received = 0
    peer.on('data', (data) => (received += data.length))
    let sent = 0
    const message = Buffer.alloc(100, 'z')
    while (sent < 2_000_000) {
      const taken = stream.send(message)
      sent += taken
      if (taken === 0) await settled(stream, 'writable')
      for (let i = 0; i < 10; i++) {
        stream.receive(1)
        stream.cancelReceive()
      }
    }
    await settled(stream, 'shutdown')
    await once(peer, 'end')
    t.is(received, sent)
  })

  test(title('a reset reaches the peer as a reset'), async (t) => {
    const { stream, peer } = await pair(t, backend)
    peer.resume()
    stream.reset()
    const [error] = (await once(peer, 'error')) as [NodeJS.ErrnoException]
    t.is(error.code, 'ECONNRESET')
  })

  test(title('a destroyed handle calls nothing back, and its descriptor closes at once'), async (t) => {
    const { stream, peer } = await pair(t, backend)
    const before = descriptors()
    stream.sink.received = () => t.fail('an answer after destroy')
    stream.sink.receivedEnd = () => t.fail('an answer after destroy')
    stream.receive(10)
    stream.destroy()
    t.is(descriptors(), before - 1)
    stream.destroy()
    await once(peer.resume(), 'end')
  })

  test(title('socket options have numbers and names; an unknown name is refused'), async (t) => {
    const { stream } = await pair(t, backend)
    t.is(stream.getsockopt('IPPROTO_TCP', 'TCP_NODELAY'), 1)
    stream.setsockopt(6, 1, false)
    t.is(stream.getsockopt(6, 1), 0)
    t.throws(() => stream.getsockopt('SOL_SOCKET', 'SO_NONSENSE'), { code: 'ERR_OUT_OF_RANGE' })
    t.throws(() => stream.getsockopt(6, 9999), { code: 'ENOPROTOOPT' })
  })

  test(title('a listener accepts exactly as many connections as are wanted'), async (t) => {
    const listener = await listen(t, backend)
    const accepted: StreamTransport[] = []
    const two = new Promise<void>((resolve) => {
      listener.sink = {
        accepted: (stream) => accepted.push(stream) === 2 && resolve(),
        acceptFailed: (error) => t.fail(error.message),
      }
    })
    listener.accept(2)
    const clients = [1, 2, 3].map(() => connect((listener.address as SocketAddress).port, '127.0.0.1'))
    await Promise.all(clients.map((client) => once(client, 'connect')))
    await two
    await macrotask()
    t.is(accepted.length, 2)
    const third = new Promise<void>(
      (resolve) => (listener.sink.accepted = (stream) => (accepted.push(stream), resolve())),
    )
    listener.accept(1)
    await third
    t.is(accepted.length, 3)
    for (const stream of accepted) stream.destroy()
    for (const client of clients) client.destroy()
  })
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

/** A connected native stream and Node's own socket at the other end. */
async function pair(t: ExecutionContext, backend: Backend): Promise<{ stream: StreamTransport; peer: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const [stream, [peer]] = await Promise.all([
    new Promise<StreamTransport>((resolve, reject) =>
      backend.connectTcp({ ...LOOPBACK, port, family: 4 }, (error, value) => (error ? reject(error) : resolve(value!))),
    ),
    once(server, 'connection') as Promise<[Socket]>,
  ])
  stream.sink = { received() {}, receivedEnd() {}, receiveFailed() {}, readable() {}, sendSettled() {} }
  t.teardown(() => {
    stream.destroy()
    peer.on('error', () => undefined).destroy()
    server.close()
  })
  return { stream, peer }
}

async function listen(t: ExecutionContext, backend: Backend): Promise<ListenerTransport> {
  const listener = await new Promise<ListenerTransport>((resolve, reject) =>
    backend.listenTcp({ ...LOOPBACK, port: 0, backlog: 10, reusePort: false }, (error, value) =>
      error ? reject(error) : resolve(value!),
    ),
  )
  t.teardown(() => listener.destroy())
  return listener
}

/** The bytes of the next answer to `receive`, copied before they are given back. */
function received(stream: StreamTransport): Promise<Buffer> {
  return new Promise((resolve) => {
    stream.sink.received = (memory, start, end) => resolve(Buffer.from(memory.subarray(start, end)))
    stream.receive(65_536)
  })
}

function settled(stream: StreamTransport, what: 'writable' | 'flushed' | 'shutdown'): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.sink.sendSettled = (error) => (error ? reject(error) : resolve())
    stream.waitSend(what)
  })
}
