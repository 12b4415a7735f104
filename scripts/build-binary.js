/**
 * `node scripts/build-binary.js linux-arm64-musl [--into FOLDER]`: the binary for a platform, as it is published.
 *
 * Those for Linux are linked by zig, which has every C library and every version of glibc: what is built on a new system
 * would ask for a new one. macOS and Windows build their own.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { parseArgs } from 'node:util'
import { compareVersions, readBinary } from './lib/binary.js'
import { must } from './lib/command.js'
import { install } from './lib/install.js'
import { binaryName, GLIBC_FLOOR, PLATFORMS } from './lib/platforms.js'
import { binOf, inRoot } from './lib/project.js'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { into: { type: 'string', default: inRoot('target', 'artifacts') } },
})

try {
  const platform = PLATFORMS.find(({ triple }) => triple === positionals[0])
  if (platform === undefined) {
    throw new Error(`which platform? ${PLATFORMS.map(({ triple }) => triple).join(', ')}`)
  }
  await install()
  await buildBinary(platform, values.into)
  check(platform, join(values.into, binaryName(platform)))
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}

async function buildBinary({ os, target, libc }, into) {
  await must('rustup', ['target', 'add', target])
  const zig = os === 'linux'
  const floor = libc === 'glibc' ? `.${GLIBC_FLOOR}` : ''
  const args = [
    ...['build', '--platform', '--release', '--no-js', '--manifest-path', 'crates/binding/Cargo.toml'],
    ...['--target', zig ? `${target}${floor}` : target, ...(zig ? ['--cross-compile'] : [])],
    ...['--output-dir', into, '--dts', 'binding.d.ts'],
  ]
  const env = zig ? { PATH: `${await zigFolder()}${delimiter}${process.env.PATH}` } : {}
  await must(process.execPath, [binOf('@napi-rs/cli', 'napi'), ...args], { env })
}

/** A folder with zig and cargo-zigbuild, in the versions that scripts/zig-requirements.txt names. */
async function zigFolder() {
  const venv = inRoot('target', 'zig')
  const bin = join(venv, 'bin')
  if (!existsSync(join(bin, 'cargo-zigbuild'))) {
    mkdirSync(venv, { recursive: true })
    await must('python3', ['-m', 'venv', venv])
    await must(join(bin, 'pip'), ['install', '--quiet', '--requirement', inRoot('scripts', 'zig-requirements.txt')])
  }
  // The package has zig as a module of Python; napi looks for a program.
  writeFileSync(join(bin, 'zig'), `#!/bin/sh\nexec "${join(bin, 'python')}" -m ziglang "$@"\n`)
  chmodSync(join(bin, 'zig'), 0o755)
  return bin
}

/** What the release's gate asks of it, while whoever built it is looking. */
function check(platform, path) {
  const binary = readBinary(readFileSync(path))
  console.log(`${path}: ${JSON.stringify(binary)}, ${(statSync(path).size / 1e6).toFixed(1)} MB`)
  const { os, cpu, libc } = platform
  if (binary?.os !== os || binary.cpu !== cpu || binary.libc !== libc) throw new Error('not what was asked for')
  if (binary.glibc !== undefined && compareVersions(binary.glibc, GLIBC_FLOOR) > 0) {
    throw new Error(`asks for glibc ${binary.glibc}, and may ask for ${GLIBC_FLOOR} at most`)
  }
}
