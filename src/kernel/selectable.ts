/**
 * What `select` asks of a source: whether it has something, to hand it over, and to say when it has. No behaviour lives here.
 *
 * All of it is synchronous. Between "it is ready" and "it is taken" no other JavaScript runs, so no competitor can take what a
 * select has seen, and a select that loses a race has taken nothing.
 */

/**
 * The key of the method by which an object takes part in `select` and `selectAll`: see `Selectable`. It is the same symbol in
 * every copy of the library.
 */
export const selectable: unique symbol = Symbol.for('structio.selectable') as never

/**
 * What `select` can wait for: streams, servers, queues, memory receive streams, events, task handles, datagram sockets,
 * processes, signal receivers. An object of your own takes part by one method, which may hand on the source of another object:
 *
 * ```ts
 * class Jobs implements Selectable<Job> {
 *   readonly #queue = createQueue<Job>(100);
 *   [selectable]() { return this.#queue[selectable]() }
 * }
 * ```
 */
export interface Selectable<T> {
  /** Called once for each `select`, in the frame of its caller; the source serves that one call. */
  [selectable](): SelectSource<T>
}

/** One object, for one call of `select`. Every member is synchronous and is called on the thread of the caller. */
export interface SelectSource<T> {
  /** Whether `take` has an answer now: a value, the end, or an error. */
  ready(): boolean
  /**
   * Takes what the object's own receive would give now. Called after `ready` was true.
   *
   * @throws what the object's own receive would throw; `WouldBlock` when there is nothing after all: then it is watched (again)
   */
  take(): T
  /**
   * Calls `changed` once, not inside this call, as soon as `ready` is true. Returns the undo, which takes nothing and gives up the
   * place in the line. Where several wait in line, each is called in its turn, and `take` inside `changed` gives it what has come.
   *
   * @throws what the object's own receive would throw where it must not wait: `ResourceBusyError`
   */
  watch(changed: () => void): () => void
  /**
   * The event loop may know of something that `ready` does not know of yet, because only `watch` asks for it: a socket. Beside
   * sources that are always ready, `select` then asks the event loop every now and then. Default false.
   */
  readonly outside?: boolean | undefined
  /** It has one value, and `selectAll` drops it after that: an event, a task. Default false. */
  readonly once?: boolean | undefined
  /**
   * Whether what `take` returned (`error` is `undefined`), or threw, says that nothing more will come: `selectAll` then drops it.
   * Default: it has thrown `EndOfStream`.
   */
  isEnd?(value: T | undefined, error: unknown): boolean
  /** @internal what a wait for it waits for, as bits of waits.ts; what may come from outside by default */
  readonly waitsFor?: number | undefined
}
