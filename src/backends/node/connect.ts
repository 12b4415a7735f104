/** One connection attempt to one numeric address. */
import * as net from 'node:net'
import type { Abandon, Answer, StreamTransport, TcpConnectOptions } from '../backend.ts'
import { NodeStream } from './stream.ts'
import { soon } from './turn.ts'

export function connect(options: TcpConnectOptions, answer: Answer<StreamTransport>): Abandon {
  const { address, port, family, bindAddress, bindPort, noDelay, keepAlive } = options
  const socket = new net.Socket({ allowHalfOpen: true })
  const listeners = {
    connect: () => {
      forget()
      answer(undefined, new NodeStream(socket, { noDelay, keepAlive }))
    },
    error: (error: Error) => {
      forget()
      answer(error)
    },
  }
  const forget = (): void => {
    socket.off('connect', listeners.connect).off('error', listeners.error)
    // From here on the socket has no listener that matters, and an 'error' event without one would end the process.
    socket.on('error', ignore)
  }
  socket.on('connect', listeners.connect).on('error', listeners.error)
  // Nothing is read before somebody receives.
  socket.pause()
  try {
    socket.connect({
      host: address,
      port,
      family,
      localAddress: bindAddress,
      localPort: bindPort,
      noDelay,
      keepAlive,
      autoSelectFamily: false,
    })
  } catch (error) {
    forget()
    let wanted = true
    soon(() => {
      if (wanted) answer(error as Error)
    })
    return () => {
      wanted = false
    }
  }
  return () => {
    forget()
    socket.destroy()
  }
}

function ignore(): void {}
