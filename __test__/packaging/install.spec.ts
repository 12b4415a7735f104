/**
 * The package as its users get it: packed, put into a registry of the test's own, installed by each package manager into an
 * empty folder without Rust. `npm run test:install` does the first part for every Node.
 */
import { chmodSync, cpSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { folderForAll, script, type Folder, type Registry } from '../support/packages.ts'

const { PLATFORMS, binaryName, hostPlatform, packageName } = await script('platforms.js')
const { MANAGERS, openFolder } = await script('installs.js')
const { npmPack, pack } = await script('pack.js')
const { registryOf, visit } = await script('stranger.js')

const host = hostPlatform()!
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}
/** Another version, of the same length: it takes the place of the one in files that were packed. */
const later = version.slice(0, -1) + (version.endsWith('9') ? '8' : '9')
const packages = folderForAll(test)
let registry: Registry
let tarballs: string[]

test.before(async () => {
  tarballs = await pack({ into: packages })
  registry = await registryOf(tarballs)
})
test.after.always(() => registry?.close())

/** A folder with the package in it. */
async function installed(t: ExecutionContext, manager: string, ...args: string[]): Promise<Folder> {
  const folder = openFolder({ manager, registry: registry.url })
  t.teardown(() => folder.close())
  const { code, stdout, stderr } = await folder.add(...args, 'structio')
  t.is(code, 0, stdout + stderr)
  return folder
}

for (const manager of Object.keys(MANAGERS)) {
  test.serial(`${manager} installs it: it loads both ways, serves natively, and its types check`, async (t) => {
    const folder = await installed(t, manager)
    // What Plug'n'Play keeps in archives, a compiler finds only with yarn's own patches.
    await t.notThrowsAsync(visit(folder, { types: manager !== 'yarn-berry' }))
  })
}

const PROBE = `
import { connectTcp, createTcpServer, run } from 'structio'
const warnings = []
process.on('warning', (warning) => warnings.push(warning.message))
const error = await run(() => {}, { backend: 'native' }).catch((error) => error)
const answers = []
for (let time = 0; time < 2; time++) {
  answers.push(await run(async () => {
    const server = await createTcpServer(0, { interface: '127.0.0.1' })
    const client = await connectTcp('127.0.0.1', server.port)
    const accepted = await server.accept()
    await client.sendAll('hello')
    const answer = (await accepted.receiveExactly(5)).toString()
    for (const each of [client, accepted, server]) await each.close()
    return answer
  }))
}
await new Promise((resolve) => setImmediate(resolve))
console.log(JSON.stringify({ error: error?.message, cause: error?.cause?.message, name: error?.name, warnings, answers }))
`

interface Report {
  error?: string
  cause?: string
  name?: string
  warnings: string[]
  answers: string[]
}

async function probe(folder: Folder, env?: Record<string, string>): Promise<Report> {
  folder.write({ 'probe.mjs': PROBE })
  const { code, stdout, stderr } = await folder.node(['probe.mjs'], { NODE_NO_WARNINGS: '1', ...env })
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as Report
}

/** It works on the node backend, says why once, and says the same to who asks for the native one. */
function fellBack(t: ExecutionContext, report: Report, reason: RegExp): void {
  t.deepEqual(report.answers, ['hello', 'hello'])
  t.is(report.name, 'BackendNotFoundError')
  t.is(typeof report.cause, 'string')
  t.regex(report.error ?? '', reason)
  t.is(report.warnings.length, 1)
  t.regex(report.warnings[0] ?? '', reason)
  t.regex(report.warnings[0] ?? '', /using the node backend, which is slower\. Install the platform/)
}

const platformFolder = (folder: Folder): string => join(folder.folder, 'node_modules', packageName(host))
const binary = (folder: Folder): string => join(platformFolder(folder), binaryName(host))

for (const [manager, option] of [
  ['npm', '--omit=optional'],
  ['pnpm', '--no-optional'],
  ['yarn', '--ignore-optional'],
] as const) {
  test.serial(`${manager} ${option}: the node backend, and the reason`, async (t) => {
    const folder = await installed(t, manager, option)
    fellBack(t, await probe(folder), new RegExp(`${packageName(host)}, which is not installed: .*--omit=optional`))
  })
}

test.serial('what may be wrong with an installed binary, each said in its own words', async (t) => {
  const folder = await installed(t, 'npm')
  const intact = readFileSync(binary(folder))
  t.is((await probe(folder)).error, undefined)

  writeFileSync(binary(folder), 'version https://git-lfs.github.com/spec/v1\n'.repeat(100))
  fellBack(t, await probe(folder), /is installed, but its file is damaged or for another platform/)

  writeFileSync(binary(folder), intact)
  replaceInFile(binary(folder), `structio ${version}`, `structio ${later}`)
  fellBack(
    t,
    await probe(folder),
    new RegExp(`The binary is structio ${later}, and the package is structio ${version}; .*the same version`),
  )

  if (process.platform === 'linux' && host.libc === 'glibc') {
    // The dynamic loader compares names and their hashes: whatever was newest is now newer than any there is.
    writeFileSync(binary(folder), askForGlibc(intact, '9.99'))
    fellBack(t, await probe(folder), /is installed, and needs glibc 9\.99 or later: this system has \d/)
  }

  const other = PLATFORMS.find(({ triple }) => triple !== host.triple)!
  renameSync(platformFolder(folder), platformFolder(folder).replace(host.triple, other.triple))
  fellBack(t, await probe(folder), new RegExp(`and ${packageName(other)} is installed instead: .*another platform`))
})

function replaceInFile(path: string, from: string, to: string): void {
  const bytes = readFileSync(path)
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) bytes.write(to, at)
  writeFileSync(path, bytes)
}

/** Gives the first version of glibc that is asked for another name of the same length, and that name's hash. */
function askForGlibc(intact: Buffer, version: string): Buffer {
  const bytes = Buffer.from(intact)
  const from = /GLIBC_\d\.\d\d\0/.exec(bytes.toString('latin1'))![0].slice(0, -1)
  const to = `GLIBC_${version}`
  bytes.write(to, bytes.indexOf(`${from}\0`))
  const old = Buffer.alloc(4)
  old.writeUInt32LE(elfHash(from))
  bytes.writeUInt32LE(elfHash(to), bytes.indexOf(old))
  return bytes
}

function elfHash(name: string): number {
  let hash = 0
  for (const char of Buffer.from(name)) {
    hash = (hash << 4) + char
    const high = hash & 0xf0000000
    if (high !== 0) hash ^= high >>> 24
    hash &= ~high
  }
  return hash >>> 0
}

test.serial('a read-only node_modules is as good as any', async (t) => {
  const folder = await installed(t, 'npm')
  const modules = join(folder.folder, 'node_modules')
  const paths = [modules, ...readdirSync(modules, { recursive: true }).map((path) => join(modules, String(path)))]
  const setMode = (strip: number): void => {
    for (const path of paths) chmodSync(path, 0o777 & ~strip)
  }
  setMode(0o222)
  try {
    const before = readdirSync(modules, { recursive: true }).length
    t.like(await probe(folder), { error: undefined, answers: ['hello', 'hello'], warnings: [] })
    t.is(readdirSync(modules, { recursive: true }).length, before)
  } finally {
    setMode(0)
  }
})

test.serial('two versions of the package in one process, each with its own binary', async (t) => {
  const next = join(packages, 'next')
  const staged = [packageName(host), 'structio'].map((name) => {
    cpSync(join(packages, name), join(next, name), { recursive: true })
    return join(next, name)
  })
  for (const folder of staged) {
    const files = readdirSync(folder, { recursive: true }).map(String)
    for (const path of files.filter((path) => /package\.json$|\.m?js$|\.node$/.test(path))) {
      replaceInFile(join(folder, path), version, later)
    }
  }
  const newer: string[] = []
  for (const folder of staged) newer.push(await npmPack(folder, next))
  const both = await registryOf([...tarballs, ...newer])
  t.teardown(() => both.close())

  const folder = openFolder({ registry: both.url })
  t.teardown(() => folder.close())
  const { code, stderr } = await folder.add(`structio@${version}`, `newer@npm:structio@${later}`)
  t.is(code, 0, stderr)
  folder.write({
    'two.mjs': `
      import * as first from 'structio'
      import * as second from 'newer'
      const talk = (server, client) => server.run(async () => {
        const listener = await server.createTcpServer(0, { interface: '127.0.0.1' })
        const ask = async () => {
          const stream = await client.connectTcp('127.0.0.1', listener.port)
          await stream.sendAll('hello')
          const answer = (await stream.receiveExactly(5)).toString()
          await stream.close()
          return answer
        }
        const asked = client === server ? ask() : server.abandonOnCancel(client.run(ask, { backend: 'native' }))
        const accepted = await listener.accept()
        await accepted.sendAll(await accepted.receiveExactly(5))
        await accepted.close()
        await listener.close()
        return asked
      }, { backend: 'native' })
      console.log(await Promise.all([talk(first, first), talk(second, second), talk(first, second), talk(second, first)]))
    `,
  })
  const { stdout, stderr: complaints } = await folder.node(['two.mjs'])
  t.is(stdout, "[ 'hello', 'hello', 'hello', 'hello' ]\n", complaints)
})

test('every platform that has a package is one whose absence can be explained', async (t) => {
  const { BUILT_FOR } = await import('../../src/native/explain.ts')
  t.true(PLATFORMS.every((platform) => BUILT_FOR.test(packageName(platform))))
  t.false(BUILT_FOR.test('structio-freebsd-x64'))
})

test('an old Node is told so at once', async (t) => {
  const folder = await installed(t, 'npm')
  folder.write({
    'old.cjs': `
      Object.defineProperty(process.versions, 'node', { value: '20.18.1' })
      import('structio').catch((error) => console.log(error.message))
    `,
  })
  t.is((await folder.node(['old.cjs'])).stdout, 'structio needs Node 20.19 or later, and this is 20.18.1\n')
})
