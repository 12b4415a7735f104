/** `Path`: what is at a path. Over 500 lines because it is one class of the reference, a method of it after the other. */
import { homedir } from 'node:os'
import type { Dirent, FileSystem, Stats } from '../backends/contract/backend.ts'
import { aopen, type OpenOptions } from '../files.ts'
import { enterOperation, immediate, rejected } from '../kernel/index.ts'
import { thenOwned, ownedByScope } from '../common/owned.ts'
import { checkBoolean, checkInteger, checkOptions, checkString, outOfRange } from '../common/validate.ts'
import { checkBytes } from './arguments.ts'
import type { AsyncFile } from './async-file.ts'
import { askFileSystem, type Done } from './file-system.ts'
import type { BinaryMode, TextMode } from './mode.ts'
import { codePoints } from './newlines.ts'
import {
  LINK_OPTIONS,
  type LinkOptions,
  MKDIR_OPTIONS,
  type MkdirOptions,
  RESOLVE_OPTIONS,
  type ResolveOptions,
  SYMLINK_OPTIONS,
  type SymlinkOptions,
  TOUCH_OPTIONS,
  type TouchOptions,
  UNLINK_OPTIONS,
  type UnlinkOptions,
  WALK_OPTIONS,
  type WalkingOptions,
} from './path-options.ts'
import { formatPath, suffixStart } from './path-parts.ts'
import { globStep, iterStep, type Walked, walkStep } from './path-steps.ts'
import { Search } from './path-search.ts'
import { absoluteText, checkName, partsOf, type PathSegment, PurePath } from './pure-path.ts'
import { type TextOptions, textReader, textToBytes } from './whole-text.ts'
import { readWhole, writeWhole } from './whole-file.ts'

/**
 * An immutable path with the methods of Python's `pathlib`, those that ask the system asynchronous. Re-creates AnyIO's `Path`.
 *
 * ```ts
 * const folder = new Path('reports')
 * await folder.mkdir({ parents: true, existOk: true })
 * for await (const path of folder.glob('*.txt')) console.log(path.name, (await path.readText()).length)
 * ```
 *
 * What goes wrong is the system's error (`ENOENT`, `EEXIST`…), as node:fs has it. A call that has begun takes effect, whatever is
 * cancelled meanwhile.
 */
export class Path extends PurePath {
  /** Joined to one; without any, the working directory. A segment that is absolute begins anew. */
  constructor(...segments: PathSegment[]) {
    super(segments)
  }

  /** The working directory. */
  static cwd(): Path {
    return new Path(process.cwd())
  }

  /** The user's home folder. */
  static home(): Path {
    return new Path(homedir())
  }

  /** Without its last name; a root, and the empty path, are their own. */
  get parent(): Path {
    const { root, names } = this._parts
    return names.length === 0 ? this : new Path(formatPath({ root, names: names.slice(0, -1) }))
  }

  /** The parent, its parent, and so on. */
  get parents(): readonly Path[] {
    const found: Path[] = []
    for (let path: Path = this.parent, last: Path = this; path !== last; last = path, path = path.parent)
      found.push(path)
    return found
  }

  /** The path that these segments lead to from here; an absolute one replaces what is before it. */
  joinpath(...segments: PathSegment[]): Path {
    return new Path(this, ...segments)
  }

  /** With another name. @throws RangeError where there is none, and for one that is not a single name */
  withName(name: string): Path {
    checkName(name)
    if (this.name === '') throw outOfRange('path', 'one that has a name', this.toString())
    return this.parent.joinpath(name)
  }

  /** With another name before the last suffix. */
  withStem(stem: string): Path {
    checkString('stem', stem)
    return this.withName(stem + this.suffix)
  }

  /** With another last suffix; `''` removes it. */
  withSuffix(suffix: string): Path {
    checkString('suffix', suffix)
    if (suffix !== '' && (!/^\.[^/]+$/.test(suffix) || suffix === '.')) {
      throw outOfRange('suffix', "'' or a dot and what follows it", suffix)
    }
    return this.withName(this.name.slice(0, suffixStart(this.name)) + suffix)
  }

  /** What leads from `other` to this. @throws RangeError unless it is below */
  relativeTo(other: PathSegment): Path {
    if (!this.isRelativeTo(other)) throw outOfRange('path', `below ${formatPath(partsOf(other))}`, this.toString())
    return new Path(formatPath({ root: '', names: this._parts.names.slice(partsOf(other).names.length) }))
  }

  /** From the root, with its `..` and symbolic links as they are. */
  absolute(): Promise<Path> {
    return this.#known('absolute', () => new Path(absoluteText(this.toString())))
  }

  /** With the home directory in the place of a first `~`. */
  expanduser(): Promise<Path> {
    return this.#known('expanduser', () => {
      const { root, names } = this._parts
      return root === '' && names[0] === '~' ? new Path(homedir(), ...names.slice(1)) : this
    })
  }

  /**
   * From the root, without `..` and symbolic links.
   *
   * @throws ENOENT with `strict`, where something is missing; otherwise the rest is added as it is
   */
  resolve(options: ResolveOptions = {}): Promise<Path> {
    try {
      checkOptions('options', options, RESOLVE_OPTIONS)
      const { strict = false } = options
      checkBoolean('options.strict', strict)
      return ownedByScope(this.#resolve(new Path(absoluteText(this.toString())), strict))
    } catch (error) {
      return rejected(error)
    }
  }

  /** The status of what it names, links followed. */
  stat(options: LinkOptions = {}): Promise<Stats> {
    try {
      checkOptions('options', options, LINK_OPTIONS)
      const { followSymlinks = true } = options
      checkBoolean('options.followSymlinks', followSymlinks)
      return this.#ask('stat', (fs, path, done: Done<Stats>) =>
        followSymlinks ? fs.stat(path, done) : fs.lstat(path, done),
      )
    } catch (error) {
      return rejected(error)
    }
  }

  /** As `stat`, of a symbolic link itself. */
  lstat(): Promise<Stats> {
    return this.#ask('lstat', (fs, path, done: Done<Stats>) => fs.lstat(path, done))
  }

  /** Whether something is there; a symbolic link whose target is not: no. */
  exists(): Promise<boolean> {
    return this.#is('exists', () => true)
  }

  /** Whether it names a regular file, links followed; `false` where nothing is. */
  isFile(): Promise<boolean> {
    return this.#is('isFile', (status) => status.isFile())
  }

  /** Whether it names a folder, links followed; `false` where nothing is. */
  isDir(): Promise<boolean> {
    return this.#is('isDir', (status) => status.isDirectory())
  }

  /** Whether it is a symbolic link itself. */
  isSymlink(): Promise<boolean> {
    return thenOwned(this.lstat(), (status) => status.isSymbolicLink(), falseIfMissing)
  }

  /** Whether it names a pipe; `false` where nothing is. */
  isFifo(): Promise<boolean> {
    return this.#is('isFifo', (status) => status.isFIFO())
  }

  /** Whether it names a UNIX socket; `false` where nothing is. */
  isSocket(): Promise<boolean> {
    return this.#is('isSocket', (status) => status.isSocket())
  }

  /** Whether it names a block device; `false` where nothing is. */
  isBlockDevice(): Promise<boolean> {
    return this.#is('isBlockDevice', (status) => status.isBlockDevice())
  }

  /** Whether it names a character device; `false` where nothing is. */
  isCharDevice(): Promise<boolean> {
    return this.#is('isCharDevice', (status) => status.isCharacterDevice())
  }

  /** Whether another file system begins here. */
  isMount(): Promise<boolean> {
    const both = Promise.all([this.lstat(), this.joinpath('..').lstat()])
    const differs = ([own, parent]: [Stats, Stats]): boolean =>
      own.isDirectory() && (own.dev !== parent.dev || own.ino === parent.ino)
    return thenOwned(both, differs, falseIfMissing)
  }

  /** Whether both are the same file. */
  samefile(other: PathSegment): Promise<boolean> {
    try {
      const theirs = other instanceof Path ? other : new Path(other)
      const both = Promise.all([this.stat(), theirs.stat()])
      return ownedByScope(both.then(([a, b]) => a.ino === b.ino && a.dev === b.dev))
    } catch (error) {
      return rejected(error)
    }
  }

  /** Opens the file, as `aopen`. */
  open(mode?: TextMode, options?: OpenOptions): Promise<AsyncFile<string>>
  open(mode: BinaryMode, options?: OpenOptions): Promise<AsyncFile<Buffer>>
  open(mode: string, options?: OpenOptions): Promise<AsyncFile<string> | AsyncFile<Buffer>>
  open(mode = 'r', options?: OpenOptions): Promise<AsyncFile<string> | AsyncFile<Buffer>> {
    return aopen(this.toString(), mode, options)
  }

  /** The whole file. */
  readBytes(): Promise<Buffer> {
    return readWhole('readBytes', this.toString())
  }

  /** The whole file, decoded. */
  readText(options: TextOptions = {}): Promise<string> {
    try {
      const decode = textReader(options)
      return thenOwned(readWhole('readText', this.toString()), decode, fail)
    } catch (error) {
      return rejected(error)
    }
  }

  /** Makes the file, or empties it, and writes: the number of bytes. */
  writeBytes(data: Uint8Array): Promise<number> {
    try {
      checkBytes('data', data)
      return writeWhole('writeBytes', this.toString(), data, 'O_TRUNC')
    } catch (error) {
      return rejected(error)
    }
  }

  /** Makes the file, or empties it, and writes: the number of characters. */
  writeText(text: string, options: TextOptions = {}): Promise<number> {
    try {
      checkString('text', text)
      const data = textToBytes(text, options)
      return thenOwned(writeWhole('writeText', this.toString(), data, 'O_TRUNC'), () => codePoints(text), fail)
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Makes a folder.
   *
   * @param options - `parents`: makes those that are missing; `existOk`: a folder that is there is as good
   */
  mkdir(options: MkdirOptions = {}): Promise<void> {
    try {
      checkOptions('options', options, MKDIR_OPTIONS)
      const { mode = 0o777, parents = false, existOk = false } = options
      checkInteger('options.mode', mode, 0, 0o7777)
      checkBoolean('options.parents', parents)
      checkBoolean('options.existOk', existOk)
      return ownedByScope(this.#mkdir(mode, parents, existOk))
    } catch (error) {
      return rejected(error)
    }
  }

  /** Removes an empty folder. */
  rmdir(): Promise<void> {
    return this.#ask('rmdir', (fs, path, done: Done<void>) => fs.rmdir(path, done as never))
  }

  /** Removes a file or a symbolic link. */
  unlink(options: UnlinkOptions = {}): Promise<void> {
    try {
      checkOptions('options', options, UNLINK_OPTIONS)
      const { missingOk = false } = options
      checkBoolean('options.missingOk', missingOk)
      const removed = this.#ask('unlink', (fs, path, done: Done<void>) => fs.unlink(path, done as never))
      if (!missingOk) return removed
      return thenOwned(removed, nothing, (error) => {
        if (!isMissing(error)) throw error
      })
    } catch (error) {
      return rejected(error)
    }
  }

  /** Moves it to `target`, and replaces a file that is there: the new path. */
  rename(target: PathSegment): Promise<Path> {
    return this.#to('rename', target, (fs, path, to, done) => fs.rename(path, to, done))
  }

  /** As `rename`, on every platform. */
  replace(target: PathSegment): Promise<Path> {
    return this.#to('replace', target, (fs, path, to, done) => fs.rename(path, to, done))
  }

  /** Copies a file, or a folder with all there is in it, to `target`: the new path. */
  copy(target: PathSegment, options: LinkOptions = {}): Promise<Path> {
    try {
      checkOptions('options', options, LINK_OPTIONS)
      const { followSymlinks = true } = options
      checkBoolean('options.followSymlinks', followSymlinks)
      return this.#to('copy', target, (fs, path, to, done) =>
        fs.cp(path, to, { recursive: true, dereference: followSymlinks }, done),
      )
    } catch (error) {
      return rejected(error)
    }
  }

  /** As `copy`, into a folder. */
  copyInto(folder: PathSegment, options: LinkOptions = {}): Promise<Path> {
    return this.#into(folder, (target) => this.copy(target, options))
  }

  /** As `rename`, also to another file system: then it is copied, and removed. */
  move(target: PathSegment): Promise<Path> {
    return ownedByScope(this.#move(target))
  }

  /** As `move`, into a folder. */
  moveInto(folder: PathSegment): Promise<Path> {
    return this.#into(folder, (target) => this.move(target))
  }

  /** What a symbolic link says. */
  readlink(): Promise<Path> {
    const text = this.#ask('readlink', (fs, path, done: Done<string>) => fs.readlink(path, done))
    return thenOwned(text, (link) => new Path(link), fail)
  }

  /** Makes this a symbolic link to `target`. On Windows it has to be known whether that is a folder. */
  symlinkTo(target: PathSegment, options: SymlinkOptions = {}): Promise<void> {
    try {
      checkOptions('options', options, SYMLINK_OPTIONS)
      const { targetIsDirectory = false } = options
      checkBoolean('options.targetIsDirectory', targetIsDirectory)
      const to = formatPath(partsOf(target))
      return this.#ask('symlinkTo', (fs, path, done: Done<void>) =>
        fs.symlink(to, path, targetIsDirectory ? 'dir' : 'file', done as never),
      )
    } catch (error) {
      return rejected(error)
    }
  }

  /** Makes this one more name of `target`. */
  hardlinkTo(target: PathSegment): Promise<void> {
    return this.#ask('hardlinkTo', (fs, path, done: Done<void>) =>
      fs.link(formatPath(partsOf(target)), path, done as never),
    )
  }

  /** Sets the permissions. */
  chmod(mode: number): Promise<void> {
    try {
      checkInteger('mode', mode, 0, 0o7777)
      return this.#ask('chmod', (fs, path, done: Done<void>) => fs.chmod(path, mode, done as never))
    } catch (error) {
      return rejected(error)
    }
  }

  /** Makes the file, or sets its times to now. @throws EEXIST with `existOk: false`, where it is there */
  touch(options: TouchOptions = {}): Promise<void> {
    try {
      checkOptions('options', options, TOUCH_OPTIONS)
      const { mode = 0o666, existOk = true } = options
      checkInteger('options.mode', mode, 0, 0o7777)
      checkBoolean('options.existOk', existOk)
      return ownedByScope(this.#touch(mode, existOk))
    } catch (error) {
      return rejected(error)
    }
  }

  /** What is in the folder, in no order. */
  iterdir(): AsyncIterableIterator<Path> {
    return new Search(iterStep(this))
  }

  /** What matches a relative pattern: `'*.ts'`, `'*\/[a-c]?.md'`, and `'**'` for any number of folders. In no order. */
  glob(pattern: string): AsyncIterableIterator<Path> {
    return new Search(globStep(this, pattern, false))
  }

  /** As `glob`, in all folders below. */
  rglob(pattern: string): AsyncIterableIterator<Path> {
    return new Search(globStep(this, pattern, true))
  }

  /**
   * The folder and all below it, each with the names of the folders and of the other things in it. From the top down, what is
   * taken out of the list of folders is not visited.
   */
  walk(options: WalkingOptions = {}): AsyncIterableIterator<Walked> {
    checkOptions('options', options, WALK_OPTIONS)
    const { topDown = true, onError = nothing, followSymlinks = false } = options
    return new Search(walkStep(this, { topDown, onError, followSymlinks }))
  }

  /** @internal for searches */
  _list(): Promise<Dirent[]> {
    return this.#ask('iterdir', (fs, path, done: Done<Dirent[]>) => fs.readdir(path, { withFileTypes: true }, done))
  }

  #ask<T>(what: string, ask: (fs: FileSystem, path: string, done: Done<T>) => void): Promise<T> {
    const path = this.toString()
    return askFileSystem(`${what} of ${JSON.stringify(path)}`, (fs, done) => ask(fs, path, done))
  }

  #to(
    what: string,
    target: PathSegment,
    ask: (fs: FileSystem, path: string, to: string, done: (error: NodeJS.ErrnoException | null) => void) => void,
  ): Promise<Path> {
    try {
      const to = new Path(target)
      const asked = this.#ask(what, (fs, path, done: Done<void>) => ask(fs, path, to.toString(), done as never))
      return thenOwned(asked, () => to, fail)
    } catch (error) {
      return rejected(error)
    }
  }

  #into(folder: PathSegment, put: (target: Path) => Promise<Path>): Promise<Path> {
    try {
      if (this.name === '') throw outOfRange('path', 'one that has a name', this.toString())
      return put(new Path(folder, this.name))
    } catch (error) {
      return rejected(error)
    }
  }

  #is(what: string, test: (status: Stats) => boolean): Promise<boolean> {
    const status = this.#ask(what, (fs, path, done: Done<Stats>) => fs.stat(path, done))
    return thenOwned(status, test, falseIfMissing)
  }

  /** What needs no question is a checkpoint all the same. */
  #known(what: string, value: () => Path): Promise<Path> {
    try {
      enterOperation(what)
      return immediate(value())
    } catch (error) {
      return rejected(error)
    }
  }

  async #mkdir(mode: number, parents: boolean, existOk: boolean): Promise<void> {
    const make = (path: Path, recursive: boolean): Promise<void> =>
      path.#ask('mkdir', (fs, text, done: Done<void>) =>
        fs.mkdir(text, recursive ? { recursive } : { mode }, done as never),
      )
    try {
      await make(this, false)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT' && parents && this.parent !== this) {
        await make(this.parent, true)
        await this.#mkdir(mode, false, existOk)
      } else if (code !== 'EEXIST' || !existOk || !(await this.isDir())) throw error
    }
  }

  async #move(target: PathSegment): Promise<Path> {
    try {
      return await this.rename(target)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
      const moved = await this.copy(target, { followSymlinks: false })
      await this.#ask('move', (fs, path, done: Done<void>) => fs.rm(path, { recursive: true }, done as never))
      return moved
    }
  }

  async #touch(mode: number, existOk: boolean): Promise<void> {
    if (existOk) {
      const now = new Date()
      try {
        await this.#ask('touch', (fs, path, done: Done<void>) => fs.utimes(path, now, now, done as never))
        return
      } catch (error) {
        if (!isMissing(error)) throw error
      }
    }
    await this.#ask('touch', (fs, path, done: Done<number>) => {
      const { O_CREAT, O_EXCL, O_WRONLY } = fs.constants
      fs.open(path, O_WRONLY | O_CREAT | (existOk ? 0 : O_EXCL), mode, (error, opened) => {
        if (error === null) fs.close(opened, (failure) => done(failure ?? null, opened))
        else done(error, -1)
      })
    })
  }

  /** What exists of it is made real, and the rest is added as it is. */
  async #resolve(path: Path, strict: boolean): Promise<Path> {
    try {
      return new Path(await path.#ask('resolve', (fs, text, done: Done<string>) => fs.realpath.native(text, done)))
    } catch (error) {
      if (strict || !isMissing(error) || path.parent === path) throw error
      const parent = await this.#resolve(path.parent, false)
      return path.name === '..' ? parent.parent : parent.joinpath(path.name)
    }
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}

const NOTHING_THERE: readonly unknown[] = ['ENOENT', 'ENOTDIR', 'EBADF', 'ELOOP']

function falseIfMissing(error: unknown): boolean {
  if (NOTHING_THERE.includes((error as NodeJS.ErrnoException).code)) return false
  throw error
}

function fail(error: unknown): never {
  throw error
}

function nothing(): void {}
