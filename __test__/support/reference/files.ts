/** Uses of the reference: files. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { aopen, AsyncFile, ClosedResourceError } from '../../../index.ts'
import { rejection } from '../rejection.ts'
import { type Entry, functions, members } from './use.ts'

/** A file with `content`, gone after the test. */
function fileWith(t: ExecutionContext, content = 'one\ntwo\nthree'): string {
  const folder = mkdtempSync(join(tmpdir(), 'structio-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'file')
  writeFileSync(path, content)
  return path
}

const open = functions({
  async aopen(t) {
    const path = fileWith(t)
    await using text = await aopen(path)
    t.is(await text.read(), 'one\ntwo\nthree')
    await using bytes = await aopen(path, 'rb')
    t.deepEqual(await bytes.read(3), Buffer.from('one'))
  },
})

const reading = members('AsyncFile', [AsyncFile], {
  async read(t) {
    await using file = await aopen(fileWith(t))
    t.is(await file.read(5), 'one\nt')
    t.is(await file.read(), 'wo\nthree')
    t.is(await file.read(), '')
  },
  async read1(t) {
    await using file = await aopen(fileWith(t), 'rb')
    t.is((await file.read1(2)).toString(), 'on')
  },
  async readline(t) {
    await using file = await aopen(fileWith(t))
    t.is(await file.readline(), 'one\n')
    t.is(await file.readline(2), 'tw')
  },
  async readlines(t) {
    await using file = await aopen(fileWith(t))
    t.deepEqual(await file.readlines(), ['one\n', 'two\n', 'three'])
  },
  async readinto(t) {
    await using file = await aopen(fileWith(t), 'rb')
    const view = Buffer.alloc(5)
    t.is(await file.readinto(view), 5)
    t.is(view.toString(), 'one\nt')
  },
  async readinto1(t) {
    await using file = await aopen(fileWith(t), 'rb')
    const view = Buffer.alloc(3)
    t.is(await file.readinto1(view), 3)
    t.is(view.toString(), 'one')
  },
})

const writing = members('AsyncFile', [AsyncFile], {
  async write(t) {
    const path = fileWith(t)
    await using file = await aopen(path, 'w')
    t.is(await file.write('new'), 3)
    await file.close()
    t.is(readFileSync(path, 'utf8'), 'new')
  },
  async writelines(t) {
    const path = fileWith(t)
    await using file = await aopen(path, 'a')
    await file.writelines(['!\n', 'four\n'])
    await file.close()
    t.is(readFileSync(path, 'utf8'), 'one\ntwo\nthree!\nfour\n')
  },
  async truncate(t) {
    const path = fileWith(t)
    await using file = await aopen(path, 'r+')
    await file.truncate(3)
    t.is(readFileSync(path, 'utf8'), 'one')
  },
  async flush(t) {
    const path = fileWith(t)
    await using file = await aopen(path, 'w')
    await file.write('flushed')
    await file.flush()
    t.is(readFileSync(path, 'utf8'), 'flushed')
  },
  async close(t) {
    const path = fileWith(t)
    const file = await aopen(path, 'w')
    await file.write('written')
    await file.close()
    t.true(file.closed)
    t.is(readFileSync(path, 'utf8'), 'written')
    t.true((await rejection(file.read())) instanceof ClosedResourceError)
  },
})

const moving = members('AsyncFile', [AsyncFile], {
  async seek(t) {
    await using file = await aopen(fileWith(t))
    await file.seek(4)
    t.is(await file.readline(), 'two\n')
  },
  async tell(t) {
    await using file = await aopen(fileWith(t))
    await file.readline()
    const place = await file.tell()
    await file.readline()
    await file.seek(place)
    t.is(await file.readline(), 'two\n')
  },
})

const words: Record<string, Entry> = {
  'AsyncFile iteration': {
    reaches: [{ of: AsyncFile, member: Symbol.asyncIterator }],
    async use(t) {
      await using file = await aopen(fileWith(t))
      const lines: string[] = []
      for await (const line of file) lines.push(line)
      t.deepEqual(lines, ['one\n', 'two\n', 'three'])
    },
  },
  'AsyncFile context manager': {
    reaches: [{ of: AsyncFile, member: Symbol.asyncDispose }],
    async use(t) {
      let outside: AsyncFile | undefined
      {
        await using file = await aopen(fileWith(t))
        outside = file
        t.false(file.closed)
      }
      t.true(outside.closed)
    },
  },
}

export const fileUses: Record<string, Entry> = { ...open, ...reading, ...writing, ...moving, ...words }
