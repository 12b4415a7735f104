/**
 * `npm run build [-- part…]`: the whole build, or some of its parts (versions, native, load, javascript, types).
 */
import { buildParts, build } from './lib/build.js'

const parts = process.argv.slice(2)
const unknown = parts.filter((part) => !Object.hasOwn(buildParts, part))
if (unknown.length > 0) {
  console.error(`no such part: ${unknown.join(', ')}. There are: ${Object.keys(buildParts).join(', ')}.`)
  process.exit(2)
}
try {
  await build(parts.length > 0 ? parts : undefined)
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
