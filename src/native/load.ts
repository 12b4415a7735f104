/**
 * Loads the addon. The only module that names the generated binding.
 *
 * It is loaded on first use and with `require`: the loader that napi-rs generates throws where no binary fits, and
 * asking which backends there are is not asynchronous.
 */
import { createRequire } from 'node:module'

export type Binding = typeof import('./binding.cjs')
export type BindingEventLoop = import('./binding.cjs').EventLoop
export type BindingTlsContext = import('./binding.cjs').TlsContext
export type BindingTlsEngine = import('./binding.cjs').TlsEngine
export type BindingTlsEngineStep = import('./binding.cjs').TlsEngineStep
export type BindingTlsFacts = import('./binding.cjs').TlsFacts
export type BindingTlsFailure = import('./binding.cjs').TlsFailure
export type BindingChildProcess = import('./binding.cjs').ChildProcess
export type BindingAddress = import('./binding.cjs').Address

/** The addon, or the error that kept it from loading. Tried once: a file that is not there does not appear later. */
export function loadBinding(): Binding {
  outcome ??= attempt()
  if (outcome.binding === undefined) throw outcome.error
  return outcome.binding
}

interface Outcome {
  readonly binding?: Binding
  readonly error?: unknown
}

let outcome: Outcome | undefined

function attempt(): Outcome {
  try {
    return { binding: createRequire(import.meta.url)('./binding.cjs') as Binding }
  } catch (error) {
    return { error }
  }
}
