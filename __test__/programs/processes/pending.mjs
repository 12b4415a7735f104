// Ends while it waits for a child, in the way that the mode names; prints the child's PID first. It is JavaScript
// because a worker loads its entry before a TypeScript loader can be registered.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { openProcess, run, runProcess, sleepForever } = await import('../../../index.ts')

const [mode, backend] = isMainThread ? process.argv.slice(2) : workerData
const say = (text) => (isMainThread ? console.log(text) : parentPort.postMessage(text))

const modes = {
  exit: () =>
    openProcess(['sleep', '600'], async (child) => {
      setTimeout(() => process.exit(7), 20)
      say(child.pid)
      await child.wait()
    }),
  worker: () =>
    openProcess(['sleep', '600'], async (child) => {
      say(child.pid)
      await child.stdout.receiveSome()
    }),
  // Waiting for a child keeps the process alive even where the run does not.
  waiting: async () => {
    const { stdout } = await runProcess('sleep 0.2; echo done')
    say(String(stdout).trim())
  },
  // An open child alone does not.
  idle: async () => {
    const child = await openProcess(['sleep', '600'], { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' })
    say(child.pid)
    await new Promise(() => {})
  },
  shutdown: () =>
    openProcess(['sleep', '600'], async (child) => {
      try {
        say(child.pid)
        await sleepForever()
      } finally {
        process.on('exit', () => say(child.returncode))
      }
    }),
}

if (mode === 'worker' && isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { workerData: [mode, backend] })
  worker.on('message', async (pid) => {
    console.log(pid)
    console.log(`terminated ${await worker.terminate()}`)
  })
} else {
  await run(modes[mode], {
    backend,
    keepAlive: mode !== 'waiting' && mode !== 'idle',
    shutdownSignals: mode === 'shutdown' ? ['SIGTERM'] : [],
  })
}
