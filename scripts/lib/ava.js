import { command } from './command.js'
import { binOf } from './project.js'

/** Runs ava with the Node given, and counts. Its last lines are `12 tests passed`, `1 test failed`, and the like. */
export async function ava(node, args) {
  const { ok, output } = await command(node, [binOf('ava'), ...args], { capture: true })
  const count = (pattern) => Number(pattern.exec(output)?.[1] ?? 0)
  const passed = count(/^\s*(\d+) tests? passed/m)
  const failed = count(/^\s*(\d+) tests? failed/m)
  // Rejections nobody handled, crashed files and time-outs fail the run without being a test.
  return { passed, failed: failed === 0 && !ok ? 1 : failed }
}
