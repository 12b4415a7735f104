/**
 * Leaves operations of every kind pending, on both sides of real sockets: receives, a send to a peer that never reads,
 * an accept, a look-up, a connection attempt, sleeping tasks; bytes move meanwhile. Then calls `ready`.
 */
import { connectTcp, createTaskGroup, createTcpServer, run, sleep, sleepForever } from 'structio'

export function leavePending(backendOptions, ready) {
  return run(
    async () => {
      await createTaskGroup(async (tg) => {
        const server = await createTcpServer(0, { interface: '127.0.0.1' })
        const { port } = server
        tg.spawn(() =>
          server.serve(async (stream) => {
            for await (const chunk of stream.receiveChunks()) {
              if (chunk[0] === 0) await sleepForever()
              await stream.sendAll(chunk)
            }
          }),
        )
        const quiet = await createTcpServer(0, { interface: '127.0.0.1' })
        tg.spawn(() => quiet.accept())
        const clients = await Promise.all(Array.from({ length: 4 }, () => connectTcp('127.0.0.1', port)))
        for (const [index, client] of clients.entries()) {
          tg.spawn(async () => {
            if (index === 0) await client.receiveSome()
            if (index === 1) {
              await client.sendAll(Buffer.alloc(1))
              for (;;) await client.sendAll(Buffer.alloc(100_000))
            }
            for (;;) {
              await client.sendAll('ping')
              await client.receiveExactly(4)
            }
          })
        }
        tg.spawn(() => connectTcp('no-such-host.invalid', 1).catch(() => sleepForever()))
        tg.spawn(async () => {
          for (;;) await sleep(1)
        })
        ready()
      })
    },
    { backend: 'native', backendOptions },
  )
}
