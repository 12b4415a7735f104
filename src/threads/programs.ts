/**
 * The files that threads and processes run. The build finds them by this form of URL, and emits a file for each beside
 * the others. A bundler may leave out the files, or `import.meta.url`.
 */
import { UsageError } from '../errors.ts'

/** Whether the library runs from source, as in its own tests. */
export const FROM_SOURCE = (import.meta.url as string | undefined)?.endsWith('.ts') === true

export function programOfThread(): URL {
  checkPlace()
  return FROM_SOURCE ? new URL('./thread-program.ts', here()) : new URL('./thread-program.js', import.meta.url)
}

export function programOfProcess(): URL {
  checkPlace()
  return FROM_SOURCE ? new URL('./process-program.ts', here()) : new URL('./process-program.js', import.meta.url)
}

/** Hides the URL from bundlers: they would demand a file that only the source tree has. */
function here(): string {
  return import.meta.url
}

/** A bundler that makes CommonJS leaves no `import.meta`. */
function checkPlace(): void {
  if ((import.meta.url as string | undefined) !== undefined) return
  throw new UsageError('A bundle has no files for threads and processes to run: keep "structio" external')
}
