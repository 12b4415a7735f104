/** `ref` and `unref`: which pending operations keep the process alive. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, writeSync } from 'node:fs'
import * as net from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import type { RunOptions } from '../../src/run.ts'
import { realBackends } from '../support/backends.ts'
import { fifoPath, openFifo } from '../support/descriptors.ts'

const program = fileURLToPath(new URL('./keep-alive.ts', import.meta.url))

async function start(t: ExecutionContext, options: RunOptions, mode: string, where?: string) {
  const server = net.createServer({ pauseOnConnect: mode === 'unsent' })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  const connected = once(server, 'connection') as Promise<[net.Socket]>
  const child = spawn(
    process.execPath,
    ['--import=tsx', program, JSON.stringify(options), mode, where ?? String(port)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    },
  )
  t.teardown(() => {
    child.kill('SIGKILL')
    server.close()
  })
  const lines: string[] = []
  let printed = (): void => {}
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line)
    printed()
  })
  const line = async (): Promise<string> => {
    while (lines.length === 0) await new Promise<void>((resolve) => (printed = resolve))
    return lines[0]!
  }
  return { server, connected, line, lines, ended: once(child, 'close') }
}

for (const { label, options } of realBackends) {
  test(`a pending receive keeps the process alive until it is answered [${label}]`, async (t) => {
    const { connected, lines, ended } = await start(t, options, 'ref')
    const [socket] = await connected
    socket.write('hello')
    await ended
    socket.destroy()
    t.deepEqual(lines, ['waiting', 'received', 'exit'])
  })

  if (options.backend === 'native' && process.platform === 'linux') {
    test(`a wait for a descriptor keeps the process alive until it is ready [${label}]`, async (t) => {
      const path = fifoPath(t)
      const { line, lines, ended } = await start(t, options, 'descriptor', path)
      t.is(await line(), 'waiting')
      const fd = openFifo(path)
      writeSync(fd, 'x')
      await ended
      closeSync(fd)
      t.deepEqual(lines, ['waiting', 'received', 'exit'])
    })
  }

  test(`a relay keeps the process alive until both its ends have ended [${label}]`, async (t) => {
    const { server, connected, lines, ended } = await start(t, options, 'relay')
    const [first] = await connected
    const [second] = (await once(server, 'connection')) as [net.Socket]
    // Each end of the relay ends once the other's end has been passed on to it.
    second.resume()
    first.resume().end('through the relay')
    await ended
    first.destroy()
    second.destroy()
    t.is(second.bytesRead, 17)
    t.deepEqual(lines, ['waiting', 'received', 'exit'])
  })

  test(`after unref a pending receive does not keep the process alive [${label}]`, async (t) => {
    const { connected, lines, ended } = await start(t, options, 'unref')
    const [socket] = await connected
    socket.on('error', () => {})
    await ended
    socket.destroy()
    t.deepEqual(lines, ['waiting', 'exit'])
  })

  test(`unsent bytes keep the process alive, also after unref [${label}]`, async (t) => {
    const { connected, line, lines, ended } = await start(t, options, 'unsent')
    const [socket] = await connected
    const taken = Number((await line()).replace('taken ', ''))
    // The peer reads only now: the unsent bytes must have kept the process alive.
    let received = 0
    socket.resume()
    socket.on('data', (data) => (received += data.length))
    socket.on('error', () => {})
    await ended
    t.is(lines.at(-1), 'exit')
    await new Promise((resolve) => (socket.closed ? resolve(undefined) : socket.once('close', resolve)))
    t.true(received >= taken, `${received} of ${taken} bytes`)
  })
}
