/**
 * TypeScript in threads of a program that runs under tsx. In some versions of Node, the hooks of `--import=tsx` apply
 * to the main thread alone, and a thread must register tsx itself. The host finds out. The thread registers before it
 * loads the first TypeScript: a module that Node failed to load once is never loaded again.
 */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

/**
 * The URL of the module whose `register()` a thread must call; undefined if tsx is not used, or registers by itself.
 */
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

/** In these versions of Node, tsx uses synchronous hooks, which apply to every thread. */
function registersInThreads(): boolean {
  const [major = 0, minor = 0, patch = 0] = process.versions.node.split('.').map(Number)
  const since = { 22: [22, 3], 24: [11, 1], 25: [1, 0] }[major]
  if (since === undefined) return major >= 26
  return minor > since[0]! || (minor === since[0] && patch >= since[1]!)
}

/** No dependency of ours: the program was started with it. */
const TSX_API = 'tsx/esm/api'

function apiOf(loader: string): string | undefined {
  if (loader === 'tsx' || loader === 'tsx/esm') {
    const here = createRequire(pathToFileURL(`${process.cwd()}/`))
    return pathToFileURL(here.resolve(TSX_API)).href.replace(/\.cjs$/, '.mjs')
  }
  // The command `tsx` passes the path of its loader.
  const [, dist] = /^(.*[\\/]tsx[\\/]dist[\\/])(?:esm[\\/]index|loader)\.mjs$/.exec(loader) ?? []
  if (dist === undefined) return undefined
  return new URL('./esm/api/index.mjs', dist.startsWith('file:') ? dist : pathToFileURL(dist).href).href
}
