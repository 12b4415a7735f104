/** The part of the contract (`backend.ts`, which re-exports it) about name look-ups. It contains no behaviour. */

/** The type of a socket: a stream, datagrams, or raw packets. */
export type SocketType = 'stream' | 'dgram' | 'raw'

/** A flag of `getaddrinfo`. */
export type AddressFlag =
  'AI_PASSIVE' | 'AI_CANONNAME' | 'AI_NUMERICHOST' | 'AI_NUMERICSERV' | 'AI_V4MAPPED' | 'AI_ALL' | 'AI_ADDRCONFIG'

/** A flag of `getnameinfo`. */
export type NameFlag = 'NI_NUMERICHOST' | 'NI_NUMERICSERV' | 'NI_NOFQDN' | 'NI_NAMEREQD' | 'NI_DGRAM'

/** A look-up of a host and a service. */
export interface AddressQuery {
  /** Never empty. `null`: with `AI_PASSIVE` the wildcard addresses for listening, otherwise the loopback addresses. */
  readonly host: string | null
  /** A name, or a number up to 65535. Never empty. `null`: none, so that the port is 0. */
  readonly service: string | null
  readonly family: 0 | 4 | 6
  /** `undefined`: every type. */
  readonly type: SocketType | undefined
  readonly flags: ReadonlySet<AddressFlag>
}

/** One result of `getaddrinfo`. */
export interface AddressRecord {
  /** A numeric address; an IPv6 address may have a scope. */
  readonly address: string
  readonly port: number
  /** `undefined`: a type that `SocketType` does not have. */
  readonly type: SocketType | undefined
  /** The system's protocol number. */
  readonly protocol: number
  /** Set on the first record, if the query asked for it. */
  readonly canonicalName: string | undefined
}

/** A look-up of the names of an address. */
export interface NameQuery {
  /** A numeric address; an IPv6 address may have a scope. */
  readonly address: string
  readonly port: number
  readonly flags: ReadonlySet<NameFlag>
}

/** The result of `getnameinfo`. */
export interface NameRecord {
  readonly host: string
  readonly service: string
}
