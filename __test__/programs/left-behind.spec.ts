/** FORGET-4 in every mode of `--unhandled-rejections`: dropped calls are absorbed, and nothing else is. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const program = fileURLToPath(new URL('left-behind.ts', import.meta.url))

function start(mode: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const flags = [`--unhandled-rejections=${mode}`, '--import=tsx', program, ...args]
  return spawnSync(process.execPath, flags, { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } })
}

for (const mode of ['throw', 'strict', 'warn', 'none']) {
  test(`R21: a dropped call leaves the process alone, with --unhandled-rejections=${mode}`, (t) => {
    const { status, stdout, stderr } = start(mode)
    t.is(status, 0, stderr)
    t.is(stdout, 'alive 0\n')
    t.regex(stderr, /STRUCTIO_LEFT_BEHIND/)
    t.notRegex(stderr, /UnhandledPromiseRejection/)
  })
}

for (const extra of ['ordinary', 'wrapping']) {
  for (const [mode, expected] of [
    ['throw', 1],
    ['strict', 1],
    ['warn', 0],
  ] as const) {
    test(`R22: an ${extra} error that is dropped ends the process as without the library, with ${mode}`, (t) => {
      const { status, stderr } = start(mode, extra)
      t.is(status, expected, stderr)
      t.regex(stderr, extra === 'ordinary' ? /of its own/ : /wraps/)
    })
  }
}
