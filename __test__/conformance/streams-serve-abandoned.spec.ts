/** Handlers of `serve` that are left behind: neither the server nor the connection waits for them. */
import test from 'ava'
import { ClosedResourceError, createTaskGroup, createTcpServer, moveOnAfter, UsageError } from '../../index.ts'
import { eachBackendWithSockets, nextTurn, openSockets, type Peer, peerTo } from '../support/net.ts'

eachBackendWithSockets(
  test,
  'R95: a handler that is left behind by `abandon: true` keeps neither its server nor its connection',
  async (t, backend) => {
    let finish = (): void => {}
    await backend.run(async () => {
      await using server = await createTcpServer(0, { interface: '127.0.0.1' })
      const before = openSockets()
      const peers: Peer[] = []
      let late: unknown
      const outcome = await moveOnAfter(60_000, { abandon: true }, async (scope) => {
        await createTaskGroup(async (group) => {
          let handling = 0
          group.spawn(() =>
            server.serve(async (stream) => {
              if (++handling === 3) scope.cancel()
              await new Promise<void>((resolve) => (finish = resolve))
              late = await stream.sendAll('late').catch((error: unknown) => error)
              throw new Error('discarded')
            }),
          )
          for (let i = 0; i < 3; i++) peers.push(await peerTo(server))
        })
        return 'not reached'
      })
      t.is(outcome, undefined)
      for (const peer of peers) {
        await peer.gone()
        peer.socket.destroy()
      }
      t.is(server.statistics().handling, 0)
      for (let turn = 0; turn < 200 && openSockets() !== before; turn++) await nextTurn()
      t.is(openSockets(), before)
      finish()
      while (late === undefined) await nextTurn()
      t.true(late instanceof UsageError || late instanceof ClosedResourceError)
    })
  },
)
