/**
 * The output of Node for an uncaught `ExceptionGroup`: first the failures and their places, then the library's frames.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const program = fileURLToPath(new URL('uncaught-group.ts', import.meta.url))

test('R54: an uncaught group prints its leaves, with the lines of the program, before any frame of the kernel', (t) => {
  const env = { ...process.env, NODE_OPTIONS: '', FORCE_COLOR: '0' }
  const { status, stderr } = spawnSync(process.execPath, ['--import=tsx', program], { encoding: 'utf8', env })
  t.is(status, 1, stderr)
  const lines = stderr.split('\n')
  const at = (pattern: RegExp): number => {
    const found = lines.findIndex((line) => pattern.test(line))
    t.not(found, -1, `${pattern} in ${stderr}`)
    return found
  }
  const group = at(/^ExceptionGroup: 2 errors/)
  const refused = at(/^ {2}1\) Error: connect ECONNREFUSED/)
  const kernel = at(/^\s+at .*src\/kernel\//)
  t.is(refused, group + 1)
  t.true(at(/at connect \(.*uncaught-group\.ts:/) < kernel)
  const cutOff = at(/^ {2}2\) RangeError: the look-up was cut off/)
  t.regex(lines[cutOff + 1]!, /^\s+at lookUp \(.*uncaught-group\.ts:/)
  t.true(cutOff < at(/^ {4}at TaskGroup\./))
})
