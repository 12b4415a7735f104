// Deno's own sockets (`Deno.listen`), run by deno.

import process from 'node:process'

import { announce, onStop, pickWorks, readFlags } from '../control.mjs'

async function echo(connection) {
  connection.setNoDelay(true)
  const buffer = new Uint8Array(64 * 1024)
  for (;;) {
    const length = await connection.read(buffer)
    if (length === null) return connection.close()
    for (let sent = 0; sent < length;) sent += await connection.write(buffer.subarray(sent, length))
  }
}

const table = { echo, accept: (connection) => connection.close() }

async function acceptAll(listener, handler) {
  for await (const connection of listener) {
    void Promise.resolve(handler(connection)).catch(() => connection.close())
  }
}

const { works } = readFlags()
const ports = {}
for (const [name, handler] of pickWorks(works, table)) {
  const listener = Deno.listen({ hostname: '127.0.0.1', port: 0 })
  ports[name] = listener.addr.port
  void acceptAll(listener, handler)
}
announce(ports)
onStop(() => process.exit(0))
