/** Files on bad days: what is missing, forbidden, full, cut or broken, pipes without another end, and bad arguments. */
import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import {
  aopen,
  Cancelled,
  checkpoint,
  ClosedResourceError,
  createTaskGroup,
  openCancelScope,
  UnsupportedError,
} from '../../index.ts'
import { eachBackendInFolder, openBelow } from '../support/files.ts'
import { rejection } from '../support/rejection.ts'

eachBackendInFolder(
  test,
  'broken text says which byte is wrong, and what stands before it is read',
  async (t, backend, folder) => {
    const path = join(folder, 'file')
    writeFileSync(path, Buffer.concat([Buffer.from('good\n'), Buffer.from('b\xe9d\nrest\n', 'latin1')]))
    await backend.run(async () => {
      await using file = await aopen(path)
      t.is(await file.readline(), 'good\n')
      for (let attempt = 0; attempt < 2; attempt++) {
        const error = (await rejection(file.readline())) as TypeError & { code: string; offset: number }
        t.true(error instanceof TypeError)
        t.is(error.code, 'ERR_ENCODING_INVALID_ENCODED_DATA')
        t.is(error.offset, 6)
        t.regex(error.message, /byte 6\b/)
      }
      await file.seek(9)
      t.is(await file.readline(), 'rest\n')
      await using replaced = await aopen(path, 'r', { errors: 'replace' })
      t.is(await replaced.read(), 'good\nb\ufffdd\nrest\n')
      await using ignored = await aopen(path, 'r', { errors: 'ignore' })
      t.is(await ignored.read(), 'good\nbd\nrest\n')
    })
  },
)

eachBackendInFolder(
  test,
  'missing, forbidden and misplaced files are the system’s errors',
  async (t, backend, folder) => {
    writeFileSync(join(folder, 'file'), '')
    const codes: [path: string, mode: string, code: string][] = [
      ['none', 'r', 'ENOENT'],
      ['file', 'x', 'EEXIST'],
      ['.', 'r', 'EISDIR'],
      ['.', 'w', 'EISDIR'],
      ['file/below', 'r', 'ENOTDIR'],
    ]
    await backend.run(async () => {
      for (const [name, mode, code] of codes) {
        const error = (await rejection(aopen(join(folder, name), mode))) as NodeJS.ErrnoException
        t.like(error, { code, syscall: 'open', path: join(folder, name) })
        t.true(error.errno! < 0 && error.message.startsWith(code))
      }
      t.like(await rejection(aopen(1_000_000)), { code: 'EBADF' })
    })
  },
)

eachBackendInFolder(
  test,
  'a full disk is told by flush, by close and by a large write, and nothing hangs',
  async (t, backend, folder) => {
    if (process.platform !== 'linux') return t.pass('there is no /dev/full')
    await backend.run(async () => {
      for (const call of ['flush', 'close'] as const) {
        const file = await aopen('/dev/full', 'w')
        await file.write('x')
        t.like(await rejection(file[call]()), { code: 'ENOSPC' })
        t.is(file.closed, call === 'close')
        if (call === 'flush') t.like(await rejection(file.close()), { code: 'ENOSPC' })
        t.true(file.closed)
        await file.close()
      }
      const large = await aopen('/dev/full', 'wb')
      t.like(await rejection(large.write(Buffer.alloc(1_000_000))), { code: 'ENOSPC' })
      await large.close()
      t.deepEqual(openBelow('/dev/full'), [])
    })
    t.deepEqual(openBelow(folder), [])
  },
)

eachBackendInFolder(test, 'a file that is cut while it is read has its end there', async (t, backend, folder) => {
  const path = join(folder, 'file')
  writeFileSync(path, 'x'.repeat(1_000_000))
  await backend.run(async () => {
    await using file = await aopen(path, 'rb')
    await file.read(100_000)
    truncateSync(path, 10)
    const rest = await file.read()
    t.true(rest.length < 900_000)
    t.is((await file.read()).length, 0)
  })
})

eachBackendInFolder(
  test,
  'a read of a pipe waits without a thread’s help, and can be cancelled',
  async (t, backend, folder) => {
    if (process.platform === 'win32') return t.pass('there are no FIFOs')
    const path = join(folder, 'fifo')
    execFileSync('mkfifo', [path])
    const writer = openSync(path, constants.O_RDWR)
    try {
      await backend.run(async () => {
        await using file = await aopen(path, 'rb')
        t.false(file.seekable())
        t.true((await rejection(file.tell())) instanceof UnsupportedError)
        await openCancelScope(async (scope) => {
          const reading = file.read(3)
          setImmediate(() => scope.cancel())
          t.true((await rejection(reading)) instanceof Cancelled)
        })
        const reading = file.read(6)
        writeSync(writer, 'abc')
        await checkpoint()
        writeSync(writer, 'def')
        t.is((await reading).toString(), 'abcdef')
        // Many of them at once keep no other file from being read.
        const waiting = await aopen(path, 'rb')
        const pending = waiting.readline()
        await using other = await aopen(import.meta.filename)
        t.true((await other.readline()).length > 0)
        await Promise.all([rejection(pending), waiting.close()]).then(([error]) => {
          t.true(error instanceof ClosedResourceError)
        })
      })
    } finally {
      closeSync(writer)
    }
  },
)

eachBackendInFolder(
  test,
  'opening a FIFO waits for its other end, and can be cancelled',
  async (t, backend, folder) => {
    if (process.platform === 'win32') return t.pass('there are no FIFOs')
    const path = join(folder, 'fifo')
    execFileSync('mkfifo', [path])
    await backend.run(async () => {
      for (const mode of ['rb', 'wb'] as const) {
        const scope = await openCancelScope(async (scope) => {
          setImmediate(() => scope.cancel())
          await aopen(path, mode)
        })
        t.is(scope, undefined)
      }
      // At whatever moment, also before the thread has come to wait.
      for (let round = 0; round < 40; round++) {
        await createTaskGroup(async (tg) => {
          for (let call = 0; call < 3; call++) tg.spawn(() => aopen(path, round % 2 === 0 ? 'rb' : 'wb'))
          if (round % 3 > 0) await checkpoint()
          tg.cancelScope.cancel()
        })
      }
      await createTaskGroup(async (tg) => {
        tg.spawn(async () => {
          await using file = await aopen(path, 'wb')
          await file.write(Buffer.from('through'))
        })
        await using file = await aopen(path, 'rb')
        t.is((await file.read()).toString(), 'through')
      })
    })
  },
)

eachBackendInFolder(
  test,
  'a file left open is closed when its run ends, with what was written, and a warning',
  async (t, backend, folder) => {
    const path = join(folder, 'file')
    const warning = new Promise<Error & { code?: string }>((resolve) => process.once('warning', resolve))
    await backend.run(async () => {
      const file = await aopen(path, 'w')
      await file.write('kept')
    })
    const { code, message } = await warning
    t.is(code, 'STRUCTIO_LEFT_OPEN')
    t.true(message.includes(JSON.stringify(path)), message)
    t.is(readFileSync(path, 'utf8'), 'kept')
  },
)

eachBackendInFolder(test, 'bad arguments fail before anything is opened', async (t, backend, folder) => {
  const path = join(folder, 'file')
  await backend.run(async () => {
    const bad: [call: () => Promise<unknown>, code: string][] = [
      [() => aopen(path, 'q'), 'ERR_OUT_OF_RANGE'],
      [() => aopen(path, 'rw'), 'ERR_OUT_OF_RANGE'],
      [() => aopen(path, 'rr'), 'ERR_OUT_OF_RANGE'],
      [() => aopen(path, 'wbt'), 'ERR_OUT_OF_RANGE'],
      [() => aopen(path, ''), 'ERR_OUT_OF_RANGE'],
      [() => aopen(path, 1 as never), 'ERR_INVALID_ARG_TYPE'],
      [() => aopen({} as never), 'ERR_INVALID_ARG_TYPE'],
      [() => aopen('a\0b'), 'ERR_OUT_OF_RANGE'],
      [() => aopen(-1), 'ERR_OUT_OF_RANGE'],
      [() => aopen(1.5), 'ERR_OUT_OF_RANGE'],
      [() => aopen(path, 'w', { encoding: 'klingon' }), 'ERR_OUT_OF_RANGE'],
      [() => aopen(path, 'w', { errors: 'x' as never }), 'ERR_OUT_OF_RANGE'],
      [() => aopen(path, 'w', { newline: 'x' as never }), 'ERR_OUT_OF_RANGE'],
      [() => aopen(path, 'wb', { encoding: 'utf-8' }), 'ERR_USAGE'],
      [() => aopen(path, 'wb', { newline: '' }), 'ERR_USAGE'],
      [() => aopen(path, 'w', { bufferSize: 0 }), 'ERR_OUT_OF_RANGE'],
      [() => aopen(path, 'w', { bufferSize: -1 }), 'ERR_OUT_OF_RANGE'],
      [() => aopen(path, 'w', { closefd: false }), 'ERR_USAGE'],
      [() => aopen(path, 'w', { opener: 1 as never }), 'ERR_INVALID_ARG_TYPE'],
      [() => aopen(path, 'w', null as never), 'ERR_INVALID_ARG_TYPE'],
    ]
    for (const [call, code] of bad) t.like(await rejection(call()), { code }, String(call))
    t.like(await rejection(aopen(path)), { code: 'ENOENT' })
    await using file = await aopen(path, 'w+')
    t.like(await rejection(file.read(-2)), { code: 'ERR_OUT_OF_RANGE' })
    t.like(await rejection(file.read('1' as never)), { code: 'ERR_INVALID_ARG_TYPE' })
    t.like(await rejection(file.write(Buffer.alloc(1) as never)), { code: 'ERR_INVALID_ARG_TYPE' })
    t.like(await rejection(file.writelines('ab' as never)), { code: 'ERR_INVALID_ARG_TYPE' })
    t.like(await rejection(file.seek(-1)), { code: 'ERR_OUT_OF_RANGE' })
    t.like(await rejection(file.seek(0, 3)), { code: 'ERR_OUT_OF_RANGE' })
    t.like(await rejection(file.truncate(-1)), { code: 'ERR_OUT_OF_RANGE' })
    await using binary = await aopen(path, 'w+b')
    t.like(await rejection(binary.write('x' as never)), { code: 'ERR_INVALID_ARG_TYPE' })
    t.like(await rejection(binary.write(new Uint8Array(new SharedArrayBuffer(1)))), { code: 'ERR_INVALID_ARG_TYPE' })
  })
})

eachBackendInFolder(test, 'two gibibytes are written by one call', async (t, backend) => {
  // One copy of them is enough: the addon makes one.
  if (backend.label.startsWith('native')) {
    t.pass()
    return
  }
  await backend.run(async () => {
    await using file = await aopen('/dev/null', 'wb')
    t.is(await file.write(Buffer.alloc(2 ** 31)), 2 ** 31)
  })
})
