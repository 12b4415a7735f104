/** What calls on files take. */
import { fileURLToPath } from 'node:url'
import { isUint8Array } from 'node:util/types'
import { invalidArgType, outOfRange } from '../common/validate.ts'

/** Any bytes that no other thread can change between a check and a system call. */
export function checkBytes(name: string, data: unknown): asserts data is Uint8Array {
  if (!isUint8Array(data)) throw invalidArgType(name, 'an instance of Uint8Array, in binary mode', data)
  refuseShared(name, data)
}

/** The memory of a view. An empty one is filled at once: 0. */
export function checkFileView(name: string, view: unknown): Buffer {
  if (!isUint8Array(view)) throw invalidArgType(name, 'an instance of Uint8Array', view)
  refuseShared(name, view)
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength)
}

/** A path as the backends take it. */
export function checkPath(name: string, path: unknown): string | Buffer {
  const plain = path instanceof URL ? fileURLToPath(path) : isPath(path) ? path._path : path
  if (typeof plain !== 'string' && !Buffer.isBuffer(plain)) {
    throw invalidArgType(name, 'of type string, a Path, or an instance of URL or Buffer', path)
  }
  if (plain.includes('\0')) throw outOfRange(name, 'a path without null bytes', plain)
  return plain
}

/** By its shape: what a `Path` is, this module need not know. */
function isPath(value: unknown): value is { readonly _path: string } {
  return typeof value === 'object' && value !== null && '_path' in value && typeof value._path === 'string'
}

function refuseShared(name: string, { buffer }: Uint8Array): void {
  if (buffer instanceof SharedArrayBuffer)
    throw invalidArgType(name, 'bytes that are not shared between threads', buffer)
}
