/** Sending: what a send has taken, which call reports a failure, and what a close waits for. */
import test from 'ava'
import { BrokenResourceError, Cancelled, ClosedResourceError, ResourceBusyError } from '../../src/errors.ts'
import { checkpoint, moveOnAfter, openCancelScope, sleep } from '../../src/scopes.ts'
import { connectTcp } from '../../src/sockets.ts'
import type { SocketStream } from '../../src/streams/socket-stream.ts'
import { createTaskGroup } from '../../src/task-groups.ts'
import {
  eachBackendWithSockets,
  nextTurn,
  PeerServer,
  withPair,
  withPeer,
  eachBackendWithRealSockets,
} from '../support/net.ts'

const NEVER_READS = { reading: false }
const MEGABYTE = 2 ** 20

/** Sends until a send has to wait, and returns that one, pending, with what was sent before it. Small ones are taken ahead. */
async function fill(stream: SocketStream, size = MEGABYTE): Promise<{ waiting: Promise<void>; sent: number }> {
  const chunk = Buffer.alloc(size, 'x')
  for (let sent = 0; ; sent += chunk.length) {
    const waiting = stream.sendAll(chunk)
    let done = false
    void waiting.then(
      () => (done = true),
      () => (done = true),
    )
    for (let turn = 0; turn < 20 && !done; turn++) await sleep(0)
    if (!done) return { waiting, sent }
  }
}

eachBackendWithSockets(
  test,
  'bytes leave in the order of the calls, whoever made them and however many there are',
  async (t, backend) => {
    await withPeer(t, backend, async (stream, peer) => {
      let expected = ''
      for (let i = 0; i < 2000; i++) {
        expected += `${i},`
        if (i % 3 === 0) await stream.sendMany([`${i}`, Buffer.from(',')])
        else await stream.sendAll(`${i},`)
      }
      t.is(await peer.text(expected.length), expected)
    })
  },
)

eachBackendWithSockets(test, 'the caller may change its bytes once sendAll has resolved', async (t, backend) => {
  await withPeer(t, backend, async (stream, peer) => {
    const bytes = Buffer.from('before')
    await stream.sendAll(bytes)
    bytes.fill('!')
    const large = Buffer.alloc(30_000, 'a')
    await stream.sendAll(large)
    large.fill('!')
    t.is(await peer.text(6), 'before')
    t.is(await peer.text(30_000), 'a'.repeat(30_000))
  })
})

eachBackendWithSockets(
  test,
  'a peer that never reads makes sendAll wait, and a cancelled one has sent a prefix',
  async (t, backend) => {
    await withPeer(
      t,
      backend,
      async (stream, peer) => {
        const data = Buffer.from(Uint32Array.from({ length: (8 * MEGABYTE) / 4 }, (_, i) => i).buffer)
        await openCancelScope(async (scope) => {
          const sending = stream.sendAll(data)
          for (let turn = 0; turn < 20; turn++) await nextTurn()
          scope.cancel()
          await t.throwsAsync(sending, { instanceOf: Cancelled })
        })
        // What follows goes behind the prefix, without a gap.
        await createTaskGroup(async (group) => {
          group.spawn(async () => {
            await stream.sendAll('END')
            await stream.sendEof()
          })
          peer.read()
          peer.socket.resume()
          const received = await peer.rest()
          t.true(received.length < data.length)
          t.is(received.subarray(-3).toString(), 'END')
          t.true(received.subarray(0, -3).equals(data.subarray(0, received.length - 3)))
        })
      },
      NEVER_READS,
    )
  },
)

eachBackendWithSockets(test, 'a sendAll that waits goes on when the peer reads', async (t, backend) => {
  await withPeer(
    t,
    backend,
    async (stream, peer) => {
      const { waiting, sent } = await fill(stream)
      peer.read()
      peer.socket.resume()
      await waiting
      await stream.sendEof()
      t.is((await peer.rest()).length, sent + MEGABYTE)
    },
    NEVER_READS,
  )
})

eachBackendWithSockets(
  test,
  'N30: sends that overlap with one that waits leave whole, in call order, and then the end; a receive is fine',
  async (t, backend) => {
    await withPeer(
      t,
      backend,
      async (stream, peer) => {
        const { waiting, sent } = await fill(stream)
        const behind = Promise.all([
          stream.sendAll('one'),
          stream.sendAll(''),
          stream.sendMany(['two', 'three']),
          stream.sendEof(),
          t.throwsAsync(stream.sendAll('after the end'), { instanceOf: ClosedResourceError }),
        ])
        await peer.write('hello')
        t.is((await stream.receiveExactly(5)).toString(), 'hello')
        peer.read()
        peer.socket.resume()
        await waiting
        await behind
        const received = await peer.rest()
        t.is(received.length, sent + MEGABYTE + 11)
        t.is(received.subarray(-11).toString(), 'onetwothree')
      },
      NEVER_READS,
    )
  },
)

eachBackendWithSockets(test, 'own close wakes a waiting sendAll with ClosedResourceError', async (t, backend) => {
  await withPeer(
    t,
    backend,
    async (stream) => {
      const { waiting } = await fill(stream, 4096)
      const closed = t.throwsAsync(waiting, { instanceOf: ClosedResourceError })
      // The peer never reads, so the bytes taken never leave: the scope bounds the close.
      const ended = await moveOnAfter(1, async () => {
        await stream.close()
        await checkpoint()
        return true
      })
      t.is(ended, undefined)
      await closed
      await t.throwsAsync(stream.sendAll('x'), { instanceOf: ClosedResourceError })
      await stream.close()
    },
    NEVER_READS,
  )
})

eachBackendWithSockets(test, 'close waits for what was taken, and the peer gets all of it', async (t, backend) => {
  await withPeer(
    t,
    backend,
    async (stream, peer) => {
      const { waiting, sent } = await fill(stream, 4096)
      const refused = t.throwsAsync(waiting, { instanceOf: ClosedResourceError })
      let closed = false
      await createTaskGroup(async (group) => {
        group.spawn(async () => {
          await stream.close()
          closed = true
        })
        await refused
        t.false(closed)
        peer.read()
        peer.socket.resume()
        t.true((await peer.rest()).length >= sent)
      })
      t.true(closed)
    },
    NEVER_READS,
  )
})

eachBackendWithRealSockets(
  test,
  'a close in a cancelled scope drops what was taken, and raises nothing; nor does asyncDispose',
  async (t, backend) => {
    const peers = await PeerServer.listen(t, NEVER_READS)
    await backend.run(async () => {
      for (const how of ['close', 'dispose']) {
        const stream = await connectTcp('127.0.0.1', peers.port)
        const peer = await peers.peer()
        const { waiting } = await fill(stream, 4096)
        const refused = t.throwsAsync(waiting, { instanceOf: ClosedResourceError })
        await openCancelScope(async (scope) => {
          scope.cancel()
          if (how === 'close') await t.notThrowsAsync(stream.close())
          else await t.notThrowsAsync(stream[Symbol.asyncDispose]())
        })
        await refused
        await t.throwsAsync(stream.receiveSome(), { instanceOf: ClosedResourceError })
        peer.socket.destroy()
      }
    })
    peers.close()
  },
)

eachBackendWithSockets(
  test,
  'two tasks close at the same time: both return, and a cancelled one ends the other’s wait',
  async (t, backend) => {
    await withPeer(
      t,
      backend,
      async (stream) => {
        const { waiting } = await fill(stream, 4096)
        const refused = t.throwsAsync(waiting, { instanceOf: ClosedResourceError })
        await createTaskGroup(async (group) => {
          const first = group.spawn(() => stream.close())
          await checkpoint()
          await openCancelScope(async (scope) => {
            const second = stream.close()
            scope.cancel()
            await t.notThrowsAsync(second)
          })
          await first.value()
        })
        await refused
      },
      NEVER_READS,
    )
  },
)

eachBackendWithSockets(
  test,
  'a failed write that no call has reported is reported by close, once',
  async (t, backend) => {
    await withPeer(t, backend, async (stream, peer) => {
      peer.reset()
      await peer.gone()
      // The kernel learns of the reset by itself; the write after it fails, and nobody is told yet.
      for (let turn = 0; turn < 20; turn++) await nextTurn()
      await stream.sendAll('into the void')
      for (let turn = 0; turn < 20; turn++) await nextTurn()
      const error = await t.throwsAsync(stream.close(), { instanceOf: BrokenResourceError })
      t.regex((error.cause as NodeJS.ErrnoException).code!, /^(EPIPE|ECONNRESET)$/)
      t.is((error.cause as NodeJS.ErrnoException).syscall, 'write')
      await t.notThrowsAsync(stream.close())
    })
  },
)

eachBackendWithSockets(
  test,
  'a failed write is reported by the next send, by every later one, and then not by close',
  async (t, backend) => {
    await withPeer(t, backend, async (stream, peer) => {
      peer.reset()
      await peer.gone()
      for (let turn = 0; turn < 20; turn++) await nextTurn()
      await stream.sendAll('into the void')
      for (let turn = 0; turn < 20; turn++) await nextTurn()
      await t.throwsAsync(stream.sendAll('x'), { instanceOf: BrokenResourceError })
      await t.throwsAsync(stream.sendEof(), { instanceOf: BrokenResourceError })
      await t.throwsAsync(stream.sendMany(['x']), { instanceOf: BrokenResourceError })
      await t.notThrowsAsync(stream.close())
      await t.throwsAsync(stream.sendAll('x'), { instanceOf: ClosedResourceError })
    })
  },
)

eachBackendWithSockets(test, 'a reset wakes a sendAll that waits', async (t, backend) => {
  await withPeer(
    t,
    backend,
    async (stream, peer) => {
      const { waiting } = await fill(stream)
      const broken = t.throwsAsync(waiting, { instanceOf: BrokenResourceError })
      peer.reset()
      await broken
    },
    NEVER_READS,
  )
})

eachBackendWithSockets(
  test,
  'sendEof flushes first; cancelled, it has not closed the half, and more may be sent',
  async (t, backend) => {
    await withPeer(
      t,
      backend,
      async (stream, peer) => {
        const { waiting, sent } = await fill(stream)
        peer.read()
        peer.socket.resume()
        await waiting
        peer.socket.pause()
        const again = await fill(stream)
        peer.socket.resume()
        await again.waiting
        peer.socket.pause()
        await openCancelScope(async (scope) => {
          // What this send took may be waiting still; a cancelled scope does not even begin.
          scope.cancel()
          await t.throwsAsync(stream.sendEof(), { instanceOf: Cancelled })
        })
        peer.socket.resume()
        await stream.sendAll('END')
        await stream.sendEof()
        const all = await peer.rest()
        t.is(all.length, sent + again.sent + 2 * MEGABYTE + 3)
        t.is(all.subarray(-3).toString(), 'END')
      },
      NEVER_READS,
    )
  },
)

eachBackendWithSockets(
  test,
  'both directions at once, a megabyte each way in pieces of every size',
  async (t, backend) => {
    await withPair(backend, async (a, b) => {
      const data = Buffer.from(Uint8Array.from({ length: MEGABYTE }, (_, i) => (i * 7) % 251))
      const pump = async (from: SocketStream): Promise<void> => {
        for (let at = 0, size = 1; at < data.length; at += size, size = (size * 3) % 100_003)
          await from.sendAll(data.subarray(at, at + size))
        await from.sendEof()
      }
      const drain = async (to: SocketStream): Promise<void> => {
        const chunks: Buffer[] = []
        for await (const chunk of to) chunks.push(chunk)
        t.true(Buffer.concat(chunks).equals(data))
      }
      await createTaskGroup(async (group) => {
        for (const stream of [a, b]) {
          group.spawn(pump, stream)
          group.spawn(drain, stream)
        }
      })
    })
  },
)

/** Runs `operation` in loops that only another task and then only a timer can end. */
// Not on virtual: there, time stands still while anything goes on.
async function untilOthersHadTheirTurn(operation: () => Promise<unknown>): Promise<void> {
  let others = 0
  await createTaskGroup(async (group) => {
    group.spawn(async () => {
      for (; others < 10; others++) await sleep(0)
    })
    while (others < 10) await operation()
  })
  await moveOnAfter(1, async () => {
    for (;;) await operation()
  })
}

eachBackendWithRealSockets(
  test,
  'a loop of sends that are always taken lets timers and other tasks run',
  async (t, backend) => {
    await withPeer(t, backend, async (stream) => {
      await untilOthersHadTheirTurn(() => stream.sendAll(''))
      await untilOthersHadTheirTurn(() => stream.sendMany([]))
      t.pass()
    })
  },
)

eachBackendWithRealSockets(
  test,
  'a loop of receives from what is at hand lets timers and other tasks run',
  async (t, backend) => {
    await withPeer(t, backend, async (stream, peer) => {
      await peer.write('x'.repeat(50_000))
      await stream.receiveUntil('xx', 0)
      await untilOthersHadTheirTurn(() => stream.receiveExactly(0))
      await peer.end()
      await stream.receiveExactly(49_998)
      // The end stays, and is at hand for ever.
      await untilOthersHadTheirTurn(() => stream.receiveSome(1))
      await untilOthersHadTheirTurn(() => stream.receiveChunks().next())
      await untilOthersHadTheirTurn(() => stream.receiveInto(new Uint8Array(1)))
      t.pass()
    })
  },
)

eachBackendWithSockets(
  test,
  'a receive whose answer is postponed to the next turn is busy until it has settled; a send waits for such a send',
  async (t, backend) => {
    await withPeer(t, backend, async (stream, peer) => {
      await peer.write('x'.repeat(60_000))
      await stream.receiveExactly(1)
      for (const [again, first] of [
        ['receive', () => stream.receiveExactly(1)],
        ['send', () => stream.sendAll('')],
      ] as const) {
        // Until the budget of immediate completions is spent: it is finite, or this never ends.
        for (let postponed = false; !postponed;) {
          const promise = first()
          let settled = false
          void promise.then(() => (settled = true))
          await null
          await null
          postponed = !settled
          if (postponed && again === 'send') await t.notThrowsAsync(first())
          else if (postponed) await t.throwsAsync(first(), { instanceOf: ResourceBusyError }, again)
          await promise
        }
      }
    })
  },
)

eachBackendWithSockets(
  test,
  'an end behind thousands of small sends cuts none of them off, while the other direction is busy',
  async (t, backend) => {
    const count = backend.simulated ? 500 : 4000
    for (let round = 0; round < (backend.simulated ? 1 : 4); round++) {
      await withPair(backend, async (a, b) => {
        await createTaskGroup(async (tg) => {
          // The readiness that this brings about may come between the last sends and the turn that carries them out.
          tg.spawn(async () => {
            for (let i = 0; i < count / 64; i++) await b.sendAll(Buffer.alloc(50_000))
            await b.sendEof()
          })
          tg.spawn(async () => {
            for (let i = 0; i < count; i++) await a.sendAll(Buffer.alloc(777))
            await a.sendEof()
          })
          tg.spawn(() => received(a))
          t.is(await received(b), count * 777)
        })
      })
    }
  },
)

async function received(stream: SocketStream): Promise<number> {
  let bytes = 0
  for await (const chunk of stream) bytes += chunk.length
  return bytes
}
