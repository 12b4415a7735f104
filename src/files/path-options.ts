/** Options of the methods of `Path`; what each does is said at the method. */
import { optionNames } from '../validate.ts'

export interface ResolveOptions {
  strict?: boolean | undefined
}

export interface LinkOptions {
  followSymlinks?: boolean | undefined
}

export interface MkdirOptions {
  mode?: number | undefined
  parents?: boolean | undefined
  existOk?: boolean | undefined
}

export interface UnlinkOptions {
  missingOk?: boolean | undefined
}

export interface SymlinkOptions {
  targetIsDirectory?: boolean | undefined
}

export interface TouchOptions {
  mode?: number | undefined
  existOk?: boolean | undefined
}

export interface WalkingOptions {
  topDown?: boolean | undefined
  onError?: ((error: Error) => void) | undefined
  followSymlinks?: boolean | undefined
}

export const RESOLVE_OPTIONS = optionNames<ResolveOptions>({ strict: true })
export const LINK_OPTIONS = optionNames<LinkOptions>({ followSymlinks: true })
export const MKDIR_OPTIONS = optionNames<MkdirOptions>({ mode: true, parents: true, existOk: true })
export const UNLINK_OPTIONS = optionNames<UnlinkOptions>({ missingOk: true })
export const SYMLINK_OPTIONS = optionNames<SymlinkOptions>({ targetIsDirectory: true })
export const TOUCH_OPTIONS = optionNames<TouchOptions>({ mode: true, existOk: true })
export const WALK_OPTIONS = optionNames<WalkingOptions>({ topDown: true, onError: true, followSymlinks: true })
