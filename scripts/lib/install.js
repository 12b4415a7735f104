import { existsSync } from 'node:fs'
import { must } from './command.js'
import { inRoot, readJson } from './project.js'

/** Installs what the lock file says, only when something else is there. */
export async function install() {
  const why = staleness()
  if (why === undefined) return
  console.log(`installing dependencies: ${why}`)
  // No dependency needs its install script (esbuild's binary, say, comes in a platform package), so none is run.
  // Not `npm ci`: it refuses a lock file that lacks the optional packages of another platform, and a registry mirror
  // need not have them all. `--no-save` is what keeps this from writing to the lock file.
  // Tools that we only test with warn that they would like a newer Node than the oldest one that we support.
  await must('npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'])
}

/**
 * Why an install is needed, or undefined. npm keeps a lock file of what it has installed in `node_modules`; comparing
 * the two costs milliseconds and, unlike a stamp of our own, also believes a `npm install` done by hand.
 */
function staleness() {
  if (!existsSync(inRoot('node_modules', '.package-lock.json'))) return 'nothing is installed'
  const wanted = readJson('package-lock.json').packages
  const present = readJson('node_modules', '.package-lock.json').packages
  for (const [path, { version, optional, peer }] of Object.entries(wanted)) {
    if (path === '') continue
    // Optional packages of other platforms are locked, but never present.
    if (present[path] === undefined ? !optional && !peer : present[path].version !== version)
      return `${path} ${version}`
  }
  return undefined
}
