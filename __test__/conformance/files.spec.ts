/** Files: cancellation, closing, order, and what a scope owns. What the methods do is compared with Python elsewhere. */
import { closeSync, constants, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import {
  aopen,
  checkpoint,
  type AsyncFile,
  Cancelled,
  ClosedResourceError,
  createTaskGroup,
  moveOnAfter,
  openCancelScope,
  ResourceBusyError,
  UnsupportedError,
  waitAllTasksBlocked,
} from '../../index.ts'
import { eachBackendInFolder, openBelow } from '../support/files.ts'
import { rejection } from '../support/rejection.ts'

const MIXED = 'one\ntwo\r\nthree\rfour\n\nunfinished'

eachBackendInFolder(
  test,
  'F1: a file closed in a cancelled scope is really closed, and flushed; close resolves, and the next checkpoint raises',
  async (t, backend, folder) => {
    const path = join(folder, 'file')
    await backend.run(async () => {
      const file = await aopen(path, 'w')
      await file.write('kept')
      await openCancelScope(async (scope) => {
        scope.cancel()
        await t.notThrowsAsync(file.close())
        t.true(file.closed)
        t.deepEqual(openBelow(folder), [])
        t.true((await rejection(checkpoint())) instanceof Cancelled)
      })
      t.is(readFileSync(path, 'utf8'), 'kept')
      await file.close()
    })
  },
)

eachBackendInFolder(
  test,
  'F1: a disposer closes in a cancelled scope, and raises no cancellation',
  async (t, backend, folder) => {
    await backend.run(async () => {
      const scope = await openCancelScope(async (scope) => {
        const file = await aopen(join(folder, 'file'), 'w')
        scope.cancel()
        await file[Symbol.asyncDispose]()
        t.true(file.closed)
        return scope
      })
      t.false(scope!.cancelledCaught)
    })
  },
)

eachBackendInFolder(
  test,
  'F2: lines of mixed newlines, the last of them unfinished, come as they are read at once',
  async (t, backend, folder) => {
    const path = join(folder, 'file')
    writeFileSync(path, MIXED)
    await backend.run(async () => {
      await using file = await aopen(path)
      const lines: string[] = []
      for await (const line of file) lines.push(line)
      t.deepEqual(lines, ['one\n', 'two\n', 'three\n', 'four\n', '\n', 'unfinished'])
      await file.seek(0)
      t.deepEqual(await file.readlines(), lines)
      await file.seek(0)
      t.is(await file.read(), lines.join(''))
    })
  },
)

eachBackendInFolder(test, 'F2: lines longer and shorter than any buffer are whole', async (t, backend, folder) => {
  const path = join(folder, 'file')
  const lines = [1, 100, 16_384, 65_536, 300_000, 5].map((length, index) => `${'é'.repeat(length)}${index}\r\n`)
  writeFileSync(path, lines.join(''))
  await backend.run(async () => {
    await using text = await aopen(path, 'r', { newline: '' })
    const read: string[] = []
    for await (const line of text) read.push(line)
    t.deepEqual(read, lines)
    await using binary = await aopen(path, 'rb')
    const bytes: string[] = []
    for await (const line of binary) bytes.push(line.toString())
    t.deepEqual(bytes, lines)
  })
})

eachBackendInFolder(
  test,
  'F3: after a read that was cancelled in flight the next one goes on where that left off',
  async (t, backend, folder) => {
    const path = join(folder, 'file')
    const content = Array.from({ length: 40_000 }, (_, index) => `line ${index}\n`).join('')
    writeFileSync(path, content)
    await backend.run(async () => {
      for (const read of [
        (file: AsyncFile<string>) => file.read(),
        (file: AsyncFile<string>) => file.read(300_000),
        async (file: AsyncFile<string>) => (await file.readlines()).join(''),
        (file: AsyncFile<string>) => file.readline(),
      ]) {
        await using file = await aopen(path)
        let got = await file.readline()
        await openCancelScope(async (scope) => {
          const pending = read(file)
          scope.cancel()
          got += await pending
        })
        got += await file.read(10)
        got += (await file.readlines()).join('')
        t.is(got, content)
      }
    })
  },
)

eachBackendInFolder(test, 'F3: binary reads, too, lose and repeat nothing', async (t, backend, folder) => {
  const path = join(folder, 'file')
  const content = Buffer.alloc(3_000_000, 'some bytes, and a line end\n')
  writeFileSync(path, content)
  await backend.run(async () => {
    await using file = await aopen(path, 'rb')
    const pieces: Buffer[] = []
    const view = Buffer.alloc(400_000)
    for (const read of [
      () => file.read(500_000),
      async () => view.subarray(0, await file.readinto(view)),
      async () => Buffer.concat(await file.readlines()),
      () => file.read(),
    ]) {
      await openCancelScope(async (scope) => {
        const pending = read()
        scope.cancel()
        pieces.push(Buffer.from(await pending))
      })
    }
    pieces.push(await file.read())
    t.true(Buffer.concat(pieces).equals(content))
    t.is(await file.tell(), content.length)
  })
})

eachBackendInFolder(
  test,
  'operations of several tasks on one file are carried out in the order of the calls',
  async (t, backend, folder) => {
    const path = join(folder, 'file')
    await backend.run(async () => {
      const file = await aopen(path, 'w+b')
      await createTaskGroup((tg) => {
        for (let task = 0; task < 20; task++) {
          tg.spawn(async () => {
            await file.write(Buffer.from(`${task},`))
            if (task % 5 === 0) await file.flush()
          })
        }
      })
      const calls = [
        file.seek(0),
        file.read(4),
        file.seek(0, 2),
        file.write(Buffer.from('end')),
        file.seek(0),
        file.read(),
      ]
      const [, head, , , , all] = await Promise.all(calls)
      t.is(String(head), '0,1,')
      t.is(String(all), `${Array.from({ length: 20 }, (_, task) => `${task},`).join('')}end`)
      // What was begun before it comes before it.
      const [last] = await Promise.all([file.tell(), file.close()])
      t.is(last, String(all).length)
    })
  },
)

eachBackendInFolder(
  test,
  'a second next() of one iterator is busy, and the first gets its line',
  async (t, backend, folder) => {
    const path = join(folder, 'file')
    writeFileSync(path, 'a\nb\n')
    await backend.run(async () => {
      await using file = await aopen(path)
      const lines = file[Symbol.asyncIterator]()
      const first = lines.next()
      t.true((await rejection(lines.next())) instanceof ResourceBusyError)
      t.deepEqual(await first, { done: false, value: 'a\n' })
      t.deepEqual(await lines.next(), { done: false, value: 'b\n' })
      t.true((await lines.next()).done)
    })
  },
)

eachBackendInFolder(
  test,
  'an iterator survives a cancelled next(), and break leaves the file open',
  async (t, backend, folder) => {
    const path = join(folder, 'file')
    writeFileSync(path, 'a\nb\nc\n')
    await backend.run(async () => {
      await using file = await aopen(path)
      const lines = file[Symbol.asyncIterator]()
      await openCancelScope(async (scope) => {
        scope.cancel()
        t.true((await rejection(lines.next())) instanceof Cancelled)
      })
      t.deepEqual(await lines.next(), { done: false, value: 'a\n' })
      for await (const line of file) {
        t.is(line, 'b\n')
        break
      }
      t.is(await file.readline(), 'c\n')
    })
  },
)

eachBackendInFolder(test, 'after close every call is ClosedResourceError', async (t, backend, folder) => {
  await backend.run(async () => {
    const file = await aopen(join(folder, 'file'), 'w+b')
    await file.close()
    const calls = [
      () => file.read(),
      () => file.read1(),
      () => file.readline(),
      () => file.readlines(),
      () => file.readinto(Buffer.alloc(1)),
      () => file.write(Buffer.alloc(1)),
      () => file.writelines([]),
      () => file.truncate(),
      () => file.seek(0),
      () => file.tell(),
      () => file.flush(),
      () => file[Symbol.asyncIterator]().next(),
    ]
    for (const call of calls) t.true((await rejection(call())) instanceof ClosedResourceError, String(call))
    t.throws(() => file.fd, { instanceOf: ClosedResourceError })
    t.throws(() => file.readable(), { instanceOf: ClosedResourceError })
    t.deepEqual([file.name, file.mode, file.closed], [join(folder, 'file'), 'w+b', true])
  })
})

eachBackendInFolder(test, 'what the mode does not allow is UnsupportedError', async (t, backend, folder) => {
  await backend.run(async () => {
    await using writes = await aopen(join(folder, 'file'), 'w')
    await using reads = await aopen(join(folder, 'file'))
    for (const call of [
      () => writes.read(),
      () => writes.readline(),
      () => reads.write('x'),
      () => reads.truncate(0),
    ]) {
      t.true((await rejection(call())) instanceof UnsupportedError, String(call))
    }
    for (const call of [() => reads.read1(1), () => reads.readinto(Buffer.alloc(1)), () => reads.seek(1, 1)]) {
      t.true((await rejection(call())) instanceof UnsupportedError, String(call))
    }
    t.deepEqual([reads.readable(), reads.writable(), reads.seekable()], [true, false, true])
    t.deepEqual([writes.readable(), writes.writable(), writes.seekable()], [false, true, true])
  })
})

eachBackendInFolder(test, 'descriptors: closefd, and an opener', async (t, backend, folder) => {
  const path = join(folder, 'file')
  writeFileSync(path, 'abcdef')
  const fd = openSync(path, 'r')
  await backend.run(async () => {
    const lent = await aopen(fd, 'rb', { closefd: false })
    t.is(lent.fd, fd)
    t.is((await lent.read(2)).toString(), 'ab')
    await lent.close()
    const own = await aopen(fd, 'rb')
    await own.seek(1)
    t.is((await own.read()).toString(), 'bcdef')
    await own.close()
    const seen: unknown[] = []
    const opened = await aopen('elsewhere', 'r', {
      opener: async (name, flags) => {
        seen.push(name, flags)
        return openSync(path, flags)
      },
    })
    t.is(await opened.read(), 'abcdef')
    await opened.close()
    t.deepEqual(seen, ['elsewhere', constants.O_RDONLY])
    t.like(await rejection(aopen('x', 'r', { opener: () => -1 })), { code: 'ERR_OUT_OF_RANGE' })
  })
  t.throws(() => closeSync(fd), { code: 'EBADF' })
})

eachBackendInFolder(test, 'while a file is worked on, simulated time stands still', async (t, backend, folder) => {
  const path = join(folder, 'file')
  writeFileSync(path, Buffer.alloc(2_000_000))
  await backend.run(async () => {
    await using file = await aopen(path, 'rb')
    // An hour of the virtual clock, and more than long enough on a real one.
    t.is((await moveOnAfter(3_600_000, () => file.read()))?.length, 2_000_000)
    await waitAllTasksBlocked()
  })
})
