/**
 * Every async function and method of the public API, each with a set-up in which its call completes and, where it can
 * be made to, one in which it waits. The checks of all calls walk this list; a new export without a row fails them.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import {
  aopen,
  cancelShieldedCheckpoint,
  createUdpSocket,
  createUnixDatagramSocket,
  TemporaryDirectory,
} from '../../../index.ts'
import { lockstepStreamPair, memoryStreamPair } from '../../../src/testing/index.ts'
import type { Feature } from '../datagrams.ts'
import { LOCAL } from '../tls.ts'
import { bodies } from './bodies.ts'
import { named, type Row } from './calls.ts'
import { datagrams, ofDatagrams } from './datagrams.ts'
import { files, ofFiles, ofPaths } from './files.ts'
import { nodeAndTesting, withDuplex } from './node-and-testing.ts'
import { asyncOperations } from './operations.ts'
import { ofIdleDatagrams, ofIdleStreams, pending } from './pending.ts'
import { processes, signals } from './processes.ts'
import { synchronisation, waiting } from './running.ts'
import { withPath, withTcp } from './set-ups.ts'
import { ofStreams, sockets } from './sockets.ts'

/** The operations of `structio` that are checkpoints, and the calls that close. */
export const checkpoints: Readonly<Record<string, Row>> = {
  ...waiting,
  ...synchronisation,
  ...sockets,
  ...datagrams,
  ...signals,
  ...processes,
  ...files,
  ...named(ofPaths, 'Path', async (row, check) => {
    await using directory = await TemporaryDirectory()
    await directory.path.joinpath('file').writeText('text')
    await row(check, directory.path)
  }),
  ...named(ofFiles, 'AsyncFile', (row, check) =>
    withPath(async (path) => {
      writeFileSync(path, 'first\nsecond\nthird\n')
      await using file = await aopen(path, 'r+b')
      await file.readline()
      await row(check, file)
    }),
  ),
  ...named(ofStreams, 'Stream', (row, check) => row(check, ...memoryStreamPair())),
  ...named(ofStreams, 'SocketStream', (row, check) => withTcp((client, server) => row(check, client, server))),
  ...named(ofDatagrams, 'UDPSocket', async (row, check) => {
    await using socket = await createUdpSocket(LOCAL)
    await using sender = await createUdpSocket({ ...LOCAL, targetHost: '127.0.0.1', targetPort: socket.port })
    await row(check, socket, () => sender.send('x'))
  }),
  ...named(ofDatagrams, 'UNIXDatagramSocket', (row, check) =>
    withPath(async (path) => {
      await using socket = await createUnixDatagramSocket({ path })
      await using sender = await createUnixDatagramSocket({ remotePath: path })
      await row(check, socket, () => sender.send('x'))
    }),
  ),
}

/** Every row in which the call completes. */
export const completing: Readonly<Record<string, Row>> = {
  ...checkpoints,
  ...bodies,
  cancelShieldedCheckpoint: (check) => check(() => cancelShieldedCheckpoint()),
  ...nodeAndTesting,
  ...named(ofStreams, 'DuplexStream', (row, check) => withDuplex(false, (stream, peer) => row(check, stream, peer))),
}

/** The rows in which the call waits until it is cancelled. */
export const waitingCalls: Readonly<Record<string, Row>> = {
  ...pending,
  ...named(ofIdleStreams, 'Stream', (row, check) => row(check, lockstepStreamPair()[0])),
  ...named(ofIdleStreams, 'SocketStream', (row, check) => withTcp((client) => row(check, client))),
  ...named(ofIdleStreams, 'DuplexStream', (row, check) => withDuplex(true, (stream) => row(check, stream))),
  ...named(ofIdleDatagrams, 'UDPSocket', async (row, check) => {
    await using socket = await createUdpSocket(LOCAL)
    await row(check, socket)
  }),
  ...named(ofIdleDatagrams, 'UNIXDatagramSocket', (row, check) =>
    withPath(async (path) => {
      await using socket = await createUnixDatagramSocket({ path })
      await row(check, socket)
    }),
  ),
}

/** Calls that run a body of the caller's, which begins in a cancelled scope, too. */
export const runBodies: readonly string[] = Object.keys(bodies)

/** Calls that have no row, and why. */
export const withoutRow: Readonly<Record<string, string>> = {
  run: 'begins a tree of its own, outside of every scope; inside a task that has not ended it is a `UsageError`',
}

/** The async operations that the declaration file of an entry point offers. */
export function operationsOf(entry: 'index' | 'node' | 'testing'): string[] {
  return asyncOperations(declarationsOf(entry), entry === 'index' ? '' : declarationsOf('index'))
}

function declarationsOf(entry: string): string {
  return readFileSync(new URL(`../../../${entry}.d.ts`, import.meta.url), 'utf8')
}

/** What not every backend has. */
export function featureOf(name: string): Feature | undefined {
  if (/Fds$/.test(name)) return 'descriptors'
  if (/^waitSocket/.test(name)) return 'waits'
  if (/UnixDatagram|UNIXDatagram/.test(name)) return 'unixDatagrams'
  if (/Unix/.test(name)) return 'unix'
  return /U(dp|DP)/.test(name) ? 'udp' : undefined
}
