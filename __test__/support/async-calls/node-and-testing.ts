/** The async calls of `structio/node` and `structio/testing`. */
import { createServer } from 'node:http'
import { duplexPair } from 'node:stream'
import { createTaskGroup, sleepForever, type Stream, waitAllTasksBlocked } from '../../../index.ts'
import { type DuplexStream, fromDuplex, serveHttp } from '../../../src/node/index.ts'
import {
  assertCheckpoints,
  assertNoCheckpoints,
  checkStream,
  forEachSeed,
  memoryStreamPair,
  Sequencer,
  VirtualClock,
} from '../../../src/testing/index.ts'
import type { Row } from './calls.ts'
import { withServer } from './set-ups.ts'

export const nodeAndTesting: Record<string, Row> = {
  serveHttp: (check) =>
    withServer((server) =>
      createTaskGroup(async (tg) => {
        tg.spawn(async () => {
          await waitAllTasksBlocked()
          await server.close()
        })
        await check(() => serveHttp(server, createServer()))
      }),
    ),
  'VirtualClock.advance': (check) => check(() => new VirtualClock({ autoJump: false }).advance(1)),
  'Sequencer.use': (check) => check(() => new Sequencer().use(0, () => 'value')),
  'Sequencer.acquire': (check) => check(() => new Sequencer().acquire(0)),
  assertCheckpoints: (check) => check(() => assertCheckpoints(() => waitAllTasksBlocked())),
  assertNoCheckpoints: (check) => check(() => assertNoCheckpoints(() => 'value')),
  checkStream: (check) => check(() => checkStream(memoryStreamPair, { capacity: Infinity })),
  forEachSeed: (check) => check(() => forEachSeed(1, async () => {})),
}

export const nodeAndTestingPending: Record<string, Row> = {
  serveHttp: (check) => withServer((server) => check(() => serveHttp(server, createServer()))),
  'Sequencer.use': (check) => check(() => new Sequencer().use(1, () => 'value')),
  'Sequencer.acquire': (check) => check(() => new Sequencer().acquire(1)),
  assertCheckpoints: (check) => check(() => assertCheckpoints(() => sleepForever())),
  checkStream: (check) => check(() => checkStream(() => new Promise<readonly [Stream, Stream]>(() => {}))),
}

/** Two Duplex streams that give each other what is written; `small` takes almost nothing. */
export async function withDuplex(
  small: boolean,
  body: (stream: DuplexStream, peer: DuplexStream) => Promise<unknown>,
): Promise<void> {
  const [a, b] = duplexPair(small ? { highWaterMark: 1 } : {})
  for (const duplex of [a, b]) duplex.on('error', () => {})
  const streams = [fromDuplex(a), fromDuplex(b)] as const
  try {
    await body(...streams)
  } finally {
    // Closing alone would wait for what the peer has not read.
    for (const duplex of [a, b]) duplex.destroy()
    await Promise.allSettled(streams.map((stream) => stream.close()))
  }
}
