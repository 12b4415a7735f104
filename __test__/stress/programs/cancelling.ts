/**
 * Searches for leaks of cancellations. It cancels every operation that opens or holds something at random moments,
 * again and again. Descriptors, children and tasks must be back to their count after each batch.
 *
 *     node --import=tsx __test__/stress/programs/cancelling.ts [--seconds 10 | --rounds 1000]
 *       [--seed 1] [--backend native] [--driver nested] [--only tls]
 *
 * Prints how many operations it cancelled, or what was left and after which kind. A batch has operations of one kind.
 */
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { execFileSync } from 'node:child_process'
import {
  aopen,
  connectTcp,
  connectUnix,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  createUdpSocket,
  createUnixDatagramSocket,
  createUnixServer,
  getAddrInfo,
  moveOnAfter,
  NamedTemporaryFile,
  openCancelScope,
  openProcess,
  Path,
  relay,
  run,
  runInThread,
  runProcess,
  sleep,
  sleepForever,
  TemporaryDirectory,
  TemporaryFile,
  type Stream,
  waitSocketReadable,
  wrapTls,
} from '../../../index.ts'
import { certificates } from '../../support/certificates.ts'
import { held, settled } from '../../support/held.ts'
import { seeded } from '../../support/seeded.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '0' },
    rounds: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    backend: { type: 'string', default: 'native' },
    driver: { type: 'string', default: 'nested' },
    only: { type: 'string', default: '' },
  },
})
const native = values.backend === 'native'
const LOCAL = { interface: '127.0.0.1' } as const

/** Operations of one kind at once, between two counts. */
const BATCH = 40
const TOGETHER = 4

const random = seeded(Number(values.seed))

/** Runs `body`, and cancels it: after some microtasks, some turns of the event loop, or some milliseconds. */
async function cancelled(body: () => Promise<unknown>): Promise<void> {
  // A deadline comes right after the I/O that was there before it, where a call that waits for several things is in
  // between.
  const way = random(6)
  if (way > 1) {
    await moveOnAfter(random(6000) / 1000, body)
    return
  }
  const steps = random(way === 1 ? 60 : 8)
  await openCancelScope(async (scope) => {
    const running = body()
    for (let step = 0; step < steps; step++) {
      if (way === 1) await Promise.resolve()
      else await new Promise((resolve) => setImmediate(resolve))
    }
    scope.cancel()
    await running
  })
}

/** Uses the resource as a careful user does. */
async function using<T extends { close(): Promise<unknown> }>(
  opening: Promise<T>,
  body: (opened: T) => Promise<unknown> = sleepForever,
): Promise<void> {
  const opened = await opening
  try {
    await body(opened)
  } finally {
    await opened.close()
  }
}

async function echo(stream: Stream): Promise<void> {
  for await (const bytes of stream.receiveChunks()) await stream.sendAll(bytes)
}

async function talk(stream: Stream): Promise<void> {
  for (;;) {
    const bytes = Buffer.alloc(1 + random(50_000))
    await Promise.all([stream.sendAll(bytes), stream.receiveExactly(bytes.length)])
  }
}

interface Place {
  readonly folder: string
  readonly port: number
  readonly tlsPort: number
  /** Answers in TLS on request. */
  readonly laterPort: number
  readonly unix: string
  readonly tls: ReturnType<typeof createTlsContext>
}

type Operation = (place: Place) => Promise<unknown>

const operations: Record<string, Operation> = {
  'tcp-connect': ({ port }) => using(connectTcp('127.0.0.1', port), talk),
  'tcp-by-name': ({ port }) => using(connectTcp('localhost', port), talk),
  'tcp-refused': () => using(connectTcp('127.0.0.1', 1)).catch(ignore),
  'tcp-listen': () =>
    using(createTcpServer(0, LOCAL), async (server) => {
      await createTaskGroup(async (tg) => {
        tg.spawn(() => using(connectTcp('127.0.0.1', server.port), talk))
        await server.serve(echo, { onError: ignore })
      })
    }),
  'tcp-accept': () =>
    using(createTcpServer(0, LOCAL), async (server) => {
      await createTaskGroup(async (tg) => {
        tg.spawn(() => using(connectTcp('127.0.0.1', server.port)))
        await using(server.accept())
      })
    }),
  'tls-connect': ({ tlsPort, tls }) =>
    using(connectTcp('127.0.0.1', tlsPort, { tls, autostartTls: true, tlsStandardCompatible: false }), talk),
  'tls-start': ({ laterPort, tls }) =>
    using(connectTcp('127.0.0.1', laterPort, { tlsStandardCompatible: false }), async (stream) => {
      await stream.sendAll('?')
      await stream.startTls(tls, { hostname: '127.0.0.1' })
      await talk(stream)
    }),
  'tls-wrap': ({ tlsPort, tls }) =>
    using(connectTcp('127.0.0.1', tlsPort), async (below) => {
      await using(wrapTls(below, tls, { hostname: '127.0.0.1' }), talk)
    }),
  'unix-connect': ({ unix }) => using(connectUnix(unix), talk),
  'unix-listen': ({ folder }) => using(createUnixServer(join(folder, `own-${random(1e9)}`))),
  udp: () =>
    using(createUdpSocket({ ...LOCAL, targetHost: 'localhost', targetPort: 9 }), async (socket) => {
      for (;;) await socket.receive(100)
    }).catch(ignore),
  process: () =>
    openProcess(['sleep', '600'], { killAfter: 0 }, async ({ stdout }) => void (await stdout.receiveSome())),
  'process-group': () => openProcess('sleep 600 & sleep 600', { killAfter: 0, processGroup: true }, sleepForever),
  'process-run': () => runProcess(['true']),
  'process-none': () => runProcess(['no-such-program-anywhere']).catch(ignore),
  file: ({ folder }) =>
    using(aopen(join(folder, 'file'), 'r+b'), async (file) => {
      for (;;) {
        await file.seek(0)
        await file.write(await file.read(random(100_000)))
      }
    }),
  'file-fifo': ({ folder }) => using(aopen(join(folder, 'fifo'), 'rb')),
  'file-path': ({ folder }) => new Path(folder, 'file').readBytes(),
  'file-temporary': () => using(TemporaryFile()),
  'file-named': () => using(NamedTemporaryFile()),
  'folder-temporary': () => using(TemporaryDirectory()),
  names: () => getAddrInfo('localhost', 80),
  thread: () => runInThread((count: number) => count + 1, 1),
  relay: async ({ port }) =>
    using(connectTcp('127.0.0.1', port), (a) => using(connectTcp('127.0.0.1', port), (b) => relay(a, b))),
}
if (native) {
  operations['unix-datagrams'] = ({ folder }) =>
    using(createUnixDatagramSocket({ path: join(folder, `d-${random(1e9)}`) }))
  operations['descriptor'] = ({ port }) =>
    using(connectTcp('127.0.0.1', port), async (stream) => {
      // A descriptor of this process that is never readable. The stream's own belongs to the library.
      const fd = Number(readdirSync('/proc/self/fd').find((each) => isPipe(each)) ?? 0)
      await waitSocketReadable(fd).catch(ignore)
      await talk(stream)
    })
}

function isPipe(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('pipe:')
  } catch {
    return false
  }
}

function ignore(): void {}

async function search(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'structio-cancelling-'))
  writeFileSync(join(folder, 'file'), Buffer.alloc(200_000))
  execFileSync('mkfifo', [join(folder, 'fifo')])
  const { ca, server: own } = await certificates()
  const context = createTlsContext({ cert: own.cert, key: own.key })
  await createTaskGroup(async (tg) => {
    const plain = await createTcpServer(0, LOCAL)
    const secure = await createTcpServer(0, { ...LOCAL, tls: context, tlsStandardCompatible: false })
    const later = await createTcpServer(0, {
      ...LOCAL,
      tls: context,
      autostartTls: false,
      tlsStandardCompatible: false,
    })
    const unix = await createUnixServer(join(folder, 'socket'))
    const quiet = { onError: ignore }
    tg.spawn(() => plain.serve(echo, quiet))
    tg.spawn(() => secure.serve(echo, quiet))
    tg.spawn(() => unix.serve(echo, quiet))
    tg.spawn(() =>
      later.serve(async (stream) => {
        await stream.receiveExactly(1)
        await stream.startTls()
        await echo(stream)
      }, quiet),
    )
    const place: Place = {
      folder,
      port: plain.port,
      tlsPort: secure.port,
      laterPort: later.port,
      unix: join(folder, 'socket'),
      tls: createTlsContext({ ca }),
    }
    await cancelMany(place)
    tg.cancelScope.cancel()
  })
  rmSync(folder, { recursive: true, force: true })
}

async function cancelMany(place: Place): Promise<void> {
  const names = Object.keys(operations).filter((name) => name.startsWith(values.only))
  // Warm-up: threads and the addon's own descriptors open once and stay.
  for (const name of names) {
    await createTaskGroup((tg) => {
      for (let lane = 0; lane < TOGETHER; lane++) tg.spawn(() => moveOnAfter(200, () => operations[name]!(place)))
    })
  }
  await sleep(200)
  const before = held()
  const [until, most] = [performance.now() + Number(values.seconds) * 1000, Number(values.rounds)]
  let done = 0
  for (let round = 0; most > 0 ? done < most : performance.now() < until; round++) {
    const name = names[round % names.length]!
    await createTaskGroup((tg) => {
      for (let lane = 0; lane < TOGETHER; lane++) {
        tg.spawn(async () => {
          for (let count = lane; count < BATCH; count += TOGETHER) await cancelled(() => operations[name]!(place))
        })
      }
    })
    done += BATCH
    const left = await settled(before)
    if (left.length > 0) {
      console.log(`${name}, after ${done} operations (${values.backend}, ${values.driver}): ${left.join(', ')}`)
      process.exit(1)
    }
  }
  console.log(`${done} operations of ${names.length} kinds (${values.backend}, ${values.driver}): nothing left`)
}

await run(
  search,
  native ? { backend: 'native', backendOptions: { driver: values.driver as 'nested' } } : { backend: 'node' },
)
process.exit(0)
