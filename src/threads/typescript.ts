/**
 * TypeScript in a thread, where tsx runs it in the program. In some versions of Node the hooks of `--import=tsx` are those of the
 * main thread alone, so that a thread has to ask tsx for its own. The host finds out; the thread does as it is told, before it
 * loads the first TypeScript, for what Node failed to load once it never loads again.
 */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

/** The URL of the module whose `register()` a thread has to call; undefined where tsx is not used, or does so itself. */
export function tsxForThreads(): string | undefined {
  if (registersInThreads()) return undefined
  const options = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)]
  for (const [index, option] of options.entries()) {
    const match = /^--(?:import|loader|experimental-loader)(?:=(.*))?$/.exec(option)
    const url = match === null ? undefined : apiOf(match[1] ?? options[index + 1] ?? '')
    if (url !== undefined) return url
  }
  return undefined
}

/** Whether a module may be written in TypeScript. */
export function isTypeScript(url: string): boolean {
  return /\.[cm]?tsx?(?:[?#]|$)/.test(url)
}

/** Here tsx hooks in synchronously, in every thread, since these versions do that well enough for it. */
function registersInThreads(): boolean {
  const [major = 0, minor = 0, patch = 0] = process.versions.node.split('.').map(Number)
  const since = { 22: [22, 3], 24: [11, 1], 25: [1, 0] }[major]
  if (since === undefined) return major >= 26
  return minor > since[0]! || (minor === since[0] && patch >= since[1]!)
}

/** No dependency: it is the program's own, which was started with it. */
const TSX_API = 'tsx/esm/api'

function apiOf(loader: string): string | undefined {
  if (loader === 'tsx' || loader === 'tsx/esm') {
    const here = createRequire(pathToFileURL(`${process.cwd()}/`))
    return pathToFileURL(here.resolve(TSX_API)).href.replace(/\.cjs$/, '.mjs')
  }
  // The command `tsx` names its loader by where it is.
  const [, dist] = /^(.*[\\/]tsx[\\/]dist[\\/])(?:esm[\\/]index|loader)\.mjs$/.exec(loader) ?? []
  if (dist === undefined) return undefined
  return new URL('./esm/api/index.mjs', dist.startsWith('file:') ? dist : pathToFileURL(dist).href).href
}
