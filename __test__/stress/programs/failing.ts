/**
 * Searches for leaks and losses of failed system calls. The addon is a test build whose system calls fail at random
 * (`ECONNRESET`, `ENOBUFS`, `EMFILE`, `ENFILE`, `EIO`), are short, interrupted, or refused once more. Many transfers
 * run at once, and some are cancelled. A transfer without a failed call must move every byte, and no transfer may hang.
 * After each batch descriptors, children and tasks must be back to their count.
 *
 *     node --import=tsx __test__/stress/programs/failing.ts [--seconds 10 | --rounds 100]
 *       [--seed 1] [--driver nested] [--only tls]
 *
 * Prints how many transfers it ran and which errors their calls gave, or the fault and its batch. The program does not
 * control the order of system calls on several threads: the same seed may not find the same fault.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect, parseArgs } from 'node:util'
import {
  aopen,
  Cancelled,
  connectTcp,
  connectUnix,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  createUdpSocket,
  createUnixServer,
  failAfter,
  moveOnAfter,
  openProcess,
  relay,
  run,
  TimeoutError,
  type SocketStream,
  type Stream,
} from '../../../index.ts'
import { certificates } from '../../support/certificates.ts'
import { held, settled } from '../../support/held.ts'
import { seeded } from '../../support/seeded.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '0' },
    rounds: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    driver: { type: 'string', default: 'nested' },
    backend: { type: 'string', default: 'native' },
    only: { type: 'string', default: '' },
    /** One of so many data calls fails. */
    failures: { type: 'string', default: '200' },
    /** So many of a hundred transfers are cancelled. */
    cancelled: { type: 'string', default: '25' },
  },
})
process.env['NAPI_RS_NATIVE_LIBRARY_PATH'] ??= fileURLToPath(
  new URL('../../../target/misbehaving/structio.node', import.meta.url),
)
process.env['STRUCTIO_SYSTEM_SEED'] = values.seed
process.env['STRUCTIO_SYSTEM_FAILURES'] = values.failures

const LOCAL = { interface: '127.0.0.1' } as const

/** Far more than a transfer takes: one that is not done by then is a hang. */
const PATIENCE = 20_000

/** Transfers at once. */
const TOGETHER = 12

/**
 * Errors that the failing layer gives, and their effects at the other end. A server reports a failed handshake only to
 * its diagnostics channel: the client has the only error.
 */
const EXPECTED = /^(ECONNRESET|ENOBUFS|EMFILE|ENFILE|EIO|EPIPE|ECONNREFUSED|ECONNABORTED|ERR_TLS|ERR_TLS_EOF)$/

const random = seeded(Number(values.seed))

function bytesOf(from: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let i = 0; i < length; i++) bytes[i] = byteAt(from + i)
  return bytes
}

function byteAt(position: number): number {
  return (Math.imul(position, 131) ^ (position >> 8)) & 255
}

function compare(bytes: Uint8Array, from: number): void {
  for (const [index, byte] of bytes.entries()) {
    if (byte !== byteAt(from + index)) throw new Error(`byte ${from + index} is ${byte}, not ${byteAt(from + index)}`)
  }
}

async function sendNumbered(stream: Stream, total: number): Promise<void> {
  for (let at = 0; at < total;) {
    const length = Math.min(total - at, 1 + random(20_000))
    await stream.sendAll(bytesOf(at, length))
    at += length
  }
  await stream.sendEof()
}

async function receiveNumbered(stream: Stream, total: number): Promise<void> {
  let at = 0
  for await (const bytes of stream.receiveChunks()) {
    compare(bytes, at)
    at += bytes.length
  }
  if (at !== total) throw new Error(`${at} bytes of ${total} arrived, and no call has failed`)
}

/** Both ends of one connection, numbered bytes in both directions. */
async function exchange(accepting: () => Promise<Stream>, connecting: () => Promise<Stream>): Promise<void> {
  const [there, back] = [random(100_000), random(100_000)]
  await createTaskGroup(async (group) => {
    const end = async (opening: () => Promise<Stream>, sent: number, received: number): Promise<void> => {
      const stream = await opening()
      try {
        await createTaskGroup(async (ways) => {
          ways.spawn(() => sendNumbered(stream, sent))
          await receiveNumbered(stream, received)
        })
      } finally {
        await stream.close()
      }
    }
    group.spawn(() => end(accepting, back, there))
    await end(connecting, there, back)
  })
}

async function using<T extends { close(): Promise<unknown> }>(
  opening: Promise<T>,
  body: (opened: T) => Promise<unknown>,
): Promise<void> {
  const opened = await opening
  try {
    await body(opened)
  } finally {
    await opened.close()
  }
}

const folder = mkdtempSync(join(tmpdir(), 'structio-failing-'))
execFileSync('mkfifo', [join(folder, 'fifo')])
writeFileSync(join(folder, 'file'), bytesOf(0, 300_000))
const { ca, server: own } = await certificates()
const serverTls = createTlsContext({ cert: own.cert, key: own.key })
const clientTls = createTlsContext({ ca })
let names = 0

const transfers: Record<string, () => Promise<unknown>> = {
  tcp: () =>
    using(createTcpServer(0, LOCAL), (server) =>
      exchange(
        () => server.accept(),
        () => connectTcp('127.0.0.1', server.port),
      ),
    ),
  tls: () =>
    using(createTcpServer(0, { ...LOCAL, tls: serverTls }), (server) =>
      exchange(
        () => server.accept(),
        () => connectTcp('127.0.0.1', server.port, { tls: clientTls, autostartTls: true }),
      ),
    ),
  unix: () => {
    const path = join(folder, `s${names++}`)
    return using(createUnixServer(path), (server) =>
      exchange(
        () => server.accept(),
        () => connectUnix(path),
      ),
    )
  },
  serve: () =>
    using(createTcpServer(0, LOCAL), async (server) => {
      await createTaskGroup(async (group) => {
        const echo = async (stream: SocketStream): Promise<void> => {
          for await (const bytes of stream.receiveChunks()) await stream.sendAll(bytes)
        }
        // The client notices a failed handler: its connection ends.
        group.spawn(() => server.serve(echo, { onError: () => {} }))
        await using(connectTcp('127.0.0.1', server.port), async (stream) => {
          const total = random(60_000)
          await createTaskGroup(async (ways) => {
            ways.spawn(() => sendNumbered(stream, total))
            for await (const _ of stream.receiveChunks());
          })
        })
        group.cancelScope.cancel()
      })
    }),
  relay: () =>
    using(createTcpServer(0, LOCAL), (front) =>
      using(createTcpServer(0, LOCAL), async (back) => {
        await createTaskGroup(async (group) => {
          group.spawn(() =>
            using(front.accept(), (near) => using(connectTcp('127.0.0.1', back.port), (far) => relay(near, far))),
          )
          await exchange(
            () => back.accept(),
            () => connectTcp('127.0.0.1', front.port),
          )
        })
      }),
    ),
  udp: () =>
    using(createUdpSocket(LOCAL), (receiver) =>
      using(createUdpSocket(LOCAL), async (sender) => {
        await createTaskGroup(async (group) => {
          group.spawn(async () => {
            for (let count = 0; count < 20; count++) {
              const [bytes] = await receiver.receive(2000)
              if (bytes.length !== 100 + count) throw new Error(`datagram ${count} has ${bytes.length} bytes`)
            }
          })
          for (let count = 0; count < 20; count++) await sender.send(bytesOf(0, 100 + count), receiver.address)
        })
      }),
    ),
  file: async () => {
    const path = join(folder, `f${names++}`)
    const total = random(200_000)
    await using(aopen(path, 'w+b'), async (file) => {
      for (let at = 0; at < total;) {
        const length = Math.min(total - at, 1 + random(30_000))
        await file.write(bytesOf(at, length))
        at += length
      }
      await file.seek(0)
      const read = await file.read()
      if (read.length !== total) throw new Error(`${read.length} bytes of ${total} are in the file`)
      compare(read, 0)
    }).finally(() => rmSync(path, { force: true }))
  },
  'file-read': () =>
    using(aopen(join(folder, 'file'), 'rb'), async (file) => {
      const read = await file.read()
      if (read.length !== 300_000) throw new Error(`${read.length} bytes of 300,000 were read`)
      compare(read, 0)
    }),
  process: () => {
    const total = random(200_000)
    return openProcess(['cat'], { killAfter: 0 }, async (cat) => {
      await createTaskGroup(async (group) => {
        group.spawn(() => sendNumbered(cat.stdin, total))
        await receiveNumbered(cat.stdout, total)
      })
      const code = await cat.wait()
      if (code !== 0) throw new Error(`cat ended with ${code}`)
    })
  },
}

/** How often each error was given to a call. */
const seen = new Map<string, number>()

/** The codes of an error and its parts; a line for each part without a code. */
function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)]
  const inner = [...(error instanceof AggregateError ? (error.errors as unknown[]) : []), error.cause].filter(
    (each) => each !== undefined,
  )
  const { code } = error as NodeJS.ErrnoException
  const own = typeof code === 'string' && !/^ERR_(EXCEPTION_GROUP|BROKEN_RESOURCE)$/.test(code) ? [code] : []
  const all = [...own, ...inner.flatMap(codesOf)]
  return all.length > 0 ? all : [`${error.name}: ${error.message}`]
}

/** Whether this error comes from an injected failure. */
function isExpected(error: unknown): boolean {
  const codes = codesOf(error)
  for (const code of codes) seen.set(code, (seen.get(code) ?? 0) + 1)
  return codes.some((code) => EXPECTED.test(code))
}

async function transfer(name: string): Promise<void> {
  const body = (): Promise<unknown> => transfers[name]!()
  const cancelled = random(100) < Number(values.cancelled)
  try {
    await failAfter(PATIENCE, () => (cancelled ? moveOnAfter(random(20_000) / 1000, body) : body()))
  } catch (error) {
    // Another transfer has failed.
    if (error instanceof Cancelled) throw error
    if (error instanceof TimeoutError || !isExpected(error)) {
      throw new Error(`${name}${cancelled ? ', cancelled' : ''}`, { cause: error })
    }
  }
}

async function search(): Promise<void> {
  const kinds = Object.keys(transfers).filter((name) => name.startsWith(values.only))
  // Warm-up: threads and the addon's own descriptors open once and stay.
  for (const name of kinds) await transfer(name)
  const before = held()
  const [until, most] = [performance.now() + Number(values.seconds) * 1000, Number(values.rounds)]
  let done = 0
  for (let round = 0; most > 0 ? round < most : performance.now() < until; round++) {
    await createTaskGroup((group) => {
      for (let lane = 0; lane < TOGETHER; lane++) group.spawn(() => transfer(kinds[random(kinds.length)]!))
    })
    done += TOGETHER
    const left = await settled(before)
    if (left.length > 0) throw new Error(`left after ${done} transfers: ${left.join(', ')}`)
  }
  const errors = [...seen].map(([code, count]) => `${code} ${count}`).join(', ')
  console.log(
    `${done} transfers of ${kinds.length} kinds (native, ${values.driver}): nothing lost, nothing left (${errors})`,
  )
  if (seen.size === 0) throw new Error('no system call has failed: is the addon another one?')
}

// Servers warn of failed accepts.
process.removeAllListeners('warning')
let code = 0
await run(search, { backend: 'native', backendOptions: { driver: values.driver as 'nested' } }).catch(
  (error: unknown) => {
    console.log(`seed ${values.seed} (native, ${values.driver}):`, inspect(error, { depth: 8 }))
    code = 1
  },
)
rmSync(folder, { recursive: true, force: true })
process.exit(code)
