/**
 * `node scripts/publish.js [--check] [--tag v0.1.0] [--dist-tag next]`: publishes what is in `target/packages`, if it is
 * complete; `--check` only says whether it is. Done again after a failure, it goes on where it stopped. It is run by
 * `.github/workflows/release.yml`, where npm knows the workflow and no token is needed.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { command, must } from './lib/command.js'
import { inRoot } from './lib/project.js'
import { findProblems, publishingOrder } from './lib/release.js'

const { values } = parseArgs({
  options: { check: { type: 'boolean' }, tag: { type: 'string' }, 'dist-tag': { type: 'string' } },
})
const folder = inRoot('target', 'packages')

try {
  const problems = findProblems(folder, { tag: values.tag })
  if (problems.length > 0) throw new Error(`not published:\n${problems.map((problem) => `- ${problem}`).join('\n')}`)
  console.log('complete: every platform, one version')
  if (values.check !== true) for (const each of publishingOrder()) await publish(each)
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}

async function publish({ name, version, file }) {
  const { ok, output } = await command('npm', ['view', `${name}@${version}`, 'version'], { capture: true })
  if (ok && output.trim() === version) return console.log(`${name} ${version} is published already`)
  // A version to try out (1.0.0-rc.1) is not what people get who name none.
  const distTag = values['dist-tag'] ?? (version.includes('-') ? 'next' : 'latest')
  await must('npm', ['publish', join(folder, file), '--provenance', '--access', 'public', '--tag', distTag])
}
