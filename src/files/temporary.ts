/** Temporary files and folders, which are removed when they are closed. */
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import type { Backend, FileSystem } from '../backends/contract/backend.ts'
import { UsageError } from '../errors.ts'
import { checkOpening, type OpenOptions } from '../files.ts'
import { closingScope, immediateVoid, rejected, Resource } from '../kernel/index.ts'
import { type Opening as Context, asOneOperation } from '../common/opening.ts'
import {
  checkBoolean,
  checkOptions,
  checkString,
  optionNames,
  type OptionNames,
  outOfRange,
} from '../common/validate.ts'
import { checkPath } from './arguments.ts'
import type { AsyncFile } from './async-file.ts'
import { FileOperation } from './file-operation.ts'
import { askFileSystem, type Done } from './file-system.ts'
import type { BinaryMode, TextMode } from './mode.ts'
import { open, type Opening } from './opening.ts'
import { Path } from './path.ts'
import type { PurePath } from './pure-path.ts'
import type { Pump } from './pump.ts'
import type { Work } from './work.ts'

/** Options of all temporary files and folders. */
export interface TemporaryOptions {
  /** Start of the name. Default `'tmp'`. */
  prefix?: string | undefined
  /** End of the name. Default none. */
  suffix?: string | undefined
  /** The parent folder. Default: the system's folder for temporary files. */
  dir?: string | URL | Buffer | PurePath | undefined
}

export interface TemporaryFileOptions extends TemporaryOptions, Omit<OpenOptions, 'closefd' | 'opener'> {}

export interface NamedTemporaryFileOptions extends TemporaryFileOptions {
  /** Whether it is removed when it is closed; default true. */
  delete?: boolean | undefined
}

export interface TemporaryDirectoryOptions extends TemporaryOptions {
  /** Whether it is removed when it is closed; default true. */
  delete?: boolean | undefined
  /** Whether errors of the removal are ignored. Default false. */
  ignoreCleanupErrors?: boolean | undefined
}

/**
 * Opens a temporary file without a name: no other process can open it, and it is gone when it is closed.
 *
 * @param mode - as for `aopen`; default `'w+b'`
 */
export function TemporaryFile(mode: TextMode, options?: TemporaryFileOptions): Promise<AsyncFile<string>>
export function TemporaryFile(mode?: BinaryMode, options?: TemporaryFileOptions): Promise<AsyncFile<Buffer>>
export function TemporaryFile(
  mode: TextMode | BinaryMode = 'w+b',
  options: TemporaryFileOptions = {},
): Promise<AsyncFile<string> | AsyncFile<Buffer>> {
  return openTemporary('TemporaryFile', mode, options, 'nameless')
}

/** Opens a temporary file with a name (`file.name`), by which other processes can open it until it is closed. */
export function NamedTemporaryFile(mode: TextMode, options?: NamedTemporaryFileOptions): Promise<AsyncFile<string>>
export function NamedTemporaryFile(mode?: BinaryMode, options?: NamedTemporaryFileOptions): Promise<AsyncFile<Buffer>>
export function NamedTemporaryFile(
  mode: TextMode | BinaryMode = 'w+b',
  options: NamedTemporaryFileOptions = {},
): Promise<AsyncFile<string> | AsyncFile<Buffer>> {
  try {
    checkOptions('options', options, NAMED_OPTIONS)
    const { delete: deletes = true } = options
    checkBoolean('options.delete', deletes)
    return openTemporary('NamedTemporaryFile', mode, options, deletes ? 'named' : 'kept')
  } catch (error) {
    return rejected(error)
  }
}

/**
 * Makes a temporary folder. Closing it removes it with everything in it.
 *
 * @example
 * ```ts
 * await using folder = await TemporaryDirectory({ prefix: 'build-' })
 * await folder.path.joinpath('out.txt').writeText('hello')
 * ```
 */
export function TemporaryDirectory(options: TemporaryDirectoryOptions = {}): Promise<TemporaryDirectory> {
  try {
    const place = checkPlace(options, FOLDER_OPTIONS)
    const { delete: deletes = true, ignoreCleanupErrors = false } = options
    checkBoolean('options.delete', deletes)
    checkBoolean('options.ignoreCleanupErrors', ignoreCleanupErrors)
    return asOneOperation('TemporaryDirectory', 'temporary directory', async (context) => {
      const name = await makeOne(place, (path) =>
        askFileSystem('TemporaryDirectory', (fs, done: Done<void>) => fs.mkdir(path, 0o700, done as never)),
      )
      return new Folder(name, context, { deletes, ignoreCleanupErrors })
    })
  } catch (error) {
    return rejected(error)
  }
}

/** A temporary folder, made by `TemporaryDirectory()`. */
export interface TemporaryDirectory extends AsyncDisposable {
  /** Its path as a string. */
  readonly name: string
  /** Its path as a `Path`. */
  readonly path: Path
  /**
   * Removes the folder, also in a cancelled scope. Never raises a cancellation: the next checkpoint does. Idempotent.
   */
  close(): Promise<void>
}

type Kind = 'nameless' | 'named' | 'kept'

interface Place {
  readonly dir: string
  readonly prefix: string
  readonly suffix: string
}

function openTemporary(
  what: string,
  mode: string,
  options: TemporaryFileOptions,
  kind: Kind,
): Promise<AsyncFile<string> | AsyncFile<Buffer>> {
  try {
    const place = checkPlace(options, kind === 'nameless' ? FILE_OPTIONS : NAMED_OPTIONS)
    const { encoding, errors, newline, bufferSize } = options
    const opening = checkOpening('', mode, { encoding, errors, newline, bufferSize })
    if (opening.access.access === 'r')
      throw new UsageError(`${what}: a new file can only be written: mode 'w+', or 'x'`)
    return asOneOperation(what, 'file', ({ backend, frame, made }) =>
      makeOne(place, (path) => open<string | Buffer>(backend, frame, made, temporary(backend, opening, path, kind))),
    ) as Promise<AsyncFile<string> | AsyncFile<Buffer>>
  } catch (error) {
    return rejected(error)
  }
}

function temporary({ fileSystem }: Backend, opening: Opening, path: string, kind: Kind): Opening {
  const removes = (pump: Pump): Work<void> => remove(fileSystem, path, pump)
  return {
    ...opening,
    file: path,
    permissions: 0o600,
    exclusive: true,
    nameless: kind === 'nameless',
    // Windows cannot remove an open file: there it is removed at the close.
    atOpen: kind === 'nameless' && process.platform !== 'win32' ? removes : undefined,
    atClose: kind === 'kept' ? undefined : removes,
  }
}

/** Removes the file as a job of the file itself: outside every scope, and done when the file is closed. */
function* remove(fileSystem: FileSystem, path: string, pump: Pump): Work<void> {
  fileSystem.unlink(path, (error) => {
    if (error === null || error.code === 'ENOENT') pump.done(0)
    else pump.failed(error, 0)
  })
  yield
}

/** Tries random names until one is free. */
async function makeOne<T>(
  { dir, prefix, suffix }: Place,
  make: (path: string) => Promise<T>,
): Promise<T extends void ? string : T> {
  for (let attempt = 1; ; attempt++) {
    const path = new Path(dir, `${prefix}${randomBytes(6).toString('hex')}${suffix}`).toString()
    try {
      return ((await make(path)) ?? path) as T extends void ? string : T
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === ATTEMPTS) throw error
    }
  }
}

const ATTEMPTS = 100

function checkPlace(options: TemporaryOptions, known: OptionNames): Place {
  checkOptions('options', options, known)
  const { prefix = 'tmp', suffix = '', dir = tmpdir() } = options
  for (const [name, value] of Object.entries({ prefix, suffix })) {
    checkString(`options.${name}`, value)
    if (/[/\\\0]/.test(value)) throw outOfRange(`options.${name}`, 'a part of a name, without a separator', value)
  }
  return { dir: checkPath('options.dir', dir).toString(), prefix, suffix }
}

class Folder extends Resource implements TemporaryDirectory {
  readonly name: string
  readonly path: Path
  readonly #fileSystem: FileSystem
  readonly #options: { readonly deletes: boolean; readonly ignoreCleanupErrors: boolean }
  /** Callbacks of a removal that has begun. */
  #waiting: ((failure: Error | undefined) => void)[] | undefined
  #over = false

  constructor(
    name: string,
    { backend, frame, made }: Context,
    options: { readonly deletes: boolean; readonly ignoreCleanupErrors: boolean },
  ) {
    super()
    this.name = name
    this.path = new Path(name)
    this.#fileSystem = backend.fileSystem
    this.#options = options
    this.register(frame, 'temporary directory', made)
  }

  close(): Promise<void> {
    if (this.#over) return immediateVoid()
    const scope = closingScope()
    if (scope === undefined) return this.#removeOutside()
    const call = new FolderClose()
    const promise = call.begin(scope)
    this.#remove((failure) => call.removed(failure))
    return promise
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  override describeResource(): string {
    return `temporary directory ${JSON.stringify(this.name)}`
  }

  override closeForRun(): Promise<void> {
    return new Promise((resolve) => this.#remove(() => resolve()))
  }

  /** For a close outside every scope. */
  #removeOutside(): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#remove((failure) => {
        if (failure === undefined) resolve()
        else reject(failure)
      }),
    )
  }

  /** Removes the folder. Only the first callback gets the error. */
  #remove(tell: (failure: Error | undefined) => void): void {
    if (this.#waiting !== undefined) {
      this.#waiting.push(tell)
      return
    }
    this.#waiting = [tell]
    this.unregister()
    const { deletes, ignoreCleanupErrors } = this.#options
    const done = (error: Error | null): void => {
      const failure = error === null || ignoreCleanupErrors ? undefined : error
      this.#over = true
      const [first, ...others] = this.#waiting ?? []
      first?.(failure)
      for (const other of others) other(undefined)
    }
    if (deletes) this.#fileSystem.rm(this.name, { recursive: true, force: true, maxRetries: 3 }, done)
    else this.#fileSystem.stat(this.name, () => done(null))
  }
}

class FolderClose extends FileOperation<void> {
  constructor() {
    super('removing a temporary directory')
  }

  removed(failure: Error | undefined): void {
    if (failure !== undefined) this.reject(failure)
    else this.resolve()
  }

  protected override onCancel(): void {}
}

const FILE_OPTIONS = optionNames<TemporaryFileOptions>({
  prefix: true,
  suffix: true,
  dir: true,
  encoding: true,
  errors: true,
  newline: true,
  bufferSize: true,
})
const NAMED_OPTIONS = optionNames<NamedTemporaryFileOptions>({
  prefix: true,
  suffix: true,
  dir: true,
  encoding: true,
  errors: true,
  newline: true,
  bufferSize: true,
  delete: true,
})
const FOLDER_OPTIONS = optionNames<TemporaryDirectoryOptions>({
  prefix: true,
  suffix: true,
  dir: true,
  delete: true,
  ignoreCleanupErrors: true,
})
