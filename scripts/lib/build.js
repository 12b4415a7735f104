/**
 * The build, part by part:
 *
 *   versions    package.json ──► npm/, Cargo.toml, src/native/version.ts (committed)
 *   native      crates/binding ─napi build─► src/native/binding.cjs, binding.d.cts (committed), *.node (not)
 *   load        bench/load     ─cargo build─► the load generator that the main job and the benchmarks use
 *   javascript  index.ts, src/ ─tsc, rolled up─► dist/, with the addon and its loader in it
 *   types       index.ts, src/{testing,node}/index.ts ─tsc, rolled up─► index.d.ts, testing.d.ts, node.d.ts (committed)
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { resolve } from 'node:path'
import { must } from './command.js'
import { install } from './install.js'
import { buildJavascript } from './javascript.js'
import { binOf, inRoot, root } from './project.js'
import { writeTypes } from './types.js'
import { writeVersions } from './versions.js'

export const buildParts = { versions: writeVersions, native, load, javascript: buildJavascript, types: writeTypes }

export async function build(parts = Object.keys(buildParts)) {
  await install()
  for (const part of parts) await buildParts[part]()
}

async function native() {
  const fresh = inRoot('target', 'addon')
  mkdirSync(fresh, { recursive: true })
  await must(process.execPath, [
    binOf('@napi-rs/cli', 'napi'),
    ...['build', '--platform', '--release', '--manifest-path', 'crates/binding/Cargo.toml'],
    ...['--output-dir', fresh, '--js', 'binding.cjs', '--dts', 'binding.d.cts'],
  ])
  // Renamed into place, not written over: a running server has the old library mapped, and would crash.
  for (const name of readdirSync(fresh)) installFile(`${fresh}/${name}`, inRoot('src', 'native', name))
}

async function load() {
  // For the target that napi names: what the addon needs, too (the cryptography takes most of a minute), is built once.
  const target = hostTarget()
  await must('cargo', ['build', '--release', '--target', target, '--manifest-path', 'bench/load/Cargo.toml'])
  const built = resolve(root, process.env.CARGO_TARGET_DIR ?? 'target', target, 'release')
  const programs = inRoot('target', 'load')
  mkdirSync(programs, { recursive: true })
  for (const name of readdirSync(built)) {
    if (/^structio-[a-z-]+(\.exe)?$/.test(name)) installFile(`${built}/${name}`, `${programs}/${name}`)
  }
}

function hostTarget() {
  const about = execFileSync('rustc', ['-vV'], { encoding: 'utf8' })
  return /^host: (.+)$/m.exec(about)[1]
}

function installFile(from, to) {
  if (existsSync(to) && readFileSync(from).equals(readFileSync(to))) return
  const beside = `${to}.new`
  cpSync(from, beside)
  renameSync(beside, to)
}
