// node:net, each kind of work as well as we know how to write it.

import { connect, createServer } from 'node:net'

import { announce, onStop, pickWorks, readFlags } from './control.mjs'

const LOOPBACK = '127.0.0.1'
const NEWLINE = 10

function echoCallbacks(socket) {
  socket.on('data', (data) => {
    if (!socket.write(data)) pauseUntilDrained(socket)
  })
}

async function echoForAwait(socket) {
  for await (const data of socket) {
    if (!socket.write(data)) await new Promise((resolve) => socket.once('drain', resolve))
  }
}

/** Calls `handle` with each complete line, its newline included: a view, nothing is copied unless a line straddles. */
function splitter(handle) {
  let rest
  return (data) => {
    const chunk = rest === undefined ? data : Buffer.concat([rest, data])
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      handle(chunk.subarray(start, end + 1))
      start = end + 1
    }
    rest = start === chunk.length ? undefined : chunk.subarray(start)
  }
}

/** A write for each line. */
function lines(socket) {
  let open = true
  const split = splitter((line) => {
    open = socket.write(line)
  })
  socket.on('data', (data) => {
    split(data)
    if (!open) pauseUntilDrained(socket)
  })
}

/** A write for each line too, but all lines of a chunk leave together. */
function linesCorked(socket) {
  let open = true
  const split = splitter((line) => {
    open = socket.write(line)
  })
  socket.on('data', (data) => {
    socket.cork()
    split(data)
    socket.uncork()
    if (!open) pauseUntilDrained(socket)
  })
}

/** Lines gathered by the program itself, one buffer and one write for a chunk. */
function linesJoined(socket) {
  let batch = []
  const split = splitter((line) => batch.push(line))
  socket.on('data', (data) => {
    split(data)
    if (batch.length === 0) return
    const open = socket.write(batch.length === 1 ? batch[0] : Buffer.concat(batch))
    batch = []
    if (!open) pauseUntilDrained(socket)
  })
}

function pauseUntilDrained(socket) {
  socket.pause()
  socket.once('drain', () => socket.resume())
}

/** A proxy to the port that the client's first line names. */
function pipes(socket) {
  socket.once('data', (data) => {
    const end = data.indexOf(NEWLINE)
    socket.pause()
    const behind = connect(Number(data.subarray(0, end)), LOOPBACK, () => {
      if (end + 1 < data.length) socket.unshift(data.subarray(end + 1))
      socket.pipe(behind).pipe(socket)
    })
    behind.on('error', () => socket.destroy())
  })
}

const table = {
  echo: { handler: echoCallbacks },
  'echo-for-await': { handler: echoForAwait },
  lines: { handler: lines },
  'lines-corked': { handler: linesCorked },
  'lines-joined': { handler: linesJoined },
  // Never started reading: the cheapest way to close what was just accepted.
  pipe: { handler: pipes, options: { allowHalfOpen: true } },
  accept: { handler: (socket) => socket.destroy(), options: { pauseOnConnect: true } },
}

const { works } = readFlags()
const ports = {}
for (const [name, { handler, options }] of pickWorks(works, table)) {
  const server = createServer({ noDelay: true, ...options }, (socket) => {
    socket.on('error', () => {})
    void handler(socket)
  })
  await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: LOOPBACK, port: 0, backlog: 4096 }, resolve)
  })
  ports[name] = server.address().port
}
announce(ports)
onStop(() => process.exit(0))
