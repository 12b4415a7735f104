/**
 * Explains why the addon did not load, and how to mend it. The errors of the loaders name what was tried. They leave
 * out the usual causes: a package manager skipped an optional package without a word, or a file is for another system.
 */
import { readdirSync } from 'node:fs'
import { requireFromHere } from './load.ts'
import { glibcVersion, platformPackage } from './platform.ts'

/** The last explanation: each `run` asks, with the same error. */
let explained: { readonly error: unknown; readonly text: string } | undefined

/** The end of the sentence "The native backend does not load here: …", without a full stop. */
export function explainLoadError(error: unknown): string {
  if (explained === undefined || explained.error !== error) explained = { error, text: explain(error) }
  return explained.text
}

function explain(error: unknown): string {
  const name = platformPackage()
  const texts = messages(error)
  const all = texts.join('\n')
  if (!BUILT_FOR.test(name)) return `no package carries a binary for ${process.platform} on ${process.arch} (${name})`
  if (/The binary is .* and the package is/.test(all)) {
    return `${texts[0]}; the package ${name} has to be of the same version: install both anew`
  }
  const failure = texts.find((text) => UNLOADABLE.some(([pattern]) => pattern.test(text)))
  if (failure !== undefined) {
    const [pattern, reason] = UNLOADABLE.find(([each]) => each.test(failure)) as (typeof UNLOADABLE)[number]
    const named = /structio-\w+-\w+(-\w+)?(?=[/\\])/.exec(failure)?.[0]
    return `${named ?? name} ${reason(pattern.exec(failure) as RegExpExecArray)}`
  }
  if (/This is a bundle/.test(all)) {
    return (
      `this is a bundle that the binary was left out of: keep "structio" external, or install ${name} ` +
      'where the bundle is run'
    )
  }
  return `its binary should come with the package ${name}, ${whyMissing(name)}`
}

/** Matches the platforms that have a package. scripts/lib/platforms.js has the list, and a test compares the two. */
export const BUILT_FOR = /^structio-(linux-(x64|arm64)-(gnu|musl)|darwin-(x64|arm64)|win32-(x64|arm64)-msvc)$/

/** Messages of the loaders of all systems, each with its explanation. */
const UNLOADABLE: readonly (readonly [RegExp, (match: RegExpExecArray) => string])[] = [
  [
    /GLIBC_([\d.]+)' not found/,
    ([, wanted]) => `is installed, and needs glibc ${wanted} or later: this system has ${glibcVersion() ?? 'another'}`,
  ],
  [
    /libc\.musl|ld-musl|Error relocating|Error loading shared library|libc\.so: invalid ELF header/,
    () => 'is installed, but is for another C library (glibc or musl) than this system has',
  ],
  [
    /invalid ELF header|file too short|wrong ELF class|incompatible architecture|not a mach-o|slice is not valid|not a valid Win32/,
    () => 'is installed, but its file is damaged or for another platform: install it anew, on this machine',
  ],
  [
    /failed to map segment|[Oo]peration not permitted|[Pp]ermission denied|Access is denied/,
    () => 'is installed, but this process may not execute its file (a file system mounted noexec, or a policy)',
  ],
  [/cannot open shared object file/, () => 'is installed, but the system lacks a library that it needs'],
]

function whyMissing(name: string): string {
  const others = installedBinaries().filter((other) => other !== name)
  if (others.length > 0) {
    return (
      `and ${others.join(', ')} is installed instead: node_modules or the lock file come from another platform. ` +
      'Install on this one; npm may need both removed first (https://github.com/npm/cli/issues/4828)'
    )
  }
  return (
    'which is not installed: optional dependencies were left out (--omit=optional, --no-optional), or the lock file ' +
    'was written on another platform; npm then needs it and node_modules removed (https://github.com/npm/cli/issues/4828)'
  )
}

/** The installed packages with binaries, of any platform, where `require` looks for this one. */
function installedBinaries(): string[] {
  try {
    const folders = requireFromHere().resolve.paths('structio-') ?? []
    return [...new Set(folders.flatMap(namesIn).filter((name) => BUILT_FOR.test(name)))]
  } catch {
    return []
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** The messages of an error and of its causes. */
function messages(error: unknown): string[] {
  const found: string[] = []
  for (let next = error; next instanceof Error; next = next.cause) found.push(next.message)
  return found
}
