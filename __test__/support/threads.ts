/** Words of shared memory through which a test and a thread tell each other how far they are. */
import { threadTask } from '../../index.ts'

const work = new URL('./thread-work.ts', import.meta.url)

export type Work = typeof import('./thread-work.ts')

export function task<K extends keyof Work>(name: K) {
  return threadTask<Work[K] extends (...args: never[]) => unknown ? Work[K] : never>(work, name)
}

/** Node 20 has it; the compiler's library for ES2022 does not know. */
interface WithWaitAsync {
  waitAsync(words: Int32Array, index: number, value: number): { value: unknown }
}

/** [0]: the thread runs. [1]: it may end. [2]: it was cancelled. */
export class Signals {
  readonly words = new Int32Array(new SharedArrayBuffer(12))

  /** Resolves once the thread runs. */
  async running(): Promise<void> {
    await (Atomics as unknown as WithWaitAsync).waitAsync(this.words, 0, 0).value
  }

  release(): void {
    Atomics.store(this.words, 1, 1)
    Atomics.notify(this.words, 1)
  }

  get cancelled(): boolean {
    return Atomics.load(this.words, 2) === 1
  }
}
