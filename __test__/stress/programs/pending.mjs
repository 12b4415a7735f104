/**
 * Leaves operations of every kind pending, on both sides of real sockets: receives, a send to a peer that never reads,
 * an accept, look-ups, waits for descriptors, a connection attempt, TLS handshakes on either side, datagrams,
 * descriptors under way, sleeping tasks. Bytes move meanwhile, in plaintext and through TLS. Then it calls `ready`.
 * `STRUCTIO_STRESS_CREDENTIALS` names a PEM file with a certificate and its key.
 */
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  aopen,
  connectTcp,
  connectUnix,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  createUdpSocket,
  createUnixDatagramSocket,
  createUnixServer,
  getAddrInfo,
  getNameInfo,
  relay,
  run,
  sleep,
  sleepForever,
  waitSocketReadable,
  waitSocketWritable,
  TemporaryFile,
} from 'structio'

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
        await leaveTlsPending(tg, quiet.port)
        await leaveRelaysPending(tg, port)
        await leaveDatagramsPending(tg)
        await leaveUnixPending(tg)
        await leaveWaitsPending(tg, port)
        await leaveFilesPending(tg)
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

async function leaveTlsPending(tg, quiet) {
  const pem = process.env.STRUCTIO_STRESS_CREDENTIALS
  const tls = createTlsContext({ cert: pem, key: pem, verify: false })
  const server = await createTcpServer(0, { interface: '127.0.0.1', tls })
  tg.spawn(() =>
    server.serve(async (stream) => {
      for await (const chunk of stream) await stream.sendAll(chunk)
    }),
  )
  const client = await connectTcp('127.0.0.1', server.port, { tls, autostartTls: true })
  tg.spawn(async () => {
    for (;;) {
      await client.sendAll('ping')
      await client.receiveExactly(4)
    }
  })
  // The client waits for a hello that never comes.
  tg.spawn(async () => {
    const leaving = await connectTcp('127.0.0.1', quiet)
    await leaving.startTls(tls)
  })
  // The server waits for a hello.
  const silent = await connectTcp('127.0.0.1', server.port)
  tg.spawn(() => silent.receiveSome())
  tg.spawn(async () => {
    for (;;) {
      const next = await connectTcp('127.0.0.1', server.port, { tls, autostartTls: true })
      await next.close()
    }
  })
}

/** One relay that moves bytes without an end, one that is blocked, and a file under way. */
async function leaveRelaysPending(tg, echo) {
  const pair = async () => {
    const server = await createTcpServer(0, { interface: '127.0.0.1' })
    const ends = await Promise.all([connectTcp('127.0.0.1', server.port), server.accept()])
    await server.close()
    return ends
  }
  for (const reading of [true, false]) {
    const [outer, a] = await pair()
    const b = await connectTcp('127.0.0.1', echo)
    tg.spawn(() => relay(a, b, { idleTimeout: 60_000 }))
    tg.spawn(async () => {
      for (;;) await outer.sendAll(Buffer.alloc(100_000, 'x'))
    })
    if (reading) {
      tg.spawn(async () => {
        for await (const chunk of outer) void chunk
      })
    }
  }
  const [sender, receiver] = await pair()
  tg.spawn(() => receiver.receiveExactly(1))
  tg.spawn(async () => {
    for (;;) await sender.sendFile(process.execPath)
  })
}

/** Reads and writes on the pool, and two waits for the other end of a FIFO: one opens, one reads. */
async function leaveFilesPending(tg) {
  tg.spawn(async () => {
    for (;;) {
      const file = await aopen(process.execPath, 'rb')
      while ((await file.read(2_000_000)).length > 0);
      await file.close()
    }
  })
  const target = await TemporaryFile()
  tg.spawn(async () => {
    for (;;) {
      await target.write(Buffer.alloc(300_000))
      if ((await target.tell()) > 2_000_000) await target.seek(0)
    }
  })
  const { STRUCTIO_STRESS_FIFO: fifo, STRUCTIO_STRESS_SILENT_FIFO: silent } = process.env
  if (fifo === undefined) return
  tg.spawn(() => aopen(fifo, 'rb'))
  const pipe = await aopen(silent, 'rb')
  tg.spawn(() => pipe.read(1))
}

async function leaveDatagramsPending(tg) {
  const echo = await createUdpSocket({ interface: '127.0.0.1' })
  tg.spawn(async () => {
    for await (const [data, from] of echo.receivePackets(100)) await echo.send(data, from)
  })
  const client = await createUdpSocket({ targetHost: '127.0.0.1', targetPort: echo.port })
  tg.spawn(async () => {
    for (;;) {
      await client.send('ping')
      await client.receive(100)
    }
  })
  const silent = await createUdpSocket({ interface: '127.0.0.1' })
  tg.spawn(() => silent.receive(100))
}

/** Waits for descriptors, own and foreign, one never ready and one always; and look-ups. */
async function leaveWaitsPending(tg, port) {
  const stream = await connectTcp('127.0.0.1', port)
  tg.spawn(() => waitSocketReadable(stream))
  if (process.platform === 'linux') {
    const foreign = createSocket('udp4').bind(0, '127.0.0.1')
    await once(foreign, 'listening')
    tg.spawn(() => waitSocketReadable(foreign))
    tg.spawn(async () => {
      for (;;) await waitSocketWritable(foreign)
    })
  }
  for (const ask of [() => getAddrInfo('localhost', 'http'), () => getNameInfo({ address: '127.0.0.1', port })]) {
    tg.spawn(async () => {
      for (;;) await ask()
    })
  }
}

async function leaveUnixPending(tg) {
  const server = await createUnixServer(newPath())
  tg.spawn(() =>
    server.serve(async (stream) => {
      await stream.sendFds('a copy of an end of a pipe', [0])
      for (;;) await stream.sendFds('until the peer’s buffer is full', [0, 1])
    }),
  )
  const client = await connectUnix(server.address)
  // Its descriptors stay open: the system closes them.
  tg.spawn(() => client.receiveSome())
  const slow = await createUnixDatagramSocket({ path: newPath() })
  const connected = await createUnixDatagramSocket({ remotePath: slow.address })
  const unconnected = await createUnixDatagramSocket()
  tg.spawn(async () => {
    for (;;) await connected.send('until the queue is full')
  })
  tg.spawn(async () => {
    for (;;) await unconnected.send('until the queue is full', slow.address)
  })
}

/** An abstract name where the system has them: a process that exits at once removes no file. */
function newPath() {
  const name = `structio-${randomBytes(8).toString('hex')}.sock`
  return process.platform === 'linux' ? `\0${name}` : join(tmpdir(), name)
}
