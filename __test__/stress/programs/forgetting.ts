/**
 * The search for what forgetful programs break: scopes, groups and tasks in which calls are dropped, cancellations are swallowed,
 * races leave losers over, and foreign promises settle late or never. Random programs are played against the library and a model
 * of it (`__test__/support/forgetting/`), which must agree on every outcome and on the order in which things end.
 *
 *     node --import=tsx __test__/stress/programs/forgetting.ts [--seconds 10 | --rounds 1000] [--seed 1] [--path 1:2] [--backend native] [--driver nested]
 *
 * Prints how many programs it played, or the smallest program with a finding, its seed and its path.
 */
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { play } from '../../support/forgetting/play.ts'
import { programs } from '../../support/forgetting/programs.ts'
import type { RunOptions } from '../../../index.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '0' },
    rounds: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    backend: { type: 'string', default: 'native' },
    driver: { type: 'string', default: 'nested' },
    path: { type: 'string' },
  },
})
const options: RunOptions =
  values.backend === 'native'
    ? { backend: 'native', backendOptions: { driver: values.driver as 'nested' } }
    : { backend: 'node' }
// Such programs are full of what the library warns about.
process.removeAllListeners('warning')

let played = 0
const property = fc.asyncProperty(programs, async (program) => {
  played++
  const finding = await play(program, options)
  if (finding !== undefined) throw new Error(finding)
})
const rounds = Number(values.rounds)
const { failed, counterexample, errorInstance, counterexamplePath, numRuns } = await fc.check(property, {
  seed: Number(values.seed),
  path: values.path ?? '',
  markInterruptAsFailure: false,
  ...(rounds > 0 ? { numRuns: rounds } : { numRuns: 1e9, interruptAfterTimeLimit: Number(values.seconds) * 1000 }),
})
if (failed) {
  const again = `--seed ${values.seed} --path ${counterexamplePath}`
  console.log(
    `after ${numRuns} programs (${values.backend}, ${values.driver}): ${(errorInstance as Error).message} (${again})`,
  )
  console.log(JSON.stringify(counterexample?.[0]))
  process.exit(1)
}
console.log(`${played} programs (${values.backend}, ${values.driver}): nothing found`)
process.exit(0)
