/** Datagram sockets, look-ups and waits for descriptors. */
import {
  createUdpSocket,
  createUnixDatagramSocket,
  getAddrInfo,
  getNameInfo,
  type UDPSocket,
  type UNIXDatagramSocket,
  waitSocketReadable,
  waitSocketWritable,
} from '../../../index.ts'
import { LOCAL } from '../tls.ts'
import type { Check, Row } from './calls.ts'
import { withPath, withReadable } from './set-ups.ts'

export type Datagrams = UDPSocket | UNIXDatagramSocket

/** What both kinds of datagram sockets have. */
export const ofDatagrams: Record<
  string,
  (check: Check, socket: Datagrams, send: () => Promise<void>) => Promise<unknown>
> = {
  receive: async (check, socket, send) => {
    await send()
    await check<unknown>(() => socket.receive(10))
  },
  receivePackets: async (check, socket, send) => {
    await send()
    await check<unknown>(() => socket.receivePackets(10)[Symbol.asyncIterator]().next())
  },
  receiveBatch: async (check, socket, send) => {
    await send()
    await check<unknown>(() => socket.receiveBatch(10))
  },
  waitReadable: async (check, socket, send) => {
    await send()
    await check(() => socket.waitReadable())
  },
  send: (check, _, send) => check(send),
  sendBatch: (check, socket) => check(() => socket.sendBatch([])),
  close: (check, socket) => check(() => socket.close()),
  '[Symbol.asyncDispose]': (check, socket) => check(() => socket[Symbol.asyncDispose]()),
}

export const datagrams: Record<string, Row> = {
  getAddrInfo: (check) => check(() => getAddrInfo('127.0.0.1', 80)),
  getNameInfo: (check) => check(() => getNameInfo({ address: '127.0.0.1', port: 80 }, { flags: 'NI_NUMERICHOST' })),
  waitSocketReadable: (check) =>
    withReadable(async (socket) => {
      await check(() => waitSocketReadable(socket))
    }),
  waitSocketWritable: (check) =>
    withReadable(async (socket) => {
      await check(() => waitSocketWritable(socket))
    }),
  createUdpSocket: async (check) => {
    await using _ = await check(() => createUdpSocket(LOCAL))
  },
  createUnixDatagramSocket: (check) =>
    withPath(async (path) => {
      await using _ = await check(() => createUnixDatagramSocket({ path }))
    }),
}
