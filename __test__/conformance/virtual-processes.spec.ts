/** Real child processes in simulated time: while one runs, time does not jump, and does not stand still. */
import test from 'ava'
import { currentTime, moveOnAfter, openProcess, runProcess, sleep } from '../../index.ts'
import { virtualWorld } from '../support/virtual.ts'

test('while a process runs time does not jump; when none runs any more it does', async (t) => {
  const world = virtualWorld()
  await world.run(async () => {
    const begun = currentTime()
    await runProcess('sleep 0.1')
    // Nothing lay ahead.
    t.is(currentTime(), begun)
    await sleep(3_600_000)
    t.is(currentTime(), begun + 3_600_000)
  })
})

test('a timeout that is to end a process comes, and no sooner than in real time', async (t) => {
  const world = virtualWorld()
  await world.run(async () => {
    const begun = currentTime()
    const real = performance.now()
    t.is(await moveOnAfter(60, () => runProcess(['sleep', '600'])), undefined)
    t.is(currentTime(), begun + 60)
    t.true(performance.now() - real >= 59)
  })
})

test('of two deadlines beside a process each has its time', async (t) => {
  const world = virtualWorld()
  await world.run(() =>
    openProcess(['sleep', '600'], async (process) => {
      const begun = currentTime()
      await sleep(20)
      t.is(currentTime(), begun + 20)
      await sleep(30)
      t.is(currentTime(), begun + 50)
      process.kill()
      await process.wait()
      await sleep(1_000_000)
      t.is(currentTime(), begun + 1_000_050)
    }),
  )
})
