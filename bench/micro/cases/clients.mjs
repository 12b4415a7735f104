// Clients of databases, on a NodeSocket and on node:net: what a query costs the client's process. The servers are Debian's, each
// started for the case, in a folder of its own.

import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, chmodSync, chownSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { once } from 'node:events'

import { findProgram } from '../../../scripts/lib/peers.js'

const LOOPBACK = '127.0.0.1'

const ours = (start, open, block) => async () => {
  const [{ run }, { NodeSocket }] = [await import('structio'), await import('structio/node')]
  const server = await start()
  return (operations, watch) =>
    run(() => measured(server, () => open(server, () => new NodeSocket()), block, operations, watch), {
      backend: 'native',
    })
}

const nodeNet = (start, open, block) => async () => {
  const { Socket } = await import('node:net')
  const server = await start()
  return (operations, watch) => measured(server, () => open(server, () => new Socket()), block, operations, watch)
}

async function measured(server, open, block, operations, watch) {
  const client = await open()
  while (watch.wantsMore()) {
    watch.start()
    await block(client, operations)
    watch.stop()
  }
  await client.close()
  server.stop()
}

async function redis({ port }, makeSocket) {
  const { Redis } = await import('ioredis')
  class Connector {
    async connect() {
      const socket = makeSocket()
      socket.connect(port, LOOPBACK)
      return socket
    }
    disconnect() {}
    check() {
      return true
    }
  }
  const client = new Redis({ Connector, lazyConnect: true })
  await client.connect()
  await client.set('key', 'value')
  return Object.assign(client, { close: () => client.quit() })
}

async function postgres({ port }, makeSocket) {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ host: LOOPBACK, port, user: 'postgres', database: 'postgres', stream: makeSocket })
  await client.connect()
  return Object.assign(client, { close: () => client.end() })
}

async function gets(client, operations) {
  for (let done = 0; done < operations; done += 1) await client.get('key')
}

async function pipelines(client, operations) {
  for (let done = 0; done < operations; done += 100) {
    const pipeline = client.pipeline()
    for (let i = 0; i < 100; i += 1) pipeline.set('key', 'value')
    await pipeline.exec()
  }
}

const QUERY = { name: 'one', text: 'select $1::int as n', values: [1] }

async function queries(client, operations) {
  for (let done = 0; done < operations; done += 1) await client.query(QUERY)
}

async function queuedQueries(client, operations) {
  for (let done = 0; done < operations; done += 100) {
    await Promise.all(Array.from({ length: 100 }, () => client.query(QUERY)))
  }
}

async function startRedis() {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'structio-bench-'))
  const args = ['--port', String(port), '--bind', LOOPBACK, '--save', '', '--appendonly', 'no', '--dir', folder]
  return started('redis-server', args, /Ready to accept/, { port, folder })
}

async function startPostgres() {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'structio-bench-'))
  const user = process.getuid() === 0 ? account('postgres') : {}
  chmodSync(folder, 0o755)
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  const initdb = join(dirname(required('postgres')), 'initdb')
  execFileSync(initdb, ['--no-sync', '-D', data, '-U', 'postgres', '-A', 'trust'], { ...user, cwd: folder })
  const settings = ['-c', `listen_addresses=${LOOPBACK}`, '-c', 'unix_socket_directories=', '-c', 'fsync=off']
  return started('postgres', ['-D', data, '-p', String(port), ...settings], /ready to accept/, { port, folder, user })
}

async function started(name, args, ready, { port, folder, user }) {
  const child = spawn(required(name), args, { ...user, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  await new Promise((resolve, reject) => {
    for (const output of [child.stdout, child.stderr]) {
      output.on('data', (text) => ready.test((said += text)) && resolve())
    }
    child.once('exit', () => reject(new Error(`${name} has ended: ${said}`)))
  })
  for (const output of [child.stdout, child.stderr]) output.unref()
  child.unref()
  const stop = () => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', stop)
  return { port, stop }
}

function required(name) {
  const path = findProgram(name)
  if (path === undefined) throw new Error(`${name} is not installed`)
  return path
}

function account(name) {
  const id = (flag) => Number(execFileSync('id', [flag, name]).toString())
  return { uid: id('-u'), gid: id('-g') }
}

async function freePort() {
  const server = createServer().listen(0, LOOPBACK)
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

const pair = (start, open, block) => ({ structio: ours(start, open, block), 'node-net': nodeNet(start, open, block) })

export const clients = {
  'client-redis': { operations: 5_000, subjects: pair(startRedis, redis, gets) },
  'client-redis-pipeline': { operations: 50_000, subjects: pair(startRedis, redis, pipelines) },
  'client-pg': { operations: 5_000, subjects: pair(startPostgres, postgres, queries) },
  'client-pg-queued': { operations: 5_000, subjects: pair(startPostgres, postgres, queuedQueries) },
}
