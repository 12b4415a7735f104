/**
 * `npm run pack [-- --artifacts FOLDER]`: builds, and packs what would be published into `target/packages`. Without a folder
 * of binaries, only this platform's is there.
 */
import { relative } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from './lib/build.js'
import { pack } from './lib/pack.js'
import { root } from './lib/project.js'

try {
  const { values } = parseArgs({ options: { artifacts: { type: 'string' } } })
  await build(values.artifacts === undefined ? ['versions', 'native', 'javascript'] : ['versions', 'javascript'])
  const tarballs = await pack(values)
  console.log(`packed:\n${tarballs.map((path) => `  ${relative(root, path)}`).join('\n')}`)
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
