/**
 * `npm start` and Ctrl+C. The script is the real one, in a folder of its own. Building is skipped there, and a fake
 * main job counts the signals it gets.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'

const root = fileURLToPath(new URL('../../', import.meta.url))

const MAIN_JOB = `
let signals: number = 0
for (const name of ['SIGINT', 'SIGTERM']) {
  process.on(name, () => {
    console.log(name)
    // These turns let copies of the signal arrive, which other processes would send by now.
    if (++signals === 1) setTimeout(() => process.exit(40 + signals), 600)
  })
}
console.log('ready', ...process.argv.slice(2))
setInterval(() => {}, 1000)
`

/** Runs `npm start -- one two` and calls `act` when the job is ready; returns the later output, and npm's exit code. */
async function startAnd(t: ExecutionContext, act: (npm: number) => void): Promise<{ lines: string[]; code: unknown }> {
  const folder = mkdtempSync(join(tmpdir(), 'structio-start-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'scripts', 'lib'), { recursive: true })
  for (const path of ['package.json', 'scripts/start.js', 'scripts/lib/project.js', 'scripts/lib/quiet-build.js'])
    cpSync(root + path, join(folder, path))
  writeFileSync(join(folder, 'scripts/build.js'), '')
  writeFileSync(join(folder, 'scripts/main-job.ts'), MAIN_JOB)
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))

  // Detached: a process group of its own, as a terminal's foreground job is.
  const npm = spawn('npm', ['start', '--silent', '--', 'one', 'two'], { cwd: folder, detached: true, stdio: 'pipe' })
  t.teardown(() => npm.kill('SIGKILL'))
  const ended = once(npm, 'close')
  const lines: string[] = []
  createInterface(npm.stdout).on('line', (line) => {
    if (!/^(Installing|Built|$)/.test(line)) lines.push(line)
    if (line.startsWith('ready')) act(npm.pid as number)
  })
  const [code] = (await ended) as [unknown]
  return { lines, code }
}

test('Ctrl+C signals the process group: the main job gets it once, and its exit code is that of npm', async (t) => {
  const result = await startAnd(t, (npm) => process.kill(-npm, 'SIGINT'))
  t.deepEqual(result, { lines: ['ready one two', 'SIGINT'], code: 41 })
})

test('a signal to npm alone reaches the main job once', async (t) => {
  const result = await startAnd(t, (npm) => process.kill(npm, 'SIGTERM'))
  t.deepEqual(result, { lines: ['ready one two', 'SIGTERM'], code: 41 })
})
