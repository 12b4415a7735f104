/**
 * Programs that a bundler has made of the package: they run natively where the binary is in reach, and on the node backend, with
 * a warning that says what to do, where it was left behind.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, type BuildOptions } from 'esbuild'
import test from 'ava'
import { rollup } from 'rollup'
import { folderForAll, script, type Folder } from '../support/packages.ts'

const { openFolder } = await script('installs.js')
const { pack } = await script('pack.js')
const { hostPlatform, packageName } = await script('platforms.js')
const { registryOf } = await script('stranger.js')

const packages = folderForAll(test)
let folder: Folder

test.before(async () => {
  const registry = await registryOf(await pack({ into: packages }))
  folder = openFolder({ registry: registry.url })
  const { code, stderr } = await folder.add('structio')
  await registry.close()
  if (code !== 0) throw new Error(stderr)
  folder.write({ 'main.mjs': MAIN })
})
test.after.always(() => folder?.close())

const MAIN = `
import { connectTcp, createTcpServer, getAvailableBackends, run, runInProcess, runInThread } from 'structio'
import { forEachSeed } from 'structio/testing'
process.on('warning', (warning) => console.log(warning.message))
run(async () => {
  const server = await createTcpServer(0, { interface: '127.0.0.1' })
  const client = await connectTcp('127.0.0.1', server.port)
  const accepted = await server.accept()
  await client.sendAll('hello')
  console.log((await accepted.receiveExactly(5)).toString(), getAvailableBackends()[0], typeof forEachSeed)
  for (const each of [client, accepted, server]) await each.close()
  for (const runIn of [runInThread, runInProcess]) {
    await runIn(() => console.log('elsewhere')).catch((error) => console.log(error.name, error.message.split('\\n')[0]))
  }
})
`

/** Runs a bundle where it was made, beside node_modules, and alone in a folder of its own. */
async function runBoth(name: string): Promise<{ beside: string; alone: string; stderr: string }> {
  const beside = await folder.node([name], { NODE_NO_WARNINGS: '1' })
  const other = mkdtempSync(join(tmpdir(), 'structio-bundle-'))
  try {
    cpSync(join(folder.folder, name), join(other, name))
    const alone = await folder.node([join(other, name)], { NODE_NO_WARNINGS: '1' })
    return { beside: beside.stdout, alone: alone.stdout, stderr: beside.stderr + alone.stderr }
  } finally {
    rmSync(other, { recursive: true })
  }
}

/** The programs of threads and processes are files of their own, which a bundle has not. */
const NOWHERE =
  '(UsageError A bundle has no files for threads and processes to run: keep "structio" external\\n|' +
  'BrokenResourceError the (thread died|process ended with exit code 1) before .*\\n){2}'

const left = (): RegExp =>
  new RegExp(
    `^The native backend does not load here: this is a bundle .*keep "structio" external, or install ${packageName(hostPlatform()!)} .*\\nhello node function\\n${NOWHERE}$`,
    's',
  )

const bundles: [name: string, options: BuildOptions][] = [
  ['module.mjs', { format: 'esm' }],
  ['minified.mjs', { format: 'esm', minify: true }],
  ['common.cjs', { format: 'cjs', minify: true }],
]

for (const [name, options] of bundles) {
  test.serial(`esbuild, ${name} with the package inside`, async (t) => {
    const { warnings } = await build({
      absWorkingDir: folder.folder,
      entryPoints: ['main.mjs'],
      bundle: true,
      platform: 'node',
      target: 'node20',
      outfile: name,
      logLevel: 'silent',
      ...options,
    })
    // CommonJS has no import.meta; the package does without.
    t.deepEqual(
      warnings.filter(({ id }) => id !== 'empty-import-meta'),
      [],
    )
    const { beside, alone, stderr } = await runBoth(name)
    t.regex(beside, new RegExp(`^hello native function\\n${NOWHERE}$`), stderr)
    t.regex(alone, left(), stderr)
  })
}

test.serial('esbuild, with the package external', async (t) => {
  await build({
    absWorkingDir: folder.folder,
    entryPoints: ['main.mjs'],
    bundle: true,
    platform: 'node',
    packages: 'external',
    outfile: 'external.cjs',
    format: 'cjs',
  })
  const { stdout, stderr } = await folder.node(['external.cjs'])
  t.is(stdout, 'hello native function\nelsewhere\nelsewhere\n', stderr)
})

for (const format of ['es', 'cjs'] as const) {
  test.serial(`rollup, ${format} with the package inside`, async (t) => {
    const name = format === 'es' ? 'rolled.mjs' : 'rolled.cjs'
    const bundle = await rollup({
      input: join(folder.folder, 'main.mjs'),
      external: /^node:/,
      // Without the plugin for it, rollup does not look into node_modules.
      plugins: [{ name: 'resolve', resolveId: (id) => entries.get(id) }],
      onwarn: (warning) => t.fail(warning.message),
    })
    await bundle.write({ file: join(folder.folder, name), format })
    await bundle.close()
    const { beside, alone, stderr } = await runBoth(name)
    t.regex(beside, new RegExp(`^hello native function\\n${NOWHERE}$`), stderr)
    t.regex(alone, left(), stderr)
  })
}

const entries = {
  get: (id: string): string | undefined =>
    ({ structio: 'index.js', 'structio/testing': 'testing.js' })[id]?.replace(
      /^/,
      `${folder.folder}/node_modules/structio/dist/`,
    ),
}
