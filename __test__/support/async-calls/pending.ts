/**
 * Set-ups in which a call waits until it is cancelled. What has none here (a look-up, a file operation) waits by
 * itself, for as long as the system takes.
 */
import { truncateSync, writeFileSync } from 'node:fs'
import {
  abandonOnCancel,
  createBroadcast,
  createCapacityLimiter,
  createCondition,
  createEvent,
  createLock,
  createMemoryObjectStream,
  createPool,
  createQueue,
  createRateLimiter,
  createSemaphore,
  createTaskGroup,
  createTlsContext,
  every,
  openProcess,
  type PipedProcess,
  receiveSignals,
  relay,
  retry,
  runProcess,
  select,
  selectAll,
  sleep,
  sleepForever,
  sleepUntil,
  type Stream,
  type TaskHandle,
  ticks,
  waitSocketReadable,
  createUdpSocket,
  wrapTls,
} from '../../../index.ts'
import { lockstepStreamPair } from '../../../src/testing/index.ts'
import { exists } from '../processes.ts'
import { LOCAL } from '../tls.ts'
import type { Check, Row } from './calls.ts'
import { waitingBodies } from './bodies.ts'
import type { Datagrams } from './datagrams.ts'
import { nodeAndTestingPending } from './node-and-testing.ts'
import { withFile, withPath, withServer, withTcp, withUnix } from './set-ups.ts'

export const pending: Record<string, Row> = {
  ...waitingBodies,
  ...nodeAndTestingPending,
  sleep: (check) => check(() => sleep(2 ** 40)),
  sleepUntil: (check) => check(() => sleepUntil(Infinity)),
  sleepForever: (check) => check(() => sleepForever()),
  abandonOnCancel: (check) => check(() => abandonOnCancel(new Promise(() => {}))),
  retry: (check) => check(() => retry(() => sleepForever())),
  every: (check) => check(() => every(2 ** 40, () => {})),
  ticks: (check) => check(() => ticks(2 ** 40).next()),
  'TaskHandle.wait': (check) => withSleeper((handle) => check(() => handle.wait())),
  'TaskHandle.value': (check) => withSleeper((handle) => check(() => handle.value())),
  ...ofHolders(),
  'Event.wait': (check) => check(() => createEvent().wait()),
  // Its lock belongs to a task: it is taken where the call is made.
  'Condition.wait': (check) => {
    const condition = createCondition()
    return check(() => condition.use(() => condition.wait()))
  },
  'Condition.waitFor': (check) => {
    const condition = createCondition()
    return check(() => condition.use(() => condition.waitFor(() => false)))
  },
  'Queue.put': (check) => {
    const queue = createQueue<number>(1)
    queue.putNowait(1)
    return check(() => queue.put(2))
  },
  'Queue.get': (check) => check(() => createQueue<number>(1).get()),
  'Queue.getBatch': (check) => check(() => createQueue<number>(1).getBatch(2)),
  'Queue.waitReadable': (check) => check(() => createQueue<number>(1).waitReadable()),
  'Queue.[Symbol.asyncIterator]': (check) => check(() => createQueue<number>(1)[Symbol.asyncIterator]().next()),
  'MemorySendStream.send': (check) => {
    const [send] = createMemoryObjectStream<number>(0)
    return check(() => send.send(1))
  },
  'MemoryReceiveStream.receive': (check) => {
    const [send, receive] = createMemoryObjectStream<number>(0)
    return check(() => receive.receive()).finally(() => send.close())
  },
  'MemoryReceiveStream.receiveBatch': (check) => {
    const [send, receive] = createMemoryObjectStream<number>(0)
    return check(() => receive.receiveBatch(2)).finally(() => send.close())
  },
  'MemoryReceiveStream.waitReadable': (check) => {
    const [send, receive] = createMemoryObjectStream<number>(0)
    return check(() => receive.waitReadable()).finally(() => send.close())
  },
  // A socket is waited for by other means than a queue.
  select: (check) => withTcp((stream) => check(() => select([createQueue<number>(1), stream]))),
  selectAll: (check) => withTcp((stream) => check(() => selectAll([createQueue<number>(1), stream]).next())),
  'Broadcast.send': (check) => {
    const broadcast = createBroadcast<number>(1, { onFull: 'wait' })
    const subscription = broadcast.subscribe()
    broadcast.sendNowait(1)
    return check(() => broadcast.send(2)).finally(() => subscription.close())
  },
  'RateLimiter.acquire': (check) => {
    const limiter = createRateLimiter({ limit: 1, interval: 2 ** 40 })
    limiter.acquireNowait()
    return check(() => limiter.acquire())
  },
  'Pool.use': async (check) => {
    await using pool = createPool({ create: () => 1, destroy: () => {}, max: 1 })
    await check(() => pool.use(() => sleepForever()))
  },
  'MemoryReceiveStream.[Symbol.asyncIterator]': (check) => {
    const [send, receive] = createMemoryObjectStream<number>(0)
    return check(() => receive[Symbol.asyncIterator]().next()).finally(() => send.close())
  },
  relay: (check) => withTcp((_, a) => withTcp((_other, b) => check(() => relay(a, b)))),
  'SocketStream.startTls': (check) =>
    withTcp((client) => check(() => client.startTls(createTlsContext(), { hostname: 'server.test' }))),
  'SocketStream.sendFds': (check) =>
    withUnix((client) =>
      createTaskGroup(async (tg) => {
        tg.spawn(() => client.sendAll(MUCH))
        await sleep(0)
        await withFile((fd) => check(() => client.sendFds('x', [fd])))
        tg.cancelScope.cancel()
      }),
    ),
  'SocketStream.receiveFds': (check) => withUnix((client) => check(() => client.receiveFds(1, 1))),
  'SocketStreamServer.accept': (check) => withServer((server) => check(() => server.accept())),
  'SocketStreamServer.waitReadable': (check) => withServer((server) => check(() => server.waitReadable())),
  'SocketStreamServer.acceptConnections': (check) =>
    withServer((server) => check(() => server.acceptConnections().next())),
  'SocketStreamServer.serve': (check) => withServer((server) => check(() => server.serve(() => {}))),
  wrapTls: (check) => {
    const [here] = lockstepStreamPair()
    return check(() => wrapTls(here, createTlsContext(), { hostname: 'server.test' }))
  },
  waitSocketReadable: async (check) => {
    await using socket = await createUdpSocket(LOCAL)
    await check(() => waitSocketReadable(socket))
  },
  receiveSignals: (check) => check(() => receiveSignals('SIGUSR2', () => sleepForever())),
  'SignalReceiver.[Symbol.asyncIterator]': async (check) => {
    await using receiver = receiveSignals('SIGUSR2')
    await check(() => receiver[Symbol.asyncIterator]().next())
  },
  runProcess: (check) => check(() => runProcess(SLEEPER)),
  'Process.wait': (check) => withLongProcess((process) => check(() => process.wait())),
  'Process.close': (check) => withLongProcess((process) => check(() => process.close())),
  'Process.[Symbol.asyncDispose]': (check) => withLongProcess((process) => check(() => process[Symbol.asyncDispose]())),
  'PipedProcess.wait': (check) => withLongProcess((process) => check(() => process.wait())),
  'PipedProcess.close': (check) => withLongProcess((process) => check(() => process.close())),
  'PipedProcess.[Symbol.asyncDispose]': (check) =>
    withLongProcess((process) => check(() => process[Symbol.asyncDispose]())),
}

/** Streams whose peer neither sends nor receives. */
export const ofIdleStreams: Record<string, (check: Check, stream: Stream) => Promise<unknown>> = {
  receiveSome: (check, stream) => check(() => stream.receiveSome()),
  receiveInto: (check, stream) => check(() => stream.receiveInto(new Uint8Array(1))),
  receiveExactly: (check, stream) => check(() => stream.receiveExactly(1)),
  receiveUntil: (check, stream) => check(() => stream.receiveUntil('\n', 10)),
  receiveChunks: (check, stream) => check(() => stream.receiveChunks().next()),
  receiveDelimitedChunks: (check, stream) => check(() => stream.receiveDelimitedChunks('\n', 10).next()),
  receiveDelimitedBatches: (check, stream) => check(() => stream.receiveDelimitedBatches('\n', 10).next()),
  '[Symbol.asyncIterator]': (check, stream) => check(() => stream[Symbol.asyncIterator]().next()),
  waitReadable: (check, stream) => check(() => stream.waitReadable()),
  sendAll: (check, stream) => check(() => stream.sendAll(MUCH)),
  sendMany: (check, stream) => check(() => stream.sendMany([MUCH, MUCH])),
  sendFile: (check, stream) =>
    withPath((path) => {
      writeFileSync(path, '')
      truncateSync(path, MUCH.length)
      return check(() => stream.sendFile(path))
    }),
}

/** Sockets that get nothing. */
export const ofIdleDatagrams: Record<string, (check: Check, socket: Datagrams) => Promise<unknown>> = {
  receive: (check, socket) => check<unknown>(() => socket.receive(10)),
  receivePackets: (check, socket) => check<unknown>(() => socket.receivePackets(10)[Symbol.asyncIterator]().next()),
  receiveBatch: (check, socket) => check<unknown>(() => socket.receiveBatch(10)),
  waitReadable: (check, socket) => check(() => socket.waitReadable()),
}

/** More than the buffers on the way hold. */
const MUCH = Buffer.alloc(2 ** 25)

const SLEEPER = ['sleep', '600']

async function withSleeper(body: (handle: TaskHandle<never>) => Promise<unknown>): Promise<void> {
  await createTaskGroup(async (tg) => {
    await body(tg.spawn(() => sleepForever()))
    tg.cancelScope.cancel()
  })
}

async function withLongProcess(body: (process: PipedProcess) => Promise<unknown>): Promise<void> {
  await using process = await openProcess(SLEEPER)
  try {
    await body(process)
  } finally {
    // Where the call has ended it, there is nothing to be killed.
    if (exists(process.pid)) globalThis.process.kill(process.pid, 'SIGKILL')
  }
}

/** What is held by another task. */
function ofHolders(): Record<string, Row> {
  const rows: Record<string, Row> = {}
  for (const [name, create] of Object.entries({
    Semaphore: () => createSemaphore(1),
    Lock: createLock,
    Condition: createCondition,
    CapacityLimiter: () => createCapacityLimiter(1),
  })) {
    const held =
      (call: (holder: ReturnType<typeof create>) => Promise<unknown>): Row =>
      (check) =>
        createTaskGroup(async (tg) => {
          const holder = create()
          await tg.start((status) =>
            holder.use(() => {
              status.started()
              return sleepForever()
            }),
          )
          await check(() => call(holder))
          tg.cancelScope.cancel()
        })
    rows[`${name}.acquire`] = held((holder) => holder.acquire())
    rows[`${name}.use`] = held((holder) => holder.use(() => {}))
  }
  rows['CapacityLimiter.acquireOnBehalfOf'] = async (check) => {
    const limiter = createCapacityLimiter(1)
    limiter.acquireOnBehalfOfNowait('other')
    await check(() => limiter.acquireOnBehalfOf('own'))
  }
  return rows
}
