/** Descriptors over UNIX streams of the native backend: none is lost, and none is left open. */
import test, { type ExecutionContext } from 'ava'
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setImmediate as macrotask } from 'node:timers/promises'
import { loadNativeBackend } from '../../../src/backends/native/index.ts'
import type { Backend, ListenerTransport, StreamTransport } from '../../../src/backends/contract/backend.ts'
import { socketFolder } from '../../support/datagrams.ts'

interface Arrived {
  readonly text: string
  readonly fds: readonly number[]
}

for (const driver of ['nested', 'thread'] as const) {
  const backend = loadNativeBackend({ driver })
  const title = (text: string): string => `[${driver}] ${text}`

  // Serial: these tests count the descriptors of the process.
  test.serial(title('a file arrives with the bytes it was sent with, and the receiver owns it'), async (t) => {
    const { client, server, file } = await pair(t, backend)
    const fd = openSync(file, 'r')
    client.send(Buffer.from('before '))
    t.is(await sentWith(client, 'with it', [fd]), undefined)
    closeSync(fd)
    client.send(Buffer.from(' and after'))
    const parts = [await arrived(server, 100, 4)]
    while (parts.map(({ text }) => text).join('').length < 24) parts.push(await arrived(server, 100, 4))
    t.is(parts.map(({ text }) => text).join(''), 'before with it and after')
    const fds = parts.flatMap((part) => part.fds)
    t.is(fds.length, 1)
    t.is(readFileSync(fds[0]!, 'utf8'), 'contents')
    closeSync(fds[0]!)
  })

  test.serial(title('descriptors that the receiver did not ask for are closed'), async (t) => {
    const { client, server, file } = await pair(t, backend)
    const fd = openSync(file, 'r')
    const before = descriptors()
    await sentWith(client, 'three', [fd, fd, fd])
    const { text, fds } = await arrived(server, 100, 1)
    t.is(text, 'three')
    t.is(fds.length, 1)
    t.is(descriptors(), before + 1)
    closeSync(fds[0]!)
    await sentWith(client, 'to a receive without', [fd])
    t.is(await receivedPlain(server), 'to a receive without')
    t.is(descriptors(), before)
    // Descriptors under way when the receiver ends.
    await sentWith(client, 'too late', [fd])
    server.destroy()
    t.is(descriptors(), before - 1)
    closeSync(fd)
  })

  test.serial(title('a cancelled receive leaves the descriptors for the next one'), async (t) => {
    const { client, server, file } = await pair(t, backend)
    const fd = openSync(file, 'r')
    server.sink.receivedFds = () => t.fail('an answer after the cancellation')
    server.receiveFds!(10, 1)
    await macrotask()
    server.cancelReceive()
    await sentWith(client, 'later', [fd])
    await macrotask()
    const { text, fds } = await arrived(server, 10, 1)
    t.is(text, 'later')
    t.is(fds.length, 1)
    t.is(fstatSync(fds[0]!).size, 8)
    closeSync(fds[0]!)
    closeSync(fd)
  })

  test.serial(title('a cancelled send sends nothing, and leaves no duplicate open'), async (t) => {
    const { client, server, file } = await pair(t, backend)
    const fd = openSync(file, 'r')
    const before = descriptors()
    let taken = 0
    // Until the kernel takes no more. That shows after a turn.
    for (;;) {
      const count = client.send(Buffer.alloc(1000, 'x'))
      taken += count
      if (count === 1000) continue
      await macrotask()
      if (client.unsent > 60_000) break
    }
    client.sink.sendSettled = () => t.fail('an answer after the cancellation')
    client.sendFds!(Buffer.from('never'), [fd])
    await macrotask()
    t.is(descriptors(), before + 1)
    client.cancelSend()
    await macrotask()
    await macrotask()
    t.is(descriptors(), before)
    closeSync(fd)
    client.sink.sendSettled = () => {}
    client.waitSend('shutdown')
    let text = ''
    for (let part = await arrived(server, 65_536, 1); part.text !== ''; part = await arrived(server, 65_536, 1)) {
      t.deepEqual(part.fds, [])
      text += part.text
    }
    t.regex(text, /^x+$/)
    t.is(text.length, taken)
  })

  test.serial(title('a bad descriptor is EBADF, and the stream still works'), async (t) => {
    const { client, server } = await pair(t, backend)
    t.throws(() => client.sendFds!(Buffer.from('x'), [999_999]), { code: 'EBADF' })
    client.send(Buffer.from('fine'))
    t.is(await receivedPlain(server), 'fine')
  })
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

interface Pair {
  readonly client: StreamTransport
  readonly server: StreamTransport
  readonly file: string
}

async function pair(t: ExecutionContext, backend: Backend): Promise<Pair> {
  const at = socketFolder(t)
  writeFileSync(at('file'), 'contents')
  const path = at('server')
  const listener = await new Promise<ListenerTransport>((resolve, reject) => {
    backend.listenUnix({ path, mode: undefined, backlog: 8 }, (error, value) =>
      error ? reject(error) : resolve(value!),
    )
  })
  const accepted = new Promise<StreamTransport>((resolve) => {
    listener.sink = { accepted: resolve, acceptFailed: (error) => t.fail(error.message) }
  })
  listener.accept(1)
  const client = await new Promise<StreamTransport>((resolve, reject) => {
    backend.connectUnix(path, (error, value) => (error ? reject(error) : resolve(value!)))
  })
  const server = await accepted
  listener.destroy()
  for (const end of [client, server]) {
    end.sink = { received() {}, receivedEnd() {}, receiveFailed() {}, readable() {}, sendSettled() {} }
    t.teardown(() => end.destroy())
  }
  return { client, server, file: at('file') }
}

function sentWith(stream: StreamTransport, text: string, fds: readonly number[]): Promise<Error | undefined> {
  return new Promise((resolve) => {
    stream.sink.sendSettled = resolve
    stream.sendFds!(Buffer.from(text), fds)
  })
}

/** One answer to `receiveFds`; no bytes at the end. */
function arrived(stream: StreamTransport, maxBytes: number, maxFds: number): Promise<Arrived> {
  return new Promise((resolve, reject) => {
    stream.sink.receivedFds = (memory, start, end, _owned, fds) =>
      resolve({ text: memory.toString('latin1', start, end), fds })
    stream.sink.receivedEnd = () => resolve({ text: '', fds: [] })
    stream.sink.receiveFailed = reject
    stream.receiveFds!(maxBytes, maxFds)
  })
}

function receivedPlain(stream: StreamTransport): Promise<string> {
  return new Promise((resolve) => {
    stream.sink.received = (memory, start, end) => resolve(memory.toString('latin1', start, end))
    stream.receive(100)
  })
}
