/**
 * Whose request it is. Node's HTTP servers tell of a request by an event; while `serveHttp` runs, the events of its own
 * connections are handed to the connection, which calls the listeners in its scope and looks after the promises that they
 * return. Any other event, and those of connections that the server has accepted by itself, go their usual way.
 *
 * `emit` is what can be stood in front of without touching anybody's listeners, whenever they are added and removed; tracers
 * of HTTP servers do the same. What was there is back when the last `serveHttp` of a server has ended.
 */
import type { Server } from 'node:net'

/** Listeners of these may be asynchronous, and answer a request. */
const REQUESTS = new Set<unknown>(['request', 'checkContinue', 'checkExpectation', 'upgrade', 'connect', 'stream'])

export type Listener = (...args: unknown[]) => unknown

/** Who takes the requests of one connection. */
export interface RequestTaker {
  take(event: string, args: readonly unknown[], call: (listener: Listener) => unknown, listeners: Listener[]): void
  /** An HTTP/2 session was begun on it. */
  session(session: Http2SessionLike): void
}

/** Of an HTTP/2 session, what is used here. */
export interface Http2SessionLike {
  close(): void
  once(event: 'close', listener: () => void): unknown
}

const takers = new WeakMap<object, RequestTaker>()
const standIns = new WeakMap<Server, StandIn>()

/** Hands the requests of `socket` to `taker`. `begin` tells the server of the socket; sessions begun meanwhile are its, too. */
export function introduce(server: Server, socket: object, taker: RequestTaker, begin: () => void): void {
  takers.set(socket, taker)
  standIns.get(server)!.introduce(taker, begin)
}

/** Stands in front of the server's `emit`. Returns the undo. */
export function standInFront(server: Server): () => void {
  const standIn = standIns.get(server) ?? new StandIn(server)
  standIns.set(server, standIn)
  standIn.users++
  return () => {
    if (--standIn.users > 0) return
    standIns.delete(server)
    standIn.leave()
  }
}

class StandIn {
  users = 0
  readonly #server: Server
  readonly #emit: Server['emit']
  /** It was the server's own member, set by somebody else. */
  readonly #own: boolean
  /** Whose connection is just being begun. */
  #beginning: RequestTaker | undefined

  constructor(server: Server) {
    this.#server = server
    this.#own = Object.hasOwn(server, 'emit')
    this.#emit = server.emit
    server.emit = this.#standIn as Server['emit']
  }

  introduce(taker: RequestTaker, begin: () => void): void {
    const before = this.#beginning
    this.#beginning = taker
    try {
      begin()
    } finally {
      this.#beginning = before
    }
  }

  leave(): void {
    const server: { emit?: unknown } = this.#server
    // Whoever stands in front of this one by now stays there; without users it passes everything on.
    if (server.emit !== this.#standIn) return
    if (this.#own) server.emit = this.#emit
    else delete server.emit
  }

  readonly #standIn = (event: string, ...args: unknown[]): boolean => {
    if (event === 'session' && this.#beginning !== undefined) this.#begun(args[0] as Http2SessionLike)
    const taker = REQUESTS.has(event) && this.users > 0 ? takerOf(args) : undefined
    if (taker === undefined) return Reflect.apply(this.#emit, this.#server, [event, ...args]) as boolean
    // Raw, so that those of `once` leave the list when they are called.
    const listeners = this.#server.rawListeners(event) as Listener[]
    if (listeners.length === 0) return false
    taker.take(event, args, (listener) => Reflect.apply(listener, this.#server, args), listeners)
    return true
  }

  #begun(session: Http2SessionLike): void {
    const taker = this.#beginning as RequestTaker
    takers.set(session, taker)
    taker.session(session)
  }
}

/** By the socket of an HTTP/1 request, or the session of an HTTP/2 stream. */
function takerOf([first]: readonly unknown[]): RequestTaker | undefined {
  const { socket, session, stream } = first as { socket?: object; session?: object; stream?: { session?: object } }
  // The socket of an HTTP/2 request is a stand-in of Node's own, and new each time.
  const of2 = session ?? stream?.session
  return of2 === undefined ? socket && takers.get(socket) : takers.get(of2)
}
