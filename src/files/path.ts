/**
 * `Path`: the file system by path. Over 500 lines because it is one class with many short methods, those of pathlib.
 */
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
 * An immutable path of the file system, with methods to take it apart and to work with the file or folder at it. It has
 * the methods of Python's `pathlib`; those that ask the system are asynchronous.
 *
 * @example
 * ```ts
 * const folder = new Path('reports')
 * await folder.mkdir({ parents: true, existOk: true })
 * for await (const path of folder.glob('*.txt')) console.log(path.name, (await path.readText()).length)
 * ```
 *
 * Errors are the system's (`ENOENT`, `EEXIST`…), as in node:fs. A cancellation does not interrupt a call that has
 * begun: it takes effect and gives its value.
 */
export class Path extends PurePath {
  /** Joins the segments; an absolute one replaces those before it. Without segments: the working directory. */
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

  /** The path without its last name. A root and the empty path are their own parents. */
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

  /** Appends segments; an absolute one replaces all before it. */
  joinpath(...segments: PathSegment[]): Path {
    return new Path(this, ...segments)
  }

  /** Replaces the last name. @throws RangeError if the path has none, or `name` is no single name */
  withName(name: string): Path {
    checkName(name)
    if (this.name === '') throw outOfRange('path', 'one that has a name', this.toString())
    return this.parent.joinpath(name)
  }

  /** Replaces the last name without its suffix. */
  withStem(stem: string): Path {
    checkString('stem', stem)
    return this.withName(stem + this.suffix)
  }

  /** Replaces the last suffix; `''` removes it. */
  withSuffix(suffix: string): Path {
    checkString('suffix', suffix)
    if (suffix !== '' && (!/^\.[^/]+$/.test(suffix) || suffix === '.')) {
      throw outOfRange('suffix', "'' or a dot and what follows it", suffix)
    }
    return this.withName(this.name.slice(0, suffixStart(this.name)) + suffix)
  }

  /** The path from `other` to this one. @throws RangeError unless this path is below `other` */
  relativeTo(other: PathSegment): Path {
    if (!this.isRelativeTo(other)) throw outOfRange('path', `below ${formatPath(partsOf(other))}`, this.toString())
    return new Path(formatPath({ root: '', names: this._parts.names.slice(partsOf(other).names.length) }))
  }

  /** The absolute path, with `..` and symbolic links kept. */
  absolute(): Promise<Path> {
    return this.#known('absolute', () => new Path(absoluteText(this.toString())))
  }

  /** Replaces a leading `~` by the home folder. */
  expanduser(): Promise<Path> {
    return this.#known('expanduser', () => {
      const { root, names } = this._parts
      return root === '' && names[0] === '~' ? new Path(homedir(), ...names.slice(1)) : this
    })
  }

  /**
   * The absolute path, with `..` and symbolic links resolved. A missing rest of the path is kept as it is.
   *
   * @throws ENOENT with `strict` if a part is missing
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

  /** The status of the file or folder, symbolic links followed. */
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

  /** As `stat`, but of a symbolic link itself. */
  lstat(): Promise<Stats> {
    return this.#ask('lstat', (fs, path, done: Done<Stats>) => fs.lstat(path, done))
  }

  /** Whether the path exists. False for a symbolic link without a target. */
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

  /** Reads the whole file. */
  readBytes(): Promise<Buffer> {
    return readWhole('readBytes', this.toString())
  }

  /** Reads the whole file as text. */
  readText(options: TextOptions = {}): Promise<string> {
    try {
      const decode = textReader(options)
      return thenOwned(readWhole('readText', this.toString()), decode, fail)
    } catch (error) {
      return rejected(error)
    }
  }

  /** Creates or replaces the file with `data`. Resolves with the number of bytes. */
  writeBytes(data: Uint8Array): Promise<number> {
    try {
      checkBytes('data', data)
      return writeWhole('writeBytes', this.toString(), data, 'O_TRUNC')
    } catch (error) {
      return rejected(error)
    }
  }

  /** Creates or replaces the file with `text`. Resolves with the number of characters. */
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
   * @param options - `parents`: makes missing parents; `existOk`: an existing folder is no error
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

  /** Renames to `target`, replacing an existing file. Resolves with the new path. */
  rename(target: PathSegment): Promise<Path> {
    return this.#to('rename', target, (fs, path, to, done) => fs.rename(path, to, done))
  }

  /** Renames to `target`, replacing an existing file on every platform. Resolves with the new path. */
  replace(target: PathSegment): Promise<Path> {
    return this.#to('replace', target, (fs, path, to, done) => fs.rename(path, to, done))
  }

  /** Copies a file, or a folder with its content, to `target`. Resolves with the new path. */
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

  /** As `rename`, also to another file system: then it copies and removes. */
  move(target: PathSegment): Promise<Path> {
    return ownedByScope(this.#move(target))
  }

  /** As `move`, into a folder. */
  moveInto(folder: PathSegment): Promise<Path> {
    return this.#into(folder, (target) => this.move(target))
  }

  /** The target of a symbolic link. */
  readlink(): Promise<Path> {
    const text = this.#ask('readlink', (fs, path, done: Done<string>) => fs.readlink(path, done))
    return thenOwned(text, (link) => new Path(link), fail)
  }

  /** Makes this path a symbolic link to `target`. On Windows, say whether that is a folder (`targetIsDirectory`). */
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

  /** Makes this path a hard link to `target`. */
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

  /** Creates the file, or sets its times to now. @throws EEXIST with `existOk: false` if it exists */
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

  /** Iterates over the entries of the folder, in no particular order. */
  iterdir(): AsyncIterableIterator<Path> {
    return new Search(iterStep(this))
  }

  /** Iterates over the matches of a relative pattern: `'*.ts'`, `'*\/[a-c]?.md'`; `'**'` is any number of folders. */
  glob(pattern: string): AsyncIterableIterator<Path> {
    return new Search(globStep(this, pattern, false))
  }

  /** As `glob`, in this folder and all folders below. */
  rglob(pattern: string): AsyncIterableIterator<Path> {
    return new Search(globStep(this, pattern, true))
  }

  /**
   * Iterates over the folder and all folders below it: `[path, names of folders, names of others]`. Folders that you
   * remove from the list of names are not visited (with `topDown`, the default).
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

  /** For results that need no system call. It is a checkpoint all the same. */
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

  /** Resolves the existing part, and appends the rest. */
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
