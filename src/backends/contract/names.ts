/** What a backend's resolver is asked, and what it answers: a part of `backend.ts`. */

/** What a socket is for: a stream, datagrams, or packets of a protocol of its own. */
export type SocketType = 'stream' | 'dgram' | 'raw'

/** What a look-up of a name may be told; the words are those of `getaddrinfo`. */
export type AddressFlag =
  'AI_PASSIVE' | 'AI_CANONNAME' | 'AI_NUMERICHOST' | 'AI_NUMERICSERV' | 'AI_V4MAPPED' | 'AI_ALL' | 'AI_ADDRCONFIG'

/** What a look-up of an address may be told; the words are those of `getnameinfo`. */
export type NameFlag = 'NI_NUMERICHOST' | 'NI_NUMERICSERV' | 'NI_NOFQDN' | 'NI_NAMEREQD' | 'NI_DGRAM'

export interface AddressQuery {
  /** `null`: the own addresses, by the flags those to listen at or those of the loopback interface. Never empty. */
  readonly host: string | null
  /** A name, or a number up to 65535. `null`: none, port 0. Never empty. */
  readonly service: string | null
  readonly family: 0 | 4 | 6
  /** `undefined`: for each of them. */
  readonly type: SocketType | undefined
  readonly flags: ReadonlySet<AddressFlag>
}

export interface AddressRecord {
  /** Numeric; an IPv6 one may carry a scope. */
  readonly address: string
  readonly port: number
  /** `undefined`: of a kind that is none of ours. */
  readonly type: SocketType | undefined
  /** The system's number. */
  readonly protocol: number
  /** Of the first record, where it was asked for. */
  readonly canonicalName: string | undefined
}

export interface NameQuery {
  /** Numeric; an IPv6 one may carry a scope. */
  readonly address: string
  readonly port: number
  readonly flags: ReadonlySet<NameFlag>
}

export interface NameRecord {
  readonly host: string
  readonly service: string
}
