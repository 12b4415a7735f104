/** RUN-5: the backend of a run, with the addon and without. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { BackendNotFoundError } from '../../src/errors.ts'
import { getAllBackends, getAvailableBackends, run, type RunOptions } from '../../src/run.ts'

const program = fileURLToPath(new URL('./no-binary.ts', import.meta.url))

test('RUN-5: without a binary, run falls back to node with one warning; native by name is an error', async (t) => {
  // napi-rs loads this file instead of one beside the loader.
  const env = { ...process.env, NAPI_RS_NATIVE_LIBRARY_PATH: '/does/not/exist.node', NODE_NO_WARNINGS: '1' }
  const { stdout } = await promisify(execFile)(process.execPath, ['--import=tsx', program], { env })
  const report = JSON.parse(stdout)
  t.deepEqual(report.all, ['native', 'node', 'virtual'])
  t.deepEqual(report.available, ['node', 'virtual'])
  t.deepEqual(report.warnings, ['STRUCTIO_NODE_BACKEND'])
  t.is(report.received, 'over node:net')
  t.is(report.native.name, 'BackendNotFoundError')
  t.true(report.native.cause)
  t.regex(report.native.message, new RegExp(`structio-${process.platform}-${process.arch}`))
  t.is(report.quantum.name, 'BackendNotFoundError')
})

test('an unknown backend is a BackendNotFoundError that names the known ones', async (t) => {
  for (const backend of ['trio', 'asyncio', '']) {
    const error = await t.throwsAsync(
      run(() => {}, { backend } as unknown as RunOptions),
      { instanceOf: BackendNotFoundError },
    )
    for (const name of getAllBackends()) t.true(error.message.includes(name))
  }
})

test('the lists of backends are frozen, and every available backend is among all', (t) => {
  t.true(Object.isFrozen(getAllBackends()))
  for (const name of getAvailableBackends()) t.true(getAllBackends().includes(name))
  t.true(getAvailableBackends().includes('node'))
})

test('bad backend options are refused before anything starts', async (t) => {
  const started = (): void => t.fail('started')
  const options = (backendOptions: unknown): RunOptions => ({ backend: 'native', backendOptions }) as RunOptions
  await t.throwsAsync(run(started, options({ driver: 'steam' })), { code: 'ERR_OUT_OF_RANGE' })
  await t.throwsAsync(run(started, options({ driver: 1 })), { code: 'ERR_INVALID_ARG_TYPE' })
  await t.throwsAsync(run(started, options({ lookupThreads: 0 })), { code: 'ERR_OUT_OF_RANGE' })
  await t.throwsAsync(run(started, options({ lookupThreads: '4' })), { code: 'ERR_INVALID_ARG_TYPE' })
  await t.throwsAsync(run(started, options('nested')), { code: 'ERR_INVALID_ARG_TYPE' })
})
