/** Signals of a whole process: how it ends, and what it prints before. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import test, { type ExecutionContext } from 'ava'
import { realBackends } from '../support/backends.ts'
import { type Program, start } from '../support/program.ts'

const backends = [...new Set(realBackends.map(({ options }) => options.backend as string))]
const receive = (t: ExecutionContext, mode: string, backend: string): Program =>
  start(t, '__test__/programs/signals/receive.ts', [mode, backend])

for (const backend of backends) {
  for (const [mode, printed] of [
    ['unconsumed', ''],
    ['unconsumed, after an error', ''],
    ['left open', ''],
  ] as const) {
    test(`SIGNAL-2: a signal that was not consumed has its default action: ${mode} [${backend}]`, async (t) => {
      const { code, signal, stdout } = await receive(t, mode, backend).ended
      t.deepEqual([code, signal, stdout], [null, 'SIGTERM', printed])
    })
  }

  test(`signals from another process are received, and have no other effect [${backend}]`, async (t) => {
    const program = receive(t, 'consumed', backend)
    await program.line(/^ready$/)
    program.signal('SIGINT')
    await program.line(/^SIGINT$/)
    program.signal('SIGTERM')
    const { code, stdout } = await program.ended
    t.deepEqual([code, stdout], [0, 'ready\nSIGINT\nSIGTERM\ndone\nresult undefined\n'])
  })

  test(`a shutdown signal goes to an open receiver, and shuts the run down afterwards [${backend}]`, async (t) => {
    const program = receive(t, 'shutdown', backend)
    await program.line(/^ready$/)
    program.signal('SIGTERM')
    await program.line(/^again$/)
    program.signal('SIGTERM')
    const { code, stdout } = await program.ended
    t.deepEqual([code, stdout], [0, 'ready\nSIGTERM\nagain\nunwound\nresult undefined\n'])
  })

  test(`waiting for a signal keeps the process alive, and an open receiver alone does not [${backend}]`, async (t) => {
    const idle = await receive(t, 'idle', backend).ended
    t.regex(idle.stdout, /^idle\n/)
    const program = receive(t, 'waiting', backend)
    await program.line(/^ready$/)
    program.signal('SIGTERM')
    const { code, stdout } = await program.ended
    t.deepEqual([code, stdout], [0, 'ready\nSIGTERM\nresult undefined\n'])
  })
}

test('a worker has no signals: receiving them is an error there', async (t) => {
  const worker = new Worker(new URL('./signals/in-worker.mjs', import.meta.url))
  const [codes] = (await once(worker, 'message')) as [string[]]
  t.deepEqual(codes, ['ERR_UNSUPPORTED', 'ERR_UNSUPPORTED'])
  await worker.terminate()
})
