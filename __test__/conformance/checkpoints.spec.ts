/**
 * "Every async operation is a checkpoint" (api.md §0): each one of the public API, on every backend. What there is, the public
 * types say; an operation that is neither in the table nor among the exceptions fails the first test.
 *
 * Over 500 lines because it is one table: a row for each operation, and a line for each that is none.
 */
import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import ts from 'typescript'
import {
  abandonOnCancel,
  aopen,
  type AsyncFile,
  CancelScope,
  checkpoint,
  checkpointIfCancelled,
  connectTcp,
  connectUnix,
  createBlockingPortal,
  createCapacityLimiter,
  createCondition,
  createEvent,
  createLock,
  createMemoryObjectStream,
  createQueue,
  createSemaphore,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  createUdpSocket,
  createUnixDatagramSocket,
  createUnixServer,
  getAddrInfo,
  getNameInfo,
  moveOnAfter,
  NamedTemporaryFile,
  openProcess,
  type Process,
  receiveSignals,
  relay,
  type Path,
  ResourceGuard,
  runProcess,
  runInProcess,
  runInThread,
  select,
  selectAll,
  sleep,
  sleepForever,
  sleepUntil,
  type SocketStream,
  type SocketStreamServer,
  type Stream,
  TemporaryDirectory,
  TemporaryFile,
  type UDPSocket,
  type UNIXDatagramSocket,
  waitAllTasksBlocked,
  waitSocketReadable,
  waitSocketWritable,
  wrapTls,
} from '../../index.ts'
import { assertCheckpoints as check, lockstepStreamPair, memoryStreamPair } from '../../src/testing/index.ts'
import { type BackendTest, eachBackend } from '../support/backends.ts'
import { certificates } from '../support/certificates.ts'
import { eachBackendWith, type Feature } from '../support/datagrams.ts'
import { exportedNames } from '../support/source-graph.ts'
import { LOCAL } from '../support/tls.ts'

/** Checks one operation: prepares what it needs, and calls it through `check`. */
type Row = () => Promise<unknown>

const waiting: Record<string, Row> = {
  sleep: () => check(() => sleep(0)),
  sleepUntil: () => check(() => sleepUntil(-Infinity)),
  sleepForever: () => check(() => moveOnAfter(0, () => sleepForever())),
  checkpoint: () => check(() => checkpoint()),
  checkpointIfCancelled: () => check(() => checkpointIfCancelled()),
  runInProcess: () => check(() => runInProcess(() => 1)),
  createBlockingPortal: async () => {
    await using _ = await check(() => createBlockingPortal({ expose: {} }))
  },
  'BlockingPortal.close': async () => {
    const portal = await createBlockingPortal({ expose: {} })
    await closes(() => portal.close())
  },
  runInThread: () => check(() => runInThread(() => 1)),
  abandonOnCancel: () => check(() => abandonOnCancel(Promise.resolve())),
  waitAllTasksBlocked: () => check(() => waitAllTasksBlocked()),
  'TaskHandle.wait': () => withTask((handle) => check(() => handle.wait())),
  'TaskHandle.value': () => withTask((handle) => check(() => handle.value())),
}

const synchronisation: Record<string, Row> = {
  'Semaphore.acquire': () => check(() => createSemaphore(1).acquire()),
  'Semaphore.use': () => check(() => createSemaphore(1).use(() => {})),
  'Lock.acquire': () => check(() => createLock().acquire()),
  'Lock.use': () => check(() => createLock().use(() => {})),
  'Event.wait': async () => {
    const event = createEvent()
    event.set()
    await check(() => event.wait())
  },
  'Condition.acquire': () => check(() => createCondition().acquire()),
  'Condition.use': () => check(() => createCondition().use(() => {})),
  'Condition.wait': async () => {
    const condition = createCondition()
    await createTaskGroup((tg) =>
      condition.use(() => {
        // It has its turn when the lock is released by the waiting.
        tg.spawn(() => condition.use(() => condition.notify()))
        return check(() => condition.wait())
      }),
    )
  },
  'Condition.waitFor': async () => {
    const condition = createCondition()
    await condition.use(() => check(() => condition.waitFor(() => true)))
  },
  'Queue.put': async () => {
    const queue = createQueue<number>(1)
    await check(() => queue.put(1))
  },
  'Queue.get': async () => {
    const queue = createQueue<number>(1)
    queue.putNowait(1)
    await check(() => queue.get())
  },
  'Queue.[Symbol.asyncIterator]': async () => {
    const queue = createQueue<number>(1)
    queue.putNowait(1)
    await check(() => queue[Symbol.asyncIterator]().next())
  },
  'Queue.waitReadable': async () => {
    const queue = createQueue<number>(1)
    queue.putNowait(1)
    await check(() => queue.waitReadable())
  },
  'CapacityLimiter.acquire': () => check(() => createCapacityLimiter(1).acquire()),
  'CapacityLimiter.acquireOnBehalfOf': () => check(() => createCapacityLimiter(1).acquireOnBehalfOf({})),
  'CapacityLimiter.use': () => check(() => createCapacityLimiter(1).use(() => {})),
  'MemorySendStream.send': async () => {
    const [send] = createMemoryObjectStream<number>(1)
    await check(() => send.send(1))
  },
  'MemoryReceiveStream.receive': async () => {
    const [send, receive] = createMemoryObjectStream<number>(1)
    send.sendNowait(1)
    await check(() => receive.receive())
  },
  'MemoryReceiveStream.waitReadable': async () => {
    const [send, receive] = createMemoryObjectStream<number>(1)
    send.sendNowait(1)
    await check(() => receive.waitReadable())
  },
  'MemoryReceiveStream.[Symbol.asyncIterator]': async () => {
    const [send, receive] = createMemoryObjectStream<number>(1)
    send.sendNowait(1)
    await check(() => receive[Symbol.asyncIterator]().next())
  },
  select: async () => {
    const queue = createQueue<number>(1)
    queue.putNowait(1)
    await check(() => select([queue]))
  },
  selectAll: async () => {
    const queue = createQueue<number>(1)
    queue.putNowait(1)
    await check(() => selectAll([queue]).next())
  },
  'ResourceGuard.use': async () => {
    const guard = new ResourceGuard()
    await check(() => guard.use(() => {}))
  },
}

/** What every stream has, where need be with bytes at hand. */
const ofStreams: Record<string, (stream: Stream, peer: Stream) => Promise<unknown>> = {
  receiveSome: (stream, peer) => atHand(stream, peer, () => stream.receiveSome(1)),
  receiveInto: (stream, peer) => atHand(stream, peer, () => stream.receiveInto(new Uint8Array(1))),
  receiveExactly: (stream, peer) => atHand(stream, peer, () => stream.receiveExactly(1)),
  receiveUntil: (stream, peer) => atHand(stream, peer, () => stream.receiveUntil('\n', 10)),
  receiveChunks: (stream, peer) => atHand(stream, peer, () => stream.receiveChunks().next()),
  receiveDelimitedChunks: (stream, peer) => atHand(stream, peer, () => stream.receiveDelimitedChunks('\n', 10).next()),
  receiveDelimitedBatches: (stream, peer) =>
    atHand(stream, peer, () => stream.receiveDelimitedBatches('\n', 10).next()),
  '[Symbol.asyncIterator]': (stream, peer) => atHand(stream, peer, () => stream[Symbol.asyncIterator]().next()),
  waitReadable: (stream, peer) => atHand(stream, peer, () => stream.waitReadable()),
  sendAll: (stream) => check(() => stream.sendAll('x')),
  sendMany: (stream) => check(() => stream.sendMany(['x', 'y'])),
  sendEof: (stream) => check(() => stream.sendEof()),
  sendFile: (stream) => check(() => stream.sendFile(new URL(import.meta.url), { length: 10 })),
  close: (stream) => closes(() => stream.close()),
}

const sockets: Record<string, Row> = {
  relay: () =>
    withTcp((left, a) =>
      withTcp(async (right, b) => {
        await Promise.all([left.sendEof(), right.sendEof()])
        await check(() => relay(a, b))
      }),
    ),
  'SocketStream.startTls': () =>
    withTcp(async (client, server) => {
      const { ca, server: own } = await certificates()
      const theirs = createTlsContext({ cert: own.cert, key: own.key })
      await createTaskGroup(async (tg) => {
        tg.spawn(() => server.startTls(theirs))
        await check(() => client.startTls(createTlsContext({ ca }), { hostname: 'server.test' }))
      })
    }),
  'SocketStream.sendFds': () =>
    withUnix(async (client, server) => {
      await withFile((fd) => client.sendFds('x', [fd]))
      closeAll((await server.receiveFds(1, 1)).fds)
      await withFile((fd) => check(() => client.sendFds('x', [fd])))
    }),
  'SocketStream.receiveFds': () =>
    withUnix(async (client, server) => {
      await withFile((fd) => client.sendFds('x', [fd]))
      closeAll((await check(() => server.receiveFds(1, 1))).fds)
    }),
  'SocketStreamServer.accept': () =>
    withServer(async (server) => {
      await using _ = await connectTcp('127.0.0.1', server.port)
      await using _accepted = await check(() => server.accept())
    }),
  'SocketStreamServer.acceptConnections': () =>
    withServer(async (server) => {
      await using _ = await connectTcp('127.0.0.1', server.port)
      const { value } = (await check(() => server.acceptConnections().next())) as { value: SocketStream }
      await value.close()
    }),
  'SocketStreamServer.waitReadable': () =>
    withServer(async (server) => {
      await using _ = await connectTcp('127.0.0.1', server.port)
      await check(() => server.waitReadable())
    }),
  'SocketStreamServer.serve': () =>
    withServer((server) =>
      createTaskGroup(async (tg) => {
        tg.spawn(async () => {
          await waitAllTasksBlocked()
          await server.close()
        })
        await check(() => server.serve(() => {}))
      }),
    ),
  'SocketStreamServer.close': () => withServer((server) => closes(() => server.close())),
  connectTcp: () =>
    withServer(async (server) => {
      await using _ = await check(() => connectTcp('127.0.0.1', server.port))
    }),
  createTcpServer: async () => {
    await using _ = await check(() => createTcpServer(0, LOCAL))
  },
  connectUnix: () =>
    withPath(async (path) => {
      await using _ = await createUnixServer(path)
      await using _stream = await check(() => connectUnix(path))
    }),
  createUnixServer: () =>
    withPath(async (path) => {
      await using _ = await check(() => createUnixServer(path))
    }),
  wrapTls: async () => {
    const { ca, server } = await certificates()
    const [here, there] = lockstepStreamPair()
    await createTaskGroup(async (tg) => {
      const theirs = tg.spawn(() =>
        wrapTls(there, createTlsContext({ cert: server.cert, key: server.key }), { serverSide: true }),
      )
      const ours = await check(() => wrapTls(here, createTlsContext({ ca }), { hostname: 'server.test' }))
      await Promise.all([ours.close(), theirs.value().then((stream) => stream.close())])
    })
  },
}

const signals: Record<string, Row> = {
  receiveSignals: () => check(() => receiveSignals('SIGUSR2', () => {})),
  'SignalReceiver.[Symbol.asyncIterator]': async () => {
    await using receiver = receiveSignals('SIGUSR2')
    process.kill(process.pid, 'SIGUSR2')
    process.kill(process.pid, 'SIGUSR2')
    await receiver[Symbol.asyncIterator]().next()
    await check(() => receiver[Symbol.asyncIterator]().next())
  },
  'SignalReceiver.close': () => closes(() => receiveSignals('SIGUSR2').close()),
}

const processes: Record<string, Row> = {
  runProcess: () => check(() => runProcess(['true'])),
  openProcess: async () => {
    await using _ = await check(() => openProcess(['true']))
    await check(() => openProcess(['true'], () => {}))
  },
  'Process.wait': () =>
    withProcess(async (process) => {
      await process.wait()
      await check(() => process.wait())
    }),
  'Process.close': () => withProcess((process) => closes(() => process.close())),
  'PipedProcess.wait': () => withProcess((process) => check(() => process.wait())),
  'PipedProcess.close': () => withProcess((process) => closes(() => process.close())),
}

/** What asks the system about a path. */
const ofPaths: Record<string, (folder: Path) => Promise<unknown>> = {
  absolute: (folder) => check(() => folder.absolute()),
  expanduser: (folder) => check(() => folder.expanduser()),
  resolve: (folder) => check(() => folder.resolve()),
  stat: (folder) => check(() => folder.stat()),
  lstat: (folder) => check(() => folder.lstat()),
  exists: (folder) => check(() => folder.exists()),
  isFile: (folder) => check(() => folder.isFile()),
  isDir: (folder) => check(() => folder.isDir()),
  isSymlink: (folder) => check(() => folder.isSymlink()),
  isFifo: (folder) => check(() => folder.isFifo()),
  isSocket: (folder) => check(() => folder.isSocket()),
  isBlockDevice: (folder) => check(() => folder.isBlockDevice()),
  isCharDevice: (folder) => check(() => folder.isCharDevice()),
  isMount: (folder) => check(() => folder.isMount()),
  samefile: (folder) => check(() => folder.samefile(folder)),
  open: async (folder) => {
    await using _ = await check(() => folder.joinpath('opened').open('w'))
  },
  readBytes: (folder) => check(() => folder.joinpath('file').readBytes()),
  readText: (folder) => check(() => folder.joinpath('file').readText()),
  writeBytes: (folder) => check(() => folder.joinpath('file').writeBytes(Buffer.from('x'))),
  writeText: (folder) => check(() => folder.joinpath('file').writeText('x')),
  mkdir: (folder) => check(() => folder.joinpath('made').mkdir()),
  rmdir: async (folder) => {
    const path = folder.joinpath('made')
    await path.mkdir()
    await check(() => path.rmdir())
  },
  unlink: (folder) => check(() => folder.joinpath('file').unlink()),
  rename: (folder) => check(() => folder.joinpath('file').rename(folder.joinpath('other'))),
  replace: (folder) => check(() => folder.joinpath('file').replace(folder.joinpath('other'))),
  copy: (folder) => check(() => folder.joinpath('file').copy(folder.joinpath('other'))),
  copyInto: async (folder) => {
    await folder.joinpath('made').mkdir()
    await check(() => folder.joinpath('file').copyInto(folder.joinpath('made')))
  },
  move: (folder) => check(() => folder.joinpath('file').move(folder.joinpath('other'))),
  moveInto: async (folder) => {
    await folder.joinpath('made').mkdir()
    await check(() => folder.joinpath('file').moveInto(folder.joinpath('made')))
  },
  symlinkTo: (folder) => check(() => folder.joinpath('link').symlinkTo('file')),
  readlink: async (folder) => {
    const link = folder.joinpath('link')
    await link.symlinkTo('file')
    await check(() => link.readlink())
  },
  hardlinkTo: (folder) => check(() => folder.joinpath('link').hardlinkTo(folder.joinpath('file'))),
  chmod: (folder) => check(() => folder.joinpath('file').chmod(0o600)),
  touch: (folder) => check(() => folder.joinpath('file').touch()),
  iterdir: (folder) => check(() => folder.iterdir().next()),
  glob: (folder) => check(() => folder.glob('*').next()),
  rglob: (folder) => check(() => folder.rglob('*').next()),
  walk: (folder) => check(() => folder.walk().next()),
}

/** What an open file has; what it reads is read ahead already. */
const ofFiles: Record<string, (file: AsyncFile<Buffer>) => Promise<unknown>> = {
  read: (file) => check(() => file.read(1)),
  read1: (file) => check(() => file.read1(1)),
  readline: (file) => check(() => file.readline()),
  readlines: (file) => check(() => file.readlines(1)),
  readinto: (file) => check(() => file.readinto(new Uint8Array(1))),
  readinto1: (file) => check(() => file.readinto1(new Uint8Array(1))),
  write: (file) => check(() => file.write(Buffer.from('x'))),
  writelines: (file) => check(() => file.writelines([])),
  truncate: (file) => check(() => file.truncate()),
  seek: (file) => check(() => file.seek(0)),
  tell: (file) => check(() => file.tell()),
  flush: (file) => check(() => file.flush()),
  close: (file) => closes(() => file.close()),
  '[Symbol.asyncIterator]': (file) => check(() => file[Symbol.asyncIterator]().next()),
}

type Datagrams = UDPSocket | UNIXDatagramSocket

/** What both kinds of datagram sockets have. */
const ofDatagrams: Record<string, (socket: Datagrams, send: () => Promise<void>) => Promise<unknown>> = {
  receive: async (socket, send) => {
    await send()
    await check<unknown>(() => socket.receive(10))
  },
  receivePackets: async (socket, send) => {
    await send()
    await check<unknown>(() => socket.receivePackets(10)[Symbol.asyncIterator]().next())
  },
  receiveBatch: async (socket, send) => {
    await send()
    await check<unknown>(() => socket.receiveBatch(10))
  },
  waitReadable: async (socket, send) => {
    await send()
    await check(() => socket.waitReadable())
  },
  send: (_, send) => check(send),
  sendBatch: (socket) => check(() => socket.sendBatch([])),
  close: (socket) => closes(() => socket.close()),
}

const datagrams: Record<string, Row> = {
  getAddrInfo: () => check(() => getAddrInfo('127.0.0.1', 80)),
  getNameInfo: () => check(() => getNameInfo({ address: '127.0.0.1', port: 80 }, { flags: 'NI_NUMERICHOST' })),
  waitSocketReadable: () =>
    withReadable(async (socket) => {
      await check(() => waitSocketReadable(socket))
    }),
  waitSocketWritable: () =>
    withReadable(async (socket) => {
      await check(() => waitSocketWritable(socket))
    }),
  createUdpSocket: async () => {
    await using _ = await check(() => createUdpSocket(LOCAL))
  },
  createUnixDatagramSocket: () =>
    withPath(async (path) => {
      await using _ = await check(() => createUnixDatagramSocket({ path }))
    }),
}

const files: Record<string, Row> = {
  aopen: () =>
    withPath(async (path) => {
      await using _ = await check(() => aopen(path, 'w'))
    }),
  TemporaryFile: async () => {
    await using _ = await check(() => TemporaryFile())
  },
  NamedTemporaryFile: async () => {
    await using _ = await check(() => NamedTemporaryFile())
  },
  TemporaryDirectory: async () => {
    await using _ = await check(() => TemporaryDirectory())
  },
  'TemporaryDirectory.close': async () => {
    const directory = await TemporaryDirectory()
    await closes(() => directory.close())
  },
}

const table: Record<string, Row> = {
  ...waiting,
  ...synchronisation,
  ...sockets,
  ...datagrams,
  ...signals,
  ...processes,
  ...files,
  ...named(ofPaths, 'Path', async (row) => {
    await using directory = await TemporaryDirectory()
    await directory.path.joinpath('file').writeText('text')
    await row(directory.path)
  }),
  ...named(ofFiles, 'AsyncFile', (row) =>
    withPath(async (path) => {
      writeFileSync(path, 'first\nsecond\nthird\n')
      await using file = await aopen(path, 'r+b')
      await file.readline()
      await row(file)
    }),
  ),
  ...named(ofStreams, 'Stream', (row) => row(...memoryStreamPair())),
  ...named(ofStreams, 'SocketStream', (row) => withTcp(row)),
  ...named(ofDatagrams, 'UDPSocket', async (row) => {
    await using socket = await createUdpSocket(LOCAL)
    await using sender = await createUdpSocket({ ...LOCAL, targetHost: '127.0.0.1', targetPort: socket.port })
    await row(socket, () => sender.send('x'))
  }),
  ...named(ofDatagrams, 'UNIXDatagramSocket', (row) =>
    withPath(async (path) => {
      await using socket = await createUnixDatagramSocket({ path })
      await using sender = await createUnixDatagramSocket({ remotePath: path })
      await row(socket, () => sender.send('x'))
    }),
  ),
}

const BODY = 'runs a body, which goes on to its first checkpoint in a cancelled scope too (S4, G3)'
const exceptions: Record<string, string> = {
  run: 'begins a tree of its own, outside of every scope',
  finalize: `${BODY}; closing is its disposer`,
  openCancelScope: BODY,
  moveOnAfter: BODY,
  moveOnAt: BODY,
  failAfter: BODY,
  failAt: BODY,
  'CancelScope.run': BODY,
  createTaskGroup: `${BODY}; leaving a group is a schedule point (§3)`,
  gather: `${BODY}; leaving a group is a schedule point (§3)`,
  mapConcurrent: `${BODY}; leaving a group is a schedule point (§3)`,
  raceTasks: `${BODY}; leaving a group is a schedule point (§3)`,
  'TaskGroup.start': 'a schedule point (§3)',
  cancelShieldedCheckpoint: 'never throws a cancellation, by its name',
}

test('every async operation of the public API is in the table, or an exception with its reason', (t) => {
  const operations = asyncOperations(readFileSync(new URL('../../index.d.ts', import.meta.url), 'utf8'))
  t.true(operations.length > 50)
  const known = [...Object.keys(table), ...Object.keys(exceptions)]
  // A disposer is the same as close().
  const wanted = operations.filter((name) => !name.endsWith('.[Symbol.asyncDispose]'))
  t.deepEqual(
    wanted.filter((name) => !known.includes(name)),
    [],
    'not in the table',
  )
  t.deepEqual(
    known.filter((name) => !wanted.includes(name)),
    [],
    'in the table, and not in the public API',
  )
})

for (const [name, row] of Object.entries(table)) {
  const title = name.endsWith('.close') ? `${name} raises no cancellation` : `${name} is a checkpoint`
  const body: BackendTest = async (t, backend) => {
    await t.notThrowsAsync(backend.run(row))
  }
  const feature = featureOf(name)
  if (feature === undefined) eachBackend(test, title, body)
  else eachBackendWith(feature, test, title, body)
}

/** Closing is no checkpoint: it works in a cancelled scope, and the next checkpoint raises. */
async function closes(close: () => Promise<void>): Promise<void> {
  const scope = new CancelScope()
  await scope.run(async () => {
    scope.cancel()
    await close()
    await checkpoint()
  })
  assert(scope.cancelledCaught, 'the checkpoint after the close did not raise')
}

/** What not every backend has. */
function featureOf(name: string): Feature | undefined {
  if (/Fds$/.test(name)) return 'descriptors'
  if (/^waitSocket/.test(name)) return 'waits'
  if (/UnixDatagram|UNIXDatagram/.test(name)) return 'unixDatagrams'
  if (/Unix/.test(name)) return 'unix'
  return /U(dp|DP)/.test(name) ? 'udp' : undefined
}

/** `name` and `Class.method` of what returns a promise or iterates asynchronously; inherited methods too. */
function asyncOperations(declarations: string): string[] {
  const source = ts.createSourceFile('index.d.ts', declarations, ts.ScriptTarget.Latest, true)
  const exported = new Set(exportedNames(declarations))
  const classes = new Map<string, ts.ClassDeclaration | ts.InterfaceDeclaration>()
  const found: string[] = []
  for (const statement of source.statements) {
    if (ts.isFunctionDeclaration(statement) && exported.has(statement.name!.text) && isAsync(statement.type)) {
      found.push(statement.name!.text)
    } else if (ts.isClassDeclaration(statement) || ts.isInterfaceDeclaration(statement)) {
      classes.set(statement.name!.text, statement)
    }
  }
  for (const name of exported) found.push(...methodsOf(name, classes).map((method) => `${name}.${method}`))
  return [...new Set(found)]
}

function methodsOf(
  name: string,
  classes: ReadonlyMap<string, ts.ClassDeclaration | ts.InterfaceDeclaration>,
): string[] {
  const declaration = classes.get(name)
  if (declaration === undefined) return []
  const own = declaration.members.flatMap((member) =>
    (ts.isMethodDeclaration(member) || ts.isMethodSignature(member)) && isAsync(member.type)
      ? [member.name.getText()]
      : [],
  )
  const bases = declaration.heritageClauses?.filter(({ token }) => token === ts.SyntaxKind.ExtendsKeyword) ?? []
  return [
    ...own,
    ...bases.flatMap(({ types }) => types.flatMap((type) => methodsOf(type.expression.getText(), classes))),
  ]
}

function isAsync(type: ts.TypeNode | undefined): boolean {
  return (
    type !== undefined && /^(Promise(Like)?|Async(Iterable|Iterator|IterableIterator|Generator))</.test(type.getText())
  )
}

/** A row for each method of a class. */
function named<R>(rows: Record<string, R>, name: string, withRow: (row: R) => Promise<unknown>): Record<string, Row> {
  return Object.fromEntries(Object.entries(rows).map(([method, row]) => [`${name}.${method}`, () => withRow(row)]))
}

/** Bytes are read ahead, so that nothing has to wait. */
async function atHand(stream: Stream, peer: Stream, call: () => Promise<unknown>): Promise<void> {
  await peer.sendAll('first\nsecond\nthird\n')
  await stream.receiveUntil('\n', 10)
  await check(call)
}

async function withTask(
  body: (handle: { wait(): Promise<void>; value(): Promise<unknown> }) => Promise<unknown>,
): Promise<void> {
  await createTaskGroup(async (tg) => {
    const handle = tg.spawn(() => 'value')
    await handle.wait()
    await body(handle)
  })
}

async function withServer(body: (server: SocketStreamServer) => Promise<unknown>): Promise<void> {
  await using server = await createTcpServer(0, LOCAL)
  await body(server)
}

async function withProcess(body: (process: Process) => Promise<unknown>): Promise<void> {
  await using process = await openProcess(['true'])
  await body(process)
}

function withTcp(body: (client: SocketStream, server: SocketStream) => Promise<unknown>): Promise<void> {
  return withServer(async (listener) => {
    const client = await connectTcp('127.0.0.1', listener.port)
    const server = await listener.accept()
    try {
      await body(client, server)
    } finally {
      // Together: once they speak TLS, each waits for the other's goodbye.
      await Promise.all([client[Symbol.asyncDispose](), server[Symbol.asyncDispose]()])
    }
  })
}

async function withPath(body: (path: string) => Promise<unknown>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'structio-'))
  try {
    await body(join(folder, 'socket'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function withUnix(
  body: (client: SocketStream<string>, server: SocketStream<string>) => Promise<unknown>,
): Promise<void> {
  return withPath(async (path) => {
    await using listener = await createUnixServer(path)
    await using client = await connectUnix(path)
    await using server = await listener.accept()
    await body(client, server)
  })
}

/** A socket with a datagram to be read. */
async function withReadable(body: (socket: UDPSocket) => Promise<unknown>): Promise<void> {
  await using socket = await createUdpSocket(LOCAL)
  await socket.send('x', socket.address)
  await body(socket)
}

async function withFile(body: (fd: number) => Promise<unknown>): Promise<void> {
  const fd = openSync('/dev/null', 'r')
  try {
    await body(fd)
  } finally {
    closeSync(fd)
  }
}

function closeAll(fds: readonly number[]): void {
  for (const fd of fds) closeSync(fd)
}
