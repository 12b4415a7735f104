/** Workers of `node:cluster` on one port: by `reusePort` on native, by the primary's handle on node (api.md §6). */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { realBackends } from '../support/backends.ts'

const program = fileURLToPath(new URL('./cluster.ts', import.meta.url))
const threads = fileURLToPath(new URL('./workers.ts', import.meta.url))

for (const { label, options } of realBackends) {
  test(`two workers of a cluster share a port without being told to [${label}]`, async (t) => {
    const args = ['--import=tsx', program, JSON.stringify(options)]
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 })
    t.deepEqual(stdout.trim().split('\n'), ['answered worker1 worker2', 'exit codes 0 0'])
  })

  if (options.backend === 'node') continue
  test(`two worker threads share a port, each with a run of its own [${label}]`, async (t) => {
    const args = ['--import=tsx', threads, JSON.stringify(options)]
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 })
    t.deepEqual(stdout.trim().split('\n'), ['answered by 2', 'exit codes 0 0'])
  })
}
