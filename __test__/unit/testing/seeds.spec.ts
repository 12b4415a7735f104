/** `forEachSeed`: every seed, until one fails, and that one again. */
import test from 'ava'
import { forEachSeed } from '../../../src/testing/index.ts'
import { rejection } from '../../support/rejection.ts'

test.serial('each seed is run once, in order, one after another', async (t) => {
  const log: string[] = []
  await forEachSeed(3, async (seed) => {
    log.push(`begin ${seed}`)
    await null
    log.push(`end ${seed}`)
  })
  t.deepEqual(log, ['begin 0', 'end 0', 'begin 1', 'end 1', 'begin 2', 'end 2'])
  const seen: number[] = []
  await forEachSeed([7, -3, 7], async (seed) => seen.push(seed))
  t.deepEqual(seen, [7, -3, 7])
})

test.serial('the first that fails is named, with its error as the cause, and is the last', async (t) => {
  const seen: number[] = []
  const failure = new RangeError('too much')
  const error = (await rejection(
    forEachSeed(10, async (seed) => {
      seen.push(seed)
      if (seed === 4) throw failure
    }),
  )) as Error
  t.deepEqual(seen, [0, 1, 2, 3, 4])
  t.is(error.cause, failure)
  t.is(error.message, 'seed 4 failed (STRUCTIO_SEED=4 in the environment runs it alone): RangeError: too much')
})

test.serial('STRUCTIO_SEED runs that seed alone', async (t) => {
  const before = process.env.STRUCTIO_SEED
  try {
    process.env.STRUCTIO_SEED = '4711'
    const seen: number[] = []
    await forEachSeed(10, async (seed) => seen.push(seed))
    t.deepEqual(seen, [4711])
    process.env.STRUCTIO_SEED = 'many'
    await t.throwsAsync(
      forEachSeed(10, async () => {}),
      { instanceOf: RangeError, message: /STRUCTIO_SEED/ },
    )
  } finally {
    if (before === undefined) delete process.env.STRUCTIO_SEED
    else process.env.STRUCTIO_SEED = before
  }
})

test.serial('no seeds, and what is no seed, are refused', async (t) => {
  const never = async (): Promise<void> => t.fail('ran')
  for (const seeds of [0, -1, 1.5, [], [1, 0.5]]) {
    await t.throwsAsync(forEachSeed(seeds, never), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
  }
  for (const seeds of ['3', undefined, ['3']]) {
    await t.throwsAsync(forEachSeed(seeds as never, never), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
  }
  await t.throwsAsync(forEachSeed(1, 5 as never), { instanceOf: TypeError })
})

test.serial('a body that does not return its run is told to', async (t) => {
  await t.throwsAsync(forEachSeed(1, (() => {}) as never), {
    message: /has to be a promise: return the run|must be a promise/,
  })
})
