/**
 * `npm run test:install [-- --node 20,24] [--manager npm,pnpm]`: packs the library and installs it as a stranger does, for each
 * Node and each package manager: into an empty folder, without Rust. Other Nodes are fetched once.
 */
import { parseArgs } from 'node:util'
import { build } from './lib/build.js'
import { MANAGERS, openFolder } from './lib/installs.js'
import { fetchNode } from './lib/nodes.js'
import { pack } from './lib/pack.js'
import { createReport } from './lib/report.js'
import { registryOf, visit } from './lib/stranger.js'

const { values } = parseArgs({
  options: {
    node: { type: 'string', default: '20,22,24,26' },
    manager: { type: 'string', default: Object.keys(MANAGERS).join(',') },
    artifacts: { type: 'string' },
  },
})
const { step, finish } = createReport('npm run test:install')

let registry
const prepare = async () => {
  await build(['versions', ...(values.artifacts === undefined ? ['native'] : []), 'javascript'])
  registry = await registryOf(await pack(values))
}
if (await step('build and pack', prepare)) {
  for (const version of values.node.split(',')) {
    let node
    await step(`fetch Node ${version}`, async () => void (node = await fetchNode(version)))
    if (node === undefined) continue
    for (const manager of values.manager.split(','))
      await step(`Node ${version}, ${manager}`, () => tryOut(manager, node))
  }
  await registry.close()
}
finish()

async function tryOut(manager, node) {
  const folder = openFolder({ manager, node, registry: registry.url })
  try {
    const { code, stdout, stderr } = await folder.add('structio')
    if (code !== 0) throw new Error(`${manager} did not install it\n${stdout}\n${stderr}`)
    // What Plug'n'Play keeps in archives, a compiler finds only with yarn's own patches.
    await visit(folder, { types: manager !== 'yarn-berry' })
  } finally {
    folder.close()
  }
}
