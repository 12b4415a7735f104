/** When a broken connection is reported: by the next send, and by a receive behind the data that came before. */
import test, { type ExecutionContext } from 'ava'
import { BrokenResourceError } from '../../src/errors.ts'
import type { SocketStream } from '../../src/streams/socket-stream.ts'
import type { TestBackend } from '../support/backends.ts'
import { eachBackendWithRealSockets, eachBackendWithSockets, nextTurn, withPeer } from '../support/net.ts'
import { rejection } from '../support/rejection.ts'

const MEGABYTE = 2 ** 20

/** A connection whose peer has reset it, which only sending shows. */
async function withReset(
  t: ExecutionContext,
  backend: TestBackend,
  body: (stream: SocketStream) => Promise<void>,
): Promise<void> {
  await withPeer(t, backend, async (stream, peer) => {
    peer.reset()
    for (let turn = 0; turn < 50; turn++) await nextTurn()
    await body(stream)
  })
}

eachBackendWithSockets(
  test,
  'N68: of a row of small sends on a broken connection no more than one batch resolves, in whatever turn they are made',
  async (t, backend) => {
    await withReset(t, backend, async (stream) => {
      let sent = 0
      const sending = async (): Promise<void> => {
        for (; sent < 5000; sent++) await stream.sendAll('ten bytes.')
      }
      t.true((await rejection(sending())) instanceof BrokenResourceError)
      t.true(sent <= 128, `${sent} were taken`)
      t.true((await rejection(stream.sendAll('more'))) instanceof BrokenResourceError)
      await stream.close()
    })
  },
)

eachBackendWithRealSockets(
  test,
  'N69: a send that is known to have failed when it could be answered is rejected itself',
  async (t, backend) => {
    await withReset(t, backend, async (stream) => {
      t.true((await rejection(stream.sendAll(Buffer.alloc(MEGABYTE)))) instanceof BrokenResourceError)
      await stream.close()
    })
  },
)

eachBackendWithRealSockets(test, 'N74: a reset that comes behind data is no end of the data', async (t, backend) => {
  await withPeer(t, backend, async (stream, peer) => {
    await peer.write('hello')
    peer.reset()
    for (let turn = 0; turn < 50; turn++) await nextTurn()
    t.is((await stream.receiveExactly(5)).toString(), 'hello')
    const error = await rejection(stream.receiveSome())
    t.true(error instanceof BrokenResourceError)
    t.is(((error as Error).cause as { code?: string }).code, 'ECONNRESET')
    t.true((await rejection(stream.receiveSome())) instanceof BrokenResourceError)
    await stream.close()
  })
})
