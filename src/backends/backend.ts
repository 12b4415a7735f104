/**
 * The one contract between the concept modules and an event-loop backend. No behaviour lives here.
 *
 * Arrows: `sockets.ts`, `unix.ts`, `udp.ts`, `streams/`, `datagrams/` → this file ← `backends/{native,node,virtual}`. A
 * backend knows nothing of tasks, scopes or promises: it answers through sinks (plain callbacks), always on the thread that
 * asked, and **never synchronously inside the call that asked** unless the method says so. The concept modules own every
 * rule of api.md (busy, closed, cancelled); a backend owns system calls and buffers.
 *
 * Errors that cross this seam are system errors in Node's shape (`code`, `errno`, `syscall`, `address`/`port`);
 * the concept modules wrap them (`BrokenResourceError` with the system error as `cause`). What goes wrong in TLS is a
 * `TLSError`, or a `TLSEOFError` for data that ends without `close_notify`.
 */

import type { DescriptorWaits } from './descriptor-contract.ts'
import type { FileOpenOptions, FileSystem, FileTransport } from './file-contract.ts'
import type { ForkedProcess, ForkSink } from './fork.ts'
import type { AddressQuery, AddressRecord, NameQuery, NameRecord } from './name-contract.ts'
import type { ProcessTransport, SpawnOptions } from './process-contract.ts'

export type { DescriptorWait, DescriptorWaits, Direction } from './descriptor-contract.ts'
export type { Dirent, FileOpenOptions, FileSink, FileSystem, FileTransport, Stats } from './file-contract.ts'
export type { AddressFlag, AddressQuery, AddressRecord } from './name-contract.ts'
export type { NameFlag, NameQuery, NameRecord, SocketType } from './name-contract.ts'
export type { ForkedProcess, ForkSink } from './fork.ts'
export type { ProcessSink, ProcessTransport, SpawnOptions, StandardStream } from './process-contract.ts'

/** The name of a backend. */
export type BackendName = 'native' | 'node' | 'virtual'

/** A TCP address in Node's form. */
export interface SocketAddress {
  /** Numeric: `127.0.0.1`, `::1`. */
  readonly address: string
  /** The number of the port. */
  readonly port: number
  /** Node's word for the kind of address. */
  readonly family: 'IPv4' | 'IPv6'
}

/**
 * The address of a stream or of a listener: of a UNIX one its path, of an abstract name with its leading `'\0'`, and `''` for
 * an end without a name. Bytes of a path that are no UTF-8 read as U+FFFD.
 */
export type Address = SocketAddress | string

/** A path as its owner gave it; a `Buffer` is a path that need not be UTF-8. Never empty; a leading NUL: an abstract name. */
export type UnixPath = string | Buffer

/** An error of the operating system, in Node's shape. Where a UNIX socket failed, `address` is its path; it has no `port`. */
export interface SystemError extends Error {
  code: string
  errno: number
  syscall: string
  address?: string
  port?: number
}

/** Drops the interest in an answer: the sink is not called afterwards. Idempotent. */
export type Abandon = () => void

export type Answer<T> = (error: Error | undefined, value?: T) => void

export interface Backend {
  readonly name: BackendName
  /** Waits for descriptors that are not the library's own. `undefined` where the backend cannot. */
  readonly descriptors?: DescriptorWaits | undefined
  /**
   * Delivers I/O that is already there, then calls `deliver`: what was readable before a deadline wins over it.
   * May call `deliver` synchronously (native, nested) or in a later phase of the loop (node: check phase).
   */
  settleIo(deliver: () => void): void
  /** Resolves a host name off the JavaScript thread; order is the resolver's. Abandoned, never cancelled. */
  lookup(host: string, family: 0 | 4 | 6, answer: Answer<SocketAddress[]>): Abandon
  /** `getaddrinfo`: hosts and services. Look-ups that are equal and under way at once may share one call. Abandoned, as above. */
  getAddrInfo(query: AddressQuery, answer: Answer<AddressRecord[]>): Abandon
  /** `getnameinfo`: the names of an address. As above. */
  getNameInfo(query: NameQuery, answer: Answer<NameRecord>): Abandon
  /** One connection attempt to one numeric address. */
  connectTcp(options: TcpConnectOptions, answer: Answer<StreamTransport>): Abandon
  /** Binds and listens. Addresses are numeric. */
  listenTcp(options: TcpListenOptions, answer: Answer<ListenerTransport>): Abandon
  /** One connection attempt. A server whose queue is full is `EAGAIN`, where the system says so. */
  connectUnix(path: UnixPath, answer: Answer<StreamTransport>): Abandon
  /**
   * Binds and listens. A socket file that nobody answers at (`ECONNREFUSED`) is replaced; one that answers, and anything
   * that is no socket, is `EADDRINUSE` and stays as it is. `destroy` of the listener removes the file, if it is still its own.
   */
  listenUnix(options: UnixListenOptions, answer: Answer<ListenerTransport>): Abandon
  /** Binds, and connects where there is a target. Addresses are numeric. */
  openUdp(options: UdpOptions, answer: Answer<DatagramTransport>): Abandon
  /** Binds as `listenUnix` does (to nothing without a path), and connects where there is a remote path. */
  openUnixDatagram(options: UnixDatagramOptions, answer: Answer<DatagramTransport>): Abandon
  /**
   * Starts a program. Answers with an error of Node's shape (`spawn cat ENOENT`) where it cannot be started; nothing of it is
   * left then. It cannot be abandoned: the answer comes soon, and whoever wants the process no more has it ended.
   */
  spawnProcess(options: SpawnOptions, answer: Answer<ProcessTransport>): void
  /** Starts a program of the library in a process of its own, to exchange values with. The sink hears of it later. */
  fork(program: URL, sink: ForkSink): ForkedProcess
  /**
   * Does a TLS handshake over `transport`, on which nothing waits and nothing is unsent, and answers with the transport of
   * the plaintext: `transport` itself, or one that has taken it over. Its sink is the caller's to set, before the next
   * turn. A handshake that fails answers with a `TLSError` (see tls-failure.ts) once its alert has had one chance to
   * leave and `transport` is destroyed; one that is abandoned destroys it at once.
   */
  startTls(transport: StreamTransport, start: TlsStart, answer: Answer<StreamTransport>): Abandon
  /**
   * Opens a file; a directory is `EISDIR`. May answer inside this call. What it returns ends an opening that waits for another
   * process (a FIFO without its other end), and nothing else: the answer comes in every case, also with a file.
   */
  openFile(options: FileOpenOptions, answer: Answer<FileTransport>): Abandon
  /** What is done with paths: the functions of node:fs, on every backend. */
  readonly fileSystem: FileSystem
  /**
   * A file to be sent, by its path or by a descriptor, which stays its owner's. A directory is `EISDIR`. Not abandoned: the answer
   * comes in every case, and a source in it has to be closed.
   */
  openSource(file: string | Buffer | number, answer: Answer<FileSource>): void
}

/** A file that is read at given places; its position does not move. */
export interface FileSource {
  /** Reads up to `length` bytes into `memory`, which is the system's until the answer comes: how many, 0 at the end. */
  read(memory: Buffer, length: number, position: number, answer: Answer<number>): void
  /** Closes what it has opened. Nothing is under way. */
  close(): void
}

/** The versions of TLS that there are here; older ones are broken (RFC 8996). */
export type TLSVersion = 'TLSv1.2' | 'TLSv1.3'

/**
 * A TLS context as the backends see it: checked, complete, and never changed. A backend compiles it when it is first used
 * for a side, and keeps what it made (a `WeakMap` by this object): sessions are resumed among the users of one context.
 */
export interface TlsSettings {
  /** DER, the end entity's first. Empty: none. */
  readonly certificates: readonly Buffer[]
  /** PKCS #8, DER; matches the first certificate. */
  readonly key: Buffer | undefined
  /** DER. */
  readonly ca: readonly Buffer[]
  /** Trusts the platform's store, too. */
  readonly systemCa: boolean
  /** In order of preference. */
  readonly alpnProtocols: readonly string[]
  readonly minVersion: TLSVersion
  readonly maxVersion: TLSVersion
  /** By OpenSSL's names, in order of preference; never empty, and only suites that every backend has. */
  readonly cipherSuites: readonly string[]
  /** Whether a peer's certificate has to be good. */
  readonly verify: boolean
  /** What a server asks of its clients. */
  readonly clientCertificate: 'none' | 'optional' | 'required'
  /** A server's settings for the name that a client has sent; `undefined`: these. May throw or reject: no handshake. */
  readonly chooseByName: ((name: string) => TlsSettings | undefined | PromiseLike<TlsSettings | undefined>) | undefined
  readonly sessionTickets: boolean
  /** One line of the NSS key log format, without its line end. */
  readonly keyLog: ((line: string) => void) | undefined
}

/** One handshake. */
export interface TlsStart {
  readonly side: 'client' | 'server'
  readonly settings: TlsSettings
  /**
   * A client's: the name or address that the certificate has to be for; a name is also sent (SNI). `undefined` only where
   * nothing is verified.
   */
  readonly hostname: string | undefined
  /** Whether `close_notify` has to end the peer's data, and ends one's own (`goodbye`). */
  readonly standardCompatible: boolean
  /** Read before the handshake began: its first bytes. */
  readonly ahead: Buffer
  /** The other side, for texts: '127.0.0.1:443'. */
  readonly peer: string
}

/** What a handshake agreed on. After `destroy` of its transport its members may throw `ClosedResourceError`. */
export interface TlsSession {
  readonly serverSide: boolean
  readonly version: TLSVersion
  readonly alpnProtocol: string | null
  /** A client's own `TlsStart.hostname`, also where it is an address; on a server the name that the client sent. */
  readonly serverName: string | null
  /** OpenSSL's name. */
  readonly cipher: string
  /**
   * On a server, OpenSSL's names of the suites that both sides offered, in the client's order.
   *
   * @throws UnsupportedError where the backend cannot tell
   */
  sharedCiphers(): string[]
  /** DER. */
  peerCertificate(): Buffer | undefined
  /** DER; the one that this side has sent. */
  ownCertificate(): Buffer | undefined
  /** RFC 5705, with an empty context. */
  exportKeyingMaterial(length: number, label: string): Buffer
  /**
   * RFC 5929's tls-unique.
   *
   * @throws UnsupportedError in TLS 1.3, which has none, and where the backend cannot tell
   */
  tlsUnique(): Buffer
}

export interface TcpConnectOptions {
  /** Numeric; an IPv6 address may carry a scope (`fe80::1%eth0`). */
  readonly address: string
  readonly port: number
  readonly family: 4 | 6
  readonly bindAddress?: string | undefined
  readonly bindPort?: number | undefined
  readonly noDelay: boolean
  readonly keepAlive: boolean
}

export interface TcpListenOptions {
  /** `undefined`: IPv6 and IPv4 on one port (IPv4 alone where the machine has no IPv6). `'::'`: IPv6 alone. */
  readonly address: string | undefined
  readonly port: number
  readonly backlog: number
  /** `undefined`: the backend's default (on in a `node:cluster` worker on native; the primary's handle on node). */
  readonly reusePort: boolean | undefined
  readonly noDelay: boolean
  readonly keepAlive: boolean
}

export interface UnixListenOptions {
  readonly path: UnixPath
  /** Permissions of the socket file, in force before anybody can connect. `undefined`: what the umask leaves. */
  readonly mode: number | undefined
  readonly backlog: number
}

export interface UdpOptions {
  /**
   * The own end. `undefined`: every address; of both families on one port (IPv4 alone where the machine has no IPv6), or
   * of `target`'s where there is one. `'::'`: IPv6 alone.
   */
  readonly address: string | undefined
  /** 0: the system chooses. */
  readonly port: number
  /** Connects to this address: the others are not heard any more. Of the family of `address`, else `EAFNOSUPPORT`. */
  readonly target: SocketAddress | undefined
  /** `SO_REUSEPORT`. Never a default: datagrams of one peer would be shared out among strangers. */
  readonly reusePort: boolean
}

export interface UnixDatagramOptions {
  /** `undefined`: no name, so that nobody can answer. */
  readonly path: UnixPath | undefined
  readonly remotePath: UnixPath | undefined
}

/** Who hears of a connection's I/O. Every method is called by the transport, on the owning thread. */
export interface StreamSink {
  /**
   * The answer to `receive`: bytes `[start, end)` of `memory`. The memory belongs to the transport and is written
   * again after the call returns: copy what is kept. `owned` says otherwise: the sink may keep and hand it out.
   */
  received(memory: Buffer, start: number, end: number, owned: boolean): void
  /** The answer to `receive`, or to `receiveInto`'s wait, at the end of the peer's data. Stays true for ever. */
  receivedEnd(): void
  receiveFailed(error: Error): void
  /** The answer to `receiveFds`: as `received`, and the descriptors that came with the bytes. They are the sink's to close. */
  receivedFds?(memory: Buffer, start: number, end: number, owned: boolean, fds: readonly number[]): void
  /** After `receiveInto` returned -1: try again. */
  readable(): void
  /** The answer to `waitSend`; with the error of a failed write, which is thereby taken (reported once). */
  sendSettled(error: Error | undefined): void
}

/**
 * A connected byte stream. One pending `receive` and one pending `waitSend` at most: the concept module enforces it.
 * Sending never fails by itself: a write error is kept, later `send`s are swallowed, and the error comes out of
 * `takeSendError`, or of the next `waitSend`. It never disturbs the receiving side.
 */
export interface StreamTransport {
  /** Set by the concept module before the first call. */
  sink: StreamSink
  readonly localAddress: Address
  readonly remoteAddress: Address
  /** Asks for up to `maxBytes` (clipped to 64 KiB); answered by exactly one call of the sink. */
  receive(maxBytes: number): void
  /** Drops the pending `receive` or `receiveInto` wait. Synchronous; no byte is lost. */
  cancelReceive(): void
  /**
   * Reads straight into the caller's memory, now. Bytes read, 0 at the end of data, or -1: nothing there, and
   * `sink.readable()` (or `receivedEnd`/`receiveFailed`) follows. Throws the system error. `undefined` as a whole
   * where the backend cannot: the caller uses `receive` and copies.
   */
  readonly receiveInto?: ((view: Uint8Array) => number) | undefined
  /**
   * As `receive`, but takes nothing: answered by `sink.readable()` when a receive would have something to answer with, be it
   * the end or a failure. `undefined` where the backend cannot.
   */
  readonly waitReadable?: (() => void) | undefined
  /**
   * Takes a prefix of `data` (all of it while at most 64 KiB wait unsent) and returns its length. `data` is not
   * looked at after the call. Taken bytes leave in call order by the end of the turn (native, in a driver turn),
   * or at the latest in the check phase, many `send`s in one system call.
   */
  send(data: Uint8Array): number
  /** Has what was taken leave before the end of the turn, so that a failure is known. Where that means anything. */
  readonly carryOut?: (() => void) | undefined
  /**
   * UNIX: after what was taken, sends `data` (at least one byte, at most 64 KiB) with the descriptors attached to its first
   * byte. Answered, like a `waitSend`, by one `sink.sendSettled`, once the kernel has the descriptors and the rest is taken;
   * then they may be closed. `cancelSend` before that: nothing of it is sent. `undefined` where the backend cannot.
   *
   * @throws the system error, and nothing is sent, where one of them is no descriptor
   */
  readonly sendFds?: ((data: Uint8Array, fds: readonly number[]) => void) | undefined
  /**
   * UNIX: a `receive` of up to `maxBytes` that also takes up to `maxFds` descriptors (`CLOEXEC`); more of them are closed.
   * Answered by `receivedFds`, `receivedEnd` or `receiveFailed`; dropped by `cancelReceive`. `undefined` where the backend
   * cannot.
   */
  readonly receiveFds?: ((maxBytes: number, maxFds: number) => void) | undefined
  /**
   * Carries bytes between this transport and `peer`, both ways, below JavaScript: `start.ahead` first, then what comes, until
   * both have ended, one has failed, or somebody stops it. On both nothing waits, neither has failed, and nothing else is
   * asked of either meanwhile, but to be destroyed after `stop`. `undefined` where these two cannot: nothing has been begun then.
   */
  readonly relayWith?: ((peer: StreamTransport, start: RelayStart) => TransportRelay | undefined) | undefined
  /** Takes and clears the kept write error. */
  takeSendError(): Error | undefined
  /** An upper bound of the bytes taken that the kernel does not have yet. 0 means that there are none. */
  readonly unsent: number
  /**
   * `'writable'`: `send` would take at least one byte. `'flushed'`: nothing taken waits. `'shutdown'`: flushed, then
   * the sending half is closed (TLS: `close_notify`; FIN). `'goodbye'`: the same, then the peer's own end, whatever it is,
   * is read for, and data that comes before it is dropped; nothing else is asked of the transport afterwards. `'linger'`: the
   * same, but done, too, when `LINGER_BYTES` have been dropped. Answered by exactly one `sink.sendSettled`.
   */
  waitSend(what: SendWait): void
  /** Drops the pending `waitSend`; taken bytes still leave. Synchronous. */
  cancelSend(): void
  /**
   * Closes the descriptor now: afterwards the sink is not called again. Bytes taken are tried once (a write that
   * does not block), what the kernel does not take then is dropped. Idempotent.
   */
  destroy(): void
  /** `RST` instead of `FIN`, where the system can. */
  reset(): void
  /** What the TLS handshake agreed on; `undefined` before. */
  readonly tls: TlsSession | undefined
  /** Whether closing means `goodbye`: TLS, standard compatible, and neither half has failed. */
  readonly saysGoodbye: boolean
  getsockopt(level: number | string, name: number | string): number
  setsockopt(level: number | string, name: number | string, value: number | boolean): void
  /** Whether pending operations of this connection keep the process alive (default: yes). Unsent bytes always do. */
  ref(): void
  unref(): void
}

export interface RelayStart {
  /** Received already, from this transport and from the peer. */
  readonly ahead: readonly [Buffer, Buffer]
  /** Both ways have ended, or one has failed: `stop` tells. Not called after `stop`. */
  ended(): void
  /** Bytes have moved since the last call, if anybody wants to know. */
  readonly moved: (() => void) | undefined
}

export interface TransportRelay {
  /** Takes both transports back, at any moment; once. A write that has failed is kept, as any other. */
  stop(): RelayReport
}

/** What a relay has come to, from this transport to the peer and back. */
export interface RelayReport {
  readonly there: RelayedWay
  readonly back: RelayedWay
}

export interface RelayedWay {
  /** Bytes that the destination has taken. */
  readonly moved: number
  /** Received, and not taken. */
  readonly rest: Buffer
  readonly sourceEnded: boolean
  /** The end has been passed on, too. */
  readonly ended: boolean
  /** What receiving has failed with. */
  readonly failure: Error | undefined
}

export type SendWait = 'writable' | 'flushed' | 'shutdown' | 'goodbye' | 'linger'

/** What `'linger'` drops at most. */
export const LINGER_BYTES = 2 ** 24

export interface ListenerSink {
  /** One answer to the demand of `accept`. */
  accepted(transport: StreamTransport): void
  /** `accept` failed for good, or (`transient`) for now: the demand stays, the listener tries again by itself. */
  acceptFailed(error: Error, transient: boolean): void
}

/** A listening socket (two, where dual stack needs it: that is the backend's business). */
export interface ListenerTransport {
  sink: ListenerSink
  readonly address: Address
  /** Sets the demand: at most `count` further calls of `sink.accepted`. 0 drops it; a connection accepted but not
   * yet delivered stays with the listener and answers the next demand. */
  accept(count: number): void
  /** Calls `fn` where the listener is, for a backend that has several hosts. */
  readonly within?: (<T>(fn: () => T) => T) | undefined
  /** Closes the descriptor now. Connections accepted and not delivered are closed too. Idempotent. */
  destroy(): void
  getsockopt(level: number | string, name: number | string): number
  setsockopt(level: number | string, name: number | string, value: number | boolean): void
}

/**
 * Where a datagram came from, or goes to. UNIX: a path, as a `Buffer` where its bytes are no UTF-8, `''` for a sender without
 * a name. Of UDP an object whose members may be decoded when they are first read; it is never changed, comes back in `send`,
 * and the backend knows its own again without reading them (`PeerAddress` of peer-address.ts is there to be extended).
 */
export type DatagramAddress = SocketAddress | string | Buffer

/** Who hears of a datagram socket's I/O. Every method is called by the transport, on the owning thread. */
export interface DatagramSink {
  /**
   * One datagram, whole: bytes `[start, end)` of `memory`, which may be none at all. Of memory and `owned` the same is true
   * as for `StreamSink.received`. Called once or several times in a row, for one `receive`.
   */
  datagram(memory: Buffer, start: number, end: number, owned: boolean, from: DatagramAddress): void
  /** The end of the answer to `receive`: after one to `count` datagrams, or with an error and after none. */
  receiveSettled(error: Error | undefined): void
  /** The answer to a `send` or `sendMany` that returned false. */
  sendSettled(error: Error | undefined): void
}

/**
 * A datagram socket. One pending `receive` and one pending send at most: the concept module enforces it. It also keeps what
 * one `receive` brought beyond what its caller wanted, and asks again when that is used up: a transport reads ahead only what
 * was asked for, and leaves the rest to the kernel. One that cannot (node) keeps a bounded number and drops the newest.
 *
 * No error ends the socket. What the network reports about an earlier datagram (`ECONNREFUSED` on a connected socket) fails
 * one call, the pending `receive` or the next call of either direction, as `SO_ERROR` has it.
 */
export interface DatagramTransport {
  /** Set by the concept module before the first call. */
  sink: DatagramSink
  /** Where it is bound. A UDP socket always is; an IPv4 address is never given in its IPv6 form. */
  readonly localAddress: Address
  /** What it is connected to. */
  readonly remoteAddress: DatagramAddress | undefined
  /** Which addresses it can send to: 0 are both families. UNIX: 0. */
  readonly family: 0 | 4 | 6
  /** Asks for one to `count` datagrams, as many as lie ready; answered through the sink, as said there. */
  receive(count: number): void
  /** Drops the pending `receive`. Synchronous; no datagram is lost. */
  cancelReceive(): void
  /**
   * Sends one datagram, to `to` or, connected, to nobody else (`undefined`). True: the kernel has it. False: not yet, and one
   * `sink.sendSettled` follows, be it only so that the sends of a turn may share a system call. Throws, or settles with, the
   * system error of this very datagram: `EMSGSIZE`, `EAFNOSUPPORT` (not of `family`), `ENETUNREACH`… `data` is not looked at
   * after the call. The same target is the same object again as often as the concept module knows: what was made of the last
   * one may be kept.
   */
  send(data: Uint8Array, to: DatagramAddress | undefined): boolean
  /**
   * Sends the datagrams in their order, `data[i]` to `to[i]`, in as few system calls as can be. As `send`; the first one that
   * fails ends it, those before have left, those after it have not.
   */
  sendMany(data: readonly Uint8Array[], to: readonly (DatagramAddress | undefined)[]): boolean
  /**
   * Waits until sending is worth trying; answered by `sink.sendSettled`, dropped by `cancelSend`. `undefined` where the backend
   * cannot.
   */
  readonly waitWritable?: (() => void) | undefined
  /** Drops the pending send: what has not left stays unsent, as far as the system lets it. Synchronous. */
  cancelSend(): void
  /** Closes the descriptor now: afterwards the sink is not called again. Removes a socket file as a listener does. Idempotent. */
  destroy(): void
  getsockopt(level: number | string, name: number | string): number
  /** Bytes are the C structure that an option takes (`IP_ADD_MEMBERSHIP`: `ip_mreq`). */
  setsockopt(level: number | string, name: number | string, value: number | boolean | Uint8Array): void
}
