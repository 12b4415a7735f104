/**
 * `npm run search -- rings|cancelling|forgetting|system-calls [--seconds 60] [--seed 1] [--backend native|node]
 * [--driver nested|thread]`: a search for faults by random programs, on every backend and driver unless one is named. What each does
 * is at the top of its program in `__test__/stress/programs/`, or in `lib/system-calls.js`. A short form of each is part of
 * `npm test` (`__test__/stress/searches.spec.ts`).
 *
 * `npm run search -- miri|address|thread|fuzz [--seconds 60] [--seed 1] [--only target]`: a search in the Rust half by a tool of the
 * nightly toolchain (`scripts/lib/rust-searches.js`).
 */
import { parseArgs } from 'node:util'
import { must } from './lib/command.js'
import { RUST_SEARCHES } from './lib/rust-searches.js'
import { searchSystemCalls } from './lib/system-calls.js'

const SEARCHES = ['rings', 'cancelling', 'forgetting', 'system-calls']
const PLACES = [
  ['native', 'nested'],
  ['native', 'thread'],
  ['node', 'nested'],
]

const [name, ...args] = process.argv.slice(2)
const names = [...SEARCHES, ...Object.keys(RUST_SEARCHES)]
if (!names.includes(name)) {
  console.error(`which search? ${names.join(', ')}. For example: npm run search -- ${names[0]} --seconds 60`)
  process.exit(2)
}
try {
  await (Object.hasOwn(RUST_SEARCHES, name) ? searchRust() : searchPrograms())
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}

async function searchRust() {
  const option = { type: 'string' }
  const { values } = parseArgs({ args, options: { seconds: option, seed: option, only: option } })
  await RUST_SEARCHES[name](values)
}

async function searchPrograms() {
  const given = (option) => args[args.indexOf(option) + 1]
  const places = PLACES.filter(
    ([backend, driver]) =>
      (!args.includes('--backend') || given('--backend') === backend) &&
      (!args.includes('--driver') || given('--driver') === driver),
  )
  if (name === 'system-calls') {
    const drivers = places.filter(([backend]) => backend === 'native').map(([, driver]) => driver)
    const number = (option, otherwise) => (args.includes(option) ? Number(given(option)) : otherwise)
    await searchSystemCalls({ seconds: number('--seconds', 60), seed: number('--seed', 1), drivers })
    return
  }
  const rest = args.includes('--seconds') ? args : ['--seconds', '60', ...args]
  for (const [backend, driver] of places) {
    const program = `__test__/stress/programs/${name}.ts`
    await must(process.execPath, ['--import=tsx', program, ...rest, '--backend', backend, '--driver', driver])
  }
}
