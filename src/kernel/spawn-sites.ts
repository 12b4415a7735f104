/** Where tasks were spawned, for runs that keep stacks. Not a field of the task: there is one for each connection. */
import type { Task } from './task.ts'

const sites = new WeakMap<Task, { stack?: string }>()

/** @param hidden - the public function that was called; its caller is the place */
export function keepSpawnSite(task: Task, hidden: (...args: never[]) => unknown): void {
  const site: { stack?: string } = {}
  Error.captureStackTrace(site, hidden)
  sites.set(task, site)
}

/** The line of code, as stacks write it: 'serve (file:///…/server.js:12:7)'. */
export function spawnSite(task: Task): string | undefined {
  const line = sites.get(task)?.stack?.split('\n')[1]
  return line?.trim().replace(/^at /, '')
}
