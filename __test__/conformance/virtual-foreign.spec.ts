/**
 * Simulated time beside promises that are not of this library: settled by another task, by nobody, or by work in the real world.
 * And what a stranger to the virtual world fell over.
 */
import { EventEmitter, once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import test from 'ava'
import {
  abandonOnCancel,
  connectTcp,
  createTaskGroup,
  createTcpServer,
  currentTime,
  failAfter,
  fromThread,
  gather,
  moveOnAfter,
  run,
  runAsyncFromThread,
  runInProcess,
  runInThread,
  type RunOptions,
  sleep,
  TimeoutError,
  UsageError,
} from '../../index.ts'
import { memoryStreamPair, VirtualNetwork, checkStream } from '../../src/testing/index.ts'

const VIRTUAL: RunOptions = { backend: 'virtual' }

test.serial('time goes on while a task waits for a promise that another task settles', async (t) => {
  const emitter = new EventEmitter()
  let memo: Promise<number> | undefined
  const shared = (): Promise<number> => (memo ??= (async () => (await sleep(40), currentTime()))())
  await run(async () => {
    let settle = (): void => {}
    const promise = new Promise<void>((resolve) => (settle = resolve))
    await createTaskGroup(async (tg) => {
      tg.spawn(async () => {
        await sleep(10)
        settle()
        await sleep(10)
        emitter.emit('ready')
      })
      await promise
      t.is(currentTime(), 10)
      await once(emitter, 'ready')
      t.is(currentTime(), 20)
    })
    t.deepEqual(await gather([shared, shared]), [60, 60])
  }, VIRTUAL)
})

test.serial('a time limit around a promise that nobody settles strikes', async (t) => {
  await run(async () => {
    await t.throwsAsync(
      failAfter(1000, () => abandonOnCancel(new Promise(() => {}))),
      { instanceOf: TimeoutError },
    )
    t.is(currentTime(), 1000)
  }, VIRTUAL)
})

test.serial('work in the real world holds time, whether it can be seen or not', async (t) => {
  await run(async () => {
    const work = [
      () => readFile(new URL(import.meta.url)),
      () => new Promise((resolve) => setTimeout(resolve, 15)),
      // Unseen: only what is said to be work of others is given the time for it.
      () => abandonOnCancel(promisify(gzip)(Buffer.alloc(100_000))),
    ]
    for (const foreign of work) {
      t.is(await moveOnAfter(3_600_000, async () => (await foreign(), 'done')), 'done')
    }
    t.is(currentTime(), 0)
    await checkStream(
      async () => {
        await readFile(new URL(import.meta.url))
        return memoryStreamPair()
      },
      { capacity: Infinity },
    )
  }, VIRTUAL)
})

test.serial('a time limit reaches a thread that computes, and no sooner than in real time', async (t) => {
  await run(async () => {
    const began = performance.now()
    const ended = await moveOnAfter(30, () =>
      runInThread(() => {
        for (;;) fromThread.checkCancelled()
      }),
    )
    t.is(ended, undefined)
    t.true(performance.now() - began >= 29)
  }, VIRTUAL)
})

test.serial('time jumps while a thread waits for a function of the host', async (t) => {
  await run(async () => {
    const began = performance.now()
    const expose = { nap: () => sleep(3_600_000) }
    await runInThread({ expose }, () => {
      runAsyncFromThread('nap')
    })
    t.true(currentTime() >= 3_600_000)
    t.true(performance.now() - began < 3_600_000)
  }, VIRTUAL)
})

test.serial('a time limit ends a function in a process of its own', async (t) => {
  await run(async () => {
    const ended = await moveOnAfter(30, () =>
      runInProcess(() => {
        for (;;);
      }),
    )
    t.is(ended, undefined)
  }, VIRTUAL)
})

test.serial('time never goes to a deadline that was called off', async (t) => {
  await run(async () => {
    await moveOnAfter(5000, () => sleep(1))
    await new Promise((resolve) => setTimeout(resolve, 10))
    await moveOnAfter(0, () => sleep(7000))
    t.is(currentTime(), 1)
  }, VIRTUAL)
})

test.serial('the handlers of a server run on its host, whoever serves it', async (t) => {
  const network = new VirtualNetwork()
  await run(
    () =>
      createTaskGroup(async (tg) => {
        const inner = await network.host('db').run(() => createTcpServer(1))
        const outer = await network.host('proxy').run(() => createTcpServer(2))
        tg.spawn(() =>
          outer.serve(async () => {
            await using _ = await connectTcp(network.host('db').addresses[0]!, 1)
          }),
        )
        await using client = await network.host('client').run(() => connectTcp('proxy', 2))
        await using behind = await inner.accept()
        t.true(network.host('proxy').addresses.includes(behind.remoteAddress.address))
        t.is((await client.receiveSome()).length, 0)
        await outer.close()
        await inner.close()
      }),
    { backend: 'virtual', backendOptions: { network } },
  )
})

test.serial('nothing opens on a host that is down, nor on one of another network', async (t) => {
  const network = new VirtualNetwork()
  const host = network.host('server')
  await run(
    async () => {
      host.crash()
      await t.throwsAsync(
        host.run(() => createTcpServer(1)),
        { code: 'ENETDOWN' },
      )
      const stranger = new VirtualNetwork().host('server')
      await t.throwsAsync(
        stranger.run(() => createTcpServer(1)),
        { instanceOf: UsageError, message: /another VirtualNetwork/ },
      )
    },
    { backend: 'virtual', backendOptions: { network } },
  )
})

test.serial('options of the virtual backend are refused by the others', async (t) => {
  for (const backend of [undefined, 'node', 'native'] as const) {
    await t.throwsAsync(
      run(() => {}, { backend, backendOptions: { seed: 1 } }),
      { instanceOf: UsageError, message: /backend: 'virtual'/ },
    )
  }
})
