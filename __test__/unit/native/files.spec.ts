/** Files of the addon: its limit of threads, and the operations that need no thread. */
import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { aopen, createTaskGroup, getAvailableBackends, run, UsageError } from '../../../index.ts'
import { openBelow, withFolder } from '../../support/files.ts'
import { rejection } from '../../support/rejection.ts'

const native = getAvailableBackends().includes('native') ? test.serial : test.serial.skip
const onNative = { backend: 'native' } as const

native('fileThreads belongs to the process: the first run sets it, and another value is a UsageError', async (t) => {
  await run(() => {}, onNative)
  await run(() => {}, { ...onNative, backendOptions: { fileThreads: 40 } })
  t.true((await rejection(run(() => {}, { ...onNative, backendOptions: { fileThreads: 7 } }))) instanceof UsageError)
  t.like(await rejection(run(() => {}, { ...onNative, backendOptions: { fileThreads: 0 } })), {
    code: 'ERR_OUT_OF_RANGE',
  })
})

native('more pipes are waited for than there are threads for files, and a file is read meanwhile', async (t) => {
  if (process.platform === 'win32') return t.pass('there are no FIFOs')
  await withFolder(async (folder) => {
    const [fifo, lonely, file] = ['fifo', 'lonely', 'file'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    execFileSync('mkfifo', [fifo, lonely])
    writeFileSync(file, Buffer.alloc(2_000_000))
    const writer = openSync(fifo, constants.O_RDWR)
    try {
      await run(async () => {
        await createTaskGroup(async (tg) => {
          for (let count = 0; count < 60; count++) {
            tg.spawn(async () => {
              await using pipe = await aopen(fifo, 'rb')
              await pipe.read(1)
            })
            tg.spawn(() => aopen(lonely, 'rb'))
          }
          await using opened = await aopen(file, 'rb')
          t.is((await opened.read()).length, 2_000_000)
          tg.cancelScope.cancel()
        })
      }, onNative)
    } finally {
      closeSync(writer)
    }
    t.deepEqual(openBelow(folder), [])
  })
})
