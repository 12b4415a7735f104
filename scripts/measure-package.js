/**
 * `node scripts/measure-package.js`: what the package weighs and how long it takes to be there, for the README. Each time is the
 * median over processes of their own, the file system's cache warm; on a busy machine they are a multiple.
 */
import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { build } from './lib/build.js'
import { pack } from './lib/pack.js'
import { binaryName, hostPlatform } from './lib/platforms.js'
import { inRoot } from './lib/project.js'

const TIMES = 31

await build(['versions', 'native', 'javascript'])
const tarballs = await pack()
for (const path of tarballs) console.log(`${path.split(/[\\/]/).at(-1)}: ${megabytes(path)}`)
console.log(`${binaryName(hostPlatform())}: ${megabytes(inRoot('src', 'native', binaryName(hostPlatform())))}`)
console.log(`structio.js: ${megabytes(inRoot('dist', 'internal', 'structio.js'))}`)

const entry = JSON.stringify(new URL('../dist/index.js', import.meta.url).href)
report('a module with nothing in it', `await import('data:text/javascript,')`)
report(
  'node:net, node:tls and node:dgram',
  `await Promise.all(['node:net', 'node:tls', 'node:dgram'].map((name) => import(name)))`,
)
report('structio', `await import(${entry})`)
report(
  'structio, and a first run on the native backend',
  `await (await import(${entry})).run(() => {}, { backend: 'native' })`,
)

function report(what, code) {
  const program = `const from = performance.now(); ${code}; console.log(performance.now() - from)`
  const run = () =>
    Number(execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' }))
  const times = Array.from({ length: TIMES }, run).sort((a, b) => a - b)
  console.log(`${what}: ${times[TIMES >> 1].toFixed(1)} ms (${times[0].toFixed(1)} to ${times.at(-1).toFixed(1)})`)
}

function megabytes(path) {
  return `${(statSync(path).size / 1e6).toFixed(2)} MB`
}
