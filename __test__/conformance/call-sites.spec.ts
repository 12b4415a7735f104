/** The stack of an error of opening has the line of the call. */
import test from 'ava'
import { aopen } from '../../src/files.ts'
import { Path } from '../../src/files/path.ts'
import { getAddrInfo } from '../../src/names.ts'
import { openProcess } from '../../src/processes.ts'
import { connectTcp, createTcpServer } from '../../src/sockets.ts'
import { eachBackend } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

const missing = '/nonexistent-structio/program'

eachBackend(
  test,
  'R53: an error of connect, bind, look-up, open or spawn has the frames of its caller',
  async (t, backend) => {
    const calls = [
      async function connects() {
        return await connectTcp('127.0.0.1', 1)
      },
      async function binds() {
        return await createTcpServer(1, { interface: '203.0.113.1' })
      },
      async function looksUp() {
        return await getAddrInfo('nonexistent.invalid', 1)
      },
      async function opens() {
        return await aopen(missing)
      },
      async function readsWhole() {
        return await new Path(missing).readText()
      },
      async function writesWhole() {
        return await new Path(missing).writeBytes(Buffer.from('x'))
      },
      async function spawns() {
        return await openProcess([missing])
      },
    ]
    await backend.run(async () => {
      for (const call of calls) {
        const error = await rejection(call())
        t.true(error instanceof Error)
        t.regex(
          String((error as Error).stack),
          new RegExp(`^Error.*\\n(.*\\n)*.* at (async )?${call.name} `),
          call.name,
        )
      }
    })
  },
)
