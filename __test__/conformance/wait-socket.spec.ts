/** Waiting for descriptors of others: `waitSocketReadable`, `waitSocketWritable`, `notifySocketClose`. */
import test from 'ava'
import * as dgram from 'node:dgram'
import { once } from 'node:events'
import { closeSync, openSync, writeSync } from 'node:fs'
import * as net from 'node:net'
import * as tls from 'node:tls'
import {
  Cancelled,
  CancelScope,
  checkpoint,
  ClosedResourceError,
  createTaskGroup,
  createUdpSocket,
  dumpTasks,
  moveOnAfter,
  NotRunningError,
  notifySocketClose,
  ResourceBusyError,
  UnsupportedError,
  waitAllTasksBlocked,
  waitSocketReadable,
  waitSocketWritable,
} from '../../index.ts'
import { eachBackend, eachBackendWithClock, testBackends } from '../support/backends.ts'
import { eachBackendWith } from '../support/datagrams.ts'
import { close, descriptorOf, readAll, someFifo } from '../support/descriptors.ts'
import { rejection } from '../support/rejection.ts'
import { LOCAL } from '../support/tls.ts'

eachBackendWith(
  'waits',
  test,
  'a descriptor by its number: readable, as long as data is unread',
  async (t, backend) => {
    const fd = someFifo(t)
    await backend.run(async () => {
      await waitSocketWritable(fd)
      await createTaskGroup(async (tg) => {
        const handle = tg.spawn(() => waitSocketReadable(fd))
        await waitAllTasksBlocked()
        t.is(handle.status, 'running')
        t.regex(dumpTasks(), new RegExp(`waitSocketReadable of descriptor ${fd}`))
        writeSync(fd, 'some')
        await handle.wait()
        // Level, not edge: nothing has been read.
        await waitSocketReadable(fd)
        await waitSocketReadable(fd)
        t.is(readAll(fd), 'some')
        const more = tg.spawn(() => waitSocketReadable(fd))
        await waitAllTasksBlocked()
        t.is(more.status, 'running')
        more.cancel()
      })
    })
  },
)

eachBackendWith('waits', test, 'both directions of one descriptor are waited for at a time', async (t, backend) => {
  const fd = someFifo(t)
  await backend.run(() =>
    createTaskGroup(async (tg) => {
      const reading = tg.spawn(() => waitSocketReadable(fd))
      await waitAllTasksBlocked()
      await waitSocketWritable(fd)
      await waitSocketWritable(fd)
      t.is(reading.status, 'running')
      writeSync(fd, 'x')
      await reading.value()
    }),
  )
})

eachBackendWith('waits', test, 'the sockets and servers of Node have a descriptor', async (t, backend) => {
  const listening = net.createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const { port } = listening.address() as net.AddressInfo
  const datagrams = dgram.createSocket('udp4').bind(0, '127.0.0.1')
  await once(datagrams, 'listening')
  const deprecations: Error[] = []
  const listener = (warning: Error): void => void deprecations.push(warning)
  process.on('warning', listener)
  t.teardown(() => process.off('warning', listener))
  await backend.run(async () => {
    await waitSocketWritable(datagrams)
    // node:net accepts by itself as soon as the loop turns, and node:dgram reads: what is left is that nothing was there.
    t.is(await moveOnAfter(1, () => waitSocketReadable(datagrams)), undefined)
    t.is(await moveOnAfter(1, () => waitSocketReadable(listening)), undefined)
    const client = net.connect(port, '127.0.0.1')
    const [accepted] = (await once(listening, 'connection')) as [net.Socket]
    await waitSocketWritable(accepted)
    t.is(await moveOnAfter(1, () => waitSocketReadable(accepted)), undefined)
    client.write('x')
    await waitSocketReadable(accepted)
    await waitSocketReadable({ fd: descriptorOf(accepted) })
    await waitSocketReadable({ fileno: () => descriptorOf(accepted) })
    // This one reads what there is by itself.
    const secure = new tls.TLSSocket(accepted)
    await waitSocketWritable(secure)
    client.destroy()
    secure.destroy()
    await once(accepted, 'close')
    listening.close()
    datagrams.close()
    // It has none any more, and one that is not connected yet has none yet.
    t.like(await rejection(waitSocketReadable(accepted)), { code: 'EBADF', syscall: 'epoll_ctl', errno: -9 })
    t.like(await rejection(waitSocketReadable(new net.Socket())), { code: 'EBADF' })
  })
  t.deepEqual(deprecations, [])
})

eachBackendWith(
  'waits',
  test,
  'a second task in the same direction is busy, the first undisturbed',
  async (t, backend) => {
    const fd = someFifo(t)
    await backend.run(() =>
      createTaskGroup(async (tg) => {
        const first = tg.spawn(() => waitSocketReadable(fd))
        await waitAllTasksBlocked()
        t.true((await rejection(waitSocketReadable(fd))) instanceof ResourceBusyError)
        t.true((await rejection(waitSocketReadable({ fd }))) instanceof ResourceBusyError)
        // One that was refused has left nothing behind, and neither has one that was cancelled.
        first.cancel()
        await first.wait()
        const second = tg.spawn(() => waitSocketReadable(fd))
        await waitAllTasksBlocked()
        writeSync(fd, 'x')
        await second.value()
      }),
    )
  },
)

eachBackendWith(
  'waits',
  test,
  'notifySocketClose wakes who waits, from anywhere, and nobody else',
  async (t, backend) => {
    const [fd, other] = [someFifo(t), someFifo(t)]
    await backend.run(() =>
      createTaskGroup(async (tg) => {
        const reading = tg.spawn(() => rejection(waitSocketReadable(fd)))
        const holder = { fd: other }
        const byObject = tg.spawn(() => rejection(waitSocketReadable(holder)))
        await waitAllTasksBlocked()
        setImmediate(() => notifySocketClose(fd))
        const error = await reading.value()
        t.true(error instanceof ClosedResourceError)
        t.is(byObject.status, 'running')
        // The object has lost its descriptor by the time: it is still the same object.
        holder.fd = -1
        t.is(notifySocketClose(holder), undefined)
        t.true((await byObject.value()) instanceof ClosedResourceError)
        // Nobody waits, which is fine. The descriptor is as good as before.
        notifySocketClose(fd)
        writeSync(fd, 'x')
        await waitSocketReadable(fd)
      }),
    )
    notifySocketClose(fd)
  },
)

eachBackendWith(
  'waits',
  test,
  'notifySocketClose a little late: the descriptor is closed, and nobody else’s',
  async (t, backend) => {
    const fd = someFifo(t)
    await backend.run(() =>
      createTaskGroup(async (tg) => {
        const reading = tg.spawn(() => rejection(waitSocketReadable(fd)))
        await waitAllTasksBlocked()
        close(fd)
        notifySocketClose(fd)
        t.true((await reading.value()) instanceof ClosedResourceError)
      }),
    )
  },
)

eachBackendWith('waits', test, 'cancelled: nothing is left, and completion beats cancellation', async (t, backend) => {
  const fd = someFifo(t)
  await backend.run(async () => {
    const scope = new CancelScope()
    await scope.run(async () => {
      scope.cancel()
      writeSync(fd, 'x')
      t.true((await rejection(waitSocketReadable(fd))) instanceof Cancelled)
    })
    await waitSocketReadable(fd)
    await createTaskGroup(async (tg) => {
      const handle = tg.spawn(() => waitSocketReadable(fd))
      await handle.wait()
      handle.cancel()
      t.is(handle.status, 'finished')
    })
    await checkpoint()
  })
})

eachBackendWithClock(test, 'what is ready when a deadline strikes is ready', async (t, backend, clock) => {
  if (backend.options.backend !== 'native') {
    t.pass()
    return
  }
  const fd = someFifo(t)
  await backend.run(async () => {
    await createTaskGroup(async (tg) => {
      const handle = tg.spawn(() =>
        moveOnAfter(100, async () => {
          await waitSocketReadable(fd)
          return 'ready'
        }),
      )
      await waitAllTasksBlocked()
      writeSync(fd, 'x')
      // In the same turn, before the event loop has looked.
      clock.hold(200)
      t.is(await handle.value(), 'ready')
    })
  })
})

eachBackendWith('waits', test, 'bad arguments, and descriptors that cannot be waited for', async (t, backend) => {
  const file = openSync('/etc/passwd', 'r')
  const folder = openSync('/', 'r')
  t.teardown(() => {
    closeSync(file)
    closeSync(folder)
  })
  const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }
  const range = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }
  await backend.run(async () => {
    for (const call of [waitSocketReadable, waitSocketWritable]) {
      for (const sock of ['3', null, undefined, {}, true, 3n, () => 3]) {
        t.like(await rejection(call(sock as never)), type, typeof sock)
        t.throws(() => notifySocketClose(sock as never), { ...type, instanceOf: TypeError })
      }
      for (const sock of [-1, 1.5, NaN, 2 ** 31]) {
        t.like(await rejection(call(sock)), range, String(sock))
        t.throws(() => notifySocketClose(sock), { ...range, instanceOf: RangeError })
      }
      t.like(await rejection(call(2 ** 31 - 1)), { code: 'EBADF', errno: -9, syscall: 'epoll_ctl' })
      t.like(await rejection(call({ fd: -1 })), { code: 'EBADF' })
      for (const fd of [file, folder]) {
        const error = (await rejection(call(fd))) as Error
        t.like(error, { code: 'EPERM', errno: -1, syscall: 'epoll_ctl' })
        t.regex(error.message, /always ready/)
      }
    }
  })
  t.true((await rejection(waitSocketReadable(0))) instanceof NotRunningError)
  t.notThrows(() => notifySocketClose(0))
})

eachBackend(
  test,
  'a backend that cannot wait for descriptors says which one can',
  async (t, backend) => {
    await backend.run(async () => {
      await using socket = await createUdpSocket(LOCAL)
      for (const sock of [0, socket]) {
        for (const call of [
          waitSocketReadable,
          waitSocketWritable,
          async (given: typeof sock) => notifySocketClose(given),
        ]) {
          const error = (await rejection(call(sock))) as Error
          t.true(error instanceof UnsupportedError)
          t.regex(error.message, /native backend/)
        }
      }
    })
  },
  testBackends.filter(({ options }) => options.backend !== 'native'),
)
