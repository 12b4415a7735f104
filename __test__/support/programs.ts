/**
 * Servers and clients that nobody here wrote, run by a test for itself: on a free port of the loopback interface, in a folder
 * of its own, gone when the test is.
 */
import { type ChildProcess, execFileSync, spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import * as net from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test from 'ava'

// What installs the programs knows where to find them. It is plain JavaScript, because it runs before anything is built.
const { findProgram } = (await import(new URL('../../scripts/lib/peers.js', import.meta.url).href)) as {
  findProgram(name: string): string | undefined
}

/**
 * The tests of a spec, where the program is installed. Elsewhere they are skipped, which the report says; in CI a missing
 * program is a failure.
 */
export function where(program: string, tests: (path: string) => void): void {
  const path = findProgram(program)
  if (path !== undefined) tests(path)
  else if (process.env.CI === 'true') test(`${program} is installed`, (t) => t.fail('it is not'))
  else test.skip(`${program} is not installed here: no tests against it`, () => {})
}

/** Whose end removes what was started: a test, or what the tests of a file share (`Shared`). */
export interface Owner {
  teardown(remove: () => void): void
}

/** What several tests of a file use: `test.after.always(() => shared.end())`. */
export class Shared implements Owner {
  readonly #removals: (() => void)[] = []

  teardown(remove: () => void): void {
    this.#removals.push(remove)
  }

  end(): void {
    for (const remove of this.#removals.splice(0).reverse()) remove()
  }
}

/** An account that a server may be run as; servers refuse root. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/** The account of that name, if this process may become it; else nothing, which means to stay who one is. */
export function account(name: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string): number => Number(execFileSync('id', [flag, name]).toString())
  return { uid: id('-u'), gid: id('-g') }
}

/** A folder that the owner's end removes. */
export function folder(t: Owner, owner?: Account): string {
  const path = mkdtempSync(join(tmpdir(), 'structio-test-'))
  chmodSync(path, 0o755)
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid)
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A file in a folder, for a program that takes no other form. Only its owner may read it: keys are kept so. */
export function file(where: string, name: string, content: string, owner?: Account): string {
  const path = join(where, name)
  writeFileSync(path, content, { mode: 0o600 })
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid)
  return path
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Resolves when the file says so: programs that run in the background tell it nowhere else. */
export async function fileSays(path: string, pattern: RegExp, writer: Running): Promise<void> {
  const says = (): boolean => existsSync(path) && pattern.test(readFileSync(path, 'utf8'))
  const watcher = watch(dirname(path))
  try {
    while (!says()) {
      if (writer.ended) throw new Error(`ended before ${path} said ${String(pattern)}:\n${writer.output}`)
      await Promise.race([once(watcher, 'change'), writer.done()])
    }
  } finally {
    watcher.close()
  }
}

/** A program under way. */
export class Running {
  readonly #child: ChildProcess
  #output = ''
  #errors = ''
  #printed = ''
  readonly #waiting = new Set<() => void>()
  ended = false
  /** Its exit code, once it has ended. */
  code: number | null = null

  constructor(t: Owner, path: string, args: readonly string[], options: SpawnOptions = {}) {
    const child = spawn(path, args, { ...options, stdio: 'pipe' })
    this.#child = child
    const hear = (text: string): void => {
      this.#output += text
      this.#wake()
    }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#printed += text
      hear(text)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text
      hear(text)
    })
    child.stdin.on('error', () => {})
    child.on('error', (error) => hear(String(error)))
    child.on('close', (code) => {
      this.ended = true
      this.code = code
      this.#wake()
    })
    t.teardown(() => child.kill('SIGKILL'))
  }

  /** All it has printed, on either stream. */
  get output(): string {
    return this.#output
  }

  /** What it has printed on stdout. */
  get printedOnly(): string {
    return this.#printed
  }

  /** What it has printed on stderr. */
  get errors(): string {
    return this.#errors
  }

  write(text: string): void {
    this.#child.stdin!.write(text)
  }

  /** The end of its input. */
  end(): void {
    this.#child.stdin!.end()
  }

  /** Resolves with what matches in its output. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#output)
      if (match !== null) return match
      if (this.ended) throw new Error(`ended before it printed ${String(pattern)}:\n${this.#output}`)
      await this.#change()
    }
  }

  /** Resolves with all it has printed. */
  async done(): Promise<string> {
    while (!this.ended) await this.#change()
    return this.#output
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve))
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.ended) this.#child.kill(signal)
    await this.done()
  }
}
