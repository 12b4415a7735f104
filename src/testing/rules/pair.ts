/**
 * The tools of a rule: two connected streams, observed calls of them, and failures.
 *
 * Invariant: a rule waits through `Call`s and turns only. So its deadline reaches it wherever it hangs, and the failure
 * names the call that it waited for.
 */

import { BrokenResourceError, Cancelled } from '../../errors.ts'
import { checkpoint } from '../../scopes.ts'
import type { Stream } from '../../streams/stream.ts'
import { failure, show } from '../failure.ts'
import type { RandomBytes } from '../random.ts'
import { Trial } from '../trial.ts'

/** One rule that every stream keeps. */
export interface Rule {
  /** A sentence, which a failure quotes. */
  readonly name: string
  /** What the pair must support; otherwise the rule is skipped. */
  readonly needs?: Need
  check(pair: Pair): Promise<void>
}

export type Need = 'half-close' | 'no half-close' | 'back-pressure' | 'a buffer'

/** The settings that all pairs share. */
export interface Settings {
  readonly halfClose: boolean
  readonly capacity: number
}

/** A class of errors. */
export type Kind<E extends Error> = abstract new (...args: never[]) => E

export class Pair {
  /** The stream under test and its peer. Each stream of the pair takes both roles in turn. */
  readonly stream: Stream
  readonly peer: Stream
  readonly random: RandomBytes
  readonly settings: Settings
  /** The calls that are waited for. */
  waitingFor = 'nothing'
  readonly #calls: Call<unknown>[] = []

  constructor(stream: Stream, peer: Stream, random: RandomBytes, settings: Settings) {
    this.stream = stream
    this.peer = peer
    this.random = random
    this.settings = settings
  }

  /** Begins a call without waiting for it. */
  begin<T>(what: string, call: () => T | PromiseLike<T>, options?: { cancelled?: boolean }): Call<T> {
    const begun = new Call<T>(this, what, new Trial(call, options))
    this.#calls.push(begun)
    return begun
  }

  /** Makes a call that must succeed. */
  do<T>(what: string, call: () => T | PromiseLike<T>): Promise<T> {
    return this.begin(what, call).value()
  }

  /** Makes a call that must fail. */
  refused<E extends Error>(kind: Kind<E>, what: string, call: () => unknown): Promise<E> {
    return this.begin(what, call).failsWith(kind)
  }

  /** Lets a few turns of the event loop pass. */
  async turns(count = 5): Promise<void> {
    for (let turn = 0; turn < count; turn++) await checkpoint()
  }

  /** Sends from the stream while the peer receives. */
  async send(data: string | Uint8Array): Promise<void> {
    const expected = Buffer.from(data as string)
    const sending = this.begin(`sendAll(${expected.length} bytes)`, () => this.stream.sendAll(data))
    same(await this.take(this.peer, expected.length), expected, 'what the peer received')
    await sending.value()
  }

  /** Sends from the peer; the stream is to receive it. */
  sendFromPeer(data: string | Uint8Array): Call<void> {
    return this.begin(`the peer's sendAll(${data.length} bytes)`, () => this.peer.sendAll(data))
  }

  /** Receives that many bytes with `receiveSome` alone. */
  async take(from: Stream, count: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for (let missing = count; missing > 0;) {
      const bytes = await this.do(`receiveSome(${missing}) of the ${this.nameOf(from)}`, () =>
        from.receiveSome(missing),
      )
      ensure(Buffer.isBuffer(bytes), `receiveSome answered with ${typeof bytes}, and not with a Buffer`)
      ensure(bytes.length > 0, `the data ended, ${missing} bytes before it should`)
      ensure(bytes.length <= missing, `receiveSome(${missing}) gave ${bytes.length} bytes`)
      parts.push(bytes)
      missing -= bytes.length
    }
    return Buffer.concat(parts)
  }

  /** Receives up to the end of data, or until the connection is broken. */
  async drain(from: Stream): Promise<Buffer> {
    const parts: Buffer[] = []
    for (let count = 0; ;) {
      ensure(count <= ENDLESS, `${count} bytes have come, which nobody sent`)
      const receiving = this.begin(`receiveSome() of the ${this.nameOf(from)}`, () => from.receiveSome())
      const outcome = await receiving.outcome()
      if (outcome.kind === 'threw') {
        ensure(outcome.error instanceof BrokenResourceError, `receiveSome threw ${show(outcome.error)}`, outcome.error)
        return Buffer.concat(parts)
      }
      if (outcome.value.length === 0) return Buffer.concat(parts)
      parts.push(outcome.value)
      count += outcome.value.length
    }
  }

  /** Begins a `sendAll` of more than the pair buffers. */
  async clog(): Promise<{ readonly sending: Call<void>; readonly data: Buffer }> {
    // A prime length: a gap of whole blocks would have to be very long to go unnoticed.
    const data = Buffer.alloc(Math.max(this.settings.capacity, 1024) + 1, this.random.bytes(65_521))
    const sending = this.begin(`sendAll(${data.length} bytes)`, () => this.stream.sendAll(data))
    await this.turns(20)
    ensure(
      sending.pending,
      `sendAll of ${data.length} bytes did not wait, though the peer did not receive (is the option "capacity" right?): ${sending.told}`,
    )
    return { sending, data }
  }

  /** Closes the stream at once, as a cancelled task does. False where that raised the cancellation. */
  async closeAtOnce(which: Stream): Promise<boolean> {
    const closing = this.begin(`close() of the ${this.nameOf(which)} in a cancelled scope`, () => which.close(), {
      cancelled: true,
    })
    return closing.completed()
  }

  nameOf(which: Stream): string {
    return which === this.stream ? 'stream' : 'peer'
  }

  /** Leaves all calls, and closes what is still open, for a few milliseconds at most. */
  async end(): Promise<void> {
    for (const call of this.#calls) call.leave()
    const closing = [this.stream, this.peer].map(
      (stream) => new Trial(() => stream[Symbol.asyncDispose](), { cancelled: true }),
    )
    try {
      for (const trial of closing) await trial.within(CLOSING)
    } finally {
      for (const trial of closing) trial.leave()
    }
  }
}

/** One call of a stream. */
export class Call<T> {
  readonly #pair: Pair
  readonly #what: string
  readonly #trial: Trial<T>

  constructor(pair: Pair, what: string, trial: Trial<T>) {
    this.#pair = pair
    this.#what = what
    this.#trial = trial
  }

  get pending(): boolean {
    return this.#trial.outcome === undefined
  }

  /** The outcome in words. */
  get told(): string {
    const { outcome } = this.#trial
    if (outcome === undefined) return `${this.#what} has not settled`
    return outcome.kind === 'returned' ? `${this.#what} succeeded` : `${this.#what} threw ${show(outcome.error)}`
  }

  /** Whether the event loop went on before it settled. */
  get gaveWay(): boolean {
    return this.#trial.gaveWay
  }

  cancel(): void {
    this.#trial.scope.cancel()
  }

  leave(): void {
    this.#trial.leave()
  }

  async outcome(): Promise<NonNullable<Trial<T>['outcome']>> {
    this.#pair.waitingFor = this.#what
    return this.#trial.end()
  }

  /** Its value. */
  async value(): Promise<T> {
    const outcome = await this.outcome()
    if (outcome.kind === 'threw') throw failure(this.told, outcome.error)
    return outcome.value
  }

  /** Its error, which must be of that class. */
  async failsWith<E extends Error>(kind: Kind<E>): Promise<E> {
    const outcome = await this.outcome()
    if (outcome.kind === 'returned') throw failure(`${this.told}, and should have thrown ${kind.name}`)
    if (!(outcome.error instanceof kind)) {
      throw failure(`${this.told}, and should have thrown ${kind.name}`, outcome.error)
    }
    return outcome.error
  }

  /** Whether it completed although it was cancelled. Any error but `Cancelled` is a failure. */
  async completed(): Promise<boolean> {
    const outcome = await this.outcome()
    if (outcome.kind === 'returned') return true
    ensure(outcome.error instanceof Cancelled, `${this.told}, and should have thrown Cancelled`, outcome.error)
    return false
  }
}

export function ensure(condition: boolean, otherwise: string, cause?: unknown): asserts condition {
  if (!condition) throw failure(otherwise, cause)
}

export function same(actual: Uint8Array, expected: string | Uint8Array, what: string): void {
  const wanted = Buffer.from(expected as string)
  if (wanted.equals(actual)) return
  let at = 0
  while (at < wanted.length && at < actual.length && wanted[at] === actual[at]) at++
  throw failure(
    `${what} should have been ${excerpt(wanted)}, and was ${excerpt(actual)}: they differ from byte ${at} on`,
  )
}

/** The value of a step that must not be the last. */
export async function next<T>(pair: Pair, iterator: AsyncIterator<T, unknown>): Promise<T> {
  const result = await pair.do('next()', () => iterator.next())
  if (result.done === true) throw failure('the iteration has ended too early')
  return result.value
}

/** More bytes than any rule sends. */
const ENDLESS = 2 ** 27

/** Milliseconds that each stream gets to close after the rule. */
const CLOSING = 1000

function excerpt(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, 24)).toString('latin1')
  return `${bytes.length} bytes (${JSON.stringify(text)}${bytes.length > 24 ? '…' : ''})`
}
