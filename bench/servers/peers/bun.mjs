// Bun's own sockets (`Bun.listen`), run by bun.

import { announce, onStop, pickWorks, readFlags } from '../control.mjs'

function keepUnsent(socket, data) {
  const written = socket.write(data)
  if (written < data.length) socket.data.unsent.push(data.subarray(Math.max(written, 0)))
}

const echo = {
  open(socket) {
    socket.data = { unsent: [] }
  },
  data(socket, data) {
    if (socket.data.unsent.length > 0) socket.data.unsent.push(Buffer.from(data))
    else keepUnsent(socket, data)
  },
  drain(socket) {
    const waiting = socket.data.unsent.splice(0)
    if (waiting.length > 0) keepUnsent(socket, Buffer.concat(waiting))
  },
}

const table = {
  echo,
  accept: {
    open: (socket) => socket.end(),
    data() {},
  },
}

const { works } = readFlags()
const ports = {}
for (const [name, socket] of pickWorks(works, table)) {
  ports[name] = Bun.listen({ hostname: '127.0.0.1', port: 0, socket }).port
}
announce(ports)
onStop(() => process.exit(0))
