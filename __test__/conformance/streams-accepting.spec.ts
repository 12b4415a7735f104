/** Servers: accepting by hand, and what is left open when a run or a scope ends. */
import test from 'ava'
import { ClosedResourceError, ResourceBusyError } from '../../src/errors.ts'
import { checkpoint, moveOnAfter, openCancelScope, sleep, sleepForever } from '../../src/scopes.ts'
import { connectTcp, createTcpServer } from '../../src/sockets.ts'
import { createTaskGroup } from '../../src/task-groups.ts'
import { eachBackendWithSockets, nextTurn, type Peer, peerTo } from '../support/net.ts'

const LOCAL = { interface: '127.0.0.1' }

eachBackendWithSockets(test, 'own close ends acceptConnections and wakes accept', async (t, backend) => {
  await backend.run(async () => {
    const server = await createTcpServer(0, LOCAL)
    let connections = 0
    await createTaskGroup(async (group) => {
      group.spawn(async () => {
        for await (const stream of server.acceptConnections()) {
          connections++
          await stream.close()
        }
      })
      const peer = await peerTo(server)
      await peer.gone()
      peer.socket.destroy()
      while (connections === 0) await sleep(0)
      await t.throwsAsync(server.accept(), { instanceOf: ResourceBusyError })
      await t.throwsAsync(
        server.serve(() => {}),
        { instanceOf: ResourceBusyError },
      )
      await server.close()
    })
    t.is(connections, 1)
    t.true((await server.acceptConnections().next()).done)
    await t.throwsAsync(server.accept(), { instanceOf: ClosedResourceError })
    await t.throwsAsync(
      server.serve(() => {}),
      { instanceOf: ClosedResourceError },
    )
    t.throws(() => server.getsockopt('SOL_SOCKET', 'SO_REUSEADDR'), { instanceOf: ClosedResourceError })
    const other = await createTcpServer(0, LOCAL)
    await createTaskGroup(async (group) => {
      group.spawn(async () => {
        await t.throwsAsync(other.accept(), { instanceOf: ClosedResourceError })
      })
      await checkpoint()
      await other.close()
    })
  })
})

eachBackendWithSockets(
  test,
  'a cancelled accept loses no connection; a break leaves the server alone',
  async (t, backend) => {
    await backend.run(async () => {
      await using server = await createTcpServer(0, LOCAL)
      const connections = server.acceptConnections()
      await moveOnAfter(0, () => connections.next())
      await moveOnAfter(5, () => connections.next())
      const peer = await peerTo(server)
      for await (const stream of connections) {
        t.is(stream.remoteAddress.port, peer.port)
        await stream.close()
        break
      }
      const again = await peerTo(server)
      for await (const stream of connections) {
        t.is(stream.remoteAddress.port, again.port)
        await stream.close()
        break
      }
      peer.socket.destroy()
      again.socket.destroy()
    })
  },
)

eachBackendWithSockets(
  test,
  'a connection that is reset before it is accepted does not end the server',
  async (t, backend) => {
    await backend.run(async () => {
      await using server = await createTcpServer(0, LOCAL)
      const gone = await peerTo(server)
      gone.reset()
      const stays = await peerTo(server)
      await stays.write('here')
      for await (const stream of server.acceptConnections()) {
        // The first one may be delivered, dead.
        if (stream.remoteAddress.port !== stays.port) {
          await stream.close().catch(() => {})
          continue
        }
        t.is((await stream.receiveExactly(4)).toString(), 'here')
        await stream.close()
        break
      }
      stays.socket.destroy()
    })
  },
)

eachBackendWithSockets(
  test,
  'resources that are left open when the run settles are closed, with a warning for each',
  async (t, backend) => {
    const warnings: Error[] = []
    const listener = (warning: Error): void => void warnings.push(warning)
    process.on('warning', listener)
    t.teardown(() => process.off('warning', listener))
    let peer: Peer | undefined
    await backend.run(
      async () => {
        const server = await createTcpServer(0, LOCAL)
        peer = await peerTo(server)
        const stream = await server.accept()
        await stream.sendAll('last words')
      },
      { traceResources: true },
    )
    t.is((await peer!.rest()).toString(), 'last words')
    peer!.socket.destroy()
    await nextTurn()
    t.is(warnings.length, 2)
    t.regex(warnings[0]!.message, /TCP server 127\.0\.0\.1:\d+ .*task "/)
    t.regex(String((warnings[0] as Error & { detail?: string }).detail), /streams-accepting\.spec/)
    t.regex(warnings[1]!.message, /TCP stream 127\.0\.0\.1:\d+ → 127\.0\.0\.1:\d+ .*task "/)
    t.regex(String((warnings[1] as Error & { detail?: string }).detail), /streams-accepting\.spec/)
  },
)

eachBackendWithSockets(
  test,
  'an accept, a serve or a connect that nobody awaited ends with its scope',
  async (t, backend) => {
    await backend.run(async () => {
      await using server = await createTcpServer(0, LOCAL)
      await openCancelScope(() => {
        void server.accept()
      })
      await openCancelScope(() => {
        void server.serve(() => sleepForever())
      })
      await openCancelScope(() => {
        void connectTcp('127.0.0.1', server.port)
        void createTcpServer(0, LOCAL)
      })
      const stream = await connectTcp('127.0.0.1', server.port)
      await openCancelScope(() => {
        void stream.receiveSome()
      })
      await openCancelScope(() => {
        void stream.receiveChunks().next()
      })
      await stream.close()
      // The server can be used again: nobody is in it any more.
      const [accepted] = await Promise.all([server.accept(), peerTo(server).then((peer) => peer.socket.destroy())])
      await accepted.close().catch(() => {})
      t.pass()
    })
  },
)
