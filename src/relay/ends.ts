/** The two ends of a relay, whatever they are: a socket, of which all is known, or a stream of a user's own. */

import type { Connection } from '../streams/connection.ts'
import { READ_SIZE } from '../common/bytes.ts'
import { Some } from '../streams/framing.ts'
import type { Occupant, Reader } from '../streams/reader.ts'
import type { Rest } from '../streams/sender.ts'
import { SocketStream } from '../streams/socket-stream.ts'
import type { Stream } from '../streams/stream.ts'

/** What the copying relay needs of a stream, which it has leased. */
export interface End {
  /** @throws as an operation of the stream would: closed, busy, broken by an earlier write */
  occupy(occupant: Occupant): void
  vacate(): void
  /** Bytes; none at the end of data. */
  receive(): Promise<Buffer>
  /** They are the next ones to be received again. */
  putBack(bytes: Buffer): void
  /** When it fails, `rest.offset` says how much was taken. */
  send(rest: Rest): Promise<void>
  /** Passes on the end of data. */
  finish(): Promise<void>
  /** Passes on that the other connection broke: closing this one must not look like the end of its data. */
  cutShort(): void
}

export function endOf(stream: Stream): End {
  return stream instanceof SocketStream ? new SocketEnd(stream._connection) : new OwnEnd(stream)
}

/** A socket of the library's. */
export class SocketEnd implements End {
  readonly connection: Connection

  constructor(connection: Connection) {
    this.connection = connection
  }

  /** Whether both halves are as they were at first: neither has failed, and nothing has been sent behind the end. */
  get isSound(): boolean {
    const { reader, sender } = this.connection
    return reader.breakage === undefined && !sender.ended
  }

  occupy(occupant: Occupant): void {
    const { reader, sender } = this.connection
    sender.occupy(occupant.what)
    try {
      reader.occupy(occupant)
    } catch (error) {
      sender.vacate()
      throw error
    }
  }

  vacate(): void {
    this.connection.reader.vacate()
    this.connection.sender.vacate()
  }

  receive(): Promise<Buffer> {
    return this.connection.reader.receive(CHUNK, true)
  }

  putBack(bytes: Buffer): void {
    this.connection.reader.putBack(bytes)
  }

  send(rest: Rest): Promise<void> {
    return this.connection.sender.sendRest('relay', rest)
  }

  finish(): Promise<void> {
    return this.connection.sender.finish()
  }

  cutShort(): void {
    this.connection.cutShort()
  }
}

/**
 * A stream of the user's own, through the methods that the user wrote. Its receiving side is the library's and can be
 * leased. Its `sendAll` decides about other senders.
 */
class OwnEnd implements End {
  readonly #stream: Stream
  readonly #reader: Reader

  constructor(stream: Stream) {
    this.#stream = stream
    this.#reader = stream._reader
  }

  occupy(occupant: Occupant): void {
    this.#reader.occupy(occupant)
  }

  vacate(): void {
    this.#reader.vacate()
  }

  receive(): Promise<Buffer> {
    return this.#reader.receive(CHUNK, true)
  }

  putBack(bytes: Buffer): void {
    this.#reader.putBack(bytes)
  }

  async send(rest: Rest): Promise<void> {
    const part = rest.parts[0] as Uint8Array
    await this.#stream.sendAll(part)
    rest.offset = part.length
    rest.moved?.()
  }

  async finish(): Promise<void> {
    await this.#stream.sendEof()
  }

  /** How it is closed, its owner decides. */
  cutShort(): void {}
}

/** A demand holds no bytes: one serves every relay. */
const CHUNK = new Some(READ_SIZE)
