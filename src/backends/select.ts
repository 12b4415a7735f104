/** Selects the backend of a `run`. */
import { BackendNotFoundError, UsageError } from '../errors.ts'
import { warnOnce } from '../kernel/index.ts'
import { checkInteger, checkOneOf, checkOptions, checkString, optionNames } from '../common/validate.ts'
import type { Backend } from './contract/backend.ts'
import { explainLoadError, loadNativeBackend, type NativeOptions } from './native/index.ts'
import { makeNativeEngine } from './native/tls-engine.ts'
import { nodeBackend, type NodeOptions } from './node/index.ts'
import { makeNodeEngine } from './node/tls-engine.ts'
import type { MakeEngine } from './contract/tls-engine.ts'
import { makeVirtualBackend, type VirtualOptions } from './virtual/index.ts'

export type { NativeOptions } from './native/index.ts'
export type { NodeOptions } from './node/index.ts'
export type { VirtualOptions } from './virtual/index.ts'

/** `backendOptions`: the options of the chosen backend. */
export type BackendOptions = NativeOptions | NodeOptions | VirtualOptions

/** The names of all backends. */
export function getAllBackends(): readonly string[] {
  return ALL
}

/** The names of the backends that work on this platform, in this process. */
export function getAvailableBackends(): readonly string[] {
  return nativeLoads() ? ALL : WITHOUT_NATIVE
}

/**
 * Returns the backend with this name. Without a name it is `native`, or `node` with one warning if no binary loads
 * (RUN-5).
 *
 * @throws BackendNotFoundError with the names of the backends, and with the load error as `cause` if the addon did not
 *   load
 */
export function selectBackend(name: string | undefined, options: BackendOptions = {}): Backend {
  checkOptions(NAME, options)
  switch (name) {
    case 'node':
      refuseVirtualOptions(options)
      checkOptions(NAME, options, NODE_OPTIONS)
      return nodeBackend
    case 'native':
      refuseVirtualOptions(options)
      return native(options as NativeOptions)
    case 'virtual':
      // Simulated connections use real TLS: that of the backend that a run would get here.
      return makeVirtualBackend(options as VirtualOptions, engineHere, realHere)
    case undefined:
      refuseVirtualOptions(options)
      return nativeOrNode(options as NativeOptions)
    default:
      throw new BackendNotFoundError(`There is no backend "${name}"; there are ${list(ALL)}`)
  }
}

/** A test of simulated time would otherwise run in real time without an error. */
function refuseVirtualOptions(options: object): void {
  for (const name of ['seed', 'clock', 'network']) {
    if (name in options) {
      throw new UsageError(`options.backendOptions.${name} is of the virtual backend: give backend: 'virtual', too`)
    }
  }
}

const ALL: readonly string[] = Object.freeze(['native', 'node', 'virtual'])
const WITHOUT_NATIVE: readonly string[] = Object.freeze(['node', 'virtual'])

function native(options: NativeOptions): Backend {
  checkNativeOptions(options)
  try {
    return loadNativeBackend(options)
  } catch (error) {
    if (!isLoadError(error)) throw error
    const text = `The native backend does not load here: ${explainLoadError(error)}`
    throw new BackendNotFoundError(`${text}. There are ${list(WITHOUT_NATIVE)}`, { cause: error })
  }
}

function nativeOrNode(options: NativeOptions): Backend {
  try {
    return native(options)
  } catch (error) {
    if (!(error instanceof BackendNotFoundError)) throw error
    warnOnce('STRUCTIO_NODE_BACKEND', '', `${error.message}; using the node backend, which is slower`)
    return nodeBackend
  }
}

function nativeLoads(): boolean {
  try {
    loadNativeBackend()
    return true
  } catch {
    return false
  }
}

/** The backend for real work under the virtual backend. */
function realHere(): Backend {
  return nativeLoads() ? loadNativeBackend() : nodeBackend
}

function engineHere(): MakeEngine {
  return nativeLoads() ? makeNativeEngine : makeNodeEngine
}

function list(names: readonly string[]): string {
  return new Intl.ListFormat('en').format(names)
}

/** Every error except the contradiction of two runs is a failed load of the addon. */
function isLoadError(error: unknown): boolean {
  return !(error instanceof UsageError)
}

function checkNativeOptions(options: NativeOptions): void {
  checkOptions(NAME, options, NATIVE_OPTIONS)
  const { driver, lookupThreads, fileThreads, tlsHandshakes } = options
  checkWord('options.backendOptions.driver', driver, ['nested', 'thread'])
  checkWord('options.backendOptions.tlsHandshakes', tlsHandshakes, ['reactor', 'pool'])
  if (lookupThreads !== undefined) checkInteger('options.backendOptions.lookupThreads', lookupThreads, 1, 1024)
  if (fileThreads !== undefined) checkInteger('options.backendOptions.fileThreads', fileThreads, 1, 1024)
}

function checkWord(name: string, word: unknown, known: readonly string[]): void {
  if (word === undefined) return
  checkString(name, word)
  checkOneOf(name, word, known)
}

const NAME = 'options.backendOptions'
const NATIVE_OPTIONS = optionNames<NativeOptions>({
  driver: true,
  lookupThreads: true,
  fileThreads: true,
  tlsHandshakes: true,
})
const NODE_OPTIONS = optionNames<NodeOptions>({})
