/** The sessions of one client context, by the name of the server; what was not used for longest is forgotten first. */

/** Servers. */
const LIMIT = 256

/** As many as servers send at a time, and some of the next handshake. */
const TICKETS = 4

/** What resumes a session. */
export interface ResumableSession {
  readonly session: Buffer
  /** The server's, in DER: a resumed handshake does not show it again. */
  readonly certificate: Buffer | undefined
}

export class SessionCache {
  readonly #servers = new Map<string, Sessions>()

  /** `once`: a ticket of TLS 1.3 is for one use, lest who watches the wire can tell that two connections belong together. */
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
