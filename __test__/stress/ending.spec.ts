/** A process, worker or environment ends with operations of every kind pending: no crash, no hang, nothing left. */
import test from 'ava'
import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { cp, type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { certificates } from '../support/certificates.ts'

const programs = fileURLToPath(new URL('./programs/', import.meta.url))
const root = fileURLToPath(new URL('../../', import.meta.url))
const drivers = ['nested', 'thread'] as const

/** Number of ends; half of them with each driver. */
const TIMES = 1000
const TOGETHER = 4

let credentials: string
/** The first has no other end; the second has a writer that never writes. */
const fifos: string[] = []
let writer: FileHandle | undefined

test.before(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'structio-stress-'))
  const { server } = await certificates()
  credentials = join(folder, 'server.pem')
  await writeFile(credentials, server.cert + server.key)
  if (process.platform === 'win32') return
  for (const name of ['fifo', 'silent']) {
    const path = join(folder, name)
    await promisify(execFile)('mkfifo', [path])
    fifos.push(path)
  }
  // With a writer, opening succeeds and reading waits.
  writer = await open(fifos[1]!, constants.O_RDWR)
})

test.after.always(async () => {
  await writer?.close()
  await rm(join(credentials, '..'), { recursive: true })
})

for (const driver of drivers) {
  test.serial(
    `process.exit with pending operations ends the process with its code, ${TIMES / 2} times, ${driver}`,
    async (t) => {
      t.timeout(600_000)
      let ended = 0
      await Promise.all(
        Array.from({ length: TOGETHER }, async (_, lane) => {
          for (let round = lane; round < TIMES / 2; round += TOGETHER) {
            const { code, signal, output } = await ending('exit-pending.mjs', [driver, String(round % 16)])
            if (code !== 7 || signal !== null || output !== '')
              return t.fail(`round ${round}: ${code} ${signal} ${output}`)
            ended++
          }
        }),
      )
      t.is(ended, TIMES / 2)
    },
  )

  test.serial(
    `workers end with pending operations, ${TIMES / 2} times, ${driver}: no crash, no descriptor left`,
    async (t) => {
      t.timeout(600_000)
      const { code, signal, output } = await ending('workers.mjs', [driver, String(TIMES / 2)])
      t.is(signal, null)
      t.is(code, 0, output)
      const { ended, descriptors } = JSON.parse(output) as { ended: number; descriptors: [number, number] }
      t.is(ended, TIMES / 2)
      t.is(descriptors[1], descriptors[0])
    },
  )
}

test.serial('two copies of the addon work side by side in one process, and with each other', async (t) => {
  const copy = await mkdtemp(join(tmpdir(), 'structio-copy-'))
  t.teardown(() => rm(copy, { recursive: true }))
  await cp(join(root, 'dist'), join(copy, 'dist'), { recursive: true })
  await cp(join(root, 'package.json'), join(copy, 'package.json'))
  const { code, output } = await ending('two-copies.mjs', [copy])
  t.is(code, 0, output)
  t.deepEqual(JSON.parse(output), ['one', 'two', 'across'])
})

function fifoNames(): Record<string, string> {
  const [fifo, silent] = fifos
  return fifo === undefined || silent === undefined
    ? {}
    : { STRUCTIO_STRESS_FIFO: fifo, STRUCTIO_STRESS_SILENT_FIFO: silent }
}

interface Ending {
  code: number
  signal: string | null
  output: string
}

/** Starts plain Node, without the test runner's loader, as a user does. */
async function ending(program: string, args: string[]): Promise<Ending> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(programs, program), ...args], {
      env: { ...process.env, NODE_OPTIONS: '', STRUCTIO_STRESS_CREDENTIALS: credentials, ...fifoNames() },
      timeout: 500_000,
    })
    return { code: 0, signal: null, output: stdout + stderr }
  } catch (error) {
    const { code, signal, stdout, stderr } = error as {
      code: number
      signal: string | null
      stdout: string
      stderr: string
    }
    return { code, signal, output: stdout + stderr }
  }
}
