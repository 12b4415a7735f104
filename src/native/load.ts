/**
 * Loads the addon. The only module that names the generated binding.
 *
 * It is loaded on first use and with `require`: the loader that napi-rs generates throws where no binary fits, and
 * asking which backends there are is not asynchronous.
 */
// Not by name: webpack would take the calls for requests of its own, and not find what they ask for.
import nodeModule from 'node:module'
import { platformPackage } from './platform.ts'
import { VERSION } from './version.ts'

export type Binding = typeof import('./binding.cjs')
export type BindingEventLoop = import('./binding.cjs').EventLoop
export type BindingTlsContext = import('./binding.cjs').TlsContext
export type BindingTlsEngine = import('./binding.cjs').TlsEngine
export type BindingTlsEngineStep = import('./binding.cjs').TlsEngineStep
export type BindingTlsFacts = import('./binding.cjs').TlsFacts
export type BindingTlsFailure = import('./binding.cjs').TlsFailure
export type BindingChildProcess = import('./binding.cjs').ChildProcess
export type BindingAddress = import('./binding.cjs').Address
export type BindingOpenedFile = import('./binding.cjs').OpenedFile

/** The addon, or the error that kept it from loading. Tried once: a file that is not there does not appear later. */
export function loadBinding(): Binding {
  outcome ??= attempt()
  if (outcome.binding === undefined) throw outcome.error
  return outcome.binding
}

/** What `require` starts from here. Throws where a bundler has left nothing to start from. */
export function requireFromHere(): NodeJS.Require {
  // CommonJS made of this module by a bundler has no `import.meta`, and `__filename` instead.
  const here = (import.meta.url as string | undefined) ?? __filename
  return nodeModule.createRequire(here)
}

interface Outcome {
  readonly binding?: Binding
  readonly error?: unknown
}

let outcome: Outcome | undefined

function attempt(): Outcome {
  try {
    const binding = find()
    const identity = typeof binding.identity === 'function' ? binding.identity() : 'of a version before 0.1.0'
    if (identity === `structio ${VERSION}`) return { binding }
    return { error: new Error(`The binary is ${identity}, and the package is structio ${VERSION}`) }
  } catch (error) {
    return { error }
  }
}

function find(): Binding {
  const require = requireFromHere()
  try {
    return require(LOADER) as Binding
  } catch (error) {
    // A bundler may have left the loader behind, and it takes the C library's name from a file that another one may own.
    // The platform's package may be in reach all the same, from here or from the package.
    for (const from of [() => require, () => nodeModule.createRequire(require.resolve('structio/package.json'))]) {
      try {
        return from()(platformPackage()) as Binding
      } catch {
        // What went wrong at first is what the error says.
      }
    }
    if (!isLeftBehind(error)) throw error
    throw new Error(`This is a bundle, and ${LOADER} is not beside it`, { cause: error })
  }
}

const LOADER = './binding.cjs'

function isLeftBehind(error: unknown): boolean {
  return error instanceof Error && error.message.includes(`'${LOADER}'`)
}
