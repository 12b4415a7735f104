/**
 * Bytes at the border of a stream: what a caller may pass in (GENERAL-2), checked before anything starts.
 */

import { isUint8Array } from 'node:util/types'
import { checkInteger, invalidArgType, outOfRange } from './validate.ts'

/** What one receive asks for where the caller named no number, and the most that framing reads ahead at a time. */
export const READ_SIZE = 65536

/** Any `Uint8Array` as it is, a string as UTF-8. */
export function toBytes(name: string, data: unknown): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data)
  return checkBytes(name, data)
}

/** Shared memory is refused: another thread could change the bytes between a check and a system call. */
export function checkBytes(name: string, data: unknown): Uint8Array {
  if (!isUint8Array(data)) throw invalidArgType(name, 'a string or an instance of Uint8Array', data)
  if (data.buffer instanceof SharedArrayBuffer) {
    throw invalidArgType(name, 'bytes that are not shared between threads', data.buffer)
  }
  return data
}

/** Memory to receive into. An empty view is refused: its answer, 0, would read as the end of data. */
export function checkView(name: string, view: unknown): Uint8Array {
  if (!isUint8Array(view)) throw invalidArgType(name, 'an instance of Uint8Array', view)
  if (view.buffer instanceof SharedArrayBuffer) {
    throw invalidArgType(name, 'memory that is not shared between threads', view.buffer)
  }
  if (view.byteLength === 0) throw outOfRange(name, 'a view of at least one byte', view)
  return view
}

/** How many bytes to receive at most. 0 is refused: an empty answer means the end of data. */
export function checkSize(name: string, size: unknown): number {
  checkInteger(name, size, 1)
  return size
}

/** A delimiter, ready to be searched for; a copy, so that the caller's array may change while a receive waits. */
export interface Delimiter {
  readonly bytes: Buffer
  /** `bytes[0]`: searching for one byte is several times cheaper than searching for a sequence. */
  readonly first: number
}

export function toDelimiter(name: string, value: unknown): Delimiter {
  if (value === lastText && lastDelimiter !== undefined) return lastDelimiter
  const bytes = Buffer.from(toBytes(name, value))
  const [first] = bytes
  if (first === undefined) throw outOfRange(name, 'a delimiter of at least one byte', value)
  const delimiter = { bytes, first }
  if (typeof value === 'string') {
    lastText = value
    lastDelimiter = delimiter
  }
  return delimiter
}

// A protocol asks for the same delimiter line after line: encoding it again would cost more than finding it.
let lastText: string | undefined
let lastDelimiter: Delimiter | undefined
