/**
 * A host that allows no memory of others behind its buffers, as Electron does. Node cannot be told to refuse, so its function is
 * taken from a copy of the addon: where it asks for that, it gets the answer that Electron gives.
 */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { certificates } from '../support/certificates.ts'
import { folderForAll, script } from '../support/packages.ts'

const { binaryName, hostPlatform } = await script('platforms.js')
const folder = folderForAll(test)
const program = fileURLToPath(new URL('./external-buffers.ts', import.meta.url))
const compiler = '/usr/bin/cc'

/** Both functions under names of the same length, which only the library below has. */
const REFUSED = ['napi_create_external_buffer', 'napi_create_external_arraybuffer']
const renamed = (name: string): string => `${name.slice(0, -1)}X`

const LIBRARY = `
#include <unistd.h>
${REFUSED.map((name) => `int ${renamed(name)}(void) { write(2, "refused\\n", 8); return 22; /* no_external_buffers_allowed */ }`).join('\n')}
`

const run = process.platform === 'linux' && existsSync(compiler) ? test : test.skip

run('where external buffers are refused, bytes are copied', async (t) => {
  const library = join(folder, 'refuse.so')
  writeFileSync(join(folder, 'refuse.c'), LIBRARY)
  execFileSync(compiler, ['-shared', '-fPIC', '-o', library, join(folder, 'refuse.c')])
  const addon = join(folder, 'refused.node')
  writeFileSync(addon, withoutExternalBuffers())
  const { server, ca } = await certificates()
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import=tsx', program], {
    env: {
      ...process.env,
      NAPI_RS_NATIVE_LIBRARY_PATH: addon,
      LD_PRELOAD: library,
      IDENTITY: JSON.stringify({ cert: server.cert, key: server.key, ca }),
    },
  })
  t.deepEqual(JSON.parse(stdout), { subject: 'localhost', wrapped: 'hello', path: true, backend: 'native' })
  // It has been asked, and has refused.
  t.true(stderr.split('refused\n').length > 3, stderr)
  t.is(stderr.replaceAll('refused\n', ''), '')
})

function withoutExternalBuffers(): Buffer {
  const bytes = readFileSync(new URL(`../../src/native/${binaryName(hostPlatform()!)}`, import.meta.url))
  for (const name of REFUSED) {
    // The name that is looked up ends with a zero; the one in a message does not.
    for (let at = bytes.indexOf(name); at >= 0; at = bytes.indexOf(name, at + 1)) bytes.write(renamed(name), at)
  }
  return bytes
}
