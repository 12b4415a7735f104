/**
 * The `native` backend: the addon behind the contract of `backend.ts`.
 *
 * - `event-loop.ts`: the rings. - `stream.ts`, `listener.ts`: handles. - `connect.ts`, `unix.ts`, `lookup.ts`: what ends in
 *   one answer. - `datagram.ts`, `peers.ts`: datagrams, and whose they are. - `files.ts`: files.
 * - `descriptors.ts`: waiting for descriptors that are not the library's.
 * - `tls-handshake.ts`: TLS on a connection of its own. - `tls-engine.ts`: TLS over any other transport.
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

/** How the native backend is set up (`backendOptions`). */
export interface NativeOptions {
  /**
   * `'nested'` (Linux): the reactor lives inside Node's event loop. `'thread'`: a helper thread wakes it. The default is
   * the first where it works; `STRUCTIO_DRIVER` changes the default.
   */
  driver?: 'nested' | 'thread' | undefined
  /** Name look-ups under way at once, in the whole process: the first native `run` sets it. Default 16. */
  lookupThreads?: number | undefined
  /** File operations under way at once, in the whole process: the first native `run` sets it. Default 40. */
  fileThreads?: number | undefined
  /**
   * Where TLS handshakes are computed. `'reactor'` (default): on the JavaScript thread, where a full one takes some 0.1 ms.
   * `'pool'`: on another thread, at the price of two changes of threads for each; connections over a stream that is not a
   * socket stay on the JavaScript thread.
   */
  tlsHandshakes?: 'reactor' | 'pool' | undefined
}

/** The backend for these options. Throws the load error where no binary loads. */
export function loadNativeBackend(options: NativeOptions = {}): Backend {
  const nested = (options.driver ?? process.env['STRUCTIO_DRIVER']) !== 'thread'
  const onPool = options.tlsHandshakes === 'pool'
  const loop = loops.get(nested) ?? openLoop(nested, options)
  loops.set(nested, loop)
  checkBound('lookupThreads', options.lookupThreads, loop.binding.lookupThreads)
  checkBound('fileThreads', options.fileThreads, loop.binding.fileThreads)
  return new NativeBackend(loop, onPool)
}

/** One for each driver: an event loop's regions and handles live as long as the thread. */
const loops = new Map<boolean, NativeEventLoop>()

function checkBound(name: string, wanted: number | undefined, actual: number): void {
  if (wanted === undefined || wanted === actual) return
  throw new UsageError(`${name} belongs to the process and is ${actual} already: the first native run sets it`)
}

function openLoop(nested: boolean, { lookupThreads, fileThreads }: NativeOptions): NativeEventLoop {
  // libuv's symbols are there in both and end in a crash: their hosts only imitate it.
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
    // Binding does not wait, but an answer never comes inside the call.
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
