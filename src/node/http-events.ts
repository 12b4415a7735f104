/**
 * Routes request events to their connection. While `serveHttp` runs, the events of its connections go to the
 * connection, which calls the listeners in its scope and handles the promises that they return. Other events, and those
 * of connections that the server has accepted by itself, are emitted as usual.
 *
 * It replaces `emit` of the server: that leaves the listeners alone, whenever they are added and removed. Tracers of
 * HTTP servers do the same. `emit` is restored when the last `serveHttp` of the server has ended.
 */
import type { Server } from 'node:net'

/** Events whose listeners answer a request, and may be asynchronous. */
const REQUESTS = new Set<unknown>(['request', 'checkContinue', 'checkExpectation', 'upgrade', 'connect', 'stream'])

export type Listener = (...args: unknown[]) => unknown

/** Takes the requests of one connection. */
export interface RequestTaker {
  take(event: string, args: readonly unknown[], call: (listener: Listener) => unknown, listeners: Listener[]): void
  /** An HTTP/2 session has begun on the connection. */
  session(session: Http2SessionLike): void
}

/** The members of an HTTP/2 session that are used here. */
export interface Http2SessionLike {
  close(): void
  once(event: 'close', listener: () => void): unknown
}

const takers = new WeakMap<object, RequestTaker>()
const standIns = new WeakMap<Server, StandIn>()

/**
 * Routes the requests of `socket` to `taker`. Sessions that begin inside `begin`, which emits the socket, belong to it.
 */
export function introduce(server: Server, socket: object, taker: RequestTaker, begin: () => void): void {
  takers.set(socket, taker)
  standIns.get(server)!.introduce(taker, begin)
}

/** Replaces the server's `emit`. Returns the undo. */
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
  /** The own `emit` of the server, if another module has set one. */
  readonly #own: boolean
  /** The taker of the connection that is just beginning. */
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
    // Another module may have replaced `emit` since. That stays; without users this one passes everything on.
    if (server.emit !== this.#standIn) return
    if (this.#own) server.emit = this.#emit
    else delete server.emit
  }

  readonly #standIn = (event: string, ...args: unknown[]): boolean => {
    if (event === 'session' && this.#beginning !== undefined) this.#begun(args[0] as Http2SessionLike)
    const taker = REQUESTS.has(event) && this.users > 0 ? takerOf(args) : undefined
    if (taker === undefined) return Reflect.apply(this.#emit, this.#server, [event, ...args]) as boolean
    // Raw, so that a `once` listener removes itself when it is called.
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

/** The taker, by the socket of an HTTP/1 request or the session of an HTTP/2 stream. */
function takerOf([first]: readonly unknown[]): RequestTaker | undefined {
  const { socket, session, stream } = first as { socket?: object; session?: object; stream?: { session?: object } }
  // Node makes a new proxy for the socket of each HTTP/2 request.
  const of2 = session ?? stream?.session
  return of2 === undefined ? socket && takers.get(socket) : takers.get(of2)
}
