// The server under test. Every kind of work is a listener of its own in one task group, under one scope: "stop"
// cancels that scope, and the process then ends because nothing is left, not because it is told to.
//
//   --backend native|node   --driver nested|thread   --entry FILE (another build of the library, to compare two)
//   --certificates FOLDER   every work under TLS, with the folder's certificate.pem and key.pem
//   --handshakes reactor|pool

import { createServer } from 'node:http'
import { join } from 'node:path'

import { announce, onStop, pickWorks, readFlags, say } from './control.mjs'
import { greeting } from './http-application.mjs'

const flags = readFlags({ backend: 'native', driver: '', entry: 'structio', certificates: '', handshakes: '' })
const {
  CancelScope,
  connectTcp,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  createUdpSocket,
  finalize,
  getRunningTasks,
  relay,
  run,
} = await import(flags.entry)

// Of another build, the file beside its entry.
const bridges = flags.entry === 'structio' ? 'structio/node' : new URL('node.js', `file://${flags.entry}`).href

const LOOPBACK = '127.0.0.1'
const MAX_LINE = 65536

const counts = { opened: 0, closed: 0 }

async function echo(stream) {
  counts.opened += 1
  try {
    for (;;) {
      const data = await stream.receiveSome()
      if (data.length === 0) return
      await stream.sendAll(data)
    }
  } finally {
    counts.closed += 1
  }
}

/** The same without a new buffer for each receive. */
async function echoInto(stream) {
  counts.opened += 1
  try {
    const view = Buffer.allocUnsafeSlow(65536)
    for (;;) {
      const length = await stream.receiveInto(view)
      if (length === 0) return
      await stream.sendAll(view.subarray(0, length))
    }
  } finally {
    counts.closed += 1
  }
}

async function lines(stream) {
  counts.opened += 1
  try {
    for await (const line of stream.receiveDelimitedChunks('\n', MAX_LINE, { includeDelimiter: true })) {
      await stream.sendAll(line)
    }
  } finally {
    counts.closed += 1
  }
}

async function lineBatches(stream) {
  counts.opened += 1
  try {
    for await (const batch of stream.receiveDelimitedBatches('\n', MAX_LINE, { includeDelimiter: true })) {
      await stream.sendMany(batch)
    }
  } finally {
    counts.closed += 1
  }
}

/** One byte echoed; then the server closes, which under TLS is `close_notify` both ways. */
async function answer(stream) {
  counts.opened += 1
  try {
    await stream.sendAll(await stream.receiveSome())
  } finally {
    counts.closed += 1
  }
}

/** A proxy to the port that the client's first line names. */
function proxying(options) {
  return async (stream) => {
    counts.opened += 1
    try {
      const port = Number(await stream.receiveUntil('\n', 10))
      const behind = await connectTcp(LOOPBACK, port)
      await finalize(behind, () => relay(stream, behind, options))
    } finally {
      counts.closed += 1
    }
  }
}

/** Accept and close in one task, the least that can be done with a connection. */
async function acceptAndClose(server) {
  for await (const stream of server.acceptConnections()) {
    await stream.close()
  }
}

async function echoDatagrams(socket) {
  for await (const [data, from] of socket.receivePackets(2048)) await socket.send(data, from)
}

async function echoDatagramBatches(socket) {
  for (;;) await socket.sendBatch(await socket.receiveBatch())
}

/** Imported only here: the other works do without it. */
async function http(server) {
  const { serveHttp } = await import(bridges)
  await serveHttp(server, createServer(greeting))
}

const serving = (handler) => (server) => server.serve(handler)

const table = {
  echo: serving(echo),
  'echo-into': serving(echoInto),
  lines: serving(lines),
  'line-batches': serving(lineBatches),
  accept: acceptAndClose,
  'accept-serve': serving(() => {}),
  handshake: serving(answer),
  http,
  relay: serving(proxying({})),
  'relay-timed': serving(proxying({ idleTimeout: 60_000 })),
}

/** These have a UDP socket in place of a server. */
const datagrams = { 'udp-echo': echoDatagrams, 'udp-echo-batches': echoDatagramBatches }

/** The options of every server. */
function serverOptions() {
  const options = { interface: LOOPBACK, backlog: 4096 }
  if (flags.certificates === '') return options
  const tls = createTlsContext({
    cert: join(flags.certificates, 'certificate.pem'),
    key: join(flags.certificates, 'key.pem'),
  })
  return { ...options, tls, onTlsError: (error) => console.error(error.message) }
}

async function serveAll() {
  await createTaskGroup(async (group) => {
    const ports = {}
    const options = serverOptions()
    for (const [name, work] of pickWorks(flags.works, { ...table, ...datagrams })) {
      const server = await (name in datagrams ? createUdpSocket({ interface: LOOPBACK }) : createTcpServer(0, options))
      ports[name] = server.port
      group.spawn({ name }, async () => {
        try {
          await work(server)
        } finally {
          await server.close()
        }
      })
    }
    announce(ports)
  })
}

await run(
  async () => {
    const scope = new CancelScope({ name: 'server' })
    onStop(() => scope.cancel('stopped by the harness'))
    await scope.run(serveAll)
    say({
      event: 'ended',
      cancelled: scope.cancelledCaught,
      reason: scope.cancelReason?.kind ?? null,
      detail: scope.cancelReason?.detail ?? null,
      connections: counts.opened,
      closed: counts.closed,
      tasksLeft: getRunningTasks().length - 1,
    })
  },
  {
    backend: flags.backend,
    backendOptions: {
      ...(flags.driver === '' ? {} : { driver: flags.driver }),
      ...(flags.handshakes === '' ? {} : { tlsHandshakes: flags.handshakes }),
    },
    name: 'bench server',
  },
)
