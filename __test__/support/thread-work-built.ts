/** The same library, the other copy: as a user's module imports it, by name. */
import { fromThread, runAsyncFromThread } from 'structio'

export function ask(name: string, ...args: unknown[]): unknown {
  fromThread.checkCancelled()
  return runAsyncFromThread(name, ...args)
}
