/** Child processes of a process that ends: how it ends, and what happens to them. */
import test, { type ExecutionContext } from 'ava'
import { realBackends } from '../support/backends.ts'
import { exists, gone, runs } from '../support/processes.ts'
import { type Program, start } from '../support/program.ts'

const backends = [...new Set(realBackends.map(({ options }) => options.backend as string))]

async function pending(t: ExecutionContext, mode: string, backend: string): Promise<{ program: Program; pid: number }> {
  const program = start(t, '__test__/programs/processes/pending.mjs', [mode, backend])
  const pid = Number((await program.line(/^\d+$/))[0])
  t.teardown(() => {
    if (exists(pid)) process.kill(pid, 'SIGKILL')
  })
  return { program, pid }
}

for (const backend of backends) {
  test(`a shutdown signal ends the child before the process ends [${backend}]`, async (t) => {
    const { program, pid } = await pending(t, 'shutdown', backend)
    program.signal('SIGTERM')
    const { code, stdout } = await program.ended
    t.deepEqual([code, stdout], [0, `${pid}\n-15\n`])
    t.false(exists(pid))
  })

  test(`process.exit ends the process at once, and leaves the child [${backend}]`, async (t) => {
    const { program, pid } = await pending(t, 'exit', backend)
    const { code, signal, stderr } = await program.ended
    t.deepEqual([code, signal, stderr], [7, null, ''])
    t.true(runs(pid))
    process.kill(pid, 'SIGKILL')
    await gone(pid)
  })

  test(`a worker may be terminated while it waits for a child [${backend}]`, async (t) => {
    const { program, pid } = await pending(t, 'worker', backend)
    const { code, signal, stdout } = await program.ended
    t.deepEqual([code, signal, stdout], [0, null, `${pid}\nterminated 1\n`])
    process.kill(pid, 'SIGKILL')
    await gone(pid)
  })

  test(`waiting for a child keeps the process alive, and an open child alone does not [${backend}]`, async (t) => {
    const program = start(t, '__test__/programs/processes/pending.mjs', ['waiting', backend])
    t.is((await program.ended).stdout, 'done\n')
    const idle = await pending(t, 'idle', backend)
    t.is((await idle.program.ended).signal, null)
    t.true(runs(idle.pid))
  })
}
