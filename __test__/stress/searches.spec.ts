/** The short forms of the searches by random programs (`npm run search` has the long ones). */
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

/** Forgetful programs: the kernel is the same everywhere, the turns that its drivers begin are not. */
const PROGRAMS: Record<string, string> = { 'native, nested': '5000', 'native, thread': '2500', 'node, nested': '2500' }

/** Another seed for each run of the tests: a finding names its own. */
const seed = String(Math.floor(Math.random() * 1e9))

for (const [backend, driver] of places as [string, string][]) {
  const place = ['--seed', seed, '--backend', backend, '--driver', driver]

  test.serial(`random scripts over tiny rings lose, change and reorder no byte [${backend}, ${driver}]`, async (t) => {
    const program = start(t, '__test__/stress/programs/rings.ts', ['--scripts', '150', ...place])
    const { code, stdout, stderr } = await program.ended
    t.is(code, 0, stdout + stderr)
    t.regex(stdout, /^150 scripts.*nothing found/)
  })

  test.serial(`operations cancelled at random moments leave nothing [${backend}, ${driver}]`, async (t) => {
    const program = start(t, '__test__/stress/programs/cancelling.ts', ['--rounds', '2000', ...place])
    const { code, stdout, stderr } = await program.ended
    t.is(code, 0, stdout + stderr)
    t.regex(stdout, /^2000 operations.*nothing left/)
  })

  test.serial(`forgetful programs end as the model of the scope tree says [${backend}, ${driver}]`, async (t) => {
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
  // A build without optimisation of what the Rust tests are made of, too.
  test.before(buildMisbehaving)

  for (const driver of ['nested', 'thread']) {
    test.serial(`system calls that fail at random lose nothing and leave nothing [native, ${driver}]`, async (t) => {
      const place = ['--seed', seed, '--driver', driver]
      const program = start(t, '__test__/stress/programs/failing.ts', ['--rounds', '10', ...place])
      const { code, stdout, stderr } = await program.ended
      t.is(code, 0, stdout + stderr)
      t.regex(stdout, /nothing lost, nothing left \(.*E(CONNRESET|NOBUFS|MFILE|NFILE)/)
    })
  }

  test.serial('calls that come short, are interrupted or refuse once more change nothing', async (t) => {
    const { passed, failed } = await checkHarmless(Number(seed), 'short')
    t.is(failed, 0, `seed ${seed}`)
    t.true(passed > 20)
  })
}
