/** UNIX datagram sockets: `createUnixDatagramSocket`. */
import test from 'ava'
import { existsSync, linkSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import {
  CancelScope,
  ClosedResourceError,
  createTaskGroup,
  createUnixDatagramSocket,
  moveOnAfter,
  ResourceBusyError,
  UsageError,
  waitAllTasksBlocked,
} from '../../index.ts'
import { eachBackendWith, python, socketFolder, warnings } from '../support/datagrams.ts'
import { rejection } from '../support/rejection.ts'

eachBackendWith(
  'unixDatagrams',
  test,
  'datagrams keep their bounds, and say where they come from',
  async (t, backend) => {
    const place = socketFolder(t)
    await backend.run(async () => {
      await using server = await createUnixDatagramSocket({ path: place('server') })
      await using client = await createUnixDatagramSocket({ path: place('client'), remotePath: place('server') })
      await using nobody = await createUnixDatagramSocket()
      t.is(server.address, place('server'))
      t.is(nobody.address, '')
      t.throws(() => server.port, { instanceOf: UsageError })
      await client.send('one')
      await client.send(Buffer.from('two'))
      await nobody.send('three', place('server'))
      const [data, from] = await server.receive(100)
      t.is(data.toString(), 'one')
      t.is(from, place('client'))
      await server.send('answer', from)
      t.is((await client.receive(100))[0].toString(), 'answer')
      t.is((await server.receive(2))[0].toString(), 'tw', 'cut to what was asked for')
      const [third, unnamed] = await server.receive(100)
      t.deepEqual([third.toString(), unnamed], ['three', ''])
      t.true((await rejection(server.send('to nobody', unnamed))) instanceof UsageError)
    })
  },
)

eachBackendWith(
  'unixDatagrams',
  test,
  'N10: at a path, too: a datagram of no bytes is one, and close from another task ends the iteration',
  async (t, backend) => {
    const path = socketFolder(t)('server')
    await backend.run(() =>
      createTaskGroup(async (tg) => {
        const server = await createUnixDatagramSocket({ path })
        await using client = await createUnixDatagramSocket({ remotePath: path })
        const received: string[] = []
        const handle = tg.spawn(async () => {
          for await (const [data] of server.receivePackets(10)) received.push(data.toString())
          return 'ended'
        })
        for (const data of ['a', '', 'b']) await client.send(data)
        while (received.length < 3) await waitAllTasksBlocked()
        t.deepEqual(received, ['a', '', 'b'])
        await server.close()
        t.is(await handle.value(), 'ended')
        t.true((await rejection(server.receive(1))) instanceof ClosedResourceError)
        t.true((await rejection(server.send('x', path))) instanceof ClosedResourceError)
      }),
    )
  },
)

eachBackendWith('unixDatagrams', test, 'batches, in their order', async (t, backend) => {
  const place = socketFolder(t)
  await backend.run(async () => {
    await using server = await createUnixDatagramSocket({ path: place('server') })
    await using client = await createUnixDatagramSocket({ remotePath: place('server') })
    await client.sendBatch([['1'], ['2', place('server')], [Buffer.from('3')]])
    // Until they have arrived.
    await waitAllTasksBlocked()
    const packets = await server.receiveBatch(2)
    t.deepEqual(
      packets.map(([data]) => data.toString()),
      ['1', '2'],
    )
    t.is((await server.receiveBatch())[0]![0].toString(), '3')
    await client.sendBatch([])
    // The first that fails ends it.
    await using other = await createUnixDatagramSocket()
    const error = await rejection(
      other.sendBatch([
        ['first', place('server')],
        ['second', place('missing')],
        ['third', place('server')],
      ]),
    )
    t.like(error, { code: 'ENOENT', syscall: 'send', address: place('missing') })
    t.is((await server.receive(10))[0].toString(), 'first')
    t.is(await moveOnAfter(1, () => server.receive(10)), undefined)
  })
})

eachBackendWith(
  'unixDatagrams',
  test,
  'nothing is lost: send waits for a receiver that is slow',
  async (t, backend) => {
    const path = socketFolder(t)('server')
    await backend.run(async () => {
      await using server = await createUnixDatagramSocket({ path })
      for (const connected of [true, false]) {
        await using client = await createUnixDatagramSocket(connected ? { remotePath: path } : {})
        const to = connected ? undefined : path
        await createTaskGroup(async (tg) => {
          const sending = tg.spawn(async () => {
            for (let index = 0; index < 500; index++) await client.send(String(index), to)
          })
          // Until the queue is full, and the sender waits.
          await waitAllTasksBlocked()
          t.is(sending.status, 'running')
          t.true((await rejection(client.send('x', to))) instanceof ResourceBusyError)
          for (let index = 0; index < 500; index++) t.is((await server.receive(10))[0].toString(), String(index))
          await sending.value()
        })
      }
    })
  },
)

eachBackendWith(
  'unixDatagrams',
  test,
  'a waiting send is cancelled, and its datagram never leaves',
  async (t, backend) => {
    const path = socketFolder(t)('server')
    await backend.run(async () => {
      await using server = await createUnixDatagramSocket({ path })
      await using client = await createUnixDatagramSocket({ remotePath: path })
      let sent = 0
      await createTaskGroup(async (tg) => {
        tg.spawn(async () => {
          for (;;) {
            await client.send(String(sent))
            sent++
          }
        })
        await waitAllTasksBlocked()
        tg.cancelScope.cancel()
      })
      t.true(sent > 0)
      for (let index = 0; index < sent; index++) t.is((await server.receive(10))[0].toString(), String(index))
      t.is(await moveOnAfter(1, () => server.receive(10)), undefined)
      await client.send('after')
      t.is((await server.receive(10))[0].toString(), 'after')
    })
  },
)

eachBackendWith('unixDatagrams', test, 'nobody there, too long, and gone meanwhile', async (t, backend) => {
  const place = socketFolder(t)
  await backend.run(async () => {
    t.like(await rejection(createUnixDatagramSocket({ remotePath: place('missing') })), {
      code: 'ENOENT',
      syscall: 'connect',
      address: place('missing'),
    })
    await using client = await createUnixDatagramSocket()
    t.like(await rejection(client.send('x', place('missing'))), { code: 'ENOENT', syscall: 'send' })
    t.true((await rejection(client.send('x'))) instanceof UsageError)
    const server = await createUnixDatagramSocket({ path: place('server') })
    const long = Buffer.alloc(500_000)
    t.like(await rejection(client.send(long, place('server'))), { code: 'EMSGSIZE', syscall: 'send' })
    await client.send('fits', place('server'))
    t.is((await server.receive(10))[0].toString(), 'fits')
    await using connected = await createUnixDatagramSocket({ remotePath: place('server') })
    t.true((await rejection(connected.send('x', place('other')))) instanceof UsageError)
    await server.close()
    const gone = (await rejection(connected.send('x'))) as NodeJS.ErrnoException
    t.true(['ECONNREFUSED', 'ENOTCONN', 'ECONNRESET'].includes(gone.code!), gone.code)
  })
})

eachBackendWith(
  'unixDatagrams',
  test,
  'taken names are EADDRINUSE, and a socket file is removed',
  async (t, backend) => {
    const place = socketFolder(t)
    await backend.run(async () => {
      await using socket = await createUnixDatagramSocket({ path: place('name') })
      t.like(await rejection(createUnixDatagramSocket({ path: place('name') })), {
        code: 'EADDRINUSE',
        syscall: 'bind',
      })
      await socket.close()
      await using again = await createUnixDatagramSocket({ path: place('name') })
      t.is(again.address, place('name'))
    })
    t.false(existsSync(place('name')))
  },
)

eachBackendWith(
  ['unixDatagrams', 'unixPeers'],
  test,
  'a stale socket file is replaced; what is no socket is not touched',
  async (t, backend) => {
    const place = socketFolder(t)
    await backend.run(async () => {
      const socket = await createUnixDatagramSocket({ path: place('first') })
      t.true(statSync(place('first')).isSocket())
      linkSync(place('first'), place('stale'))
      await socket.close()
      await using replaced = await createUnixDatagramSocket({ path: place('stale') })
      await using client = await createUnixDatagramSocket({ remotePath: place('stale') })
      await client.send('x')
      t.is((await replaced.receive(1))[0].toString(), 'x')
      writeFileSync(place('file'), 'precious')
      t.like(await rejection(createUnixDatagramSocket({ path: place('file') })), { code: 'EADDRINUSE' })
      // A file that is another's by now is left alone.
      unlinkSync(place('stale'))
      writeFileSync(place('stale'), 'of somebody else')
      await replaced.close()
      t.true(statSync(place('stale')).isFile())
    })
  },
)

eachBackendWith(['unixDatagrams', 'unixPeers'], test, 'Python answers, and is answered', async (t, backend) => {
  const place = socketFolder(t)
  const program = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("ready")
while True:
    data, where = s.recvfrom(65536)
    s.sendto(data.upper(), where)
`
  const peer = python(t, program, place('python'))
  t.is(await peer.line(), 'ready')
  await backend.run(async () => {
    await using socket = await createUnixDatagramSocket({ path: place('ours') })
    for (const text of ['hello', '', 'x'.repeat(60_000)]) {
      await socket.send(text, place('python'))
      const [data, from] = await socket.receive(65_536)
      t.is(data.toString(), text.toUpperCase())
      t.is(from, place('python'))
    }
  })
  await peer.stop()
})

eachBackendWith('unixDatagrams', test, 'cancelled, closed, and left open', async (t, backend) => {
  const path = socketFolder(t)('server')
  const warned = warnings(t)
  await backend.run(async () => {
    const socket = await createUnixDatagramSocket({ path })
    await createTaskGroup(async (tg) => {
      const waiting = tg.spawn(() => rejection(socket.receive(1)))
      await waitAllTasksBlocked()
      t.true((await rejection(socket.receive(1))) instanceof ResourceBusyError)
      waiting.cancel()
      await waiting.wait()
      const closed = tg.spawn(() => rejection(socket.receive(1)))
      await waitAllTasksBlocked()
      const scope = new CancelScope()
      await scope.run(async () => {
        scope.cancel()
        await t.notThrowsAsync(socket.close())
      })
      t.true((await closed.value()) instanceof ClosedResourceError)
      await socket.close()
    })
    await createUnixDatagramSocket({ path })
  })
  t.regex((await warned()).map(({ message }) => message).join(), /^UNIX datagram socket .* was still open/)
  t.false(existsSync(path))
})

eachBackendWith(
  'unixDatagrams',
  test,
  'datagrams: bad arguments are refused before anything starts',
  async (t, backend) => {
    const path = socketFolder(t)('server')
    const type = { code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' }
    const range = { code: 'ERR_OUT_OF_RANGE', name: 'RangeError' }
    await backend.run(async () => {
      for (const options of [{ path: 1 }, { remotePath: {} }, 5]) {
        t.like(await rejection(createUnixDatagramSocket(options as never)), type)
      }
      for (const options of [{ path: '' }, { remotePath: 'x'.repeat(200) }, { path: 'a\0b' }]) {
        t.like(await rejection(createUnixDatagramSocket(options)), range)
      }
      await using socket = await createUnixDatagramSocket({ path })
      t.like(await rejection(socket.send(1 as never, path)), type)
      t.like(await rejection(socket.send('x', 1 as never)), type)
      t.like(await rejection(socket.receive(0)), range)
      t.like(await rejection(socket.receiveBatch(0)), range)
      t.like(await rejection(socket.sendBatch([['x', 1 as never]])), type)
      t.throws(() => socket.receivePackets(0), { instanceOf: RangeError })
    })
  },
)

eachBackendWith(['unixDatagrams', 'allOptions'], test, 'options of the socket', async (t, backend) => {
  const path = socketFolder(t)('server')
  await backend.run(async () => {
    await using socket = await createUnixDatagramSocket({ path })
    socket.setsockopt('SOL_SOCKET', 'SO_RCVBUF', 65_536)
    t.true(socket.getsockopt('SOL_SOCKET', 'SO_RCVBUF') >= 65_536)
  })
})
