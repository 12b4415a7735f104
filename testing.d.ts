// Rolled up from src/testing/index.ts by `npm run build -- types`. Generated: do not edit.

/**
 * Everything that `import { … } from 'structio/testing'` can name.
 *
 * @module structio/testing
 */

import { Grant, Stream } from 'structio'

/** Options of a `VirtualClock`. */
interface VirtualClockOptions {
  /** The time it begins at, in milliseconds: what `currentTime()` says then. Default 0. */
  start?: number | undefined
  /** Whether time moves on by itself when every task waits. Default true. */
  autoJump?: boolean | undefined
}
/**
 * The time of the runs of the `virtual` backend. It takes no real time to pass.
 *
 * With `autoJump`, once every task of every run on this clock waits, and no work in the real world is under way (a file, a
 * thread, an `abandonOnCancel`), time jumps to whatever comes next: a timeout, a datagram that arrives. An hour of sleeps
 * passes in milliseconds, in exact order. While a child process or a thread works, time passes as fast as the real time. Where nothing lies
 * ahead the run waits, as on the other backends. A loop that never waits takes no time: what it polls for must not be a point
 * in time.
 *
 * Without, time stands still until `advance` moves it.
 *
 * One clock may serve several runs, and is read and moved from anywhere on its thread.
 */
declare class VirtualClock {
  #private
  constructor(options?: VirtualClockOptions)
  /** Milliseconds. */
  get now(): number
  /** Whether time moves on by itself. May be changed at any time. */
  get autoJump(): boolean
  set autoJump(on: boolean)
  /**
   * Moves time on by `ms` milliseconds, stopping at every event and deadline on the way: what each of them wakes runs until
   * everything waits again, before time goes on. Resolves when all is quiet at the new time.
   *
   * In a task this is an operation like any other, a checkpoint, and the task counts as waiting; it may also be called outside
   * of every run. It is not held up by work in the real world, nor by a task that does not come to rest within a hundred
   * passes of the event loop.
   */
  advance(ms: number): Promise<void>
}

/** How good the connection between two hosts is. Without more it is perfect: everything arrives in the same moment. */
interface LinkOptions {
  /** Milliseconds one way. Default 0. */
  latency?: number | undefined
  /** Up to as many milliseconds more, at random for each packet. TCP keeps its order; datagrams may overtake. Default 0. */
  jitter?: number | undefined
  /** Bytes of payload per second that pass in each direction, whoever sends them. Default `Infinity`. */
  bandwidth?: number | undefined
  /** The probability, from 0 to 1, that a packet is lost. TCP sends it again, which takes time. Default 0. */
  loss?: number | undefined
  /** The probability that a datagram arrives twice. Default 0. */
  duplicate?: number | undefined
  /** The probability that a datagram takes up to twice as long, so that later ones overtake it. Default 0. */
  reorder?: number | undefined
}

/** What a packet is: of TCP `syn`, `syn-ack`, `data`, `fin`, `rst`; a UDP `datagram`. Acknowledgements are not recorded. */
type TrafficKind = 'syn' | 'syn-ack' | 'data' | 'fin' | 'rst' | 'datagram'
/**
 * What became of it. `'held'`: TCP data that a partition, or a host that is down, keeps from arriving; it is sent again when
 * that is over.
 */
type TrafficOutcome = 'under way' | 'delivered' | 'lost' | 'held'
/** One packet. Its outcome is filled in when it is known. */
interface TrafficRecord {
  /** When it was sent, in milliseconds of the clock. */
  readonly time: number
  /** The sending host's name. */
  readonly from: string
  /** The sender's port. */
  readonly fromPort: number
  /** The receiving host's name; its address, where nobody has that. */
  readonly to: string
  /** The receiver's port. */
  readonly toPort: number
  /** What was sent. */
  readonly kind: TrafficKind
  /** Payload. */
  readonly bytes: number
  /** What became of it. */
  readonly outcome: TrafficOutcome
  /** When it was delivered. */
  readonly arrived: number | undefined
  /** How often TCP had to send it again, for it was lost. */
  readonly retransmissions: number
  /** Whether a datagram was delivered twice. */
  readonly duplicated: boolean
}

/** One host of a `VirtualNetwork`, made by `network.host(name)`. Every host is also `localhost` (127.0.0.1, ::1) to itself. */
declare class VirtualHost {
  #private
  private constructor()
  /** What others resolve and connect to. */
  get name(): string
  /** Its own addresses, in the resolver's order; without those of the loopback interface. */
  get addresses(): readonly string[]
  /** False from `crash()` to `restart()`. */
  get up(): boolean
  /** How many sockets are open on it: servers, connections, connection attempts, datagram sockets. */
  get openSockets(): number
  /**
   * Calls `body` on this host and returns what it returns: what is opened in it is on this host, and so are all tasks that
   * are spawned from it. Code outside of every such call is on the host `localhost`.
   */
  run<T>(body: () => T): T
  /**
   * Switches the host off: its sockets are gone, its peers hear nothing. They find out when they send and nobody
   * acknowledges, or by a timeout of their own. Code on the host is not ended (cancel its tasks): what it sends goes nowhere,
   * and what it waits for does not come.
   */
  crash(): void
  /** Switches it on again, with nothing open. Peers that still send on connections from before are answered by a reset. */
  restart(): void
}

/** What every link of the network is like, if `link` says nothing else, and how the hosts behave. */
interface VirtualNetworkOptions extends LinkOptions {
  /** Milliseconds after which a connection attempt that nobody answers is `ETIMEDOUT`. Default 127,000, as on Linux. */
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
 * The network of the runs of the `virtual` backend: hosts with names and addresses, links between them, and whatever may
 * happen to these. One network may serve several runs, at once and one after the other, all on the same clock.
 *
 * Hosts are named by themselves or by their names. There is one from the beginning, `localhost`. A perfect network delivers
 * everything in the moment it was sent, so give links a `latency` where times matter.
 */
declare class VirtualNetwork {
  #private
  constructor(options?: VirtualNetworkOptions)
  /**
   * The host of this name, made if there is none.
   *
   * @param options - `addresses`: numeric, in the resolver's order; without them it gets an IPv4 and an IPv6 address
   */
  host(name: string, options?: HostOptions): VirtualHost
  /**
   * Gives these addresses a name, in the order in which the resolver tells them. An address may be one that nobody has:
   * whoever connects to it hears nothing.
   */
  alias(name: string, addresses: readonly string[]): void
  /**
   * Says what the way between two hosts is like, from now on and in both directions; what is not named stays as it is.
   *
   * @param options - `oneWay`: only from `a` to `b`
   */
  link(a: string | VirtualHost, b: string | VirtualHost, options: OneLinkOptions): void
  /**
   * From now on nothing passes between these hosts and the others, in either direction: no packet, no error. Datagrams are
   * lost, TCP keeps trying. Partitions add up until they are healed.
   *
   * @param other - default: everybody else, also hosts that are made later
   */
  partition(side: readonly (string | VirtualHost)[], other?: readonly (string | VirtualHost)[]): void
  /** Ends all partitions. TCP sends at once what was held back, in order. */
  heal(): void
  /**
   * Breaks the TCP connections between two hosts, as something on the way that forgot them would: both ends are reset.
   *
   * @param b - default: those between `a` and everybody
   * @param a - default: all connections of the network
   */
  reset(a?: string | VirtualHost, b?: string | VirtualHost): void
  /** Everything that was sent, in its order. Their outcomes are filled in as time goes on. */
  get record(): readonly TrafficRecord[]
}

/** How the virtual backend is set up (`backendOptions`). */
interface VirtualOptions {
  /**
   * Makes the order in which ready tasks go on, and what happens by chance in the network, random and repeatable: the same
   * seed, program and start give the same interleaving. Any safe integer. Without one, tasks go on in the order in which they
   * became ready, as on the other backends, and the network's chances are those of seed 0.
   */
  seed?: number | undefined
  /** Its time. Default: that of `network`, if it was used before, or a new one that starts at 0 and jumps. */
  clock?: VirtualClock | undefined
  /** Its network. Default: a new one with one host, `localhost`. */
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
