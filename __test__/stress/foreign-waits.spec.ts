/** A million waits on one foreign promise, and a million scopes on one foreign signal: the memory stays flat. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'

const program = fileURLToPath(new URL('./programs/foreign-waits.mjs', import.meta.url))

/** Bytes that a settled wait may leave: not even one object. */
const MOST = 24

for (const backend of ['native', 'node']) {
  test(`FORGET-8: a settled wait keeps at most ${MOST} bytes, and warns of nothing [${backend}]`, async (t) => {
    // The program uses the built package, as its users do: the loader of the tests would count.
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--expose-gc', program, backend], {
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    const kept = JSON.parse(stdout) as { promise: number; signal: number }
    t.true(kept.promise <= MOST, `${kept.promise} bytes a wait on a promise`)
    t.true(kept.signal <= MOST, `${kept.signal} bytes a scope on a signal`)
    t.is(stderr, '')
  })
}
