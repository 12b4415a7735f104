/**
 * Runs random scripts of many streams over tiny rings and slabs that overflow all the time. Every byte has a number:
 * bytes must arrive unchanged and in order, and all of them where `close()` or `sendEof()` has resolved.
 *
 *     node --import=tsx __test__/stress/programs/rings.ts [--seconds 10 | --scripts 1000]
 *       [--seed 1] [--backend native] [--driver nested]
 *
 * Prints how many scripts it ran, or the seed of the one with a finding; `--seed` with `--scripts 1` runs that one
 * again.
 */
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { ringSizes } from '../../../src/backends/native/ring-sizes.ts'
import { BrokenResourceError } from '../../../src/errors.ts'
import { run } from '../../../src/run.ts'
import { failAfter, moveOnAfter, openCancelScope } from '../../../src/scopes.ts'
import { connectTcp, createTcpServer } from '../../../src/sockets.ts'
import type { SocketStreamServer } from '../../../src/streams/socket-stream-server.ts'
import type { SocketStream } from '../../../src/streams/socket-stream.ts'
import { createTaskGroup } from '../../../src/task-groups.ts'
import { connectUnix, createUnixServer } from '../../../src/unix.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '0' },
    scripts: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    backend: { type: 'string', default: 'native' },
    driver: { type: 'string', default: 'nested' },
  },
})
const native = values.backend === 'native'
const LOCAL = { interface: '127.0.0.1' } as const
const UNIX = `\0structio-rings-${process.pid}`

/** Far more than a script takes: one that is not done by then is a hang. */
const PATIENCE = 20_000

/** Capacities in records and in bytes: a few sends fill either. */
const SIZES = { records: 8, receiveSlab: 8192, sendSlab: 4096 }
Object.assign(ringSizes, SIZES)

class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** A number below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit) | 0
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }
}

/** The bytes given to one direction, and its end. */
interface Way {
  readonly key: number
  given: number
  /** A send, or the close, was cancelled: bytes from here on may be missing. */
  certain: number
  received: number
}

/** Bytes made from their numbers. */
function bytesOf({ key }: Way, from: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let i = 0; i < length; i++) bytes[i] = byteAt(key, from + i)
  return bytes
}

function byteAt(key: number, position: number): number {
  return (Math.imul(position, 131) ^ (position >> 8) ^ Math.imul(key, 29)) & 255
}

function size(random: Random): number {
  return 1 + random.below([40, 600, 5000, 9000, 40_000][random.below(5)]!)
}

async function hops(random: Random): Promise<void> {
  for (let count = random.below(6); count > 0; count--) await Promise.resolve()
  if (random.chance(30)) await new Promise((resolve) => setImmediate(resolve))
}

async function sendSome(random: Random, stream: SocketStream, way: Way): Promise<void> {
  for (let step = random.below(10); step >= 0; step--) {
    const bytes = bytesOf(way, way.given, size(random))
    way.given += bytes.length
    if (random.chance(50)) await stream.sendAll(bytes)
    else {
      const parts: Buffer[] = []
      for (let at = 0; at < bytes.length;) {
        const end = at + size(random)
        parts.push(bytes.subarray(at, end))
        at = end
      }
      const sending = stream.sendMany(parts)
      await hops(random)
      await sending
    }
    if (random.chance(40)) await hops(random)
  }
  way.certain = way.given
}

/** A last send that is cancelled: a part of its bytes may arrive, or none. */
async function sendCancelled(random: Random, stream: SocketStream, way: Way): Promise<void> {
  const bytes = bytesOf(way, way.given, size(random))
  way.given += bytes.length
  const sent = await moveOnAfter(random.below(3), async () => (await stream.sendAll(bytes), true))
  if (sent === true) way.certain = way.given
}

/** Checks that the next bytes are the right ones. */
function check(way: Way, bytes: Uint8Array): void {
  for (const byte of bytes) {
    const wanted = byteAt(way.key, way.received)
    if (byte !== wanted) throw new Error(`byte ${way.received} of way ${way.key} is ${byte}, not ${wanted}`)
    way.received++
  }
}

async function receiveAll(random: Random, stream: SocketStream, way: Way): Promise<void> {
  const take = (bytes: Uint8Array): void => check(way, bytes)
  for (;;) {
    if (random.chance(20)) await hops(random)
    if (random.chance(15)) {
      // A cancelled receive has taken nothing.
      await openCancelScope(async (scope) => {
        const receiving = stream.receiveSome(size(random))
        await hops(random)
        scope.cancel()
        const bytes = await receiving
        if (bytes.length > 0) take(bytes)
      })
      continue
    }
    let count: number
    if (random.chance(10)) {
      count = await receiveMoved(random, stream, take)
      if (count < 0) continue
    } else if (random.chance(25)) {
      const view = new Uint8Array(size(random))
      count = await stream.receiveInto(view)
      take(view.subarray(0, count))
    } else {
      const bytes = await stream.receiveSome(size(random))
      count = bytes.length
      take(bytes)
    }
    if (count === 0) break
  }
  if (way.received < way.certain || way.received > way.given) {
    throw new Error(`way ${way.key}: ${way.received} bytes arrived, of ${way.certain} to ${way.given}`)
  }
}

/** Receives into memory that is transferred meanwhile. Returns the number of bytes, or -1: nothing was taken. */
async function receiveMoved(random: Random, stream: SocketStream, take: (bytes: Uint8Array) => void): Promise<number> {
  const view = new Uint8Array(size(random))
  const receiving = stream.receiveInto(view).catch((error: unknown) => {
    if (error instanceof TypeError) return -1
    throw error
  })
  await hops(random)
  const memory = structuredClone(view.buffer, { transfer: [view.buffer] })
  const count = await receiving
  // Bytes that came before the transfer are in the transferred memory.
  if (count > 0) take(new Uint8Array(memory, 0, count))
  return count
}

/**
 * Bytes and descriptors over a UNIX socket. A read stops at each message with descriptors, however much room it has.
 * The bytes behind it must be read all the same, although nothing new arrives.
 */
async function exchangeDescriptors(random: Random, key: number): Promise<void> {
  // An abstract name leaves no file.
  const server = await createUnixServer(UNIX)
  const [ours, theirs] = [await connectUnix(UNIX), await server.accept()]
  await server.close()
  const way: Way = { key, given: 0, certain: 0, received: 0 }
  const fd = openSync('/dev/null', 'r')
  let [sent, arrived] = [0, 0]
  for (let step = random.below(8); step >= 0; step--) {
    const bytes = bytesOf(way, way.given, 1 + random.below(2000))
    way.given += bytes.length
    if (random.chance(50)) {
      await ours.sendFds(
        bytes,
        Array.from({ length: 1 + random.below(3) }, () => (sent++, fd)),
      )
    } else {
      await ours.sendAll(bytes)
    }
    if (random.chance(30)) await hops(random)
  }
  way.certain = way.given
  // No EOF, which would wake the receiver before it has everything.
  const plain = random.chance(50)
  while (way.received < way.given) {
    let bytes: Uint8Array
    if (plain || random.chance(30)) {
      bytes = await theirs.receiveSome(size(random))
      // The kernel closes descriptors that a receive does not ask for.
    } else {
      const received = await theirs.receiveFds(size(random), 3)
      for (const each of received.fds) closeSync(each)
      arrived += received.fds.length
      bytes = received.data
    }
    if (bytes.length === 0) throw new Error(`way ${key} ends after ${way.received} bytes of ${way.given}`)
    check(way, bytes)
  }
  if (arrived > sent) throw new Error(`${arrived} descriptors arrived, of ${sent}`)
  closeSync(fd)
  await ours.close()
  await theirs.close()
}

/** One pair of streams, both directions; one end closes while bytes wait, the other reads to the end. */
async function exchange(random: Random, ours: SocketStream, theirs: SocketStream, key: number): Promise<void> {
  const [there, back] = [key, key + 1].map((each): Way => ({ key: each, given: 0, certain: 0, received: 0 })) as [
    Way,
    Way,
  ]
  await createTaskGroup(async (tg) => {
    if (random.chance(50)) {
      tg.spawn(() => receiveAll(random, ours, back))
      await sendSome(random, theirs, back)
      await theirs.sendEof()
    }
  })
  await createTaskGroup(async (tg) => {
    tg.spawn(() => receiveAll(random, theirs, there))
    await sendSome(random, ours, there)
    if (random.chance(30)) await sendCancelled(random, ours, there)
    if (random.chance(10)) {
      there.certain = 0
      await moveOnAfter(random.below(3), () => ours.close())
    }
    await ours.close()
  })
  await theirs.close()
}

/** A client connects while the listener closes. Accepted or not, its connection must not stay open without a server. */
async function acceptAndClose(random: Random): Promise<void> {
  const server = await createTcpServer(0, LOCAL)
  const client = await connectTcp('127.0.0.1', server.port)
  const accepting = server.accept().then(
    (stream) => stream.close(),
    () => {},
  )
  // Perhaps enough to flush the ring, so that the client is accepted before the completion is delivered.
  await chatter(random, client)
  if (random.chance(50)) await hops(random)
  await server.close()
  await accepting
  await client.receiveSome().catch((error: unknown) => {
    if (!(error instanceof BrokenResourceError)) throw error
  })
  await client.close()
}

/** Fills the submission ring with records without a meaning. */
async function chatter(random: Random, idle: SocketStream): Promise<void> {
  for (let count = random.below(20); count > 0; count--) {
    await openCancelScope(async (scope) => {
      const waiting = idle.receiveSome()
      if (random.chance(20)) await hops(random)
      scope.cancel()
      await waiting
    })
  }
}

async function chatterAlone(random: Random, server: SocketStreamServer): Promise<void> {
  const idle = await connectTcp('127.0.0.1', server.port)
  const other = await server.accept()
  await chatter(random, idle)
  await idle.close()
  await other.close()
}

async function script(seed: number): Promise<void> {
  const random = new Random(seed)
  const server = await createTcpServer(0, LOCAL)
  const narrow = native && random.chance(70)
  if (narrow) server.setsockopt('SOL_SOCKET', 'SO_RCVBUF', 20_000 + random.below(20_000))
  const pairs: [SocketStream, SocketStream][] = []
  for (let count = random.below(5); count >= 0; count--) {
    const [ours, theirs] = [await connectTcp('127.0.0.1', server.port), await server.accept()]
    if (narrow) ours.setsockopt('SOL_SOCKET', 'SO_SNDBUF', 8000 + random.below(16_000))
    pairs.push([ours, theirs])
  }
  await createTaskGroup(async (tg) => {
    if (random.chance(40)) tg.spawn(() => acceptAndClose(random))
    if (random.chance(40)) tg.spawn(() => chatterAlone(random, server))
    if (native && random.chance(40)) tg.spawn(() => exchangeDescriptors(random, 2 * pairs.length))
    for (const [index, [ours, theirs]] of pairs.entries()) tg.spawn(() => exchange(random, ours, theirs, 2 * index))
  })
  await server.close()
}

/** Descriptors that the scripts open. */
function descriptors(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return /^(socket:|\/dev\/null)/.test(readlinkSync(`/proc/self/fd/${fd}`))
    } catch {
      return false
    }
  }).length
}

async function search(): Promise<void> {
  const first = Number(values.seed)
  const [until, most] = [performance.now() + Number(values.seconds) * 1000, Number(values.scripts)]
  const before = descriptors()
  let done = 0
  while (most > 0 ? done < most : performance.now() < until) {
    const seed = first + done
    try {
      await failAfter(PATIENCE, () => script(seed))
      for (let turn = 0; turn < 2000 && descriptors() > before; turn++) {
        await new Promise((resolve) => setImmediate(resolve))
      }
      if (descriptors() > before) throw new Error(`${descriptors() - before} descriptors stay open`)
    } catch (error) {
      console.log(`seed ${seed} (${values.backend}, ${values.driver}):`, error)
      process.exit(1)
    }
    done++
  }
  console.log(`${done} scripts, from seed ${first} on (${values.backend}, ${values.driver}): nothing found`)
}

await run(
  search,
  native ? { backend: 'native', backendOptions: { driver: values.driver as 'nested' } } : { backend: 'node' },
)
process.exit(0)
