/** Where a connection comes from, and what that settles for it: one object for all connections of a server. */

import type { TlsSettings } from '../backends/backend.ts'

/** How long bytes may take to leave when nobody waits for them: milliseconds. */
export const CLOSE_TIMEOUT = 5000

export interface Origin {
  /** The side that connected is the client of a TLS handshake, the one that accepted the server. */
  readonly side: 'client' | 'server'
  /** Milliseconds that a close gets which no scope bounds. */
  readonly closeTimeout: number
  /** For TLS that begins without a context of its own. */
  readonly settings: TlsSettings | undefined
  /** A client's: the name or address it connected to. */
  readonly hostname: string | undefined
  readonly standardCompatible: boolean
}
