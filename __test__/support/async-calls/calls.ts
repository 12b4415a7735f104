/** How a call of the public API is described, so that different tests can make it: see catalogue.ts. */

/** Makes the call, once or several times, and returns its value for the set-up to go on with. */
export type Check = <T>(call: () => T | PromiseLike<T>) => Promise<T>

/** Prepares what a call needs, makes the call through `check`, and closes what it has prepared. */
export type Row = (check: Check) => Promise<unknown>

/** A row for each method of a class. */
export function named<R>(
  rows: Record<string, R>,
  name: string,
  withRow: (row: R, check: Check) => Promise<unknown>,
): Record<string, Row> {
  return Object.fromEntries(
    Object.entries(rows).map(([method, row]) => [`${name}.${method}`, (check: Check) => withRow(row, check)]),
  )
}
