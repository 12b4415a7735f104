/** Where a connection comes from, and what that settles for it: one object for all connections of a server. */

import type { TlsSettings } from '../backends/contract/backend.ts'

/** The kinds of resource, for warnings. */
export const TCP_STREAM = 'TCP stream'
export const UNIX_STREAM = 'UNIX stream'
export const PROCESS_STREAM = 'process stream'

/** Default `closeTimeout`, in milliseconds. */
export const CLOSE_TIMEOUT = 5000

export interface Origin {
  readonly kind: typeof TCP_STREAM | typeof UNIX_STREAM | typeof PROCESS_STREAM
  /** The side that connected is the client of a TLS handshake, the one that accepted the server. */
  readonly side: 'client' | 'server'
  /** Milliseconds that a close gets which no scope bounds. */
  readonly closeTimeout: number
  /** For TLS that begins without a context of its own. */
  readonly settings: TlsSettings | undefined
  /** A client's: the name or address it connected to; a UNIX path is none. */
  readonly hostname: string | undefined
  readonly standardCompatible: boolean
}
