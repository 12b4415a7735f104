/** The handshakes of a server, on a backend that does nothing by itself: who is accepted when, and what is given up. */
import test from 'ava'
import type {
  Answer,
  Backend,
  ListenerTransport,
  SocketAddress,
  StreamTransport,
  TlsStart,
} from '../../../src/backends/contract/backend.ts'
import { TLSError } from '../../../src/errors.ts'
import { requireFrame } from '../../../src/kernel/context.ts'
import { sleep } from '../../../src/scopes.ts'
import { run } from '../../../src/run.ts'
import { createTaskGroup } from '../../../src/task-groups.ts'
import type { HandshakeSettings } from '../../../src/streams/handshakes.ts'
import { Listener } from '../../../src/streams/listener.ts'
import { SocketStreamServer } from '../../../src/streams/socket-stream-server.ts'
import { createTlsContext, settingsOf } from '../../../src/tls/context.ts'
import { type ManualClock, withManualClock } from '../../support/manual-clock.ts'

const settings = settingsOf(createTlsContext({ verify: false }))

class FakeStream {
  sink: unknown
  readonly remoteAddress: SocketAddress
  readonly localAddress: SocketAddress = { address: '127.0.0.1', port: 1, family: 'IPv4' }
  readonly tls = undefined
  readonly saysGoodbye = false
  readonly unsent = 0
  destroyed = false

  constructor(port: number) {
    this.remoteAddress = { address: '127.0.0.1', port, family: 'IPv4' }
  }

  takeSendError(): undefined {
    return undefined
  }

  destroy(): void {
    this.destroyed = true
  }
}

/** A listening socket and its backend, moved by hand. */
class Fake {
  readonly demands: number[] = []
  readonly handshakes: { start: TlsStart; answer: Answer<StreamTransport>; stream: FakeStream; abandoned: boolean }[] =
    []
  readonly listener: Listener
  readonly server: SocketStreamServer
  destroyed = false

  constructor(options: Partial<HandshakeSettings> = {}) {
    const frame = requireFrame('a test')
    const transport = {
      address: { address: '127.0.0.1', port: 443, family: 'IPv4' },
      accept: (count: number) => void this.demands.push(count),
      destroy: () => (this.destroyed = true),
    } as unknown as ListenerTransport
    const backend = {
      settleIo: (deliver: () => void) => deliver(),
      startTls: (stream: StreamTransport, start: TlsStart, answer: Answer<StreamTransport>) => {
        const handshake = { start, answer, stream: stream as unknown as FakeStream, abandoned: false }
        this.handshakes.push(handshake)
        return () => {
          handshake.abandoned = true
          handshake.stream.destroy()
        }
      },
    } as unknown as Backend
    this.listener = new Listener(transport, {
      origin: {
        kind: 'TCP stream',
        side: 'server',
        closeTimeout: 5000,
        settings,
        hostname: undefined,
        standardCompatible: true,
      },
      backend,
      frame,
      made: undefined,
      handshakes: { settings, standardCompatible: true, limit: 3, timeout: 1000, onTlsError: undefined, ...options },
    })
    this.server = new SocketStreamServer(this.listener)
  }

  /** A client connects. */
  connect(port: number): void {
    this.listener.accepted(new FakeStream(port) as unknown as StreamTransport)
  }

  finish(index: number, error?: Error): void {
    const { answer, stream } = this.handshakes[index]!
    answer(error, error === undefined ? (stream as unknown as StreamTransport) : undefined)
  }
}

test.serial('a second client is accepted while the handshake of the first is still going on', async (t) => {
  await run(async () => {
    const fake = new Fake()
    const accepting = fake.server.accept()
    t.deepEqual(fake.demands, [3], 'accepts as many as there are places')
    fake.connect(1001)
    fake.connect(1002)
    t.is(fake.server.statistics().handshaking, 2)
    t.is(fake.server.statistics().accepted, 0)
    fake.finish(1)
    const stream = await accepting
    t.is(stream.remoteAddress.port, 1002)
    t.like(fake.server.statistics(), { accepted: 1, handshaking: 1, tlsErrors: 0 })
    await stream.close()
    await fake.server.close()
    t.true(fake.handshakes[0]!.abandoned, 'closing the server gives up what is under way')
    t.true(fake.handshakes[0]!.stream.destroyed)
  })
})

test.serial('handshakes under way and those ready but not asked for are `limit` at most', async (t) => {
  await run(async () => {
    const fake = new Fake({ limit: 2 })
    const first = fake.server.accept()
    t.deepEqual(fake.demands, [2])
    fake.connect(1)
    fake.connect(2)
    fake.finish(0)
    await (await first).close()
    // Nobody asks now: the second one waits, ready, in its place.
    fake.finish(1)
    t.deepEqual(fake.demands, [2], 'the transport has used up its demand, and nobody renewed it')
    const second = fake.server.accept()
    t.deepEqual(fake.demands, [2, 1], 'one place is taken by the one that is ready')
    const stream = await second
    t.is(stream.remoteAddress.port, 2)
    await stream.close()
    await fake.server.close()
  })
})

test.serial('a ready connection nobody asked for is closed with the server', async (t) => {
  await run(async () => {
    const fake = new Fake()
    const first = fake.server.accept()
    fake.connect(1)
    fake.connect(2)
    fake.finish(0)
    await (await first).close()
    fake.finish(1)
    await fake.server.close()
    t.true(fake.handshakes[1]!.stream.destroyed)
  })
})

test.serial(
  'a client whose handshake is not done in time is dropped, counted and reported with its address',
  async (t) => {
    await withManualClock((clock: ManualClock) =>
      run(async () => {
        const reports: [TLSError, SocketAddress][] = []
        const fake = new Fake({ onTlsError: (error, address) => void reports.push([error, address]) })
        await createTaskGroup(async (group) => {
          group.spawn(() => fake.server.serve(() => sleep(0)))
          await sleep(0)
          fake.connect(7)
          await clock.advance(999)
          t.deepEqual(reports, [])
          await clock.advance(1)
          const [[error, address] = []] = reports
          t.is(error?.reason, 'timed-out')
          t.regex(error!.message, /the client 127\.0\.0\.1:7.*1000 ms/)
          t.is(address?.port, 7)
          t.true(fake.handshakes[0]!.abandoned)
          t.like(fake.server.statistics(), { handshaking: 0, tlsErrors: 1 })
          // Done in time: its deadline is gone with it.
          fake.connect(8)
          fake.finish(1)
          await clock.advance(5000)
          t.is(reports.length, 1)
          await fake.server.close()
        })
      }),
    )
  },
)

test.serial('what onTlsError throws ends the server and comes out of whoever accepts', async (t) => {
  await run(async () => {
    const boom = new Error('report failed')
    const fake = new Fake({
      onTlsError: () => {
        throw boom
      },
    })
    const accepting = fake.server.accept()
    fake.connect(1)
    fake.finish(0, new TLSError('no', { reason: 'not-tls' }))
    t.is(await t.throwsAsync(accepting), boom)
    t.true(fake.destroyed)
  })
})

test.serial(
  'an accept that is cancelled stops the accepting, and what was under way answers the next one',
  async (t) => {
    await run(async () => {
      const fake = new Fake()
      await createTaskGroup(async (group) => {
        const accepting = group.spawn(() => fake.server.accept())
        await sleep(0)
        fake.connect(1)
        accepting.cancel()
        await accepting.wait()
      })
      t.deepEqual(fake.demands, [3, 0])
      fake.finish(0)
      const stream = await fake.server.accept()
      t.is(stream.remoteAddress.port, 1)
      await stream.close()
      await fake.server.close()
    })
  },
)
