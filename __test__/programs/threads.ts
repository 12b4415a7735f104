/** Threads and the life of a process: `node threads.ts ACT`. */
import { once } from 'node:events'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import {
  abandonOnCancel,
  createBlockingPortal,
  openCancelScope,
  run,
  runAsyncFromThread,
  runInProcess,
  runInThread,
} from '../../index.ts'

const block = (words: Int32Array): void => {
  Atomics.store(words, 0, 1)
  Atomics.notify(words, 0)
  Atomics.wait(words, 1, 0)
}

/** A thread that blocks for ever. */
async function blocked(options: { abandonOnCancel?: boolean } = {}): Promise<unknown> {
  const words = new Int32Array(new SharedArrayBuffer(8))
  const call = runInThread(options, block, words)
  while (Atomics.load(words, 0) === 0) await new Promise((resolve) => setImmediate(resolve))
  return call
}

const acts: Record<string, () => Promise<unknown>> = {
  /** Ends with idle threads. */
  idle: () => run(() => Promise.all([1, 2, 3].map((x) => runInThread((y: number) => y, x)))),
  /** Abandons a thread that never ends. */
  abandoned: () =>
    run(() =>
      openCancelScope(async (scope) => {
        const call = blocked({ abandonOnCancel: true })
        setTimeout(() => scope.cancel(), 300)
        await call
      }),
    ),
  exit: () =>
    run(async () => {
      setTimeout(() => process.exit(7), 300)
      await blocked()
    }),
  /** Ends while a thread waits for its host. */
  exitInCallback: () =>
    run(() => runInThread({ expose: { exit: () => process.exit(7) } }, () => runAsyncFromThread('exit'))),
  /** Only the thread keeps the process alive. */
  unkept: async () => {
    const value = await run(
      () => runInThread(async () => new Promise((resolve) => setTimeout(() => resolve(1), 100))),
      {
        keepAlive: false,
      },
    )
    console.log(`value ${String(value)}`)
  },
  memory: () =>
    run(async () => {
      const error = await runInThread(() => {
        const all: unknown[] = []
        for (;;) all.push(new Array(100_000).fill(all.length))
      }).catch((caught: Error & { code: string }) => caught)
      console.log(error.code, (error.cause as { code?: string }).code)
      console.log(await runInThread(() => 'healed'))
    }),
  /** Everything inside a worker that is terminated in the middle. */
  worker: async () => {
    const worker = new Worker(BOOT, { eval: true, workerData: { path: import.meta.url, act: 'inner' } })
    await once(worker, 'message')
    console.log(`terminated ${await worker.terminate()}`)
  },
  /** Everything inside a worker, to the end. */
  nested: async () => {
    const worker = new Worker(BOOT, { eval: true, workerData: { path: import.meta.url, act: 'innerDone' } })
    console.log(`nested ${String((await once(worker, 'message'))[0])}`)
  },
  process: () =>
    run(() =>
      openCancelScope(async (scope) => {
        setTimeout(() => scope.cancel(), 500)
        await runInProcess({ abandonOnCancel: true }, () => new Promise(() => setInterval(() => {}, 1000)))
      }),
    ),
  portal: () => run(async () => void (await createBlockingPortal({ expose: {} }))),
  inner: () =>
    run(async () => {
      const { parentPort } = await import('node:worker_threads')
      void blocked()
      await abandonOnCancel(new Promise((resolve) => setTimeout(resolve, 300)))
      parentPort!.postMessage('blocked')
    }),
  innerDone: () =>
    run(async () => {
      const { parentPort } = await import('node:worker_threads')
      parentPort!.postMessage(await runInThread((x: number) => x + 1, 1))
    }),
}

/** A worker of Node reads TypeScript only with tsx (src/threads/typescript.ts). */
const BOOT = `
import('tsx/esm/api').then(({ register }) => {
  register()
  return import(require('node:worker_threads').workerData.path)
})`

await acts[isMainThread ? process.argv[2]! : (workerData as { act: string }).act]!()
