/** The errors of starting a program: which file it was that is not there. */
import { statSync } from 'node:fs'
import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'
import type { SpawnOptions, SystemError } from '../contract/backend.ts'

/** A spawn's error as Node words it, `spawn cat ENOENT`, with `path`. */
export interface SpawnError extends SystemError {
  path: string
}

/**
 * @param errno - the positive number of the operating system. `ENOENT` may mean the program or the folder: the folder is
 * looked at, and named where it was that.
 */
export function spawnError(errno: number, { command, cwd }: SpawnOptions): SpawnError {
  const folder = cwd === undefined ? undefined : folderFailure(cwd)
  if (folder !== undefined) return makeError(folder, 'chdir', cwd as string)
  const [code] = getSystemErrorMap().get(-errno) ?? [`E${errno}`]
  const path = typeof command === 'string' ? '/bin/sh' : (command[0] as string)
  return makeError(code, `spawn ${path}`, path)
}

function makeError(code: string, syscall: string, path: string): SpawnError {
  const text = syscall === 'chdir' ? `chdir ${code} ${JSON.stringify(path)}` : `${syscall} ${code}`
  const errno = -(constants.errno as Readonly<Record<string, number>>)[code]!
  return Object.assign(new Error(text), { errno, code, syscall, path })
}

/** Why nothing can run there. Asked after the fact: a spawn that works pays nothing for it. */
function folderFailure(cwd: string): string | undefined {
  try {
    return statSync(cwd).isDirectory() ? undefined : 'ENOTDIR'
  } catch (error) {
    return (error as SystemError).code
  }
}
