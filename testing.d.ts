// Rolled up from src/testing/index.ts by `npm run build -- types`. Generated: do not edit.

/**
 * Everything that `import { … } from 'structio/testing'` can name.
 *
 * @module structio/testing
 */

import { Grant, Stream } from 'structio'

/** Options of a `VirtualClock`. */
interface VirtualClockOptions {
  /** The time at the start, in milliseconds, as `currentTime()` returns it. Default 0. */
  start?: number | undefined
  /** Whether time moves by itself when every task waits. Default true. */
  autoJump?: boolean | undefined
}
/**
 * The time of the runs of the `virtual` backend. It passes without real time.
 *
 * With `autoJump`, time jumps to the next event (a timeout, a datagram that arrives) when every task of every run on
 * this clock waits, and no real work is under way (a file, a thread, an `abandonOnCancel`). An hour of sleeps passes in
 * milliseconds, in exact order. While a child process or a thread works, time passes at the speed of real time. Without
 * a next event the run waits, as on the other backends. Time does not pass in a loop that never waits, so such a loop
 * must not poll for a time.
 *
 * Without `autoJump`, time stands still until `advance` moves it.
 *
 * One clock may serve several runs, and works from anywhere on its thread.
 */
declare class VirtualClock {
  #private
  constructor(options?: VirtualClockOptions)
  /** The present time in milliseconds. */
  get now(): number
  /** Whether time moves by itself. May be changed at any time. */
  get autoJump(): boolean
  set autoJump(on: boolean)
  /**
   * Moves time by `ms` milliseconds. It stops at every event and deadline on the way, and lets the tasks that they wake
   * run until everything waits again. Resolves when everything waits at the new time.
   *
   * In a task this is an async operation and a checkpoint, and the task counts as waiting. It also works outside of
   * every run. Real work does not hold it up, nor does a task that does not rest within a hundred iterations of the
   * event loop.
   */
  advance(ms: number): Promise<void>
}

/**
 * The quality of the link between two hosts. Without options it is perfect: everything arrives at the time of sending.
 */
interface LinkOptions {
  /** Latency of one direction, in milliseconds. Default 0. */
  latency?: number | undefined
  /**
   * Additional latency of each packet, at random from 0 to this many milliseconds. TCP keeps its order, datagrams may
   * overtake. Default 0.
   */
  jitter?: number | undefined
  /** Bandwidth of each direction, in bytes of payload per second. Default `Infinity`. */
  bandwidth?: number | undefined
  /** The probability, from 0 to 1, that a packet is lost. TCP sends it again, which takes time. Default 0. */
  loss?: number | undefined
  /** The probability that a datagram arrives twice. Default 0. */
  duplicate?: number | undefined
  /** The probability that a datagram takes up to twice as long, so that later ones overtake it. Default 0. */
  reorder?: number | undefined
}

/**
 * The kind of a packet: `syn`, `syn-ack`, `data`, `fin` and `rst` of TCP, or a UDP `datagram`. Acknowledgements are not
 * recorded.
 */
type TrafficKind = 'syn' | 'syn-ack' | 'data' | 'fin' | 'rst' | 'datagram'
/**
 * The outcome of a packet. `'held'`: TCP data that a partition or a crashed host stops. It is sent again afterwards.
 */
type TrafficOutcome = 'under way' | 'delivered' | 'lost' | 'held'
/** A recorded packet. Its outcome is filled in when it is known. */
interface TrafficRecord {
  /** The time of sending, in milliseconds of the clock. */
  readonly time: number
  /** The sending host's name. */
  readonly from: string
  /** The sender's port. */
  readonly fromPort: number
  /** The receiving host's name, or the address if no host has it. */
  readonly to: string
  /** The receiver's port. */
  readonly toPort: number
  /** The kind of the packet. */
  readonly kind: TrafficKind
  /** Bytes of payload. */
  readonly bytes: number
  /** The outcome. */
  readonly outcome: TrafficOutcome
  /** The time of delivery. */
  readonly arrived: number | undefined
  /** How many times TCP sent it again because it was lost. */
  readonly retransmissions: number
  /** Whether a datagram was delivered twice. */
  readonly duplicated: boolean
}

/**
 * One host of a `VirtualNetwork`, made by `network.host(name)`. Every host is also `localhost` (127.0.0.1, ::1) to
 * itself.
 */
declare class VirtualHost {
  #private
  private constructor()
  /** What others resolve and connect to. */
  get name(): string
  /** The addresses of the host, in the resolver's order, without loopback addresses. */
  get addresses(): readonly string[]
  /** False from `crash()` to `restart()`. */
  get up(): boolean
  /** The number of open sockets: servers, connections, connection attempts, datagram sockets. */
  get openSockets(): number
  /**
   * Calls `body` on this host, and returns its result. Sockets that are opened in it belong to this host, and so do all
   * tasks that are spawned from it. Code outside of such a call runs on the host `localhost`.
   */
  run<T>(body: () => T): T
  /**
   * Switches the host off. Its sockets are gone, and its peers get no notice. They notice when their data is not
   * acknowledged, or by a timeout of their own. Code on the host is not ended; cancel its tasks for that. Its data is
   * lost, and its waits do not end.
   */
  crash(): void
  /**
   * Switches the host on again, without open sockets. Peers that still send on old connections get a reset.
   */
  restart(): void
}

/** The quality of all links (`link` changes single ones), and the behaviour of the hosts. */
interface VirtualNetworkOptions extends LinkOptions {
  /** Milliseconds after which an unanswered connection attempt is `ETIMEDOUT`. Default 127,000, as on Linux. */
  connectTimeout?: number | undefined
  /** Whether `record` is kept; it grows for as long as the network lives. Default true. */
  record?: boolean | undefined
}
interface HostOptions {
  /** The addresses of the machine. */
  readonly addresses?: readonly string[] | undefined
}
interface OneLinkOptions extends LinkOptions {
  /** Whether the link carries data in one direction alone. Default false. */
  readonly oneWay?: boolean | undefined
}
/**
 * The network of the runs of the `virtual` backend: hosts with names and addresses, and links between them. One network
 * may serve several runs, at once or one after the other, all on the same clock.
 *
 * A host is given as a `VirtualHost` or by its name. The host `localhost` always exists. A perfect network delivers
 * everything at the time of sending, so give links a `latency` if times matter.
 */
declare class VirtualNetwork {
  #private
  constructor(options?: VirtualNetworkOptions)
  /**
   * Returns the host of this name, and creates it if there is none.
   *
   * @param options - `addresses`: numeric addresses, in the resolver's order. Default: an IPv4 and an IPv6 address
   */
  host(name: string, options?: HostOptions): VirtualHost
  /**
   * Gives these addresses a name. The resolver keeps their order. An address may belong to no host; connection attempts
   * to it get no answer.
   */
  alias(name: string, addresses: readonly string[]): void
  /**
   * Sets the quality of the link between two hosts from now on, in both directions. Missing options stay as they are.
   *
   * @param options - `oneWay`: only from `a` to `b`
   */
  link(a: string | VirtualHost, b: string | VirtualHost, options: OneLinkOptions): void
  /**
   * Separates these hosts from the others from now on, in both directions: no packet and no error passes. Datagrams are
   * lost, TCP keeps trying. Several partitions add up until `heal`.
   *
   * @param other - default: all other hosts, also later ones
   */
  partition(side: readonly (string | VirtualHost)[], other?: readonly (string | VirtualHost)[]): void
  /** Ends all partitions. TCP sends the held data at once, in order. */
  heal(): void
  /**
   * Resets both ends of the TCP connections between two hosts, like a middlebox that lost its state.
   *
   * @param b - default: all peers of `a`
   * @param a - default: all connections of the network
   */
  reset(a?: string | VirtualHost, b?: string | VirtualHost): void
  /** All packets, in the order of sending. Their outcomes are filled in as time passes. */
  get record(): readonly TrafficRecord[]
}

/** Options of the virtual backend (`backendOptions`). */
interface VirtualOptions {
  /**
   * Makes the order of ready tasks, and chance in the network, random and repeatable. The same seed, program and start
   * give the same interleaving. Any safe integer. Without a seed, tasks continue in the order in which they became
   * ready, as on the other backends, and the network uses seed 0.
   */
  seed?: number | undefined
  /** The clock. Default: the clock of `network` if that was used before, else a new one that starts at 0 and jumps. */
  clock?: VirtualClock | undefined
  /** The network. Default: a new one with one host, `localhost`. */
  network?: VirtualNetwork | undefined
}

/**
 * Runs steps of different tasks in a fixed order, so that a test can produce one interleaving. Each step has a position,
 * from 0 on, and each position is used once. A step begins when all steps before it have ended.
 *
 * @example
 * ```ts
 * const order = new Sequencer()
 * await createTaskGroup((tg) => {
 *   tg.spawn(async () => {
 *     await order.use(0, () => client.send('first'))
 *     await order.use(2, () => client.send('third'))
 *   })
 *   tg.spawn(() => order.use(1, () => other.send('second')))
 * })
 * ```
 *
 * If a step will never be taken (its waiter was cancelled, or its body failed), all later positions get a `UsageError`
 * that names the missing step.
 */
declare class Sequencer {
  #private
  /**
   * Waits for the turn of `position`, then runs `body`. The next position follows when `body` has returned.
   *
   * @throws RangeError if `position` is no integer of at least 0; UsageError if it was used already, or the sequence is
   * broken
   */
  use<T>(position: number, body: () => T | PromiseLike<T>): Promise<T>
  /**
   * Waits for the turn of `position`. The next position follows when the grant is released:
   * `await using step = await order.acquire(1)`. A disposer cannot see whether its block has failed, so a failure of the
   * block does not break the sequence.
   *
   * @throws as `use` does
   */
  acquire(position: number): Promise<Grant>
}

/**
 * Runs `body` once for each seed, one after another, and stops at the first failure. The error that comes out names the
 * seed; its `cause` is the error of `body`. Set `STRUCTIO_SEED=n` in the environment to run that seed alone.
 *
 * @example
 * ```ts
 * test('no reply is lost, whatever the order', () =>
 *   forEachSeed(1000, (seed) =>
 *     run(main, { backend: 'virtual', backendOptions: { seed } }),
 *   ))
 * ```
 *
 * @param seeds - the number of seeds (0, 1, 2 …), or a list of integers
 * @throws RangeError if there is no seed: a test that runs nothing cannot fail
 */
declare function forEachSeed(
  seeds: number | readonly number[],
  body: (seed: number) => PromiseLike<unknown>,
): Promise<void>

/**
 * Asserts that an operation is a checkpoint: it can be cancelled, and lets other code run. Resolves with its value.
 *
 * @example
 * ```ts
 * const reply = await assertCheckpoints(() => client.ask('question'))
 * ```
 *
 * It calls `operation` twice. In a cancelled scope, it must throw `Cancelled` (and should do nothing else). Then, in
 * the caller's scope, it must let other tasks, timers and I/O run before its promise settles. An error of the second
 * call comes out as it is.
 *
 * @param operation - makes one call of the operation
 * @throws AssertionError that says what was missing; its `cause` is the error that came instead of `Cancelled`
 */
declare function assertCheckpoints<T>(operation: () => T | PromiseLike<T>): Promise<T>
/**
 * Asserts that `body` contains no checkpoint: it cannot be cancelled, and lets no other code run. It is called once, in
 * a cancelled scope, and its value is returned. `body` may be synchronous, and may await settled promises.
 *
 * @throws AssertionError if it threw `Cancelled`, or did not settle in the turn of the event loop in which it was
 * called
 */
declare function assertNoCheckpoints<T>(body: () => T | PromiseLike<T>): Promise<T>

/**
 * Makes two connected streams with an unbounded buffer: `sendAll` never waits. Use them to test code that talks to a
 * `Stream`, without a network.
 *
 * They keep all rules of streams: `sendEof` closes one direction; after the peer's `close()` its data can still be
 * received, and `sendAll` fails with `BrokenResourceError`. They belong to no `run`.
 *
 * @example
 * ```ts
 * const [client, server] = memoryStreamPair()
 * await client.sendAll('PING\r\n')
 * await handle(server) // the code under test
 * assert.equal(String(await client.receiveSome()), 'PONG\r\n')
 * ```
 */
declare function memoryStreamPair(): [Stream, Stream]
/**
 * Makes two connected streams without any buffer: `sendAll` resolves when the peer has received the last byte. Code
 * that works over them does not rely on a buffer, and cannot deadlock for the lack of one. A cancelled `sendAll` has
 * sent the bytes that the peer had received by then.
 */
declare function lockstepStreamPair(): [Stream, Stream]

/** Options of `checkStream`. */
interface CheckStreamOptions {
  /** Name of the streams in failures. Default `'stream'`. */
  name?: string | undefined
  /** Whether one direction can be ended alone. If `false`, `sendEof` must throw `UnsupportedError`. Default: true. */
  halfClose?: boolean | undefined
  /**
   * Bytes that the pair buffers at most: a `sendAll` of more must wait while the peer does not receive. 0: no buffer,
   * so that `sendAll` waits until the peer has received everything. `Infinity`: no limit, and the rules about waiting
   * are left out. Default: 16 MiB, more than TCP connections of one machine buffer.
   */
  capacity?: number | undefined
  /** Time limit of one rule in milliseconds of the run's clock. Default: 10,000. */
  timeout?: number | undefined
  /** Seed of the random data and sizes. Default: 1. */
  seed?: number | undefined
}
/**
 * Checks that your implementation of `Stream` keeps the rules of streams. Some forty rules, each in both directions
 * with a pair of its own: data arrives whole, framing works, a second receive is refused, closing and half-closing end
 * what they should, every call is a checkpoint, and a cancellation loses no byte.
 *
 * @example
 * ```ts
 * test('my stream keeps the rules of streams', () =>
 *   run(() => checkStream(() => myStreamPair(), { name: 'my stream', capacity: 65_536 })))
 * ```
 *
 * A stream that hangs fails its rule after `timeout`, with the name of the call that was waited for. (On the `virtual`
 * backend time stands still during an endless loop and during foreign work under `abandonOnCancel`.)
 *
 * @param makePair - makes two connected, unused streams
 * @throws AssertionError for the first broken rule: its text names the rule, the direction and the expectation, and its
 * `cause` is the error of the stream, if there was one
 */
declare function checkStream(
  makePair: () => readonly [Stream, Stream] | PromiseLike<readonly [Stream, Stream]>,
  options?: CheckStreamOptions,
): Promise<void>

export {
  Sequencer,
  VirtualClock,
  VirtualHost,
  VirtualNetwork,
  assertCheckpoints,
  assertNoCheckpoints,
  checkStream,
  forEachSeed,
  lockstepStreamPair,
  memoryStreamPair,
}
export type {
  CheckStreamOptions,
  LinkOptions,
  TrafficKind,
  TrafficOutcome,
  TrafficRecord,
  VirtualClockOptions,
  VirtualNetworkOptions,
  VirtualOptions,
}
