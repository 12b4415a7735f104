/** The half of `Path` that makes no system calls: it works on the text of the path. */
import { isAbsolute as isAbsoluteText, resolve as resolveText, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { checkString, invalidArgType, outOfRange } from '../common/validate.ts'
import { formatPath, joinParts, namePattern, type PathParts, splitPath, suffixStart } from './path-parts.ts'

/** A value that paths can be made of. */
export type PathSegment = string | URL | PurePath

/** An immutable path: its text, by the rules of this platform. */
export abstract class PurePath {
  readonly #parts: PathParts
  #text: string | undefined

  constructor(segments: readonly PathSegment[]) {
    this.#parts = joinParts(segments.map(partsOf))
  }

  /** @internal For `aopen`. */
  get _path(): string {
    return this.toString()
  }

  /** @internal */
  get _parts(): PathParts {
    return this.#parts
  }

  /** The pieces; of an absolute path the first one is its `anchor`. */
  get parts(): readonly string[] {
    const { root, names } = this.#parts
    return root === '' ? names : [root, ...names]
  }

  /** On Windows the drive or the share, elsewhere `''`. */
  get drive(): string {
    return sep === '\\' ? this.#parts.root.replace(/\\$/, '') : ''
  }

  /** The separator that an absolute path begins with, or `''`. */
  get root(): string {
    return sep === '\\' ? this.#parts.root.slice(this.drive.length) : this.#parts.root
  }

  /** Drive and root. */
  get anchor(): string {
    return this.#parts.root
  }

  /** The last piece, `''` of a root. */
  get name(): string {
    return this.#parts.names.at(-1) ?? ''
  }

  /** The last suffix of the name with its dot, or `''`. */
  get suffix(): string {
    return this.name.slice(suffixStart(this.name))
  }

  /** All suffixes of the name: `['.tar', '.gz']`. */
  get suffixes(): readonly string[] {
    const { name } = this
    if (name.endsWith('.')) return []
    return name
      .replace(/^\.+/, '')
      .split('.')
      .slice(1)
      .map((suffix) => `.${suffix}`)
  }

  /** The name without its last suffix. */
  get stem(): string {
    return this.name.slice(0, suffixStart(this.name))
  }

  /** Whether it does not depend on the working directory. */
  isAbsolute(): boolean {
    return isAbsoluteText(this.toString())
  }

  /** Whether it is `other`, or below it. */
  isRelativeTo(other: PathSegment): boolean {
    const { root, names } = partsOf(other)
    return root === this.#parts.root && names.every((name, index) => name === this.#parts.names[index])
  }

  /** Whether the last pieces match a relative pattern (`'*.txt'`, `'src/?.ts'`), or the whole path an absolute one. */
  match(pattern: string): boolean {
    checkString('pattern', pattern)
    const { root, names } = splitPath(pattern)
    if (root === '' && names.length === 0) throw outOfRange('pattern', 'a pattern of at least one name', pattern)
    const own = this.#parts.names
    if (root !== '' && (root !== this.#parts.root || names.length !== own.length)) return false
    const skipped = own.length - names.length
    return skipped >= 0 && names.every((name, index) => namePattern(name).test(own[skipped + index]!))
  }

  /** Whether `other` is a path with the same pieces. */
  equals(other: unknown): boolean {
    return other instanceof PurePath && other.toString() === this.toString()
  }

  /** With forward slashes. */
  asPosix(): string {
    return this.toString().replaceAll(sep, '/')
  }

  /** As a `file:` URL. @throws RangeError for a relative path */
  asUri(): string {
    if (!this.isAbsolute()) throw outOfRange('path', 'absolute to be a URL', this.toString())
    return pathToFileURL(this.toString()).href
  }

  /** The path as text, for system calls. */
  toString(): string {
    return (this.#text ??= formatPath(this.#parts))
  }

  /** The path as text, for `JSON.stringify`. */
  toJSON(): string {
    return this.toString()
  }
}

/** A path that does not depend on the working directory, without asking what its names lead to. */
export function absoluteText(text: string): string {
  // `resolve` of node:path would remove `..`, which is wrong behind a symbolic link.
  return isAbsoluteText(text) ? text : formatPath(joinParts([splitPath(resolveText('.')), splitPath(text)]))
}

export function partsOf(segment: unknown): PathParts {
  if (segment instanceof PurePath) return segment._parts
  const text = segment instanceof URL ? fileURLToPath(segment) : segment
  if (typeof text !== 'string')
    throw invalidArgType('segment', 'of type string, a Path, or an instance of URL', segment)
  if (text.includes('\0')) throw outOfRange('segment', 'a path without null bytes', text)
  return splitPath(text)
}

/** Checks a single name. */
export function checkName(name: unknown): asserts name is string {
  checkString('name', name)
  const { root, names } = splitPath(name)
  if (root !== '' || names.length !== 1 || names[0] !== name || name === '..') {
    throw outOfRange('name', 'one name, without a separator', name)
  }
}
