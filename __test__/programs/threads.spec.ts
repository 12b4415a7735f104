/** Threads and the life of the process: programs and their exit codes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import test from 'ava'
import { start } from '../support/program.ts'

const ENDS: Record<string, { code: number; stdout?: string; what: string }> = {
  idle: { code: 0, what: 'idle threads do not keep the process alive' },
  abandoned: { code: 0, what: 'a thread that was abandoned, and never ends, does not keep the process alive' },
  exit: { code: 7, what: 'process.exit while a thread works' },
  exitInCallback: { code: 7, what: 'process.exit in a function that a thread waits for' },
  unkept: { code: 0, stdout: 'value 1\n', what: 'a thread that works keeps the process alive where the run does not' },
  worker: { code: 0, stdout: 'terminated 1\n', what: 'a worker is terminated while its own thread works' },
  nested: { code: 0, stdout: 'nested 2\n', what: 'threads work inside a worker' },
  process: { code: 0, what: 'an abandoned process ends, and does not keep this one alive' },
  portal: { code: 0, what: 'a portal left open does not keep the process alive' },
}

for (const [act, { code, stdout = '', what }] of Object.entries(ENDS)) {
  test.serial(`${what} (${act})`, async (t) => {
    const ended = await start(t, '__test__/programs/threads.ts', [act]).ended
    t.like(ended, { code, signal: null, stdout }, ended.stderr)
  })
}

test.serial('a thread that runs out of memory fails its call, and the next call gets another thread', async (t) => {
  const child = spawn(
    process.execPath,
    ['--max-old-space-size=64', '--import=tsx', '__test__/programs/threads.ts', 'memory'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  )
  t.teardown(() => child.kill('SIGKILL'))
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  const [code] = (await once(child, 'close')) as [number]
  t.is(stdout, 'ERR_BROKEN_RESOURCE ERR_WORKER_OUT_OF_MEMORY\nhealed\n')
  t.is(code, 0)
})
