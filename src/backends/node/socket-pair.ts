/** Two sockets that are connected with each other. One of them may be a child's output and error stream at once. */
import { mkdtemp, rm } from 'node:fs'
import * as net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Connects over a socket file in a private folder, so that no other process can connect. */
export function openSocketPair(
  done: (error: Error | undefined, pair?: { readonly theirs: net.Socket; readonly ours: net.Socket }) => void,
): void {
  if (process.platform === 'win32') return connect(`\\\\.\\pipe\\structio-${crypto.randomUUID()}`, done)
  mkdtemp(join(tmpdir(), 'structio-'), (error, folder) => {
    if (error !== null) return done(error)
    connect(join(folder, 'socket'), (failure, pair) => {
      rm(folder, { recursive: true, force: true }, () => done(failure, pair))
    })
  })
}

function connect(
  path: string,
  done: (error: Error | undefined, pair?: { readonly theirs: net.Socket; readonly ours: net.Socket }) => void,
): void {
  const server = net.createServer({ pauseOnConnect: true })
  const fail = (error: Error): void => {
    server.close()
    done(error)
  }
  server.once('error', fail)
  server.listen(path, () => {
    const theirs = net.connect(path)
    theirs.once('error', fail)
    server.once('connection', (ours: net.Socket) => {
      const ready = (): void => {
        theirs.off('error', fail).on('error', () => {})
        server.close()
        done(undefined, { theirs, ours })
      }
      if (theirs.connecting) theirs.once('connect', ready)
      else ready()
    })
  })
}
