/** `Path`, and what is temporary. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import {
  aopen,
  Cancelled,
  NamedTemporaryFile,
  openCancelScope,
  Path,
  ResourceBusyError,
  TemporaryDirectory,
  TemporaryFile,
} from '../../index.ts'
import { eachBackendInFolder, openBelow } from '../support/files.ts'
import { rejection } from '../support/rejection.ts'

const names = async (paths: AsyncIterable<Path>, folder: Path): Promise<string[]> => {
  const found: string[] = []
  for await (const path of paths) found.push(path.relativeTo(folder).toString())
  return found.sort()
}

eachBackendInFolder(test, 'whole files are read and written', async (t, backend, folder) => {
  await backend.run(async () => {
    const path = new Path(folder, 'file')
    t.is(await path.writeText('héllo\n'), 6)
    t.is(await path.readText(), 'héllo\n')
    t.is(await path.writeBytes(Buffer.from('a\r\nb\xff', 'latin1')), 5)
    t.is((await path.readBytes()).toString('latin1'), 'a\r\nb\xff')
    t.is(await path.readText({ encoding: 'latin1' }), 'a\nb\xff')
    t.like(await rejection(path.readText()), { code: 'ERR_ENCODING_INVALID_ENCODED_DATA', offset: 4 })
    const large = Buffer.alloc(3_000_000, 'abc')
    await path.writeBytes(large)
    t.true((await path.readBytes()).equals(large))
    t.like(await rejection(new Path(folder, 'none').readBytes()), { code: 'ENOENT' })
    t.like(await rejection(new Path(folder).readBytes()), { code: 'EISDIR' })
    t.like(await rejection(new Path(folder, 'none', 'x').writeBytes(large)), { code: 'ENOENT' })
    t.like(await rejection(path.writeText(1 as never)), { code: 'ERR_INVALID_ARG_TYPE' })
    if (process.platform === 'linux') t.like(await rejection(new Path('/dev/full').writeText('x')), { code: 'ENOSPC' })
  })
})

eachBackendInFolder(test, 'what is at a path is asked, made, moved and removed', async (t, backend, folder) => {
  await backend.run(async () => {
    const path = new Path(folder, 'a', 'b', 'c')
    t.like(await rejection(path.mkdir()), { code: 'ENOENT' })
    await path.mkdir({ parents: true })
    t.like(await rejection(path.mkdir()), { code: 'EEXIST' })
    t.like(await rejection(path.mkdir({ parents: true })), { code: 'EEXIST' })
    await path.mkdir({ existOk: true })
    t.deepEqual([await path.exists(), await path.isDir(), await path.isFile()], [true, true, false])
    const file = path.joinpath('file.txt')
    await file.touch()
    await file.touch()
    t.like(await rejection(file.touch({ existOk: false })), { code: 'EEXIST' })
    t.like(await rejection(file.joinpath('below').mkdir({ existOk: true })), { code: 'ENOTDIR' })
    t.like(await rejection(file.mkdir({ existOk: true })), { code: 'EEXIST' })
    t.is((await file.stat()).size, 0)
    await file.chmod(0o600)
    t.is((await file.stat()).mode & 0o777, 0o600)
    const renamed = await file.rename(path.joinpath('other.txt'))
    t.is(renamed.name, 'other.txt')
    t.false(await file.exists())
    await file.symlinkTo('other.txt')
    t.true((await file.isSymlink()) && (await file.isFile()) && (await file.samefile(renamed)))
    t.is(String(await file.readlink()), 'other.txt')
    t.is(String(await file.resolve()), String(await renamed.resolve()))
    t.is(
      String(await path.joinpath('..', 'none', 'x').resolve()),
      String((await path.parent.resolve()).joinpath('none', 'x')),
    )
    t.like(await rejection(path.joinpath('none').resolve({ strict: true })), { code: 'ENOENT' })
    const copy = await renamed.copy(path.joinpath('copy'))
    t.is(await copy.readText(), '')
    await copy.move(path.joinpath('moved'))
    await path.joinpath('hard').hardlinkTo(renamed)
    t.like(await rejection(path.rmdir()), { code: 'ENOTEMPTY' })
    for (const name of ['file.txt', 'other.txt', 'moved', 'hard']) await path.joinpath(name).unlink()
    t.like(await rejection(file.unlink()), { code: 'ENOENT' })
    await file.unlink({ missingOk: true })
    await path.rmdir()
    t.false(await path.exists())
    t.true(await new Path('/').isMount())
  })
})

eachBackendInFolder(test, 'folders are listed, searched and walked through', async (t, backend, folder) => {
  for (const name of ['a', 'a/b', 'd']) mkdirSync(join(folder, name))
  for (const name of ['x.txt', 'a/y.txt', 'a/b/z.txt', 'a/b/z.md', 'd/.hidden']) writeFileSync(join(folder, name), '')
  symlinkSync(join(folder, 'a'), join(folder, 'd', 'link'))
  await backend.run(async () => {
    const root = new Path(folder)
    t.deepEqual(await names(root.iterdir(), root), ['a', 'd', 'x.txt'])
    t.deepEqual(await names(root.glob('*.txt'), root), ['x.txt'])
    t.deepEqual(await names(root.glob('*/*'), root), ['a/b', 'a/y.txt', 'd/.hidden', 'd/link'])
    t.deepEqual(await names(root.glob('**/*.txt'), root), ['a/b/z.txt', 'a/y.txt', 'x.txt'])
    t.deepEqual(await names(root.rglob('z.*'), root), ['a/b/z.md', 'a/b/z.txt'])
    t.deepEqual(await names(root.glob('**'), root), ['.', 'a', 'a/b', 'd'])
    t.deepEqual(await names(root.glob('d/link/*'), root), ['d/link/b', 'd/link/y.txt'])
    t.deepEqual(await names(root.glob('[!x]/**/[x-z].??'), root), ['a/b/z.md'])
    const walked: unknown[] = []
    for await (const [path, folders, files] of root.walk()) {
      walked.push([path.relativeTo(root).toString(), [...folders].sort(), files.sort()])
      folders.splice(0, Infinity, ...folders.filter((name) => name !== 'b').sort())
    }
    t.deepEqual(walked, [
      ['.', ['a', 'd'], ['x.txt']],
      ['a', ['b'], ['y.txt']],
      ['d', ['link'], ['.hidden']],
    ])
    const up: string[] = []
    for await (const [path] of root.walk({ topDown: false })) up.push(path.relativeTo(root).toString())
    t.is(up.at(-1), '.')
    t.true(up.indexOf('a/b') < up.indexOf('a'))
    t.like(await rejection(names(root.joinpath('none').iterdir(), root)), { code: 'ENOENT' })
    t.throws(() => root.glob('/x'), { code: 'ERR_OUT_OF_RANGE' })
  })
})

eachBackendInFolder(test, 'a listing survives a cancelled next(), and has one reader', async (t, backend, folder) => {
  writeFileSync(join(folder, 'file'), '')
  await backend.run(async () => {
    const entries = new Path(folder).iterdir()
    await openCancelScope(async (scope) => {
      scope.cancel()
      t.true((await rejection(entries.next())) instanceof Cancelled)
    })
    const first = entries.next()
    t.true((await rejection(entries.next())) instanceof ResourceBusyError)
    t.is(((await first).value as Path).name, 'file')
    t.true((await entries.next()).done)
  })
})

eachBackendInFolder(test, 'a temporary file is gone when it is closed', async (t, backend, folder) => {
  await backend.run(async () => {
    const options = { dir: folder, prefix: 'p-', suffix: '.x' }
    const nameless = await TemporaryFile('w+', options)
    t.is(nameless.name, nameless.fd)
    t.deepEqual(await names(new Path(folder).iterdir(), new Path(folder)), [])
    await nameless.write('text')
    await nameless.seek(0)
    t.is(await nameless.read(), 'text')
    await nameless.close()
    const named = await NamedTemporaryFile(undefined, { ...options, dir: new Path(folder) })
    const name = String(named.name)
    t.regex(name, /p-[0-9a-f]+\.x$/)
    t.is(statSync(name).mode & 0o777, 0o600)
    await named.write(Buffer.from('x'))
    await named.flush()
    t.is(readFileSync(name, 'utf8'), 'x')
    await openCancelScope(async (scope) => {
      scope.cancel()
      await t.notThrowsAsync(named.close())
      t.false(existsSync(name))
    })
    const kept = await NamedTemporaryFile('w', { ...options, delete: false })
    await kept.close()
    t.true(existsSync(String(kept.name)))
    t.like(await rejection(TemporaryFile('r' as never)), { code: 'ERR_USAGE' })
    t.like(await rejection(TemporaryFile('w', { prefix: 'a/b' })), { code: 'ERR_OUT_OF_RANGE' })
    t.like(await rejection(TemporaryFile('w', { dir: join(folder, 'none') })), { code: 'ENOENT' })
  })
})

eachBackendInFolder(test, 'a temporary directory is gone with all that is in it', async (t, backend, folder) => {
  await backend.run(async () => {
    const directory = await TemporaryDirectory({ dir: folder })
    await directory.path.joinpath('a').mkdir()
    await directory.path.joinpath('a', 'file').writeText('x')
    await openCancelScope(async (scope) => {
      scope.cancel()
      await t.notThrowsAsync(directory.close())
      t.false(existsSync(directory.name))
    })
    await directory.close()
    const kept = await TemporaryDirectory({ dir: folder, delete: false })
    await kept.close()
    t.true(existsSync(kept.name))
  })
})

eachBackendInFolder(test, 'what is temporary and left open is gone when its run ends', async (t, backend, folder) => {
  const warnings: string[] = []
  const listener = ({ message }: Error): void => void warnings.push(message)
  process.on('warning', listener)
  await backend.run(async () => {
    await TemporaryDirectory({ dir: folder })
    const file = await NamedTemporaryFile('w', { dir: folder })
    await file.write('x')
  })
  await new Promise((resolve) => setImmediate(resolve))
  process.removeListener('warning', listener)
  t.is(warnings.length, 2)
  t.deepEqual(execFileSync('ls', [folder], { encoding: 'utf8' }), '')
  t.deepEqual(openBelow(folder), [])
})

eachBackendInFolder(test, 'a Path is opened as a file', async (t, backend, folder) => {
  await backend.run(async () => {
    const path = new Path(folder, 'file')
    await using file = await path.open('w')
    await file.write('x')
    await file.flush()
    await using again = await aopen(path)
    t.is(await again.read(), 'x')
  })
})
