/**
 * `npm start [-- arguments]`: installs, builds, and does the main job (`scripts/main-job.ts`).
 *
 * The main job decides what Ctrl+C means, so it has to get it exactly once. A terminal signals its whole foreground
 * group, and npm passes the same signal on once more: left alone, one key press arrives as two signals, and the second
 * is the one that kills. So the job gets a process group of its own, and this process is the only one to signal it.
 * (The `exec` in package.json's script is for the same reason: the shell between npm and here would die of the signal,
 * and npm would report its death instead of the job's exit code.)
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { inRoot, root } from './lib/project.js'
import { buildQuietly } from './lib/quiet-build.js'

/** Copies of one key press arrive within a few milliseconds; nobody presses twice in this time. */
const SAME_SIGNAL_MS = 150

try {
  await buildQuietly()
} catch (error) {
  console.error(error.message)
  process.exit(1)
}

const job = spawn(process.execPath, ['--import=tsx', inRoot('scripts', 'main-job.ts'), ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  detached: process.platform !== 'win32',
})

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  let last = -Infinity
  process.on(signal, () => {
    const now = performance.now()
    if (now - last > SAME_SIGNAL_MS) job.kill(signal)
    last = now
  })
}

job.on('exit', (code, signal) => {
  // 128 + n is what a shell reports for a child that a signal ended.
  process.exitCode = signal === null ? code : 128 + constants.signals[signal]
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name)
})
