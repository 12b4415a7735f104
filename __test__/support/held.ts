/** What a process holds, so that a search can tell what is left behind: descriptors, children, tasks. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { getRunningTasks } from '../../src/introspection.ts'
import { sleep } from '../../src/scopes.ts'

/** Milliseconds until everything that has been let go has gone: children are reaped, helper threads end. */
const PATIENCE = 10_000

/** What this process holds, counted by kind. */
export function held(): Map<string, number> {
  const found = new Map<string, number>()
  const count = (kind: string): void => void found.set(kind, (found.get(kind) ?? 0) + 1)
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`)
      // The folder that is being read.
      if (!target.startsWith('/proc/')) count(/^(socket|pipe|anon_inode:\[\w+\])/.exec(target)?.[0] ?? 'file')
    } catch {
      // It was the one of `readdirSync`.
    }
  }
  for (const task of readdirSync('/proc/self/task')) {
    try {
      for (const child of readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ')) {
        if (child !== '') count('child')
      }
    } catch {
      // The thread has ended.
    }
  }
  for (let tasks = getRunningTasks().length; tasks > 0; tasks--) count('task')
  return found
}

function surplus(before: Map<string, number>): string[] {
  return [...held()].flatMap(([kind, count]) => {
    const more = count - (before.get(kind) ?? 0)
    return more > 0 ? [`${more} more of ${kind}`] : []
  })
}

/** What this process holds beyond `before` once it has had the time to let go. */
export async function settled(before: Map<string, number>): Promise<string[]> {
  const until = performance.now() + PATIENCE
  let left = surplus(before)
  while (left.length > 0 && performance.now() < until) {
    await sleep(2)
    left = surplus(before)
  }
  return left
}
