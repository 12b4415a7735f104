/**
 * One version, in package.json (`npm version 0.2.0 --no-git-tag-version` changes it), and everything that has to repeat it:
 * the crates, the platform packages, and the library itself, which asks the binary for its own.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { platformFiles } from './manifests.js'
import { PLATFORMS } from './platforms.js'
import { inRoot, readJson } from './project.js'

/** The files that repeat it, by path, as they should be. */
export function versionFiles() {
  const manifest = readJson('package.json')
  const { version } = manifest
  const cargo = readFileSync(inRoot('Cargo.toml'), 'utf8')
  const files = {
    'Cargo.toml': cargo.replace(/^(\[workspace\.package\]\nversion = ").*(")$/m, `$1${version}$2`),
    'src/native/version.ts': [
      '/** The version of the package, as `npm run build -- versions` writes it everywhere. Generated: do not edit. */',
      `export const VERSION = '${version}'`,
      '',
    ].join('\n'),
  }
  for (const platform of PLATFORMS) {
    for (const [name, text] of Object.entries(platformFiles(platform, manifest))) {
      files[`npm/${platform.triple}/${name}`] = text
    }
  }
  return files
}

export function writeVersions() {
  for (const [path, text] of Object.entries(versionFiles())) {
    mkdirSync(dirname(inRoot(path)), { recursive: true })
    writeFileSync(inRoot(path), text)
  }
}
