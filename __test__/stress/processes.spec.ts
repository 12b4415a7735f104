/** Hundreds of child processes, most of them ended in the middle: none leaves anything behind. */
import test from 'ava'
import {
  checkpoint,
  createTaskGroup,
  mapConcurrent,
  moveOnAfter,
  openProcess,
  runProcess,
  sleepForever,
} from '../../index.ts'
import { eachBackend } from '../support/backends.ts'
import { children, descriptors, exists } from '../support/processes.ts'

eachBackend(test, 'of 200 processes that are ended at any moment nothing is left', async (t, backend) => {
  const pids: number[] = []
  const others = children()
  let before = 0
  await backend.run(async () => {
    await runProcess(['true'])
    before = descriptors()
    await mapConcurrent(
      Array.from({ length: 200 }, (_, index) => index),
      async (index) => {
        await createTaskGroup(async (tg) => {
          tg.spawn(() =>
            openProcess('cat > /dev/null; exec sleep 600', { killAfter: 1000 }, async (process) => {
              pids.push(process.pid)
              if (index % 3 === 0) await process.stdin.sendAll(Buffer.alloc(200_000))
              if (index % 5 === 0) process.kill()
              if (index % 7 === 0) await process.stdout.receiveSome()
              await sleepForever()
            }),
          )
          for (let i = 0; i < index % 11; i++) await checkpoint()
          tg.cancelScope.cancel()
        })
      },
      { limit: 20 },
    )
  })
  t.true(pids.length > 100)
  t.deepEqual(pids.filter(exists), [])
  t.deepEqual(children(), others)
  t.is(descriptors(), before)
})

eachBackend(test, 'of 300 that come to their end nothing is left, nor lost', async (t, backend) => {
  const others = children()
  await backend.run(async () => {
    await runProcess(['true'])
    const before = descriptors()
    const codes = await mapConcurrent(
      Array.from({ length: 300 }, (_, index) => index),
      async (index) => (await runProcess(`echo ${index}; exit ${index % 200}`, { check: false })).returncode,
      { limit: 16 },
    )
    t.deepEqual(
      codes,
      Array.from({ length: 300 }, (_, index) => index % 200),
    )
    // Where the pool reports a child's end, its last descriptor closes a moment later.
    for (let i = 0; descriptors() > before && i < 1000; i++) await moveOnAfter(1, () => sleepForever())
    t.is(descriptors(), before)
  })
  t.deepEqual(children(), others)
})
