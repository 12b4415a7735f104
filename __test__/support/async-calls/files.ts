/** Paths and files. */
import {
  aopen,
  type AsyncFile,
  NamedTemporaryFile,
  type Path,
  TemporaryDirectory,
  TemporaryFile,
} from '../../../index.ts'
import type { Check, Row } from './calls.ts'
import { withPath } from './set-ups.ts'

/** Calls that ask the system about a path. */
export const ofPaths: Record<string, (check: Check, folder: Path) => Promise<unknown>> = {
  absolute: (check, folder) => check(() => folder.absolute()),
  expanduser: (check, folder) => check(() => folder.expanduser()),
  resolve: (check, folder) => check(() => folder.resolve()),
  stat: (check, folder) => check(() => folder.stat()),
  lstat: (check, folder) => check(() => folder.lstat()),
  exists: (check, folder) => check(() => folder.exists()),
  isFile: (check, folder) => check(() => folder.isFile()),
  isDir: (check, folder) => check(() => folder.isDir()),
  isSymlink: (check, folder) => check(() => folder.isSymlink()),
  isFifo: (check, folder) => check(() => folder.isFifo()),
  isSocket: (check, folder) => check(() => folder.isSocket()),
  isBlockDevice: (check, folder) => check(() => folder.isBlockDevice()),
  isCharDevice: (check, folder) => check(() => folder.isCharDevice()),
  isMount: (check, folder) => check(() => folder.isMount()),
  samefile: (check, folder) => check(() => folder.samefile(folder)),
  open: async (check, folder) => {
    await using _ = await check(() => folder.joinpath('opened').open('w'))
  },
  readBytes: (check, folder) => check(() => folder.joinpath('file').readBytes()),
  readText: (check, folder) => check(() => folder.joinpath('file').readText()),
  writeBytes: (check, folder) => check(() => folder.joinpath('file').writeBytes(Buffer.from('x'))),
  writeText: (check, folder) => check(() => folder.joinpath('file').writeText('x')),
  mkdir: (check, folder) => check(() => folder.joinpath('made').mkdir()),
  rmdir: async (check, folder) => {
    const path = folder.joinpath('made')
    await path.mkdir()
    await check(() => path.rmdir())
  },
  unlink: (check, folder) => check(() => folder.joinpath('file').unlink()),
  rename: (check, folder) => check(() => folder.joinpath('file').rename(folder.joinpath('other'))),
  replace: (check, folder) => check(() => folder.joinpath('file').replace(folder.joinpath('other'))),
  copy: (check, folder) => check(() => folder.joinpath('file').copy(folder.joinpath('other'))),
  copyInto: async (check, folder) => {
    await folder.joinpath('made').mkdir()
    await check(() => folder.joinpath('file').copyInto(folder.joinpath('made')))
  },
  move: (check, folder) => check(() => folder.joinpath('file').move(folder.joinpath('other'))),
  moveInto: async (check, folder) => {
    await folder.joinpath('made').mkdir()
    await check(() => folder.joinpath('file').moveInto(folder.joinpath('made')))
  },
  symlinkTo: (check, folder) => check(() => folder.joinpath('link').symlinkTo('file')),
  readlink: async (check, folder) => {
    const link = folder.joinpath('link')
    await link.symlinkTo('file')
    await check(() => link.readlink())
  },
  hardlinkTo: (check, folder) => check(() => folder.joinpath('link').hardlinkTo(folder.joinpath('file'))),
  chmod: (check, folder) => check(() => folder.joinpath('file').chmod(0o600)),
  touch: (check, folder) => check(() => folder.joinpath('file').touch()),
  iterdir: (check, folder) => check(() => folder.iterdir().next()),
  glob: (check, folder) => check(() => folder.glob('*').next()),
  rglob: (check, folder) => check(() => folder.rglob('*').next()),
  walk: (check, folder) => check(() => folder.walk().next()),
}

/** What an open file has; what it reads is read ahead already. */
export const ofFiles: Record<string, (check: Check, file: AsyncFile<Buffer>) => Promise<unknown>> = {
  read: (check, file) => check(() => file.read(1)),
  read1: (check, file) => check(() => file.read1(1)),
  readline: (check, file) => check(() => file.readline()),
  readlines: (check, file) => check(() => file.readlines(1)),
  readinto: (check, file) => check(() => file.readinto(new Uint8Array(1))),
  readinto1: (check, file) => check(() => file.readinto1(new Uint8Array(1))),
  write: (check, file) => check(() => file.write(Buffer.from('x'))),
  writelines: (check, file) => check(() => file.writelines([])),
  truncate: (check, file) => check(() => file.truncate()),
  seek: (check, file) => check(() => file.seek(0)),
  tell: (check, file) => check(() => file.tell()),
  flush: (check, file) => check(() => file.flush()),
  close: (check, file) => check(() => file.close()),
  '[Symbol.asyncDispose]': (check, file) => check(() => file[Symbol.asyncDispose]()),
  '[Symbol.asyncIterator]': (check, file) => check(() => file[Symbol.asyncIterator]().next()),
}

export const files: Record<string, Row> = {
  aopen: (check) =>
    withPath(async (path) => {
      await using _ = await check(() => aopen(path, 'w'))
    }),
  TemporaryFile: async (check) => {
    await using _ = await check(() => TemporaryFile())
  },
  NamedTemporaryFile: async (check) => {
    await using _ = await check(() => NamedTemporaryFile())
  },
  TemporaryDirectory: async (check) => {
    await using _ = await check(() => TemporaryDirectory())
  },
  'TemporaryDirectory.close': async (check) => {
    const directory = await TemporaryDirectory()
    await check(() => directory.close())
  },
}
