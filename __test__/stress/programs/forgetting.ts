/**
 * Searches for faults that forgetful programs reveal: they drop calls, swallow cancellations, leave losers of races
 * running, and wait for foreign promises that settle late or never. The library and a model of it
 * (`__test__/support/forgetting/`) run the same random programs, and must agree on every outcome and on the order of
 * ends.
 *
 *     node --import=tsx __test__/stress/programs/forgetting.ts [--seconds 10 | --rounds 1000]
 *       [--seed 1] [--path 1:2] [--backend native] [--driver nested]
 *
 * Prints how many programs it ran, or the smallest program with a finding, its seed and its path.
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
// The library warns about most of what these programs do.
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
