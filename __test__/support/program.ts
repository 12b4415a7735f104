/** A program in a process of its own, as its user starts it: real signals, real exit code. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface Program {
  /** Resolves with the first line of output that matches, also one that has been printed already. */
  line(pattern: RegExp): Promise<RegExpExecArray>
  signal(name: NodeJS.Signals): void
  /** Resolves when the process has ended and all of its output is here. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }>
}

/** Starts `node --import=tsx path …args` in the project's root; the test's end kills what is left of it. */
export function start(t: ExecutionContext, path: string, args: readonly string[] = []): Program {
  const child = spawn(process.execPath, ['--import=tsx', path, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))

  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))

  const lines: string[] = []
  const wanted = new Set<{ pattern: RegExp; found: (match: RegExpExecArray) => void }>()
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line)
    for (const want of wanted) {
      const match = want.pattern.exec(line)
      if (match !== null && wanted.delete(want)) want.found(match)
    }
  })

  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout,
    stderr,
  }))

  return {
    ended,
    line(pattern) {
      for (const line of lines) {
        const match = pattern.exec(line)
        if (match !== null) return Promise.resolve(match)
      }
      const found = new Promise<RegExpExecArray>((resolve) => wanted.add({ pattern, found: resolve }))
      const gone = ended.then(({ code, stdout: all, stderr: errors }): never => {
        throw new Error(`${path} ended with ${code} before it printed ${String(pattern)}:\n${all}${errors}`)
      })
      return Promise.race([found, gone])
    },
    signal: (name) => void child.kill(name),
  }
}
