/** The searches of a `Path`, as steps from one folder to the next. */
import type { Dirent } from '../backends/contract/backend.ts'
import { checkString, outOfRange } from '../common/validate.ts'
import type { Path } from './path.ts'
import { splitPath } from './path-parts.ts'
import { type Found, type Segment, type Step, toSegments } from './path-search.ts'

/** A folder, the names of the folders in it, and those of all else. */
export type Walked = [path: Path, folders: string[], files: string[]]

export interface WalkOptions {
  readonly topDown: boolean
  readonly onError: (error: Error) => void
  readonly followSymlinks: boolean
}

export function iterStep(folder: Path): Step<Path> {
  return async () => ({ values: (await folder._list()).map(({ name }) => folder.joinpath(name)), steps: [] })
}

export function globStep(folder: Path, pattern: string, everywhere: boolean): Step<Path> {
  checkString('pattern', pattern)
  const { root, names } = splitPath(pattern)
  if (root !== '' || names.length === 0) throw outOfRange('pattern', 'relative, with at least one name', pattern)
  // Several `**` find the same path more than once.
  const seen = new Set<string>()
  return searchStep(folder, everywhere ? ['**', ...toSegments(pattern)] : toSegments(pattern), seen)
}

export function walkStep(folder: Path, options: WalkOptions): Step<Walked> {
  const { topDown, onError, followSymlinks } = options
  return async () => {
    let entries: Dirent[]
    try {
      entries = await folder._list()
    } catch (error) {
      if (!isSystemError(error)) throw error
      onError(error)
      return NOTHING
    }
    const folders: string[] = []
    const files: string[] = []
    const links = new Set<string>()
    for (const entry of entries) {
      if (entry.isSymbolicLink()) links.add(entry.name)
      const leadsOn = entry.isDirectory() || (entry.isSymbolicLink() && (await folder.joinpath(entry.name).isDir()))
      ;(leadsOn ? folders : files).push(entry.name)
    }
    const value: Walked = [folder, folders, files]
    // Evaluated after the user has seen the value, and may have removed folders from it.
    const below: Step<Walked> = async () => ({
      values: [],
      steps: folders
        .filter((name) => followSymlinks || !links.has(name))
        .map((name) => walkStep(folder.joinpath(name), options)),
    })
    return topDown
      ? { values: [value], steps: [below] }
      : { values: [], steps: [below, () => Promise.resolve({ values: [value], steps: [] })] }
  }
}

const NOTHING = { values: [], steps: [] }

function searchStep(folder: Path, [first, ...rest]: readonly Segment[], seen: Set<string>): Step<Path> {
  if (first === undefined) return () => Promise.resolve(once(folder, seen))
  if (first === '**') return anyDepth(folder, rest, seen)
  return async () => {
    const matching = (await list(folder)).filter(({ name }) => first.test(name))
    if (rest.length === 0) return gather(matching.map(({ name }) => once(folder.joinpath(name), seen)))
    // A link may lead to a folder, and what is in it says so.
    const folders = matching.filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    return { values: [], steps: folders.map(({ name }) => searchStep(folder.joinpath(name), rest, seen)) }
  }
}

/** The folder itself and all below it. Does not follow symbolic links. */
function anyDepth(folder: Path, rest: readonly Segment[], seen: Set<string>): Step<Path> {
  return async () => {
    const folders = (await list(folder)).filter((entry) => entry.isDirectory())
    return {
      values: [],
      steps: [
        searchStep(folder, rest, seen),
        ...folders.map(({ name }) => anyDepth(folder.joinpath(name), rest, seen)),
      ],
    }
  }
}

function once(path: Path, seen: Set<string>): Found<Path> {
  const text = path.toString()
  if (seen.has(text)) return NOTHING
  seen.add(text)
  return { values: [path], steps: [] }
}

function gather(found: readonly Found<Path>[]): Found<Path> {
  return { values: found.flatMap(({ values }) => values), steps: [] }
}

/** A folder that cannot be listed counts as empty. */
async function list(folder: Path): Promise<Dirent[]> {
  try {
    return await folder._list()
  } catch (error) {
    if (!isSystemError(error)) throw error
    return []
  }
}

function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error
}
