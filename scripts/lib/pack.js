/**
 * The tarballs that are published: the package, and one for each platform whose binary is at hand.
 *
 *   target/packages/structio/, structio-linux-x64-gnu/, …   what goes into them
 *   target/packages/structio-0.1.0.tgz, …                   and how npm packs it
 */
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { command } from './command.js'
import { platformFiles, publishedManifest } from './manifests.js'
import { binaryName, hostPlatform, packageName, PLATFORMS } from './platforms.js'
import { inRoot, readJson } from './project.js'

/**
 * @param {object} [options]
 * @param {string} [options.artifacts] a folder with binaries, `structio.linux-x64-gnu.node` and the like. Without it, the one
 *   that was built here is packed.
 * @param {string} [options.into] default `target/packages`, which is emptied
 * @returns {Promise<string[]>} the tarballs; the package itself is the last
 */
export async function pack({ artifacts, into = inRoot('target', 'packages') } = {}) {
  const manifest = readJson('package.json')
  rmSync(into, { recursive: true, force: true })
  const folders = PLATFORMS.flatMap((platform) => stagePlatform(platform, manifest, artifacts, into) ?? [])
  folders.push(stagePackage(manifest, into))
  // One after the other: npm keeps a cache, and two of it at once have been seen to fall over each other.
  const tarballs = []
  for (const folder of folders) tarballs.push(await npmPack(folder, into))
  return tarballs
}

/** The name npm gives a tarball. */
export const tarballName = (name, version) => `${name}-${version}.tgz`

export async function npmPack(folder, into) {
  const args = ['pack', folder, '--silent', '--ignore-scripts', '--pack-destination', into]
  const { ok, output } = await command('npm', args, { capture: true })
  if (!ok) throw new Error(`npm could not pack ${folder}`)
  return join(into, output.trim().split('\n').at(-1))
}

function stagePackage(manifest, into) {
  const folder = join(into, manifest.name)
  for (const path of ['README.md', 'LICENSE', ...manifest.files.filter((path) => !path.startsWith('!'))]) {
    cpSync(inRoot(path), join(folder, path), { recursive: true })
  }
  writeManifest(folder, withRepository(publishedManifest(manifest)))
  return folder
}

/** `undefined` where there is no binary. */
function stagePlatform(platform, manifest, artifacts, into) {
  const host = platform.triple === hostPlatform()?.triple
  if (artifacts === undefined && !host) return undefined
  const binary = join(artifacts ?? inRoot('src', 'native'), binaryName(platform))
  if (!existsSync(binary)) return undefined
  const folder = join(into, packageName(platform))
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(platformFiles(platform, manifest))) writeFileSync(join(folder, name), text)
  writeManifest(folder, withRepository(JSON.parse(platformFiles(platform, manifest)['package.json'])))
  cpSync(inRoot('LICENSE'), join(folder, 'LICENSE'))
  cpSync(binary, join(folder, binaryName(platform)))
  return folder
}

function writeManifest(folder, manifest) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
}

/** Provenance names the repository that a package was built in, and npm insists that the manifest says the same. */
function withRepository(manifest) {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env
  if (server === undefined || repository === undefined) return manifest
  return { ...manifest, repository: { type: 'git', url: `git+${server}/${repository}.git` } }
}
