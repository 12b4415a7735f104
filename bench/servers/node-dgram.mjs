// node:dgram, as well as we know how to write it.

import { createSocket } from 'node:dgram'

import { announce, onStop, pickWorks, readFlags } from './control.mjs'

function echo(socket) {
  socket.on('message', (data, from) => socket.send(data, from.port, from.address))
}

const table = { 'udp-echo': echo }

const { works } = readFlags()
const ports = {}
for (const [name, work] of pickWorks(works, table)) {
  const socket = createSocket('udp4')
  work(socket)
  await new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(0, '127.0.0.1', resolve)
  })
  ports[name] = socket.address().port
}
announce(ports)
onStop(() => process.exit(0))
