/** The certificates of this run's servers: made by the generator when they are first needed, gone when the run ends. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { loadGenerator } from './paths.ts'
import { whenAllAreGone } from './process.ts'

let folder: Promise<string> | undefined

/** A folder with `authority.pem`, `certificate.pem` (for localhost, P-256) and its `key.pem`. */
export function certificates(): Promise<string> {
  folder ??= make()
  return folder
}

async function make(): Promise<string> {
  const made = mkdtempSync(join(tmpdir(), 'structio-bench-'))
  whenAllAreGone(() => {
    folder = undefined
    rmSync(made, { recursive: true, force: true })
  })
  await promisify(execFile)(loadGenerator, ['certificates', made])
  return made
}
