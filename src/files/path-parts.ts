/** Parsing and joining of paths, by the rules of this platform, without system calls. */
import { parse, sep } from 'node:path'

/** A path in its pieces: `root` is `'/'`, on Windows `'C:\\'` or a share, and `''` of a relative path. */
export interface PathParts {
  readonly root: string
  readonly names: readonly string[]
}

const SEPARATORS = sep === '\\' ? /[\\/]+/ : /\/+/

/** Empty pieces and `.` are left out. `..` stays: behind a symbolic link only the system knows its target. */
export function splitPath(text: string): PathParts {
  const { root } = parse(text)
  const names = text
    .slice(root.length)
    .split(SEPARATORS)
    .filter((name) => name !== '' && name !== '.')
  // As in POSIX, exactly two slashes may mean something else, and Python keeps them.
  const exactRoot = sep === '/' && /^\/\/(?!\/)/.test(text) ? '//' : sep === '\\' ? root.replaceAll('/', '\\') : root
  return { root: exactRoot, names }
}

/** Joins paths; an absolute one replaces those before it. */
export function joinParts(list: readonly PathParts[]): PathParts {
  return list.reduce(
    (left, right) => (right.root === '' ? { root: left.root, names: [...left.names, ...right.names] } : right),
    { root: '', names: [] },
  )
}

export function formatPath({ root, names }: PathParts): string {
  return root === '' && names.length === 0 ? '.' : root + names.join(sep)
}

/** The index of the last suffix. A leading or trailing dot starts none. */
export function suffixStart(name: string): number {
  const dot = name.lastIndexOf('.')
  return dot > 0 && dot < name.length - 1 && !/^\.+$/.test(name.slice(0, dot + 1)) ? dot : name.length
}

/** A shell pattern for one name: `*`, `?`, `[a-z]`, `[!a]`. */
export function namePattern(pattern: string): RegExp {
  let source = ''
  for (let index = 0; index < pattern.length; index++) {
    const letter = pattern[index]!
    if (letter === '*') source += '.*'
    else if (letter === '?') source += '.'
    else if (letter === '[') {
      // As in fnmatch, a bracket right after the opening one is itself a member.
      const end = pattern.indexOf(']', index + (pattern[index + 1] === '!' ? 3 : 2))
      if (end < 0) source += '\\['
      else {
        const set = pattern
          .slice(index + 1, end)
          .replaceAll('\\', '\\\\')
          .replaceAll(']', '\\]')
          .replaceAll('[', '\\[')
        source += set.startsWith('!') ? `[^${set.slice(1)}]` : `[${set.replace(/^\^/, '\\^')}]`
        index = end
      }
    } else source += letter.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&')
  }
  return new RegExp(`^${source}$`, sep === '\\' ? 'is' : 's')
}
