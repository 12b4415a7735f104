/** A TLS stream is a stream: framing, sending, receiving and cancelling are what they are without TLS. */
import { randomBytes } from 'node:crypto'
import test from 'ava'
import {
  Cancelled,
  createTaskGroup,
  DelimiterNotFound,
  IncompleteRead,
  moveOnAfter,
  openCancelScope,
  ResourceBusyError,
  sleep,
  type SocketStream,
} from '../../index.ts'
import { eachBackendWithSockets, nextTurn, eachBackendWithRealSockets } from '../support/net.ts'
import { Proxy, TlsPeerServer, tlsConnect, withTlsPair, withTlsPeer } from '../support/tls.ts'

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const
const MEGABYTE = 2 ** 20

eachBackendWithSockets(test, 'exactly n bytes, up to a delimiter, chunks and lines', async (t, backend) => {
  await withTlsPair(backend, async (client, server) => {
    await server.sendMany(['12345', 'HEAD\r', '\nbody', 'one\ntwo\nthr', 'ee\n', 'rest'])
    const closing = server.close()
    t.is((await client.receiveExactly(5)).toString(), '12345')
    t.is((await client.receiveUntil('\r\n', 100)).toString(), 'HEAD\r\n')
    t.is((await client.receiveExactly(4)).toString(), 'body')
    const lines: string[] = []
    for await (const line of client.receiveDelimitedChunks('\n', 100)) if (lines.push(line.toString()) === 3) break
    t.deepEqual(lines, ['one', 'two', 'three'])
    await t.throwsAsync(client.receiveUntil('\n', 2), { instanceOf: DelimiterNotFound })
    await t.throwsAsync(client.receiveExactly(100), { instanceOf: IncompleteRead })
    t.is(client.bufferedData.toString(), 'rest')
    const chunks: Buffer[] = []
    for await (const chunk of client.receiveChunks()) chunks.push(chunk)
    t.is(Buffer.concat(chunks).toString(), 'rest')
    await Promise.all([closing, client.close()])
  })
})

eachBackendWithRealSockets(test, 'a delimiter in two records, and batches of lines', async (t, backend) => {
  await withTlsPeer(t, backend, async (stream, peer) => {
    await peer.write('split\r')
    await createTaskGroup(async (group) => {
      const found = group.spawn(() => stream.receiveUntil('\r\n', 100))
      await sleep(0)
      await peer.write('\nnext')
      t.is((await found.value()).toString(), 'split\r\n')
    })
    await peer.write('1\n2\n3\n')
    const lines: string[] = []
    for await (const batch of stream.receiveDelimitedBatches('\n', 100)) {
      lines.push(...batch.map(String))
      if (lines.length === 3) break
    }
    t.deepEqual(lines, ['next1', '2', '3'])
  })
})

eachBackendWithRealSockets(test, 'receiveInto fills the caller’s memory, and tells the end', async (t, backend) => {
  await withTlsPeer(t, backend, async (stream, peer) => {
    const view = Buffer.alloc(10, '.')
    await peer.write('hello world, and more')
    t.is(await stream.receiveInto(view), 10)
    t.is(view.toString(), 'hello worl')
    t.is(await stream.receiveInto(view.subarray(0, 3)), 3)
    t.is(view.toString(), 'd, lo worl')
    t.is((await stream.receiveExactly(8)).toString(), 'and more')
    await createTaskGroup(async (group) => {
      const waiting = group.spawn(() => stream.receiveInto(view))
      await sleep(0)
      await peer.write('later')
      t.is(await waiting.value(), 5)
    })
    t.is(view.toString('latin1', 0, 5), 'later')
    const whole = randomBytes(MEGABYTE)
    const writing = peer.write(whole)
    const large = Buffer.alloc(MEGABYTE)
    for (let at = 0; at < large.length;) at += await stream.receiveInto(large.subarray(at))
    await writing
    t.true(large.equals(whole))
    peer.socket.end()
    t.is(await stream.receiveInto(view), 0)
  })
})

eachBackendWithRealSockets(
  test,
  'bytes that were received are the receiver’s: they do not change',
  async (t, backend) => {
    await withTlsPeer(t, backend, async (stream, peer) => {
      const received: Buffer[] = []
      for (let n = 0; n < 20; n++) {
        await peer.write(Buffer.alloc(5000, n))
        received.push(await stream.receiveExactly(5000))
      }
      for (const [n, bytes] of received.entries()) t.true(bytes.equals(Buffer.alloc(5000, n)))
    })
  },
)

eachBackendWithRealSockets(test, 'the caller may change its bytes once sendAll has resolved', async (t, backend) => {
  await withTlsPeer(t, backend, async (stream, peer) => {
    for (const size of [10, 30_000, 200_000]) {
      const bytes = Buffer.alloc(size, 'a')
      await stream.sendAll(bytes)
      bytes.fill('!')
      t.true((await peer.bytes(size)).equals(Buffer.alloc(size, 'a')))
    }
  })
})

for (const version of VERSIONS) {
  eachBackendWithRealSockets(
    test,
    `${version}: sendMany coalesces small parts into full records`,
    async (t, backend) => {
      const peers = await TlsPeerServer.listen(t, { maxVersion: version })
      let bytes = Buffer.alloc(0)
      const proxy = await Proxy.listen(t, peers.port, {
        toServer: (passing) => {
          bytes = Buffer.concat([bytes, passing])
          return passing
        },
      })
      await backend.run(async () => {
        const stream = await tlsConnect(proxy.port)
        const peer = await peers.peer()
        await stream.sendAll('settle')
        await peer.bytes(6)
        bytes = Buffer.alloc(0)
        const parts = Array.from({ length: 3000 }, (_, i) => `part ${String(i).padStart(5)}`)
        await stream.sendMany(parts)
        t.is(await peer.text(30_000), parts.join(''))
        const sizes = recordSizes(bytes)
        // Two are enough for 30,000 bytes; that it takes no more than a few is what coalescing means.
        t.true(sizes.length <= 4, `${sizes.length} records: ${sizes.join(' ')}`)
        peer.socket.destroy()
        await stream[Symbol.asyncDispose]()
      })
      proxy.close()
      peers.close()
    },
  )

  eachBackendWithSockets(
    test,
    `${version}: megabytes both ways at once, by the library on both sides`,
    async (t, backend) => {
      const data = randomBytes(5 * MEGABYTE)
      await withTlsPair(
        backend,
        async (client, server) => {
          await createTaskGroup((group) => {
            for (const [from, to] of [
              [client, server],
              [server, client],
            ] as const) {
              group.spawn(() => from.sendAll(data))
              group.spawn(async () => t.true((await to.receiveExactly(data.length)).equals(data)))
            }
          })
        },
        { client: { maxVersion: version } },
      )
    },
  )
}

eachBackendWithSockets(test, 'records of every size around the limits arrive as they were sent', async (t, backend) => {
  await withTlsPair(backend, async (client, server) => {
    const sizes = [0, 1, 2, 1399, 16_383, 16_384, 16_385, 32_768, 65_535, 65_536, 65_537, 131_073]
    for (const size of sizes) {
      const data = randomBytes(size)
      await createTaskGroup(async (group) => {
        group.spawn(() => client.sendAll(data))
        if (size > 0) t.true((await server.receiveExactly(size)).equals(data))
      })
    }
    await client.sendAll('end')
    t.is((await server.receiveSome()).toString(), 'end')
  })
})

eachBackendWithRealSockets(
  test,
  'a peer that never reads makes sendAll wait; a cancelled one has sent a prefix, and what follows goes behind it',
  async (t, backend) => {
    await withTlsPeer(t, backend, async (stream, peer) => {
      peer.socket.pause()
      const data = Buffer.from(Uint32Array.from({ length: (8 * MEGABYTE) / 4 }, (_, i) => i).buffer)
      await openCancelScope(async (scope) => {
        const sending = stream.sendAll(data)
        for (let turn = 0; turn < 50; turn++) await nextTurn()
        scope.cancel()
        await t.throwsAsync(sending, { instanceOf: Cancelled })
      })
      await createTaskGroup(async (group) => {
        group.spawn(async () => {
          await stream.sendAll('END')
          await stream.sendEof()
        })
        peer.socket.resume()
        const received = await peer.rest()
        t.true(received.length < data.length)
        t.is(received.subarray(-3).toString(), 'END')
        t.true(received.subarray(0, -3).equals(data.subarray(0, received.length - 3)))
      })
    })
  },
)

eachBackendWithSockets(
  test,
  'a receive that is cancelled loses nothing, at whatever moment of a transfer',
  async (t, backend) => {
    await withTlsPair(backend, async (client, server) => {
      const data = randomBytes(2 * MEGABYTE)
      await createTaskGroup(async (group) => {
        group.spawn(() => client.sendAll(data))
        const received: Buffer[] = []
        let count = 0
        for (let n = 0; count < data.length; n++) {
          await openCancelScope(async (scope) => {
            const receiving = server.receiveSome(1 + ((n * 7919) % 40_000))
            // Before, in the middle of, and after what the peer's records take.
            if (n % 3 === 0) queueMicrotask(() => scope.cancel())
            const chunk = await receiving
            received.push(chunk)
            count += chunk.length
          })
        }
        t.true(Buffer.concat(received).equals(data))
      })
    })
  },
)

eachBackendWithRealSockets(test, 'one task for each direction: a second one is busy', async (t, backend) => {
  await withTlsPeer(t, backend, async (stream, peer) => {
    await createTaskGroup(async (group) => {
      const first = group.spawn(() => stream.receiveSome())
      await sleep(0)
      await t.throwsAsync(stream.receiveSome(), { instanceOf: ResourceBusyError })
      await stream.sendAll('sending is fine')
      t.is(await peer.text(15), 'sending is fine')
      await peer.write('for the first')
      t.is((await first.value()).toString(), 'for the first')
    })
  })
})

eachBackendWithRealSockets(test, 'an iteration that timed out goes on where it was', async (t, backend) => {
  await withTlsPeer(t, backend, async (stream, peer) => {
    const lines = stream.receiveDelimitedChunks('\n', 100)[Symbol.asyncIterator]()
    await peer.write('half ')
    t.is(await moveOnAfter(10, () => lines.next()), undefined)
    await peer.write('a line\n')
    t.is(String((await lines.next()).value), 'half a line')
  })
})

eachBackendWithSockets(
  test,
  'pings and pongs, many of them, with what each side has sent in one turn',
  async (t, backend) => {
    await withTlsPair(backend, async (client, server) => {
      const play = async (stream: SocketStream, begins: boolean): Promise<void> => {
        for (let n = 0; n < 500; n++) {
          if (begins) await stream.sendMany([`ping ${n}`, '\n'])
          t.is((await stream.receiveUntil('\n', 20)).toString(), begins ? `pong ${n}\n` : `ping ${n}\n`)
          if (!begins) {
            await stream.sendAll(`pong ${n}`)
            await stream.sendAll('\n')
          }
        }
      }
      await createTaskGroup((group) => {
        group.spawn(play, client, true)
        group.spawn(play, server, false)
      })
    })
  },
)

function recordSizes(bytes: Buffer): number[] {
  const sizes: number[] = []
  for (let at = 0; at + 5 <= bytes.length; at += 5 + sizes.at(-1)!) sizes.push(bytes.readUInt16BE(at + 3))
  return sizes
}
