/** Whole files at once. Each is one operation, and leaves nothing open. */
import type { Backend } from '../backends/backend.ts'
import { withAwaiter } from '../streams/call-site.ts'
import { inOneScope } from '../streams/opening.ts'
import { ByteFile } from './byte-file.ts'
import { OpenFile } from './open-file.ts'
import { nameOf, openTransport } from './opening.ts'
import type { Work } from './work.ts'

export function readWhole(what: string, path: string): Promise<Buffer> {
  return withFile(
    what,
    path,
    ({ fileSystem: { constants } }) => constants.O_RDONLY,
    (bytes) => bytes.readAll(),
  )
}

/** @param flag - what becomes of a file that is there */
export function writeWhole(
  what: string,
  path: string,
  data: Uint8Array,
  flag: 'O_TRUNC' | 'O_APPEND',
): Promise<number> {
  const flags = ({ fileSystem: { constants } }: Backend): number =>
    constants.O_WRONLY | constants.O_CREAT | constants[flag]
  // The caller's own bytes may change once the call has returned.
  const copy = Buffer.from(data)
  return withFile(what, path, flags, function* (bytes) {
    const count = yield* bytes.write(copy)
    yield* bytes.flush()
    return count
  })
}

function withFile<T>(
  what: string,
  path: string,
  flagsOf: (backend: Backend) => number,
  work: (bytes: ByteFile) => Work<T>,
): Promise<T> {
  // The stack of each caller would cost a fifth of reading 64 KiB.
  const call = inOneScope(what, 'file', async ({ backend }) => {
    const options = { file: path, flags: flagsOf(backend), mode: 0o666, closefd: true }
    const file = new OpenFile(await openTransport(backend, options, nameOf(path)), nameOf(path))
    const bytes = new ByteFile(file.pump, { bufferSize: undefined, recycles: false })
    file.bytes = bytes
    let value: T
    try {
      value = await file.call(what, () => work(bytes))
    } catch (error) {
      await file.closeForRun()
      throw error
    }
    await file.closeQuietly()
    return value
  })
  return withAwaiter(call)
}
