/**
 * Memory that buffers share, and memory that its owner takes away: bytes of one receive are never carried away by a transfer of
 * another's, and a view that has lost its memory is an error of the call.
 */
import test from 'ava'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  aopen,
  connectTcp,
  createTaskGroup,
  createTcpServer,
  createUdpSocket,
  openProcess,
  runInThread,
  type SocketStream,
  waitAllTasksBlocked,
} from '../../index.ts'
import { eachBackend, realBackends } from '../support/backends.ts'
import { eachBackendInFolder } from '../support/files.ts'
import { eachBackendWithSockets } from '../support/net.ts'
import { rejection } from '../support/rejection.ts'
import { LOCAL, withTlsPair } from '../support/tls.ts'

/** Node 20 copies the memory instead, later ones refuse. Either leaves it where it is. */
function tryToTransfer(...buffers: Uint8Array[]): void {
  for (const { buffer } of buffers) {
    try {
      structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })
    } catch (error) {
      if ((error as Error).name !== 'DataCloneError') throw error
    }
  }
}

/** Of ES2024, which the compiler is not told of. */
interface Resizable extends ArrayBuffer {
  resize(length: number): void
}

function resizable(length: number): Resizable {
  const Resizing = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => Resizable
  return new Resizing(length, { maxByteLength: length })
}

async function rest(stream: SocketStream, length: number): Promise<string> {
  return (await stream.receiveExactly(length)).toString()
}

eachBackendWithSockets(
  test,
  'received bytes cannot be transferred while others, or unread ones, share their memory',
  async (t, backend) => {
    await backend.run(async () => {
      await using server = await createTcpServer(0, LOCAL)
      const clients = [await connectTcp('127.0.0.1', server.port), await connectTcp('127.0.0.1', server.port)]
      const streams = [await server.accept(), await server.accept()] as const
      await Promise.all(clients.map((client, index) => client.sendAll(`secret of client ${index}, and more\n`)))
      const [a, b] = streams
      const parts = [
        await a.receiveExactly(6),
        await a.receiveSome(3),
        await b.receiveSome(7),
        await b.receiveUntil(',', 100),
      ]
      tryToTransfer(...parts)
      t.deepEqual(
        parts.map((part) => part.toString()),
        ['secret', ' of', 'secret ', 'of client 1,'],
      )
      t.is(await rest(a, 20), ' client 0, and more\n')
      t.is(await rest(b, 10), ' and more\n')
      for (const stream of [...clients, ...streams]) await stream.close()
    })
  },
)

eachBackend(test, 'the same of bytes that came through TLS', async (t, backend) => {
  await withTlsPair(backend, async (client, server) => {
    await client.sendAll('a record of some length')
    const part = await server.receiveSome(8)
    tryToTransfer(part)
    t.is(part.toString(), 'a record')
    t.is(await rest(server, 15), ' of some length')
  })
})

eachBackend(
  test,
  'the same of datagrams',
  async (t, backend) => {
    await backend.run(async () => {
      await using receiver = await createUdpSocket(LOCAL)
      await using sender = await createUdpSocket(LOCAL)
      for (const text of ['one', 'two', 'three']) await sender.send(text, '127.0.0.1', receiver.address.port)
      const [first] = await receiver.receive(100)
      tryToTransfer(first)
      const [second] = await receiver.receive(100)
      tryToTransfer(second)
      const [third] = await receiver.receive(100)
      t.is(third.toString(), 'three')
    })
  },
  realBackends,
)

eachBackendInFolder(test, 'the same of files', async (t, backend, folder) => {
  const path = join(folder, 'file')
  writeFileSync(path, 'a line\nanother line\nthe last one\n')
  await backend.run(async () => {
    await using one = await aopen(path, 'rb')
    await using other = await aopen(path, 'rb')
    await one.seek(2)
    await other.seek(7)
    const parts = [await one.read(4), await other.read(7), await one.readline(), await one.readline()]
    tryToTransfer(...parts)
    t.deepEqual(
      parts.map((part) => part.toString()),
      ['line', 'another', '\n', 'another line\n'],
    )
    t.is((await one.readline()).toString(), 'the last one\n')
    t.is((await other.read(5)).toString(), ' line')
  })
})

eachBackend(test, 'the same of the output of a process, also for a thread', async (t, backend) => {
  await backend.run(async () => {
    await openProcess('printf abcdef', async ({ stdout }) => {
      const part = await stdout.receiveSome(2)
      const transfer = [part.buffer as ArrayBuffer]
      // Node 20 copies, and the call succeeds.
      const count = await runInThread({ transfer }, (bytes: Uint8Array) => bytes.length, part).catch(
        (error: Error) => error.name,
      )
      t.true(count === 2 || count === 'DataCloneError')
      t.is(part.toString(), 'ab')
      t.is((await stdout.receiveExactly(4)).toString(), 'cdef')
    })
  })
})

eachBackendWithSockets(
  test,
  'receiveInto whose view loses its memory while it waits is a TypeError, and takes nothing',
  async (t, backend) => {
    await backend.run(async () => {
      await using server = await createTcpServer(0, LOCAL)
      await using client = await connectTcp('127.0.0.1', server.port)
      await using stream = await server.accept()
      const transferred = new Uint8Array(8)
      const [emptied, shrunk] = [resizable(8), resizable(8)]
      const cases: [view: Uint8Array, lose: () => void][] = [
        [transferred, () => void structuredClone(transferred, { transfer: [transferred.buffer] })],
        [new Uint8Array(emptied), () => emptied.resize(0)],
        [new Uint8Array(shrunk, 4, 4), () => shrunk.resize(6)],
      ]
      for (const [view, lose] of cases) {
        await createTaskGroup(async (tg) => {
          const receiving = tg.spawn(() => rejection(stream.receiveInto(view)))
          await waitAllTasksBlocked()
          lose()
          await client.sendAll('abc')
          const error = await receiving.value()
          t.true(error instanceof TypeError)
          t.regex((error as Error).message, /no memory any more/)
        })
        t.is((await stream.receiveExactly(3)).toString(), 'abc')
      }
      await client.sendEof()
      t.is(await stream.receiveInto(new Uint8Array(4)), 0)
    })
  },
)

eachBackendWithSockets(test, 'receiveInto fills what is left of a view that has shrunk', async (t, backend) => {
  await backend.run(async () => {
    await using server = await createTcpServer(0, LOCAL)
    await using client = await connectTcp('127.0.0.1', server.port)
    await using stream = await server.accept()
    const memory = resizable(8)
    await createTaskGroup(async (tg) => {
      const receiving = tg.spawn(() => stream.receiveInto(new Uint8Array(memory)))
      await waitAllTasksBlocked()
      memory.resize(2)
      await client.sendAll('abc')
      t.is(await receiving.value(), 2)
      t.is(Buffer.from(memory).toString(), 'ab')
      t.is((await stream.receiveSome()).toString(), 'c')
    })
  })
})
