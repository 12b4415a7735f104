// Loaded before a client's own tests: whoever connects by node:net or node:tls in this process does so on a NodeSocket, in a run
// that lasts as long as the process does and does not keep it alive.

import { AsyncResource } from 'node:async_hooks'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import tls from 'node:tls'

import { run } from 'structio'
import { NodeSocket } from 'structio/node'

let make
void run(
  () => {
    make = AsyncResource.bind((options) => new NodeSocket(options))
    return new Promise(() => {})
  },
  { backend: process.env.STRUCTIO_BACKEND ?? 'native', keepAlive: false },
)

const tlsConnect = tls.connect

net.connect = net.createConnection = (...given) => {
  const [options, listener] = net._normalizeArgs(given)
  const { allowHalfOpen = false, timeout, lookup: _, ...target } = options
  const socket = make({ allowHalfOpen })
  if (timeout !== undefined) socket.setTimeout(timeout)
  return listener === null ? socket.connect(target) : socket.connect(target, listener)
}

tls.connect = (...given) => {
  const [options, listener] = net._normalizeArgs(given)
  if (options.socket !== undefined) return tlsConnect(options, listener ?? undefined)
  const { host = 'localhost', servername = net.isIP(host) === 0 ? host : undefined } = options
  const socket = net.connect({ ...options, host, timeout: undefined })
  return tlsConnect({ ...options, host, servername, socket }, listener ?? undefined)
}

syncBuiltinESMExports()
