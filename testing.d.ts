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
 * Puts steps of different tasks in an order. Each step has a position; positions begin at 0, and each is used once. A step
 * begins when all those before it have ended, whoever came first. Re-creates Trio's `Sequencer`.
 *
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
 * A step that cannot be taken any more (its waiter was cancelled, or its body failed) breaks the sequence: those that wait for
 * a later position, and those that come for one, get a `UsageError` that says which step was missing.
 */
declare class Sequencer {
  #private
  /**
   * Waits for its turn, then runs `body`; when that has returned, the next position has its turn.
   *
   * @throws RangeError for what is no position; UsageError for one that was used already, and in a broken sequence
   */
  use<T>(position: number, body: () => T | PromiseLike<T>): Promise<T>
  /**
   * Waits for its turn; the next position has its own when the grant is released: `await using step = await order.acquire(1)`.
   * A disposer cannot see whether the block has failed, so here a failure does not break the sequence.
   *
   * @throws as `use` does
   */
  acquire(position: number): Promise<Grant>
}

/**
 * Runs `body` once for each seed, one after another, and stops at the first that fails. Its error comes out as the `cause` of
 * one that names the seed; with `STRUCTIO_SEED=n` in the environment that seed alone is run, however many were asked for:
 *
 * ```ts
 * test('no reply is lost, whatever the order', () =>
 *   forEachSeed(1000, (seed) =>
 *     run(main, { backend: 'virtual', backendOptions: { seed } }),
 *   ))
 * ```
 *
 * @param seeds - how many (0, 1, 2 …), or which; integers
 * @throws RangeError where there is no seed at all: a test that runs nothing cannot fail
 */
declare function forEachSeed(
  seeds: number | readonly number[],
  body: (seed: number) => PromiseLike<unknown>,
): Promise<void>

/**
 * Asserts that an operation is a checkpoint, and returns its value:
 *
 * ```ts
 * const reply = await assertCheckpoints(() => client.ask('question'))
 * ```
 *
 * It is called twice: first in a cancelled scope, where it has to throw `Cancelled` (and ought to do nothing else), then where
 * the call was made, when nothing may complete at once any more: it has to let other tasks, timers and I/O run before its
 * promise settles. What it throws of its own then comes out as it is. Re-creates Trio's `assert_checkpoints`.
 *
 * @param operation - one call of what is to be checked
 * @throws AssertionError that says what was missing; what the operation threw instead of `Cancelled` is its `cause`
 */
declare function assertCheckpoints<T>(operation: () => T | PromiseLike<T>): Promise<T>
/**
 * Asserts that `body` has no checkpoint in it: that it can neither be cancelled nor lets anybody else run. It is called
 * once, in a cancelled scope, and its value is returned; `body` may be synchronous, and may wait for promises that are
 * settled already. Re-creates Trio's `assert_no_checkpoints`.
 *
 * @throws AssertionError when it threw `Cancelled`, or did not settle in the turn of the event loop in which it was called
 */
declare function assertNoCheckpoints<T>(body: () => T | PromiseLike<T>): Promise<T>

/**
 * Makes two streams that are connected to each other and buffer whatever is sent: `sendAll` never waits. For tests of code
 * that talks to a `Stream`, with no network. Re-creates Trio's `memory_stream_pair`.
 *
 * They keep all rules of streams: a half can be closed (`sendEof`); after the peer's `close()` what it sent can still be
 * received, and a `sendAll` fails with `BrokenResourceError`. They belong to no `run`.
 */
declare function memoryStreamPair(): [Stream, Stream]
/**
 * Makes two streams that are connected to each other without any buffer: `sendAll` resolves when the peer has received the
 * last byte. What works over them never relies on a buffer somewhere, and cannot deadlock because there is none. A
 * `sendAll` that is cancelled has sent what the peer had received by then. Re-creates Trio's `lockstep_stream_pair`.
 */
declare function lockstepStreamPair(): [Stream, Stream]

/** Options of `checkStream`. */
interface CheckStreamOptions {
  /** What the streams are, for the texts of failures. */
  name?: string | undefined
  /** Whether one direction can be ended alone; where not, `sendEof` has to throw `UnsupportedError`. Default: true. */
  halfClose?: boolean | undefined
  /**
   * How many bytes the pair takes, at most, while nobody receives: `sendAll` of one more has to wait. 0: none, so that
   * `sendAll` waits until the peer has received everything. `Infinity`: there is no limit, and no rule about waiting.
   * Default: 16 MiB, more than TCP connections of one machine take.
   */
  capacity?: number | undefined
  /** How long one rule may take: milliseconds of the run's clock. Default: 10,000. */
  timeout?: number | undefined
  /** Of the random data and sizes. Default: 1. */
  seed?: number | undefined
}
/**
 * Checks that a kind of stream keeps the rules of `Stream`: that everything arrives, what framing gives, who is refused
 * as busy, what closing and half-closing do, that every call is a checkpoint, that cancellation loses nothing. Some forty
 * rules, in both directions, each with a pair of its own. Re-creates Trio's `check_two_way_stream` and
 * `check_half_closeable_stream`.
 *
 * ```ts
 * test('my stream keeps the rules of streams', () =>
 *   run(() => checkStream(() => myStreamPair(), { name: 'my stream', capacity: 65_536 })))
 * ```
 *
 * Wherever a stream hangs, the check does not: the rule fails when its time is up, and says what it waited for. (The time of
 * the `virtual` backend stands still while anything goes on: a loop without end, foreign work under `abandonOnCancel`.)
 *
 * @param makePair - makes two streams that are connected to each other and have not been used
 * @throws AssertionError for the first rule that is broken; its text names the rule, the direction, and what was expected. What
 * the stream threw, if it was that, is its `cause`
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
