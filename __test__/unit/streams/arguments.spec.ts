/** Bad arguments of sockets and streams: rejected, in Node's shape, before anything starts. */
import test from 'ava'
import { run } from '../../../src/run.ts'
import { connectTcp, createTcpServer } from '../../../src/sockets.ts'
import type { SocketStream } from '../../../src/streams/socket-stream.ts'
import type { SocketStreamServer } from '../../../src/streams/socket-stream-server.ts'
import { ChunkStream } from '../../support/streams.ts'

const TYPE = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
const RANGE = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }
const any = (value: unknown): any => value

test('connectTcp', async (t) => {
  for (const address of [undefined, null, 1, {}, Buffer.from('127.0.0.1')])
    await t.throwsAsync(connectTcp(any(address), 80), TYPE)
  await t.throwsAsync(connectTcp('', 80), RANGE)
  for (const port of [undefined, null, '80', {}]) await t.throwsAsync(connectTcp('127.0.0.1', any(port)), TYPE)
  for (const port of [-1, 65536, 1.5, NaN, Infinity]) await t.throwsAsync(connectTcp('127.0.0.1', port), RANGE)
  for (const options of [null, 1, 'x', [], Promise.resolve({})])
    await t.throwsAsync(connectTcp('127.0.0.1', 80, any(options)), TYPE)
  for (const options of [
    { bindHost: 1 },
    { bindPort: '1' },
    { happyEyeballsDelay: '1' },
    { noDelay: 1 },
    { keepAlive: 'yes' },
  ]) {
    await t.throwsAsync(connectTcp('127.0.0.1', 80, any(options)), TYPE)
  }
  for (const options of [{ bindHost: '' }, { bindPort: -1 }, { bindPort: 65536 }, { happyEyeballsDelay: NaN }]) {
    await t.throwsAsync(connectTcp('127.0.0.1', 80, options), RANGE)
  }
})

test('createTcpServer', async (t) => {
  for (const port of [null, '80', {}]) await t.throwsAsync(createTcpServer(any(port)), TYPE)
  for (const port of [-1, 65536, 1.5, NaN]) await t.throwsAsync(createTcpServer(port), RANGE)
  for (const options of [
    { interface: 1 },
    { backlog: '1' },
    { reusePort: 1 },
    { noDelay: 1 },
    { keepAlive: 1 },
    { closeTimeout: '1' },
  ]) {
    await t.throwsAsync(createTcpServer(0, any(options)), TYPE)
  }
  for (const options of [{ interface: '' }, { backlog: 0 }, { backlog: 1.5 }, { closeTimeout: NaN }])
    await t.throwsAsync(createTcpServer(0, options), RANGE)
})

for (const kind of ['socket stream', 'own stream'] as const) {
  test(`receiving from a ${kind}`, async (t) => {
    await withStream(kind, async (stream) => {
      for (const size of [0, -1, 1.5, NaN, Infinity]) {
        await t.throwsAsync(stream.receiveSome(size), RANGE, `receiveSome(${size})`)
        t.throws(() => stream.receiveChunks(size), RANGE)
      }
      for (const size of [null, '1', {}]) {
        await t.throwsAsync(stream.receiveSome(any(size)), TYPE)
        await t.throwsAsync(stream.receiveExactly(any(size)), TYPE)
        await t.throwsAsync(stream.receiveUntil('\n', any(size)), TYPE)
        t.throws(() => stream.receiveChunks(any(size)), TYPE)
        t.throws(() => stream.receiveDelimitedChunks('\n', any(size)), TYPE)
        t.throws(() => stream.receiveDelimitedBatches('\n', any(size)), TYPE)
      }
      await t.throwsAsync(stream.receiveExactly(any(undefined)), TYPE)
      await t.throwsAsync(stream.receiveExactly(-1), RANGE)
      await t.throwsAsync(stream.receiveUntil('\n', -1), RANGE)
      await t.throwsAsync(stream.receiveUntil('', 5), RANGE)
      await t.throwsAsync(stream.receiveUntil(new Uint8Array(0), 5), RANGE)
      for (const delimiter of [undefined, null, 10, ['\n']]) {
        await t.throwsAsync(stream.receiveUntil(any(delimiter), 5), TYPE)
        t.throws(() => stream.receiveDelimitedChunks(any(delimiter), 5), TYPE)
      }
      await t.throwsAsync(stream.receiveUntil('\n', 5, any({ includeDelimiter: 'no' })), TYPE)
      await t.throwsAsync(stream.receiveUntil('\n', 5, any(null)), TYPE)
      await t.throwsAsync(stream.receiveInto(new Uint8Array(0)), RANGE)
      for (const view of [
        undefined,
        null,
        [],
        'text',
        new ArrayBuffer(4),
        new DataView(new ArrayBuffer(4)),
        new Uint8Array(new SharedArrayBuffer(4)),
      ]) {
        await t.throwsAsync(stream.receiveInto(any(view)), TYPE)
      }
      t.is((await stream.receiveExactly(0)).length, 0)
    })
  })
}

test('sending to a socket stream', async (t) => {
  await withStream('socket stream', async (stream) => {
    for (const data of [
      undefined,
      null,
      1,
      {},
      [1, 2],
      new ArrayBuffer(4),
      new Uint16Array(2),
      new Uint8Array(new SharedArrayBuffer(4)),
    ]) {
      await t.throwsAsync(stream.sendAll(any(data)), TYPE)
      await t.throwsAsync(stream.sendMany(any([data])), TYPE)
    }
    for (const list of [undefined, 'text', new Uint8Array(2), 1]) await t.throwsAsync(stream.sendMany(any(list)), TYPE)
    const socket = stream as SocketStream
    for (const [level, name] of [
      [undefined, 1],
      [1, undefined],
      [{}, 'x'],
      ['SOL_SOCKET', null],
    ])
      t.throws(() => socket.getsockopt(any(level), any(name)), TYPE)
    t.throws(() => socket.getsockopt(1.5, 1), RANGE)
    t.throws(() => socket.getsockopt('', 'SO_RCVBUF'), RANGE)
    for (const value of [undefined, '1', {}])
      t.throws(() => socket.setsockopt('SOL_SOCKET', 'SO_KEEPALIVE', any(value)), TYPE)
    t.throws(() => socket.setsockopt('SOL_SOCKET', 'SO_KEEPALIVE', 1.5), RANGE)
  })
})

test('every Uint8Array is bytes, and a string is UTF-8', async (t) => {
  await run(
    async () => {
      await using server = await createTcpServer(0, { interface: '127.0.0.1' })
      await using client = await connectTcp('127.0.0.1', server.port)
      await using stream = await server.accept()
      const whole = Uint8Array.from([0, 1, 2, 3, 4, 5])
      await client.sendAll(whole.subarray(2, 4))
      await client.sendMany(['é', Buffer.from('x'), new Uint8Array([255])])
      t.deepEqual([...(await stream.receiveExactly(6))], [2, 3, 0xc3, 0xa9, 0x78, 255])
    },
    { backend: 'node' },
  )
})

test('serve', async (t) => {
  await withServer(async (server) => {
    for (const handler of [undefined, null, {}, Promise.resolve()])
      await t.throwsAsync(server.serve(any(handler)), TYPE)
    await t.throwsAsync(
      server.serve(() => {}, any(null)),
      TYPE,
    )
    await t.throwsAsync(
      server.serve(() => {}, { maxConnections: 0 }),
      RANGE,
    )
    await t.throwsAsync(
      server.serve(() => {}, any({ maxConnections: '1' })),
      TYPE,
    )
    await t.throwsAsync(
      server.serve(() => {}, any({ onError: 'log' })),
      TYPE,
    )
  })
})

async function withStream(
  kind: 'socket stream' | 'own stream',
  body: (stream: SocketStream | ChunkStream) => Promise<void>,
): Promise<void> {
  if (kind === 'own stream') await run(() => body(new ChunkStream(['x'])), { backend: 'node' })
  else {
    await withServer(async (server) => {
      await using stream = await connectTcp('127.0.0.1', server.port)
      await body(stream)
    })
  }
}

async function withServer(body: (server: SocketStreamServer) => Promise<void>): Promise<void> {
  await run(
    async () => {
      await using server = await createTcpServer(0, { interface: '127.0.0.1' })
      await body(server)
    },
    { backend: 'node' },
  )
}
