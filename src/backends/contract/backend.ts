/**
 * The contract between the concept modules and an event-loop backend. It contains no behaviour.
 *
 * ```text
 *   sockets.ts  unix.ts  udp.ts  streams/  datagrams/  …  ──►  this file  ◄──  backends/{native,node,virtual}
 * ```
 *
 * The concept modules own the rules of the public API (busy, closed, cancelled). A backend owns system calls and
 * buffers.
 *
 * Invariants
 * 1. A backend knows no tasks, scopes or promises. It answers through sinks and callbacks, on the thread that asked.
 * 2. An answer never comes inside the call that asked, unless the method says so.
 * 3. After `destroy`, or after the `Abandon` of an answer, nothing is called any more.
 * 4. A transport has at most one pending operation for each direction. The concept module enforces this.
 * 5. A cancelled receive loses no byte and no datagram. Bytes that were taken leave in the order of the calls.
 * 6. Errors are system errors in Node's shape (`code`, `errno`, `syscall`, `address` and `port`). The concept modules
 *    wrap them, for example in a `BrokenResourceError` with the system error as its `cause`. A failure of TLS is a
 *    `TLSError`, and a `TLSEOFError` where the data ends without `close_notify`.
 */

import type { DescriptorWaits } from './descriptors.ts'
import type { FileOpenOptions, FileSystem, FileTransport } from './files.ts'
import type { AddressQuery, AddressRecord, NameQuery, NameRecord } from './names.ts'
import type { ForkedProcess, ForkSink, ProcessTransport, SpawnOptions } from './processes.ts'
import type { TlsSession, TlsStart } from './tls.ts'

export type { DescriptorWait, DescriptorWaits, Direction } from './descriptors.ts'
export type { Dirent, FileOpenOptions, FileSink, FileSystem, FileTransport, Stats } from './files.ts'
export type { AddressFlag, AddressQuery, AddressRecord } from './names.ts'
export type { NameFlag, NameQuery, NameRecord, SocketType } from './names.ts'
export type {
  ForkedProcess,
  ForkSink,
  ProcessSink,
  ProcessTransport,
  SpawnOptions,
  StandardStream,
} from './processes.ts'
export type { TlsSession, TlsSettings, TlsStart, TLSVersion } from './tls.ts'

/** The name of a backend. */
export type BackendName = 'native' | 'node' | 'virtual'

/** A TCP address in Node's form. */
export interface SocketAddress {
  /** A numeric address: `127.0.0.1`, `::1`. */
  readonly address: string
  /** The port number. */
  readonly port: number
  /** The address family, as Node names it. */
  readonly family: 'IPv4' | 'IPv6'
}

/**
 * The address of a stream or listener. A UNIX address is its path, an abstract name starts with `'\0'`, and an end
 * without a name is `''`. Bytes that are not UTF-8 become U+FFFD.
 */
export type Address = SocketAddress | string

/**
 * The path of a UNIX socket, as its owner gave it. A `Buffer` need not be UTF-8. A leading NUL marks an abstract name.
 * Never empty.
 */
export type UnixPath = string | Buffer

/**
 * An error of the operating system, in Node's shape. For a UNIX socket `address` is the path, and there is no `port`.
 */
export interface SystemError extends Error {
  code: string
  errno: number
  syscall: string
  address?: string
  port?: number
}

/** Drops the interest in an answer: its callback is not called afterwards. Idempotent. */
export type Abandon = () => void

/** Receives the result of a request: an error, or `undefined` and the value. */
export type Answer<T> = (error: Error | undefined, value?: T) => void

/** An event-loop backend: everything that the library asks of the operating system. */
export interface Backend {
  readonly name: BackendName
  /** Waits for descriptors that the library did not open. `undefined` where the backend cannot. */
  readonly descriptors?: DescriptorWaits | undefined
  /**
   * Delivers I/O that is ready, then calls `deliver`, so that ready I/O wins over a deadline (SCOPE-3). May call
   * `deliver` inside this call (native), or in a later phase of the event loop (node: the check phase).
   */
  settleIo(deliver: () => void): void
  /**
   * Resolves a host name off the JavaScript thread, in the resolver's order. A look-up can be abandoned, not cancelled.
   */
  lookup(host: string, family: 0 | 4 | 6, answer: Answer<SocketAddress[]>): Abandon
  /** `getaddrinfo`: resolves hosts and services. Equal look-ups at the same time may share one call. */
  getAddrInfo(query: AddressQuery, answer: Answer<AddressRecord[]>): Abandon
  /** `getnameinfo`: resolves the names of an address. */
  getNameInfo(query: NameQuery, answer: Answer<NameRecord>): Abandon
  /** Makes one connection attempt to one numeric address. */
  connectTcp(options: TcpConnectOptions, answer: Answer<StreamTransport>): Abandon
  /** Binds a numeric address, and listens. */
  listenTcp(options: TcpListenOptions, answer: Answer<ListenerTransport>): Abandon
  /** Makes one connection attempt. A server with a full queue is `EAGAIN`, where the system reports it. */
  connectUnix(path: UnixPath, answer: Answer<StreamTransport>): Abandon
  /**
   * Binds and listens (CONNECT-4). A stale socket file (`ECONNREFUSED`) is replaced. A socket that answers, and a file
   * of any other kind, is `EADDRINUSE` and stays. `destroy` of the listener removes the file, if the file is still its
   * own.
   */
  listenUnix(options: UnixListenOptions, answer: Answer<ListenerTransport>): Abandon
  /** Binds a numeric address, and connects if there is a target. */
  openUdp(options: UdpOptions, answer: Answer<DatagramTransport>): Abandon
  /** Binds as `listenUnix` does if there is a path, and connects if there is a remote path. */
  openUnixDatagram(options: UnixDatagramOptions, answer: Answer<DatagramTransport>): Abandon
  /**
   * Starts a program. If that fails, the answer is an error in Node's shape (`spawn cat ENOENT`), and nothing is left
   * behind. The call cannot be abandoned. The answer comes soon, and the caller ends a process that it no longer wants.
   */
  spawnProcess(options: SpawnOptions, answer: Answer<ProcessTransport>): void
  /** Starts a program of the library in a child process, and exchanges values with it. The sink is called later. */
  fork(program: URL, sink: ForkSink): ForkedProcess
  /**
   * Does a TLS handshake over `transport`, which has no pending operation and no unsent byte. Answers with the
   * transport of the plaintext: `transport` itself, or one that owns it. The caller sets its sink before the next turn.
   *
   * A failed handshake answers with a `TLSError` (see tls-failure.ts). By then its alert had one chance to leave, and
   * `transport` is destroyed. An abandoned handshake destroys `transport` at once.
   */
  startTls(transport: StreamTransport, start: TlsStart, answer: Answer<StreamTransport>): Abandon
  /**
   * Opens a file; a directory is `EISDIR`. May answer inside this call. The returned function only interrupts an `open`
   * that waits for another process (a FIFO without its other end). The answer still comes in every case, perhaps with a
   * file.
   */
  openFile(options: FileOpenOptions, answer: Answer<FileTransport>): Abandon
  /** Operations on paths: the functions of node:fs, on every backend. */
  readonly fileSystem: FileSystem
  /**
   * Opens a file for sending, by path or by descriptor; the descriptor still belongs to its owner. A directory is
   * `EISDIR`. The answer comes in every case, and the caller closes the source in it.
   */
  openSource(file: string | Buffer | number, answer: Answer<FileSource>): void
}

/** A file that is read at explicit positions; its own position does not move. */
export interface FileSource {
  /**
   * Reads up to `length` bytes into `memory`, which the caller leaves alone until the answer. Answers with the count, 0
   * at the end.
   */
  read(memory: Buffer, length: number, position: number, answer: Answer<number>): void
  /** Closes the file, if the source opened it. No read is pending. */
  close(): void
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
  /**
   * `undefined`: IPv6 and IPv4 on one port, or IPv4 alone on a machine without IPv6. `'::'`: IPv6 alone (CONNECT-3).
   */
  readonly address: string | undefined
  readonly port: number
  readonly backlog: number
  /**
   * `undefined`: the backend's default. In a `node:cluster` worker that is on for native; node uses the primary's
   * handle.
   */
  readonly reusePort: boolean | undefined
  readonly noDelay: boolean
  readonly keepAlive: boolean
}

export interface UnixListenOptions {
  readonly path: UnixPath
  /** Permissions of the socket file, in force before a client can connect. `undefined`: the umask decides. */
  readonly mode: number | undefined
  readonly backlog: number
}

export interface UdpOptions {
  /**
   * The local address. `undefined`: every address of `target`'s family. Without a target: of both families on one port,
   * or IPv4 alone on a machine without IPv6. `'::'`: IPv6 alone.
   */
  readonly address: string | undefined
  /** 0: the system chooses. */
  readonly port: number
  /**
   * Connects to this address, so that others cannot reach the socket. Another family than `address`'s is
   * `EAFNOSUPPORT`.
   */
  readonly target: SocketAddress | undefined
  /** `SO_REUSEPORT`. Never on by default: the system would spread the datagrams of one peer over unrelated sockets. */
  readonly reusePort: boolean
}

export interface UnixDatagramOptions {
  /** `undefined`: the socket has no name, so that peers cannot answer. */
  readonly path: UnixPath | undefined
  readonly remotePath: UnixPath | undefined
}

/** Receives the answers of a stream transport, on the owning thread. */
export interface StreamSink {
  /**
   * The answer to `receive`: bytes `[start, end)` of `memory`. If `owned`, the sink may keep the memory and hand it
   * out. Otherwise the transport writes to it again after the call, and the sink copies the bytes that it keeps.
   */
  received(memory: Buffer, start: number, end: number, owned: boolean): void
  /**
   * The answer to `receive`, or to the wait of `receiveInto`, at the end of the peer's data. Later receives get it
   * again.
   */
  receivedEnd(): void
  /** The answer to `receive`, or to the wait of `receiveInto`, after a failure. Later receives get it again. */
  receiveFailed(error: Error): void
  /** The answer to `receiveFds`: as `received`, with the descriptors that came with the bytes. The sink closes them. */
  receivedFds?(memory: Buffer, start: number, end: number, owned: boolean, fds: readonly number[]): void
  /** After `receiveInto` returned -1, or the answer to `waitReadable`: a receive has an answer now. */
  readable(): void
  /** The answer to `waitSend`, with the error of a failed write. Each such error is reported once. */
  sendSettled(error: Error | undefined): void
}

/**
 * A connected byte stream.
 *
 * `send` never fails. A write error is kept, later `send`s are swallowed, and `takeSendError` or the next `waitSend`
 * reports the error. It never disturbs the receiving side (SEND-4).
 */
export interface StreamTransport {
  /** Set by the concept module before the first call. */
  sink: StreamSink
  readonly localAddress: Address
  readonly remoteAddress: Address
  /** Asks for up to `maxBytes` bytes, clipped to 64 KiB. Exactly one call of the sink answers. */
  receive(maxBytes: number): void
  /** Drops the pending `receive` or wait of `receiveInto`, at once. No byte is lost. */
  cancelReceive(): void
  /**
   * Reads into the caller's memory inside this call. Returns the count, 0 at the end of the data, or -1 if nothing is
   * there; then `sink.readable`, `receivedEnd` or `receiveFailed` follows. Throws the system error. The member is
   * `undefined` where the backend cannot; the caller then uses `receive` and copies.
   */
  readonly receiveInto?: ((view: Uint8Array) => number) | undefined
  /**
   * As `receive`, but takes no bytes. `sink.readable` answers when a receive would be answered: by bytes, the end, or a
   * failure. `undefined` where the backend cannot.
   */
  readonly waitReadable?: (() => void) | undefined
  /**
   * Takes a prefix of `data`, and returns its length. At most 64 KiB wait unsent (SEND-1). `data` is not read after the
   * call. Taken bytes leave in call order, many `send`s in one system call: at the end of a turn that native's driver
   * began, else at the latest in the check phase (SEND-2).
   */
  send(data: Uint8Array): number
  /**
   * Writes the taken bytes before the end of the turn, so that a failure is known. `undefined` where that changes
   * nothing.
   */
  readonly carryOut?: (() => void) | undefined
  /**
   * UNIX: sends `data` (1 byte to 64 KiB) behind the taken bytes, with the descriptors attached to its first byte. One
   * `sink.sendSettled` answers when the kernel has the descriptors and the rest is taken; then the caller may close
   * them. `cancelSend` before that: nothing of it is sent. `undefined` where the backend cannot.
   *
   * @throws the system error if a number is no open descriptor; nothing is sent then
   */
  readonly sendFds?: ((data: Uint8Array, fds: readonly number[]) => void) | undefined
  /**
   * UNIX: receives up to `maxBytes` bytes and up to `maxFds` descriptors (`CLOEXEC`); further descriptors are closed.
   * `receivedFds`, `receivedEnd` or `receiveFailed` answers, and `cancelReceive` drops it. `undefined` where the
   * backend cannot.
   */
  readonly receiveFds?: ((maxBytes: number, maxFds: number) => void) | undefined
  /**
   * Relays bytes between this transport and `peer` in both directions, below JavaScript (STREAM-8). It sends
   * `start.ahead` first, and runs until both have ended, one has failed, or `stop`. At the start neither transport has
   * a pending operation or a failure. Until `stop` the caller uses neither. Returns `undefined` where these two cannot;
   * nothing has begun then.
   */
  readonly relayWith?: ((peer: StreamTransport, start: RelayStart) => TransportRelay | undefined) | undefined
  /** Takes and clears the kept write error. */
  takeSendError(): Error | undefined
  /** An upper bound of the taken bytes that the kernel does not have yet. 0 means none. */
  readonly unsent: number
  /**
   * Waits for a state of the sending half. Exactly one `sink.sendSettled` answers.
   *
   * - `'writable'`: `send` would take at least one byte.
   * - `'flushed'`: no taken byte is unsent.
   * - `'shutdown'`: flushed, and the sending half is closed (`close_notify` with TLS, FIN without).
   * - `'goodbye'`: a bidirectional shutdown. As `'shutdown'`, then it reads up to the peer's end or failure, and
   *   discards the data. Only `destroy` or `reset` follows.
   * - `'linger'`: as `'goodbye'`, but at most `LINGER_BYTES` are discarded.
   */
  waitSend(what: SendWait): void
  /** Drops the pending `waitSend`, at once. Taken bytes still leave. */
  cancelSend(): void
  /**
   * Closes the descriptor now. The sink is not called again. Taken bytes are written once without blocking, and the
   * kernel's rest is dropped. Idempotent.
   */
  destroy(): void
  /** As `destroy`, with `RST` instead of `FIN` where the system can. */
  reset(): void
  /** The result of the TLS handshake; `undefined` before it. */
  readonly tls: TlsSession | undefined
  /** Whether closing needs `'goodbye'`: TLS is standard compatible here, and neither half has failed. */
  readonly saysGoodbye: boolean
  getsockopt(level: number | string, name: number | string): number
  setsockopt(level: number | string, name: number | string, value: number | boolean): void
  /** Pending operations keep the process alive. This is the default. Unsent bytes do so in every case. */
  ref(): void
  /** Pending operations do not keep the process alive. */
  unref(): void
}

/** The parameters of a relay. */
export interface RelayStart {
  /** Bytes prefetched from this transport, and from the peer. */
  readonly ahead: readonly [Buffer, Buffer]
  /** Both directions have ended, or one has failed; the report of `stop` says which. Not called after `stop`. */
  ended(): void
  /** Called when bytes have moved since the last call. `undefined` if the caller does not want that. */
  readonly moved: (() => void) | undefined
}

/** A relay under way. */
export interface TransportRelay {
  /** Returns both transports to the caller, at any moment, once. A failed write is kept, like any other. */
  stop(): RelayReport
}

/** The outcome of a relay: `there` from this transport to the peer, and `back`. */
export interface RelayReport {
  readonly there: RelayedWay
  readonly back: RelayedWay
}

/** The outcome of one direction. */
export interface RelayedWay {
  /** Number of bytes that the destination has taken. */
  readonly moved: number
  /** Bytes that were received and that the destination has not taken. */
  readonly rest: Buffer
  readonly sourceEnded: boolean
  /** Whether the end has been passed on too. */
  readonly ended: boolean
  /** The error of the receiving side. */
  readonly failure: Error | undefined
}

/** A state of the sending half; see `StreamTransport.waitSend`. */
export type SendWait = 'writable' | 'flushed' | 'shutdown' | 'goodbye' | 'linger'

/** The most bytes that `'linger'` discards. */
export const LINGER_BYTES = 2 ** 24

/** Receives the answers of a listener, on the owning thread. */
export interface ListenerSink {
  /** A connection, which counts against the demand of `accept`. */
  accepted(transport: StreamTransport): void
  /** `accept` failed. If `transient`, the demand stays, and the listener tries again by itself. */
  acceptFailed(error: Error, transient: boolean): void
}

/** A listener. The backend may use two sockets for it, for dual stack. */
export interface ListenerTransport {
  sink: ListenerSink
  readonly address: Address
  /**
   * Sets the demand: at most `count` further calls of `sink.accepted`; 0 drops it. A connection that was accepted and
   * not delivered answers the next demand.
   */
  accept(count: number): void
  /** Calls `fn` on the listener's host. For a backend with several hosts. */
  readonly within?: (<T>(fn: () => T) => T) | undefined
  /** Closes the descriptor now, and connections that were accepted and not delivered. Idempotent. */
  destroy(): void
  getsockopt(level: number | string, name: number | string): number
  setsockopt(level: number | string, name: number | string, value: number | boolean): void
}

/**
 * The source or destination of a datagram.
 *
 * UNIX: a path, as a `Buffer` if it is not UTF-8, and `''` for a sender without a name. UDP: an immutable object, whose
 * members may be decoded at the first read. `send` gets it back, and the backend recognises its own without reading the
 * members. A backend extends `PeerAddress` of peer-address.ts for this.
 */
export type DatagramAddress = SocketAddress | string | Buffer

/** Receives the answers of a datagram transport, on the owning thread. */
export interface DatagramSink {
  /**
   * One whole datagram: bytes `[start, end)` of `memory`, perhaps none. `owned` means the same as for
   * `StreamSink.received`. Called once or several times for one `receive`.
   */
  datagram(memory: Buffer, start: number, end: number, owned: boolean, from: DatagramAddress): void
  /** Ends the answer to `receive`: after one to `count` datagrams, or with an error after none. */
  receiveSettled(error: Error | undefined): void
  /** The answer to a `send` or `sendMany` that returned false. */
  sendSettled(error: Error | undefined): void
}

/**
 * A datagram socket.
 *
 * A transport reads only the datagrams that were asked for, and leaves the rest in the kernel. A backend that cannot
 * (node) keeps a bounded number, and drops the newest. The concept module keeps the datagrams of one `receive` that its
 * caller did not want, and asks again when they are used up.
 *
 * No error ends the socket. An error that the network reports for an earlier datagram (`ECONNREFUSED` on a connected
 * socket) fails one call, like `SO_ERROR`: the pending `receive`, or the next call of either direction.
 */
export interface DatagramTransport {
  /** Set by the concept module before the first call. */
  sink: DatagramSink
  /** The bound address. A UDP socket always has one. An IPv4 address never has its IPv6-mapped form. */
  readonly localAddress: Address
  /** The address that it is connected to. */
  readonly remoteAddress: DatagramAddress | undefined
  /** The family of addresses that it can send to. 0: both. UNIX: 0. */
  readonly family: 0 | 4 | 6
  /** Asks for one to `count` datagrams, as many as are ready. The sink gets them, and `receiveSettled`. */
  receive(count: number): void
  /** Drops the pending `receive`, at once. No datagram is lost. */
  cancelReceive(): void
  /**
   * Sends one datagram to `to`, or, on a connected socket, to its peer (`undefined`). True: the kernel has it. False:
   * one `sink.sendSettled` follows, perhaps only because the sends of a turn share a system call.
   *
   * Throws, or settles with, the system error of this datagram: `EMSGSIZE`, `EAFNOSUPPORT` (not of `family`),
   * `ENETUNREACH`. `data` is not read after the call. Where possible the caller passes the same object for the same
   * target, so that the backend may cache its form of the last target.
   */
  send(data: Uint8Array, to: DatagramAddress | undefined): boolean
  /**
   * Sends the datagrams in order, `data[i]` to `to[i]`, in as few system calls as possible. As `send`. The first
   * failure ends it: the datagrams before it have left, those after it have not.
   */
  sendMany(data: readonly Uint8Array[], to: readonly (DatagramAddress | undefined)[]): boolean
  /**
   * Waits until a send may succeed. `sink.sendSettled` answers, and `cancelSend` drops the wait. `undefined` where the
   * backend cannot.
   */
  readonly waitWritable?: (() => void) | undefined
  /** Drops the pending send, at once. Datagrams that have not left stay unsent, as far as the system allows. */
  cancelSend(): void
  /** Closes the descriptor now. The sink is not called again. Removes a socket file as a listener does. Idempotent. */
  destroy(): void
  getsockopt(level: number | string, name: number | string): number
  /** A `Uint8Array` is the option's C structure (`IP_ADD_MEMBERSHIP`: `ip_mreq`). */
  setsockopt(level: number | string, name: number | string, value: number | boolean | Uint8Array): void
}
