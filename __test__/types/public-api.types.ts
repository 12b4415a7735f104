/**
 * What the public types promise, as assertions for the compiler: nothing here ever runs. `types.spec.ts` compiles this
 * file against the committed `index.d.ts`, as a consumer's compiler would.
 */
import {
  abandonOnCancel,
  aopen,
  Cancelled,
  CancelScope,
  ConnectionFailed,
  connectTcp,
  createTaskGroup,
  createTcpServer,
  currentSignal,
  currentTime,
  ExceptionGroup,
  failAfter,
  failAt,
  finalize,
  gather,
  getAddrInfo,
  getAllBackends,
  getCancelledExcClass,
  getCurrentTask,
  getNameInfo,
  getRunningTasks,
  isCancelled,
  mapConcurrent,
  moveOnAfter,
  moveOnAt,
  NotRunningError,
  notifySocketClose,
  openCancelScope,
  raceTasks,
  run,
  RunFinishedError,
  select,
  selectAll,
  sleep,
  Stream,
  TaskInfo,
  TLSEOFError,
  BrokenResourceError,
  UsageError,
  waitSocketReadable,
  waitSocketWritable,
  type AddrInfo,
  type AsyncFile,
  type CancelReason,
  type FailScope,
  type Queue,
  type SocketAddress,
  type SocketStream,
  type SocketStreamServer,
  type TaskGroup,
  type TaskHandle,
  type TaskStatus,
  type CapacityLimiter,
  currentDefaultThreadLimiter,
  fromThread,
  runAsyncFromThread,
  runInThread,
  threadTask,
  BlockingPortal,
  createBlockingPortal,
  type PortalHandle,
  runInProcess,
  openProcess,
  runProcess,
  type CompletedProcess,
  type OpenProcessOptions,
  type PipedProcess,
  type Process,
  type RunProcessOptions,
} from 'structio'
import {
  assertCheckpoints,
  assertNoCheckpoints,
  checkStream,
  forEachSeed,
  lockstepStreamPair,
  memoryStreamPair,
  Sequencer,
} from 'structio/testing'

/** True only for identical types; `any` is identical to nothing but itself. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function same<A, B>(proof: Same<A, B>): void
/** `is<number>()(value)` compiles where the value's type is exactly that, and is "not assignable to never" elsewhere. */
declare function is<Expected>(): <Actual>(
  value: Actual & (Same<Actual, Expected> extends true ? unknown : never),
) => void

declare const scope: CancelScope
declare const stream: SocketStream
declare const server: SocketStreamServer
declare const controller: AbortController

// run: the value of main; undefined as well where a signal may end it first.
is<Promise<number>>()(run(() => 1))
is<Promise<string>>()(
  run(async () => 'x', { backend: 'node', name: 'main', signal: controller.signal, keepAlive: false }),
)
is<Promise<number | undefined>>()(run(async () => 1, { shutdownSignals: ['SIGINT', 'SIGTERM'] }))
void run(() => 1, { backend: 'native', backendOptions: { driver: 'thread' } })
// @ts-expect-error: a promise has already begun
void run(Promise.resolve(1))
// @ts-expect-error: no such backend
void run(() => 1, { backend: 'curio' })
// @ts-expect-error: no such signal
void run(() => 1, { shutdownSignals: ['SIGNIFICANT'] })
is<readonly string[]>()(getAllBackends())

// Scopes: a scope that may be cut off gives undefined then; a fail scope throws instead, unless its body can cancel it.
is<Promise<number>>()(openCancelScope(() => 1))
is<Promise<number>>()(openCancelScope({ shield: true, name: 's', signal: controller.signal }, async () => 1))
is<Promise<number | undefined>>()(
  openCancelScope((inner) => {
    same<typeof inner, CancelScope>(true)
    return 1
  }),
)
is<Promise<string | undefined>>()(openCancelScope({ shield: true }, async (inner) => (inner.cancel(), 'x')))
is<Promise<number | undefined>>()(
  openCancelScope({ deadline: currentTime() + 1, shield: true, name: 's', signal: controller.signal }, async () => 1),
)
is<Promise<Buffer | undefined>>()(moveOnAfter(10, () => stream.receiveSome()))
is<Promise<string | undefined>>()(moveOnAt(currentTime() + 10, { shield: true }, () => 'x'))
is<Promise<Buffer>>()(failAfter(10, () => stream.receiveSome()))
is<Promise<number>>()(failAt(Infinity, { name: 'f' }, () => 1))
is<Promise<number>>()(failAfter(null, async () => 1))
is<Promise<number>>()(
  failAfter(10, (inner) => {
    same<typeof inner, FailScope>(true)
    inner.deadline += 5
    is<AbortSignal>()(inner.signal)
    // @ts-expect-error: the call would have no value
    inner.cancel()
    return 1
  }),
)
is<Promise<string>>()(failAt(1, { name: 'f' }, async (inner) => String(inner.shield)))
is<AbortSignal>()(currentSignal())
is<boolean>()(isCancelled(new Error()))
is<Promise<number | undefined>>()(
  scope.run((inner) => {
    same<typeof inner, CancelScope>(true)
    return 1
  }),
)
scope.deadline = Infinity
scope.shield = true
same<typeof scope.cancelReason, CancelReason | undefined>(true)
same<CancelReason['kind'], 'explicit' | 'deadline' | 'task-failed' | 'signal' | 'shutdown' | 'scope-ended'>(true)
is<AbortSignal>()(scope.signal)
// @ts-expect-error: only the kernel sets it
scope.cancelCalled = true
void new CancelScope({ deadline: 5 })
// @ts-expect-error: a delay is a number of milliseconds
void moveOnAfter('10', () => 1)
is<Promise<number>>()(
  abandonOnCancel(Promise.resolve(1), {
    discard(value) {
      same<typeof value, number>(true)
    },
  }),
)
same<ReturnType<typeof getCancelledExcClass>, typeof Cancelled>(true)

// Task groups: arguments are those of the task function, and the handle has its value.
void createTaskGroup(async (tg) => {
  same<typeof tg, TaskGroup>(true)
  is<CancelScope>()(tg.cancelScope)
  is<TaskHandle<number>>()(tg.spawn(add, 1, 2))
  is<TaskHandle<number>>()(tg.spawn({ name: 'sum' }, add, 1, 2))
  is<TaskHandle<void>>()(tg.spawn(async () => {}))
  is<Promise<number>>()(tg.spawn(add, 1, 2).value())
  // @ts-expect-error: an argument is missing
  tg.spawn(add, 1)
  // @ts-expect-error: an argument is of another type
  tg.spawn(add, 1, 'two')
  // @ts-expect-error: a promise instead of a function
  tg.spawn(sleep(1))
  is<Promise<string>>()(tg.start(ready, 7))
  is<Promise<string>>()(tg.start({ name: 'r' }, ready, 7))
  // @ts-expect-error: the argument after the status
  await tg.start(ready, 'seven')
})
is<Promise<string>>()(createTaskGroup({ name: 'g', shield: true }, () => 'x'))
is<Promise<number>>()(createTaskGroup(async () => 1))
is<Promise<number | undefined>>()(createTaskGroup(async (tg) => (tg.cancelScope.cancel(), 1)))
is<Promise<number | undefined>>()(createTaskGroup({ name: 'g' }, (tg) => (void tg.spawn(add, 1, 2), 1)))
is<Promise<[number, string]>>()(gather([() => 1, async () => 'x']))
is<Promise<number[]>>()(gather([1, 2].map((n) => async () => n)))
is<Promise<[number, string]>>()(gather([() => 1, async () => 'x'], { limit: 1 }))
is<Promise<string[]>>()(mapConcurrent([1, 2], (n) => n.toFixed(), { limit: 2 }))
is<Promise<number[]>>()(mapConcurrent(chunks(), (chunk) => chunk.length, { limit: 2 }))
is<Promise<string | number>>()(raceTasks([() => 1, async () => 'x']))

// Errors: a class for each condition, with a stable code, in the order of inheritance that catch blocks rely on.
declare const group: ExceptionGroup
is<[ExceptionGroup | undefined, ExceptionGroup | undefined]>()(group.split((leaf) => leaf instanceof UsageError))
is<Iterable<unknown>>()(group.leaves())
is<void>()(
  ExceptionGroup.handle(group, [
    [NotRunningError, (part) => void same<typeof part, ExceptionGroup>(true)],
    [(leaf) => leaf instanceof Error && leaf.name === 'x', (part) => void same<typeof part, ExceptionGroup>(true)],
    [AggregateError, () => undefined],
  ]),
)
// @ts-expect-error: no pair
void ExceptionGroup.handle(group, [NotRunningError])
// @ts-expect-error: what matches is a class or a predicate
void ExceptionGroup.handle(group, [['NotRunningError', () => undefined]])
const aggregates: AggregateError[] = [group, new ConnectionFailed([])]
const usage: UsageError[] = [new NotRunningError(), new RunFinishedError()]
const broken: BrokenResourceError = new TLSEOFError()
is<string>()(usage[0]?.code ?? broken.code)
void aggregates

// Streams
is<Promise<SocketStream>>()(connectTcp('localhost', 80, { bindPort: 1, happyEyeballsDelay: 100, noDelay: false }))
is<Promise<SocketStreamServer>>()(createTcpServer())
is<Promise<SocketStreamServer>>()(createTcpServer(0, { interface: '::', backlog: 5, reusePort: true }))
is<Promise<void>>()(
  server.serve(
    (connection) => {
      same<typeof connection, SocketStream>(true)
    },
    { maxConnections: 3, onError() {} },
  ),
)
const anyStream: Stream = stream
is<Buffer>()(anyStream.bufferedData)
is<Promise<Buffer>>()(anyStream.receiveUntil('\n', 10, { includeDelimiter: false }))
is<Promise<number>>()(anyStream.receiveInto(new Uint8Array(4)))
is<AsyncIterableIterator<Buffer>>()(anyStream.receiveChunks())
is<AsyncIterableIterator<Buffer>>()(anyStream.receiveDelimitedChunks(new Uint8Array([0]), 10))
is<AsyncIterableIterator<Buffer[]>>()(anyStream.receiveDelimitedBatches('\n', 10, { includeDelimiter: true }))
is<Promise<void>>()(anyStream.sendMany(['a', new Uint8Array(1)]))
// @ts-expect-error: a number is no data
void anyStream.sendAll(1)
is<SocketAddress>()(stream.localAddress)
void (async () => {
  await using connection = await server.accept()
  for await (const chunk of connection) is<Buffer>()(chunk)
  for await (const next of server.acceptConnections()) is<SocketStream>()(next)
})
// A stream of one's own.
class Silence extends Stream {
  override receiveSome(): Promise<Buffer> {
    return Promise.resolve(Buffer.alloc(0))
  }
  override async sendAll(): Promise<void> {}
  override async sendEof(): Promise<void> {}
  override async close(): Promise<void> {}
}
is<Promise<Buffer>>()(new Silence().receiveExactly(1))
// @ts-expect-error: abstract
void new Stream()

// finalize and introspection
is<Promise<number>>()(
  finalize(chunks(), async (all) => {
    await all.next()
    return 1
  }),
)
void (async () => {
  await using all = finalize(chunks())
  is<AsyncGenerator<string> & AsyncDisposable>()(all)
})
is<TaskInfo>()(getCurrentTask())
void getRunningTasks().map((info) => [info.id, info.parentId, info.name, info.fn])

// Threads
is<Promise<number>>()(runInThread(add, 1, 2))
is<Promise<number>>()(runInThread({ name: 'sum', expose: { add } }, (a: number) => a * 2, 1))
is<Promise<number>>()(runInThread(threadTask<typeof add>(new URL('file:///work.js'), 'add'), 1, 2))
is<Promise<number>>()(runInThread({}, threadTask<typeof add>(new URL('file:///work.js'), 'add'), 1, 2))
// Nothing is known of it: the caller says what it returns.
is<Promise<string>>()(runInThread<string>(threadTask(new URL('file:///work.js'), 'read'), 'x', 1))
// @ts-expect-error: add takes two numbers
void runInThread(threadTask<typeof add>(new URL('file:///work.js'), 'add'), 'x', 2)
// @ts-expect-error: add takes two numbers
void runInThread(add, 1)
is<number>()(runAsyncFromThread<number>('add', 1, 2))
is<void>()(fromThread.checkCancelled())
is<CapacityLimiter>()(currentDefaultThreadLimiter())
is<Promise<number>>()(runInProcess(add, 1, 2))
is<Promise<number>>()(runInProcess({ abandonOnCancel: true }, (a: number) => a * 2, 1))
is<Promise<BlockingPortal>>()(createBlockingPortal({ expose: { add } }))
declare const handle: PortalHandle
is<number>()(BlockingPortal.attach(handle).call<number>('add', 1, 2))
is<number>()(BlockingPortal.attach(handle).startTaskSoon<number>('add', 1, 2).result())

// Processes: a standard stream is there where the options ask for a pipe, and null where they ask for something else.
is<Promise<Process<Stream, Stream, Stream>>>()(openProcess(['cat']))
is<Promise<Stream>>()(openProcess(['cat'], (process) => process.stdin))
is<Promise<Stream>>()(openProcess(['cat'], { stderr: 'stdout' }, (process) => process.stdout))
is<Promise<null>>()(openProcess(['cat'], { stderr: 'stdout' }, (process) => process.stderr))
is<Promise<Process<null, Stream, null>>>()(openProcess(['cat'], { stdin: 'ignore', stderr: 'inherit', cwd: '/' }))
is<Promise<Process<null, null, Stream>>>()(openProcess(['cat'], { stdin: 'null', stdout: 3, stderr: undefined }))
is<Promise<Process<Stream, null, Stream>>>()(openProcess('cat', { stdout: { fd: 1 } }))
declare const processOptions: OpenProcessOptions
is<Promise<Process>>()(openProcess(['cat'], processOptions))
is<Promise<Stream | null>>()(openProcess(['cat'], processOptions, ({ stdin }) => stdin))
declare const verbose: boolean
is<Promise<Process<Stream, Stream | null, Stream>>>()(openProcess(['cat'], { stdout: verbose ? 'pipe' : 'ignore' }))
declare function takesPiped(process: PipedProcess): void
void openProcess(['cat'], { cwd: '/', stdout: 'pipe' }, takesPiped)
void openProcess(['cat']).then(takesPiped)
// @ts-expect-error: its errors go where the output goes
void openProcess(['cat'], { stderr: 'stdout' }, takesPiped)
// @ts-expect-error: no such option
void openProcess(['cat'], { stdout: 'pipe', directory: '/' })
// @ts-expect-error: only the errors can go where the output goes
void openProcess(['cat'], { stdout: 'stdout' })
is<Promise<CompletedProcess>>()(runProcess(['cat'], { input: 'x', check: false }))
is<Promise<CompletedProcess<Buffer, null>>>()(runProcess(['cat'], { stdin: 'inherit', stderr: 'stdout' }))
is<Promise<CompletedProcess<null, Buffer>>>()(runProcess(['cat'], { stdout: 'ignore', stderr: 'pipe' }))
declare const runOptions: RunProcessOptions
is<Promise<CompletedProcess<Buffer | null>>>()(runProcess(['cat'], runOptions))
// @ts-expect-error: no such option
void runProcess(['cat'], { stdout: 'pipe', stdio: 'pipe' })

// Descriptors and names.
is<Promise<void>>()(waitSocketReadable(3))
is<Promise<void>>()(waitSocketWritable({ fd: 3 }))
is<Promise<void>>()(waitSocketReadable(stream))
is<void>()(notifySocketClose(server))
// @ts-expect-error: a descriptor is a number, or an object's
void waitSocketReadable('3')
is<Promise<AddrInfo[]>>()(getAddrInfo('localhost', 'http', { family: 'IPv6', type: 'stream', flags: ['AI_PASSIVE'] }))
is<Promise<AddrInfo[]>>()(getAddrInfo(null, 80, { family: 4, flags: 1 }))
// @ts-expect-error: no such flag
void getAddrInfo('localhost', null, { flags: 'AI_NO_SUCH' })
// @ts-expect-error: the host is given, be it as null
void getAddrInfo(undefined, 80)
is<Promise<{ host: string; service: string }>>()(
  getNameInfo(stream.remoteAddress).then(({ host, service }) => ({ host, service })),
)

declare function add(a: number, b: number): Promise<number>
declare function ready(status: TaskStatus<string>, n: number): Promise<void>
declare function chunks(): AsyncGenerator<string>

// Testing: the same classes as those of the main entry.
is<[Stream, Stream]>()(memoryStreamPair())
is<Promise<void>>()(checkStream(lockstepStreamPair, { name: 'lockstep', halfClose: true, capacity: 0 }))
void checkStream(async () => [stream, stream])
// @ts-expect-error: one stream is no pair
void checkStream(() => [stream])
is<Promise<Buffer>>()(assertCheckpoints(() => stream.receiveSome()))
is<Promise<number>>()(assertNoCheckpoints(() => 1))
is<Promise<string>>()(new Sequencer().use(0, async () => 'x'))
is<Promise<void>>()(forEachSeed(10, async (seed) => void seed.toFixed()))
void forEachSeed([3, 17], (seed) => run(() => seed))
// @ts-expect-error: seeds are numbers
void forEachSeed(['3'], () => {})

// Files: the mode's literal decides what is read and written.
is<Promise<AsyncFile<string>>>()(aopen('x'))
is<Promise<AsyncFile<string>>>()(aopen(new URL('file:///x'), 'r+', { newline: null, encoding: undefined }))
is<Promise<AsyncFile<Buffer>>>()(aopen(Buffer.from('x'), 'rb'))
is<Promise<AsyncFile<Buffer>>>()(aopen(0, 'r+b', { closefd: false }))
declare const text: AsyncFile<string>
declare const bytes: AsyncFile<Buffer>
is<Promise<string[]>>()(text.readlines())
is<Promise<Buffer>>()(bytes.read(1))
void bytes.write(new Uint8Array(1))
// @ts-expect-error: text is a string
void text.write(Buffer.alloc(1))
// @ts-expect-error: bytes are no string
void bytes.write('x')

/** `select` knows which source gives what: by the place in a tuple, and by the key of a record. */
export async function selecting(
  stream: Stream,
  server: SocketStreamServer,
  numbers: Queue<number>,
  task: TaskHandle<string>,
): Promise<void> {
  const [index, value] = await select([stream, numbers, task])
  if (index === 0) value satisfies Buffer
  else if (index === 1) value satisfies number
  else value satisfies string
  const [key, chosen] = await select({ server, numbers })
  if (key === 'server') chosen satisfies SocketStream
  else chosen satisfies number
  for await (const [source, item] of selectAll([numbers, stream])) {
    source satisfies Queue<number> | Stream
    item satisfies number | Buffer
  }
  const many: readonly Queue<number>[] = [numbers]
  const [place, number] = await select(many)
  place satisfies number
  number satisfies number
  // @ts-expect-error: a source of another key gives something else
  if (key === 'numbers') chosen satisfies SocketStream
  // @ts-expect-error: a promise is no source
  await select([Promise.resolve(1)])
}
