import { spawn } from 'node:child_process'
import { root } from './project.js'

/**
 * Runs a command in the project's root and shows what it prints as it prints it. Standard input is closed: nothing here
 * asks a question, and a tool that would must fail instead of waiting.
 *
 * @returns {Promise<{ ok: boolean, output: string }>} `output` is the standard output, when `capture` is set.
 */
export function command(file, args, { capture = false, env = {}, cwd = root } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', capture ? 'pipe' : 'inherit', 'inherit'],
      // npm and npx are .cmd files on Windows, which only a shell can start.
      shell: process.platform === 'win32' && file === 'npm',
    })
    let output = ''
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      output += text
      process.stdout.write(text)
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ ok: code === 0, output }))
  })
}

/** The same, for steps that have nothing to count: a failure is an error that names the command. */
export async function must(file, args, options) {
  const { ok } = await command(file, args, options)
  if (!ok) throw new Error(`failed: ${[file === process.execPath ? 'node' : file, ...args].join(' ')}`)
}
