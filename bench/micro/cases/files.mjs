// Files: lines, reads at random places, and whole small files, all of them in the system's cache.
//
// A peer reads what we read, in the form in which its user would write it: node:readline with `for await` and with events, lines
// as strings everywhere; reads into memory of the caller's own beside reads into memory of ours.

import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { allBlocks } from '../subjects.mjs'

const LINES = 200_000
const PAGES = 16_384
const PAGE = 4096
const READS = 20_000
const WHOLE = 2000

/** Characters that a batch of lines is asked to have. */
const BATCH = 64 * 1024

const folder = mkdtempSync(join(tmpdir(), 'structio-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const make = {
  log() {
    const lines = Array.from(
      { length: LINES },
      (_, index) => `2026-01-01T00:00:00Z app[${index}]: a line as logs have them, of some eighty bytes\n`,
    )
    return file('log', lines.join(''))
  },
  pages: () => file('pages', Buffer.alloc(PAGES * PAGE, 1)),
  small: () => file('small', Buffer.alloc(64 * 1024, 1)),
}

function file(name, content) {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

/** Far apart, so that nothing is read ahead by chance. */
const place = (index) => ((index * 7919) % PAGES) * PAGE

const structio = (input, block) => async () => {
  const library = await import('structio')
  const path = make[input]()
  return (operations, watch) =>
    library.run(() => allBlocks(block(library, path), operations, watch), { backend: 'native' })
}

const node = (input, block) => async () => {
  const path = make[input]()
  return (operations, watch) => allBlocks(block(path), operations, watch)
}

// ── structio

const lines =
  ({ aopen }, path) =>
  async () => {
    const opened = await aopen(path)
    let length = 0
    for await (const line of opened) length += line.length
    await opened.close()
    return length
  }

const batches =
  ({ aopen }, path) =>
  async () => {
    const opened = await aopen(path)
    let length = 0
    for (;;) {
      const batch = await opened.readlines(BATCH)
      if (batch.length === 0) break
      for (const line of batch) length += line.length
    }
    await opened.close()
    return length
  }

const pages =
  ({ aopen }, path) =>
  async (operations) => {
    const opened = await aopen(path, 'rb')
    for (let index = 0; index < operations; index += 1) {
      await opened.seek(place(index))
      await opened.read(PAGE)
    }
    await opened.close()
  }

const pagesInto =
  ({ aopen }, path) =>
  async (operations) => {
    const opened = await aopen(path, 'rb')
    const view = Buffer.alloc(PAGE)
    for (let index = 0; index < operations; index += 1) {
      await opened.seek(place(index))
      await opened.readinto(view)
    }
    await opened.close()
  }

const whole = ({ Path }, path) => {
  const here = new Path(path)
  return async (operations) => {
    for (let done = 0; done < operations; done += 1) await here.readBytes()
  }
}

const opened =
  ({ aopen }, path) =>
  async (operations) => {
    for (let done = 0; done < operations; done += 1) {
      const small = await aopen(path, 'rb')
      await small.read()
      await small.close()
    }
  }

// ── Node

const readline = (path) => async () => {
  let length = 0
  for await (const line of createInterface({ input: createReadStream(path) })) length += line.length
  return length
}

const readlineEvents = (path) => () =>
  new Promise((resolve) => {
    let length = 0
    const lines = createInterface({ input: createReadStream(path) })
    lines.on('line', (line) => (length += line.length))
    lines.on('close', () => resolve(length))
  })

const readLines = (path) => async () => {
  const handle = await open(path)
  let length = 0
  for await (const line of handle.readLines()) length += line.length
  return length
}

const fileHandle = (path) => async (operations) => {
  const handle = await open(path)
  const view = Buffer.alloc(PAGE)
  for (let index = 0; index < operations; index += 1) await handle.read(view, 0, PAGE, place(index))
  await handle.close()
}

const wholeByNode = (path) => async (operations) => {
  for (let done = 0; done < operations; done += 1) await readFile(path)
}

const linePeers = {
  readline: node('log', readline),
  'readline-events': node('log', readlineEvents),
  'read-lines': node('log', readLines),
}

export const files = {
  'file-lines': { operations: LINES, subjects: { structio: structio('log', lines), ...linePeers } },
  'file-line-batches': { operations: LINES, subjects: { structio: structio('log', batches), ...linePeers } },
  'file-pages': {
    operations: READS,
    subjects: { structio: structio('pages', pages), 'file-handle': node('pages', fileHandle) },
  },
  'file-pages-into': {
    operations: READS,
    subjects: { structio: structio('pages', pagesInto), 'file-handle': node('pages', fileHandle) },
  },
  'file-whole': {
    operations: WHOLE,
    subjects: { structio: structio('small', whole), 'read-file': node('small', wholeByNode) },
  },
  'file-open-read': {
    operations: WHOLE,
    subjects: { structio: structio('small', opened), 'read-file': node('small', wholeByNode) },
  },
}
