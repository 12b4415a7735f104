/** Descriptor exhaustion in accept: the server waits, tries again, warns once, and goes on. */
import { spawn } from 'node:child_process'
import * as net from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import type { RunOptions } from '../../src/run.ts'
import { realBackends } from '../support/backends.ts'

const program = fileURLToPath(new URL('./out-of-descriptors.ts', import.meta.url))

const CLIENTS = 20

/**
 * Starts the program with few descriptors, but enough for a loader that reads modules in parallel; yields its lines.
 */
function start(
  t: ExecutionContext,
  options: RunOptions,
): { line: () => Promise<string>; release: () => void; code: Promise<number | null> } {
  const child = spawn(
    '/bin/sh',
    ['-c', 'ulimit -n 128; exec "$@"', 'sh', process.execPath, '--import=tsx', program, JSON.stringify(options)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    },
  )
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    line: async () => (await lines.next()).value as string,
    release: () => void child.kill('SIGUSR2'),
    code: new Promise((resolve) => child.once('close', resolve)),
  }
}

/** Asks the server for an answer; `undefined` where the server turned the client away. */
function ask(port: number, question: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(question))
    let answer = ''
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text))
    socket.on('error', () => resolve(undefined))
    socket.on('close', () => resolve(answer === question ? answer : undefined))
  })
}

for (const { label, options } of realBackends) {
  const isNode = options.backend === 'node'
  const what = isNode
    ? 'libuv turns clients away, and the server goes on'
    : 'accept waits, says so once and tries again'
  test(`out of descriptors, ${what} [${label}]`, async (t) => {
    const { line, release, code } = start(t, options)
    const port = Number((await line()).replace('listening ', ''))
    const early = Promise.all(Array.from({ length: CLIENTS }, () => ask(port, 'early\n')))
    if (isNode) await early
    else t.regex(await line(), /^warning STRUCTIO_ACCEPT_RETRY: TCP server 127\.0\.0\.1:\d+ .*EMFILE/)
    release()
    t.is(await line(), `released, retried ${!isNode}`)
    // Node itself may have closed a descriptor meanwhile: a client may have been served early.
    const served = (await early).filter((answer) => answer === 'early\n').length
    if (isNode) t.true(served < CLIENTS)
    else t.is(served, CLIENTS)
    t.is(await ask(port, 'stop\n'), 'stop\n')
    t.is(await line(), `served ${served + 1}`)
    t.is(await code, 0)
  })
}
