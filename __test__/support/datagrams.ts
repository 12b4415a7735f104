/**
 * UDP and UNIX sockets on every backend that has them, and the other side: node:dgram, node:net and Python, none of which
 * knows of what is tested.
 */
import { spawn } from 'node:child_process'
import * as dgram from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ExecutionContext, TestFn } from 'ava'
import { type BackendTest, eachBackend, testBackends } from './backends.ts'
import { nextTurn, openSockets } from './net.ts'

/** Which backends have what. One that has not is asked for the `UnsupportedError` that says so, in `without`. */
const HAVE = {
  udp: ['node', 'native', 'virtual'],
  unix: ['node', 'native', 'virtual'],
  /** Peers of this process or another one: not on a simulated network. */
  udpPeers: ['node', 'native'],
  unixPeers: ['node', 'native'],
  unixDatagrams: ['native', 'virtual'],
  descriptors: ['native'],
  /** Waiting for descriptors. */
  waits: ['native'],
  /** Abstract names, and paths that are no UTF-8. */
  anyPath: ['native', 'virtual'],
  /** Every option that the system has. */
  allOptions: ['native'],
}

export type Feature = keyof typeof HAVE

/** `eachBackend`, for those that have all of these; and no socket is left open. */
export function eachBackendWith(
  features: Feature | readonly Feature[],
  test: TestFn,
  title: string,
  body: BackendTest,
): void {
  const needed: readonly Feature[] = [features].flat()
  restricted(test, title, body, (name) => needed.every((feature) => HAVE[feature].includes(name)))
}

/** The same for those that have the first and lack the second. */
export function eachBackendWithout(
  feature: Feature,
  lacking: Feature,
  test: TestFn,
  title: string,
  body: BackendTest,
): void {
  restricted(test, title, body, (name) => HAVE[feature].includes(name) && !HAVE[lacking].includes(name))
}

function restricted(test: TestFn, title: string, body: BackendTest, wanted: (name: string) => boolean): void {
  const withoutLeaks: BackendTest = async (t, backend) => {
    // The backend's own descriptors come with its first run.
    await backend.run(() => {})
    const before = openSockets()
    await body(t, backend)
    for (let turn = 0; turn < 200 && openSockets() !== before; turn++) await nextTurn()
    t.is(openSockets(), before, 'a socket is left open')
  }
  eachBackend(
    test,
    title,
    withoutLeaks,
    testBackends.filter(({ options }) => wanted(options.backend as string)),
  )
}

/** A UDP socket by node:dgram. */
export class DatagramPeer {
  readonly socket: dgram.Socket
  readonly #received: { data: Buffer; from: dgram.RemoteInfo }[] = []
  #changed = (): void => {}

  private constructor(socket: dgram.Socket) {
    this.socket = socket
    socket.on('message', (data, from) => {
      this.#received.push({ data, from })
      this.#changed()
    })
    socket.on('error', () => {})
  }

  static async bind(t: ExecutionContext, { host = '127.0.0.1', port = 0 } = {}): Promise<DatagramPeer> {
    const socket = dgram.createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', reuseAddr: false })
    const peer = new DatagramPeer(socket)
    socket.bind(port, host)
    await once(socket, 'listening')
    t.teardown(() => peer.close())
    return peer
  }

  get port(): number {
    return this.socket.address().port
  }

  /** Resolves when the kernel has it. */
  async send(data: string | Uint8Array, port: number, host = '127.0.0.1'): Promise<void> {
    await new Promise<void>((resolve, reject) =>
      this.socket.send(data, port, host, (error) => (error === null ? resolve() : reject(error))),
    )
  }

  async next(): Promise<{ data: Buffer; from: dgram.RemoteInfo }> {
    while (this.#received.length === 0) await new Promise<void>((resolve) => (this.#changed = resolve))
    return this.#received.shift()!
  }

  async text(): Promise<string> {
    return (await this.next()).data.toString()
  }

  close(): void {
    if (!this.#closed) this.socket.close()
    this.#closed = true
  }

  #closed = false
}

/** A UDP port that nobody has. */
export async function freeUdpPort(t: ExecutionContext, host = '127.0.0.1'): Promise<number> {
  const peer = await DatagramPeer.bind(t, { host })
  const { port } = peer
  const closed = once(peer.socket, 'close')
  peer.close()
  await closed
  return port
}

/** A folder for socket files, gone after the test. */
export function socketFolder(t: ExecutionContext): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'structio-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return (name) => join(folder, name)
}

export interface PythonProgram {
  line(): Promise<string>
  /** Ends it, and resolves when nothing of it is left. */
  stop(): Promise<void>
}

/** A Python program that says what it has to say in lines. */
export function python(t: ExecutionContext, program: string, ...args: string[]): PythonProgram {
  const child = spawn('python3', ['-u', '-c', program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill())
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const closed = once(child, 'close')
  return {
    line: async () => String((await lines.next()).value),
    stop: async () => {
      child.kill()
      await closed
    },
  }
}

/** The warnings that this process gives from now on; the function gives those so far. */
export function warnings(t: ExecutionContext): () => Promise<Error[]> {
  const given: Error[] = []
  const listener = (warning: Error): void => void given.push(warning)
  process.on('warning', listener)
  t.teardown(() => process.off('warning', listener))
  return async () => {
    // Node tells them in the next tick.
    await nextTurn()
    return given
  }
}
