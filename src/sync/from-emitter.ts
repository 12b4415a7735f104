/**
 * `fromEmitter`: the events of an emitter as a stream. An emitter does not wait for its listeners, so the stream has a
 * bounded buffer and an option for the case that it is full.
 *
 * Invariants
 * 1. The listeners stay on the emitter until an event ends the stream, its last receiver is closed, or the scope that
 *    it was made in ends. Then they are removed.
 * 2. No listener throws into `emit`.
 */
import { BrokenResourceError } from '../errors.ts'
import {
  BACKEND,
  type CancelScope,
  isClosing,
  currentFrame,
  detached,
  NEUTRAL,
  Operation,
  requireFrame,
} from '../kernel/index.ts'
import { checkOneOf, checkOptions, invalidArgType, optionNames, outOfRange } from '../common/validate.ts'
import { checkCapacity, Inlet, type Overflow } from './inlet.ts'
import { MemoryReceiveStream } from './memory-object-stream.ts'

/** Options of `fromEmitter`. */
export interface FromEmitterOptions {
  /** How many events the buffer holds: a positive integer, or `Infinity`. */
  capacity: number
  /**
   * What an event does when the buffer is full:
   *
   * - `'drop-oldest'`: replaces the oldest buffered event.
   * - `'drop-newest'`: is dropped.
   * - `'error'`: ends the stream with `BrokenResourceError`, behind the buffered events.
   */
  onFull: 'drop-oldest' | 'drop-newest' | 'error'
  /**
   * The event that ends the stream with an error, behind the buffered events. Default: `'error'` for an `EventEmitter`,
   * unless that is `event` or `endEvent`; none for an `EventTarget`. `null`: none.
   */
  errorEvent?: string | symbol | null | undefined
  /** The event that ends the stream, behind the buffered events: `'close'`, `'end'`. Default: none. */
  endEvent?: string | symbol | undefined
}

/** An `EventEmitter` of Node, or an object with its two methods. */
export interface EmitterLike {
  /** Adds a listener. */
  on(event: string | symbol, listener: (...args: unknown[]) => void): unknown
  /** Removes a listener. */
  removeListener(event: string | symbol, listener: (...args: unknown[]) => void): unknown
}

/** An `EventTarget`, or an object with its two methods. */
export interface EventTargetLike {
  /** Adds a listener. */
  addEventListener(type: string, listener: (event: unknown) => void): void
  /** Removes a listener. */
  removeEventListener(type: string, listener: (event: unknown) => void): void
}

/**
 * Turns the events of an emitter into a stream that you can receive from, or iterate with `for await`. It listens at
 * once, so no event between this call and the first `receive` is missed.
 *
 * With an `EventEmitter`, the item is the argument of the event, an array if there are several, or `undefined` if there
 * is none. With an `EventTarget`, the item is the event object.
 *
 * The listeners are removed when the stream is closed or ends, or when the scope that it was made in ends, which also
 * ends the stream. Outside every run there is no such scope: close the stream.
 *
 * @example
 * ```ts
 * using lines = fromEmitter<string>(readline, 'line', { capacity: 1000, onFull: 'error', endEvent: 'close' })
 * for await (const line of lines) await store(line)
 * ```
 *
 * @param emitter - an `EventEmitter` or an `EventTarget`; an object that is both counts as an `EventEmitter`
 * @throws TypeError for any other `emitter`; RangeError for a `capacity` that is not positive; UsageError in a task or
 * scope that has ended
 */
export function fromEmitter<T = unknown>(
  emitter: EmitterLike | EventTargetLike,
  event: string | symbol,
  options: FromEmitterOptions,
): MemoryReceiveStream<T> {
  const isEmitter = isLike<EmitterLike>(emitter, 'on', 'removeListener')
  if (!isEmitter && !isLike<EventTargetLike>(emitter, 'addEventListener', 'removeEventListener')) {
    throw invalidArgType('emitter', 'an EventEmitter or an EventTarget', emitter)
  }
  checkName('event', event)
  checkOptions('options', options, OPTIONS)
  const { capacity, onFull, endEvent } = options
  checkCapacity('options.capacity', capacity)
  checkOneOf('options.onFull', onFull, ON_FULL)
  const { errorEvent = isEmitter && event !== 'error' && endEvent !== 'error' ? 'error' : null } = options
  if (errorEvent !== null) checkName('options.errorEvent', errorEvent)
  if (endEvent !== undefined) checkName('options.endEvent', endEvent)
  checkDistinct(event, errorEvent, endEvent)
  const what = `the event ${typeof event === 'symbol' ? String(event) : JSON.stringify(event)}`
  const listening = new Listening(new Inlet<unknown>(capacity, onFull, what, BACKEND), what)
  const listeners: Listener[] = [[event, isEmitter ? listening.many : listening.one]]
  if (errorEvent !== null) listeners.push([errorEvent, listening.failed(errorEvent)])
  if (endEvent !== undefined) listeners.push([endEvent, listening.ended])
  return listening.start(emitter, listeners) as MemoryReceiveStream<T>
}

type Listener = [name: string | symbol, listener: (...args: unknown[]) => void]

/**
 * The listeners of one stream. In a scope it is an operation that is notified when the body of the scope has settled.
 */
class Listening extends Operation<void> {
  readonly #inlet: Inlet<unknown>
  readonly #what: string
  #stop: (() => void)[] = []
  #over = false

  constructor(inlet: Inlet<unknown>, what: string) {
    super()
    this.#inlet = inlet
    this.#what = what
    inlet.state.abandoned = () => this.#end()
  }

  start(emitter: EmitterLike | EventTargetLike, listeners: readonly Listener[]): MemoryReceiveStream<unknown> {
    const scope = currentFrame() === undefined ? undefined : requireFrame('fromEmitter').scope
    try {
      // Detached: an emitter keeps its listeners, and would keep the async context in which they were added.
      for (const listener of listeners) detached(() => this.#stop.push(listen(emitter, ...listener)))
    } catch (error) {
      this.#end()
      throw error
    }
    if (scope !== undefined) this.#stayIn(scope)
    return new MemoryReceiveStream(this.#inlet.state)
  }

  readonly one = (item: unknown): void => {
    // `emit` still calls a listener that was removed while it runs.
    if (!this.#over && this.#inlet.push(item) === 'ended') this.#end()
  }

  readonly many = (...args: unknown[]): void => {
    this.one(args.length > 1 ? args : args[0])
  }

  readonly ended = (): void => {
    this.#inlet.state.finish()
    this.#end()
  }

  failed(name: string | symbol): (...args: unknown[]) => void {
    return (reason) => {
      const error = errorOf(reason) ?? new BrokenResourceError(`the emitter emitted ${quoted(name)}`, { cause: reason })
      this.#inlet.state.finish(() => error)
      this.#end()
    }
  }

  override describe(): string {
    return `the end of a stream of ${this.#what}`
  }

  override get waitsFor(): number {
    return NEUTRAL
  }

  /** @internal A cancelled body may still receive in a shield. */
  override _cancel(): void {}

  protected override onCancel(): void {}

  /** @internal The body of the scope has settled. */
  override _leftOver(): void {
    this.ended()
  }

  #stayIn(scope: CancelScope): void {
    // The body of the scope has settled already: no notification would come.
    if (isClosing(scope)) this.ended()
    else void this.begin(scope)
  }

  /** (1) */
  #end(): void {
    this.#over = true
    const stop = this.#stop
    this.#stop = []
    for (const remove of stop) remove()
    this.resolve()
  }
}

function listen(emitter: EmitterLike | EventTargetLike, name: string | symbol, listener: Listener[1]): () => void {
  if (isLike<EmitterLike>(emitter, 'on', 'removeListener')) {
    emitter.on(name, listener)
    return () => void emitter.removeListener(name, listener)
  }
  emitter.addEventListener(name as string, listener)
  return () => emitter.removeEventListener(name as string, listener)
}

/** An `ErrorEvent` has its error in the property `error`. */
function errorOf(reason: unknown): Error | undefined {
  if (reason instanceof Error) return reason
  const inner = (reason as { error?: unknown } | null | undefined)?.error
  return inner instanceof Error ? inner : undefined
}

function isLike<E>(value: unknown, ...methods: (keyof E)[]): value is E {
  return (
    typeof value === 'object' && value !== null && methods.every((name) => typeof (value as E)[name] === 'function')
  )
}

function checkName(name: string, value: unknown): asserts value is string | symbol {
  if (typeof value !== 'string' && typeof value !== 'symbol') {
    throw invalidArgType(name, 'of type string or symbol', value)
  }
}

/** An event is either an item or an end of the stream. */
function checkDistinct(event: string | symbol, errorEvent: string | symbol | null, endEvent: unknown): void {
  if (errorEvent === event) throw outOfRange('options.errorEvent', 'another event than the one to receive', errorEvent)
  if (endEvent === event) throw outOfRange('options.endEvent', 'another event than the one to receive', endEvent)
  if (endEvent !== undefined && endEvent === errorEvent) {
    throw outOfRange('options.endEvent', 'another event than errorEvent', endEvent)
  }
}

function quoted(name: string | symbol): string {
  return typeof name === 'symbol' ? String(name) : JSON.stringify(name)
}

const ON_FULL: readonly Overflow[] = ['drop-oldest', 'drop-newest', 'error']
const OPTIONS = optionNames<FromEmitterOptions>({ capacity: true, onFull: true, errorEvent: true, endEvent: true })
