/** What the threads of the tests run. The library is imported from source here; `thread-work-built.ts` has the other copy. */
import { fromThread, runAsyncFromThread, TimeoutError } from '../../index.ts'

export function add(a: number, b: number): number {
  return a + b
}

export default function greet(name: string): string {
  return `hello ${name}`
}

export const noFunction = 1

/** Tells that it runs, and then waits, without its event loop, until word 1 is set. */
export function holdUntil(words: Int32Array, value: unknown = 'held'): unknown {
  Atomics.store(words, 0, 1)
  Atomics.notify(words, 0)
  Atomics.wait(words, 1, 0)
  if (value instanceof Error) throw value
  return value
}

/** Computes until it is told that its caller was cancelled; says so in word 2. */
export function spinUntilCancelled(words: Int32Array): void {
  Atomics.store(words, 0, 1)
  Atomics.notify(words, 0)
  try {
    while (Atomics.load(words, 1) === 0) fromThread.checkCancelled()
  } catch (error) {
    Atomics.store(words, 2, 1)
    throw error
  }
}

export function ask(name: string, ...args: unknown[]): unknown {
  return runAsyncFromThread(name, ...args)
}

/** What an error of the host looks like here. */
export function askAndDescribe(name: string, ...args: unknown[]): unknown {
  try {
    return runAsyncFromThread(name, ...args)
  } catch (error) {
    const { name: type, message, code } = error as Error & { code?: unknown }
    return { type, message, code }
  }
}

/** Blocks until word 1 is set, then asks; what comes of it goes into the port. */
export function holdAndAsk(words: Int32Array, port: { postMessage(value: unknown): void }, name: string): void {
  holdUntil(words)
  port.postMessage(askAndDescribe(name))
}

export class RetryLater extends RangeError {
  readonly after = { seconds: 3 }
  readonly retry = (): number => 1
}

export function fail(kind: string): unknown {
  switch (kind) {
    case 'own':
      throw new RetryLater('busy', { cause: new TypeError('inner', { cause: 'deep' }) })
    case 'library':
      throw new TimeoutError('too slow')
    case 'aggregate':
      throw new AggregateError([new RangeError('one'), 2], 'several')
    case 'circle': {
      const error = new Error('round')
      error.cause = new Error('back', { cause: error })
      throw error
    }
    case 'system':
      throw Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT', errno: -2, syscall: 'open', path: 'x' })
    case 'zero':
      throw 0
    case 'undefined':
      throw undefined
    case 'function':
      throw () => 1
    case 'dom':
      throw new DOMException('aborted', 'AbortError')
    default:
      return undefined
  }
}

export function returnFunction(): unknown {
  return () => 1
}

export function exitWith(code: number): never {
  process.exit(code)
}

export function throwFromTimer(): Promise<never> {
  return new Promise(() => {
    setTimeout(() => {
      throw new Error('nobody waits for this')
    }, 0)
  })
}

/** Leaves something behind that kills the thread once `words[1]` is set, when the function has long returned. */
export function leaveBomb(): number {
  setTimeout(() => {
    throw new Error('left behind')
  }, 50)
  return 1
}
