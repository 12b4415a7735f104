/** `sendFile`: which bytes, in which order, and what is left when it is cut short. */
import { closeSync, ftruncateSync, mkdirSync, openSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import {
  BrokenResourceError,
  Cancelled,
  ClosedResourceError,
  createTaskGroup,
  openCancelScope,
  type SendFileOptions,
  type SocketStream,
  type Stream,
} from '../../index.ts'
import { eachBackend, type TestBackend } from '../support/backends.ts'
import { eachBackendWith } from '../support/datagrams.ts'
import { eachBackendWithSockets } from '../support/net.ts'
import { folder } from '../support/programs.ts'
import { rejection } from '../support/rejection.ts'
import { all, counted, type Link, own, tcp, tlsServer, unix } from '../support/relaying.ts'

const LINKS: readonly (readonly [string, Link])[] = [
  ['TCP', tcp],
  ['UNIX', unix],
  ['TLS', tlsServer],
  ['an own stream', own],
]

/** Who sends files, and who receives. */
async function withLink(
  t: ExecutionContext,
  backend: TestBackend,
  link: Link,
  body: (sender: Stream, receiver: Stream) => unknown,
): Promise<void> {
  await backend.run(async () => {
    const [sender, receiver] = await link(t)
    try {
      await body(sender, receiver)
    } finally {
      await Promise.all([sender, receiver].map((stream) => stream[Symbol.asyncDispose]().catch(() => {})))
    }
  })
}

function eachLink(title: string, body: (t: ExecutionContext, sender: Stream, receiver: Stream) => unknown): void {
  for (const [name, link] of LINKS) {
    const each = link === unix ? eachBackendWith.bind(undefined, 'unix') : eachBackendWithSockets
    each(test, `${title}: ${name}`, (t, backend) =>
      withLink(t, backend, link, (sender, receiver) => body(t, sender, receiver)),
    )
  }
}

/** A file of the test's, with these bytes. */
function fileWith(t: ExecutionContext, bytes: Uint8Array | string): string {
  const path = join(folder(t), 'ä file')
  writeFileSync(path, bytes)
  return path
}

eachLink('a file arrives whole, between what is sent before and after it', async (t, sender, receiver) => {
  const bytes = counted(1_000_003, 7)
  const path = fileWith(t, bytes)
  await createTaskGroup(async (tg) => {
    const arriving = tg.spawn(all, receiver)
    await sender.sendAll('before ')
    t.is(await sender.sendFile(path), bytes.length)
    await sender.sendAll(' after')
    await sender.sendEof()
    t.true((await arriving.value()).equals(Buffer.concat([Buffer.from('before '), bytes, Buffer.from(' after')])))
  })
})

eachLink('a file is named in every way, and a descriptor stays open where it was', async (t, sender, receiver) => {
  const path = fileWith(t, 'the text')
  const fd = openSync(path, 'r')
  const handle = await open(path)
  t.teardown(() => handle.close())
  for (const file of [path, Buffer.from(path), pathToFileURL(path), fd, handle]) {
    t.is(await sender.sendFile(file), 8)
    t.is((await receiver.receiveExactly(8)).toString(), 'the text')
  }
  // Its position has not moved.
  t.is((await handle.read({ length: 8 })).buffer.subarray(0, 8).toString(), 'the text')
  t.is(await sender.sendFile(handle), 8)
  closeSync(fd)
})

eachLink('offset and length choose a part; at the end there is no more of it', async (t, sender, receiver) => {
  const path = fileWith(t, '0123456789')
  const cases: [SendFileOptions, string][] = [
    [{}, '0123456789'],
    [{ offset: undefined, length: undefined }, '0123456789'],
    [{ offset: 4 }, '456789'],
    [{ offset: 4, length: 3 }, '456'],
    [{ length: 0 }, ''],
    [{ offset: 8, length: 100 }, '89'],
    [{ offset: 10 }, ''],
    [{ offset: 5_000_000_000 }, ''],
  ]
  for (const [options, expected] of cases) {
    t.is(await sender.sendFile(path, options), expected.length)
    await sender.sendAll('|')
    t.is((await receiver.receiveUntil('|', 100)).toString(), `${expected}|`)
  }
})

eachBackendWithSockets(
  test,
  'what is wrong with the file is told as it is, and the stream goes on',
  async (t, backend) => {
    await withLink(t, backend, tcp, async (sender, receiver) => {
      const where = folder(t)
      mkdirSync(join(where, 'inner'))
      await t.throwsAsync(sender.sendFile(join(where, 'missing')), { code: 'ENOENT' })
      await t.throwsAsync(sender.sendFile(join(where, 'inner')), { code: 'EISDIR' })
      await t.throwsAsync(sender.sendFile(where, { length: 0 }), { code: 'EISDIR' })
      await t.throwsAsync(sender.sendFile(999_999), { code: 'EBADF' })
      t.deepEqual(openIn(where), [], 'no descriptor is left')
      await sender.sendAll('fine')
      t.is((await receiver.receiveExactly(4)).toString(), 'fine')
    })
  },
)

eachBackend(test, 'bad arguments are told before anything is begun', async (t, backend) => {
  await withLink(t, backend, tcp, async (sender) => {
    const type = { instanceOf: TypeError }
    const range = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }
    const path = fileWith(t, 'x')
    const wrong = (...args: unknown[]): Promise<number> =>
      (sender.sendFile as (...args: unknown[]) => Promise<number>).apply(sender, args)
    await t.throwsAsync(wrong(), { ...type, code: 'ERR_INVALID_ARG_TYPE' })
    await t.throwsAsync(wrong({}), { ...type, code: 'ERR_INVALID_ARG_TYPE' })
    await t.throwsAsync(wrong({ fd: 'x' }), { ...type, code: 'ERR_INVALID_ARG_TYPE' })
    await t.throwsAsync(wrong(new URL('https://localhost/')), type)
    await t.throwsAsync(wrong(-1), range)
    await t.throwsAsync(wrong(1.5), range)
    await t.throwsAsync(wrong('a\0b'), range)
    await t.throwsAsync(wrong(path, 5), { ...type, code: 'ERR_INVALID_ARG_TYPE' })
    await t.throwsAsync(wrong(path, { offset: '1' }), { ...type, code: 'ERR_INVALID_ARG_TYPE' })
    for (const bad of [-1, 0.5, NaN, Infinity]) {
      await t.throwsAsync(wrong(path, { offset: bad }), range)
      await t.throwsAsync(wrong(path, { length: bad }), range)
    }
    await sender.sendEof()
    await t.throwsAsync(sender.sendFile(path), { instanceOf: ClosedResourceError })
    await sender.close()
    await t.throwsAsync(sender.sendFile(path), { instanceOf: ClosedResourceError })
  })
})

eachBackendWithSockets(
  test,
  'sends wait until the file has left; cancelled, it has sent a prefix, and what waited fails',
  async (t, backend) => {
    await withLink(t, backend, tcp, async (sender, receiver) => {
      const bytes = counted(backend.simulated ? 2_000_000 : 32_000_000, 8)
      const path = fileWith(t, bytes)
      let first: Buffer = Buffer.alloc(0)
      await openCancelScope(async (scope) => {
        const sending = sender.sendFile(path)
        // It has begun, and nobody reads more than this: it has to wait.
        first = await receiver.receiveExactly(1000)
        await openCancelScope({ shield: true }, async () => {
          const behind = [rejection(sender.sendAll('x')), rejection(sender.sendFile(path))]
          scope.cancel()
          t.true((await rejection(sending)) instanceof Cancelled)
          for (const failure of behind) t.true((await failure) instanceof BrokenResourceError)
        })
      })
      await createTaskGroup(async (tg) => {
        const arriving = tg.spawn(all, receiver)
        await sender.sendAll('the end')
        await sender.sendEof()
        const arrived = Buffer.concat([first, await arriving.value()])
        const prefix = arrived.subarray(0, -7)
        t.is(arrived.subarray(-7).toString(), 'the end')
        t.true(prefix.length < bytes.length)
        t.true(prefix.equals(bytes.subarray(0, prefix.length)))
      })
    })
  },
)

eachBackendWithSockets(test, 'in a cancelled scope nothing is opened and nothing sent', async (t, backend) => {
  await withLink(t, backend, tcp, async (sender, receiver) => {
    await openCancelScope(async (scope) => {
      scope.cancel()
      t.true((await rejection(sender.sendFile('/no/such/file'))) instanceof Cancelled)
    })
    await sender.sendAll('x')
    t.is((await receiver.receiveSome()).toString(), 'x')
  })
})

for (const length of [undefined, 20_000_000]) {
  const asked = length === undefined ? 'to its end' : 'for a length'
  eachBackendWithSockets(
    test,
    `a file that shrinks meanwhile ends where it ends now, sent ${asked}`,
    async (t, backend) => {
      await withLink(t, backend, tcp, async (sender, receiver) => {
        const size = backend.simulated ? 2_000_000 : 20_000_000
        const bytes = counted(size, 9)
        const path = fileWith(t, bytes)
        const fd = openSync(path, 'r+')
        await createTaskGroup(async (tg) => {
          const sending = tg.spawn(() => sender.sendFile(path, { length }))
          // It has begun, and cannot be done: nobody has read more than this.
          const first = await receiver.receiveExactly(1000)
          ftruncateSync(fd, 1_500_000)
          const arriving = tg.spawn(all, receiver)
          const sent = await sending.value()
          await sender.sendEof()
          const arrived = Buffer.concat([first, await arriving.value()])
          t.is(arrived.length, sent)
          t.true(sent < size && sent >= 1_000_000, `${sent} bytes`)
          t.true(arrived.equals(bytes.subarray(0, sent)))
        })
        closeSync(fd)
      })
    },
  )
}

eachBackendWithSockets(test, 'a peer that has gone fails it, and every later send', async (t, backend) => {
  await withLink(t, backend, tcp, async (sender, receiver) => {
    const path = fileWith(t, counted(backend.simulated ? 2_000_000 : 32_000_000))
    await createTaskGroup(async (tg) => {
      const sending = tg.spawn(() => rejection(sender.sendFile(path)))
      await receiver.receiveExactly(1000)
      ;(receiver as SocketStream)._connection.transport.reset()
      t.true((await sending.value()) instanceof BrokenResourceError)
      t.true((await rejection(sender.sendFile(path))) instanceof BrokenResourceError)
      t.true((await rejection(sender.sendAll('x'))) instanceof BrokenResourceError)
    })
  })
})

eachBackendWithSockets(test, 'closed by another task it is a ClosedResourceError', async (t, backend) => {
  await withLink(t, backend, tcp, async (sender, receiver) => {
    const path = fileWith(t, counted(backend.simulated ? 2_000_000 : 32_000_000))
    await createTaskGroup(async (tg) => {
      const sending = tg.spawn(() => rejection(sender.sendFile(path)))
      await receiver.receiveExactly(1000)
      await (sender as SocketStream)._connection.destroy()
      t.true((await sending.value()) instanceof ClosedResourceError)
    })
  })
})

/** The files and folders below `folder` that this process has open. Sockets of earlier tests may close meanwhile. */
function openIn(folder: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`)
      return target.startsWith(folder) ? [target] : []
    } catch {
      // The descriptor of the listing itself is gone.
      return []
    }
  })
}
