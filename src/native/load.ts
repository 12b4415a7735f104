/**
 * Loads the addon, on first use. The only module that names the generated binding.
 *
 * It uses `require`: the loader that napi-rs generates throws where no binary fits, and the list of backends must be
 * available synchronously.
 */
// A default import: webpack would take calls of a named `createRequire` for requests of its own, and fail to resolve
// them.
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

/** Gives the addon, or throws the error that kept it from loading. Loading is tried once. */
export function loadBinding(): Binding {
  outcome ??= attempt()
  if (outcome.binding === undefined) throw outcome.error
  return outcome.binding
}

/** A `require` that starts here. Throws where a bundler has left no place to start from. */
export function requireFromHere(): NodeJS.Require {
  // A bundler may have made CommonJS of this module: then `__filename` stands for `import.meta.url`.
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
    // A bundler may have left the loader out, or the loader may take the wrong C library for this system's (it looks at
    // a file). The platform's package may be in reach all the same, from here or from the package.
    for (const from of [() => require, () => nodeModule.createRequire(require.resolve('structio/package.json'))]) {
      try {
        return from()(platformPackage()) as Binding
      } catch {
        // The first error is the one to report.
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
