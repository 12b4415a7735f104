/** Folders and files for tests, and what is left of them. */
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { type BackendTest, eachBackend, type TestBackend } from './backends.ts'

/** A folder of this test's own. */
export async function withFolder(body: (folder: string) => Promise<unknown>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'structio-'))
  try {
    await body(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The descriptors of this process that are open for something below `folder`. */
export function openBelow(folder: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      return path.startsWith(folder) ? [path] : []
    } catch {
      return []
    }
  })
}

type FolderTest = (t: ExecutionContext, backend: TestBackend, folder: string) => Promise<unknown>

/** A test on every backend with a folder of its own, in which no file is open at the end. */
export function eachBackendInFolder(test: Parameters<typeof eachBackend>[0], title: string, body: FolderTest): void {
  const inFolder: BackendTest = (t, backend) =>
    withFolder(async (folder) => {
      await body(t, backend, folder)
      if (process.platform === 'linux') t.deepEqual(openBelow(folder), [], 'a descriptor is left')
    })
  eachBackend(test, title, inFolder)
}
