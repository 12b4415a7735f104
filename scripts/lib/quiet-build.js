import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { inRoot, root } from './project.js'

/** Lines of the log that are shown when the build has failed. */
const LAST_LINES = 30

/**
 * Installs and builds with one line of output: what npm, cargo and tsc print goes into `target/build.log`.
 *
 * @throws Error with the last lines of the log where the build fails
 */
export async function buildQuietly() {
  mkdirSync(inRoot('target'), { recursive: true })
  const path = inRoot('target', 'build.log')
  const log = openSync(path, 'w')
  const began = performance.now()
  const seconds = () => `${Math.round((performance.now() - began) / 1000)} s`
  const text = 'Installing and building (a first time takes minutes; details in target/build.log)'
  const terminal = process.stdout.isTTY
  if (!terminal) console.log(`${text} …`)
  const progress = terminal ? setInterval(() => process.stdout.write(`\r${text} … ${seconds()}`), 500) : undefined

  const child = spawn(process.execPath, [inRoot('scripts', 'build.js')], { cwd: root, stdio: ['ignore', log, log] })
  closeSync(log)
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('exit', resolve))
  clearInterval(progress)
  if (terminal) process.stdout.write('\r\x1b[K')
  if (code !== 0) {
    const last = readFileSync(path, 'utf8').trimEnd().split('\n').slice(-LAST_LINES).join('\n')
    throw new Error(`the build has failed (all of it is in target/build.log):\n${last}`)
  }
  console.log(`Built in ${seconds()}.\n`)
}
