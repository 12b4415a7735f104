/**
 * The programs that can serve, and how each is started. Peers in other languages are not dependencies of this project:
 * each is looked for in `bench/.peers` (method.md says how to put it there) and on the PATH, and says what is missing
 * where it is not found.
 */
import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

import { certificates } from '../harness/certificates.ts'
import { inBench, inTarget } from '../harness/paths.ts'
import type { Program } from '../harness/server.ts'

const run = promisify(execFile)

export interface StructioOptions {
  readonly backend: 'native' | 'node'
  readonly driver?: 'nested' | 'thread'
  /** Another build of the library, to compare two of them. */
  readonly entry?: string | undefined
  /** Every work under TLS, with the certificate of this run. */
  readonly tls?: boolean
  /** Where handshakes are done. */
  readonly handshakes?: 'reactor' | 'pool'
}

export function structio({ backend, driver, entry, handshakes, tls = false }: StructioOptions): Program {
  const flags = Object.entries({ backend, driver, entry, handshakes }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  )
  return {
    name: ['structio', backend, driver].filter(Boolean).join(' '),
    command: async (works) =>
      nodeCommand('structio.mjs', [...flags, ...(tls ? await certificatesFlag() : []), ...workFlag(works)]),
  }
}

export const nodeNet: Program = {
  name: 'node:net',
  command: (works) => nodeCommand('node-net.mjs', workFlag(works)),
}

export const nodeHttp: Program = {
  name: 'node:http',
  command: (works) => nodeCommand('node-http.mjs', workFlag(works)),
}

/** Its CPU time is not seen: it is that of other processes. */
export function structioCluster(workers: number): Program {
  return {
    name: `structio, ${workers} processes`,
    command: (works) => nodeCommand('structio-cluster.mjs', ['--workers', String(workers), ...workFlag(works)]),
  }
}

export const nodeDgram: Program = {
  name: 'node:dgram',
  command: (works) => nodeCommand('node-dgram.mjs', workFlag(works)),
}

export const nodeTls: Program = {
  name: 'node:tls',
  command: async (works) => nodeCommand('node-tls.mjs', [...(await certificatesFlag()), ...workFlag(works)]),
}

/** Raw tokio with tokio-rustls: the library that lies under the native backend, without JavaScript. */
export const tokioTls: Program = {
  name: 'raw tokio, rustls',
  command: async (works) => ({
    file: inTarget('structio-tokio-peer'),
    args: [...(await certificatesFlag()), ...workFlag(works)],
  }),
}

export const tokio: Program = {
  name: 'raw tokio',
  command: (works) => ({ file: inTarget('structio-tokio-peer'), args: workFlag(works) }),
}

export const go: Program = {
  name: 'Go net',
  async command(works) {
    const compiler = onPath('go')
    if (compiler === undefined) return { missing: 'no go on the PATH' }
    const binary = inTarget('structio-go-peer')
    await run(compiler, ['build', '-o', binary, inBench('servers', 'peers', 'go_net.go')])
    return { file: binary, args: workFlag(works) }
  },
}

export const bun: Program = {
  name: 'Bun',
  command(works) {
    const file = found(inPeers('node_modules', '@oven', `bun-${platform()}`, 'bin', 'bun')) ?? onPath('bun')
    if (file === undefined) return { missing: 'no bun in bench/.peers or on the PATH' }
    return { file, args: ['run', inBench('servers', 'peers', 'bun.mjs'), ...workFlag(works)] }
  },
}

export const deno: Program = {
  name: 'Deno',
  command(works) {
    const file = found(inPeers('node_modules', '@deno', `${platform()}-glibc`, 'deno')) ?? onPath('deno')
    if (file === undefined) return { missing: 'no deno in bench/.peers or on the PATH' }
    return { file, args: ['run', '--allow-net', inBench('servers', 'peers', 'deno.mjs'), ...workFlag(works)] }
  },
}

export const anyio: Program = {
  name: 'AnyIO + uvloop',
  async command(works) {
    const file = found(inPeers('venv', 'bin', 'python')) ?? onPath('python3')
    if (file === undefined) return { missing: 'no Python in bench/.peers/venv or on the PATH' }
    try {
      await run(file, ['-c', 'import anyio, uvloop'])
    } catch {
      return { missing: `${file} has no anyio and uvloop` }
    }
    return { file, args: [inBench('servers', 'peers', 'anyio_uvloop.py'), ...workFlag(works)] }
  },
}

function nodeCommand(script: string, args: readonly string[]) {
  return { file: process.execPath, args: [inBench('servers', script), ...args] }
}

function workFlag(works: readonly string[]): string[] {
  return ['--work', works.join(',')]
}

async function certificatesFlag(): Promise<string[]> {
  return ['--certificates', await certificates()]
}

function inPeers(...parts: string[]): string {
  return inBench('.peers', ...parts)
}

function platform(): string {
  return `${process.platform}-${process.arch}`
}

function found(file: string): string | undefined {
  return existsSync(file) ? file : undefined
}

function onPath(name: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(folder, name)
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {
      // Not here: the next folder.
    }
  }
  return undefined
}
