/**
 * Where the programs lie that threads and processes run. The build finds them by this form of naming them, and puts a file
 * beside the library's others for each; a bundler may leave them without a file, or without a place to start from.
 */
import { UsageError } from '../errors.ts'

/** Whether the library runs from its source, as its own tests do. */
export const FROM_SOURCE = (import.meta.url as string | undefined)?.endsWith('.ts') === true

export function programOfThread(): URL {
  checkPlace()
  return FROM_SOURCE ? new URL('./thread-program.ts', here()) : new URL('./thread-program.js', import.meta.url)
}

export function programOfProcess(): URL {
  checkPlace()
  return FROM_SOURCE ? new URL('./process-program.ts', here()) : new URL('./process-program.js', import.meta.url)
}

/** By another name than bundlers look for: they would insist on having a file that only the source has. */
function here(): string {
  return import.meta.url
}

/** CommonJS that a bundler has made of this module has no `import.meta`. */
function checkPlace(): void {
  if ((import.meta.url as string | undefined) !== undefined) return
  throw new UsageError('A bundle has no files for threads and processes to run: keep "structio" external')
}
