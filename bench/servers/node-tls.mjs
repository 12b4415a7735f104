// node:tls, as its users write it. What a server of node:tls negotiates is left to its defaults; the client of the
// benchmarks offers one version, one cipher suite and one group.
//
//   --certificates FOLDER   certificate.pem and key.pem

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createServer } from 'node:tls'

import { announce, onStop, pickWorks, readFlags } from './control.mjs'

const LOOPBACK = '127.0.0.1'

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

/** One byte echoed, then an orderly end: ours first, then the client's. */
function answerAndEnd(socket) {
  socket.once('data', (data) => socket.end(data))
}

function pauseUntilDrained(socket) {
  socket.pause()
  socket.once('drain', () => socket.resume())
}

const table = { echo: echoCallbacks, 'echo-for-await': echoForAwait, handshake: answerAndEnd }

const { works, certificates } = readFlags({ certificates: '' })
const credentials = {
  cert: readFileSync(join(certificates, 'certificate.pem')),
  key: readFileSync(join(certificates, 'key.pem')),
}
const ports = {}
for (const [name, handler] of pickWorks(works, table)) {
  const server = createServer({ ...credentials, noDelay: true }, (socket) => {
    socket.on('error', () => {})
    void handler(socket)
  })
  server.on('tlsClientError', (error) => console.error(error.message))
  await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: LOOPBACK, port: 0, backlog: 4096 }, resolve)
  })
  ports[name] = server.address().port
}
announce(ports)
onStop(() => process.exit(0))
