/** UNIX streams. Connecting and listening succeed or fail inside the call, and are answered after it. */
import { UnsupportedError } from '../../errors.ts'
import type {
  Abandon,
  Answer,
  ListenerTransport,
  StreamTransport,
  UnixListenOptions,
  UnixPath,
} from '../contract/backend.ts'
import { later } from '../shared/later.ts'
import { nameBytes } from './addresses.ts'
import { systemError } from './errors.ts'
import { handleGeneration, handleIndex, type NativeEventLoop } from './event-loop.ts'
import { NativeListener } from './listener.ts'
import { NativeStream } from './stream.ts'

export function connectUnix(loop: NativeEventLoop, path: UnixPath, answer: Answer<StreamTransport>): Abandon {
  return answerSoon(answer, () => {
    requireUnix('connectUnix')
    const handle = opened(loop.binding.connectUnix(nameBytes(path)), 'connect', path)
    return new NativeStream(loop, handleIndex(handle), handleGeneration(handle))
  })
}

export function listenUnix(
  loop: NativeEventLoop,
  { path, mode, backlog }: UnixListenOptions,
  answer: Answer<ListenerTransport>,
): Abandon {
  return answerSoon(answer, () => {
    requireUnix('createUnixServer')
    const handle = opened(loop.binding.listenUnix(nameBytes(path), mode, backlog), 'listen', path)
    return new NativeListener(loop, handleIndex(handle), handleGeneration(handle))
  })
}

/** Opens now, and answers after the running JavaScript. An abandoned result is closed. */
export function answerSoon<T extends { destroy(): void }>(answer: Answer<T>, open: () => T): Abandon {
  let wanted = true
  let made: T | undefined
  let failure: Error | undefined
  try {
    made = open()
  } catch (error) {
    failure = error as Error
  }
  // A body that ended without awaiting the result has abandoned it by then.
  later(() => {
    if (wanted) answer(failure, made)
    else made?.destroy()
  })
  return () => {
    wanted = false
  }
}

/** Returns the handle, or throws its error. */
export function opened(handle: number, syscall: string, path: UnixPath): number {
  if (handle < 0) throw systemError(-handle, syscall, { address: path.toString() })
  return handle
}

export function requireUnix(what: string): void {
  if (process.platform === 'win32')
    throw new UnsupportedError(`${what}: the native backend has no UNIX sockets on this system`)
}
