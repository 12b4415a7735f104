/** What a scope needs of what opened it: a `ScopeRun`, a task group, a task. */

/** Gets the outcome of a body. */
export interface BodySink {
  bodyReturned(value: unknown): void
  bodyThrew(error: unknown): void
}

/** Hears of the end of a scope. @internal */
export interface ScopeOwner extends BodySink {
  /** The body has settled and nothing begun in its frame is left. Must call `_end`. */
  drained(): void
  /** The scope outlived the body that it was opened in: its failure belongs to that body's scope now. */
  disown(): void
  /** What opened the scope, for texts: 'failAfter'. */
  readonly what: string
  /** What runs in the scope; `undefined` where that is no function of the user's. */
  readonly body: ((...args: never[]) => unknown) | undefined
  /**
   * The body is left behind: the scope has to end now, as cancelled. `settles` says whether its promise does, too; that
   * of a scope inside the one that is abandoned settles with its body.
   */
  leave(settles: boolean): void
}
