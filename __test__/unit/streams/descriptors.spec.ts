/** `sendFds` and `receiveFds` over a transport that can: which of its members are asked, and what becomes of the answers. */
import test, { type ExecutionContext } from 'ava'
import type { StreamSink, StreamTransport } from '../../../src/backends/contract/backend.ts'
import { Cancelled, ClosedResourceError, UnsupportedError } from '../../../src/errors.ts'
import { requireFrame } from '../../../src/kernel/context.ts'
import { openCancelScope } from '../../../src/scopes.ts'
import { Connection } from '../../../src/streams/connection.ts'
import { type Origin, TCP_STREAM, UNIX_STREAM } from '../../../src/common/origin.ts'
import { SocketStream } from '../../../src/streams/socket-stream.ts'
import { runBare } from '../../support/kernel-run.ts'

/** Notes what it is asked for; the test answers through its sink. */
class FakeTransport {
  declare sink: StreamSink
  readonly calls: string[] = []
  readonly localAddress = '/here'
  readonly remoteAddress = ''
  readonly tls = undefined
  readonly saysGoodbye = false
  readonly unsent = 0
  readonly sendFds = (data: Uint8Array, fds: readonly number[]): void =>
    void this.calls.push(`fds ${data.length} ${fds.join()}`)
  readonly receiveFds = (maxBytes: number, maxFds: number): void =>
    void this.calls.push(`receive ${maxBytes} ${maxFds}`)

  send(data: Uint8Array): number {
    this.calls.push(`send ${data.length}`)
    return data.length
  }

  receive(maxBytes: number): void {
    this.calls.push(`plain ${maxBytes}`)
  }

  waitSend(what: string): void {
    this.calls.push(`wait ${what}`)
  }

  cancelSend(): void {
    this.calls.push('cancelSend')
  }

  cancelReceive(): void {
    this.calls.push('cancelReceive')
  }

  takeSendError(): undefined {
    return undefined
  }

  destroy(): void {
    this.calls.push('destroy')
  }

  drain(): string[] {
    return this.calls.splice(0)
  }
}

async function withStream(
  body: (stream: SocketStream<string>, transport: FakeTransport) => unknown,
  kind: Origin['kind'] = UNIX_STREAM,
): Promise<void> {
  await runBare(async () => {
    const transport = new FakeTransport()
    const origin: Origin = {
      kind,
      side: 'client',
      closeTimeout: 0,
      settings: undefined,
      hostname: undefined,
      standardCompatible: true,
    }
    const { run } = requireFrame('a test').task
    const connection = new Connection(transport as unknown as StreamTransport, run, origin)
    await body(new SocketStream<string>(connection), transport)
  })
}

test('descriptors leave with the first bytes; the rest follows as in any send', async (t) => {
  await withStream(async (stream, transport) => {
    const sending = stream.sendFds(Buffer.alloc(70_000), [3, 4])
    t.deepEqual(transport.drain(), ['fds 65536 3,4'])
    const behind = stream.sendAll('x')
    transport.sink.sendSettled(undefined)
    t.deepEqual(transport.drain(), ['send 4464', 'wait writable'])
    transport.sink.sendSettled(undefined)
    await sending
    await behind
    t.deepEqual(transport.drain(), ['send 1'])
    // And a failed one is reported by this very call.
    const failing = stream.sendFds('x', [5])
    transport.sink.sendSettled(new Error('write EPIPE'))
    await t.throwsAsync(failing, { message: /EPIPE/ })
  })
})

test('a cancelled sendFds and a closed one drop what has not left', async (t) => {
  await withStream(async (stream, transport) => {
    await openCancelScope(async (scope) => {
      const sending = stream.sendFds('x', [3])
      scope.cancel()
      await t.throwsAsync(sending, { instanceOf: Cancelled })
    })
    t.deepEqual(transport.drain(), ['fds 1 3', 'cancelSend'])
    const sending = stream.sendFds('x', [3])
    void stream.close()
    await t.throwsAsync(sending, { instanceOf: ClosedResourceError })
    await t.throwsAsync(stream.sendFds('x', [3]), { instanceOf: ClosedResourceError })
    await t.throwsAsync(stream.receiveFds(1, 1), { instanceOf: ClosedResourceError })
  })
})

test('descriptors arrive with their bytes; what was read ahead comes first, without any', async (t) => {
  await withStream(async (stream, transport) => {
    const waiting = stream.receiveFds(100, 2)
    t.deepEqual(transport.drain(), ['receive 100 2'])
    const memory = Buffer.from('..data..')
    transport.sink.receivedFds!(memory, 2, 6, false, [7, 8])
    memory.fill('x')
    t.deepEqual(await waiting, { data: Buffer.from('data'), fds: [7, 8] })

    const line = stream.receiveUntil('\n', 100)
    transport.sink.received(Buffer.from('line\nahead'), 0, 10, true)
    await line
    t.deepEqual(await stream.receiveFds(3, 1), { data: Buffer.from('ahe'), fds: [] })
    t.deepEqual(await stream.receiveFds(3, 1), { data: Buffer.from('ad'), fds: [] })

    const last = stream.receiveFds(3, 1)
    transport.sink.receivedEnd()
    t.deepEqual(await last, { data: Buffer.alloc(0), fds: [] })
  })
})

test('a cancelled receiveFds drops its interest', async (t) => {
  await withStream(async (stream, transport) => {
    await openCancelScope(async (scope) => {
      const waiting = stream.receiveFds(100, 2)
      scope.cancel()
      await t.throwsAsync(waiting, { instanceOf: Cancelled })
    })
    t.deepEqual(transport.drain(), ['receive 100 2', 'cancelReceive'])
  })
})

const refused = async (t: ExecutionContext, stream: SocketStream<string>, message: RegExp): Promise<void> => {
  await t.throwsAsync(stream.sendFds('x', [3]), { instanceOf: UnsupportedError, message })
  await t.throwsAsync(stream.receiveFds(1, 1), { instanceOf: UnsupportedError, message })
}

test('over TCP, with TLS, and where the backend cannot: UnsupportedError', async (t) => {
  await withStream((stream) => refused(t, stream, /only a UNIX stream/), TCP_STREAM)
  await withStream((stream, transport) => {
    Object.assign(transport, { tls: {} })
    return refused(t, stream, /TLS/)
  })
  await withStream((stream, transport) => {
    Object.assign(transport, { receiveFds: undefined })
    return refused(t, stream, /native/)
  })
})
