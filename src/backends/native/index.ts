/**
 * The `native` backend: the addon behind the contract of `backend.ts`.
 *
 * - `event-loop.ts`: the rings. `stream.ts`, `listener.ts`: handles.
 * - `connect.ts`, `unix.ts`, `lookup.ts`: requests with one answer.
 * - `datagram.ts`, `peers.ts`: datagrams and their addresses. `files.ts`: files.
 * - `descriptors.ts`: waits for foreign descriptors.
 * - `tls-handshake.ts`: TLS on a connection of the addon. `tls-engine.ts`: TLS over any other transport.
 */
import cluster from 'node:cluster'
import fs from 'node:fs'
import { UsageError } from '../../errors.ts'
import { loadBinding } from '../../native/load.ts'
import type {
  Abandon,
  AddressQuery,
  AddressRecord,
  Answer,
  Backend,
  DatagramTransport,
  FileSource,
  DescriptorWaits,
  FileOpenOptions,
  FileTransport,
  ListenerTransport,
  ProcessTransport,
  NameQuery,
  NameRecord,
  SocketAddress,
  SpawnOptions,
  StreamTransport,
  TcpConnectOptions,
  TcpListenOptions,
  TlsStart,
  UdpOptions,
  UnixDatagramOptions,
  UnixListenOptions,
  UnixPath,
} from '../contract/backend.ts'
import { startEngine } from '../shared/engine-transport.ts'
import { openSource } from '../shared/file-source.ts'
import { connect } from './connect.ts'
import { openUdp, openUnixDatagram } from './datagram.ts'
import { descriptorWaits } from './descriptors.ts'
import { systemError } from './errors.ts'
import { handleGeneration, handleIndex, NativeEventLoop } from './event-loop.ts'
import { openFile } from './files.ts'
import { NativeListener } from './listener.ts'
import { getAddrInfo, getNameInfo, lookup } from './lookup.ts'
import { numericScope } from './scope.ts'
import { forkProgram } from '../shared/fork.ts'
import { spawnProcess } from './process.ts'
import { NativeStream } from './stream.ts'
import { makeNativeEngine } from './tls-engine.ts'
import { startTls } from './tls-handshake.ts'
import { connectUnix, listenUnix } from './unix.ts'

export { explainLoadError } from '../../native/explain.ts'

/** Options of the native backend (`backendOptions`). */
export interface NativeOptions {
  /**
   * `'nested'` (Linux only): the reactor runs inside Node's event loop. `'thread'`: a helper thread wakes it. Default:
   * `'nested'` where it works. The environment variable `STRUCTIO_DRIVER` changes the default.
   */
  driver?: 'nested' | 'thread' | undefined
  /** The most name look-ups at a time in the whole process. The first native `run` sets it. Default 16. */
  lookupThreads?: number | undefined
  /** The most file operations at a time in the whole process. The first native `run` sets it. Default 40. */
  fileThreads?: number | undefined
  /**
   * The thread that computes TLS handshakes. `'reactor'` (default): the JavaScript thread, where a full handshake takes
   * about 0.1 ms. `'pool'`: another thread, at the cost of two changes of threads for each handshake. A handshake over
   * a stream that is not a socket always runs on the JavaScript thread.
   */
  tlsHandshakes?: 'reactor' | 'pool' | undefined
}

/** Returns the backend for these options. Throws the load error if no binary loads. */
export function loadNativeBackend(options: NativeOptions = {}): Backend {
  const nested = (options.driver ?? process.env['STRUCTIO_DRIVER']) !== 'thread'
  const onPool = options.tlsHandshakes === 'pool'
  const loop = loops.get(nested) ?? openLoop(nested, options)
  loops.set(nested, loop)
  checkBound('lookupThreads', options.lookupThreads, loop.binding.lookupThreads)
  checkBound('fileThreads', options.fileThreads, loop.binding.fileThreads)
  return new NativeBackend(loop, onPool)
}

/** One event loop for each driver. Its regions and handles live as long as the thread. */
const loops = new Map<boolean, NativeEventLoop>()

function checkBound(name: string, wanted: number | undefined, actual: number): void {
  if (wanted === undefined || wanted === actual) return
  throw new UsageError(`${name} belongs to the process and is ${actual} already: the first native run sets it`)
}

function openLoop(nested: boolean, { lookupThreads, fileThreads }: NativeOptions): NativeEventLoop {
  // Bun and Deno have libuv's symbols, but only imitate it, and using them crashes.
  const imitated = 'bun' in process.versions || 'deno' in process.versions
  const uv = !imitated && process.env['STRUCTIO_WAKE'] !== 'threadsafe-function'
  return new NativeEventLoop(loadBinding(), { nested: nested && uv, uv, lookupThreads, fileThreads })
}

class NativeBackend implements Backend {
  readonly name = 'native'
  readonly fileSystem = fs
  readonly loop: NativeEventLoop
  readonly descriptors: DescriptorWaits
  readonly #onPool: boolean

  constructor(loop: NativeEventLoop, onPool: boolean) {
    this.loop = loop
    this.descriptors = descriptorWaits(loop)
    this.#onPool = onPool
  }

  settleIo(deliver: () => void): void {
    this.loop.settle(deliver)
  }

  lookup(host: string, family: 0 | 4 | 6, answer: Answer<SocketAddress[]>): Abandon {
    return lookup(this.loop, host, family, answer)
  }

  getAddrInfo(query: AddressQuery, answer: Answer<AddressRecord[]>): Abandon {
    return getAddrInfo(this.loop, query, answer)
  }

  getNameInfo(query: NameQuery, answer: Answer<NameRecord>): Abandon {
    return getNameInfo(this.loop, query, answer)
  }

  connectTcp(options: TcpConnectOptions, answer: Answer<StreamTransport>): Abandon {
    return connect(this.loop, options, answer)
  }

  listenTcp(options: TcpListenOptions, answer: Answer<ListenerTransport>): Abandon {
    let wanted = true
    const { address, port, backlog, noDelay, keepAlive } = options
    const reusePort = options.reusePort ?? cluster.isWorker
    const handle = this.loop.binding.listen(numericScope(address), port, backlog, reusePort, { noDelay, keepAlive })
    // Binding does not wait, but the answer must not come inside the call.
    queueMicrotask(() => {
      if (handle < 0) {
        if (wanted) answer(systemError(-handle, 'listen', { address: address ?? '::', port }))
        return
      }
      if (wanted) answer(undefined, new NativeListener(this.loop, handleIndex(handle), handleGeneration(handle)))
      else this.loop.binding.close(handle, false)
    })
    return () => {
      wanted = false
    }
  }

  connectUnix(path: UnixPath, answer: Answer<StreamTransport>): Abandon {
    return connectUnix(this.loop, path, answer)
  }

  listenUnix(options: UnixListenOptions, answer: Answer<ListenerTransport>): Abandon {
    return listenUnix(this.loop, options, answer)
  }

  openUdp(options: UdpOptions, answer: Answer<DatagramTransport>): Abandon {
    return openUdp(this.loop, options, answer)
  }

  openUnixDatagram(options: UnixDatagramOptions, answer: Answer<DatagramTransport>): Abandon {
    return openUnixDatagram(this.loop, options, answer)
  }

  readonly fork = forkProgram

  spawnProcess(options: SpawnOptions, answer: Answer<ProcessTransport>): void {
    spawnProcess(this.loop, options, answer)
  }

  openFile(options: FileOpenOptions, answer: Answer<FileTransport>): Abandon {
    return openFile(this.loop, options, answer)
  }

  startTls(transport: StreamTransport, start: TlsStart, answer: Answer<StreamTransport>): Abandon {
    if (transport instanceof NativeStream && transport.tls === undefined) {
      return startTls(this.loop, transport, start, this.#onPool, answer)
    }
    return startEngine(transport, start, makeNativeEngine, answer)
  }

  openSource(file: string | Buffer | number, answer: Answer<FileSource>): void {
    openSource(file, answer)
  }
}
