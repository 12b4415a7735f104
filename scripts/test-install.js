/**
 * `npm run test:install [-- --node 20,24] [--manager npm,pnpm] [--imitation bun]`: packs the library and installs it as a
 * stranger does, for each Node and each package manager, and for what imitates Node: into an empty folder, without Rust.
 * What is not here is fetched once; `--node here` is the one that runs this, and `none` is nothing. `--artifacts FOLDER` takes
 * binaries that were built elsewhere.
 */
import { parseArgs } from 'node:util'
import { build } from './lib/build.js'
import { MANAGERS, openFolder } from './lib/installs.js'
import { fetchImitation, fetchNode } from './lib/nodes.js'
import { pack } from './lib/pack.js'
import { createReport } from './lib/report.js'
import { registryOf, visit } from './lib/stranger.js'

const { values } = parseArgs({
  options: {
    node: { type: 'string', default: '20,22,24,26' },
    imitation: { type: 'string', default: 'bun,deno' },
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
  for (const version of list(values.node)) {
    let node
    await step(`fetch Node ${version}`, async () => void (node = await nodeOf(version)))
    if (node === undefined) continue
    for (const manager of list(values.manager)) {
      await step(`Node ${version}, ${manager}`, () => tryOut(manager, { node }))
    }
  }
  for (const name of list(values.imitation)) {
    await step(name, async () => tryOut('npm', await fetchImitation(name)))
  }
  await registry.close()
}
finish()

function list(option) {
  return option.split(',').filter((each) => each !== 'none')
}

function nodeOf(version) {
  return version === 'here' ? process.execPath : fetchNode(version)
}

async function tryOut(manager, runtime) {
  const folder = openFolder({ manager, ...runtime, registry: registry.url })
  try {
    const { code, stdout, stderr } = await folder.add('structio')
    if (code !== 0) throw new Error(`${manager} did not install it\n${stdout}\n${stderr}`)
    // What Plug'n'Play keeps in archives, a compiler finds only with yarn's own patches.
    await visit(folder, { types: manager !== 'yarn-berry' })
  } finally {
    folder.close()
  }
}
