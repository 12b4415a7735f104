import { stripVTControlCharacters } from 'node:util'
import { command } from './command.js'
import { binOf } from './project.js'

/** Milliseconds of silence. They are longer than the time after which ava itself gives up on a test (`timeout` in `package.json`). */
const giveUpAfter = 7 * 60_000

/** Runs ava with the Node given, and counts: its closing lines are `12 tests passed`, or `1 test failed` alone. */
export async function ava(node, args, env = {}) {
  const { ok, output } = await command(node, [binOf('ava'), ...args], { capture: true, env, silence: giveUpAfter })
  const text = stripVTControlCharacters(output)
  const failed = Number(/^\s*(\d+) tests? failed/m.exec(text)?.[1] ?? 0)
  const passed = /^\s*(\d+) tests? passed/m.exec(text)?.[1] ?? text.match(/^\s*[✔√] /gm)?.length ?? 0
  // Rejections nobody handled, crashed files and time-outs fail the run without being a test.
  return { passed: Number(passed), failed: failed === 0 && !ok ? 1 : failed }
}
