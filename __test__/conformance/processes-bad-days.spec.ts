/** Child processes that cannot be started, and arguments that make no sense. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { NotRunningError, openProcess, runProcess, UsageError } from '../../index.ts'
import { eachBackend } from '../support/backends.ts'
import { children, descriptors } from '../support/processes.ts'

/** Fails the same way whichever call it is. */
const calls: Record<string, (...args: unknown[]) => Promise<unknown>> = {
  runProcess: (...args) => (runProcess as (...args: unknown[]) => Promise<unknown>)(...args),
  openProcess: (...args) => (openProcess as (...args: unknown[]) => Promise<unknown>)(...args),
  'openProcess with a body': (command, options) =>
    (openProcess as (...args: unknown[]) => Promise<unknown>)(command, options ?? {}, () => {
      throw new Error('it was started')
    }),
}

eachBackend(test, 'a program that cannot be started is a system error, and leaves nothing', async (t, backend) => {
  const folder = mkdtempSync(join(tmpdir(), 'structio-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'data'), 'no program')
  writeFileSync(join(folder, 'script'), '#!/no/such/shell\n')
  chmodSync(join(folder, 'script'), 0o755)
  mkdirSync(join(folder, 'folder'))
  await backend.run(async () => {
    await runProcess(['true'])
    const before = descriptors()
    const others = children()
    const cases: [command: string[], options: object, error: object][] = [
      [
        ['no-such-program'],
        {},
        { code: 'ENOENT', errno: -2, syscall: 'spawn no-such-program', path: 'no-such-program' },
      ],
      [['./no-such-program', 'x'], {}, { code: 'ENOENT', path: './no-such-program' }],
      [['sh'], { env: { PATH: folder } }, { code: 'ENOENT', path: 'sh' }],
      [[join(folder, 'data')], {}, { code: 'EACCES', syscall: `spawn ${join(folder, 'data')}` }],
      [['data'], { env: { PATH: folder } }, { code: 'EACCES', path: 'data' }],
      [[join(folder, 'folder')], {}, { code: 'EACCES' }],
      [[join(folder, 'script')], {}, { code: 'ENOENT' }],
      [['true'], { cwd: join(folder, 'nowhere') }, { code: 'ENOENT', syscall: 'chdir', path: join(folder, 'nowhere') }],
      [['true'], { cwd: join(folder, 'data') }, { code: 'ENOTDIR', syscall: 'chdir', path: join(folder, 'data') }],
      [['true'], { stdin: 999 }, { code: 'EBADF' }],
      [['no-such-program'], { stderr: 'stdout' }, { code: 'ENOENT' }],
    ]
    for (const [command, options, expected] of cases) {
      for (const [name, call] of Object.entries(calls)) {
        const error = await t.throwsAsync<Error>(
          () => call(command, options),
          undefined,
          `${name} ${command.join(' ')}`,
        )
        t.like(error, expected, `${name} ${command.join(' ')}: ${error.message}`)
      }
    }
    await new Promise((resolve) => setImmediate(resolve))
    t.is(descriptors(), before)
    t.deepEqual(children(), others)
  })
})

eachBackend(test, 'a script without a line that says whose is the shell’s', async (t, backend) => {
  const folder = mkdtempSync(join(tmpdir(), 'structio-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'script'), 'echo "$1"\n')
  chmodSync(join(folder, 'script'), 0o755)
  await backend.run(async () => {
    t.is(String((await runProcess([join(folder, 'script'), 'x'])).stdout), 'x\n')
    const env = { PATH: folder }
    t.is(String((await runProcess(['script', 'y'], { env })).stdout), 'y\n')
    // A path is seen from where the child is.
    t.is(String((await runProcess(['./script', 'z'], { cwd: folder })).stdout), 'z\n')
    t.is(String((await runProcess(['script', 'z'], { cwd: folder, env: { PATH: '' } })).stdout), 'z\n')
  })
})

eachBackend(test, 'a bad argument fails before anything is started', async (t, backend) => {
  const TYPE = 'ERR_INVALID_ARG_TYPE'
  const RANGE = 'ERR_OUT_OF_RANGE'
  const cases: [command: unknown, options: unknown, code: string][] = [
    [undefined, {}, TYPE],
    [1, {}, TYPE],
    [{}, {}, TYPE],
    ['', {}, RANGE],
    [[], {}, RANGE],
    [[''], {}, RANGE],
    [['true', 1], {}, TYPE],
    [['true', 'a\0b'], {}, RANGE],
    ['true\0', {}, RANGE],
    [['true'], null, TYPE],
    [['true'], [], TYPE],
    [['true'], { cwd: 1 }, TYPE],
    [['true'], { cwd: '' }, RANGE],
    [['true'], { cwd: new URL('http://localhost/') }, 'ERR_INVALID_URL_SCHEME'],
    [['true'], { env: 'A=1' }, TYPE],
    [['true'], { env: { A: 1 } }, TYPE],
    [['true'], { env: { A: 'a\0b' } }, RANGE],
    [['true'], { env: { 'A=B': 'a' } }, RANGE],
    [['true'], { stdin: 'pipes' }, RANGE],
    [['true'], { stdout: 'stdout' }, RANGE],
    [['true'], { stdout: -1 }, RANGE],
    [['true'], { stdout: 1.5 }, RANGE],
    [['true'], { stdout: null }, TYPE],
    [['true'], { stderr: {} }, TYPE],
    [['true'], { killAfter: '1' }, TYPE],
    [['true'], { killAfter: NaN }, RANGE],
    [['true'], { killAfter: -1 }, RANGE],
    [['true'], { processGroup: 1 }, TYPE],
  ]
  const others = children()
  await backend.run(async () => {
    for (const [command, options, code] of cases) {
      for (const [name, call] of Object.entries(calls)) {
        if (options === null && name === 'openProcess with a body') continue
        await t.throwsAsync(() => call(command, options), { code }, `${name} ${JSON.stringify([command, options])}`)
      }
    }
    await t.throwsAsync(() => runProcess(['true'], { check: 1 as never }), { code: TYPE })
    await t.throwsAsync(() => runProcess(['true'], { input: 1 as never }), { code: TYPE })
    await t.throwsAsync(() => runProcess(['true'], { input: 'x', stdin: 'ignore' }), { instanceOf: UsageError })
    await t.throwsAsync(() => openProcess(['true'], {}, 1 as never), { code: TYPE })
    t.deepEqual(children(), others)
  })
})

eachBackend(test, 'options may be undefined', async (t, backend) => {
  await backend.run(async () => {
    const none = {
      stdin: undefined,
      stdout: undefined,
      stderr: undefined,
      env: undefined,
      cwd: undefined,
      killAfter: undefined,
      processGroup: undefined,
    }
    const { stdout } = await runProcess(['echo', 'x'], { ...none, input: undefined, check: undefined })
    t.is(stdout.toString(), 'x\n')
    const value = await openProcess(['true'], none, ({ stdin }) => stdin !== null)
    t.true(value)
    await (await openProcess(['true'], undefined)).close()
  })
})

test.serial('outside of every task no process is started', async (t) => {
  const others = children()
  await t.throwsAsync(() => runProcess(['true']), { instanceOf: NotRunningError })
  await t.throwsAsync(() => openProcess(['true']), { instanceOf: NotRunningError })
  t.deepEqual(children(), others)
})
