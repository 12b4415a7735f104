/** Opens the objects that calls are made on, and closes them afterwards. */
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  connectTcp,
  connectUnix,
  createTcpServer,
  createUdpSocket,
  createUnixServer,
  openProcess,
  type Process,
  type SocketStream,
  type SocketStreamServer,
  type Stream,
  type UDPSocket,
} from '../../../index.ts'
import { LOCAL } from '../tls.ts'
import type { Check } from './calls.ts'

/** Bytes are read ahead, so that nothing has to wait. */
export async function atHand(check: Check, stream: Stream, peer: Stream, call: () => Promise<unknown>): Promise<void> {
  await peer.sendAll('first\nsecond\nthird\n')
  await stream.receiveUntil('\n', 10)
  await check(call)
}

export async function withServer(body: (server: SocketStreamServer) => Promise<unknown>): Promise<void> {
  await using server = await createTcpServer(0, LOCAL)
  await body(server)
}

export async function withProcess(body: (process: Process) => Promise<unknown>): Promise<void> {
  await using process = await openProcess(['true'])
  await body(process)
}

export function withTcp(body: (client: SocketStream, server: SocketStream) => Promise<unknown>): Promise<void> {
  return withServer(async (listener) => {
    const client = await connectTcp('127.0.0.1', listener.port)
    const server = await listener.accept()
    try {
      await body(client, server)
    } finally {
      // Together: once they speak TLS, each waits for the close_notify of the other.
      await Promise.all([client[Symbol.asyncDispose](), server[Symbol.asyncDispose]()])
    }
  })
}

export async function withPath(body: (path: string) => Promise<unknown>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'structio-'))
  try {
    await body(join(folder, 'socket'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export function withUnix(
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
export async function withReadable(body: (socket: UDPSocket) => Promise<unknown>): Promise<void> {
  await using socket = await createUdpSocket(LOCAL)
  await socket.send('x', socket.address)
  await body(socket)
}

export async function withFile(body: (fd: number) => Promise<unknown>): Promise<void> {
  const fd = openSync('/dev/null', 'r')
  try {
    await body(fd)
  } finally {
    closeSync(fd)
  }
}

export function closeAll(fds: readonly number[]): void {
  for (const fd of fds) closeSync(fd)
}
