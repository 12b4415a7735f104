/** Compiles `TlsSettings` for the addon: one context for the life of the settings object. */
import { loadBinding, type BindingTlsContext } from '../../native/load.ts'
import type { TlsSettings, TlsStart } from '../contract/backend.ts'

export function compile(settings: TlsSettings): BindingTlsContext {
  let context = compiled.get(settings)
  if (context === undefined) {
    context = make(settings)
    compiled.set(settings, context)
  }
  return context
}

/** Passes on the key log lines since the last call. */
export function deliverKeyLog(settings: TlsSettings): void {
  const { keyLog } = settings
  if (keyLog === undefined) return
  for (const line of compile(settings).takeKeyLog()) {
    try {
      keyLog(line)
    } catch (error) {
      // An error of a debugging function surfaces, but does not end the handshake.
      queueMicrotask(() => {
        throw error
      })
    }
  }
}

/** Asks for the settings for a client's name. Calls exactly one of the callbacks, perhaps inside the call. */
export function chooseSettings(
  { settings }: TlsStart,
  name: string,
  chosen: (settings: TlsSettings) => void,
  failed: (cause: unknown) => void,
): void {
  try {
    const choice = settings.chooseByName?.(name)
    if (isPromiseLike(choice)) choice.then((later) => chosen(later ?? settings), failed)
    else chosen(choice ?? settings)
  } catch (error) {
    failed(error)
  }
}

const compiled = new WeakMap<TlsSettings, BindingTlsContext>()

function make(settings: TlsSettings): BindingTlsContext {
  const { certificates, key, ca, systemCa, alpnProtocols, minVersion, maxVersion, cipherSuites, verify } = settings
  const { clientCertificate, sessionTickets, keyLog } = settings
  const { TlsContext } = loadBinding()
  return new TlsContext({
    certificates: [...certificates],
    ...(key === undefined ? {} : { key }),
    ca: [...ca],
    systemCa,
    alpnProtocols: [...alpnProtocols],
    tls12: minVersion === 'TLSv1.2',
    tls13: maxVersion === 'TLSv1.3',
    cipherSuites: [...cipherSuites],
    verify,
    clientCertificate,
    sessionTickets,
    keyLog: keyLog !== undefined,
  })
}

function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}
