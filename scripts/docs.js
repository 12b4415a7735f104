/** `npm run docs`: the site, into `target/site`. */
import { buildDocs } from './lib/docs.js'
import { install } from './lib/install.js'
import { writeTypes } from './lib/types.js'

try {
  await install()
  await writeTypes()
  await buildDocs()
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
