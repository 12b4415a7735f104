/**
 * `npm run search -- rings|cancelling|forgetting|system-calls [--seconds 60] [--seed 1] [--backend native|node]
 * [--driver nested|thread]`: a search for faults by random programs, on every backend and driver unless one is named. What each does
 * is at the top of its program in `__test__/stress/programs/`, or in `lib/system-calls.js`. A short form of each is part of
 * `npm test` (`__test__/stress/searches.spec.ts`).
 */
import { must } from './lib/command.js'
import { searchSystemCalls } from './lib/system-calls.js'

const SEARCHES = ['rings', 'cancelling', 'forgetting', 'system-calls']
const PLACES = [
  ['native', 'nested'],
  ['native', 'thread'],
  ['node', 'nested'],
]

const [name, ...args] = process.argv.slice(2)
if (!SEARCHES.includes(name)) {
  console.error(`which search? ${SEARCHES.join(', ')}. For example: npm run search -- ${SEARCHES[0]} --seconds 60`)
  process.exit(2)
}
const given = (option) => args[args.indexOf(option) + 1]
const places = PLACES.filter(
  ([backend, driver]) =>
    (!args.includes('--backend') || given('--backend') === backend) &&
    (!args.includes('--driver') || given('--driver') === driver),
)
const rest = args.includes('--seconds') ? args : ['--seconds', '60', ...args]
try {
  if (name === 'system-calls') {
    const drivers = places.filter(([backend]) => backend === 'native').map(([, driver]) => driver)
    const number = (option, otherwise) => (args.includes(option) ? Number(given(option)) : otherwise)
    await searchSystemCalls({ seconds: number('--seconds', 60), seed: number('--seed', 1), drivers })
  } else {
    for (const [backend, driver] of places) {
      const program = `__test__/stress/programs/${name}.ts`
      await must(process.execPath, ['--import=tsx', program, ...rest, '--backend', backend, '--driver', driver])
    }
  }
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
