/**
 * "Safe when a descriptor is closed and its number reused": a wait whose descriptor was closed without `notifySocketClose` ends
 * by cancellation alone, and neither wakes for the next owner of the number nor does it any harm.
 */
import test, { type ExecutionContext } from 'ava'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeSync } from 'node:fs'
import * as net from 'node:net'
import {
  Cancelled,
  checkpoint,
  ClosedResourceError,
  connectTcp,
  createTaskGroup,
  createTcpServer,
  notifySocketClose,
  type TaskHandle,
  waitAllTasksBlocked,
  waitSocketReadable,
  waitSocketWritable,
} from '../../index.ts'
import { eachBackendWith } from '../support/datagrams.ts'
import { close, descriptorOf, fifoPath, openFifo, readAll, someFifo } from '../support/descriptors.ts'
import { rejection } from '../support/rejection.ts'
import { LOCAL } from '../support/tls.ts'

eachBackendWith('waits', test, 'the next owner of a number wakes only its own waits', async (t, backend) => {
  await backend.run(() =>
    createTaskGroup(async (tg) => {
      const old = someFifo(t)
      const stale = tg.spawn(() => rejection(waitSocketReadable(old)))
      await waitAllTasksBlocked()
      close(old)
      const fresh = nextOwner(t, old)
      writeSync(fresh, 'for the next one')
      await undisturbed(t, stale)
      // It may be waited for like any other, in both directions: nobody is busy with it.
      await waitSocketReadable(fresh)
      await waitSocketWritable(fresh)
      readAll(fresh)
      const waiting = tg.spawn(() => waitSocketReadable(fresh))
      await undisturbed(t, stale, waiting)
      // The end of the stale one leaves the others alone.
      stale.cancel()
      await stale.wait()
      await undisturbed(t, waiting)
      writeSync(fresh, 'more')
      await waiting.value()
    }),
  )
})

eachBackendWith('waits', test, 'a cancelled wait for a number that is another’s by now', async (t, backend) => {
  await backend.run(() =>
    createTaskGroup(async (tg) => {
      const old = someFifo(t)
      const stale = tg.spawn(() => rejection(waitSocketReadable(old)))
      await waitAllTasksBlocked()
      close(old)
      const fresh = nextOwner(t, old)
      stale.cancel()
      await stale.wait()
      t.is(stale.status, 'finished')
      writeSync(fresh, 'x')
      await waitSocketReadable(fresh)
    }),
  )
})

eachBackendWith('waits', test, 'notifySocketClose is about the owner of the number', async (t, backend) => {
  await backend.run(() =>
    createTaskGroup(async (tg) => {
      const old = someFifo(t)
      const stale = tg.spawn(() => rejection(waitSocketReadable(old)))
      await waitAllTasksBlocked()
      close(old)
      const fresh = nextOwner(t, old)
      notifySocketClose(fresh)
      await undisturbed(t, stale)
      const waiting = tg.spawn(() => rejection(waitSocketReadable(fresh)))
      await waitAllTasksBlocked()
      notifySocketClose(fresh)
      t.true((await waiting.value()) instanceof ClosedResourceError)
      await undisturbed(t, stale)
      stale.cancel()
      t.true((await stale.value()) instanceof Cancelled)
    }),
  )
})

eachBackendWith('waits', test, 'the file lives on elsewhere: it wakes nobody here any more', async (t, backend) => {
  await backend.run(() =>
    createTaskGroup(async (tg) => {
      const path = fifoPath(t)
      const old = someFifo(t, path)
      // Another process has the very same open file.
      const child = spawn('cat', { stdio: [old, 'ignore', 'ignore'] })
      t.teardown(() => child.kill('SIGKILL'))
      await once(child, 'spawn')
      child.kill('SIGSTOP')
      const stale = tg.spawn(() => rejection(waitSocketReadable(old)))
      const other = someFifo(t)
      const bystander = tg.spawn(() => waitSocketReadable(other))
      await waitAllTasksBlocked()
      close(old)
      const fresh = nextOwner(t, old)
      const waiting = tg.spawn(() => waitSocketReadable(fresh))
      const again = openFifo(path)
      writeSync(again, 'to the old one')
      close(again)
      await undisturbed(t, stale, waiting, bystander)
      // The number changes hands once more, while its new owner is waited for.
      close(fresh)
      const third = nextOwner(t, old)
      const last = tg.spawn(() => waitSocketReadable(third))
      await undisturbed(t, stale, waiting, last, bystander)
      writeSync(other, 'x')
      await bystander.value()
      writeSync(third, 'x')
      await last.value()
      await undisturbed(t, stale, waiting)
      tg.cancelScope.cancel()
    }),
  )
})

eachBackendWith(
  'waits',
  test,
  'a closed descriptor that nobody reuses: the wait ends by cancellation',
  async (t, backend) => {
    await backend.run(() =>
      createTaskGroup(async (tg) => {
        const old = someFifo(t)
        const stale = tg.spawn(() => waitSocketReadable(old))
        await waitAllTasksBlocked()
        close(old)
        await undisturbed(t, stale)
        t.like(await rejection(waitSocketReadable(old)), { code: 'EBADF' })
        stale.cancel()
        await stale.wait()
        t.is(stale.status, 'cancelled')
      }),
    )
  },
)

eachBackendWith('waits', test, 'the next owner is a connection of this library', async (t, backend) => {
  await backend.run(() =>
    createTaskGroup(async (tg) => {
      await using server = await createTcpServer(0, LOCAL)
      const old = someFifo(t)
      const stale = tg.spawn(() => rejection(waitSocketReadable(old)))
      await waitAllTasksBlocked()
      close(old)
      await using client = await connectTcp('127.0.0.1', server.port)
      t.regex(readdirSync('/proc/self/fd').join(' '), new RegExp(`\\b${old}\\b`), 'somebody has the number')
      await using accepted = await server.accept()
      await client.sendAll('one')
      t.is((await accepted.receiveSome()).toString(), 'one')
      await undisturbed(t, stale)
      stale.cancel()
      await stale.wait()
      // Its registration, by the same number in the same thread, is as it was.
      await accepted.sendAll('two')
      t.is((await client.receiveSome()).toString(), 'two')
      await client.sendAll('three')
      t.is((await accepted.receiveSome()).toString(), 'three')
    }),
  )
})

eachBackendWith(
  'waits',
  test,
  'a socket that is waited for is really closed when its owner closes it',
  async (t, backend) => {
    const listening = net.createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
    await once(listening, 'listening')
    const client = net.connect((listening.address() as net.AddressInfo).port, '127.0.0.1')
    const [accepted] = (await once(listening, 'connection')) as [net.Socket]
    const fd = descriptorOf(accepted)
    await backend.run(() =>
      createTaskGroup(async (tg) => {
        const stale = tg.spawn(() => rejection(waitSocketReadable(fd)))
        await waitAllTasksBlocked()
        accepted.destroy()
        // The peer hears of it at once, though somebody still waits.
        client.resume()
        await once(client, 'end')
        await undisturbed(t, stale)
        tg.cancelScope.cancel()
      }),
    )
    listening.close()
    client.destroy()
  },
)

eachBackendWith('waits', test, 'a hundred numbers change hands under waits', async (t, backend) => {
  await backend.run(() =>
    createTaskGroup(async (tg) => {
      const path = fifoPath(t)
      const numbers = Array.from({ length: 100 }, () => someFifo(t, path))
      const stale = numbers.map((fd) => tg.spawn(() => waitSocketReadable(fd)))
      await waitAllTasksBlocked()
      for (const fd of numbers) close(fd)
      const fresh = numbers.map(() => someFifo(t))
      const waiting = fresh.map((fd) => tg.spawn(() => waitSocketReadable(fd)))
      await undisturbed(t, ...stale, ...waiting)
      for (const [index, handle] of stale.entries()) if (index % 2 === 0) handle.cancel()
      for (const fd of fresh) writeSync(fd, 'x')
      for (const handle of waiting) await handle.value()
      await undisturbed(t, ...stale.filter((_, index) => index % 2 === 1))
      tg.cancelScope.cancel()
    }),
  )
})

/** A descriptor with the number of one that was just closed: the system gives the lowest that is free. */
function nextOwner(t: ExecutionContext, number: number): number {
  for (;;) {
    const fd = someFifo(t)
    if (fd === number) return fd
    // Something of this process was closed meanwhile, and its number is lower: that one stays taken.
    if (fd > number) throw new Error(`the number ${number} is taken`)
  }
}

/** None of them has ended, though everything has had its chance. */
async function undisturbed(t: ExecutionContext, ...handles: TaskHandle<unknown>[]): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await checkpoint()
  for (const handle of handles) t.is(handle.status, 'running')
}
