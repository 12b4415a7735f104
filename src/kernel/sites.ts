/**
 * The lines that spawned tasks and began operations, for runs that keep stacks (`traceResources`). Not a field of tasks
 * and operations: a server has several of them for each connection.
 */

const sites = new WeakMap<object, { stack?: unknown }>()

/** Keeps the current stack for `siteOf(begun)`. */
export function keepSite(begun: object): void {
  const site: { stack?: unknown } = {}
  Error.captureStackTrace(site, keepSite)
  sites.set(begun, site)
}

/** The first line of the stack outside this library: 'serve (file:///…/server.js:12:7)'. */
export function siteOf(begun: object): string | undefined {
  const stack = sites.get(begun)?.stack
  // With `Error.prepareStackTrace`, a program may make anything of a stack.
  return typeof stack === 'string' ? ownLine(stack) : undefined
}

/** The first line of a stack outside this library and Node. */
export function ownLine(stack: unknown): string | undefined {
  if (typeof stack !== 'string') return undefined
  const lines = stack.split('\n').slice(1)
  const line = lines.find(
    (frame) => /^\s+at /.test(frame) && !frame.includes(OWN) && !frame.includes(OWN_PATH) && !frame.includes('(node:'),
  )
  return line?.trim().replace(/^at /, '')
}

/** The folder of the library's modules in stacks: with a protocol, or without one behind some loaders. */
const OWN = folder()?.href ?? 'unknown: '
const OWN_PATH = decodeURIComponent(folder()?.pathname ?? OWN)

/** Unknown in CommonJS made by a bundler: `import.meta` is empty there. */
function folder(): URL | undefined {
  const here = import.meta.url as string | undefined
  return here === undefined ? undefined : new URL('../', here)
}
