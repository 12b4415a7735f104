/** `connectTcp` and `createTcpServer`: addresses, options, and the bad days before a connection is there. */
import * as net from 'node:net'
import test from 'ava'
import { Cancelled, ConnectionFailed, UnsupportedError } from '../../src/errors.ts'
import { openCancelScope } from '../../src/scopes.ts'
import { connectTcp, createTcpServer } from '../../src/sockets.ts'
import { createTaskGroup } from '../../src/task-groups.ts'
import type { TestBackend } from '../support/backends.ts'
import {
  eachBackendWithSockets,
  openSockets,
  PeerServer,
  peerTo,
  withPair,
  eachBackendWithRealSockets,
} from '../support/net.ts'

const isNative = (backend: TestBackend): boolean => backend.options.backend === 'native'

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

eachBackendWithRealSockets(test, 'refused: the bare system error, in Node’s shape', async (t, backend) => {
  const port = await freePort()
  await backend.run(async () => {
    const error = await t.throwsAsync(connectTcp('127.0.0.1', port))
    t.like(error, { code: 'ECONNREFUSED', syscall: 'connect', address: '127.0.0.1', port, errno: -111 })
    t.is(error.message, `connect ECONNREFUSED 127.0.0.1:${port}`)
  })
})

eachBackendWithRealSockets(
  test,
  'refused at every address of a name: ConnectionFailed with one error per attempt',
  async (t, backend) => {
    const port = await freePort()
    await backend.run(async () => {
      const error = await t.throwsAsync(connectTcp('localhost', port))
      // A machine may know `localhost` by one address only.
      const errors =
        error instanceof ConnectionFailed ? (error.errors as NodeJS.ErrnoException[]) : [error as NodeJS.ErrnoException]
      t.true(errors.length >= 1)
      for (const { code, syscall } of errors)
        t.deepEqual({ code, syscall }, { code: 'ECONNREFUSED', syscall: 'connect' })
    })
  },
)

eachBackendWithSockets(test, 'a name that does not resolve: ENOTFOUND', async (t, backend) => {
  await backend.run(async () => {
    const error = await t.throwsAsync(connectTcp('does-not-exist.invalid', 80))
    t.regex((error as NodeJS.ErrnoException).code!, /^(ENOTFOUND|EAI_AGAIN)$/)
    t.like(error, { syscall: 'getaddrinfo', hostname: 'does-not-exist.invalid' })
    const listening = await createTcpServer(0, { interface: 'does-not-exist.invalid' }).catch(
      (failure: unknown) => failure,
    )
    t.like(listening, { syscall: 'getaddrinfo', hostname: 'does-not-exist.invalid' })
  })
})

eachBackendWithRealSockets(
  test,
  'a name is resolved, and the families are tried until one answers',
  async (t, backend) => {
    const peers = await PeerServer.listen(t)
    await backend.run(async () => {
      // ::1 refuses, 127.0.0.1 listens.
      await using stream = await connectTcp('localhost', peers.port)
      t.deepEqual(stream.remoteAddress, { address: '127.0.0.1', port: peers.port, family: 'IPv4' })
      const peer = await peers.peer()
      peer.socket.destroy()
    })
    peers.close()
  },
)

eachBackendWithSockets(
  test,
  'a look-up or an attempt is abandoned on cancellation: the caller leaves at once',
  async (t, backend) => {
    await backend.run(async () => {
      const before = openSockets()
      await openCancelScope(async (scope) => {
        const looking = connectTcp('localhost', 1)
        const attempting = connectTcp('127.0.0.1', 1)
        // Nobody answers there: a blackhole by RFC 5737.
        const waiting = connectTcp('192.0.2.1', 9)
        scope.cancel()
        for (const connecting of [looking, attempting, waiting])
          await t.throwsAsync(connecting, { instanceOf: Cancelled })
      })
      t.is(openSockets(), before)
    })
  },
)

eachBackendWithRealSockets(test, 'port in use: EADDRINUSE, in Node’s shape', async (t, backend) => {
  const peers = await PeerServer.listen(t)
  await backend.run(async () => {
    const error = await t.throwsAsync(createTcpServer(peers.port, { interface: '127.0.0.1' }))
    t.like(error, { code: 'EADDRINUSE', syscall: 'listen', address: '127.0.0.1', port: peers.port, errno: -98 })
  })
  peers.close()
})

eachBackendWithSockets(test, 'an address that is not this machine’s: EADDRNOTAVAIL', async (t, backend) => {
  await backend.run(async () => {
    await t.throwsAsync(createTcpServer(0, { interface: '192.0.2.1' }), { code: 'EADDRNOTAVAIL' })
    await t.throwsAsync(connectTcp('127.0.0.1', 1, { bindHost: '192.0.2.1' }), { code: 'EADDRNOTAVAIL' })
  })
})

eachBackendWithRealSockets(
  test,
  'bindHost and bindPort are the own end; a port in use there is an error',
  async (t, backend) => {
    const peers = await PeerServer.listen(t)
    const port = await freePort()
    await backend.run(async () => {
      {
        await using stream = await connectTcp('127.0.0.1', peers.port, { bindHost: '127.0.0.2', bindPort: port })
        t.deepEqual(stream.localAddress, { address: '127.0.0.2', port, family: 'IPv4' })
        const peer = await peers.peer()
        t.is(peer.socket.remotePort, port)
        t.is(peer.socket.remoteAddress, '127.0.0.2')
        peer.socket.destroy()
      }
      {
        // A name for the own end leaves only its family of the target's addresses.
        await using stream = await connectTcp('localhost', peers.port, { bindHost: '127.0.0.1' })
        t.is(stream.localAddress.address, '127.0.0.1')
        const peer = await peers.peer()
        peer.socket.destroy()
      }
      await t.throwsAsync(connectTcp('127.0.0.1', peers.port, { bindHost: '127.0.0.1', bindPort: peers.port }), {
        code: 'EADDRINUSE',
      })
    })
    peers.close()
  },
)

eachBackendWithSockets(
  test,
  'without an interface: IPv4 and IPv6 on one port; "::" is IPv6 alone; an address is that alone',
  async (t, backend) => {
    await backend.run(async () => {
      {
        await using both = await createTcpServer()
        t.true(both.port > 0)
        t.is(both.address.port, both.port)
        for (const host of ['127.0.0.1', '::1']) {
          const peer = await peerTo(both, host)
          await using stream = await both.accept()
          t.is(stream.remoteAddress.port, peer.port)
          peer.socket.destroy()
        }
      }
      {
        await using six = await createTcpServer(0, { interface: '::' })
        t.deepEqual(six.address, { address: '::', port: six.port, family: 'IPv6' })
        const peer = await peerTo(six, '::1')
        await using stream = await six.accept()
        t.deepEqual(stream.remoteAddress, { address: '::1', port: peer.port, family: 'IPv6' })
        peer.socket.destroy()
        await t.throwsAsync(connectTcp('127.0.0.1', six.port), { code: 'ECONNREFUSED' })
      }
      {
        await using four = await createTcpServer(0, { interface: '0.0.0.0' })
        t.deepEqual(four.address, { address: '0.0.0.0', port: four.port, family: 'IPv4' })
        await t.throwsAsync(connectTcp('::1', four.port), { code: 'ECONNREFUSED' })
      }
      {
        await using named = await createTcpServer(0, { interface: 'localhost' })
        t.regex(named.address.address, /^(127\.0\.0\.1|::1)$/)
      }
    })
  },
)

eachBackendWithRealSockets(
  test,
  'reusePort: two servers on one port, or an UnsupportedError that says who can',
  async (t, backend) => {
    await backend.run(async () => {
      const first = await createTcpServer(0, { interface: '127.0.0.1', reusePort: true }).catch(
        (error: unknown) => error,
      )
      if (first instanceof UnsupportedError) {
        t.false(isNative(backend))
        t.regex(first.message, /native/)
        return
      }
      await using one = first as Awaited<ReturnType<typeof createTcpServer>>
      await using two = await createTcpServer(one.port, { interface: '127.0.0.1', reusePort: true })
      t.is(two.port, one.port)
      await t.throwsAsync(createTcpServer(one.port, { interface: '127.0.0.1' }), { code: 'EADDRINUSE' })
    })
  },
)

eachBackendWithRealSockets(test, 'socket options by name and by number', async (t, backend) => {
  await withPair(backend, (client, server) => {
    for (const stream of [client, server]) {
      t.true(stream.getsockopt('IPPROTO_TCP', 'TCP_NODELAY') !== 0, 'noDelay is the default')
      stream.setsockopt('IPPROTO_TCP', 'TCP_NODELAY', false)
      t.is(stream.getsockopt(6, 1), 0)
      stream.setsockopt('SOL_SOCKET', 'SO_KEEPALIVE', true)
      t.true(stream.getsockopt('SOL_SOCKET', 'SO_KEEPALIVE') !== 0)
      if (isNative(backend)) {
        stream.setsockopt('SOL_SOCKET', 'SO_RCVBUF', 20_000)
        t.true(stream.getsockopt('SOL_SOCKET', 'SO_RCVBUF') >= 20_000)
        t.throws(() => stream.getsockopt('SOL_SOCKET', 'SO_NO_SUCH'), { code: 'ERR_OUT_OF_RANGE' })
      } else {
        t.throws(() => stream.getsockopt('SOL_SOCKET', 'SO_RCVBUF'), {
          instanceOf: UnsupportedError,
          message: /native/,
        })
        t.throws(() => stream.setsockopt('SOL_SOCKET', 'SO_RCVBUF', 1), {
          instanceOf: UnsupportedError,
          message: /native/,
        })
      }
    }
  })
})

eachBackendWithRealSockets(
  test,
  'noDelay and keepAlive are set on what is connected and on what is accepted',
  async (t, backend) => {
    await backend.run(async () => {
      await using server = await createTcpServer(0, {
        interface: '127.0.0.1',
        noDelay: false,
        keepAlive: true,
        backlog: 5,
      })
      await using client = await connectTcp('127.0.0.1', server.port, { noDelay: false, keepAlive: true })
      await using accepted = await server.accept()
      for (const stream of [client, accepted]) {
        t.is(stream.getsockopt('IPPROTO_TCP', 'TCP_NODELAY'), 0)
        t.true(stream.getsockopt('SOL_SOCKET', 'SO_KEEPALIVE') !== 0)
      }
      if (isNative(backend)) t.true(server.getsockopt('SOL_SOCKET', 'SO_REUSEADDR') !== 0)
      else t.throws(() => server.getsockopt('SOL_SOCKET', 'SO_REUSEADDR'), { instanceOf: UnsupportedError })
    })
  },
)

eachBackendWithSockets(test, 'many connect at once, and all are accepted', async (t, backend) => {
  await backend.run(async () => {
    await using server = await createTcpServer(0, { interface: '127.0.0.1' })
    await createTaskGroup(async (group) => {
      group.spawn(() =>
        server.serve(async (stream) => {
          await stream.sendAll(await stream.receiveExactly(4))
        }),
      )
      const clients = Array.from({ length: 100 }, (_, i) =>
        group.spawn(async () => {
          await using stream = await connectTcp('127.0.0.1', server.port)
          await stream.sendAll(`${1000 + i}`)
          return (await stream.receiveExactly(4)).toString()
        }),
      )
      for (const [i, client] of clients.entries()) t.is(await client.value(), `${1000 + i}`)
      await server.close()
    })
    t.is(server.statistics().accepted, 100)
  })
})

eachBackendWithSockets(test, 'ref and unref are calls without an answer, and closed is closed', async (t, backend) => {
  await withPair(backend, async (client) => {
    t.is(client.unref(), undefined)
    t.is(client.ref(), undefined)
    await client.close()
    for (const call of [
      () => client.ref(),
      () => client.unref(),
      () => client.getsockopt(1, 1),
      () => client.setsockopt(1, 9, 1),
    ]) {
      t.throws(call, { code: 'ERR_CLOSED_RESOURCE' })
    }
  })
})

// An attempt that failed at once gave its handle away before anybody knew: all but the last of a burst waited for ever.
eachBackendWithSockets(test, 'a burst of attempts that fail, each hears of its own', async (t, backend) => {
  const port = await freePort()
  await backend.run(async () => {
    for (let round = 0; round < 10; round++) {
      const failures: unknown[] = []
      await createTaskGroup((group) => {
        for (let attempt = 0; attempt < 30; attempt++) {
          group.spawn(async () => {
            await connectTcp('127.0.0.1', port).catch((error: unknown) => failures.push(error))
          })
        }
      })
      t.is(failures.length, 30)
      for (const error of failures) t.like(error, { code: 'ECONNREFUSED', port })
    }
  })
})

eachBackendWithSockets(
  test,
  'N73: an address in the brackets of a URL is refused, with a word about them',
  async (t, backend) => {
    await backend.run(async () => {
      const refused = { code: 'ERR_OUT_OF_RANGE', message: /without the brackets.*'::1'/ }
      await t.throwsAsync(connectTcp('[::1]', 80), refused)
      await t.throwsAsync(createTcpServer(0, { interface: '[::1]' }), refused)
    })
  },
)
