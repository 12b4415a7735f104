/** The interface between a scope and its owner: a `ScopeRun`, a task group, a task or a service. */

/** Gets the outcome of a body. */
export interface BodySink {
  bodyReturned(value: unknown): void
  bodyThrew(error: unknown): void
}

/** The owner of a scope. @internal */
export interface ScopeOwner extends BodySink {
  /** The body has settled and nothing begun in its frame is left. Must call `_end`. */
  drained(): void
  /** The scope outlived the body that it was opened in: its failure needs no handler any more. */
  disown(): void
  /** The call that opened the scope, for texts: 'failAfter'. */
  readonly what: string
  /** The user's function that runs in the scope, if there is one. */
  readonly body: ((...args: never[]) => unknown) | undefined
  /**
   * The body is left behind: the scope must end now, as cancelled. @param settles - whether its promise settles too;
   * the promise of a scope inside the abandoned one settles with its body
   */
  leave(settles: boolean): void
}
