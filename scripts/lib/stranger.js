/**
 * A stranger with the package: whether it loads, serves and type-checks in an empty folder. `npm run test:install` does this for
 * every Node and package manager, the tests for the Node they run on.
 */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { publishedManifest, platformFiles } from './manifests.js'
import { packageName, PLATFORMS } from './platforms.js'
import { binOf, inRoot, readJson } from './project.js'
import { startRegistry } from './registry.js'

/** A registry that has what was packed, and knows the packages of the other platforms by name. */
export function registryOf(tarballs) {
  const manifest = readJson('package.json')
  const packed = (platform) => tarballs.some((path) => path.includes(`${packageName(platform)}-${manifest.version}`))
  const others = PLATFORMS.filter((platform) => !packed(platform))
  return startRegistry(
    tarballs,
    others.map((platform) => JSON.parse(platformFiles(platform, manifest)['package.json'])),
  )
}

/** What a stranger tries first. Throws what went wrong; `folder` is of `installs.js`, with the package in it. */
export async function visit(folder, { types = true } = {}) {
  folder.write(programs())
  for (const program of ['probe.mjs', 'probe.cjs']) {
    const { code, stdout, stderr } = await folder.node([program])
    const report = code === 0 ? JSON.parse(stdout) : undefined
    const good = report?.backend === 'native' && report.answer === 'hello' && stderr === ''
    if (!good) throw new Error(`${program}: code ${code}\n${stdout}\n${stderr}`)
  }
  await firstServer(folder)
  if (types) await typeCheck(folder)
}

/** The first program of the README, as a file of a stranger's. */
export const readmeProgram = () => /^```ts\n(.*?)^```/ms.exec(readFileSync(inRoot('README.md'), 'utf8'))[1]

/** Every entry of the package is loaded by both of Node's ways, and one connection made on the backend that there is. */
function programs() {
  const entries = Object.keys(publishedManifest(readJson('package.json')).exports)
    .filter((entry) => !entry.endsWith('.json'))
    .map((entry) => entry.replace('.', 'structio'))
  return {
    'probe.mjs': [
      `import * as structio from 'structio'`,
      ...entries.map((entry) => `import '${entry}'`),
      PROBE,
      '',
    ].join('\n'),
    'probe.cjs': [
      `const structio = require('structio')`,
      ...entries.map((entry) => `require('${entry}')`),
      PROBE,
      '',
    ].join('\n'),
    'server.mjs': readmeProgram(),
    // The same text, once as a module and once as CommonJS.
    ...Object.fromEntries(['consumer.mts', 'consumer.cts'].map((name) => [name, CONSUMER])),
  }
}

const PROBE = `
const { connectTcp, createTcpServer, getAvailableBackends, run, runInProcess, runInThread } = structio
const body = async () => {
  const server = await createTcpServer(0, { interface: '127.0.0.1' })
  const client = await connectTcp('127.0.0.1', server.port)
  const accepted = await server.accept()
  await client.sendAll('hello')
  const answer = (await accepted.receiveExactly(5)).toString()
  for (const each of [client, accepted, server]) await each.close()
  // Threads and processes run programs of the package's own.
  return runInProcess((text) => text, await runInThread((text) => text, answer))
}
run(body).then((answer) => {
  // The default is the best that there is; where it is not the first, a warning has said so.
  const runtime = process.versions.bun ? 'bun' : process.versions.deno ? 'deno' : 'node'
  console.log(JSON.stringify({ backend: getAvailableBackends()[0], answer, runtime, version: process.version }))
})
`

const CONSUMER = `import { connectTcp, run, type SocketStream } from 'structio'
import { forEachSeed } from 'structio/testing'

export const answer: Promise<Buffer | undefined> = run(async () => {
  const stream: SocketStream = await connectTcp('127.0.0.1', 7000)
  // @ts-expect-error a port is a number: the types are read, and are not any
  await connectTcp('127.0.0.1', '7000')
  return stream.receiveExactly(5)
})
void forEachSeed
`

/** It listens, echoes, and ends with Ctrl+C. */
async function firstServer(folder) {
  const server = folder.start(['server.mjs', '0'])
  const line = await server.line()
  const port = Number(/^listening on port (\d+)$/.exec(line)?.[1])
  if (Number.isNaN(port)) throw new Error(`server.mjs: ${line}`)
  const socket = connect(port, '127.0.0.1')
  socket.write('hello\n')
  const [answer] = await new Promise((resolve, reject) => {
    socket.once('data', (data) => resolve([data.toString()])).once('error', reject)
  })
  server.signal('SIGINT')
  const { code, stderr } = await server.ended
  socket.destroy()
  // Windows has no signals to send: there the process has just ended.
  if (process.platform === 'win32' && answer === 'hello\n') return
  if (answer !== 'hello\n' || code !== 0 || stderr !== '') {
    throw new Error(`server.mjs answered ${JSON.stringify(answer)} and ended with ${code}\n${stderr}`)
  }
}

/** With this repository's compiler and types of Node, which a stranger has of their own. */
async function typeCheck(folder) {
  for (const module of ['nodenext', 'node16']) {
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', module, '--types', 'node']
    const { code, stdout } = await folder.run(process.execPath, [
      binOf('typescript', 'tsc'),
      ...options,
      ...['--typeRoots', inRoot('node_modules', '@types'), 'consumer.mts', 'consumer.cts'],
    ])
    if (code !== 0) throw new Error(`the types do not check under --module ${module}:\n${stdout}`)
  }
}
