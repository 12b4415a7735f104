/** The sessions of one client context, by server name. The least recently used ones are dropped. */

/** Number of servers. */
const LIMIT = 256

/** Number of sessions for each server: the tickets of one handshake, and some of the next. */
const TICKETS = 4

/** The data that resumes a session. */
export interface ResumableSession {
  readonly session: Buffer
  /** The server's certificate in DER, because a resumed handshake does not show it again. */
  readonly certificate: Buffer | undefined
}

export class SessionCache {
  readonly #servers = new Map<string, Sessions>()

  /** `once`: a ticket of TLS 1.3 is used once, so that an observer cannot link two connections. */
  put(server: string, session: ResumableSession, once: boolean): void {
    const known = this.#servers.get(server)
    this.#servers.delete(server)
    const others = once && known?.once === true ? known.sessions.slice(1 - TICKETS) : []
    this.#servers.set(server, { once, sessions: [...others, session] })
    if (this.#servers.size > LIMIT) this.#servers.delete(this.#servers.keys().next().value as string)
  }

  take(server: string): ResumableSession | undefined {
    const known = this.#servers.get(server)
    if (known === undefined) return undefined
    const session = known.once ? known.sessions.pop() : known.sessions[0]
    this.#servers.delete(server)
    if (known.sessions.length > 0) this.#servers.set(server, known)
    return session
  }
}

interface Sessions {
  readonly once: boolean
  readonly sessions: ResumableSession[]
}
