/** Paths of UNIX sockets, checked before anything starts. */

import type { UnixPath } from '../backends/contract/backend.ts'
import { invalidArgType, outOfRange } from './validate.ts'

/** What the system's address structure has room for, without the NUL that some systems put behind it. */
const MAX_BYTES = process.platform === 'linux' ? 107 : 103

/**
 * A path, or on Linux an abstract name, which begins with a NUL. Too long a path would be cut short by some systems.
 */
export function checkPath(name: string, path: unknown): asserts path is UnixPath {
  if (typeof path !== 'string' && !Buffer.isBuffer(path)) {
    throw invalidArgType(name, 'of type string or an instance of Buffer', path)
  }
  const bytes = Buffer.from(path as string)
  if (bytes.length === 0) throw outOfRange(name, 'a path', path)
  if (bytes.length > MAX_BYTES) throw outOfRange(name, `a path of at most ${MAX_BYTES} bytes`, path)
  // An abstract name may hold anything.
  if (bytes[0] !== 0 && bytes.includes(0)) throw outOfRange(name, 'a path without NUL bytes', path)
}
