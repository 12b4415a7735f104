/**
 * The gate before publishing. npm cannot take back a version: one that lacks a platform, or pairs the package with a binary of
 * another version, stays in everybody's lock file. So what is to be published is looked at as it is, tarball by tarball.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compareVersions, readBinary } from './binary.js'
import { tarballName } from './pack.js'
import { binaryName, GLIBC_FLOOR, packageName, PLATFORMS } from './platforms.js'
import { inRoot, readJson } from './project.js'
import { readTarball } from './tar.js'
import { versionFiles } from './versions.js'

/** More than a few of these and something is in the tarball that does not belong there; debug symbols, say. */
const LARGEST_BINARY = 16e6

/** In the addon of a search (crates/core/src/system/misbehaving.rs), and in no other. */
const MISBEHAVING = 'STRUCTIO_SYSTEM_SEED'

/**
 * What is wrong with the tarballs in a folder; nothing, if they may be published.
 *
 * @param {string} folder
 * @param {object} [options]
 * @param {string} [options.tag] the git tag that is released: it has to be `v` and the version
 * @returns {string[]}
 */
export function findProblems(folder, { tag } = {}) {
  const { version } = readJson('package.json')
  const problems = []
  if (tag !== undefined && tag !== `v${version}`) problems.push(`the tag is ${tag}, and package.json says ${version}`)
  for (const [path, text] of Object.entries(versionFiles())) {
    if (readFileSync(inRoot(path), 'utf8') !== text) problems.push(`${path}: run npm run build -- versions`)
  }
  for (const platform of PLATFORMS) {
    problems.push(
      ...inTarball(folder, packageName(platform), version, (files) => checkPlatform(files, platform, version)),
    )
  }
  problems.push(...inTarball(folder, 'structio', version, checkPackage))
  return problems
}

/** Names of the tarballs in the order in which they have to be published: nothing may depend on what is not there yet. */
export function publishingOrder() {
  const { version } = readJson('package.json')
  return [...PLATFORMS.map(packageName), 'structio'].map((name) => ({
    name,
    version,
    file: tarballName(name, version),
  }))
}

function inTarball(folder, name, version, check) {
  const file = tarballName(name, version)
  if (!existsSync(join(folder, file))) return [`${file} is missing`]
  const files = readTarball(readFileSync(join(folder, file)))
  const manifest = JSON.parse(files.get('package.json')?.toString() ?? '{}')
  const problems = check(files, manifest)
  if (manifest.name !== name || manifest.version !== version) problems.push(`is ${manifest.name} ${manifest.version}`)
  const hooks = ['preinstall', 'install', 'postinstall', 'prepare'].filter(
    (hook) => manifest.scripts?.[hook] !== undefined,
  )
  if (hooks.length > 0) problems.push(`has install scripts: ${hooks.join(', ')}`)
  for (const path of ['README.md', 'LICENSE']) if (!files.has(path)) problems.push(`lacks ${path}`)
  return problems.map((problem) => `${file}: ${problem}`)
}

function checkPlatform(files, platform, version) {
  const bytes = files.get(binaryName(platform))
  if (bytes === undefined) return [`lacks ${binaryName(platform)}`]
  const problems = []
  const binary = readBinary(bytes)
  const { os, cpu, libc } = platform
  if (binary?.os !== os || binary.cpu !== cpu || binary.libc !== libc) {
    problems.push(`its binary is for ${binary === undefined ? 'nothing known' : Object.values(binary).join(' ')}`)
  }
  if (binary?.glibc !== undefined && compareVersions(binary.glibc, GLIBC_FLOOR) > 0) {
    problems.push(`its binary needs glibc ${binary.glibc}, and may need ${GLIBC_FLOOR} at most`)
  }
  // What the library asks its binary for (crates/binding/src/identity.rs).
  if (!bytes.includes(`structio ${version}`)) problems.push('its binary is of another version')
  if (bytes.includes(MISBEHAVING)) problems.push('its binary is a build for tests: its system calls misbehave')
  if (bytes.length > LARGEST_BINARY)
    problems.push(`its binary has ${Math.round(bytes.length / 1e6)} MB: is it stripped?`)
  return problems
}

function checkPackage(files, manifest) {
  const problems = []
  const wanted = Object.fromEntries(PLATFORMS.map((platform) => [packageName(platform), manifest.version]))
  if (JSON.stringify(manifest.optionalDependencies) !== JSON.stringify(wanted)) {
    problems.push('its optional dependencies are not every platform, in exactly this version')
  }
  if (Object.keys(manifest.dependencies ?? {}).length > 0) problems.push('has dependencies')
  const pathsOf = (target) => (typeof target === 'string' ? [target] : Object.values(target).flatMap(pathsOf))
  const named = pathsOf(manifest.exports ?? {})
  for (const path of named) if (!files.has(path.replace(/^\.\//, ''))) problems.push(`lacks ${path}, which it exports`)
  if (!files.has('dist/internal/binding.cjs')) problems.push('lacks the loader of its binary')
  for (const path of files.keys()) if (path.endsWith('.node')) problems.push(`carries a binary of its own: ${path}`)
  return problems
}
