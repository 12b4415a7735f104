/** The standard streams of a child process: each is a `Stream` with one direction. */
import type { StreamTransport } from '../backends/contract/backend.ts'
import { ClosedResourceError, UnsupportedError } from '../errors.ts'
import { enterOperation, rejected, type RunState } from '../kernel/index.ts'
import { checkSize, READ_SIZE, toBytes } from '../common/bytes.ts'
import { Connection } from '../streams/connection.ts'
import type { Origin } from '../common/origin.ts'
import { PROCESS_STREAM } from '../common/origin.ts'
import { Stream, toParts } from '../streams/stream.ts'

export function openStream(transport: StreamTransport | undefined, run: RunState): Connection | undefined {
  return transport === undefined ? undefined : new Connection(transport, run, ORIGIN)
}

/** The input of a child: it only sends. */
export class ProcessInput extends Stream {
  readonly #connection: Connection

  constructor(connection: Connection) {
    super()
    this.#connection = connection
  }

  override receiveSome(maxBytes: number = READ_SIZE): Promise<Buffer> {
    return refuse('receive', this.#connection, () => checkSize('maxBytes', maxBytes))
  }

  override sendAll(data: Uint8Array | string): Promise<void> {
    try {
      return this.#connection.sender.sendAll(toBytes('data', data))
    } catch (error) {
      return rejected(error)
    }
  }

  override sendMany(list: readonly (Uint8Array | string)[]): Promise<void> {
    try {
      return this.#connection.sender.sendMany(toParts(list))
    } catch (error) {
      return rejected(error)
    }
  }

  override sendEof(): Promise<void> {
    return this.#connection.sender.sendEof()
  }

  override close(): Promise<void> {
    return this.#connection.close()
  }
}

/** The output or error output of a child: it only receives. */
export class ProcessOutput extends Stream {
  readonly #connection: Connection

  constructor(connection: Connection) {
    super(connection.reader)
    this.#connection = connection
  }

  override receiveSome(maxBytes: number = READ_SIZE): Promise<Buffer> {
    try {
      checkSize('maxBytes', maxBytes)
    } catch (error) {
      return rejected(error)
    }
    return this.#connection.reader.receiveSome(maxBytes)
  }

  override sendAll(data: Uint8Array | string): Promise<void> {
    return refuse('sendAll', this.#connection, () => toBytes('data', data))
  }

  override sendEof(): Promise<void> {
    return refuse('sendEof', this.#connection, () => {})
  }

  override close(): Promise<void> {
    return this.#connection.close()
  }
}

const ORIGIN: Origin = {
  kind: PROCESS_STREAM,
  side: 'client',
  // The end of the process closes its streams. Until then, bytes that were sent may take any time.
  closeTimeout: Infinity,
  settings: undefined,
  hostname: undefined,
  standardCompatible: true,
}

/** A call of the direction that a pipe does not have. */
function refuse(what: string, connection: Connection, check: () => unknown): Promise<never> {
  try {
    check()
    enterOperation(what)
    if (connection.closed) throw new ClosedResourceError(`${what}: the stream is closed`)
    throw new UnsupportedError(`${what}: ${connection.transport.remoteAddress as string} goes the other way only`)
  } catch (error) {
    return rejected(error)
  }
}
