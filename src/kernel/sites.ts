/**
 * Where tasks were spawned and operations begun, for runs that keep stacks (`traceResources`). Not a field of the task
 * or the operation: there are several for each connection.
 */

const sites = new WeakMap<object, { stack?: unknown }>()

/** Keeps the stack of this call as the place where `begun` was begun. */
export function keepSite(begun: object): void {
  const site: { stack?: unknown } = {}
  Error.captureStackTrace(site, keepSite)
  sites.set(begun, site)
}

/** The line of code, as stacks write it: 'serve (file:///…/server.js:12:7)'. The first that is not of this library. */
export function siteOf(begun: object): string | undefined {
  const stack = sites.get(begun)?.stack
  // A program may have its own idea of stacks (`Error.prepareStackTrace`).
  return typeof stack === 'string' ? ownLine(stack) : undefined
}

/** The first line of a stack that is neither of this library nor of Node. */
export function ownLine(stack: unknown): string | undefined {
  if (typeof stack !== 'string') return undefined
  const lines = stack.split('\n').slice(1)
  const line = lines.find(
    (frame) => /^\s+at /.test(frame) && !frame.includes(OWN) && !frame.includes(OWN_PATH) && !frame.includes('(node:'),
  )
  return line?.trim().replace(/^at /, '')
}

/** The folder of the library's modules, as stacks write it: with a protocol, or behind a loader without. */
const OWN = folder()?.href ?? 'unknown: '
const OWN_PATH = decodeURIComponent(folder()?.pathname ?? OWN)

/** Unknown in CommonJS that a bundler has made of this module: there, `import.meta` is empty. */
function folder(): URL | undefined {
  const here = import.meta.url as string | undefined
  return here === undefined ? undefined : new URL('../', here)
}
