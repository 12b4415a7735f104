/** Short runs of the searches by random programs; `npm run search` runs them longer. */
import test from 'ava'
import { getAvailableBackends } from '../../src/run.ts'
import { script } from '../support/packages.ts'
import { start } from '../support/program.ts'

const { buildMisbehaving, checkHarmless } = await script('system-calls.js')

const places = [
  ['native', 'nested'],
  ['native', 'thread'],
  ['node', 'nested'],
].filter(([backend]) => getAvailableBackends().includes(backend!))

/** Forgetful programs run on every backend: the kernel is the same, the turns that drivers begin are not. */
const PROGRAMS: Record<string, string> = { 'native, nested': '5000', 'native, thread': '2500', 'node, nested': '2500' }

/** A new seed for each test run; a finding names its seed. */
const seed = String(Math.floor(Math.random() * 1e9))

for (const [backend, driver] of places as [string, string][]) {
  const place = ['--seed', seed, '--backend', backend, '--driver', driver]

  test.serial(`random scripts over tiny rings keep every byte in order [${backend}, ${driver}]`, async (t) => {
    const program = start(t, '__test__/stress/programs/rings.ts', ['--scripts', '150', ...place])
    const { code, stdout, stderr } = await program.ended
    t.is(code, 0, stdout + stderr)
    t.regex(stdout, /^150 scripts.*nothing found/)
  })

  test.serial(`operations cancelled at random moments leave nothing behind [${backend}, ${driver}]`, async (t) => {
    const program = start(t, '__test__/stress/programs/cancelling.ts', ['--rounds', '2000', ...place])
    const { code, stdout, stderr } = await program.ended
    t.is(code, 0, stdout + stderr)
    t.regex(stdout, /^2000 operations.*nothing left/)
  })

  test.serial(`forgetful programs end as the model of the scope tree predicts [${backend}, ${driver}]`, async (t) => {
    const program = start(t, '__test__/stress/programs/forgetting.ts', [
      '--rounds',
      PROGRAMS[`${backend}, ${driver}`]!,
      ...place,
    ])
    const { code, stdout, stderr } = await program.ended
    t.is(code, 0, stdout + stderr)
    t.regex(stdout, /^\d+ programs.*nothing found/)
  })
}

if (getAvailableBackends().includes('native') && process.platform === 'linux') {
  // An unoptimised build, which shares its dependencies with the Rust tests.
  test.before(buildMisbehaving)

  for (const driver of ['nested', 'thread']) {
    test.serial(`system calls that fail at random lose and leave nothing [native, ${driver}]`, async (t) => {
      const place = ['--seed', seed, '--driver', driver]
      const program = start(t, '__test__/stress/programs/failing.ts', ['--rounds', '10', ...place])
      const { code, stdout, stderr } = await program.ended
      t.is(code, 0, stdout + stderr)
      t.regex(stdout, /nothing lost, nothing left \(.*E(CONNRESET|NOBUFS|MFILE|NFILE)/)
    })
  }

  test.serial('calls that are short, interrupted or refused once more change nothing', async (t) => {
    const { passed, failed } = await checkHarmless(Number(seed), 'short')
    t.is(failed, 0, `seed ${seed}`)
    t.true(passed > 20)
  })
}
