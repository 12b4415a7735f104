/** What the tests of child processes ask the system. */
import { existsSync, readFileSync } from 'node:fs'
import { readdirSync } from 'node:fs'

/** Whether there is a process of that number, a zombie too. */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Whether it runs; one that has ended and is its parent's to reap does not. */
export function runs(pid: number): boolean {
  if (!exists(pid)) return false
  const path = `/proc/${pid}/stat`
  return !existsSync(path) || !/\) [ZX] /.test(readFileSync(path, 'utf8'))
}

/** Resolves when it does not run any more. For those that are not this process's children: nobody tells of their end. */
export async function gone(pid: number): Promise<void> {
  while (runs(pid)) await new Promise((resolve) => setImmediate(resolve))
}

/** This process's children that have ended and that nobody has reaped. */
export function zombies(): number {
  return children().filter((pid) => !runs(pid)).length
}

/** This process's children. */
export function children(): number[] {
  return readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  )
}

/** How many descriptors this process has. */
export function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

/** A program in JavaScript: `node(…)` as a command. */
export function node(code: string): string[] {
  return [process.execPath, '-e', code]
}
