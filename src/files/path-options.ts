/** Options of the methods of `Path`; what each does is said at the method. */
import { optionNames } from '../common/validate.ts'

export interface ResolveOptions {
  /** Whether a path that does not exist is an error. Default false. */
  strict?: boolean | undefined
}

export interface LinkOptions {
  /** Whether a symbolic link is followed. Default true. */
  followSymlinks?: boolean | undefined
}

export interface MkdirOptions {
  /** Permissions of the new directory, before the umask. Default 0o777. */
  mode?: number | undefined
  /** Makes missing parents as well. Default false. */
  parents?: boolean | undefined
  /** Takes a directory that is there already for made. Default false. */
  existOk?: boolean | undefined
}

export interface UnlinkOptions {
  /** Takes a file that is not there for removed. Default false. */
  missingOk?: boolean | undefined
}

export interface SymlinkOptions {
  /** Whether the target is a directory; it matters on Windows alone. Default false. */
  targetIsDirectory?: boolean | undefined
}

export interface TouchOptions {
  /** Permissions of a new file, before the umask. Default 0o666. */
  mode?: number | undefined
  /** Takes a file that is there already; its times are set. Default true. */
  existOk?: boolean | undefined
}

export interface WalkingOptions {
  /** Whether a directory comes before those in it. Default true. */
  topDown?: boolean | undefined
  /** Gets the error of a directory that cannot be read. Default: it is left out. */
  onError?: ((error: Error) => void) | undefined
  /** Whether symbolic links to directories are walked into. Default false. */
  followSymlinks?: boolean | undefined
}

export const RESOLVE_OPTIONS = optionNames<ResolveOptions>({ strict: true })
export const LINK_OPTIONS = optionNames<LinkOptions>({ followSymlinks: true })
export const MKDIR_OPTIONS = optionNames<MkdirOptions>({ mode: true, parents: true, existOk: true })
export const UNLINK_OPTIONS = optionNames<UnlinkOptions>({ missingOk: true })
export const SYMLINK_OPTIONS = optionNames<SymlinkOptions>({ targetIsDirectory: true })
export const TOUCH_OPTIONS = optionNames<TouchOptions>({ mode: true, existOk: true })
export const WALK_OPTIONS = optionNames<WalkingOptions>({ topDown: true, onError: true, followSymlinks: true })
