/** Calls of the file system by path. */
import type { Backend, FileSystem } from '../backends/contract/backend.ts'
import { enterOperation, rejected, requireFrame } from '../kernel/index.ts'
import { FileOperation } from './file-operation.ts'

/** A callback of node:fs. */
export type Done<T> = (error: NodeJS.ErrnoException | null, value: T) => void

/**
 * One call as an operation. A cancellation does not interrupt a call that has begun: it takes effect and gives its
 * value, and the next checkpoint raises (GENERAL-8).
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
  /** Cannot be interrupted: see above. */
  protected override onCancel(): void {}
}
