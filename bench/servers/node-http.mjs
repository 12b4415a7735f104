// node:http on node:net. The application is that of structio.mjs.

import { once } from 'node:events'
import { createServer } from 'node:http'

import { announce, onStop, pickWorks, readFlags } from './control.mjs'
import { greeting } from './http-application.mjs'

const LOOPBACK = '127.0.0.1'

const { works } = readFlags()
const ports = {}
for (const [name] of pickWorks(works, { http: true })) {
  const server = createServer({ noDelay: true }, greeting)
  server.listen({ host: LOOPBACK, port: 0, backlog: 4096 })
  await once(server, 'listening')
  ports[name] = server.address().port
}
announce(ports)
onStop(() => process.exit(0))
