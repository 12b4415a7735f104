/** The errors of starting a program. They name the file that is missing. */
import { statSync } from 'node:fs'
import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'
import type { SpawnOptions, SystemError } from '../contract/backend.ts'

/** An error of spawning in Node's shape: `spawn cat ENOENT`, with `path`. */
export interface SpawnError extends SystemError {
  path: string
}

/**
 * @param errno - the positive number of the operating system. `ENOENT` may mean the program or the folder. The folder
 *   is checked, and named if it is the cause.
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

/**
 * Returns the code of what is wrong with the folder. Runs only after a failure, so that a successful spawn costs
 * nothing.
 */
function folderFailure(cwd: string): string | undefined {
  try {
    return statSync(cwd).isDirectory() ? undefined : 'ENOTDIR'
  } catch (error) {
    return (error as SystemError).code
  }
}
