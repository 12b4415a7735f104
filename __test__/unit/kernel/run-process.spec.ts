/** What `run` does to its process: signals, exit, staying alive. Each case in a process of its own. */
import test from 'ava'
import { start } from '../../support/program.ts'

const programs = '__test__/programs/kernel'

test('the first shutdown signal cancels the root scope, and run resolves with undefined once all has unwound', async (t) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const program = start(t, `${programs}/shutdown.ts`)
    await program.line(/^ready$/)
    program.signal(signal)
    const { code, stdout } = await program.ended
    t.is(code, 0)
    t.is(stdout, 'ready\nchild unwound\nresult undefined\nlisteners 0\n')
  }
})

test('the second shutdown signal has its default action', async (t) => {
  const program = start(t, `${programs}/shutdown.ts`, ['stubborn'])
  await program.line(/^ready$/)
  program.signal('SIGTERM')
  await program.line(/^child unwound$/)
  program.signal('SIGINT')
  const { code, signal } = await program.ended
  t.is(code, null)
  t.is(signal, 'SIGINT')
})

test('a body that no shutdown signal ends is named in a warning; the second signal has its default action', async (t) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const program = start(t, `${programs}/stuck.ts`)
    await program.line(/^ready$/)
    program.signal(signal)
    // The default of `overdueAfter` is a second.
    const warning = await program.line(/^warned: .*/)
    t.regex(warning[0], new RegExp(`${signal} told the run to end`))
    t.regex(warning[0], /task "stuck" has not ended/)
    t.regex(warning[0], new RegExp(`another ${signal} ends the process at once`))
    program.signal(signal)
    t.is((await program.ended).signal, signal)
  }
})

test('an active run keeps the process alive', async (t) => {
  const program = start(t, `${programs}/keep-alive.ts`, ['kept'])
  await program.line(/^waiting$/)
  const outcome = await Promise.race([program.ended, new Promise((resolve) => setTimeout(resolve, 300, 'still there'))])
  t.is(outcome, 'still there')
  program.signal('SIGKILL')
  await program.ended
})

test('with keepAlive: false it does not', async (t) => {
  const program = start(t, `${programs}/keep-alive.ts`, ['let-go'])
  const { code, stdout } = await program.ended
  t.is(code, 0)
  t.is(stdout, 'waiting\nexit\n')
})

test('when a run has settled the process can exit, whatever deadlines it had', async (t) => {
  const program = start(t, `${programs}/keep-alive.ts`, ['settled'])
  const { code, stdout } = await program.ended
  t.is(code, 0)
  t.is(stdout, 'settled value\nexit\n')
})
