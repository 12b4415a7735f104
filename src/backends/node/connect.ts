/** One connection attempt to a numeric address or a path. */
import * as net from 'node:net'
import type { Abandon, Answer, StreamTransport, TcpConnectOptions } from '../contract/backend.ts'
import { NodeStream } from './stream.ts'
import { soonUnlessAbandoned } from '../shared/later.ts'

export function connect(options: TcpConnectOptions, answer: Answer<StreamTransport>): Abandon {
  const { address, port, family, bindAddress, bindPort, noDelay, keepAlive } = options
  const target = {
    host: address,
    port,
    family,
    localAddress: bindAddress,
    localPort: bindPort,
    noDelay,
    keepAlive,
    autoSelectFamily: false,
  }
  return attempt(target, (socket) => new NodeStream(socket, { noDelay, keepAlive }), answer)
}

/** @param made - creates the transport of the connected socket */
export function attempt(
  target: net.NetConnectOpts,
  made: (socket: net.Socket) => StreamTransport,
  answer: Answer<StreamTransport>,
): Abandon {
  const socket = new net.Socket({ allowHalfOpen: true })
  const listeners = {
    connect: () => {
      forget()
      answer(undefined, made(socket))
    },
    error: (error: Error) => {
      forget()
      answer(error)
    },
  }
  const forget = (): void => {
    socket.off('connect', listeners.connect).off('error', listeners.error)
    // An 'error' event without a listener would end the process.
    socket.on('error', ignore)
  }
  socket.on('connect', listeners.connect).on('error', listeners.error)
  // Reading begins with the first receive.
  socket.pause()
  try {
    socket.connect(target)
  } catch (error) {
    forget()
    return soonUnlessAbandoned(() => answer(error as Error))
  }
  return () => {
    forget()
    socket.destroy()
  }
}

function ignore(): void {}
