/** An operation of a file or of the file system. */
import { Operation, REAL } from '../kernel/index.ts'

/** `describe` gives `what`. Simulated time stands still while one is pending. */
export abstract class FileOperation<T> extends Operation<T> {
  protected readonly what: string

  constructor(what: string) {
    super()
    this.what = what
  }

  override describe(): string {
    return this.what
  }

  override get waitsFor(): number {
    return REAL
  }
}
