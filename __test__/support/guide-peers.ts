/** Peers of the guide's clients, made of node:net, node:http and the like, at a port that a snippet names. */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import * as net from 'node:net'
import type { Owner } from './programs.ts'

type Peer = () => net.Server

/** Sends everything back. A connection that begins with "bad" is reset. */
const echo: Peer = () =>
  net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    socket.once('data', (chunk) => {
      if (chunk.toString().startsWith('bad')) socket.resetAndDestroy()
    })
    socket.pipe(socket)
  })

/** Answers the first line with "pong". */
const pong: Peer = () =>
  net.createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end('pong\n'))
  })

/** A frame: four bytes of length, and as many bytes. Then lines. */
const frames: Peer = () =>
  net.createServer((socket) => {
    socket.on('error', () => {})
    socket.end(Buffer.concat([Buffer.from([0, 0, 0, 5]), Buffer.from('frame'), Buffer.from('one\ntwo\n')]))
  })

/** Never answers. */
const silent: Peer = () => net.createServer((socket) => void socket.on('error', () => {}).resume())

/** Answers with the requested path; never answers requests for /slow. */
const http: Peer = () =>
  createHttpServer((request, response) => {
    if (request.url !== '/slow') response.end(`you asked for ${request.url}\n`)
  })

const PEERS: Record<string, Peer> = { echo, pong, frames, silent, http }

/** Starts the peer of that name at a port of the loopback interface, until the owner ends. */
export async function startPeer(t: Owner, name: string, port: number): Promise<void> {
  const start = PEERS[name]
  if (start === undefined) throw new Error(`guide-peers.ts has no peer "${name}"`)
  const server = start()
  const sockets = new Set<net.Socket>()
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(port)
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
}
