/**
 * `npm test [-- ava arguments]`: installs, builds, type-checks, and runs the Rust and the JavaScript tests.
 * Arguments go to ava: `npm test -- __test__/architecture.spec.ts`.
 */
import { ava } from './lib/ava.js'
import { build } from './lib/build.js'
import { command, must } from './lib/command.js'
import { installPeers } from './lib/peers.js'
import { binOf } from './lib/project.js'
import { createReport } from './lib/report.js'

/** The models of what crosses threads, in every order that the threads can run in. */
const MODELS = ['test', '-p', 'structio-wakeups', '--target-dir', 'target/loom', '--test', 'loom']
const LOOM = { RUSTFLAGS: '--cfg loom' }

const { step, finish } = createReport('npm test')

if (await step('build', () => build())) {
  await step('types (tsc)', () => must(process.execPath, [binOf('typescript', 'tsc'), '-p', 'tsconfig.json']))
  await step('Rust tests (cargo test --workspace)', () => rustTests(['test', '--workspace']))
  await step('Rust models (loom)', () => rustTests(MODELS, LOOM))
  await step('programs that the interop tests talk to', installPeers)
  await step('JavaScript tests (ava)', () => ava(process.execPath, process.argv.slice(2)))
}
finish()

async function rustTests(args, env) {
  const { ok, output } = await command('cargo', args, { capture: true, env })
  let passed = 0
  let failed = 0
  for (const [, good, bad] of output.matchAll(/^test result: .*?(\d+) passed; (\d+) failed/gm)) {
    passed += Number(good)
    failed += Number(bad)
  }
  // A test program that does not compile or crashes prints no result.
  return { passed, failed: failed === 0 && !ok ? 1 : failed }
}
