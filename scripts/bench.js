/** `npm run bench [-- arguments]`: builds, then measures. `bench/method.md` says how, and what the arguments are. */
import { build } from './lib/build.js'
import { must } from './lib/command.js'
import { inRoot } from './lib/project.js'

try {
  await build()
  await must(process.execPath, ['--import=tsx', inRoot('bench', 'run.ts'), ...process.argv.slice(2)])
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
