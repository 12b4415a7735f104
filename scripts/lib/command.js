import { spawn } from 'node:child_process'
import { root } from './project.js'

/**
 * Runs a command in the project's root and shows what it prints as it prints it. Standard input is closed: nothing here
 * asks a question, and a tool that would must fail instead of waiting.
 *
 * `silence` gives the command a process group of its own, which ends with it, or when it has printed nothing for so many
 * milliseconds. A test runner that gives up on a file leaves the programs of that file running; they hold the pipe of
 * its output, and the runner itself waits for ever.
 *
 * @returns {Promise<{ ok: boolean, output: string }>} `output` is the standard output, when `capture` is set.
 */
export function command(file, args, { capture = false, env = {}, cwd = root, silence = null } = {}) {
  // Windows has no process groups, and a detached child would open a window there.
  const group = silence !== null && process.platform !== 'win32'
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', capture ? 'pipe' : 'inherit', 'inherit'],
      // npm and npx are .cmd files on Windows, which only a shell can start.
      shell: process.platform === 'win32' && file === 'npm',
      detached: group,
    })
    let output = ''
    const stillAlive = group ? endGroupWith(child, silence) : () => {}
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      stillAlive()
      output += text
      process.stdout.write(text)
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ ok: code === 0, output }))
  })
}

/**
 * Ends the process group of a child when the child ends or falls silent, and passes on the signals that a terminal sends
 * to ours. The function that it returns says that the child has printed something.
 */
function endGroupWith(child, silence) {
  const kill = (signal) => {
    try {
      process.kill(-child.pid, signal)
    } catch (error) {
      if (error.code !== 'ESRCH') throw error
    }
  }
  const passOn = (signal) => kill(signal)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, passOn)
  const limit = setTimeout(() => {
    console.error(`nothing was printed for ${silence / 60_000} minutes: given up`)
    kill('SIGKILL')
  }, silence)
  child.on('exit', () => {
    clearTimeout(limit)
    for (const signal of signals) process.off(signal, passOn)
    kill('SIGKILL')
  })
  return () => limit.refresh()
}

/** The same, for steps that have nothing to count: a failure is an error that names the command. */
export async function must(file, args, options) {
  const { ok } = await command(file, args, options)
  if (!ok) throw new Error(`failed: ${[file === process.execPath ? 'node' : file, ...args].join(' ')}`)
}
