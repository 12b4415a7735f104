/** Calls of the file system that know paths, not files. */
import type { Backend, FileSystem } from '../backends/contract/backend.ts'
import { enterOperation, rejected, requireFrame } from '../kernel/index.ts'
import { FileOperation } from './file-operation.ts'

/** How node:fs answers. */
export type Done<T> = (error: NodeJS.ErrnoException | null, value: T) => void

/**
 * One call, as an operation. It is acknowledged: once begun it takes effect, whatever is cancelled meanwhile, and gives its value;
 * the next checkpoint raises.
 */
export function askFileSystem<T>(what: string, ask: (fs: FileSystem, done: Done<T>) => void): Promise<T> {
  try {
    const { fileSystem } = requireFrame(what).task.run.host as Backend
    const call = new FileSystemCall<T>(what)
    const promise = call.begin(enterOperation(what))
    ask(fileSystem, (error, value) => {
      if (error === null || error === undefined) call.resolve(value)
      else call.reject(error)
    })
    return promise
  } catch (error) {
    return rejected(error)
  }
}

class FileSystemCall<T> extends FileOperation<T> {
  /** Nothing can stop it: see above. */
  protected override onCancel(): void {}
}
