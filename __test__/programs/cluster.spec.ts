/** Workers of `node:cluster` on one port: by `reusePort` on native, by the primary's handle on node. */
import test from 'ava'
import { realBackends } from '../support/backends.ts'
import { start } from '../support/program.ts'

for (const { label, options } of realBackends) {
  test(`two workers of a cluster share a port without an option [${label}]`, async (t) => {
    const { stdout } = await start(t, '__test__/programs/cluster.ts', [JSON.stringify(options)]).ended
    t.deepEqual(stdout.trim().split('\n'), ['answered worker1 worker2', 'exit codes 0 0'])
  })

  if (options.backend === 'node') continue
  test(`two worker threads share a port, each with a run of its own [${label}]`, async (t) => {
    const { stdout } = await start(t, '__test__/programs/workers.ts', [JSON.stringify(options)]).ended
    t.deepEqual(stdout.trim().split('\n'), ['answered by 2', 'exit codes 0 0'])
  })
}
